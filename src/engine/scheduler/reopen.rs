//! Taking up an enclosing stage after a crash: its items and parts as far as the journal tells them.

use super::frame::{Guard, Inside, Live, Loop, Part};
use super::node::Phase;
use super::{Effect, Moment, Scheduler};
use crate::language::OnError;
use crate::model::{Outcome, StageError, StageId, StageStatus, Verdict};
use crate::operators::Frame;

/// How far an item or a part has come.
enum Progress {
    /// The stage at this position has to be started.
    Due(usize),
    /// The stage at this position is at work.
    At,
    Ended(Option<StageError>),
}

impl Scheduler {
    /// Opens the inside of an enclosing stage that was at work when the engine died. Outer stages come first.
    pub fn reopen_frame(&mut self, stage: usize, frame: Frame, moment: Moment) -> Vec<Effect> {
        self.running -= 1;
        self.watch_budget(stage, moment);
        let since = self.stage(stage).and_then(|stage| stage.attempts.last()).map_or(0, |last| last.began);
        match self.expanded(frame) {
            Frame::Foreach(plan) => {
                self.frames.insert(stage, Live::Loop(Loop::new(plan)));
                self.reopen_loop(stage, since, moment);
            }
            Frame::TryCatch(plan) => self.reopen_guard(stage, Guard::new(plan), since, moment),
        }
        self.settle_all(moment);
        self.finish_if_over(moment);
        std::mem::take(&mut self.effects)
    }

    fn reopen_loop(&mut self, frame: usize, since: u64, moment: Moment) {
        let Some(Live::Loop(live)) = self.frames.get(&frame) else { return };
        let (body, items) = (live.plan.body.clone(), live.plan.items.len());
        let mut due = Vec::new();
        for lane in 0..self.lanes_begun(frame, since).min(items) {
            let mut path = self.nodes[frame].path.clone();
            path.push(lane);
            let progress = self.progress(Inside { frame, lane, position: 0 }, &body, &path, since);
            if let Some(Live::Loop(live)) = self.frames.get_mut(&frame) {
                live.next = lane + 1;
                live.live += 1;
            }
            match progress {
                Progress::Due(position) => due.push((lane, position)),
                Progress::At => {}
                Progress::Ended(failure) => self.end_lane(frame, lane, failure),
            }
        }
        let stopped = self.is_halted(frame) || self.is_out_of_time(frame);
        for (lane, position) in due {
            if stopped {
                self.end_lane(frame, lane, None);
            } else {
                self.advance_lane(frame, lane, position, moment);
            }
        }
        self.fill_loop(frame, moment);
    }

    fn reopen_guard(&mut self, frame: usize, mut guard: Guard, since: u64, moment: Moment) {
        let state = self.stage(frame);
        let phase = state.and_then(|stage| stage.phase.as_deref().cloned());
        guard.error = state.and_then(|stage| stage.error.as_deref().cloned());
        let path = self.nodes[frame].path.clone();
        let Some(phase) = phase else {
            self.frames.insert(frame, Live::Guard(guard));
            return self.enter(frame, Part::Try, moment);
        };
        guard.part = Part::from_name(&phase.name);
        guard.round = phase.round;
        self.restore_verdict(&mut guard, phase.verdict.unwrap_or_default(), &path);
        let list = guard.list().to_vec();
        let before = match guard.part {
            Part::Try => Vec::new(),
            Part::Catch => guard.plan.body.clone(),
            Part::Finally => [guard.plan.body.clone(), guard.plan.catch.clone()].concat(),
        };
        guard.live = true;
        self.frames.insert(frame, Live::Guard(guard));
        for (position, id) in before.iter().enumerate() {
            if self.has_begun(&id.inside(&path), since) {
                self.node_inside(Inside { frame, lane: 0, position }, id);
            }
        }
        match self.progress(Inside { frame, lane: 0, position: 0 }, &list, &path, since) {
            Progress::Due(position) => self.advance_guard(frame, position, moment),
            Progress::At => {}
            Progress::Ended(failure) => self.end_part(frame, failure, moment),
        }
    }

    /// What the parts before the one it is at have decided.
    fn restore_verdict(&self, guard: &mut Guard, verdict: Verdict, path: &[usize]) {
        let output = |list: &[StageId]| {
            let last = list.last().and_then(|id| self.run.stages.get(&id.inside(path)));
            last.map_or(serde_json::Value::Null, |stage| stage.output.clone())
        };
        let failed = guard.error.is_some();
        match guard.part {
            Part::Try => {}
            Part::Catch => guard.raised = guard.error.clone().filter(|_| !guard.plan.forgive),
            Part::Finally => {
                guard.recovered = failed && verdict.raised.is_none();
                guard.raised = verdict.raised;
                guard.caught = verdict.caught;
                guard.data = match (failed, guard.caught) {
                    (false, _) => output(&guard.plan.body),
                    (true, true) => output(&guard.plan.catch),
                    (true, false) => serde_json::Value::Null,
                };
            }
        }
    }

    /// How many items of a loop have been begun in this attempt: all before the last of which the journal tells. A stage
    /// that waited for its turn is not in the journal, while one of a later item that was skipped is.
    fn lanes_begun(&self, frame: usize, since: u64) -> usize {
        let Some(Live::Loop(live)) = self.frames.get(&frame) else { return 0 };
        let path = &self.nodes[frame].path;
        let begun = |lane: usize| {
            let path = [path.as_slice(), &[lane]].concat();
            live.plan.body.iter().any(|id| self.has_begun(&id.inside(&path), since))
        };
        // No more than so many are at work, and those that are not in the journal are among them.
        let (mut lanes, mut lane) = (0_usize, 0);
        while lane < live.plan.items.len() && lane <= lanes.saturating_add(live.plan.at_once) {
            if begun(lane) {
                lanes = lane + 1;
            }
            lane += 1;
        }
        lanes
    }

    /// True when something happened to the stage in this attempt of its frame.
    fn has_begun(&self, id: &StageId, since: u64) -> bool {
        let Some(stage) = self.run.stages.get(id) else { return false };
        let began = stage.attempts.last().map_or(0, |last| last.began);
        began.max(stage.ended) >= since.max(1)
    }

    fn progress(&mut self, inside: Inside, list: &[StageId], path: &[usize], since: u64) -> Progress {
        for (position, id) in list.iter().enumerate() {
            if self.pipeline.index_of(id.as_str()).is_none() {
                continue;
            }
            let name = id.inside(path);
            if !self.has_begun(&name, since) {
                return Progress::Due(position);
            }
            let Some(node) = self.node_inside(Inside { position, ..inside }, id) else { continue };
            let Some(stage) = self.run.stages.get(&name) else { return Progress::Due(position) };
            match stage.status {
                StageStatus::Pending | StageStatus::Ready | StageStatus::WaitingApproval => return Progress::Due(position),
                StageStatus::Running | StageStatus::Retrying | StageStatus::Unknown => return Progress::At,
                StageStatus::Succeeded | StageStatus::Skipped => {}
                StageStatus::Failed | StageStatus::TimedOut | StageStatus::Cancelled => {
                    if self.spec(node).on_error == OnError::Propagate {
                        let outcome = Outcome {
                            ending: crate::model::Ending::Failed,
                            output: serde_json::Value::Null,
                            error: stage.error.as_deref().cloned(),
                        };
                        return Progress::Ended(Some(self.blame(node, &outcome)));
                    }
                }
            }
            self.nodes[node].phase = Phase::Settled;
        }
        Progress::Ended(None)
    }
}
