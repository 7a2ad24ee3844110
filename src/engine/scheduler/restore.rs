//! A scheduler from the fold of a journal: a new run, a rerun that takes stages over, or a run after a crash.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::node::{Phase, Settled, wire};
use super::{DEFAULT_CONCURRENCY, Halt, Scheduler};
use crate::language::{OnError, Pipeline};
use crate::model::{Ending, Outcome, Run, RunStatus, StageStatus};

impl Scheduler {
    /// Takes up a run where its journal ends. `Input::Begin` then gives what has to be done next; attempts that
    /// were running still are until the driver reports their end.
    ///
    /// # Panics
    /// Never: a fold whose stages do not match the pipeline gives `None`.
    pub fn restore(pipeline: Arc<Pipeline>, run: Run) -> Option<Self> {
        let matches =
            run.stages.len() == pipeline.stages.len() && run.stages.keys().zip(&pipeline.stages).all(|(id, spec)| *id == spec.id);
        if !matches {
            return None;
        }
        let limit = pipeline.max_concurrency.unwrap_or(DEFAULT_CONCURRENCY).max(1);
        let nodes = wire(&pipeline);
        let open = nodes.len();
        let mut scheduler = Self {
            pipeline,
            run,
            nodes,
            ready: BTreeSet::new(),
            running: 0,
            open,
            limit,
            halt: None,
            last_succeeded: None,
            settling: Vec::new(),
            effects: Vec::new(),
        };
        for stage in 0..open {
            scheduler.restore_stage(stage);
        }
        scheduler.restore_halt();
        scheduler.last_succeeded = scheduler.last_success();
        Some(scheduler)
    }

    fn restore_stage(&mut self, stage: usize) {
        self.nodes[stage].phase = match self.stage(stage).status {
            StageStatus::Pending | StageStatus::Ready | StageStatus::WaitingApproval => Phase::Blocked,
            StageStatus::Running => {
                self.running += 1;
                Phase::Running
            }
            StageStatus::Retrying => Phase::Backoff,
            StageStatus::Unknown => Phase::Asked,
            StageStatus::Succeeded | StageStatus::Failed | StageStatus::Cancelled | StageStatus::TimedOut => {
                self.restore_settled(stage, Settled::Ran);
                Phase::Settled
            }
            StageStatus::Skipped => {
                self.restore_settled(stage, self.skipped_as(stage));
                Phase::Settled
            }
        };
    }

    fn restore_settled(&mut self, stage: usize, settled: Settled) {
        self.open -= 1;
        self.nodes[stage].settled = Some(settled);
        self.reach_dependants(stage);
    }

    /// The meaning of a recorded skip, from its reason.
    fn skipped_as(&self, stage: usize) -> Settled {
        let reason = self.stage(stage).reason.as_deref().unwrap_or_default();
        match reason.strip_prefix("gate:").and_then(|gate| self.pipeline.index_of(gate)) {
            Some(gate) => Settled::Gated(gate),
            None if reason == "disabled" => Settled::Ran,
            None => Settled::Skipped,
        }
    }

    fn restore_halt(&mut self) {
        if self.run.status == RunStatus::Cancelling {
            self.halt = Some(Halt::Cancelling);
            return;
        }
        let failed = |stage: &usize| {
            let status = self.stage(*stage).status;
            let bad = matches!(status, StageStatus::Failed | StageStatus::TimedOut | StageStatus::Cancelled);
            bad && self.spec(*stage).on_error == OnError::Propagate
        };
        let first = (0..self.nodes.len()).filter(failed).min_by_key(|&stage| self.stage(stage).finished_at);
        self.halt = first.map(|stage| {
            let error = self.stage(stage).error.clone();
            Halt::Failing(self.blame(stage, &Outcome { ending: Ending::Failed, output: serde_json::Value::Null, error }))
        });
    }

    fn last_success(&self) -> Option<usize> {
        let succeeded = |stage: &usize| self.stage(*stage).status == StageStatus::Succeeded;
        (0..self.nodes.len()).filter(succeeded).max_by_key(|&stage| self.stage(stage).finished_at)
    }
}
