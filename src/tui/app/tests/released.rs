//! What is live where, as the scripted engine has it, and what it would answer about going back.

use std::collections::BTreeMap;

use serde_json::json;

use super::driver::{Driver, at};
use crate::model::digest::sha256_hex;
use crate::model::{
    Deployments, EnvironmentView, PromotionView, Quorum, Release, ReleaseId, ReleaseRecord, ReleaseVerdict, RollbackPlan,
    RollbackTarget, RunId, ServiceView, StageId, Stop, SubjectKind,
};
use crate::tui::backend::{Aim, Reply, Request};
use crate::tui::glyph::Charset;

/// The run whose release failed in production.
pub const FAILED: &str = "1v9r8p0-bbbbb";

impl Driver {
    /// A console with gates that wait, and releases in three environments.
    pub fn released(width: u16, height: u16, charset: Charset) -> Self {
        let mut driver = Self::waiting(width, height, charset);
        driver.deploy(deployments());
        driver
    }

    /// The engine tells that something else is live.
    pub fn deploy(&mut self, deployments: Deployments) {
        self.deployments = deployments;
        self.reply(Reply::Deployments(self.deployments.clone()));
    }

    /// The service of the script, to be changed; `deploy` tells of it.
    pub fn service(&mut self, environment: &str, service: &str) -> &mut ServiceView {
        let services = &mut self.environment(environment).services;
        services.iter_mut().find(|other| other.service == service).expect("a service")
    }

    pub fn environment(&mut self, name: &str) -> &mut EnvironmentView {
        self.deployments.environments.iter_mut().find(|other| other.name == name).expect("an environment")
    }

    /// What was ordered that only a typed confirmation may order.
    pub fn protected(&self) -> Vec<&Request> {
        self.asked.iter().filter(|request| request.is_protected()).collect()
    }
}

pub fn artefact(version: &str) -> String {
    format!("sha256:{}", sha256_hex(version.as_bytes()))
}

pub fn release(environment: &str, service: &str, version: &str, verdict: ReleaseVerdict, run: &str, hours: f64) -> Release {
    let created = at(-3_600.0 * hours);
    let verified = (verdict != ReleaseVerdict::Deploying).then(|| at(60.0 - 3_600.0 * hours));
    Release {
        record: ReleaseRecord {
            id: format!("{environment}-{service}-{version}").as_str().into(),
            environment: environment.to_owned(),
            service: service.to_owned(),
            version: version.to_owned(),
            kind: SubjectKind::Deploy,
            artefacts: [("image".to_owned(), artefact(version))].into(),
            pipeline_hash: sha256_hex(b"pipeline"),
            inputs: json!({"version": version}),
            run: RunId::from_text(run),
            stage: StageId::new("publish"),
            run_created_at: created,
            by: "ada".to_owned(),
            bake: std::time::Duration::ZERO,
            back: None,
        },
        verdict,
        reason: None,
        created_at: created,
        verified_at: verified,
        smoke_tested_at: None,
        healthy_since: None,
        analysis_failed_at: None,
        going_back: None,
        stable_at: verified.filter(|_| matches!(verdict, ReleaseVerdict::Stable | ReleaseVerdict::Superseded)),
    }
}

fn target(release: &Release, quorum: Quorum, objection: Option<&str>) -> RollbackTarget {
    RollbackTarget {
        release: release.record.id.clone(),
        version: release.record.version.clone(),
        objection: objection.map(str::to_owned),
        quorum,
    }
}

pub fn stop(by: &str, reason: &str) -> Stop {
    Stop { by: by.to_owned(), at: at(-7_200.0), reason: reason.to_owned() }
}

fn environment(name: &str, tier: u32, protected: bool, services: Vec<ServiceView>) -> EnvironmentView {
    EnvironmentView {
        name: name.to_owned(),
        tier,
        protected,
        url: Some(format!("https://{name}.example")),
        hold: None,
        quarantined: BTreeMap::new(),
        frozen: None,
        lock: None,
        services,
        glass: Vec::new(),
        no_standing: None,
    }
}

fn service(name: &str, live: usize, releases: Vec<Release>) -> ServiceView {
    let live = releases.get(live).map(|release| release.record.id.clone());
    let (service, targets, promotions) = (name.to_owned(), Vec::new(), Vec::new());
    ServiceView { service, live, releases, targets, no_rollback: None, promotions }
}

fn production() -> Vec<ServiceView> {
    use ReleaseVerdict::{Bad, Deploying, RolledBack, Stable, Superseded};
    let release = |version, verdict, run, hours| release("production", "shop", version, verdict, run, hours);
    let mut shop = service(
        "shop",
        1,
        vec![
            release("1.6.0", Deploying, "1v9r8q0-aaaaa", 0.0),
            release("1.5.0", Bad, FAILED, 1.0),
            release("1.4.2", Superseded, "1v9r8k0-ccccc", 25.0),
            release("1.4.1", Superseded, "1v9r8h0-ggggg", 120.0),
            release("1.4.0", RolledBack, "1v9r8g0-hhhhh", 240.0),
        ],
    );
    shop.releases[1].reason = Some("smoke: GET /cart answered 500 in 3 of 5 attempts".to_owned());
    shop.releases[2].reason = Some("by production-shop-1.5.0".to_owned());
    shop.releases[3].reason = Some("by production-shop-1.4.2".to_owned());
    shop.releases[4].reason = Some("by production-shop-1.4.1: the basket lost items".to_owned());
    shop.releases[3].record.kind = SubjectKind::Rollback;
    shop.targets = vec![
        target(&shop.releases[2], Quorum::OnCall, None),
        target(&shop.releases[3], Quorum::OnCall, None),
        target(&shop.releases[4], Quorum::Rules, Some("its artefact image is in quarantine: the basket lost items")),
    ];
    let mut api = service("api", 0, vec![self::release("production", "api", "2.0.9", Stable, "1v9r8f0-iiiii", 400.0)]);
    api.no_rollback = Some("no release before this one was ever stable".to_owned());
    vec![api, shop]
}

fn staging() -> Vec<ServiceView> {
    use ReleaseVerdict::{Baking, Stable, Superseded};
    let mut shop = service(
        "shop",
        0,
        vec![
            release("staging", "shop", "1.6.1", Baking, "1v9r8s0-ddddd", 0.1),
            release("staging", "shop", "1.6.0", Superseded, "1v9r8k0-ccccc", 26.0),
        ],
    );
    shop.targets = vec![target(&shop.releases[1], Quorum::Rules, None)];
    let missing = ["it bakes until 10:20 UTC", "no smoke test has passed since it was deployed"].map(str::to_owned).to_vec();
    shop.promotions = vec![PromotionView { to: "production".to_owned(), missing }];
    let mut api = service("api", 0, vec![release("staging", "api", "2.1.0", Stable, "1v9r8k0-ccccc", 50.0)]);
    api.promotions = vec![PromotionView { to: "production".to_owned(), missing: Vec::new() }];
    vec![api, shop]
}

/// Staging with an open promotion, production with a bad release and ways back, a canary that is held and frozen.
pub fn deployments() -> Deployments {
    let mut production = environment("production", 2, true, production());
    production.lock = Some(RunId::from_text("1v9r8q0-aaaaa"));
    production.quarantined = [(artefact("1.4.0"), stop("emil", "the basket lost items"))].into();
    let mut canary = environment("canary", 1, true, Vec::new());
    canary.hold = Some(stop("ada", "load test until noon"));
    canary.frozen = Some("until 11-23 06:00 UTC: weekend".to_owned());
    canary.no_standing = Some("dana may not deploy to canary".to_owned());
    // Not in order: the console sorts.
    Deployments { environments: vec![production, canary, environment("staging", 0, false, staging())] }
}

/// What going back would do.
pub fn plan(deployments: &Deployments, aim: &Aim) -> Result<Box<RollbackPlan>, String> {
    let find = || {
        let environment = deployments.environments.iter().find(|other| other.name == aim.environment)?;
        let service = environment.services.iter().find(|other| other.service == aim.service)?;
        let target = service.releases.iter().find(|release| release.record.version == aim.version)?;
        let live: Option<&ReleaseId> = service.live.as_ref();
        let quorum = service.targets.iter().find(|other| other.release == target.record.id)?.quorum;
        Some(RollbackPlan {
            environment: environment.name.clone(),
            service: service.service.clone(),
            protected: environment.protected,
            live: service.releases.iter().find(|release| Some(&release.record.id) == live).cloned(),
            target: target.clone(),
            quorum,
            pipeline: "release".to_owned(),
            stages: vec![StageId::new("publish"), StageId::new("verify")],
            values: vec!["secrets.DEPLOY_TOKEN".to_owned()],
            afterwards: vec![
                format!("{} is held for everything automatic", environment.name),
                format!("image {} of 1.5.0 is in quarantine", artefact("1.5.0")),
            ],
        })
    };
    find().map(Box::new).ok_or_else(|| "no such release".to_owned())
}
