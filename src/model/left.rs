//! What the end of a run means for stages that are not over, and what is undone before that end.

use super::stage::{CANCELLED, COMPENSATION, NOT_REACHED};
use super::{Run, RunStatus, Stage, StageStatus, Timestamp};

impl Run {
    /// Compensations have begun, or wait for approval.
    pub fn is_undone(&self) -> bool {
        let begun = |stage: &Stage| stage.undoes.is_some() && (stage.waits_at.is_some() || !stage.attempts.is_empty());
        self.stages.values().any(begun)
    }

    /// True for a compensation of a stage that may have done something.
    pub fn has_to_undo(&self, compensation: &Stage) -> bool {
        compensation.undoes.as_ref().and_then(|id| self.stages.get(id)).is_some_and(Stage::has_begun)
    }

    /// Gives all stages that the run's end overtook their last status.
    pub(super) fn leave_behind(&mut self, status: RunStatus, at: Timestamp) {
        let succeeded = status == RunStatus::Succeeded;
        let left: Vec<bool> = self.stages.values().map(|stage| !succeeded && self.has_to_undo(stage)).collect();
        self.stages.values_mut().zip(left).for_each(|(stage, is_left)| leave(stage, is_left, status, at));
    }
}

/// `is_left`: it had something to undo, and did not come to it.
fn leave(stage: &mut Stage, is_left: bool, run: RunStatus, at: Timestamp) {
    match stage.status {
        StageStatus::Pending if stage.undoes.is_some() && !is_left => {
            let undoes = stage.undoes.as_ref().map(ToString::to_string).unwrap_or_default();
            let reason = format!("{COMPENSATION}{undoes}");
            stage.status = StageStatus::Skipped;
            stage.output = serde_json::json!({"skipped": true, "reason": reason});
            stage.reason = Some(reason);
        }
        StageStatus::Pending | StageStatus::Ready | StageStatus::WaitingApproval => {
            let reason = if run == RunStatus::Cancelled { CANCELLED } else { NOT_REACHED };
            stage.status = if run == RunStatus::Cancelled { StageStatus::Cancelled } else { StageStatus::Skipped };
            stage.waits_at = None;
            stage.output = serde_json::json!({"skipped": true, "reason": reason});
            stage.reason = Some(reason.to_owned());
        }
        StageStatus::Retrying => {
            stage.status = if run == RunStatus::Cancelled { StageStatus::Cancelled } else { StageStatus::Failed };
            stage.finished_at = Some(at);
            stage.retry_at = None;
        }
        StageStatus::Running => {
            stage.status = StageStatus::Cancelled;
            stage.finished_at = Some(at);
            if let Some(attempt) = stage.attempts.last_mut().filter(|attempt| attempt.status == StageStatus::Running) {
                attempt.status = StageStatus::Cancelled;
                attempt.finished_at = Some(at);
            }
        }
        StageStatus::Succeeded
        | StageStatus::Failed
        | StageStatus::Skipped
        | StageStatus::Cancelled
        | StageStatus::TimedOut
        | StageStatus::Unknown => {}
    }
}
