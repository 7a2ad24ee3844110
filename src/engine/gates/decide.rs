//! Decisions of people: checked by policy, durable with their audit record, and only then told to the runs that wait.

use super::Known;
use super::list::viewed;
use super::record::Changes;
use crate::engine::driver::Mail;
use crate::engine::handle::EngineError;
use crate::engine::shared::Shared;
use crate::engine::{Caller, Engine, clock};
use crate::model::{Actor, Decided, Gate, GateId, GateStatus, GateView, RunId, Signal, Timestamp};
use crate::policy::gate::{self, Request};
use crate::policy::quorum::Deciders;

impl Engine {
    /// Takes a decision about a gate. When it returns, the decision is durable and on record; so is a refusal.
    ///
    /// # Errors
    /// A gate that is not there, `Undecided` when policy does not let this decision count, a broken workspace file.
    pub async fn decide(&self, gate: &str, decided: Decided, caller: &Caller) -> Result<GateView, EngineError> {
        // In a task of its own: a client that goes away must not leave the state behind what is durable.
        let (engine, gate, caller) = (self.clone(), gate.to_owned(), caller.clone());
        let taken = tokio::spawn(async move { engine.take(&gate, decided, &caller).await });
        taken.await.unwrap_or_else(|error| Err(EngineError::Refused(error.to_string())))
    }

    async fn take(&self, gate: &str, decided: Decided, caller: &Caller) -> Result<GateView, EngineError> {
        let gates = &self.shared.gates;
        let mut known = gates.turn().await;
        let current = known.find(gate)?.clone();
        let policy = caller.in_force.surely()?;
        let environment = policy.environment(&current.subject.environment);
        let deciders = Deciders { environment: &environment, access: policy.access.as_ref(), engine_uid: caller.engine_uid };
        let request = Request {
            gate: current.id.clone(),
            generation: decided.generation.unwrap_or(current.generation),
            digest: decided.digest,
            answer: decided.answer,
            reason: decided.reason,
        };
        let (now, actor) = (clock::now(), caller.actor());
        let (events, refusal) = match gate::decide(&current, &deciders, &request, &caller.person, now) {
            Ok(events) => (events, None),
            Err(refused) => (refused.events, Some(refused.why)),
        };
        let mut changes = Changes::default();
        let mut after = current.clone();
        events.iter().for_each(|event| after.apply(event));
        changes.about(&current, events, &actor);
        let mut touched = vec![current.subject.run.clone()];
        if after.status == GateStatus::Approved {
            touched.extend(known.supersede(&after, &mut changes, &actor, now));
        }
        self.shared.store.record(changes.batch(&known)).await?;
        changes.apply(&mut known);
        let view = viewed(&after, &deciders, policy, &known, &caller.person, now);
        drop(known);
        // Also after a refusal: a request that the rules have moved away from is renewed by its run.
        self.shared.tell_gate(&after.id, &touched).await;
        match refusal {
            None => Ok(view),
            Some(why) => Err(EngineError::Undecided { gate: after.id, code: why.code(), message: why.to_string() }),
        }
    }
}

impl Known {
    /// The gate of this name, or of the only name that begins like this.
    pub(super) fn find(&self, text: &str) -> Result<&Gate, EngineError> {
        if let Some(stream) = self.gates.get(text) {
            return Ok(&stream.state);
        }
        let fits: Vec<&Gate> =
            self.gates.values().map(|stream| &stream.state).filter(|gate| gate.id.as_str().starts_with(text)).collect();
        match fits.as_slice() {
            [one] => Ok(one),
            [] => Err(EngineError::NoGate(text.to_owned())),
            several => Err(EngineError::Ambiguous {
                text: text.to_owned(),
                candidates: several.iter().map(|gate| gate.id.to_string()).collect(),
            }),
        }
    }

    /// Older requests for the same place give way to one that was approved; gives the runs that wait for them.
    fn supersede(&self, approved: &Gate, changes: &mut Changes, actor: &Actor, now: Timestamp) -> Vec<RunId> {
        let others: Vec<Gate> = self.gates.values().map(|stream| stream.state.clone()).collect();
        let events = gate::supersede(approved, &others, now);
        let given_way = |id: &GateId| others.iter().find(|gate| gate.id == *id);
        let mut runs = Vec::new();
        for event in events {
            if let Some(other) = given_way(&event.gate) {
                runs.push(other.subject.run.clone());
                changes.about(other, vec![event], actor);
            }
        }
        runs
    }
}

impl Shared {
    /// Tells whoever listens that a gate has changed, and the runs that wait.
    pub(in crate::engine) async fn tell_gate(&self, gate: &GateId, runs: &[RunId]) {
        self.hub.signal(Signal::GateChanged { gate: gate.clone() });
        for run in runs {
            if let Some(mailbox) = self.mailbox(run) {
                // A run that has ended meanwhile waits for nothing.
                let _ = mailbox.send(Mail::GateMoved).await;
            }
        }
    }
}
