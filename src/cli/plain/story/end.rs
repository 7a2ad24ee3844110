//! How a run's story ends: the verdict, what it took, what failed, how to come back.

use std::time::Duration;

use super::{Sentence, Story};
use crate::cli::plain::words;
use crate::model::{Run, RunStatus, Stage, StageStatus};

/// How many stages are named as the slowest.
const SLOWEST: usize = 3;
/// Faster ones are not worth naming.
const WORTH_NAMING: Duration = Duration::from_millis(100);

impl Story {
    /// The last sentences; the narrator puts what the failed stages wrote last before them.
    pub(super) fn ending(&self, run: &Run) -> Vec<Sentence> {
        let at = run.finished_at.unwrap_or(run.created_at);
        let mut texts = vec![format!("run {} {}{}", run.id, run.status, words::because(run.error.as_ref()))];
        texts.extend(self.grace_used(run));
        texts.push(sum(run));
        texts.extend(slowest(run));
        texts.push(come_back(run));
        texts.into_iter().map(|text| Sentence { at, text, urgent: false }).collect()
    }

    fn grace_used(&self, run: &Run) -> Option<String> {
        let asked = self.cancelled_at.filter(|_| run.status == RunStatus::Cancelled)?;
        let last = run.stages.values().filter_map(|stage| stage.finished_at).max()?;
        Some(format!("the last stage ended {} after the cancel", words::length(last.since(asked))))
    }
}

/// The stages of the document that failed, in its order: their last lines are shown.
pub fn failed(run: &Run) -> impl Iterator<Item = &Stage> {
    let wrote =
        |stage: &&Stage| matches!(stage.status, StageStatus::Failed | StageStatus::TimedOut) && !stage.attempts.is_empty();
    run.stages.values().filter(wrote)
}

fn sum(run: &Run) -> String {
    let took = match (run.started_at, run.finished_at) {
        (Some(started), Some(finished)) => format!("it took {}", words::length(finished.since(started))),
        _ => "it did not start".to_owned(),
    };
    let tally = run.tally();
    let counts = [
        (tally.succeeded, "succeeded"),
        (tally.failed, "failed"),
        (tally.timed_out, "timed out"),
        (tally.cancelled, "cancelled"),
        (tally.skipped, "skipped"),
        (tally.not_reached, "not reached"),
        (tally.unknown, "unknown"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    if counts.is_empty() { took } else { format!("{took}; of {}: {}", stages(tally.total), counts.join(", ")) }
}

fn stages(count: usize) -> String {
    words::count(count as u64, "stage")
}

fn slowest(run: &Run) -> Option<String> {
    let took = |stage: &Stage| Some(stage.finished_at?.since(stage.started_at?));
    let written = run.stages.values().filter(|stage| !stage.id.is_instance() && stage.phase.is_none());
    let mut slow: Vec<(Duration, &str)> = written.filter_map(|stage| Some((took(stage)?, stage.id.as_str()))).collect();
    slow.retain(|(took, _)| *took >= WORTH_NAMING);
    slow.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
    let named: Vec<String> = slow.iter().take(SLOWEST).map(|(took, id)| format!("{id} {}", words::length(*took))).collect();
    (slow.len() > 1).then(|| format!("the slowest stages: {}", named.join(", ")))
}

fn come_back(run: &Run) -> String {
    let id = &run.id;
    match run.status {
        RunStatus::Succeeded => format!("look again: flowdeck runs show {id}"),
        _ => format!("look again: flowdeck runs show {id}; again from where it failed: flowdeck runs rerun {id}"),
    }
}
