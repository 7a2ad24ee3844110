//! Who may hold the lock of an environment, and what is outdated by the time it gets it.

use crate::model::{Lock, LockEvent, Release, RunId, SubjectKind, Timestamp};

/// What asking for the lock came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquire {
    /// The run holds it with this token. No event when it held it before.
    Held { fence: u64, event: Option<LockEvent> },
    /// Other runs come first: so many. No event when it waited before.
    Waiting { before: usize, event: Option<LockEvent> },
}

/// Somebody speaks for a lock that they do not hold, or no longer hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run {run} does not hold the environment's lock with token {fence}")]
pub struct NotTheHolder {
    pub run: RunId,
    pub fence: u64,
}

/// Asks for the lock. A run that holds it keeps its token; a free one goes to who waited first.
pub fn acquire(lock: &Lock, run: &RunId, now: Timestamp) -> Acquire {
    if let Some(holder) = lock.holder.as_ref().filter(|holder| holder.run == *run) {
        return Acquire::Held { fence: holder.fence, event: None };
    }
    let place = lock.waiting.iter().position(|waiting| waiting == run);
    let before = place.unwrap_or(lock.waiting.len());
    match &lock.holder {
        None if before == 0 => {
            let event = grant(lock, run, now);
            Acquire::Held { fence: lock.fence.saturating_add(1), event: Some(event) }
        }
        holder => {
            let event = place.is_none().then(|| LockEvent::Queued { run: run.clone() });
            Acquire::Waiting { before: before + usize::from(holder.is_some()), event }
        }
    }
}

/// Gives the lock back; it goes to the first who waits in the same step, so that nobody can come between.
pub fn release(lock: &Lock, run: &RunId, fence: u64, now: Timestamp) -> Result<Vec<LockEvent>, NotTheHolder> {
    check(lock, run, fence)?;
    let released = LockEvent::Released { run: run.clone(), fence };
    let next = lock.waiting.front().map(|next| grant(lock, next, now));
    Ok([released].into_iter().chain(next).collect())
}

/// A waiting run gives up its place.
pub fn leave(lock: &Lock, run: &RunId) -> Option<LockEvent> {
    lock.waiting.contains(run).then(|| LockEvent::Left { run: run.clone() })
}

/// Whether a token is that of the holder: what somebody does with an older one is void.
pub fn check(lock: &Lock, run: &RunId, fence: u64) -> Result<(), NotTheHolder> {
    match &lock.holder {
        Some(holder) if holder.run == *run && holder.fence == fence => Ok(()),
        Some(_) | None => Err(NotTheHolder { run: run.clone(), fence }),
    }
}

fn grant(lock: &Lock, run: &RunId, now: Timestamp) -> LockEvent {
    LockEvent::Acquired { run: run.clone(), fence: lock.fence.saturating_add(1), at: now }
}

/// The release of a newer run that makes a deployment of this run outdated. A rollback is never outdated: going back is its point.
pub fn outdated<'a>(
    releases: &'a [Release],
    environment: &str,
    service: &str,
    kind: SubjectKind,
    run: &RunId,
    run_created_at: Timestamp,
) -> Option<&'a Release> {
    if kind == SubjectKind::Rollback {
        return None;
    }
    releases.iter().rev().find(|release| {
        let record = &release.record;
        let there = record.environment == environment && record.service == service;
        there && record.kind != SubjectKind::Rollback && (record.run_created_at, &record.run) > (run_created_at, run)
    })
}

#[cfg(test)]
mod tests;
