//! How far a run has come: its stages as written, counted by what became of them. Every place that says a number of stages
//! says one of these. Instances inside loops are no stages of the run.

use super::{Run, StageStatus};

/// The stages of a run's document by what became of them; those that are not over yet are in `total` alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub total: usize,
    pub succeeded: usize,
    pub failed: usize,
    pub timed_out: usize,
    pub unknown: usize,
    pub cancelled: usize,
    pub skipped: usize,
    /// The run ended before them.
    pub not_reached: usize,
}

impl Tally {
    /// Stages that are over: they ended, or the run left them out on its way. The end of a run adds none that it did not
    /// reach, and takes none back.
    pub fn ended(&self) -> usize {
        self.succeeded + self.failed + self.timed_out + self.cancelled + self.skipped
    }
}

impl Run {
    /// Counts the stages.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for stage in self.stages.values().filter(|stage| !stage.id.is_instance()) {
            tally.total += 1;
            let count = match stage.status {
                _ if stage.is_left_behind() => &mut tally.not_reached,
                StageStatus::Succeeded => &mut tally.succeeded,
                StageStatus::Failed => &mut tally.failed,
                StageStatus::TimedOut => &mut tally.timed_out,
                StageStatus::Unknown => &mut tally.unknown,
                StageStatus::Cancelled => &mut tally.cancelled,
                StageStatus::Skipped => &mut tally.skipped,
                StageStatus::Pending
                | StageStatus::Ready
                | StageStatus::WaitingApproval
                | StageStatus::Running
                | StageStatus::Retrying => continue,
            };
            *count += 1;
        }
        tally
    }
}
