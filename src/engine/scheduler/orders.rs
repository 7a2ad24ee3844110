//! What people order: a cancel, and the answer to an interrupted attempt.

use serde_json::Value;

use super::node::{Node, Phase};
use super::{Effect, Halt, Moment, Scheduler};
use crate::model::{Actor, Ending, EventKind, Outcome, Resolution};

impl Scheduler {
    pub(super) fn on_cancel(&mut self, actor: Actor, force: bool, reason: Option<String>, moment: Moment) {
        self.record(moment, EventKind::CancelRequested { actor, force, reason });
        self.halt = Some(Halt::Cancelling);
        self.stop_running(force);
        if force {
            if self.run.given_up {
                self.give_up_undoing();
            }
            self.bar_held_finally(moment);
        }
        self.wind_down(moment);
    }

    pub(super) fn stop_running(&mut self, force: bool) {
        let stopped = |node: &Node| node.phase == Phase::Running && (force || !node.finally);
        let stages: Vec<usize> = (0..self.nodes.len()).filter(|stage| stopped(&self.nodes[*stage])).collect();
        for stage in stages.into_iter().filter(|stage| !self.frames.contains_key(stage)).collect::<Vec<_>>() {
            let attempt = self.last_attempt(stage).unwrap_or(1);
            self.effects.push(Effect::Stop { stage, attempt, force });
        }
    }

    pub(super) fn on_resolve(&mut self, stage: usize, resolution: Resolution, actor: Actor, moment: Moment) {
        if self.nodes[stage].phase != Phase::Asked {
            return;
        }
        let attempt = self.last_attempt(stage).unwrap_or(1);
        let id = self.id(stage).clone();
        self.record(moment, EventKind::AttemptResolved { stage: id, attempt, resolution, actor });
        match resolution {
            Resolution::Retry if self.is_reserved(stage) => self.make_due(stage),
            Resolution::Retry => self.make_ready(stage),
            Resolution::Succeed => self.settled(stage, None, moment),
            Resolution::Fail => {
                let error = self.stage(stage).and_then(|stage| stage.error.as_deref().cloned());
                let failed = Outcome { ending: Ending::Failed, output: Value::Null, error };
                let blame = self.blame(stage, &failed);
                self.settled(stage, Some(blame), moment);
            }
        }
    }
}
