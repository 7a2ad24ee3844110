//! Going back to an earlier release: which one, with which pipeline, and the run that does it.
//!
//! Owns the way from a request to a run that carries what it goes back from and to. Whether that run may start is decided at
//! its gate, like everything else that acts in an environment. Must not know who asks: a person, a stage, or a failed analysis.

mod recipe;

use std::sync::Arc;
use std::time::Duration;

use super::begin::Beginning;
use super::caller::Caller;
use super::gates::places::Spot;
use super::gates::{Changes, Known};
use super::handle::EngineError;
use super::{Engine, clock};
use crate::model::{
    Actor, Environment, GoingBack, Parent, Quorum, Release, ReleaseFact, ReleaseId, RollbackPlan, RollbackRequest, RunId, Values,
};
use crate::policy::access::Action;
use crate::policy::analysis::Verdict;
use crate::policy::quorum::Deciders;
use crate::policy::release::{rollback_quorum, rollback_target};
use crate::policy::rollback::{Finding, Place, auto_rollback};
use recipe::Recipe;

/// A rollback on its way to a run.
pub(super) struct Asking {
    pub id: RunId,
    pub environment: String,
    pub request: RollbackRequest,
    pub actor: Actor,
    pub parent: Option<Parent>,
    pub timeout: Option<Duration>,
    /// Nobody asked; an analysis failed.
    pub automatic: bool,
}

/// Where it goes.
struct Way {
    spot: Spot,
    live: Option<Release>,
    target: Release,
}

impl Engine {
    /// What a rollback would do.
    ///
    /// # Errors
    /// `Refused` when there is nothing to go back to, or no way.
    pub async fn rollback_plan(
        &self,
        environment: &str,
        service: Option<&str>,
        to: Option<&str>,
        caller: &Caller,
    ) -> Result<RollbackPlan, EngineError> {
        let policy = &caller.in_force.policy;
        let described = policy.environment(environment);
        let (way, quorum) = {
            let mut known = self.shared.gates.turn().await;
            self.settle_baked(&mut known, clock::now()).await?;
            let way = way(&known, environment, service, to)?;
            let deciders = Deciders { environment: &described, access: policy.access.as_ref(), engine_uid: caller.engine_uid };
            let live = way.live.as_ref().map(|live| &live.record.id);
            let history = known.history(&way.spot);
            let quorum = rollback_quorum(history, live, &way.target.record.id, &caller.person, "a reason", &deciders);
            (way, quorum)
        };
        let recipe = self.recipe(&described, &way).await?;
        let known_way = self.shared.gates.turn().await.has_deployed_with(&way.spot, &recipe.pipeline.hash);
        let quorum = if known_way { quorum } else { Quorum::Rules };
        Ok(RollbackPlan {
            environment: environment.to_owned(),
            service: way.spot.service.clone(),
            protected: described.protected,
            quorum: if described.protected { quorum } else { Quorum::Automatic },
            pipeline: recipe.pipeline.id.clone(),
            stages: recipe.runs,
            values: recipe.names,
            afterwards: afterwards(environment, &way),
            live: way.live,
            target: way.target,
        })
    }

    /// Begins a rollback. When this returns, its run is durable.
    ///
    /// # Errors
    /// `Forbidden`; `Refused` when there is nothing to go back to, no reason, or another release is live than was looked at.
    pub async fn roll_back(&self, environment: &str, request: RollbackRequest, caller: &Caller) -> Result<RunId, EngineError> {
        let protected = caller.in_force.policy.environment(environment).protected;
        let action = if protected { Action::Deploy { environment: environment.to_owned() } } else { Action::Operate };
        caller.may(&action)?;
        let asking = Asking {
            id: RunId::new(clock::now(), clock::random()),
            environment: environment.to_owned(),
            request,
            actor: caller.actor(),
            parent: None,
            timeout: None,
            automatic: false,
        };
        // In a task of its own: a client that goes away must not leave the state behind what is durable.
        let engine = self.clone();
        let begun = tokio::spawn(async move { engine.begin_rollback(asking).await });
        begun.await.unwrap_or_else(|error| Err(EngineError::Refused(error.to_string())))
    }

    pub(super) async fn begin_rollback(&self, asking: Asking) -> Result<RunId, EngineError> {
        let Asking { id, environment, request, actor, parent, timeout, automatic } = asking;
        let reason = request.reason.trim().to_owned();
        if reason.is_empty() {
            return Err(EngineError::Refused("a rollback needs a reason".to_owned()));
        }
        let in_force = self.shared.policy_in_force().await;
        let described = in_force.policy.environment(&environment);
        let mut known = self.shared.gates.turn().await;
        self.settle_baked(&mut known, clock::now()).await?;
        let way = way(&known, &environment, request.service.as_deref(), request.to.as_deref())?;
        let live = way.live.as_ref().map(|live| live.record.id.clone());
        if request.live.is_some() && request.live != live {
            return Err(EngineError::Refused("another release is live by now: look again".to_owned()));
        }
        if let Some(run) = under_way(&known, &way, self) {
            return Err(EngineError::Refused(format!("run {run} goes back from it already")));
        }
        let recipe = self.recipe(&described, &way).await?;
        let back = GoingBack {
            environment: environment.clone(),
            service: way.spot.service.clone(),
            from: live.clone(),
            to: way.target.record.id.clone(),
            reason,
            automatic,
        };
        let mut changes = Changes::default();
        if let Some(from) = &live {
            let event = ReleaseFact::GoingBack { run: id.clone() }.of(from, clock::now());
            changes.about_release(&way.spot, event, &actor);
        }
        let with = changes.batch(&known);
        let beginning = beginning(recipe, request.values, back, actor, parent, timeout, with, self);
        let begun = self.begin(id, beginning).await?;
        changes.apply(&mut known);
        drop(known);
        self.shared.hub.signal(crate::model::Signal::ReleaseChanged { environment });
        Ok(begun)
    }

    /// A release that is live failed an analysis: goes back by itself where the policy allows that, and says why not otherwise.
    pub(super) fn go_back_by_itself(&self, release: ReleaseId) {
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(why) = engine.try_to_go_back(&release).await {
                tracing::error!(%release, %why, "the analysis failed, and going back is left to people");
            }
        });
    }

    async fn try_to_go_back(&self, release: &ReleaseId) -> Result<(), String> {
        let asking = {
            let known = self.shared.gates.turn().await;
            let (spot, failed) = known.release(release).ok_or("the release is not there")?;
            let standing = known.standing(&spot.environment);
            let mut lock = known.lock(&spot.environment);
            // What the run above holds, the run holds.
            if let Some(holder) = lock.holder.as_mut().filter(|holder| failed.record.run.is_below(&holder.run)) {
                holder.run = failed.record.run.clone();
            }
            let live = known.live(spot).map(|live| &live.record.id);
            let at = failed.analysis_failed_at.unwrap_or(failed.created_at);
            let finding = Finding { verdict: Verdict::Failed, release: failed, at };
            let place = Place { history: known.history(spot), live, standing: &standing, lock: &lock };
            let target = auto_rollback(&finding, &place, clock::now()).map_err(|why| why.to_string())?;
            Asking {
                id: RunId::new(clock::now(), clock::random()),
                environment: spot.environment.clone(),
                request: RollbackRequest {
                    service: Some(spot.service.clone()),
                    to: Some(target.record.version.clone()),
                    reason: format!(
                        "the analysis of {} failed: {}",
                        failed.record.version,
                        failed.reason.as_deref().unwrap_or("")
                    ),
                    live: Some(release.clone()),
                    values: Values::default(),
                },
                actor: Actor::engine(),
                parent: None,
                timeout: None,
                automatic: true,
            }
        };
        self.begin_rollback(asking).await.map(drop).map_err(|error| error.to_string())
    }

    /// After a start: what was found bad before the engine died is gone back from now.
    pub(super) async fn resume_going_back(&self) {
        let failed: Vec<ReleaseId> = {
            let known = self.shared.gates.turn().await;
            let live = known.spots().filter_map(|spot| known.live(spot));
            let left = live.filter(|release| release.analysis_failed_at.is_some() && release.going_back.is_none());
            left.map(|release| release.record.id.clone()).collect()
        };
        failed.into_iter().for_each(|release| self.go_back_by_itself(release));
    }
}

#[expect(clippy::too_many_arguments, reason = "each is another part of what a run begins with")]
fn beginning(
    recipe: Recipe,
    values: Values,
    back: GoingBack,
    actor: Actor,
    parent: Option<Parent>,
    timeout: Option<Duration>,
    with: crate::store::Batch,
    engine: &Engine,
) -> Beginning {
    let wanted = |(name, _): &(String, String)| recipe.names.contains(name);
    Beginning {
        path: recipe.path,
        workspace: recipe.workspace.unwrap_or_else(|| engine.shared.paths.workspace().display().to_string()),
        inputs: recipe.inputs,
        values: Values(values.0.into_iter().filter(wanted).collect()),
        environment: recipe.environment,
        environment_names: recipe.names,
        timeout_ms: timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
        actor,
        rerun_of: None,
        edited_from: None,
        renewed_from: None,
        reused: recipe.reused,
        parent,
        includes: recipe.includes,
        modules: Vec::new(),
        definition: recipe.definition,
        pipeline: Arc::unwrap_or_clone(recipe.pipeline),
        rollback: Some(Box::new(back)),
        with,
    }
}

/// The run that goes back from what is live, while it has not ended.
fn under_way(known: &Known, way: &Way, engine: &Engine) -> Option<RunId> {
    let run = known.live(&way.spot)?.going_back.clone()?;
    engine.shared.mailbox(&run).map(|_| run)
}

fn way(known: &Known, environment: &str, service: Option<&str>, to: Option<&str>) -> Result<Way, EngineError> {
    let there: Vec<&Spot> = known.spots().filter(|spot| spot.environment == environment).collect();
    let named = || there.iter().map(|spot| spot.service.as_str()).collect::<Vec<_>>().join(", ");
    let spot = match (service, there.as_slice()) {
        (_, []) => return Err(EngineError::Refused(format!("nothing was ever deployed to {environment}"))),
        (None, [one]) => (*one).clone(),
        (None, _) => return Err(EngineError::Refused(format!("{environment} has several services, name one: {}", named()))),
        (Some(service), _) => match there.iter().find(|spot| spot.service == service) {
            Some(spot) => (*spot).clone(),
            None => return Err(EngineError::Refused(format!("{environment} has no service {service}; it has {}", named()))),
        },
    };
    let history = known.history(&spot);
    let live = known.live(&spot).cloned();
    let id = live.as_ref().map(|live| &live.record.id);
    let target = rollback_target(history, id, to, &known.standing(environment))
        .cloned()
        .map_err(|why| EngineError::Refused(format!("{} in {environment} has nothing to go back to: {why}", spot.service)))?;
    Ok(Way { spot, live, target })
}

/// What is stopped when the rollback is done, in words.
fn afterwards(environment: &str, way: &Way) -> Vec<String> {
    let held = format!("{environment} is held: nothing deploys there by itself");
    let shared = |digest: &&String| way.target.record.artefacts.values().any(|kept| kept == *digest);
    let bad = way.live.iter().flat_map(|live| live.record.artefacts.values()).filter(|digest| !shared(digest));
    [held].into_iter().chain(bad.map(|digest| format!("{digest} is in quarantine in {environment}"))).collect()
}

/// The environment's own pipeline for going back, if it names one.
fn own_pipeline(environment: &Environment) -> Option<&str> {
    environment.rollback.as_deref().filter(|name| !name.is_empty())
}
