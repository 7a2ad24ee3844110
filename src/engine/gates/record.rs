//! What is recorded together: facts about gates and locks with the audit records that belong to them.

use serde_json::{Value, json};

use super::{GATES, Known, LOCKS, written};
use crate::engine::clock;
use crate::model::audit::action;
use crate::model::digest::{canonical, sha256_hex};
use crate::model::{Actor, Gate, GateEvent, GateFact, LockEvent, NewRecord, RunId};
use crate::store::{Batch, Expected, NewFact};

/// Changes that are decided and not yet durable.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub gates: Vec<GateEvent>,
    /// With the environment.
    pub locks: Vec<(String, LockEvent)>,
    pub audit: Vec<NewRecord>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.gates.is_empty() && self.locks.is_empty()
    }

    /// Takes events of one gate, with who caused them on record.
    pub fn about(&mut self, gate: &Gate, events: Vec<GateEvent>, actor: &Actor) {
        for event in events {
            self.audit.push(record_of(gate, &event, actor));
            self.gates.push(event);
        }
    }

    /// Others that a lock is handed to.
    pub fn next_holders(&self, but: &RunId) -> Vec<RunId> {
        let holders = self.locks.iter().filter_map(|(_, event)| match event {
            LockEvent::Acquired { run, .. } if run != but => Some(run.clone()),
            _ => None,
        });
        holders.collect()
    }

    /// As facts for a transaction that fails when anybody was faster.
    pub fn batch(&self, known: &Known) -> Batch {
        let mut batch = Batch { audit: self.audit.clone(), ..Batch::default() };
        for event in &self.gates {
            let stream = format!("{GATES}{}", event.gate);
            let length = known.gates.get(&event.gate).map_or(0, |stream| stream.length);
            expect(&mut batch, &stream, length);
            batch.facts.push(NewFact { stream, at: event.at, body: written(event) });
        }
        for (environment, event) in &self.locks {
            let stream = format!("{LOCKS}{environment}");
            let length = known.locks.get(environment).map_or(0, |stream| stream.length);
            expect(&mut batch, &stream, length);
            batch.facts.push(NewFact { stream, at: clock::now(), body: written(event) });
        }
        batch
    }

    /// After they are durable.
    pub fn apply(self, known: &mut Known) {
        self.gates.iter().for_each(|event| known.apply_gate(event));
        self.locks.iter().for_each(|(environment, event)| known.apply_lock(environment, event));
    }
}

fn expect(batch: &mut Batch, stream: &str, length: u64) {
    if !batch.expected.iter().any(|expected| expected.stream == stream) {
        batch.expected.push(Expected { stream: stream.to_owned(), length });
    }
}

fn record_of(gate: &Gate, event: &GateEvent, actor: &Actor) -> NewRecord {
    let (action, detail) = match &event.fact {
        GateFact::Opened { opening, requested_by } => (
            action::GATE_OPENED,
            json!({"requested_by": requested_by, "digest": opening.digest, "expires_at": opening.expires_at}),
        ),
        GateFact::Decided { decision } => {
            (action::GATE_DECIDED, json!({"answer": decision.answer, "reason": decision.reason, "groups": decision.by.groups}))
        }
        GateFact::Refused { by, code, message } => (action::GATE_REFUSED, json!({"by": by, "code": code, "message": message})),
        GateFact::Approved => (action::GATE_APPROVED, json!({})),
        GateFact::Rejected { reason } => (action::GATE_REJECTED, json!({"reason": reason})),
        GateFact::Expired => (action::GATE_EXPIRED, json!({})),
        GateFact::Withdrawn { reason } => (action::GATE_WITHDRAWN, json!({"reason": reason})),
        GateFact::Superseded { by } => (action::GATE_SUPERSEDED, json!({"by": by})),
        GateFact::Renewed { generation, reason, opening } => {
            (action::GATE_RENEWED, json!({"generation": generation, "reason": reason, "digest": opening.digest}))
        }
        GateFact::Started { fence, bypassed } => (action::GATE_STARTED, json!({"fence": fence, "bypassed": bypassed})),
    };
    NewRecord {
        at: event.at,
        actor: actor.clone(),
        action: action.to_owned(),
        subject: format!("gate/{}", event.gate),
        body: body(gate, event, detail),
    }
}

/// The facts of the moment, with what they are about. The hash binds the recorded fact itself to the chain: a gate that was
/// edited in the store no longer fits.
fn body(gate: &Gate, event: &GateEvent, mut detail: Value) -> Value {
    for (key, value) in [
        ("fact", json!(sha256_hex(canonical(&written(event)).as_bytes()))),
        ("environment", json!(gate.subject.environment)),
        ("service", json!(gate.subject.service)),
        ("run", json!(gate.subject.run)),
        ("stage", json!(gate.subject.stage)),
    ] {
        detail[key] = value;
    }
    if detail.get("digest").is_none() {
        detail["digest"] = json!(gate.digest);
    }
    if detail.get("generation").is_none() {
        detail["generation"] = json!(gate.generation);
    }
    detail
}
