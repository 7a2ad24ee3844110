//! What the end of a run changes at the gates: nobody needs to answer for it, and its locks go to whoever waits.

use super::record::Changes;
use super::{Known, Stream};
use crate::model::{Actor, GateFact, LockEvent, RunId, Timestamp};
use crate::policy::lock;

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
