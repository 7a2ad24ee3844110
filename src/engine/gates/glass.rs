//! Breaking the glass of a gate: named guards are bypassed for one subject, for a short time, in the open.

use super::record::Changes;
use crate::engine::handle::EngineError;
use crate::engine::{Caller, Engine, clock};
use crate::model::{BreakRequest, Deployments, GateView, GlassEvent, ReviewRequest, Signal};
use crate::policy::break_glass::{NoReview, Request, Whole, break_glass, review};
use crate::policy::quorum::Deciders;

impl Engine {
    /// Breaks the glass of a gate. When it returns that is durable, on record, and told to whoever listens.
    ///
    /// # Errors
    /// A gate that is not there; `Forbidden`, or `Undecided` where the environment or the request does not allow it.
    pub async fn break_glass(&self, gate: &str, request: BreakRequest, caller: &Caller) -> Result<GateView, EngineError> {
        let (engine, gate, caller) = (self.clone(), gate.to_owned(), caller.clone());
        let broken = tokio::spawn(async move {
            engine.shatter(&gate, request, &caller).await?;
            engine.gate(&gate, &caller).await
        });
        broken.await.unwrap_or_else(|error| Err(EngineError::Refused(error.to_string())))
    }

    async fn shatter(&self, gate: &str, request: BreakRequest, caller: &Caller) -> Result<(), EngineError> {
        let mut known = self.shared.gates.turn().await;
        let current = known.find(gate)?.clone();
        let policy = caller.in_force.surely()?;
        let environment = policy.environment(&current.subject.environment);
        let deciders = Deciders { environment: &environment, access: policy.access.as_ref(), engine_uid: caller.engine_uid };
        let BreakRequest { digest, guards, reason, incident } = request;
        let request = Request { digest, guards, reason, incident };
        let glass = break_glass(&current, &deciders, &request, &caller.person, clock::now()).map_err(|why| match why {
            Whole::NotAllowed(refusal) => EngineError::Forbidden(refusal),
            other => EngineError::Undecided { gate: current.id.clone(), code: other.code(), message: other.to_string() },
        })?;
        let mut changes = Changes::default();
        tracing::warn!(gate = %glass.gate, by = glass.by, incident = glass.incident, "the glass was broken");
        let environment = glass.environment.clone();
        changes.about_glass(&current.id, GlassEvent::Broken(glass), &caller.actor());
        self.shared.store.record(changes.batch(&known)).await?;
        changes.apply(&mut known);
        drop(known);
        self.shared.hub.signal(Signal::ReleaseChanged { environment });
        self.shared.tell_gate(&current.id, std::slice::from_ref(&current.subject.run)).await;
        Ok(())
    }

    /// Closes the review that broken glass waits for.
    ///
    /// # Errors
    /// `NoGate` when no glass of that gate waits; `Forbidden`, or `Refused` for who broke it and without a reason.
    pub async fn review_glass(&self, gate: &str, request: ReviewRequest, caller: &Caller) -> Result<Deployments, EngineError> {
        let (engine, gate, caller) = (self.clone(), gate.to_owned(), caller.clone());
        let reviewed = tokio::spawn(async move {
            engine.close_review(&gate, &request, &caller).await?;
            engine.deployments(&caller).await
        });
        reviewed.await.unwrap_or_else(|error| Err(EngineError::Refused(error.to_string())))
    }

    async fn close_review(&self, gate: &str, request: &ReviewRequest, caller: &Caller) -> Result<(), EngineError> {
        let mut known = self.shared.gates.turn().await;
        let glass = known.find_glass(gate).ok_or_else(|| EngineError::NoGate(gate.to_owned()))?.clone();
        let policy = &caller.in_force.policy;
        let environment = policy.environment(&glass.broken.environment);
        let deciders = Deciders { environment: &environment, access: policy.access.as_ref(), engine_uid: caller.engine_uid };
        let event = review(&glass, &deciders, &caller.person, &request.reason, clock::now()).map_err(|why| match why {
            NoReview::NotAllowed(refusal) => EngineError::Forbidden(refusal),
            other => EngineError::Refused(format!("{}: {other}", glass.broken.gate)),
        })?;
        let mut changes = Changes::default();
        changes.about_glass(&glass.broken.gate, event, &caller.actor());
        self.shared.store.record(changes.batch(&known)).await?;
        changes.apply(&mut known);
        drop(known);
        self.shared.hub.signal(Signal::ReleaseChanged { environment: environment.name });
        Ok(())
    }
}
