//! Stages inside stages: loops and guards, their items and parts, and what a stage's end inside them leads to.
//!
//! A stage inside counts for the rest of the pipeline only when the enclosing stage has ended.

use serde_json::{Value, json};

use super::frame::{Guard, Inside, Live, Loop, Part};
use super::node::{Node, Phase, Settled};
use super::{Effect, Halt, Moment, Scheduler, flow};
use crate::language::Component;
use crate::model::{Ending, ErrorKind, EventKind, Outcome, StageError, StageId, StageStatus};
use crate::operators::{Foreach, Frame, TryCatch};

impl Scheduler {
    /// Opens the inside of an enclosing stage that has just been started.
    pub fn open_frame(&mut self, stage: usize, frame: Frame, moment: Moment) -> Vec<Effect> {
        // An enclosing stage waits for others and takes no place of its own.
        self.running -= 1;
        self.watch_budget(stage, moment);
        match self.expanded(frame) {
            Frame::Foreach(plan) => {
                let total = Some(plan.items.len() as u64);
                self.frames.insert(stage, Live::Loop(Loop::new(plan)));
                self.announce(stage, "items", 1, total, Vec::new(), None, moment);
                self.fill_loop(stage, moment);
            }
            Frame::TryCatch(plan) => {
                self.frames.insert(stage, Live::Guard(Guard::new(plan)));
                self.enter(stage, Part::Try, moment);
            }
        }
        self.settle_all(moment);
        self.finish_if_over(moment);
        std::mem::take(&mut self.effects)
    }

    /// A branch inside a frame brings its stages along: they follow it in the list when they are not listed themselves.
    pub(super) fn expanded(&self, frame: Frame) -> Frame {
        match frame {
            Frame::Foreach(plan) => Frame::Foreach(Foreach { body: self.with_branches(&plan.body), ..plan }),
            Frame::TryCatch(plan) => Frame::TryCatch(TryCatch {
                body: self.with_branches(&plan.body),
                catch: self.with_branches(&plan.catch),
                finally: self.with_branches(&plan.finally),
                ..plan
            }),
        }
    }

    fn with_branches(&self, list: &[StageId]) -> Vec<StageId> {
        let mut all: Vec<StageId> = Vec::new();
        for id in list {
            let Some(spec) = self.pipeline.stage(id.as_str()) else { continue };
            if !all.contains(id) {
                all.push(id.clone());
            }
            if matches!(spec.component, Component::Conditional | Component::Router) {
                let owned = self.pipeline.stages.iter().filter(|stage| stage.owners.contains(id) && !list.contains(&stage.id));
                let owned: Vec<StageId> = owned.map(|stage| stage.id.clone()).filter(|stage| !all.contains(stage)).collect();
                all.extend(self.with_branches(&owned));
            }
        }
        all
    }

    /// Why a stage inside does not run: a branch of the same frame that was not taken, or a gate that is shut.
    fn left_out(&self, node: usize, frame: usize) -> Option<String> {
        let (spec, path) = (self.spec(node), &self.nodes[node].path);
        let enclosing = &self.spec(frame).id;
        let beside = |id: &StageId| self.by_id.get(&id.inside(path)).copied().filter(|node| self.nodes[*node].inside.is_some());
        let owners: Vec<usize> = spec.owners.iter().filter(|id| *id != enclosing).filter_map(beside).collect();
        let chosen = |owner: &usize| {
            let output = self.stage(*owner).map(|stage| &stage.output);
            output.is_some_and(|output| flow::activates(self.spec(*owner), output, &spec.id))
        };
        if let (Some(first), false) = (owners.first(), owners.iter().any(chosen)) {
            return Some(format!("branch:{}", self.spec(*first).id));
        }
        let shut = |gate: &usize| self.stage(*gate).is_some_and(|stage| flow::is_shut_gate(self.spec(*gate), &stage.output));
        let gates = spec.depends_on.iter().filter(|id| !spec.reads.contains(id)).filter_map(beside);
        gates.filter(shut).map(|gate| format!("gate:{}", self.spec(gate).id)).next()
    }

    /// A timer for what is left of the stage's time.
    pub(super) fn watch_budget(&mut self, stage: usize, moment: Moment) {
        if let Some(left) = self.remaining(stage, moment.now) {
            let epoch = self.nodes[stage].epoch;
            self.effects.push(Effect::Wake { stage, at: moment.now.after(left), epoch });
        }
    }

    pub(super) fn on_woken(&mut self, stage: usize, epoch: u32, moment: Moment) {
        if self.nodes[stage].epoch != epoch {
            return;
        }
        let halted = self.halt.is_some() && !self.nodes[stage].finally;
        let spent = self.remaining(stage, moment.now).is_some_and(|left| left.is_zero());
        match (self.nodes[stage].phase, self.frames.get_mut(&stage)) {
            (Phase::Backoff, _) if !halted => self.make_ready(stage),
            (Phase::Running, Some(Live::Guard(live)))
                if live.part == Part::Try && !live.live && live.retry_at.is_some_and(|at| at <= moment.now) =>
            {
                live.retry_at = None;
                return self.enter(stage, Part::Try, moment);
            }
            // Any other timer of a frame is that of its budget, or stale.
            (Phase::Running, Some(Live::Loop(live))) if spent => live.out_of_time = true,
            (Phase::Running, Some(Live::Guard(live))) if spent => live.out_of_time = true,
            _ => return,
        }
        if self.frames.contains_key(&stage) {
            self.stop_inside(stage);
            self.wind_down(moment);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one event")]
    fn announce(
        &mut self,
        stage: usize,
        phase: &str,
        round: u32,
        total: Option<u64>,
        stages: Vec<StageId>,
        error: Option<StageError>,
        moment: Moment,
    ) {
        let attempt = self.last_attempt(stage).unwrap_or(1);
        let stage = self.id(stage).clone();
        self.record(moment, EventKind::PhaseStarted { stage, attempt, phase: phase.to_owned(), round, total, stages, error });
    }

    /// The node of a stage inside a frame: the written one in a guard, a new instance in a loop.
    pub(super) fn node_inside(&mut self, inside: Inside, id: &StageId) -> Option<usize> {
        let spec = self.pipeline.index_of(id.as_str())?;
        let mut path = self.nodes[inside.frame].path.clone();
        if matches!(self.frames.get(&inside.frame), Some(Live::Loop(_))) {
            path.push(inside.lane);
        }
        let name = self.pipeline.stages[spec].id.inside(&path);
        let node = match self.by_id.get(&name) {
            Some(&node) => node,
            None => {
                self.nodes.push(Node::instance(spec, name.clone(), path));
                self.by_id.insert(name, self.nodes.len() - 1);
                self.nodes.len() - 1
            }
        };
        let finally = match self.frames.get(&inside.frame) {
            Some(Live::Guard(guard)) => guard.part == Part::Finally,
            Some(Live::Loop(_)) | None => false,
        };
        self.nodes[node].inside = Some(inside);
        self.nodes[node].finally = finally || self.nodes[inside.frame].finally;
        Some(node)
    }

    /// Starts one stage of a frame; one that the pipeline does not have counts as done.
    fn begin_inside(&mut self, inside: Inside, id: &StageId, moment: Moment) -> bool {
        let Some(node) = self.node_inside(inside, id) else { return false };
        self.nodes[node].phase = Phase::Blocked;
        self.nodes[node].settled = None;
        let left_out = self.left_out(node, inside.frame);
        let spec = self.spec(node);
        if let Some(reason) = left_out {
            self.skip(node, reason, Settled::Skipped, moment);
        } else if !spec.enabled {
            self.skip(node, "disabled".to_owned(), Settled::Ran, moment);
        } else if spec.when.is_some() {
            self.nodes[node].phase = Phase::Evaluating;
            self.effects.push(Effect::Evaluate { stage: node });
        } else {
            self.make_ready(node);
        }
        true
    }

    fn is_halted(&self, frame: usize) -> bool {
        self.halt.is_some() && !self.nodes[frame].finally
    }

    /// Begins as many items as may be at work; ends the loop when there is nothing left.
    pub(super) fn fill_loop(&mut self, frame: usize, moment: Moment) {
        loop {
            let halted = self.is_halted(frame);
            let Some(Live::Loop(live)) = self.frames.get_mut(&frame) else { return };
            let stopped = halted || live.failure.is_some() || live.out_of_time;
            if stopped || live.next >= live.plan.items.len() {
                break;
            }
            if live.live >= live.plan.at_once {
                return;
            }
            let lane = live.next;
            live.next += 1;
            live.live += 1;
            self.advance_lane(frame, lane, 0, moment);
        }
        self.end_loop_if_over(frame, moment);
    }

    /// Starts the next stage of an item that exists, or ends the item.
    pub(super) fn advance_lane(&mut self, frame: usize, lane: usize, from: usize, moment: Moment) {
        let Some(Live::Loop(live)) = self.frames.get(&frame) else { return };
        let body = live.plan.body.clone();
        for (position, id) in body.iter().enumerate().skip(from) {
            if self.begin_inside(Inside { frame, lane, position }, id, moment) {
                return;
            }
        }
        self.end_lane(frame, lane, None);
    }

    pub(super) fn end_lane(&mut self, frame: usize, lane: usize, failure: Option<StageError>) {
        let last = match self.frames.get(&frame) {
            Some(Live::Loop(live)) => live.plan.body.last().cloned(),
            Some(Live::Guard(_)) | None => None,
        };
        let mut path = self.nodes[frame].path.clone();
        path.push(lane);
        let result = last.and_then(|id| self.run.stages.get(&id.inside(&path))).map(|stage| stage.output.clone());
        if let Some(Live::Loop(live)) = self.frames.get_mut(&frame) {
            live.live -= 1;
            live.end_item(lane, result.unwrap_or(Value::Null), failure);
        }
    }

    fn end_loop_if_over(&mut self, frame: usize, moment: Moment) {
        let halted = self.is_halted(frame);
        let Some(Live::Loop(live)) = self.frames.get(&frame) else { return };
        if live.live > 0 {
            return;
        }
        let output = live.output();
        let outcome = if live.out_of_time {
            Outcome::ended(Ending::TimedOut, out_of_time(), output)
        } else if let Some(error) = live.failure.clone() {
            Outcome::ended(Ending::Failed, error, output)
        } else if halted {
            Outcome::ended(Ending::Cancelled, cancelled(), output)
        } else {
            Outcome::succeeded(output)
        };
        self.end_frame(frame, outcome, moment);
    }

    fn end_frame(&mut self, frame: usize, outcome: Outcome, moment: Moment) {
        let attempt = self.last_attempt(frame).unwrap_or(1);
        self.on_ended(frame, attempt, outcome, moment);
    }

    /// Begins a part of a guard with its first stage.
    pub(super) fn enter(&mut self, frame: usize, part: Part, moment: Moment) {
        let Some(Live::Guard(guard)) = self.frames.get_mut(&frame) else { return };
        guard.part = part;
        guard.retry_at = None;
        let (round, error) = (guard.round, guard.error.clone());
        let path = self.nodes[frame].path.clone();
        let Some(Live::Guard(guard)) = self.frames.get(&frame) else { return };
        let stages = guard.list().iter().map(|id| id.inside(&path)).collect();
        self.announce(frame, part.name(), round, None, stages, error, moment);
        self.advance_guard(frame, 0, moment);
    }

    /// Starts the next stage of the part, or ends the part.
    pub(super) fn advance_guard(&mut self, frame: usize, from: usize, moment: Moment) {
        let Some(Live::Guard(guard)) = self.frames.get_mut(&frame) else { return };
        guard.live = true;
        let list = guard.list().to_vec();
        let stopped = (self.is_halted(frame) || self.is_out_of_time(frame)) && !self.is_finally(frame);
        if !stopped {
            for (position, id) in list.iter().enumerate().skip(from) {
                if self.begin_inside(Inside { frame, lane: 0, position }, id, moment) {
                    return;
                }
            }
        }
        self.end_part(frame, stopped.then(cancelled), moment);
    }

    fn is_out_of_time(&self, frame: usize) -> bool {
        match self.frames.get(&frame) {
            Some(Live::Guard(guard)) => guard.out_of_time,
            Some(Live::Loop(live)) => live.out_of_time,
            None => false,
        }
    }

    fn is_finally(&self, frame: usize) -> bool {
        matches!(self.frames.get(&frame), Some(Live::Guard(Guard { part: Part::Finally, .. })))
    }

    /// A part of a guard is over, well or not.
    pub(super) fn end_part(&mut self, frame: usize, failure: Option<StageError>, moment: Moment) {
        let halted = self.is_halted(frame) || self.is_out_of_time(frame);
        let data = self.last_output(frame);
        let Some(Live::Guard(guard)) = self.frames.get_mut(&frame) else { return };
        guard.live = false;
        let next = match (guard.part, failure) {
            (Part::Try, None) => {
                guard.error = None;
                guard.data = data;
                Part::Finally
            }
            (Part::Try, Some(error)) => {
                guard.error = Some(error.clone());
                if !halted && guard.round <= guard.plan.max_retries && guard.catches(&error) {
                    guard.round += 1;
                    return self.try_again(frame, moment);
                }
                let caught = guard.catches(&error) && !halted;
                guard.recovered = caught && guard.plan.forgive;
                guard.raised = (!guard.recovered).then_some(error);
                if caught && !guard.plan.catch.is_empty() { Part::Catch } else { Part::Finally }
            }
            (Part::Catch, None) => {
                guard.data = data;
                guard.recovered = !guard.plan.propagate;
                if guard.recovered {
                    guard.raised = None;
                }
                Part::Finally
            }
            (Part::Catch, Some(error)) => {
                guard.recovered = guard.plan.forgive;
                guard.raised = (!guard.plan.forgive).then_some(error);
                Part::Finally
            }
            (Part::Finally, failure) => {
                if let Some(error) = failure {
                    guard.raised.get_or_insert(error);
                }
                return self.end_guard(frame, moment);
            }
        };
        self.enter(frame, next, moment);
    }

    /// Tries once more, at once or after the delay.
    fn try_again(&mut self, frame: usize, moment: Moment) {
        let Some(Live::Guard(guard)) = self.frames.get(&frame) else { return };
        let delay = guard.plan.retry_delay;
        if delay.is_zero() {
            return self.enter(frame, Part::Try, moment);
        }
        let at = moment.now.after(delay);
        if let Some(Live::Guard(guard)) = self.frames.get_mut(&frame) {
            guard.retry_at = Some(at);
        }
        let epoch = self.nodes[frame].epoch;
        self.effects.push(Effect::Wake { stage: frame, at, epoch });
    }

    fn end_guard(&mut self, frame: usize, moment: Moment) {
        let halted = self.halt.is_some() && !self.nodes[frame].finally;
        let Some(Live::Guard(guard)) = self.frames.get(&frame) else { return };
        let output = guard.output();
        let outcome = if guard.out_of_time {
            Outcome::ended(Ending::TimedOut, out_of_time(), output)
        } else {
            match guard.raised.clone() {
                Some(error) if halted && error.kind == ErrorKind::Cancelled => Outcome::ended(Ending::Cancelled, error, output),
                Some(error) => Outcome::ended(Ending::Failed, error, output),
                None => Outcome::succeeded(output),
            }
        };
        self.end_frame(frame, outcome, moment);
    }

    /// The output of the last stage of the part that a guard is at.
    fn last_output(&self, frame: usize) -> Value {
        let Some(Live::Guard(guard)) = self.frames.get(&frame) else { return Value::Null };
        let path = &self.nodes[frame].path;
        let last = guard.list().last().and_then(|id| self.run.stages.get(&id.inside(path)));
        last.map_or(Value::Null, |stage| stage.output.clone())
    }

    /// Lets the ends of stages inside reach their frames.
    pub(super) fn end_inside(&mut self, node: usize, failure: Option<StageError>, moment: Moment) {
        let Some(Inside { frame, lane, position }) = self.nodes[node].inside else { return };
        match self.frames.get(&frame) {
            Some(Live::Loop(_)) => {
                let stopped = self.is_halted(frame) || self.is_out_of_time(frame);
                if failure.is_some() {
                    self.end_lane(frame, lane, failure);
                } else if stopped {
                    self.end_lane(frame, lane, None);
                } else {
                    self.advance_lane(frame, lane, position + 1, moment);
                }
                self.fill_loop(frame, moment);
            }
            Some(Live::Guard(_)) => match failure {
                Some(_) => self.end_part(frame, failure, moment),
                None => self.advance_guard(frame, position + 1, moment),
            },
            None => {}
        }
    }

    /// Nothing new starts any more: frames without anything at work go to their `finally`, or end.
    pub(super) fn wind_down(&mut self, moment: Moment) {
        let mut frames: Vec<usize> = self.frames.keys().copied().collect();
        // Inner ones first: their end is what the outer ones wait for.
        frames.sort_by_key(|frame| std::cmp::Reverse(*frame));
        for frame in frames {
            self.drop_waiting(frame, moment);
            match self.frames.get(&frame) {
                Some(Live::Loop(live)) if live.live == 0 => self.end_loop_if_over(frame, moment),
                Some(Live::Guard(guard)) if !guard.live && guard.part != Part::Finally => {
                    self.end_part(frame, Some(cancelled()), moment);
                }
                Some(Live::Loop(_) | Live::Guard(_)) | None => {}
            }
        }
    }

    /// Stages inside a halted frame that are not at work yet will not be.
    fn drop_waiting(&mut self, frame: usize, moment: Moment) {
        if !(self.is_halted(frame) || self.is_out_of_time(frame)) {
            return;
        }
        let idle = |node: &Node| {
            let here = node.inside.is_some_and(|inside| inside.frame == frame);
            here && !node.finally && matches!(node.phase, Phase::Ready | Phase::Backoff | Phase::Evaluating | Phase::Asked)
        };
        let idle: Vec<usize> = (0..self.nodes.len()).filter(|node| idle(&self.nodes[*node])).collect();
        for node in idle {
            self.ready.remove(&node);
            self.nodes[node].phase = Phase::Settled;
            let stage = self.id(node).clone();
            self.record(moment, EventKind::StageSettled { stage, status: StageStatus::Cancelled, output: Value::Null });
            self.ended_inside.push_back((node, Some(cancelled())));
        }
    }

    /// Ends what is at work below a frame whose time is up.
    fn stop_inside(&mut self, frame: usize) {
        let below: Vec<usize> = (0..self.nodes.len())
            .filter(|node| {
                self.nodes[*node].phase == Phase::Running && !self.frames.contains_key(node) && self.is_below(*node, frame)
            })
            .collect();
        for stage in below {
            let attempt = self.last_attempt(stage).unwrap_or(1);
            self.effects.push(Effect::Stop { stage, attempt, force: false });
        }
    }

    fn is_below(&self, node: usize, frame: usize) -> bool {
        let mut at = node;
        while let Some(inside) = self.nodes[at].inside {
            if inside.frame == frame {
                return true;
            }
            at = inside.frame;
        }
        false
    }

    /// An enclosing stage is over: what ran inside it counts for its own dependants now.
    pub(super) fn release_inside(&mut self, stage: usize, moment: Moment) {
        if self.nodes[stage].inside.is_some() || !self.nodes[stage].path.is_empty() {
            return;
        }
        for member in self.members_inside(stage) {
            if self.nodes[member].released {
                continue;
            }
            self.nodes[member].released = true;
            if self.nodes[member].phase != Phase::Settled {
                self.settle_template(member, moment);
            }
            self.nodes[member].inside = None;
            self.open -= 1;
            self.settling.push(member);
        }
    }

    /// Every written stage inside this one, however deep; branches inside it count as well.
    fn members_inside(&self, stage: usize) -> Vec<usize> {
        let mut members = Vec::new();
        if self.spec(stage).component.entry().encloses {
            self.collect_owned(self.nodes[stage].spec, &mut members);
        }
        members
    }

    fn collect_owned(&self, owner: usize, members: &mut Vec<usize>) {
        let id = &self.pipeline.stages[owner].id;
        for member in 0..self.pipeline.stages.len() {
            if member != owner && !members.contains(&member) && self.pipeline.stages[member].owners.contains(id) {
                members.push(member);
                self.collect_owned(member, members);
            }
        }
    }

    /// A written stage that ran only as instances takes the last one's output; one that never ran is skipped.
    fn settle_template(&mut self, member: usize, moment: Moment) {
        if self.nodes[member].phase == Phase::Running && self.frames.remove(&member).is_none() {
            // The frame could not be taken up again: what it left running is ended.
            let attempt = self.last_attempt(member).unwrap_or(1);
            self.effects.push(Effect::Stop { stage: member, attempt, force: false });
            self.running -= 1;
        }
        let id = self.pipeline.stages[member].id.clone();
        let instances =
            self.run.stages.values().rev().filter(|stage| stage.id.is_instance() && stage.id.written() == id.as_str());
        let last = instances.map(|stage| (stage.status, stage.output.clone())).next();
        self.nodes[member].phase = Phase::Settled;
        let settled = match last {
            Some((status, output)) => {
                let status = if status.is_final() { status } else { StageStatus::Cancelled };
                self.record(moment, EventKind::StageSettled { stage: id, status, output });
                Settled::Ran
            }
            None => {
                let owner = self.pipeline.stages[member].owners.first().map(ToString::to_string).unwrap_or_default();
                self.record(moment, EventKind::StageSkipped { stage: id, reason: format!("branch:{owner}") });
                Settled::Skipped
            }
        };
        self.nodes[member].settled = Some(settled);
    }

    /// A `return` that holds ends the run; what is at work may finish.
    pub(super) fn return_early(&mut self, stage: usize, moment: Moment) {
        if self.spec(stage).component != Component::Return {
            return;
        }
        let Some(output) = self.stage(stage).map(|stage| &stage.output) else { return };
        if output["returned"] != json!(true) {
            return;
        }
        let message = output["message"].as_str().unwrap_or("the pipeline returned a failure").to_owned();
        let failed = output["status"] == "failed";
        let value = output["return_value"].clone();
        let error = failed.then(|| {
            let mut error = StageError::new(ErrorKind::ControlFlow, message);
            error.stage = Some(self.id(stage).clone());
            error
        });
        self.halt.get_or_insert(Halt::Returned(value, error));
        self.wind_down(moment);
    }

    /// The names that loops and catches bind for a stage, innermost first.
    pub fn locals(&self, stage: usize) -> Vec<(String, Value)> {
        let mut names = Vec::new();
        let mut at = stage;
        while let Some(inside) = self.nodes[at].inside {
            match self.frames.get(&inside.frame) {
                Some(Live::Loop(live)) => {
                    if let Some((place, item)) = live.plan.items.get(inside.lane) {
                        let index = json!(place);
                        let items = [live.plan.item_name.as_str(), "item", "current_item"];
                        names.extend(items.map(|name| (name.to_owned(), item.clone())));
                        names.extend(
                            [live.plan.index_name.as_str(), "index", "item_index"].map(|name| (name.to_owned(), index.clone())),
                        );
                    }
                }
                Some(Live::Guard(guard)) => {
                    if let Some(error) = guard.error.as_ref().filter(|_| guard.part != Part::Try) {
                        names.push(("error".to_owned(), json!(error)));
                    }
                }
                None => {}
            }
            at = inside.frame;
        }
        names
    }
}

fn cancelled() -> StageError {
    StageError::new(ErrorKind::Cancelled, "cancelled")
}

fn out_of_time() -> StageError {
    StageError::new(ErrorKind::Timeout, "the stage's time budget is used up")
}
