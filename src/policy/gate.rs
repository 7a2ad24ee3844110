//! Requests and the decisions about them: opening, deciding, giving way to a newer one.
//!
//! Whether the stage may start is decided in `start`, again and in the transaction of the start.

mod refused;

use super::quorum::{self, Deciders, RuleTally};
use super::subject;
use crate::model::{
    Answer, Decision, Environment, Evidence, Excluded, Gate, GateEvent, GateFact, GateId, GateStatus, Opening, Person, Quorum,
    Rule, Subject, Timestamp,
};

pub use refused::{Refused, Why};

/// At least so many hex digits of the digest must be given.
pub const SHORTEST_PREFIX: usize = 12;

/// What somebody sends to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub gate: GateId,
    pub generation: u32,
    /// The first hex digits of the subject's digest, at least [`SHORTEST_PREFIX`].
    pub digest: String,
    pub answer: Answer,
    pub reason: String,
}

/// What a generation of a gate begins with.
pub fn opening(
    subject: Subject,
    environment: &Environment,
    rules: Vec<Rule>,
    excluded: Vec<Excluded>,
    quorum: Quorum,
    now: Timestamp,
) -> Opening {
    let digest = subject::digest(&subject);
    Opening {
        subject,
        digest,
        expires_at: now.after(environment.expires),
        quorum,
        rules,
        excluded,
        evidence: Evidence::default(),
    }
}

/// The people who approved the subject as it is now.
pub fn voters(gate: &Gate) -> Vec<&Person> {
    gate.current_decisions().filter(|decision| decision.answer == Answer::Approve).map(|decision| &decision.by).collect()
}

/// The rules of a gate and who fills their places, as far as the decisions go.
pub fn tally(gate: &Gate, deciders: &Deciders<'_>) -> Vec<RuleTally> {
    deciders.tally(gate, &gate.excluded, &voters(gate))
}

/// The rules that still need people.
pub fn open_rules(gate: &Gate, deciders: &Deciders<'_>) -> Vec<RuleTally> {
    tally(gate, deciders).into_iter().filter(|rule| !rule.is_full()).collect()
}

/// A gate's own time: clocks that were set back do not turn it back.
pub fn moment(gate: &Gate, now: Timestamp) -> Timestamp {
    now.max(gate.last_at)
}

/// Takes a decision. What follows is recorded in one transaction, also when it is refused.
pub fn decide(
    gate: &Gate,
    deciders: &Deciders<'_>,
    request: &Request,
    person: &Person,
    now: Timestamp,
) -> Result<Vec<GateEvent>, Refused> {
    let now = moment(gate, now);
    if let Err(why) = allowed(gate, deciders, request, person, now) {
        return Err(Refused::recorded(gate, why, &person.name, now));
    }
    let reason = request.reason.trim().to_owned();
    let decision =
        Decision { generation: gate.generation, at: now, by: person.clone(), answer: request.answer, reason: reason.clone() };
    let mut events = vec![GateFact::Decided { decision }.of(&gate.id, now)];
    match request.answer {
        Answer::Reject => events.push(GateFact::Rejected { reason: format!("{}: {reason}", person.name) }.of(&gate.id, now)),
        Answer::Withdraw => events.push(GateFact::Withdrawn { reason: format!("{}: {reason}", person.name) }.of(&gate.id, now)),
        Answer::Approve => {
            let voters: Vec<&Person> = voters(gate).into_iter().chain([person]).collect();
            if quorum::is_full(&deciders.tally(gate, &gate.excluded, &voters)) {
                events.push(GateFact::Approved.of(&gate.id, now));
            }
        }
    }
    Ok(events)
}

/// Why a person may not give this answer about a gate as it is, whatever reason they give for it.
pub fn objection(gate: &Gate, deciders: &Deciders<'_>, answer: Answer, person: &Person, now: Timestamp) -> Option<Why> {
    let (generation, digest, reason) = (gate.generation, gate.digest.clone(), "any".to_owned());
    let request = Request { gate: gate.id.clone(), generation, digest, answer, reason };
    allowed(gate, deciders, &request, person, moment(gate, now)).err()
}

fn allowed(gate: &Gate, deciders: &Deciders<'_>, request: &Request, person: &Person, now: Timestamp) -> Result<(), Why> {
    if !gate.status.is_open() || (gate.status == GateStatus::Approved && request.answer == Answer::Approve) {
        return Err(Why::Closed { status: gate.status });
    }
    if gate.status == GateStatus::Pending && now >= gate.expires_at {
        return Err(Why::Expired { at: gate.expires_at });
    }
    about_this_subject(gate, deciders, request)?;
    let own = gate.requested_by == person.name;
    if !(own && request.answer == Answer::Withdraw) {
        deciders.may_try(gate, person).map_err(Why::NotAllowed)?;
        if person.service {
            return Err(Why::ServiceAccount);
        }
    }
    if request.reason.trim().is_empty() {
        return Err(Why::NoReason);
    }
    if request.answer == Answer::Withdraw {
        return Ok(());
    }
    if let Some(earlier) = gate.current_decisions().find(|decision| quorum::same(&decision.by, person)) {
        return Err(if earlier.answer == request.answer { Why::Replay } else { Why::AlreadyDecided });
    }
    // Saying no is open to everybody who may decide here; it can only stop things.
    if request.answer == Answer::Approve {
        may_count(gate, deciders, person)?;
    }
    Ok(())
}

/// A decision is about one subject under one policy; for any other it is void.
fn about_this_subject(gate: &Gate, deciders: &Deciders<'_>, request: &Request) -> Result<(), Why> {
    let prefix = request.digest.as_str();
    if prefix.len() < SHORTEST_PREFIX || !prefix.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Why::BadDigest);
    }
    let same = request.gate == gate.id && request.generation == gate.generation && gate.digest.starts_with(prefix);
    let same_policy = gate.subject.environment == deciders.environment.name
        && gate.subject.policy_hash == subject::policy_hash(deciders.environment);
    if same && same_policy { Ok(()) } else { Err(Why::StaleSubject { generation: gate.generation, digest: gate.digest.clone() }) }
}

fn may_count(gate: &Gate, deciders: &Deciders<'_>, person: &Person) -> Result<(), Why> {
    if deciders.counts(gate, person) {
        return Ok(());
    }
    match gate.excluded.iter().find(|excluded| excluded.is(person)) {
        Some(excluded) if deciders.environment.separation => Err(Why::Excluded { part: excluded.part }),
        _ if deciders.environment.separation && person.uid == Some(deciders.engine_uid) => Err(Why::EngineUser),
        _ => Err(Why::NotInARule),
    }
}

/// What an approval does to other requests: older ones for the same environment and service that still wait give way.
pub fn supersede(approved: &Gate, others: &[Gate], now: Timestamp) -> Vec<GateEvent> {
    // A run does not push its own other stages out of the way.
    let related = |other: &Gate| {
        let (one, two) = (&approved.subject.run, &other.subject.run);
        one == two || one.is_below(two) || two.is_below(one)
    };
    let age = |gate: &Gate| (gate.requested_at, gate.id.clone());
    let place = |gate: &Gate| (gate.subject.environment.clone(), gate.subject.service.clone());
    let older = others.iter().filter(|other| {
        other.status == GateStatus::Pending && place(other) == place(approved) && age(other) < age(approved) && !related(other)
    });
    older.map(|other| GateFact::Superseded { by: approved.id.clone() }.of(&other.id, moment(other, now))).collect()
}

/// What the passing of time alone does to a request.
pub fn expire(gate: &Gate, now: Timestamp) -> Option<GateEvent> {
    let now = moment(gate, now);
    (gate.status == GateStatus::Pending && now >= gate.expires_at).then(|| GateFact::Expired.of(&gate.id, now))
}

#[cfg(test)]
mod tests;
