//! Whether a gated stage may start: everything is looked at again, in the transaction that records the start.

use super::blocker::Blocker;
use super::break_glass::bypasses;
use super::freeze;
use super::gate::{self, Refused, Why};
use super::quorum::{Deciders, is_full};
use super::subject;
use crate::model::{BreakGlass, Gate, GateEvent, GateFact, GateStatus, Guard, Lock, Opening, Person, Timestamp};

/// The world as it is at the start.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What a generation that began now would be: subject, exclusions, the pipeline's rules.
    pub opening: &'a Opening,
    pub deciders: Deciders<'a>,
    /// The approvers as the system knows them now. Who is missing is known no longer.
    pub people: &'a [Person],
    pub lock: &'a Lock,
    /// Holds, quarantines and whatever else others found against it.
    pub against: &'a [Blocker],
    pub bypass: Option<&'a BreakGlass>,
    pub now: Timestamp,
}

/// What to do with the stage.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// Record the event and start, with the token of the lock.
    Go {
        fence: u64,
        event: GateEvent,
    },
    /// Record the event and wait: people must decide again.
    Renew {
        event: GateEvent,
    },
    Wait {
        blockers: Vec<Blocker>,
    },
    /// It never starts.
    Refuse(Refused),
}

/// Decides about the start of a gated stage.
pub fn start(gate: &Gate, facts: &Facts<'_>) -> Start {
    let now = gate::moment(gate, facts.now);
    if !gate.status.is_open() {
        return Start::Refuse(Refused { why: Why::Closed { status: gate.status }, events: Vec::new() });
    }
    if let Some(event) = gate::expire(gate, now) {
        return Start::Refuse(Refused { why: Why::Expired { at: gate.expires_at }, events: vec![event] });
    }
    let bypassed = |guard: Guard| facts.bypass.is_some_and(|glass| bypasses(glass, gate, guard, now));
    if let Some(reason) = changed(gate, facts).or_else(|| lapsed(gate, facts, now, &bypassed)) {
        return Start::Renew { event: renewal(gate, facts, reason, now) };
    }
    let found = blockers(gate, facts);
    let (let_through, blockers): (Vec<_>, Vec<_>) = found.into_iter().partition(|blocker| blocker.guard().is_some_and(&bypassed));
    let decided = gate.status == GateStatus::Approved || bypassed(Guard::Quorum);
    let fence = match &facts.lock.holder {
        Some(holder) if blockers.is_empty() && decided => holder.fence,
        Some(_) | None => return Start::Wait { blockers },
    };
    let mut used: Vec<Guard> = let_through.iter().filter_map(Blocker::guard).collect();
    used.sort_unstable();
    used.dedup();
    Start::Go { fence, event: GateFact::Started { fence, bypassed: used }.of(&gate.id, now) }
}

/// Whether a stage that was let through once may go through again, for another attempt or another stage of the same request:
/// the same subject, voters who may still vote, and nothing new against it.
///
/// # Errors
/// What has changed, in words.
pub fn repeats(gate: &Gate, facts: &Facts<'_>) -> Result<(), String> {
    let now = gate::moment(gate, facts.now);
    if let Some(reason) = changed(gate, facts) {
        return Err(reason);
    }
    let bypassed = |guard: Guard| facts.bypass.is_some_and(|glass| bypasses(glass, gate, guard, now));
    // It was started in time; from then on only people and freezes count.
    let started_now = Gate { status: GateStatus::Approved, ..gate.clone() };
    let in_time = Facts { now: gate.approved_at.unwrap_or(facts.now), ..*facts };
    let people = lapsed(&started_now, &in_time, in_time.now, &bypassed);
    let frozen = lapsed_by_freeze(&started_now, facts, now, &bypassed);
    if let Some(reason) = people.or(frozen) {
        return Err(reason);
    }
    match facts.against.iter().find(|blocker| !blocker.guard().is_some_and(&bypassed)) {
        Some(blocker) => Err(blocker.to_string()),
        None => Ok(()),
    }
}

/// Everything that is open, in the order in which people can do something about it.
pub fn blockers(gate: &Gate, facts: &Facts<'_>) -> Vec<Blocker> {
    let now = gate::moment(gate, facts.now);
    let mut blockers = Vec::new();
    if gate.status == GateStatus::Pending {
        blockers.extend(gate::tally(gate, &facts.deciders).into_iter().filter(|rule| !rule.is_full()).map(Blocker::Rule));
    }
    blockers.extend(freeze::frozen(facts.deciders.environment, gate.subject.kind, now).map(Blocker::Frozen));
    blockers.extend(facts.against.iter().cloned());
    let holder = facts.lock.holder.as_ref().map(|holder| &holder.run);
    if holder != Some(&gate.subject.run) {
        blockers.push(Blocker::Lock { holder: holder.cloned() });
    }
    blockers
}

/// How what would start differs from what was asked for.
fn changed(gate: &Gate, facts: &Facts<'_>) -> Option<String> {
    let opening = facts.opening;
    if subject::digest(&opening.subject) != gate.digest {
        let fields = subject::differences(&gate.subject, &opening.subject);
        return Some(format!("changed since the request: {}", fields.join(", ")));
    }
    // Whoever calls hands in the policy twice; both must be the one that was asked about.
    if subject::policy_hash(facts.deciders.environment) != gate.subject.policy_hash {
        return Some("changed since the request: the environment's rules".to_owned());
    }
    (opening.rules != gate.rules || opening.quorum != gate.quorum).then(|| "the rules of the pipeline changed".to_owned())
}

/// Why an approval no longer holds.
fn lapsed(gate: &Gate, facts: &Facts<'_>, now: Timestamp, bypassed: &dyn Fn(Guard) -> bool) -> Option<String> {
    if gate.status != GateStatus::Approved {
        return None;
    }
    let approved_at = gate.approved_at.unwrap_or(Timestamp(i64::MIN));
    let environment = facts.deciders.environment;
    if !bypassed(Guard::Quorum) {
        if now >= approved_at.after(environment.valid) {
            return Some(format!("it was not started within {} s of its approval", environment.valid.as_secs()));
        }
        let now_known: Vec<&Person> = gate::voters(gate).into_iter().filter_map(|voter| known(voter, facts.people)).collect();
        let tally = facts.deciders.tally(gate, &facts.opening.excluded, &now_known);
        if !is_full(&tally) {
            let open: Vec<&str> = tally.iter().filter(|rule| !rule.is_full()).map(|rule| rule.name.as_str()).collect();
            return Some(format!("who approved may no longer do so; open rules: {}", open.join(", ")));
        }
    }
    lapsed_by_freeze(gate, facts, now, bypassed)
}

/// A freeze that began after the approval is news: who approved in a freeze knew of it.
fn lapsed_by_freeze(gate: &Gate, facts: &Facts<'_>, now: Timestamp, bypassed: &dyn Fn(Guard) -> bool) -> Option<String> {
    let environment = facts.deciders.environment;
    let approved_at = gate.approved_at.unwrap_or(Timestamp(i64::MIN));
    let frozen = freeze::frozen(environment, gate.subject.kind, now)?;
    let news = !bypassed(Guard::Freeze) && freeze::frozen(environment, gate.subject.kind, approved_at).is_none();
    news.then(|| format!("a freeze began after the approval: {}", frozen.reason))
}

/// A voter as the system knows them now: still the same name and user.
fn known<'a>(voter: &Person, people: &'a [Person]) -> Option<&'a Person> {
    people.iter().find(|person| person.name == voter.name && person.uid == voter.uid)
}

fn renewal(gate: &Gate, facts: &Facts<'_>, reason: String, now: Timestamp) -> GateEvent {
    let expires_at = now.after(facts.deciders.environment.expires);
    let subject = facts.opening.subject.clone();
    let opening = Opening { digest: subject::digest(&subject), subject, expires_at, ..facts.opening.clone() };
    GateFact::Renewed { generation: gate.generation.saturating_add(1), reason, opening: Box::new(opening) }.of(&gate.id, now)
}

#[cfg(test)]
mod tests;
