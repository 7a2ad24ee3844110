//! A loop's progress in few lines, however many items it has.

use std::collections::HashMap;

use super::words::count;
use crate::model::{Run, StageId};

/// Loops of at most so many items are told stage by stage.
const FEW: u64 = 10;
/// Failures of a stage in a long loop that are told one by one.
const TOLD: u64 = 5;

/// What the instances of one stage of the document have come to.
#[derive(Debug, Default)]
struct Tally {
    total: Option<u64>,
    ended: u64,
    failed: u64,
    skipped: u64,
    retried: u64,
    /// Told again when so many have ended.
    next: u64,
}

/// The tallies of all stages inside loops.
#[derive(Debug, Default)]
pub struct Progress(HashMap<String, Tally>);

/// How an instance has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Succeeded,
    Failed,
    Skipped,
}

impl Progress {
    /// True for a stage that is one of many: what happens to it is counted instead of told.
    pub fn is_counted(run: &Run, stage: &StageId) -> bool {
        stage.is_instance() && total(run, stage).is_none_or(|total| total > FEW)
    }

    /// True while a failure or a retry of this stage's instances is told by itself.
    pub fn is_told(&self, stage: &StageId) -> bool {
        self.0.get(stage.written()).is_none_or(|tally| tally.failed + tally.retried < TOLD)
    }

    pub fn retry(&mut self, stage: &StageId) {
        self.0.entry(stage.written().to_owned()).or_default().retried += 1;
    }

    /// Counts an instance that has ended; gives a sentence at every tenth of the way.
    pub fn end(&mut self, run: &Run, stage: &StageId, end: End) -> Option<String> {
        let tally = self.0.entry(stage.written().to_owned()).or_default();
        if tally.next == 0 {
            tally.total = total(run, stage);
            tally.next = tally.total.map_or(FEW, |total| total.div_ceil(10));
        }
        tally.ended += 1;
        match end {
            End::Succeeded => {}
            End::Failed => tally.failed += 1,
            End::Skipped => tally.skipped += 1,
        }
        if tally.ended < tally.next {
            return None;
        }
        tally.next = match tally.total {
            Some(total) => (tally.next + total.div_ceil(10)).min(total.max(tally.ended + 1)),
            None => tally.next * 10,
        };
        Some(tally.sentence(stage))
    }
}

impl Tally {
    fn sentence(&self, stage: &StageId) -> String {
        let of =
            self.total.map_or_else(|| count(self.ended, "item"), |total| format!("{} of {}", self.ended, count(total, "item")));
        let mut text = format!("stage {} is through with {of}", stage.written());
        for (number, what) in [(self.failed, "failed"), (self.retried, "tried again"), (self.skipped, "skipped")] {
            if number > 0 {
                text.push_str(&format!(", {number} {what}"));
            }
        }
        text
    }
}

/// The items of the loop around an instance. Inside two loops nobody knows how many there will be.
fn total(run: &Run, stage: &StageId) -> Option<u64> {
    if stage.path().len() > 1 {
        return None;
    }
    let around = run.stages.get(stage.written())?.depends_on.iter();
    around.filter_map(|above| run.stages.get(above)?.phase.as_ref()?.total).next_back()
}
