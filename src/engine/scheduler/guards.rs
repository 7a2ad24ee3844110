//! Guards: trying, trying again, catching, and what runs in any case.

use serde_json::Value;

use super::enclose::Announced;
use super::enclose::{cancelled, out_of_time};
use super::frame::{Guard, Inside, Live, Part};
use super::node::Phase;
use super::{Effect, Moment, Scheduler};
use crate::model::{Ending, ErrorKind, Outcome, StageError, StageId, Verdict};

impl Scheduler {
    /// Begins a part of a guard with its first stage.
    pub(super) fn enter(&mut self, frame: usize, part: Part, moment: Moment) {
        let Some(Live::Guard(guard)) = self.frames.get_mut(&frame) else { return };
        guard.part = part;
        guard.retry_at = None;
        let (round, error) = (guard.round, guard.error.clone());
        let verdict = (part == Part::Finally).then(|| Verdict { raised: guard.raised.clone(), caught: guard.caught });
        let phase = Announced { name: part.name(), round, total: None, verdict };
        let path = self.nodes[frame].path.clone();
        let Some(Live::Guard(guard)) = self.frames.get(&frame) else { return };
        let stages: Vec<StageId> = guard.list().iter().map(|id| id.inside(&path)).collect();
        self.forget(&stages);
        self.announce(frame, phase, stages, error, moment);
        self.advance_guard(frame, 0, moment);
    }

    /// Stages of a part that begins anew have not been decided about.
    fn forget(&mut self, stages: &[StageId]) {
        for node in stages.iter().filter_map(|id| self.by_id.get(id)) {
            self.nodes[*node].phase = Phase::Blocked;
            self.nodes[*node].settled = None;
        }
    }

    /// Starts the next stage of the part, or ends the part.
    pub(super) fn advance_guard(&mut self, frame: usize, from: usize, moment: Moment) {
        let Some(Live::Guard(guard)) = self.frames.get_mut(&frame) else { return };
        guard.live = true;
        let stopped = (self.is_halted(frame) || self.is_out_of_time(frame)) && !self.is_finally(frame);
        if !stopped && self.begin_next(Inside { frame, lane: 0, position: from }, moment) {
            return;
        }
        self.end_part(frame, stopped.then(cancelled), moment);
    }

    pub(super) fn is_finally(&self, frame: usize) -> bool {
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
                guard.caught = true;
                guard.data = data;
                guard.recovered = !guard.plan.propagate;
                if guard.recovered {
                    guard.raised = None;
                }
                Part::Finally
            }
            (Part::Catch, Some(error)) => {
                guard.recovered = guard.plan.forgive;
                let error = match &guard.error {
                    Some(first) => handling(error, first),
                    None => error,
                };
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
    pub(super) fn try_again(&mut self, frame: usize, moment: Moment) {
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

    pub(super) fn end_guard(&mut self, frame: usize, moment: Moment) {
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
    pub(super) fn last_output(&self, frame: usize) -> Value {
        let Some(Live::Guard(guard)) = self.frames.get(&frame) else { return Value::Null };
        let path = &self.nodes[frame].path;
        let last = guard.list().last().and_then(|id| self.run.stages.get(&id.inside(path)));
        last.map_or(Value::Null, |stage| stage.output.clone())
    }
}

/// The error of a catch, which tells the one that it was there for.
fn handling(error: StageError, first: &StageError) -> StageError {
    let of = first.stage.as_ref().map(|stage| format!(" of {stage}")).unwrap_or_default();
    let own = error.cause.as_ref().map(|cause| format!("{cause}; ")).unwrap_or_default();
    error.caused_by(format!("{own}while handling the error{of}: {first}"))
}
