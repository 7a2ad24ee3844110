//! The end of an enclosing stage: what ran inside it counts for the stages outside from now on.

use std::collections::HashSet;

use serde_json::json;

use super::node::{Phase, Settled};
use super::{Effect, Halt, Moment, Scheduler};
use crate::language::Component;
use crate::model::{ErrorKind, EventKind, StageError, StageStatus};

impl Scheduler {
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
    pub(super) fn members_inside(&self, stage: usize) -> Vec<usize> {
        let frame = self.nodes[stage].spec;
        if !self.spec(stage).component.entry().encloses {
            return Vec::new();
        }
        let (mut members, mut seen) = (Vec::new(), HashSet::from([frame]));
        let mut open: Vec<usize> = self.nodes[frame].owned.iter().rev().copied().collect();
        while let Some(member) = open.pop() {
            if seen.insert(member) {
                members.push(member);
                open.extend(self.nodes[member].owned.iter().rev());
            }
        }
        members
    }

    /// A written stage that ran only as instances takes the last item's output; one that never ran is skipped.
    pub(super) fn settle_template(&mut self, member: usize, moment: Moment) {
        if self.nodes[member].phase == Phase::Running && self.frames.remove(&member).is_none() {
            // The frame could not be taken up again: what it left running is ended.
            let attempt = self.last_attempt(member).unwrap_or(1);
            self.effects.push(Effect::Stop { stage: member, attempt, force: false });
            self.running -= 1;
        }
        let id = self.pipeline.stages[member].id.clone();
        let instances = self.instances[member].iter().filter_map(|instance| Some((self.path(*instance), self.stage(*instance)?)));
        // The last in the order of the items: parallel ones begin in any order.
        let last = instances.max_by_key(|(path, _)| *path).map(|(_, stage)| (stage.status, stage.output.clone()));
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
}
