//! Gates that wait, and the audit chain, as the scripted engine has them.

use std::collections::BTreeSet;

use serde_json::json;

use super::driver::{Driver, Script, at};
use crate::model::audit::action;
use crate::model::digest::sha256_hex;
use crate::model::{
    Actor, Answer, AuditHead, AuditQuery, AuditRecord, AuditVerdict, Change, Decision, EventKind, Evidence, GateStatus, GateView,
    NewRecord, Objection, Person, Proof, RuleView, RunId, Shown, StageId, Subject, SubjectKind, Timestamp, Whoami, audit,
};
use crate::tui::app::tests::driver::START;
use crate::tui::backend::{Reply, Request};
use crate::tui::glyph::Charset;

/// The run that waits for the person at the keys.
pub const RUN: &str = "1v9r8s0-ddddd";
/// The identity of the store that the chain is of.
const STORE: &str = "a test";

impl Driver {
    /// A console with three requests that wait, one of them for the person at the keys, and some hundred audit records.
    pub fn waiting(width: u16, height: u16, charset: Charset) -> Self {
        let mut driver = Self::new(width, height, charset);
        driver.runs.insert(0, release().run());
        driver.reply(Reply::Runs(driver.runs.iter().map(crate::model::Run::summary).collect()));
        driver.audit = chain(450);
        driver.reply(Reply::Me(Box::new(dana())));
        driver.wait_at(gates());
        driver
    }

    /// The engine tells of other gates.
    pub fn wait_at(&mut self, gates: Vec<GateView>) {
        self.gates = gates;
        self.reply(Reply::Gates(self.gates.clone()));
    }

    /// The terminal has taken the picture, if the core waits for that; then some time goes by.
    pub fn see(&mut self) {
        if self.app.waits_to_be_seen() {
            self.send(crate::tui::message::Message::Seen);
        }
        self.pass(400);
    }

    pub fn pass(&mut self, millis: i64) {
        self.now = Timestamp(self.now.0 + millis);
    }

    /// Types as fingers do.
    pub fn type_slowly(&mut self, text: &str) {
        for c in text.chars() {
            self.pass(60);
            self.type_text(c.encode_utf8(&mut [0; 4]));
        }
    }

    /// Presses keys as fingers do.
    pub fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.pass(60);
            self.keys(key);
        }
    }

    pub fn decisions(&self) -> Vec<&Request> {
        self.asked.iter().filter(|request| matches!(request, Request::Decide { .. })).collect()
    }
}

/// A run whose last stage waits at a gate.
pub fn release() -> Script {
    let stages: &[(&str, &str, &[&str])] =
        &[("build", "shell", &[]), ("smoke", "shell", &["build"]), ("publish", "shell", &["smoke"])];
    Script::new(RUN, "release", stages, at(10.0))
        .start("build", 1, at(10.1))
        .ok("build", 1, at(22.0), json!({"image": "shop:1.5.0"}))
        .start("smoke", 1, at(22.1))
        .ok("smoke", 1, at(29.5), json!({"passed": 31}))
        .happens(
            at(30.0),
            EventKind::StageHeld { stage: StageId::new("publish"), gate: format!("{RUN}.publish").as_str().into() },
        )
}

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), uid: None, groups: BTreeSet::new(), service: false }
}

fn dana() -> Whoami {
    Whoami {
        person: person("dana"),
        proof: Proof::PeerCredentials,
        pid: None,
        socket: "engine.sock".to_owned(),
        engine_user: "deploy".to_owned(),
        policy: "0".repeat(64),
        policy_problem: None,
        may: Vec::new(),
    }
}

/// A request for production that waits for one person of the release rule.
pub fn mine() -> GateView {
    let mut gate = gate(RUN, "publish", "production", 30.0);
    gate.service = Some("shop".to_owned());
    gate.generation = 2;
    gate.reason = Some("the live release has changed".to_owned());
    gate.subject.live_release = Some("shop-1.4.2".into());
    gate.subject.artefacts = [("image".to_owned(), format!("sha256:{}", sha256_hex(b"image")))].into();
    gate.subject.upstream = [(StageId::new("smoke"), sha256_hex(b"smoke"))].into();
    let said = |generation, name, seconds, reason: &str| Decision {
        generation,
        at: at(seconds),
        by: person(name),
        answer: Answer::Approve,
        reason: reason.to_owned(),
    };
    gate.decisions = vec![said(1, "frida", 31.0, "looks good"), said(2, "emil", 50.0, "staging was quiet all night")];
    let rule = |name: &str, approvals: &[&str]| RuleView {
        name: name.to_owned(),
        min: 1,
        approvals: approvals.iter().map(|name| (*name).to_owned()).collect(),
    };
    gate.rules = vec![rule("release", &[]), rule("security", &["emil"])];
    gate.blockers = vec!["rule release: 0 of 1 approved".to_owned()];
    gate.evidence = evidence();
    gate
}

/// What the pipeline asks and shows, and how the candidate differs from what is live.
fn evidence() -> Evidence {
    let change = |what: &str, before: Option<&str>, after: Option<&str>| Change {
        what: what.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let shown = |name: &str, value: &str| Shown { name: name.to_owned(), value: value.to_owned() };
    Evidence {
        message: Some("Does the basket still add up? Look at the smoke test before you say yes.".to_owned()),
        version: Some("1.5.0".to_owned()),
        live_version: Some("1.4.2".to_owned()),
        changes: vec![
            change("version", Some("1.4.2"), Some("1.5.0")),
            change("input replicas", Some("2"), Some("4")),
            change("input region", None, Some("eu-west")),
            change("pipeline", Some("a: 1\nkept: 2\n"), Some("a: 3\nkept: 2\n")),
            change("artefact image", None, None),
        ],
        shown: vec![shown("smoke.passed", "31"), shown("smoke.report", "all green\np95 41 ms")],
    }
}

/// Oldest first, as the engine lists them.
pub fn gates() -> Vec<GateView> {
    let mut own = gate("1v9r8q0-aaaaa", "*", "production", 20.0);
    own.requested_by = "dana".to_owned();
    own.objections = vec![
        Objection { answer: Answer::Approve, why: "who started the run does not approve it".to_owned() },
        Objection { answer: Answer::Reject, why: "dana may not decide here".to_owned() },
    ];
    let mut approved = gate("1v9r8p0-bbbbb", "deploy-staging", "staging", 40.0);
    approved.status = GateStatus::Approved;
    approved.blockers = vec!["run 1v9r8q0-aaaaa holds the environment's lock".to_owned()];
    approved.objections = vec![Objection { answer: Answer::Approve, why: "the request is approved already".to_owned() }];
    vec![own, mine(), approved]
}

pub fn gate(run: &str, stage: &str, environment: &str, opened: f64) -> GateView {
    let subject = Subject {
        environment: environment.to_owned(),
        service: None,
        kind: SubjectKind::Deploy,
        run: RunId::from_text(run),
        stage: StageId::new(stage),
        pipeline_digest: sha256_hex(b"pipeline"),
        artefacts: [].into(),
        inputs_hash: sha256_hex(b"inputs"),
        upstream: [].into(),
        live_release: None,
        policy_hash: sha256_hex(b"policy"),
    };
    GateView {
        id: format!("{run}.{stage}").as_str().into(),
        generation: 1,
        digest: sha256_hex(run.as_bytes()),
        environment: environment.to_owned(),
        service: None,
        run_id: subject.run.clone(),
        stage: subject.stage.clone(),
        status: GateStatus::Pending,
        opened_at: at(opened),
        expires_at: at(opened + 14_400.0),
        requested_by: "ada".to_owned(),
        rules: vec![RuleView { name: "release".to_owned(), min: 1, approvals: Vec::new() }],
        blockers: Vec::new(),
        reason: None,
        decisions: Vec::new(),
        objections: Vec::new(),
        glass: None,
        evidence: Evidence::default(),
        subject,
    }
}

/// A whole chain of so many records.
fn chain(length: u64) -> Vec<AuditRecord> {
    let mut head = AuditHead::start(STORE);
    let mut chain = Vec::new();
    for n in 1..=length {
        let (action, subject) = match n % 10 {
            0 => (action::GATE_OPENED, format!("gate/{RUN}.publish")),
            5 => (action::GATE_REFUSED, format!("gate/{RUN}.publish")),
            3 => (action::ENGINE_STARTED, "engine".to_owned()),
            _ => (action::RUN_CREATED, format!("run/1v9r8q0-{n:05}")),
        };
        let name = if n % 3 == 0 { "dana" } else { "ada" };
        let actor = Actor { name: name.to_owned(), uid: Some(1_000), proof: Proof::PeerCredentials };
        let body = json!({"environment": "production", "pipeline": {"name": "release", "hash": sha256_hex(b"pipeline")}});
        let time = Timestamp(START.0 - 60_000 * i64::try_from(length - n).expect("small"));
        let record = AuditRecord::after(&head, NewRecord { at: time, actor, action: action.to_owned(), subject, body });
        head = AuditHead::from(&record);
        chain.push(record);
    }
    chain
}

/// A page as the store gives it.
pub fn page(chain: &[AuditRecord], query: &AuditQuery) -> Vec<AuditRecord> {
    let fits = |record: &&AuditRecord| {
        let family = query.action.as_ref().is_none_or(|action| record.action.starts_with(&format!("{action}.")));
        family && query.before.is_none_or(|before| record.seq < before) && query.after.is_none_or(|after| record.seq > after)
    };
    let limit = query.limit.unwrap_or(100) as usize;
    let found = chain.iter().filter(fits).cloned();
    if query.after.is_some() { found.take(limit).collect() } else { found.rev().take(limit).collect() }
}

pub fn verdict(chain: &[AuditRecord]) -> AuditVerdict {
    audit::verify(chain.iter().cloned().map(Ok), Some(STORE), &[]).into()
}
