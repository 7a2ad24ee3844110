//! When nothing new starts any more: what waits inside is dropped, what runs is ended, `finally` still has its turn.

use serde_json::Value;

use super::enclose::cancelled;
use super::frame::{Live, Part};
use super::node::{Node, Phase};
use super::{Effect, Moment, Scheduler};
use crate::model::{EventKind, StageStatus};

impl Scheduler {
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
    pub(super) fn drop_waiting(&mut self, frame: usize, moment: Moment) {
        if !(self.is_halted(frame) || self.is_out_of_time(frame)) {
            return;
        }
        let idle = |node: &Node| {
            let here = node.inside.is_some_and(|inside| inside.frame == frame);
            here && !node.finally
                && matches!(node.phase, Phase::Ready | Phase::Held | Phase::Backoff | Phase::Evaluating | Phase::Asked)
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
    pub(super) fn stop_inside(&mut self, frame: usize) {
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

    pub(super) fn is_below(&self, node: usize, frame: usize) -> bool {
        let mut at = node;
        while let Some(inside) = self.nodes[at].inside {
            if inside.frame == frame {
                return true;
            }
            at = inside.frame;
        }
        false
    }
}
