//! With which pipeline a rollback is done: the environment's own, or the definition stored with the release to go back to,
//! of which only the deployment itself runs again.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Way, own_pipeline};
use crate::config;
use crate::engine::Engine;
use crate::engine::handle::{EngineError, parse};
use crate::language::{Component, Pipeline, enclosure, inclusion};
use crate::model::{Environment, Include, Run, StageId, StageStatus};
use crate::store::Definition;

/// A pipeline, and what of it runs.
pub(super) struct Recipe {
    pub definition: Definition,
    pub pipeline: Arc<Pipeline>,
    pub path: Option<String>,
    /// The directory that its stages run in, where that is not the engine's workspace.
    pub workspace: Option<String>,
    pub inputs: Value,
    pub environment: Option<String>,
    pub includes: Vec<Include>,
    /// Stages that are as they were.
    pub reused: Vec<(StageId, Value)>,
    pub runs: Vec<StageId>,
    /// Names of the values that its stages read.
    pub names: Vec<String>,
}

impl Engine {
    pub(super) async fn recipe(&self, environment: &Environment, way: &Way) -> Result<Recipe, EngineError> {
        match own_pipeline(environment) {
            Some(name) => self.own(environment, name, way).await,
            None => self.stored(way).await,
        }
    }

    /// The environment's rollback pipeline, as its file is now.
    async fn own(&self, environment: &Environment, name: &str, way: &Way) -> Result<Recipe, EngineError> {
        let (workspace, wanted) = (self.shared.paths.workspace().to_owned(), name.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let path = config::resolve_pipeline(&workspace, &workspace, &wanted).map_err(|error| error.to_string())?;
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>((path, text))
        });
        let refused = |why: String| EngineError::Refused(format!("the rollback pipeline of {}: {why}", environment.name));
        let (path, text) = read.await.map_err(|error| refused(error.to_string()))?.map_err(refused)?;
        let format = if path.extension().is_some_and(|ending| ending == "json") { "json" } else { "yaml" };
        let pipeline = parse(&text, format)?;
        if inclusion::inclusions(&pipeline).next().is_some() {
            return Err(refused(format!("`{name}` includes other pipelines, which is not possible here")));
        }
        if !pipeline.stages.iter().any(|stage| stage.component == Component::Deploy) {
            return Err(refused(format!("`{name}` has no `deploy` stage, by which a rollback is on record")));
        }
        let (target, live) = (&way.target.record, way.live.as_ref().map(|live| live.record.version.clone()));
        let inputs = json!({
            "environment": environment.name, "service": target.service, "version": target.version,
            "from_version": live, "artefacts": target.artefacts,
        });
        Ok(Recipe {
            definition: Definition { hash: pipeline.hash.clone(), format: format.to_owned(), text },
            path: Some(path.display().to_string()),
            workspace: None,
            inputs,
            environment: Some(environment.name.clone()),
            includes: Vec::new(),
            reused: Vec::new(),
            runs: pipeline.stages.iter().map(|stage| stage.id.clone()).collect(),
            names: pipeline.environment_names().qualified().into_iter().collect(),
            pipeline: Arc::new(pipeline),
        })
    }

    /// What brought the release there in the first place.
    async fn stored(&self, way: &Way) -> Result<Recipe, EngineError> {
        let record = &way.target.record;
        let gone = |what: &str| EngineError::Refused(format!("{what} of release {} is not in the store any more", record.id));
        let run = self.shared.store.run(&record.run).await?.ok_or_else(|| gone("the run"))?;
        let definition = self.shared.store.definition(&record.pipeline_hash).await?.ok_or_else(|| gone("the pipeline"))?;
        let pipeline = parse(&definition.text, &definition.format)?;
        let runs = deployment(&pipeline, &record.stage)?;
        let reused = pipeline.stages.iter().filter(|stage| !runs.contains(&stage.id));
        let names: BTreeSet<String> = pipeline.environment_names().qualified().into_iter().collect();
        Ok(Recipe {
            path: run.pipeline.path.clone(),
            workspace: Some(run.workspace.clone()),
            inputs: record.inputs.clone(),
            environment: run.environment.clone(),
            includes: run.includes.clone(),
            reused: reused.map(|stage| (stage.id.clone(), as_it_was(&run, &stage.id))).collect(),
            runs: pipeline.stages.iter().map(|stage| &stage.id).filter(|id| runs.contains(*id)).cloned().collect(),
            names: run.environment_names.iter().filter(|name| names.contains(*name)).cloned().collect(),
            definition,
            pipeline: Arc::new(pipeline),
        })
    }
}

fn as_it_was(run: &Run, id: &StageId) -> Value {
    let stage = run.stages.get(id).filter(|stage| stage.status == StageStatus::Succeeded);
    stage.map_or_else(|| json!({"skipped": true, "reason": "rollback"}), |stage| stage.output.clone())
}

/// The deploy stage with what is inside it, and the guards around it with what is inside those.
fn deployment(pipeline: &Pipeline, stage: &StageId) -> Result<BTreeSet<StageId>, EngineError> {
    let written = StageId::new(stage.written());
    let mut top = written.clone();
    while let Some(around) = pipeline.stage(top.as_str()).and_then(|spec| enclosure::enclosure(pipeline, spec)) {
        if pipeline.stage(around.stage.as_str()).is_some_and(|spec| spec.component == Component::Foreach) {
            let message =
                format!("`{written}` deployed in the loop `{}`; give the environment a `rollback` pipeline", around.stage);
            return Err(EngineError::Refused(message));
        }
        top = around.stage;
    }
    let mut runs = BTreeSet::from([top]);
    loop {
        let owned = |spec: &&crate::language::StageSpec| spec.owners.iter().any(|owner| runs.contains(owner));
        let more: Vec<StageId> =
            pipeline.stages.iter().filter(owned).map(|spec| spec.id.clone()).filter(|id| !runs.contains(id)).collect();
        if more.is_empty() {
            return Ok(runs);
        }
        runs.extend(more);
    }
}
