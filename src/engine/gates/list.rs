//! Gates as clients see them: what is asked, what is open, what stands in the way.

use super::{GATES, Known, read};
use crate::engine::handle::EngineError;
use crate::engine::{Caller, Engine, clock};
use crate::model::{Answer, Gate, GateEvent, GateView, Objection, Opening, Person, Policy, Quorum, RuleView, Timestamp};
use crate::policy::blocker::Blocker;
use crate::policy::break_glass::bypasses;
use crate::policy::gate::{objection, tally};
use crate::policy::quorum::Deciders;
use crate::policy::start::{Facts, blockers};

/// A gate as it is now, for the client of this person.
pub(super) fn viewed(
    gate: &Gate,
    deciders: &Deciders<'_>,
    policy: &Policy,
    known: &Known,
    person: &Person,
    now: Timestamp,
) -> GateView {
    let rules = tally(gate, deciders).into_iter();
    GateView {
        id: gate.id.clone(),
        generation: gate.generation,
        digest: gate.digest.clone(),
        environment: gate.subject.environment.clone(),
        service: gate.subject.service.clone(),
        run_id: gate.subject.run.clone(),
        stage: gate.subject.stage.clone(),
        status: gate.status,
        opened_at: gate.opened_at,
        expires_at: gate.expires_at,
        requested_by: gate.requested_by.clone(),
        rules: rules.map(|rule| RuleView { name: rule.name, min: rule.min, approvals: rule.people }).collect(),
        blockers: in_the_way(gate, deciders, policy, known, now),
        reason: gate.reason.clone(),
        decisions: gate.decisions.clone(),
        objections: objections(gate, deciders, person, now),
        glass: known.glass(&gate.id).filter(|glass| now < glass.until && glass.digest == gate.digest).cloned(),
        evidence: gate.evidence.clone(),
        subject: gate.subject.clone(),
    }
}

fn objections(gate: &Gate, deciders: &Deciders<'_>, person: &Person, now: Timestamp) -> Vec<Objection> {
    if !gate.status.is_open() {
        return Vec::new();
    }
    let why = |answer| objection(gate, deciders, answer, person, now).map(|why| Objection { answer, why: why.to_string() });
    Answer::ALL.into_iter().filter_map(why).collect()
}

fn in_the_way(gate: &Gate, deciders: &Deciders<'_>, policy: &Policy, known: &Known, now: Timestamp) -> Vec<String> {
    if !gate.status.is_open() {
        return Vec::new();
    }
    let opening = Opening {
        subject: gate.subject.clone(),
        digest: gate.digest.clone(),
        expires_at: gate.expires_at,
        quorum: gate.quorum,
        rules: gate.rules.clone(),
        excluded: gate.excluded.clone(),
        evidence: gate.evidence.clone(),
    };
    let lock = known.lock(&gate.subject.environment);
    let automatic = policy.service_accounts.contains(&gate.requested_by) || gate.quorum == Quorum::Automatic;
    let from = deciders.environment.promote_from.as_ref().map(|name| policy.environment(name));
    let version = gate.evidence.version.as_deref();
    let against = known.against_subject(&gate.subject, version, automatic, from.as_ref(), now);
    let bypass = known.glass(&gate.id);
    let facts = Facts { opening: &opening, deciders: *deciders, people: &[], lock: &lock, against: &against, bypass, now };
    let open =
        |blocker: &Blocker| !blocker.guard().is_some_and(|guard| bypass.is_some_and(|glass| bypasses(glass, gate, guard, now)));
    let found = blockers(gate, &facts).into_iter().filter(open);
    // A lock that nobody holds is taken when the stage starts.
    found.filter(|blocker| !matches!(blocker, Blocker::Lock { holder: None })).map(|blocker| blocker.to_string()).collect()
}

impl Engine {
    /// The gates that wait for people, oldest first; with `all`, also those that are over.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn gates(&self, all: bool, caller: &Caller) -> Result<Vec<GateView>, EngineError> {
        let known = self.shared.gates.turn().await;
        let now = clock::now();
        let mut gates: Vec<Gate> = if all {
            folded(&self.shared.store.facts(GATES).await?)?
        } else {
            known.gates.values().map(|stream| stream.state.clone()).filter(|gate| gate.status.is_open()).collect()
        };
        gates.sort_by(|a, b| (a.requested_at, &a.id).cmp(&(b.requested_at, &b.id)));
        Ok(gates.iter().map(|gate| view(gate, caller, &known, now)).collect())
    }

    /// One gate by its name or the beginning of it.
    ///
    /// # Errors
    /// `NoGate`, or `Ambiguous`.
    pub async fn gate(&self, text: &str, caller: &Caller) -> Result<GateView, EngineError> {
        let known = self.shared.gates.turn().await;
        let now = clock::now();
        match known.find(text) {
            Ok(gate) => Ok(view(gate, caller, &known, now)),
            Err(error @ EngineError::Ambiguous { .. }) => Err(error),
            // Of a run that has ended.
            Err(error) => match folded(&self.shared.store.facts(&format!("{GATES}{text}")).await?)?.as_slice() {
                [gate] => Ok(view(gate, caller, &known, now)),
                _ => Err(error),
            },
        }
    }
}

fn view(gate: &Gate, caller: &Caller, known: &Known, now: Timestamp) -> GateView {
    let policy = &caller.in_force.policy;
    let environment = policy.environment(&gate.subject.environment);
    let deciders = Deciders { environment: &environment, access: policy.access.as_ref(), engine_uid: caller.engine_uid };
    viewed(gate, &deciders, policy, known, &caller.person, now)
}

fn folded(facts: &[crate::store::Fact]) -> Result<Vec<Gate>, EngineError> {
    let mut known = Known::default();
    for fact in facts {
        let event: GateEvent = read(fact)?;
        known.apply_gate(&event);
    }
    Ok(known.gates.into_values().map(|stream| stream.state).collect())
}
