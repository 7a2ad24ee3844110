//! What is recorded together: facts about gates and locks with the audit records that belong to them.

use serde_json::{Value, json};

use super::places::{GLASSES, STANDINGS};
use super::{GATES, Known, LOCKS, Spot, written};
use crate::engine::clock;
use crate::model::audit::action;
use crate::model::digest::{canonical, sha256_hex};
use crate::model::{
    Actor, Gate, GateEvent, GateFact, GateId, GlassEvent, LockEvent, NewRecord, ReleaseEvent, ReleaseFact, RunId, StandingEvent,
    Timestamp,
};
use crate::store::{Batch, Expected, NewFact};

/// Changes that are decided and not yet durable.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub gates: Vec<GateEvent>,
    /// With the environment.
    pub locks: Vec<(String, LockEvent)>,
    pub releases: Vec<(Spot, ReleaseEvent)>,
    /// With the environment.
    pub standings: Vec<(String, StandingEvent)>,
    pub glasses: Vec<(GateId, GlassEvent)>,
    pub audit: Vec<NewRecord>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        let Self { gates, locks, releases, standings, glasses, audit } = self;
        let none = gates.is_empty() && locks.is_empty() && releases.is_empty();
        none && standings.is_empty() && glasses.is_empty() && audit.is_empty()
    }

    /// Takes events of one gate, with who caused them on record.
    pub fn about(&mut self, gate: &Gate, events: Vec<GateEvent>, actor: &Actor) {
        for event in events {
            self.audit.push(record_of(gate, &event, actor));
            self.gates.push(event);
        }
    }

    /// Takes events of one spot's releases, with who caused them on record.
    pub fn about_release(&mut self, spot: &Spot, event: ReleaseEvent, actor: &Actor) {
        self.audit.push(release_record(spot, &event, actor));
        self.releases.push((spot.clone(), event));
    }

    /// Takes a stop of an environment, or its end, with who caused it on record.
    pub fn about_standing(&mut self, environment: &str, event: StandingEvent, actor: &Actor) {
        self.audit.push(standing_record(environment, &event, actor));
        self.standings.push((environment.to_owned(), event));
    }

    /// Takes what happened to the glass of a gate, with who did it on record.
    pub fn about_glass(&mut self, gate: &GateId, event: GlassEvent, actor: &Actor) {
        let (at, action, mut body) = match &event {
            GlassEvent::Broken(glass) => (
                glass.at,
                action::GLASS_BROKEN,
                json!({
                    "environment": glass.environment, "digest": glass.digest, "guards": glass.guards, "reason": glass.reason,
                    "incident": glass.incident, "until": glass.until,
                }),
            ),
            GlassEvent::Reviewed(review) => (review.at, action::GLASS_REVIEWED, json!({"reason": review.reason})),
        };
        body["fact"] = json!(hash_of(&event));
        let (action, subject) = (action.to_owned(), format!("{GLASSES}{gate}"));
        self.audit.push(NewRecord { at, actor: actor.clone(), action, subject, body });
        self.glasses.push((gate.clone(), event));
    }

    /// What is decided further, on top of this.
    pub fn extend(&mut self, more: Self) {
        self.gates.extend(more.gates);
        self.locks.extend(more.locks);
        self.releases.extend(more.releases);
        self.standings.extend(more.standings);
        self.glasses.extend(more.glasses);
        self.audit.extend(more.audit);
    }

    /// Environments in which something became of releases or stops.
    pub fn environments(&self) -> std::collections::BTreeSet<String> {
        let spots = self.releases.iter().map(|(spot, _)| spot.environment.clone());
        spots.chain(self.standings.iter().map(|(environment, _)| environment.clone())).collect()
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
        for (spot, event) in &self.releases {
            let length = known.places.get(spot).map_or(0, |stream| stream.length);
            add(&mut batch, spot.stream(), length, event.at, written(event));
        }
        for (environment, event) in &self.standings {
            let length = known.standings.get(environment).map_or(0, |stream| stream.length);
            add(&mut batch, format!("{STANDINGS}{environment}"), length, clock::now(), written(event));
        }
        for (gate, event) in &self.glasses {
            let length = known.glasses.get(gate).map_or(0, |stream| stream.length);
            add(&mut batch, format!("{GLASSES}{gate}"), length, clock::now(), written(event));
        }
        batch
    }

    /// After they are durable.
    pub fn apply(self, known: &mut Known) {
        self.gates.iter().for_each(|event| known.apply_gate(event));
        self.locks.iter().for_each(|(environment, event)| known.apply_lock(environment, event));
        self.releases.iter().for_each(|(spot, event)| known.apply_release(spot, event));
        self.standings.iter().for_each(|(environment, event)| known.apply_standing(environment, event));
        self.glasses.iter().for_each(|(gate, event)| known.apply_glass(gate, event));
    }
}

fn add(batch: &mut Batch, stream: String, length: u64, at: Timestamp, body: Value) {
    expect(batch, &stream, length);
    batch.facts.push(NewFact { stream, at, body });
}

/// Binds a recorded fact to the chain: one that was edited in the store no longer fits.
fn hash_of<T: serde::Serialize>(fact: &T) -> String {
    sha256_hex(canonical(&written(fact)).as_bytes())
}

fn release_record(spot: &Spot, event: &ReleaseEvent, actor: &Actor) -> NewRecord {
    let (action, mut body) = match &event.fact {
        ReleaseFact::Created(record) => (
            action::RELEASE_CREATED,
            json!({
                "version": record.version, "kind": record.kind, "artefacts": record.artefacts, "run": record.run,
                "stage": record.stage, "pipeline": record.pipeline_hash, "back": record.back,
            }),
        ),
        ReleaseFact::Verified => (action::RELEASE_VERIFIED, json!({})),
        ReleaseFact::Stable => (action::RELEASE_STABLE, json!({})),
        ReleaseFact::Bad { reason, analysis } => (action::RELEASE_BAD, json!({"reason": reason, "analysis": analysis})),
        ReleaseFact::Superseded { by } => (action::RELEASE_SUPERSEDED, json!({"by": by})),
        ReleaseFact::RolledBack { by, reason } => (action::RELEASE_ROLLED_BACK, json!({"by": by, "reason": reason})),
        ReleaseFact::SmokeTested => (action::RELEASE_CHECKED, json!({"check": "smoke-test"})),
        ReleaseFact::Healthy => (action::RELEASE_CHECKED, json!({"check": "health", "healthy": true})),
        ReleaseFact::Unhealthy => (action::RELEASE_CHECKED, json!({"check": "health", "healthy": false})),
        ReleaseFact::GoingBack { run } => (action::RELEASE_GOING_BACK, json!({"run": run})),
    };
    body["fact"] = json!(hash_of(event));
    body["release"] = json!(event.release);
    body["environment"] = json!(spot.environment);
    body["service"] = json!(spot.service);
    NewRecord { at: event.at, actor: actor.clone(), action: action.to_owned(), subject: spot.stream(), body }
}

fn standing_record(environment: &str, event: &StandingEvent, actor: &Actor) -> NewRecord {
    let (action, digest, stop) = match event {
        StandingEvent::Held(stop) => (action::ENVIRONMENT_HELD, None, stop),
        StandingEvent::HoldLifted(stop) => (action::ENVIRONMENT_HOLD_LIFTED, None, stop),
        StandingEvent::Quarantined { digest, stop } => (action::ARTEFACT_QUARANTINED, Some(digest), stop),
        StandingEvent::QuarantineLifted { digest, stop } => (action::ARTEFACT_QUARANTINE_LIFTED, Some(digest), stop),
    };
    let body = json!({"fact": hash_of(event), "environment": environment, "artefact": digest, "reason": stop.reason});
    let subject = format!("{STANDINGS}{environment}");
    NewRecord { at: stop.at, actor: actor.clone(), action: action.to_owned(), subject, body }
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
