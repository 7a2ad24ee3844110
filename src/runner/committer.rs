//! The thread that makes results durable: everything that waits goes into one file with one fsync.
//!
//! While an engine is connected it records results itself, faster than a second file here would be safe on disk.
//! So a result is written only when the engine has not acknowledged it in time, or is not there.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::results::Results;
use super::table::{Entry, Key, Shared, Table};
use crate::process::Exit;

/// How long a connected engine has to acknowledge.
const PATIENCE: Duration = Duration::from_millis(20);
/// After a failed write (a full disk).
const RETRY: Duration = Duration::from_secs(1);

/// Runs until the process ends.
pub fn run(shared: &Shared) {
    let mut results = Results::new(&shared.dir);
    let mut table = shared.table();
    loop {
        let now = Instant::now();
        let due = table.uncommitted.front().map(|(_, since)| match table.link {
            Some(_) => (*since + PATIENCE).saturating_duration_since(now),
            None => Duration::ZERO,
        });
        table.committer_awake = due.is_some();
        table = match due {
            None => shared.finished.wait(table).unwrap_or_else(PoisonError::into_inner),
            Some(Duration::ZERO) => commit(shared, &mut results, table),
            Some(wait) => shared.finished.wait_timeout(table, wait).unwrap_or_else(PoisonError::into_inner).0,
        };
    }
}

fn commit<'a>(
    shared: &'a Shared,
    results: &mut Results,
    mut table: std::sync::MutexGuard<'a, Table>,
) -> std::sync::MutexGuard<'a, Table> {
    let batch: Vec<_> = table.uncommitted.iter().filter_map(|(key, _)| row(&table, key)).collect();
    table.committing = true;
    drop(table);
    let written = results.write(&batch);
    let mut table = shared.table();
    table.committing = false;
    shared.wake();
    let Ok(path) = written else {
        return shared.finished.wait_timeout(table, RETRY).unwrap_or_else(PoisonError::into_inner).0;
    };
    let mut left = 0;
    for (stage, attempt, _) in batch {
        let key = (stage, attempt);
        table.uncommitted.retain(|(waiting, _)| *waiting != key);
        if let Some(Entry::Finished { batch, .. }) = table.attempts.get_mut(&key) {
            *batch = Some(path.clone());
            left += 1;
        }
    }
    // One more than there are, given back at once: a batch that was acknowledged meanwhile is removed here.
    table.batches.insert(path.clone(), left + 1);
    table.release(path);
    table
}

fn row(table: &Table, key: &Key) -> Option<(crate::model::StageId, u32, Exit)> {
    match table.attempts.get(key) {
        Some(Entry::Finished { exit, .. }) => Some((key.0.clone(), key.1, exit.clone())),
        _ => None,
    }
}
