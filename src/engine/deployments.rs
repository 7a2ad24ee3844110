//! What is live where, as clients see it; holds and quarantines; the way of a release from one environment to the next.

use std::collections::{BTreeMap, BTreeSet};

use super::begin::Beginning;
use super::caller::Caller;
use super::gates::places::Spot;
use super::gates::{Changes, Known};
use super::handle::{EngineError, parse};
use super::targets::Targets;
use super::{Engine, clock};
use crate::model::{
    Deployments, Environment, EnvironmentView, PromoteRequest, PromotionView, Quorum, Release, RollbackTarget, RunId,
    ServiceView, Signal, StandingChange, StandingEvent, StandingRequest, Stop, SubjectKind, Timestamp, Values,
};
use crate::policy::access::Action;
use crate::policy::freeze;
use crate::policy::promotion::{Candidate, Missing, can_promote};
use crate::policy::quorum::Deciders;
use crate::policy::release::{rollback_quorum, rollback_target};
use crate::policy::standing::{lift_hold, lift_quarantine};
use crate::store::Batch;

/// Releases of one service that are sent; the store has all.
const SHOWN: usize = 50;

impl Engine {
    /// Every environment that the workspace names or something was deployed to.
    ///
    /// # Errors
    /// When what has baked meanwhile cannot be recorded.
    pub async fn deployments(&self, caller: &Caller) -> Result<Deployments, EngineError> {
        let mut known = self.shared.gates.turn().await;
        let now = clock::now();
        self.settle_baked(&mut known, now).await?;
        let policy = &caller.in_force.policy;
        let deployed = known.spots().map(|spot| spot.environment.clone());
        let names: BTreeSet<String> = policy.environments.keys().cloned().chain(deployed).collect();
        let mut environments: Vec<EnvironmentView> =
            names.into_iter().map(|name| environment_view(&known, policy.environment(&name), caller, now)).collect();
        environments.sort_by(|a, b| (a.tier, &a.name).cmp(&(b.tier, &b.name)));
        Ok(Deployments { environments })
    }

    /// Records releases that have baked by now.
    pub(super) async fn settle_baked(&self, known: &mut Known, now: Timestamp) -> Result<(), EngineError> {
        let baked = known.baked(now);
        if baked.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::default();
        for (spot, event) in baked {
            changes.about_release(&spot, event, &crate::model::Actor::engine());
        }
        self.shared.store.record(changes.batch(known)).await?;
        changes.apply(known);
        Ok(())
    }

    /// Holds an environment, puts an artefact in quarantine, or lifts either.
    ///
    /// # Errors
    /// `Forbidden`; `Refused` without a reason, or when there is nothing to lift.
    pub async fn change_standing(
        &self,
        environment: &str,
        request: StandingRequest,
        caller: &Caller,
    ) -> Result<Deployments, EngineError> {
        let (engine, environment, caller) = (self.clone(), environment.to_owned(), caller.clone());
        let changed = tokio::spawn(async move {
            engine.stop_or_lift(&environment, request, &caller).await?;
            engine.deployments(&caller).await
        });
        changed.await.unwrap_or_else(|error| Err(EngineError::Refused(error.to_string())))
    }

    async fn stop_or_lift(&self, environment: &str, request: StandingRequest, caller: &Caller) -> Result<(), EngineError> {
        let policy = &caller.in_force.policy;
        let described = policy.environment(environment);
        let deciders = Deciders { environment: &described, access: policy.access.as_ref(), engine_uid: caller.engine_uid };
        let mut known = self.shared.gates.turn().await;
        let (now, standing) = (clock::now(), known.standing(environment));
        let refused = |why: &dyn std::fmt::Display| EngineError::Refused(format!("{environment}: {why}"));
        // A stop that somebody misspelt would stop nothing, and they would rely on it.
        let named = policy.environments.is_empty() || policy.environments.contains_key(environment);
        if !named && !known.spots().any(|spot| spot.environment == environment) {
            return Err(refused(&"there is no such environment"));
        }
        let reason = request.reason.trim();
        let stop = || -> Result<Stop, EngineError> {
            // Stopping is open to whoever may bring something here; letting in again is not.
            let approve = Action::Approve { environment: environment.to_owned() };
            caller.may(&Action::Deploy { environment: environment.to_owned() }).or_else(|_| caller.may(&approve))?;
            if reason.is_empty() {
                return Err(refused(&"that needs a reason"));
            }
            Ok(Stop { by: caller.person.name.clone(), at: now, reason: reason.to_owned() })
        };
        let lifted = |lifted: Result<StandingEvent, _>| lifted.map_err(|why| not_lifted(why, &refused));
        let event = match request.change {
            StandingChange::Hold => StandingEvent::Held(stop()?),
            StandingChange::Quarantine { digest } if !digest.trim().is_empty() => {
                StandingEvent::Quarantined { digest: digest.trim().to_owned(), stop: stop()? }
            }
            StandingChange::Quarantine { .. } => return Err(refused(&"name the artefact's digest")),
            StandingChange::LiftHold => lifted(lift_hold(&standing, &deciders, &caller.person, reason, now))?,
            StandingChange::LiftQuarantine { digest } => {
                lifted(lift_quarantine(&standing, digest.trim(), &deciders, &caller.person, reason, now))?
            }
        };
        let mut changes = Changes::default();
        changes.about_standing(environment, event, &caller.actor());
        self.shared.store.record(changes.batch(&known)).await?;
        changes.apply(&mut known);
        drop(known);
        self.shared.hub.signal(Signal::ReleaseChanged { environment: environment.to_owned() });
        self.shared.wake_everybody().await;
        Ok(())
    }

    /// Begins the run that brings the live release of a service to the next environment.
    ///
    /// # Errors
    /// `Refused` with everything that is missing; `Forbidden`.
    pub async fn promote(&self, to: &str, request: PromoteRequest, caller: &Caller) -> Result<RunId, EngineError> {
        let policy = &caller.in_force.policy;
        let described = policy.environment(to);
        let Some(from) = described.promote_from.as_deref() else {
            return Err(EngineError::Refused(format!("{to} names no environment to promote from (`promote_from`)")));
        };
        let release = {
            let known = self.shared.gates.turn().await;
            let there: Vec<&Release> =
                known.spots().filter(|spot| spot.environment == from).filter_map(|spot| known.live(spot)).collect();
            let fits = |release: &&&Release| request.service.as_ref().is_none_or(|service| *service == release.record.service);
            let mut fitting = there.iter().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(one), None) => {
                    let missing = missing(&known, one, &policy.environment(from), to, clock::now());
                    if !missing.is_empty() {
                        let list = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                        let record = &one.record;
                        let message = format!("{} {} may not go to {to}: {list}", record.service, record.version);
                        return Err(EngineError::Refused(message));
                    }
                    Release::clone(one)
                }
                (None, _) => return Err(EngineError::Refused(format!("nothing of that name is live in {from}"))),
                (Some(_), Some(_)) => return Err(EngineError::Refused(format!("{from} has several services: name one"))),
            }
        };
        self.begin_promotion(to, release, request.values, caller).await
    }

    async fn begin_promotion(&self, to: &str, release: Release, values: Values, caller: &Caller) -> Result<RunId, EngineError> {
        let record = release.record;
        let gone = || EngineError::Refused(format!("the run or the pipeline of {} is not in the store any more", record.id));
        let definition = self.shared.store.definition(&record.pipeline_hash).await?.ok_or_else(gone)?;
        let run = self.shared.store.run(&record.run).await?.ok_or_else(gone)?;
        let pipeline = parse(&definition.text, &definition.format)?;
        let fixed = pipeline.stage(record.stage.written()).and_then(|stage| stage.environment.clone());
        if let Some(fixed) = fixed.filter(|fixed| *fixed != to && !crate::language::template::has_template(fixed)) {
            let message = format!("`{}` always deploys to {fixed}: run the pipeline that deploys to {to}", pipeline.id);
            return Err(EngineError::Refused(message));
        }
        let mut targets = Targets::of(Some(to));
        targets.add(&pipeline);
        let actor = caller.may_touch(&targets)?;
        let beginning = Beginning {
            path: run.pipeline.path.clone(),
            workspace: run.workspace.clone(),
            inputs: record.inputs,
            environment_names: run.environment_names.clone(),
            values,
            environment: Some(to.to_owned()),
            timeout_ms: run.timeout_ms,
            actor,
            rerun_of: None,
            edited_from: None,
            renewed_from: None,
            reused: Vec::new(),
            parent: None,
            includes: run.includes,
            modules: Vec::new(),
            rollback: None,
            with: Batch::default(),
            definition,
            pipeline,
        };
        self.begin(RunId::new(clock::now(), clock::random()), beginning).await
    }
}

fn not_lifted(why: crate::policy::standing::NotLifted, refused: &dyn Fn(&dyn std::fmt::Display) -> EngineError) -> EngineError {
    match why {
        crate::policy::standing::NotLifted::NotAllowed(refusal) => EngineError::Forbidden(refusal),
        other => refused(&other),
    }
}

fn environment_view(known: &Known, environment: Environment, caller: &Caller, now: Timestamp) -> EnvironmentView {
    let standing = known.standing(&environment.name);
    let spots = known.spots().filter(|spot| spot.environment == environment.name);
    let services = spots.map(|spot| service_view(known, spot, &environment, caller, now)).collect();
    let frozen = freeze::frozen(&environment, SubjectKind::Deploy, now).map(|frozen| match frozen.until {
        Some(until) => format!("until {until}: {}", frozen.reason),
        None => frozen.reason,
    });
    let lift = Action::Approve { environment: environment.name.clone() };
    EnvironmentView {
        tier: environment.tier,
        protected: environment.protected,
        url: environment.url.clone(),
        hold: standing.hold,
        quarantined: standing.quarantined,
        frozen,
        lock: known.lock(&environment.name).holder.map(|holder| holder.run),
        services,
        glass: known.unreviewed(&environment.name),
        no_standing: caller.may(&lift).err().map(|refusal| refusal.to_string()),
        name: environment.name,
    }
}

fn service_view(known: &Known, spot: &Spot, environment: &Environment, caller: &Caller, now: Timestamp) -> ServiceView {
    let policy = &caller.in_force.policy;
    let deciders = Deciders { environment, access: policy.access.as_ref(), engine_uid: caller.engine_uid };
    let (history, standing) = (known.history(spot), known.standing(&spot.environment));
    let live = known.live(spot);
    let id = live.map(|live| &live.record.id);
    let mut versions = BTreeMap::new();
    let others = history.iter().rev().filter(|release| Some(&release.record.id) != id);
    let targets = others.filter(|release| versions.insert(release.record.version.clone(), ()).is_none()).take(SHOWN);
    let targets: Vec<RollbackTarget> = targets
        .map(|release| {
            let version = &release.record.version;
            RollbackTarget {
                release: release.record.id.clone(),
                version: version.clone(),
                objection: rollback_target(history, id, Some(version), &standing).err().map(|why| why.to_string()),
                quorum: match environment.protected {
                    true => rollback_quorum(history, id, &release.record.id, &caller.person, "a reason", &deciders),
                    false => Quorum::Automatic,
                },
            }
        })
        .collect();
    let action = match environment.protected {
        true => Action::Deploy { environment: environment.name.clone() },
        false => Action::Operate,
    };
    let denied = caller.may(&action).err().map(|refusal| refusal.to_string());
    let nowhere = rollback_target(history, id, None, &standing).err().map(|why| why.to_string());
    let next = policy.environments.values().filter(|next| next.promote_from.as_deref() == Some(&environment.name));
    let promotions = live.map(|live| {
        let to = |next: &Environment| {
            let missing = missing(known, live, environment, &next.name, now);
            PromotionView { to: next.name.clone(), missing: missing.iter().map(ToString::to_string).collect() }
        };
        next.map(to).collect()
    });
    ServiceView {
        service: spot.service.clone(),
        live: id.cloned(),
        releases: history.iter().rev().take(SHOWN).cloned().collect(),
        no_rollback: denied.or_else(|| nowhere.filter(|_| targets.iter().all(|target| target.objection.is_some()))),
        targets,
        promotions: promotions.unwrap_or_default(),
    }
}

/// What is missing for a release to go on to another environment.
fn missing(known: &Known, release: &Release, from: &Environment, to: &str, now: Timestamp) -> Vec<Missing> {
    let standing = known.standing(to);
    let candidate = Candidate {
        from,
        there: Some(release),
        version: &release.record.version,
        artefacts: &release.record.artefacts,
        smoke_tested_at: release.smoke_tested_at,
        healthy_since: release.healthy_since,
        standing: &standing,
    };
    can_promote(&candidate, now).err().unwrap_or_default()
}
