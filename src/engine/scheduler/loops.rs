//! Loops: which items are at work, what an item's end leads to, when the loop is over.

use serde_json::Value;

use super::enclose::{cancelled, out_of_time};
use super::frame::{Inside, Live};
use super::{Moment, Scheduler};
use crate::model::{Ending, ErrorKind, Outcome, StageError};

impl Scheduler {
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
        if !self.begin_next(Inside { frame, lane, position: from }, moment) {
            self.end_lane(frame, lane, None);
        }
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

    pub(super) fn end_loop_if_over(&mut self, frame: usize, moment: Moment) {
        let halted = self.is_halted(frame);
        let Some(Live::Loop(live)) = self.frames.get(&frame) else { return };
        if live.live > 0 {
            return;
        }
        let output = live.output();
        let dropped = |error: &StageError| halted && error.kind == ErrorKind::Cancelled;
        let outcome = if live.out_of_time {
            Outcome::ended(Ending::TimedOut, out_of_time(), output)
        } else if let Some(error) = live.failure.clone().filter(|error| !dropped(error)) {
            Outcome::ended(Ending::Failed, error, output)
        } else if halted {
            Outcome::ended(Ending::Cancelled, cancelled(), output)
        } else {
            Outcome::succeeded(output)
        };
        self.end_frame(frame, outcome, moment);
    }
}
