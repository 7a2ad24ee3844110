//! What a rerun takes over from the run before it. Must not know how a run is begun or carried out.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::EngineError;
use crate::language::Pipeline;
use crate::model::{RerunFrom, Run, StageId, StageStatus};

/// The outputs a rerun takes over: what succeeded, less what is to run again and everything below it, whether it depends
/// on that, is run by it, or only reads it. `changed` are the stages of the pipeline that are not what they were.
pub(super) fn reusable(
    old: &Run,
    pipeline: &Pipeline,
    from: &RerunFrom,
    changed: &[StageId],
) -> Result<Vec<(StageId, Value)>, EngineError> {
    let mut open: Vec<&StageId> = Vec::new();
    match from {
        RerunFrom::Start => return Ok(Vec::new()),
        RerunFrom::Failed => {}
        RerunFrom::Stage(id) => {
            let spec = pipeline.stage(id.as_str());
            let spec = spec.ok_or_else(|| EngineError::NoStage { run: old.id.clone(), stage: id.clone() })?;
            open.push(&spec.id);
        }
    }
    open.extend(pipeline.stages.iter().map(|spec| &spec.id).filter(|id| !succeeded(old, id) && !settled_around(old, id)));
    let undone = undone(old);
    open.extend(pipeline.stages.iter().map(|spec| &spec.id).filter(|id| undone.contains(id)));
    let changed: HashSet<&StageId> = changed.iter().collect();
    open.extend(&changed);
    let below = below(old, pipeline);
    let mut again: HashSet<&StageId> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        if redone(old, id) || changed.contains(id) {
            let further = below.get(id).into_iter().flatten().copied();
            open.extend(further.filter(|id| again.insert(id)));
        }
    }
    let stages = pipeline.stages.iter().filter(|spec| spec.undoes.is_none()).map(|spec| &spec.id);
    let stages = stages.filter(|id| succeeded(old, id) && !again.contains(id));
    let kept = stages.filter_map(|id| old.stages.get(id));
    Ok(kept.map(|stage| (stage.id.clone(), stage.output.clone())).collect())
}

/// Stages that are not what they were when they succeeded: their compensation has begun.
fn undone(old: &Run) -> HashSet<&StageId> {
    old.stages.values().filter(|stage| stage.has_begun()).filter_map(|stage| stage.undoes.as_ref()).collect()
}

fn succeeded(old: &Run, id: &StageId) -> bool {
    old.stages.get(id).is_some_and(|stage| stage.status == StageStatus::Succeeded)
}

/// The loop or guard that a stage runs in.
fn around<'r>(old: &'r Run, id: &StageId) -> Option<&'r StageId> {
    old.stages.get(id)?.enclosure.as_ref().map(|enclosure| &enclosure.stage)
}

/// True when a loop or guard around the stage made up for what became of it.
fn settled_around(old: &Run, id: &StageId) -> bool {
    std::iter::successors(around(old, id), |frame| around(old, frame)).any(|frame| succeeded(old, frame))
}

/// Who has to do with a stage's output, by that stage. A loop or guard runs as a whole: one stage inside brings it along.
fn below<'p>(old: &'p Run, pipeline: &'p Pipeline) -> HashMap<&'p StageId, Vec<&'p StageId>> {
    let mut below: HashMap<&StageId, Vec<&StageId>> = HashMap::new();
    for spec in &pipeline.stages {
        for first in spec.dependencies().chain(&spec.reads) {
            below.entry(first).or_default().push(&spec.id);
        }
        if let Some(frame) = around(old, &spec.id) {
            below.entry(&spec.id).or_default().push(frame);
        }
    }
    below
}

/// A skipped stage is decided again, but does not by itself make what ran beside it run again.
fn redone(old: &Run, id: &StageId) -> bool {
    old.stages.get(id).is_none_or(|stage| stage.status != StageStatus::Skipped)
}

#[cfg(test)]
mod tests;
