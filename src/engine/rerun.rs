//! A run again: as it was pinned, or with another document, keeping what may be kept.

use super::begin::{Beginning, modules};
use super::caller::Caller;
use super::handle::{EngineError, parse};
use super::reuse::reusable;
use super::targets::Targets;
use super::{Engine, clock};
use crate::language::{Pipeline, inclusion};
use crate::model::{Document, Include, Included, Rerun, Run, RunId, StageId};
use crate::store::{Batch, Definition};

/// The pipeline of a rerun, checked.
struct Chosen {
    definition: Definition,
    pipeline: Pipeline,
    includes: Vec<Include>,
    modules: Vec<Definition>,
    edited_from: Option<String>,
    renewed_from: Option<String>,
    /// Stages that are not what they were in the earlier run.
    changed: Vec<StageId>,
    /// What another document may touch beyond what the earlier one did.
    targets: Targets,
}

impl Engine {
    /// Runs a pipeline again, taking over what `from` allows. Another document is pinned as its own; stages that it changes
    /// run again, wherever the rerun begins.
    ///
    /// # Errors
    /// A run, stage or document that is not there, a document that is not valid, inputs that do not fit.
    pub async fn rerun(&self, text: &str, rerun: Rerun, caller: &Caller) -> Result<RunId, EngineError> {
        let old = self.run(text).await?;
        let actor = self.admit(caller, &old).await?;
        let pinned = self.pinned(&old).await?;
        let Chosen { definition, pipeline, includes, modules, edited_from, renewed_from, changed, targets } =
            choose(&old, pinned, rerun.document)?;
        caller.may_touch(&targets)?;
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
            renewed_from,
            reused,
            parent: None,
            includes,
            modules,
            rollback: None,
            with: Batch::default(),
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
            renewed_from: old.pipeline.renewed_from.clone(),
            changed: Vec::new(),
            targets: Targets::default(),
        });
    };
    let pipeline = parse(&text, &format)?;
    let mut targets = Targets::default();
    targets.add(&pipeline);
    // A file comes with what it includes; an edit goes on meaning what was pinned.
    let is_file = included.is_some();
    let (includes, modules) = match included {
        Some(Included { modules: sent, includes }) => {
            let modules = modules(&pipeline, sent, &includes, |included| targets.add(included))?;
            (includes, modules)
        }
        None => (kept_includes(old, &pipeline)?, Vec::new()),
    };
    let is_other = pipeline.hash != before.hash;
    let made_from = |so: bool| so.then(|| old.pipeline.hash.clone());
    Ok(Chosen {
        changed: changed(&before, &pipeline, &old.includes, &includes),
        edited_from: if is_other { made_from(!is_file) } else { old.pipeline.edited_from.clone() },
        renewed_from: if is_other { made_from(is_file) } else { old.pipeline.renewed_from.clone() },
        definition: Definition { hash: pipeline.hash.clone(), format, text },
        pipeline,
        includes,
        modules,
        targets,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Chosen, Definition, choose, reusable};
    use crate::engine::handle::parse;
    use crate::model::{
        Actor, Document, Event, EventKind, Include, Included, Next, Outcome, PipelineRef, RerunFrom, Run, RunId, RunStatus,
        StageId, Timestamp,
    };

    const TEXT: &str = "id: p\nstages:\n  - {id: a, type: shell, config: {run: echo a}}\n  - {id: b, type: shell, depends_on: [a], config: {run: echo b}}\n  - {id: c, type: shell, config: {run: echo c}}\n  - {id: d, type: shell, depends_on: [b, c], config: {run: 'false'}}\n";

    fn pinned(text: &str) -> Definition {
        let pipeline = parse(text, "yaml").expect("valid");
        Definition { hash: pipeline.hash, format: "yaml".to_owned(), text: text.to_owned() }
    }

    /// A run of the text whose stages all succeeded but the last.
    fn run(text: &str, includes: Vec<Include>) -> Run {
        let pipeline = parse(text, "yaml").expect("valid");
        let id = RunId::from_text("r");
        let created = EventKind::RunCreated {
            pipeline: PipelineRef {
                id: "p".to_owned(),
                name: "p".to_owned(),
                hash: pipeline.hash.clone(),
                ..PipelineRef::default()
            },
            stages: pipeline.outlines(),
            inputs: json!({}),
            actor: Actor::engine(),
            workspace: "w".to_owned(),
            rerun_of: None,
            environment: None,
            environment_names: Vec::new(),
            timeout_ms: None,
            reused: Vec::new(),
            parent: None,
            includes,
            protected: Vec::new(),
            rollback: None,
        };
        let last = pipeline.stages.len() - 1;
        let ended = pipeline.stages[..last].iter().flat_map(|spec| {
            let stage = spec.id.clone();
            let outcome = Outcome::succeeded(json!(stage.as_str()));
            let start =
                EventKind::AttemptStarted { stage: stage.clone(), attempt: 1, config: json!({}), child: None, unstarted: false };
            [start, EventKind::AttemptFinished { stage, attempt: 1, outcome, next: Next::Settle }]
        });
        let finished = EventKind::RunFinished { status: RunStatus::Failed, output: json!(null), error: None };
        let kinds = std::iter::once(created).chain(ended).chain([finished]);
        let events: Vec<Event> =
            (1..).zip(kinds).map(|(seq, kind)| Event { seq, at: Timestamp(0), run: id.clone(), kind }).collect();
        Run::fold(&events).expect("begins with its creation")
    }

    fn edit(text: &str) -> Option<Document> {
        Some(Document { text: text.to_owned(), format: "yaml".to_owned(), included: None })
    }

    fn kept(edited: &str) -> Vec<String> {
        let old = run(TEXT, Vec::new());
        let Chosen { pipeline, changed, .. } = choose(&old, pinned(TEXT), edit(edited)).expect("valid");
        let reused = reusable(&old, &pipeline, &RerunFrom::Failed, &changed).expect("stages that exist");
        reused.into_iter().map(|(id, _)| id.as_str().to_owned()).collect()
    }

    #[test]
    fn an_edited_stage_and_what_is_below_it_run_again_and_the_rest_is_kept() {
        assert_eq!(kept(TEXT), ["a", "b", "c"]);
        assert_eq!(kept(&TEXT.replace("'false'", "'true'")), ["a", "b", "c"], "the failed stage runs again anyway");
        assert_eq!(kept(&TEXT.replace("echo b", "echo B")), ["a", "c"]);
        assert_eq!(kept(&TEXT.replace("echo a", "echo A")), ["c"]);
        assert_eq!(
            kept(&format!("# why\n{}", TEXT.replace("id: c,", "id: c,   "))),
            ["a", "b", "c"],
            "the same work, written otherwise"
        );
        assert_eq!(
            kept(&TEXT.replace("id: c,", "id: e,").replace("[b, c]", "[b, e]")),
            ["a", "b"],
            "a stage that is gone is not kept"
        );
    }

    #[test]
    fn an_edit_is_pinned_as_its_own_and_the_same_text_is_no_edit() {
        let old = run(TEXT, Vec::new());
        let edited = choose(&old, pinned(TEXT), edit(&TEXT.replace("echo a", "echo A"))).expect("valid");
        assert_eq!(edited.edited_from.as_deref(), Some(old.pipeline.hash.as_str()));
        assert_ne!(edited.definition.hash, old.pipeline.hash);
        let same = choose(&old, pinned(TEXT), edit(TEXT)).expect("valid");
        assert_eq!((same.edited_from, same.definition.hash), (None, old.pipeline.hash.clone()));
        assert!(choose(&old, pinned(TEXT), edit("id: p\nstages: []\n")).is_err(), "what is not valid is not pinned");
    }

    #[test]
    fn a_file_that_was_read_again_is_no_edit() {
        let old = run(TEXT, Vec::new());
        let text = TEXT.replace("echo a", "echo A");
        let file = Document { text, format: "yaml".to_owned(), included: Some(Included::default()) };
        let renewed = choose(&old, pinned(TEXT), Some(file)).expect("valid");
        assert_eq!((renewed.edited_from, renewed.renewed_from), (None, Some(old.pipeline.hash)));
    }

    #[test]
    fn references_mean_what_they_meant_and_new_ones_are_refused() {
        let text = "id: p\nstages:\n  - {id: s, type: subpipeline, config: {pipeline: inner}}\n  - {id: t, type: shell, config: {run: echo}}\n";
        let within = pinned(text).hash;
        let old = run(text, vec![Include { within, reference: "inner".to_owned(), hash: "1".repeat(64) }]);
        let edited = choose(&old, pinned(text), edit(&text.replace("run: echo", "run: true"))).expect("valid");
        let meant = edited.includes.iter().find(|include| include.within == edited.definition.hash);
        assert_eq!(meant.map(|include| include.hash.as_str()), Some("1".repeat(64).as_str()));
        assert_eq!(edited.changed, [StageId::new("t")], "the included pipeline is the same");
        let other = choose(&old, pinned(text), edit(&text.replace("pipeline: inner", "pipeline: other")));
        assert!(other.is_err_and(|error| error.to_string().contains("`other`, which was not pinned")));
    }
}
