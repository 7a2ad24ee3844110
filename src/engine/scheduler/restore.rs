//! A scheduler from the fold of a journal: a new run, a rerun that takes stages over, or a run after a crash.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::node::{Node, Phase, Settled, wire};
use super::{DEFAULT_CONCURRENCY, Halt, Moment, Scheduler};
use crate::language::{Component, OnError, Pipeline};
use crate::model::{Ending, Outcome, Run, RunStatus, StageError, StageStatus};

impl Scheduler {
    /// Takes up a run where its journal ends. `Input::Begin` then gives what has to be done next; attempts that
    /// were running still are until the driver reports their end.
    ///
    /// # Panics
    /// Never: a fold whose stages do not match the pipeline gives `None`.
    pub fn restore(pipeline: Arc<Pipeline>, run: Run) -> Option<Self> {
        let matches =
            run.stages.len() >= pipeline.stages.len() && run.stages.keys().zip(&pipeline.stages).all(|(id, spec)| *id == spec.id);
        if !matches {
            return None;
        }
        let limit = pipeline.max_concurrency.unwrap_or(DEFAULT_CONCURRENCY).max(1);
        let mut nodes = wire(&pipeline);
        let written = nodes.len();
        let open = pipeline.stages.iter().filter(|spec| spec.undoes.is_none()).count();
        let mut instances = vec![Vec::new(); written];
        for id in run.stages.keys().skip(written) {
            let spec = pipeline.index_of(id.written())?;
            instances[spec].push(nodes.len());
            nodes.push(Node::instance(spec, id.clone(), id.path()));
        }
        let by_id = nodes.iter().enumerate().map(|(node, state)| (state.id.clone(), node)).collect();
        let mut scheduler = Self {
            pipeline,
            run,
            nodes,
            by_id,
            frames: HashMap::new(),
            instances,
            ended_inside: VecDeque::new(),
            ready: BTreeSet::new(),
            running: 0,
            open,
            limit,
            halt: None,
            last_succeeded: None,
            settling: Vec::new(),
            effects: Vec::new(),
        };
        for stage in 0..scheduler.nodes.len() {
            scheduler.restore_stage(stage);
        }
        scheduler.restore_halt();
        scheduler.last_succeeded = scheduler.last_success();
        Some(scheduler)
    }

    fn restore_stage(&mut self, stage: usize) {
        let Some(status) = self.stage(stage).map(|stage| stage.status) else { return };
        self.nodes[stage].phase = match status {
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
        self.nodes[stage].settled = Some(settled);
        if self.nodes[stage].path.is_empty() && !self.is_held(stage) && !self.is_reserved(stage) {
            self.open -= 1;
            self.nodes[stage].released = true;
            self.reach_dependants(stage);
        }
    }

    /// True for a stage inside an enclosing one that is still at work: it does not count for others yet.
    fn is_held(&self, stage: usize) -> bool {
        let spec = self.spec(stage);
        spec.owners.iter().filter_map(|id| self.by_id.get(id)).any(|&owner| {
            let encloses = self.spec(owner).component.entry().encloses;
            let over = self.stage(owner).is_none_or(|stage| stage.status.is_final());
            (encloses && !over) || (self.spec(owner).id != spec.id && self.is_held(owner))
        })
    }

    /// The meaning of a recorded skip, from its reason.
    fn skipped_as(&self, stage: usize) -> Settled {
        let reason = self.stage(stage).and_then(|stage| stage.reason.as_deref()).unwrap_or_default();
        match reason.strip_prefix("gate:").and_then(|gate| self.pipeline.index_of(gate)) {
            Some(gate) => Settled::Gated(gate),
            None if reason == "disabled" => Settled::Ran,
            None => Settled::Skipped,
        }
    }

    /// What ended the run first: a cancel, a failure that propagates, or a `return`.
    fn restore_halt(&mut self) {
        if self.run.status == RunStatus::Cancelling || self.run.cancelled_by.is_some() {
            self.halt = Some(Halt::Cancelling);
            return;
        }
        // What ends inside a loop or a guard is the guard's to judge, except for a `return`.
        // What undoes comes after the end has been decided.
        let counts = |stage: &usize| {
            let judged = self.spec(*stage).component == Component::Return || !self.is_enclosed(*stage);
            judged && !self.is_reserved(*stage)
        };
        let over = (0..self.nodes.len()).filter(|stage| self.is_over(*stage));
        let mut ended: Vec<usize> = over.filter(counts).collect();
        ended.sort_by_key(|stage| self.stage(*stage).map(|stage| stage.ended));
        for stage in ended {
            let status = self.stage(stage).map(|stage| stage.status);
            if matches!(status, Some(StageStatus::Failed | StageStatus::TimedOut | StageStatus::Cancelled)) {
                let fatal = self.spec(stage).on_error == OnError::Propagate && !self.is_enclosed(stage);
                self.halt = fatal.then(|| Halt::Failing(self.failure_of(stage)));
            } else {
                self.restore_return(stage);
            }
            if self.halt.is_some() {
                return;
            }
        }
    }

    /// The error that a failed stage brought to the run. One that was cancelled without a cancel met the run's time limit.
    fn failure_of(&self, stage: usize) -> StageError {
        let state = self.stage(stage);
        let limit = self.run.timeout_ms.filter(|_| state.is_some_and(|state| state.status == StageStatus::Cancelled));
        if let Some(limit) = limit {
            return super::out_of_time(limit);
        }
        let error = state.and_then(|state| state.error.as_deref().cloned());
        self.blame(stage, &Outcome { ending: Ending::Failed, output: serde_json::Value::Null, error })
    }

    fn is_over(&self, stage: usize) -> bool {
        self.stage(stage).is_some_and(|stage| stage.status.is_final())
    }

    fn last_success(&self) -> Option<usize> {
        let succeeded = |stage: &usize| self.stage(*stage).is_some_and(|stage| stage.status == StageStatus::Succeeded);
        let ended = |stage: &usize| self.stage(*stage).map(|stage| stage.ended);
        let counts = |stage: &usize| !self.is_enclosed(*stage) && !self.is_reserved(*stage);
        (0..self.pipeline.stages.len()).filter(succeeded).filter(counts).max_by_key(ended)
    }

    /// True for a stage that runs inside another.
    fn is_enclosed(&self, stage: usize) -> bool {
        let owners = self.spec(stage).owners.iter().filter_map(|id| self.by_id.get(id)).copied();
        let spec = &self.spec(stage).id;
        owners
            .filter(|owner| self.spec(*owner).id != *spec)
            .any(|owner| self.spec(owner).component.entry().encloses || self.is_enclosed(owner))
    }

    fn restore_return(&mut self, stage: usize) {
        if self.stage(stage).is_some_and(|stage| stage.status == StageStatus::Succeeded) {
            self.return_early(stage, Moment { now: self.run.created_at, jitter: 0.0 });
        }
    }
}
