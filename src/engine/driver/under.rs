//! The deployment under whose request a stage may start: what it is a part of, undoes, or looks at afterwards.
//!
//! Only names it; whether that lets the stage through is decided at the gate.

use std::collections::{BTreeSet, VecDeque};

use super::Driver;
use crate::language::Component;
use crate::model::StageId;
use crate::operators;

impl Driver {
    /// The deployment that a stage is a part of, or that what it undoes was: what was agreed to was that, with its parts.
    pub(super) fn let_through_with(&self, stage: usize) -> Option<StageId> {
        let deploys = |id: &&StageId| {
            let spec = self.pipeline.stage(id.written());
            spec.is_some_and(|spec| spec.component == Component::Deploy)
        };
        if let Some(undone) = &self.scheduler.spec(stage).undoes {
            // Its guards are over by now; the run still knows them.
            let stages = &self.scheduler.run().stages;
            let around = |id: &StageId| stages.get(id)?.enclosure.as_ref().map(|enclosure| &enclosure.stage);
            return std::iter::successors(around(undone), |id| around(id)).find(deploys).cloned();
        }
        let mut around = self.scheduler.around(stage).into_iter().map(|frame| self.scheduler.id(frame));
        let of = around.find(deploys).cloned();
        of.or_else(|| self.looked_at(stage))
    }

    /// The deployment that a stage looks at afterwards: it was a part of what was agreed to, and changes nothing.
    fn looked_at(&self, stage: usize) -> Option<StageId> {
        let spec = self.scheduler.spec(stage);
        if !operators::only_looks(spec) {
            return None;
        }
        // The nearest first.
        let mut open: VecDeque<&StageId> = spec.depends_on.iter().collect();
        let mut seen: BTreeSet<&StageId> = BTreeSet::new();
        while let Some(id) = open.pop_front().filter(|_| seen.len() <= self.pipeline.stages.len()) {
            let Some(before) = self.pipeline.stage(id.as_str()).filter(|_| seen.insert(id)) else { continue };
            if before.component == Component::Deploy {
                return Some(before.id.clone());
            }
            open.extend(&before.depends_on);
        }
        None
    }
}
