//! A run again: as it was pinned, or with another document, keeping what may be kept.

use super::begin::{Beginning, modules};
use super::handle::{EngineError, parse};
use super::reuse::reusable;
use super::{Engine, clock};
use crate::language::{Pipeline, inclusion};
use crate::model::{Actor, Document, Include, Included, Rerun, Run, RunId, StageId};
use crate::store::Definition;

/// The pipeline of a rerun, checked.
struct Chosen {
    definition: Definition,
    pipeline: Pipeline,
    includes: Vec<Include>,
    modules: Vec<Definition>,
    edited_from: Option<String>,
    /// Stages that are not what they were in the earlier run.
    changed: Vec<StageId>,
}

impl Engine {
    /// Runs a pipeline again, taking over what `from` allows. Another document is pinned as its own; stages that it changes
    /// run again, wherever the rerun begins.
    ///
    /// # Errors
    /// A run, stage or document that is not there, a document that is not valid, inputs that do not fit.
    pub async fn rerun(&self, text: &str, rerun: Rerun, actor: Actor) -> Result<RunId, EngineError> {
        let old = self.run(text).await?;
        let pinned = self.pinned(&old).await?;
        let Chosen { definition, pipeline, includes, modules, edited_from, changed } = choose(&old, pinned, rerun.document)?;
        let reused = reusable(&old, &pipeline, &rerun.from, &changed)?;
        let beginning = Beginning {
            path: old.pipeline.path.clone(),
            workspace: old.workspace.clone(),
            inputs: rerun.inputs.unwrap_or_else(|| old.inputs.clone()),
            environment_names: rerun.values.0.keys().cloned().collect(),
            values: rerun.values,
            environment: old.environment.clone(),
            timeout_ms: old.timeout_ms,
            actor,
            rerun_of: Some(old.id),
            edited_from,
            reused,
            parent: None,
            includes,
            modules,
            definition,
            pipeline,
        };
        self.begin(RunId::new(clock::now(), clock::random()), beginning).await
    }

    /// The document that was pinned for a run, as it was written.
    ///
    /// # Errors
    /// A run that is not there.
    pub async fn document(&self, text: &str) -> Result<Document, EngineError> {
        let run = self.run(text).await?;
        let Definition { text, format, .. } = self.pinned(&run).await?;
        Ok(Document { text, format, included: None })
    }

    async fn pinned(&self, run: &Run) -> Result<Definition, EngineError> {
        let pinned = self.shared.store.definition(&run.pipeline.hash).await?;
        pinned.ok_or_else(|| EngineError::Refused(format!("the pipeline of run {} is not in the store", run.id)))
    }
}

/// The pinned document, or the other one that the client sent.
fn choose(old: &Run, pinned: Definition, document: Option<Document>) -> Result<Chosen, EngineError> {
    let before = parse(&pinned.text, &pinned.format)?;
    let document = document.filter(|document| document.text != pinned.text || document.included.is_some());
    let Some(Document { text, format, included }) = document else {
        return Ok(Chosen {
            definition: pinned,
            pipeline: before,
            includes: old.includes.clone(),
            modules: Vec::new(),
            edited_from: old.pipeline.edited_from.clone(),
            changed: Vec::new(),
        });
    };
    let pipeline = parse(&text, &format)?;
    let (includes, modules) = match included {
        Some(Included { modules: sent, includes }) => {
            let modules = modules(&pipeline, sent, &includes)?;
            (includes, modules)
        }
        None => (kept_includes(old, &pipeline)?, Vec::new()),
    };
    let is_other = pipeline.hash != before.hash;
    Ok(Chosen {
        changed: changed(&before, &pipeline, &old.includes, &includes),
        edited_from: if is_other { Some(old.pipeline.hash.clone()) } else { old.pipeline.edited_from.clone() },
        definition: Definition { hash: pipeline.hash.clone(), format, text },
        pipeline,
        includes,
        modules,
    })
}

/// What the references of an edited document mean: what they meant in the document it was made from.
fn kept_includes(old: &Run, pipeline: &Pipeline) -> Result<Vec<Include>, EngineError> {
    let of_root = old.includes.iter().filter(|include| include.within == old.pipeline.hash);
    let again: Vec<Include> = of_root.map(|include| Include { within: pipeline.hash.clone(), ..include.clone() }).collect();
    for reference in inclusion::inclusions(pipeline).filter_map(|inclusion| inclusion.reference()) {
        if !again.iter().any(|include| include.reference == reference) {
            let message = format!("`{}` includes `{reference}`, which was not pinned for run {}", pipeline.id, old.id);
            return Err(EngineError::InvalidPipeline(message));
        }
    }
    Ok(old.includes.iter().cloned().chain(again).collect())
}

/// Stages whose work is another than before: new ones, edited ones, and those that include a pipeline that is another now.
fn changed(before: &Pipeline, after: &Pipeline, old: &[Include], new: &[Include]) -> Vec<StageId> {
    let meaning = |includes: &[Include], within: &str, reference: Option<String>| {
        let reference = reference?;
        includes.iter().find(|include| include.within == within && include.reference == reference).map(|found| found.hash.clone())
    };
    let included = |pipeline: &Pipeline, includes: &[Include], id: &StageId| {
        let found = inclusion::inclusions(pipeline).find(|inclusion| inclusion.stage.id == *id);
        found.and_then(|inclusion| meaning(includes, &pipeline.hash, inclusion.reference()))
    };
    let same = |id: &StageId| {
        let (was, is) = (before.stage(id.as_str()), after.stage(id.as_str()));
        let written = was.zip(is).is_some_and(|(was, is)| was.is_same_work(is));
        written && included(before, old, id) == included(after, new, id)
    };
    after.stages.iter().map(|spec| &spec.id).filter(|id| !same(id)).cloned().collect()
}
