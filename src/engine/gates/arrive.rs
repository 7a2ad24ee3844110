//! What becomes of a stage that comes to its gate: it starts, it waits, or it never starts.
//!
//! Gives changes and does nothing; whoever asked makes them durable while the state is still theirs.

use super::asked::Asked;
use super::record::Changes;
use super::{GateId, Known};
use crate::model::{
    Actor, ErrorKind, Gate, GateFact, GateStatus, Guard, Holder, Lock, Opening, Person, Quorum, StageError, Timestamp,
};
use crate::policy::blocker::Blocker;
use crate::policy::break_glass::bypasses;
use crate::policy::lock::{self, Acquire};
use crate::policy::promotion::Missing;
use crate::policy::quorum::Deciders;
use crate::policy::start::{Facts, Start, repeats, start};

/// The world around a stage at its gate.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub asked: &'a Asked,
    pub deciders: Deciders<'a>,
    /// Whoever voted for it, and whoever asked for it, as the system knows them now.
    pub people: &'a [Person],
    /// Whoever started the run, where that is a person of this system.
    pub requester: Option<&'a Person>,
    pub now: Timestamp,
}

/// What becomes of the stage. The changes come first.
#[derive(Debug)]
pub enum Passage {
    /// It starts. Its first event and the changes are durable together.
    Go {
        changes: Changes,
        /// Of the environment's lock.
        fence: Option<u64>,
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
        if let Some(error) = self.outdated(asked).or_else(|| self.other_than_before(asked)).or_else(|| self.no_way_back(asked)) {
            return Passage::Bar { error, changes: Changes::default() };
        }
        if !asked.target.is_gated() {
            return self.pass_open(arrival);
        }
        if let Some(why) = self.doubted.get(&asked.run) {
            return Passage::Bar { error: doubted(asked, why), changes: Changes::default() };
        }
        if let Some(fence) = self.lets_under(arrival) {
            return Passage::Go { changes: Changes::default(), fence: Some(fence) };
        }
        let Some(gate) = self.last_of(&asked.run, &asked.gated()) else { return self.open(arrival, 1) };
        match gate.status {
            GateStatus::Pending | GateStatus::Approved => self.try_start(gate, arrival, Changes::default()),
            GateStatus::Started => match self.still_stands(gate, arrival) {
                true => Passage::Go { changes: Changes::default(), fence: gate.fence },
                // Something else would start than what was approved, or who approved may no longer: that is for people to see.
                false => self.open(arrival, self.count_of(gate) + 1),
            },
            GateStatus::Rejected | GateStatus::Expired | GateStatus::Withdrawn | GateStatus::Superseded => {
                Passage::Bar { error: barred(gate), changes: Changes::default() }
            }
        }
    }

    /// A stage that nobody is asked about; what is held or in quarantine does not start either.
    fn pass_open(&self, arrival: &Arrival<'_>) -> Passage {
        let opening = self.opening(arrival.asked, Quorum::Rules, arrival.now);
        match self.against(arrival.asked, &opening.subject, arrival.now).first() {
            None => Passage::Go { changes: Changes::default(), fence: None },
            Some(blocker) => {
                let message = format!("nothing starts in {} for it: {blocker}", opening.subject.environment);
                let details = serde_json::json!({"status": "kept_out"});
                let error = StageError::new(ErrorKind::Security, message).with_details(details);
                Passage::Bar { error, changes: Changes::default() }
            }
        }
    }

    /// Whether what was let through once is what would start now, under the same lock, and would still be let through.
    fn still_stands(&self, gate: &Gate, arrival: &Arrival<'_>) -> bool {
        let asked = arrival.asked;
        let opening = self.opening(asked, gate.quorum, arrival.now);
        let lock = self.lock(&gate.subject.environment);
        let holds = lock.holder.as_ref().is_some_and(|holder| holder.run == asked.root && Some(holder.fence) == gate.fence);
        let against = self.against(asked, &opening.subject, arrival.now);
        let seen = seen_by(&lock, asked);
        let facts = self.facts(gate, &opening, arrival, &seen, &against);
        (holds || asked.only_asks()) && repeats(gate, &facts).is_ok()
    }

    fn facts<'f>(
        &'f self,
        gate: &Gate,
        opening: &'f Opening,
        arrival: &Arrival<'f>,
        lock: &'f Lock,
        against: &'f [Blocker],
    ) -> Facts<'f> {
        let Arrival { deciders, people, now, .. } = *arrival;
        Facts { opening, deciders, people, lock, against, bypass: self.glass(&gate.id), now }
    }

    fn count_of(&self, gate: &Gate) -> usize {
        let same = |other: &Gate| other.subject.run == gate.subject.run && other.subject.stage == gate.subject.stage;
        self.gates.values().filter(|stream| same(&stream.state)).count()
    }

    fn open(&self, arrival: &Arrival<'_>, number: usize) -> Passage {
        let Arrival { asked, now, .. } = *arrival;
        let opening = Box::new(self.opening(asked, self.quorum(arrival), now));
        let id = asked.gate(number);
        let again = Some(opening.expires_at);
        let event = GateFact::Opened { opening, requested_by: asked.requested_by.clone() }.of(&id, now);
        let mut changes = Changes::default();
        let Some(mut gate) = Gate::opened(&event) else { return Passage::Hold { gate: id, changes, again } };
        changes.about(&gate, vec![event], &Actor::engine());
        if self.answered_by_asking(&mut gate, arrival, &mut changes) {
            return self.try_start(&gate, arrival, changes);
        }
        Passage::Hold { gate: id, changes, again }
    }

    /// `changes` are those that led here, not yet durable.
    fn try_start(&self, gate: &Gate, arrival: &Arrival<'_>, mut changes: Changes) -> Passage {
        let Arrival { asked, deciders, now, .. } = *arrival;
        let environment = &gate.subject.environment;
        let mut lock = self.lock(environment);
        // Approval first, then the lock, then everything once more. Who only asks people takes none.
        let decided = gate.status == GateStatus::Approved
            || self.glass(&gate.id).is_some_and(|glass| bypasses(glass, gate, Guard::Quorum, now));
        if decided && !asked.only_asks() {
            let (Acquire::Held { event, .. } | Acquire::Waiting { event, .. }) = lock::acquire(&lock, &asked.root, now);
            if let Some(event) = event {
                lock.apply(&event);
                changes.locks.push((environment.clone(), event));
            }
        }
        let seen = seen_by(&lock, asked);
        let opening = self.opening(asked, self.quorum(arrival), now);
        let against = self.against(asked, &opening.subject, now);
        let facts = self.facts(gate, &opening, arrival, &seen, &against);
        match start(gate, &facts) {
            Start::Go { event, fence } => {
                changes.about(gate, vec![event], &Actor::engine());
                Passage::Go { changes, fence: (!asked.only_asks()).then_some(fence) }
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
                let again = moments(gate, &blockers, deciders.environment.valid, now).into_iter().filter(|at| *at > now).min();
                Passage::Hold { gate: gate.id.clone(), changes, again }
            }
            Start::Refuse(refused) => {
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
    if asked.only_asks() {
        seen.holder = Some(Holder { run: asked.run.clone(), fence: lock.fence, since: Timestamp(0) });
    }
    if let Some(holder) = seen.holder.as_mut().filter(|holder| holder.run == asked.root) {
        holder.run = asked.run.clone();
    }
    seen
}

/// When time alone changes something about a gate.
fn moments(gate: &Gate, blockers: &[Blocker], valid: std::time::Duration, now: Timestamp) -> Vec<Timestamp> {
    let expires = (gate.status == GateStatus::Pending).then_some(gate.expires_at);
    let lapses = gate.approved_at.map(|at| at.after(valid));
    let passes = blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Frozen(frozen) => frozen.until,
        Blocker::Promotion(Missing::Bake { left, .. }) => Some(now.after(*left)),
        _ => None,
    });
    expires.into_iter().chain(lapses).chain(passes).collect()
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
