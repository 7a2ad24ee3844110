//! What becomes of a stage that comes to its gate: it starts, it waits, or it never starts.
//!
//! Gives changes and does nothing; whoever asked makes them durable while the state is still theirs.

use super::asked::Asked;
use super::record::Changes;
use super::{GateId, Known, Stream};
use crate::model::{Actor, ErrorKind, Gate, GateFact, GateStatus, Lock, LockEvent, Person, RunId, StageError, Timestamp};
use crate::policy::blocker::Blocker;
use crate::policy::lock::{self, Acquire};
use crate::policy::quorum::Deciders;
use crate::policy::start::{Facts, Start, start};

/// The world around a stage at its gate.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub asked: &'a Asked,
    pub deciders: Deciders<'a>,
    /// Whoever voted for it, as the system knows them now.
    pub people: &'a [Person],
    pub now: Timestamp,
}

/// What becomes of the stage. The changes come first.
#[derive(Debug)]
pub enum Passage {
    /// It starts. Its first event and the changes are durable together.
    Go {
        changes: Changes,
    },
    Hold {
        gate: GateId,
        changes: Changes,
        /// When time alone may change something.
        again: Option<Timestamp>,
    },
    Bar {
        error: StageError,
        changes: Changes,
    },
}

impl Known {
    /// The people whose votes a stage's gate has: they are looked up anew before it opens.
    pub fn voters(&self, asked: &Asked) -> Vec<Person> {
        let gate = self.last_of(&asked.run, &asked.gated());
        gate.map(|gate| crate::policy::gate::voters(gate).into_iter().cloned().collect()).unwrap_or_default()
    }

    /// Decides about a stage at its gate; opens one when it has none that speaks of what would start.
    pub fn arrive(&self, arrival: &Arrival<'_>) -> Passage {
        let asked = arrival.asked;
        if let Some(why) = self.doubted.get(&asked.run) {
            return Passage::Bar { error: doubted(asked, why), changes: Changes::default() };
        }
        if self.lets_back(arrival) {
            return Passage::Go { changes: Changes::default() };
        }
        let Some(gate) = self.last_of(&asked.run, &asked.gated()) else { return self.open(arrival, 1) };
        match gate.status {
            GateStatus::Pending | GateStatus::Approved => self.try_start(gate, arrival),
            GateStatus::Started if self.still_stands(gate, arrival) => Passage::Go { changes: Changes::default() },
            // Something else would start than what was approved: that is for people to see.
            GateStatus::Started => self.open(arrival, self.count_of(gate) + 1),
            GateStatus::Rejected | GateStatus::Expired | GateStatus::Withdrawn | GateStatus::Superseded => {
                Passage::Bar { error: barred(gate), changes: Changes::default() }
            }
        }
    }

    /// Whether what was let through once is what would start now, under the same lock.
    fn still_stands(&self, gate: &Gate, arrival: &Arrival<'_>) -> bool {
        let asked = arrival.asked;
        let opening = asked.opening(gate.subject.live_release.clone(), arrival.now);
        opening.digest == gate.digest && self.holds_lock_of(gate, &asked.root)
    }

    /// Whether a family of runs still has the lock under which a stage was let through.
    pub(super) fn holds_lock_of(&self, gate: &Gate, root: &RunId) -> bool {
        let holder = self.lock(&gate.subject.environment).holder;
        holder.is_some_and(|holder| holder.run == *root && Some(holder.fence) == gate.fence)
    }

    fn count_of(&self, gate: &Gate) -> usize {
        let same = |other: &Gate| other.subject.run == gate.subject.run && other.subject.stage == gate.subject.stage;
        self.gates.values().filter(|stream| same(&stream.state)).count()
    }

    fn open(&self, arrival: &Arrival<'_>, number: usize) -> Passage {
        let Arrival { asked, now, .. } = *arrival;
        let opening = Box::new(asked.opening(None, now));
        let id = asked.gate(number);
        let again = Some(opening.expires_at);
        let event = GateFact::Opened { opening, requested_by: asked.requested_by.clone() }.of(&id, now);
        let mut changes = Changes::default();
        if let Some(gate) = Gate::opened(&event) {
            changes.about(&gate, vec![event], &Actor::engine());
        }
        Passage::Hold { gate: id, changes, again }
    }

    fn try_start(&self, gate: &Gate, arrival: &Arrival<'_>) -> Passage {
        let Arrival { asked, deciders, people, now } = *arrival;
        let environment = &gate.subject.environment;
        let mut changes = Changes::default();
        let mut lock = self.lock(environment);
        // Approval first, then the lock, then everything once more.
        if gate.status == GateStatus::Approved {
            let (Acquire::Held { event, .. } | Acquire::Waiting { event, .. }) = lock::acquire(&lock, &asked.root, now);
            if let Some(event) = event {
                lock.apply(&event);
                changes.locks.push((environment.clone(), event));
            }
        }
        let seen = seen_by(&lock, asked);
        let opening = asked.opening(gate.subject.live_release.clone(), now);
        let facts = Facts { opening: &opening, deciders, people, lock: &seen, against: &[], bypass: None, now };
        match start(gate, &facts) {
            Start::Go { event, .. } => {
                changes.about(gate, vec![event], &Actor::engine());
                Passage::Go { changes }
            }
            Start::Renew { event } => {
                self.give_way(&mut changes, environment, asked, now);
                changes.about(gate, vec![event], &Actor::engine());
                let again = now.after(deciders.environment.expires);
                Passage::Hold { gate: gate.id.clone(), changes, again: Some(again) }
            }
            Start::Wait { blockers } => {
                // Nobody holds a lock while waiting for something else.
                if blockers.iter().any(|blocker| !matches!(blocker, Blocker::Lock { .. })) {
                    self.give_way(&mut changes, environment, asked, now);
                }
                let again = moments(gate, &blockers, deciders.environment.valid).into_iter().filter(|at| *at > now).min();
                Passage::Hold { gate: gate.id.clone(), changes, again }
            }
            Start::Refuse(refused) => {
                let mut changes = Changes::default();
                self.give_way(&mut changes, environment, asked, now);
                let mut after = gate.clone();
                refused.events.iter().for_each(|event| after.apply(event));
                changes.about(gate, refused.events, &Actor::engine());
                Passage::Bar { error: barred(&after), changes }
            }
        }
    }

    /// A stage that waits for people again, or for a freeze to end, leaves the queue for the lock, and gives it back where
    /// nothing of its family has started under it.
    fn give_way(&self, changes: &mut Changes, environment: &str, asked: &Asked, now: Timestamp) {
        changes.locks.clear();
        let lock = self.lock(environment);
        let fence = lock.holder.as_ref().filter(|holder| holder.run == asked.root).map(|holder| holder.fence);
        let used = self.gates.values().any(|stream| stream.state.fence.is_some() && stream.state.fence == fence);
        let released = fence.filter(|_| !used).and_then(|fence| lock::release(&lock, &asked.root, fence, now).ok());
        let events = released.unwrap_or_default().into_iter().chain(lock::leave(&lock, &asked.root));
        changes.locks.extend(events.map(|event| (environment.to_owned(), event)));
    }
}

/// The lock as the policy sees it: a run holds what the run above it holds.
fn seen_by(lock: &Lock, asked: &Asked) -> Lock {
    let mut seen = lock.clone();
    if let Some(holder) = seen.holder.as_mut().filter(|holder| holder.run == asked.root) {
        holder.run = asked.run.clone();
    }
    seen
}

/// When time alone changes something about a gate.
fn moments(gate: &Gate, blockers: &[Blocker], valid: std::time::Duration) -> Vec<Timestamp> {
    let expires = (gate.status == GateStatus::Pending).then_some(gate.expires_at);
    let lapses = gate.approved_at.map(|at| at.after(valid));
    let thaws = blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Frozen(frozen) => frozen.until,
        _ => None,
    });
    expires.into_iter().chain(lapses).chain(thaws).collect()
}

/// Nothing that was decided can be relied on.
fn doubted(asked: &Asked, why: &str) -> StageError {
    let message = format!("the store is not what its audit chain says, so no decision in it counts: {why}");
    StageError::new(ErrorKind::Security, message).with_details(serde_json::json!({"gate": asked.gate(1), "status": "doubted"}))
}

/// Why a stage never starts, as its error.
fn barred(gate: &Gate) -> StageError {
    let why = gate.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let message = format!("the request to start in {} is {}{why}", gate.subject.environment, gate.status.as_str());
    let details = serde_json::json!({"gate": gate.id, "status": gate.status.as_str()});
    StageError::new(ErrorKind::Security, message).with_details(details)
}

impl Known {
    /// What the end of a run changes: nobody needs to answer for it any more; with the last run of a family its locks go to
    /// whoever waits. Gives those as well.
    pub fn end_of(&self, run: &RunId, root: Option<&RunId>, now: Timestamp) -> (Changes, Vec<RunId>) {
        let mut changes = Changes::default();
        for gate in self.gates.values().map(|stream| &stream.state) {
            if gate.subject.run == *run && gate.status.is_open() {
                let event = GateFact::Withdrawn { reason: "the run ended".to_owned() }.of(&gate.id, now);
                changes.about(gate, vec![event], &Actor::engine());
            }
        }
        let mut next = Vec::new();
        let Some(root) = root else { return (changes, next) };
        for (environment, Stream { state: lock, .. }) in &self.locks {
            let fence = lock.holder.as_ref().filter(|holder| holder.run == *root).map(|holder| holder.fence);
            let released = fence.and_then(|fence| lock::release(lock, root, fence, now).ok()).unwrap_or_default();
            let events = released.into_iter().chain(lock::leave(lock, root));
            for event in events {
                if let LockEvent::Acquired { run, .. } = &event {
                    next.push(run.clone());
                }
                changes.locks.push((environment.clone(), event));
            }
        }
        (changes, next)
    }
}

impl Known {
    /// Locks that are held by, or kept for, runs that are not there any more: whatever ended them could not say so.
    pub(super) fn of_nobody(&self, unfinished: &[RunId]) -> Changes {
        let is_there = |root: &RunId| unfinished.iter().any(|run| run == root || run.is_below(root));
        let mut changes = Changes::default();
        for (environment, Stream { state: lock, .. }) in &self.locks {
            let mut lock = lock.clone();
            let mut events: Vec<LockEvent> =
                lock.waiting.iter().filter(|root| !is_there(root)).map(|root| LockEvent::Left { run: root.clone() }).collect();
            events.iter().for_each(|event| lock.apply(event));
            if let Some(holder) = lock.holder.clone().filter(|holder| !is_there(&holder.run)) {
                let released = lock::release(&lock, &holder.run, holder.fence, crate::engine::clock::now());
                events.extend(released.unwrap_or_default());
            }
            changes.locks.extend(events.into_iter().map(|event| (environment.clone(), event)));
        }
        changes
    }
}
