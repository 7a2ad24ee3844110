//! Stages inside stages: loops and guards, their items and parts, and what a stage's end inside them leads to.
//!
//! A stage inside counts for the rest of the pipeline only when the enclosing stage has ended.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::frame::{Guard, Inside, Live, Loop, Part};
use super::node::{Node, Phase, Settled};
use super::{Effect, Moment, Scheduler, flow};
use crate::language::Component;
use crate::model::{ErrorKind, EventKind, Outcome, StageError, StageId, Verdict};
use crate::operators::{Foreach, Frame, TryCatch};

/// What an enclosing stage tells of a part of its work as it begins.
pub(super) struct Announced {
    pub name: &'static str,
    pub round: u32,
    /// Items of a loop.
    pub total: Option<u64>,
    pub verdict: Option<Verdict>,
}

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
                let phase = Announced { name: "items", round: 1, total, verdict: None };
                self.announce(stage, phase, Vec::new(), None, moment);
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
        let listed: Vec<usize> = list.iter().filter_map(|id| self.pipeline.index_of(id.as_str())).collect();
        let itself: HashSet<usize> = listed.iter().copied().collect();
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        for stage in listed {
            let mut open = vec![stage];
            while let Some(at) = open.pop() {
                if !seen.insert(at) {
                    continue;
                }
                let spec = &self.pipeline.stages[at];
                all.push(spec.id.clone());
                if matches!(spec.component, Component::Conditional | Component::Router) {
                    open.extend(self.nodes[at].owned.iter().rev().filter(|owned| !itself.contains(owned)));
                }
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
        let reserved = self.is_reserved(stage);
        let spent = self.remaining(stage, moment.now).is_some_and(|left| left.is_zero());
        match (self.nodes[stage].phase, self.frames.get_mut(&stage)) {
            (Phase::Backoff, _) if reserved => self.make_due(stage),
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

    /// Records that an enclosing stage begins a part of its work.
    pub(super) fn announce(
        &mut self,
        stage: usize,
        phase: Announced,
        stages: Vec<StageId>,
        error: Option<StageError>,
        moment: Moment,
    ) {
        let attempt = self.last_attempt(stage).unwrap_or(1);
        let stage = self.id(stage).clone();
        let Announced { name, round, total, verdict } = phase;
        let phase = name.to_owned();
        self.record(moment, EventKind::PhaseStarted { stage, attempt, phase, round, total, stages, error, verdict });
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
                self.instances[spec].push(self.nodes.len() - 1);
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

    /// Starts the stage at this place of its list, or the first one after it that exists. False when there is none.
    pub(super) fn begin_next(&mut self, mut inside: Inside, moment: Moment) -> bool {
        loop {
            let list = match self.frames.get(&inside.frame) {
                Some(Live::Loop(live)) => live.plan.body.as_slice(),
                Some(Live::Guard(guard)) => guard.list(),
                None => return false,
            };
            let Some(id) = list.get(inside.position).cloned() else { return false };
            if self.begin_inside(inside, &id, moment) {
                return true;
            }
            inside.position += 1;
        }
    }

    /// Starts one stage of a frame; one that the pipeline does not have counts as done.
    pub(super) fn begin_inside(&mut self, inside: Inside, id: &StageId, moment: Moment) -> bool {
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

    pub(super) fn is_halted(&self, frame: usize) -> bool {
        self.halt.is_some() && !self.nodes[frame].finally
    }

    pub(super) fn end_frame(&mut self, frame: usize, outcome: Outcome, moment: Moment) {
        let attempt = self.last_attempt(frame).unwrap_or(1);
        self.on_ended(frame, attempt, outcome, moment);
    }

    pub(super) fn is_out_of_time(&self, frame: usize) -> bool {
        match self.frames.get(&frame) {
            Some(Live::Guard(guard)) => guard.out_of_time,
            Some(Live::Loop(live)) => live.out_of_time,
            None => false,
        }
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

    /// The names that loops and catches bind for a stage, innermost first, and those of a compensation.
    pub fn locals(&self, stage: usize) -> Vec<(String, Value)> {
        let mut names = self.undoing_names(stage);
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

pub(super) fn cancelled() -> StageError {
    StageError::new(ErrorKind::Cancelled, "cancelled")
}

pub(super) fn out_of_time() -> StageError {
    StageError::new(ErrorKind::Timeout, "the stage's time budget is used up")
}
