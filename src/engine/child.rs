//! Runs that stages of other runs ask for: begun once, followed to their end, stopped with the stage.
//!
//! Owns the way from a `subpipeline` stage's recorded intent to its outcome. Must not know scheduling or rendering.

use std::sync::Arc;

use tokio::sync::watch;

use super::begin::Beginning;
use super::driver::Mail;
use super::handle::{EngineError, parse};
use super::rollback::Asking;
use super::scheduler::Input;
use super::shared::Shared;
use super::{Engine, targets};
use crate::model::{
    Actor, DEEPEST, Ending, ErrorKind, Include, Outcome, Parent, RollbackRequest, Run, RunId, StageError, Values,
};
use crate::operators::ChildRun;
use crate::store::{Batch, StoreError};

/// How far a stage has been told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    No,
    WithGrace,
    AtOnce,
}

/// A run that one attempt of a stage asked for. The intent is durable.
pub(super) struct Order {
    pub id: RunId,
    pub parent: Parent,
    pub plan: ChildRun,
    /// The asking run's pipeline, and what its references mean.
    pub within: String,
    pub includes: Vec<Include>,
    pub workspace: String,
    pub actor: Actor,
    pub values: Values,
    pub environment_names: Vec<String>,
    pub environment: Option<String>,
    pub timeout_ms: Option<u64>,
    /// Why the run cannot be begun any more; one that has begun is followed all the same.
    pub broken: Option<StageError>,
}

/// Sees an order through to its outcome. `None`: the engine is stopping, and the next one goes on.
pub(super) async fn see_through(shared: Arc<Shared>, order: Order, mut stop: watch::Receiver<Stop>) -> Option<Outcome> {
    let engine = Engine { shared };
    let (id, plan) = (order.id.clone(), order.plan.clone());
    let actor = order.actor.clone();
    let ended = engine.shared.hub.end_of(&id);
    let begun = match engine.known(&id).await {
        Ok(Some(run)) => {
            engine.hand_on(&run, &order.values).await;
            Ok(run.status.is_final())
        }
        Ok(None) if *stop.borrow() != Stop::No => return Some(not_begun()),
        Ok(None) if order.broken.is_some() => return order.broken.map(Outcome::failed),
        Ok(None) => engine.begin_child(order).await.map(|()| false),
        Err(error) => Err(error),
    };
    match begun {
        Err(EngineError::Store(StoreError::Closed)) => return None,
        Err(error) => return Some(Outcome::failed(refusal(&plan, &error))),
        Ok(_) if !plan.waits => return Some(plan.started(&id)),
        Ok(true) => {}
        Ok(false) => {
            let end = async { ended.await.is_ok() };
            tokio::pin!(end);
            loop {
                tokio::select! {
                    known = &mut end => if known { break } else { return None },
                    changed = stop.changed() => {
                        changed.ok()?;
                        let force = *stop.borrow_and_update() == Stop::AtOnce;
                        engine.stop_child(&id, force, &actor).await;
                    }
                }
            }
        }
    }
    let stopped = *stop.borrow() != Stop::No;
    match engine.known(&id).await {
        Ok(Some(run)) => Some(plan.finished(&run, stopped)),
        Ok(None) | Err(EngineError::Store(StoreError::Closed)) => None,
        Err(error) => Some(Outcome::failed(refusal(&plan, &error))),
    }
}

impl Engine {
    /// The run as recorded, if it is.
    async fn known(&self, id: &RunId) -> Result<Option<Run>, EngineError> {
        Ok(self.shared.store.run(id).await?)
    }

    async fn begin_child(&self, order: Order) -> Result<(), EngineError> {
        if let Some(request) = order.plan.rollback.clone() {
            return self.begin_going_back(order, request).await;
        }
        let reference = &order.plan.reference;
        if order.parent.depth > DEEPEST {
            return Err(EngineError::Refused(format!("sub-pipelines are nested more than {DEEPEST} deep")));
        }
        let pinned = order.includes.iter().find(|include| include.within == order.within && include.reference == *reference);
        let Some(pinned) = pinned else {
            let message = "it was not pinned when the run began: write the name out, so that it is known by then";
            return Err(EngineError::InvalidPipeline(message.to_owned()));
        };
        let definition = self.shared.store.definition(&pinned.hash).await?;
        let definition = definition.ok_or_else(|| EngineError::InvalidPipeline("its text is not in the store".to_owned()))?;
        let pipeline = parse(&definition.text, &definition.format)?;
        let is_leaf = !order.includes.iter().any(|include| include.within == pinned.hash);
        let own = pipeline.environment_names().qualified();
        let wanted = |name: &String| !is_leaf || own.contains(name);
        let policy = &self.shared.policy_in_force().await.policy;
        let environment = targets::chosen([order.plan.environment, pipeline.environment.clone(), order.environment], policy)?;
        let beginning = Beginning {
            path: None,
            workspace: order.workspace,
            inputs: order.plan.inputs,
            values: Values(order.values.0.into_iter().filter(|(name, _)| wanted(name)).collect()),
            environment_names: order.environment_names.into_iter().filter(|name| wanted(name)).collect(),
            // What the stage says, what the pipeline is for by itself, what the run above is for.
            environment,
            timeout_ms: order.timeout_ms,
            actor: order.actor,
            rerun_of: None,
            edited_from: None,
            renewed_from: None,
            reused: Vec::new(),
            parent: Some(order.parent),
            includes: if is_leaf { Vec::new() } else { order.includes },
            modules: Vec::new(),
            rollback: None,
            with: Batch::default(),
            definition,
            pipeline,
        };
        self.begin(order.id, beginning).await.map(drop)
    }

    /// A stage goes back to an earlier release.
    async fn begin_going_back(&self, order: Order, request: RollbackRequest) -> Result<(), EngineError> {
        let environment = order.plan.environment.or(order.environment);
        let environment = environment.ok_or_else(|| EngineError::Refused("it names no environment to go back in".to_owned()))?;
        let asking = Asking {
            id: order.id,
            environment,
            request: RollbackRequest { values: order.values, ..request },
            actor: order.actor,
            parent: Some(order.parent),
            timeout: order.timeout_ms.map(std::time::Duration::from_millis),
            automatic: false,
        };
        self.begin_rollback(asking).await.map(drop)
    }

    /// After a crash the values may have come back to the asking run alone.
    async fn hand_on(&self, run: &Run, values: &Values) {
        let wanted = values.0.iter().filter(|(name, _)| run.environment_names.contains(name));
        let values = Values(wanted.map(|(name, value)| (name.clone(), value.clone())).collect());
        if let (Some(mailbox), false) = (self.shared.mailbox(&run.id), values.0.is_empty()) {
            let _ = mailbox.send(Mail::Values { values, by: None }).await;
        }
    }

    /// Passes a stop on. A run that has ended meanwhile needs none.
    async fn stop_child(&self, id: &RunId, force: bool, actor: &Actor) {
        if let Some(mailbox) = self.shared.mailbox(id) {
            let reason = Some("the run that it belongs to is being stopped".to_owned());
            let _ = mailbox.send(Mail::Input(Input::Cancel { actor: actor.clone(), force, reason })).await;
        }
    }
}

fn not_begun() -> Outcome {
    let error = StageError::new(ErrorKind::Cancelled, "cancelled before the other run began");
    Outcome::ended(Ending::Cancelled, error, serde_json::Value::Null)
}

/// Why the run could not begin, as the stage's error.
fn refusal(plan: &ChildRun, error: &EngineError) -> StageError {
    let kind = match error {
        EngineError::InvalidInputs(_) => ErrorKind::Validation,
        EngineError::InvalidPipeline(_) | EngineError::Unsupported(_) | EngineError::InvalidSettings(_) => {
            ErrorKind::Configuration
        }
        EngineError::Refused(_) => ErrorKind::ControlFlow,
        EngineError::Forbidden(_) | EngineError::NoGate(_) | EngineError::Undecided { .. } => ErrorKind::Security,
        EngineError::NoRun(_) | EngineError::Ambiguous { .. } | EngineError::NoStage { .. } | EngineError::Store(_) => {
            ErrorKind::Execution
        }
    };
    StageError::new(kind, format!("`{}` cannot be run: {error}", plan.reference))
}
