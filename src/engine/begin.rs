//! A run's beginning: checked, pinned, durable, and only then driven.
//!
//! Owns what every run goes through, whoever asked for it: a person, a rerun, or a stage of another run.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::handle::{EngineError, parse};
use super::scheduler::Scheduler;
use super::{Engine, audit, clock, targets};
use crate::language::{Pipeline, inclusion, inputs, support};
use crate::model::{Actor, EventKind, GoingBack, Include, Module, Parent, PipelineRef, Run, RunId, StageId, Values};
use crate::operators;
use crate::store::{Batch, Definition, NewEvent};

/// Everything a run begins with.
pub(super) struct Beginning {
    pub definition: Definition,
    pub pipeline: Pipeline,
    /// Where a client read it, for people.
    pub path: Option<String>,
    pub workspace: String,
    pub inputs: Value,
    pub values: Values,
    /// What it is for; the pipeline's own when absent.
    pub environment: Option<String>,
    pub environment_names: Vec<String>,
    pub timeout_ms: Option<u64>,
    pub actor: Actor,
    pub rerun_of: Option<RunId>,
    /// The hash of the document that this one was made from, when it is an edit.
    pub edited_from: Option<String>,
    /// The hash of the document of the earlier run, when this one is its file as it has become.
    pub renewed_from: Option<String>,
    pub reused: Vec<(StageId, Value)>,
    pub parent: Option<Parent>,
    /// What the pipeline's references mean, and the texts that are not in the store yet.
    pub includes: Vec<Include>,
    pub modules: Vec<Definition>,
    /// Set when it goes back to an earlier release.
    pub rollback: Option<Box<GoingBack>>,
    /// What is recorded in the commit of its creation.
    pub with: Batch,
}

impl Engine {
    /// Makes the run durable and starts driving it.
    ///
    /// # Errors
    /// Inputs that do not fit, or a store that takes nothing.
    pub(super) async fn begin(&self, id: RunId, beginning: Beginning) -> Result<RunId, EngineError> {
        let Beginning { definition, pipeline, mut modules, values, with, .. } = beginning;
        runnable(&pipeline)?;
        let given = if beginning.inputs.is_null() { Value::Object(Map::new()) } else { beginning.inputs };
        let inputs = inputs::check(&pipeline, given).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
            EngineError::InvalidInputs(lines.join("; "))
        })?;
        let settings = self.shared.outside.current().await?;
        let policy = &self.shared.policy_in_force().await.policy;
        let environment = targets::chosen([beginning.environment, pipeline.environment.clone()], policy)?;
        let own_limit = pipeline.timeout.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        let kind = EventKind::RunCreated {
            pipeline: PipelineRef {
                id: pipeline.id.clone(),
                name: pipeline.name.clone(),
                version: pipeline.version.clone(),
                hash: pipeline.hash.clone(),
                path: beginning.path,
                edited_from: beginning.edited_from,
                renewed_from: beginning.renewed_from,
            },
            stages: pipeline.outlines(),
            inputs,
            actor: beginning.actor,
            workspace: beginning.workspace,
            rerun_of: beginning.rerun_of,
            environment,
            environment_names: beginning.environment_names,
            timeout_ms: beginning.timeout_ms.into_iter().chain(own_limit).min(),
            reused: beginning.reused,
            parent: beginning.parent,
            includes: beginning.includes,
            protected: policy.protected().map(str::to_owned).collect(),
            rollback: beginning.rollback,
        };
        modules.push(definition);
        let event = NewEvent { at: clock::now(), run: id.clone(), kind };
        // In a task of its own: a client that goes away in between must not leave a durable run that nobody drives.
        let engine = self.clone();
        let begun = tokio::spawn(async move {
            let Batch { events, audit, .. } = audit::with_records(vec![event]);
            let audit = audit.into_iter().chain(with.audit).collect();
            let batch = Batch { definitions: modules, events, audit, ..with };
            let events = engine.shared.store.record(batch).await?.events;
            let run = Run::fold(&events);
            engine.shared.hub.publish(events);
            let pipeline = Arc::new(pipeline);
            let scheduler = run.and_then(|run| Scheduler::restore(Arc::clone(&pipeline), run));
            let scheduler = scheduler.ok_or_else(|| EngineError::Refused("the run does not match its pipeline".to_owned()))?;
            engine.drive(settings, pipeline, scheduler, values);
            Ok(id)
        });
        begun.await.unwrap_or_else(|error| Err(EngineError::Refused(error.to_string())))
    }
}

/// Refuses a pipeline with components that this build cannot run, before anything of it has happened.
fn runnable(pipeline: &Pipeline) -> Result<(), EngineError> {
    let missing = support::missing(pipeline, operators::runs);
    let missing: Vec<String> = missing.map(|stage| format!("`{}` (stage `{}`)", stage.component, stage.id)).collect();
    if missing.is_empty() { Ok(()) } else { Err(EngineError::Unsupported(missing.join(", "))) }
}

/// Checks that every pipeline that is named was sent along, and is sound; `each` sees them.
///
/// # Errors
/// `InvalidPipeline` naming the first that is not.
pub(super) fn modules(
    root: &Pipeline,
    sent: Vec<Module>,
    includes: &[Include],
    mut each: impl FnMut(&Pipeline),
) -> Result<Vec<Definition>, EngineError> {
    let mut pipelines = HashMap::new();
    let mut definitions = Vec::new();
    for Module { format, text } in sent {
        let pipeline = parse(&text, &format)?;
        runnable(&pipeline)?;
        each(&pipeline);
        definitions.push(Definition { hash: pipeline.hash.clone(), format, text });
        pipelines.insert(pipeline.hash.clone(), pipeline);
    }
    for pipeline in pipelines.values().chain([root]) {
        for reference in inclusion::inclusions(pipeline).filter_map(|inclusion| inclusion.reference()) {
            let pinned = includes.iter().find(|include| include.within == pipeline.hash && include.reference == reference);
            if !pinned.is_some_and(|include| include.hash == root.hash || pipelines.contains_key(&include.hash)) {
                let message = format!("`{}` includes `{reference}`, which was not sent along", pipeline.id);
                return Err(EngineError::InvalidPipeline(message));
            }
        }
    }
    Ok(definitions)
}
