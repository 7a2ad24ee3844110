//! Stages that wait at a gate: they are held before their attempt begins, and nothing of them is done until they are let through.
//!
//! Whether a stage is let through is not decided here. A held stage that may go is ready again and asks anew.

use super::node::Phase;
use super::{Effect, Moment, Scheduler};
use crate::model::{ErrorKind, EventKind, GateId, StageError};

impl Scheduler {
    /// Keeps a stage that `next_ready` named from starting until `Input::GateMoved`.
    pub fn hold(&mut self, stage: usize, gate: &GateId, moment: Moment) -> Vec<Effect> {
        self.ready.remove(&stage);
        self.nodes[stage].phase = Phase::Held;
        let known = self.stage(stage).is_some_and(|stage| stage.waits_at.as_ref() == Some(gate));
        if !known {
            let id = self.id(stage).clone();
            self.record(moment, EventKind::StageHeld { stage: id, gate: gate.clone() });
        }
        std::mem::take(&mut self.effects)
    }

    /// Stages that wait at a gate, with it.
    pub fn held(&self) -> impl Iterator<Item = (usize, &GateId)> {
        let held = (0..self.nodes.len()).filter(|stage| self.nodes[*stage].phase == Phase::Held);
        held.filter_map(|stage| Some((stage, self.stage(stage)?.waits_at.as_ref()?)))
    }

    pub(super) fn on_gate_moved(&mut self, stage: usize) {
        if self.nodes[stage].phase == Phase::Held {
            self.make_ready(stage);
        }
    }

    /// Nobody is waited for any more, not even for a `finally`, which a cancel with grace leaves at its gate.
    pub(super) fn bar_held_finally(&mut self, moment: Moment) {
        let held = |stage: &usize| self.nodes[*stage].phase == Phase::Held && self.nodes[*stage].finally;
        let held: Vec<usize> = (0..self.nodes.len()).filter(held).collect();
        for stage in held {
            let error = StageError::new(ErrorKind::Cancelled, "cancelled while it waited for approval");
            self.on_barred(stage, error, moment);
        }
    }

    pub(super) fn on_barred(&mut self, stage: usize, error: StageError, moment: Moment) {
        if matches!(self.nodes[stage].phase, Phase::Ready | Phase::Held) {
            self.fail_unstarted(stage, error, moment);
        }
    }
}
