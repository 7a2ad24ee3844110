//! Commands from clients. Everything answered with success is durable.

use tokio::sync::oneshot;

use super::begin::{Beginning, modules};
use super::caller::Caller;
use super::driver::Mail;
use super::scheduler::Input;
use super::targets::Targets;
use super::{Engine, clock};
use crate::language::{self, Format, Pipeline};
use crate::model::{EngineStatus, GateId, NewRun, Resolution, Run, RunId, StageId, StageStatus, Values};
use crate::policy::access::Refusal;
use crate::store::{Batch, Definition, StoreError};

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("no run is called `{0}`")]
    NoRun(String),
    #[error("`{text}` fits several runs: {}", .candidates.join(", "))]
    Ambiguous { text: String, candidates: Vec<String> },
    #[error("no gate is called `{0}`")]
    NoGate(String),
    /// Policy does not let a decision count; recorded all the same.
    #[error("{gate}: {message}")]
    Undecided { gate: GateId, code: &'static str, message: String },
    #[error("run {run} has no stage `{stage}`")]
    NoStage { run: RunId, stage: StageId },
    #[error("the pipeline is not valid: {0}")]
    InvalidPipeline(String),
    /// Valid, and made for a build that can more than this one.
    #[error("this version cannot run {0} yet")]
    Unsupported(String),
    #[error("the inputs do not fit `input_schema`: {0}")]
    InvalidInputs(String),
    /// The report of the workspace file's problems.
    #[error("the workspace's settings are not valid: {0}")]
    InvalidSettings(String),
    #[error("{0}")]
    Refused(String),
    /// Somebody may not do this.
    #[error(transparent)]
    Forbidden(#[from] Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Parses a pinned or submitted document; the error is a report for people.
pub(super) fn parse(text: &str, format: &str) -> Result<Pipeline, EngineError> {
    let loaded = language::load(text, Format::named(format));
    loaded.pipeline.ok_or_else(|| EngineError::InvalidPipeline(language::report(&loaded.problems, "pipeline", text, false)))
}

impl Engine {
    pub async fn status(&self) -> EngineStatus {
        let (_, stages) = self.shared.hub.load();
        EngineStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            socket: self.shared.paths.socket().display().to_string(),
            state_dir: self.shared.paths.state_dir().display().to_string(),
            started_at: self.shared.started_at,
            runs: self.shared.active_runs(),
            stages,
            seq: self.shared.store.last_seq(),
        }
    }

    /// Creates a run. When this returns, the run and its pipeline are durable and will be carried out.
    ///
    /// # Errors
    /// An invalid pipeline, inputs that do not fit, somebody who may not, or a store that takes nothing.
    pub async fn create(&self, new: NewRun, caller: &Caller) -> Result<RunId, EngineError> {
        let pipeline = parse(&new.definition, &new.format)?;
        let mut targets = Targets::of(new.environment.as_deref());
        targets.add(&pipeline);
        let modules = modules(&pipeline, new.modules, &new.includes, |included| targets.add(included))?;
        let actor = caller.may_touch(&targets)?;
        let definition = Definition { hash: pipeline.hash.clone(), format: new.format, text: new.definition };
        let beginning = Beginning {
            path: new.path,
            workspace: new.workspace,
            inputs: new.inputs,
            environment_names: new.values.0.keys().cloned().collect(),
            values: new.values,
            environment: new.environment,
            timeout_ms: new.timeout_ms,
            actor,
            rerun_of: None,
            edited_from: None,
            renewed_from: None,
            reused: Vec::new(),
            parent: None,
            includes: new.includes,
            modules,
            rollback: None,
            with: Batch::default(),
            definition,
            pipeline,
        };
        self.begin(RunId::new(clock::now(), clock::random()), beginning).await
    }

    /// A run by its id, a unique part of it, or `last`; as committed.
    pub async fn run(&self, text: &str) -> Result<Run, EngineError> {
        let id = self.find(text).await?;
        if let Some(run) = self.shared.hub.snapshot(&id) {
            return Ok(run);
        }
        self.shared.store.run(&id).await?.ok_or_else(|| EngineError::NoRun(text.to_owned()))
    }

    pub async fn find(&self, text: &str) -> Result<RunId, EngineError> {
        let mut found = self.shared.store.find_run(text).await?;
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            (None, _) => Err(EngineError::NoRun(text.to_owned())),
            (Some(last), false) => {
                let candidates = found.iter().chain([&last]).map(ToString::to_string).collect();
                Err(EngineError::Ambiguous { text: text.to_owned(), candidates })
            }
        }
    }

    /// Asks a run to stop: TERM with grace, or KILL at once with `force`. Durable when it returns.
    pub async fn cancel(&self, text: &str, force: bool, reason: Option<String>, caller: &Caller) -> Result<RunId, EngineError> {
        let run = self.run(text).await?;
        let actor = self.admit(caller, &run).await?;
        let id = run.id;
        self.send(&id, Mail::Input(Input::Cancel { actor, force, reason })).await?;
        Ok(id)
    }

    /// Answers for an attempt whose effects are not known.
    pub async fn resolve(
        &self,
        text: &str,
        stage: &StageId,
        resolution: Resolution,
        caller: &Caller,
    ) -> Result<RunId, EngineError> {
        let run = self.run(text).await?;
        let actor = self.admit(caller, &run).await?;
        let state = run.stages.get(stage);
        let state = state.ok_or_else(|| EngineError::NoStage { run: run.id.clone(), stage: stage.clone() })?;
        if state.status != StageStatus::Unknown {
            let status = state.status;
            return Err(EngineError::Refused(format!("stage `{stage}` is {status}; only an unknown one needs an answer")));
        }
        self.send(&run.id, Mail::Input(Input::Resolve { stage: stage.clone(), resolution, actor })).await?;
        Ok(run.id)
    }

    /// Brings values that a run waits for.
    pub async fn provide(&self, text: &str, values: Values, caller: &Caller) -> Result<RunId, EngineError> {
        let run = self.run(text).await?;
        let by = Some(self.admit(caller, &run).await?);
        self.send(&run.id, Mail::Values { values, by }).await?;
        Ok(run.id)
    }

    /// Delivers a letter and waits until what follows from it is durable.
    async fn send(&self, id: &RunId, mail: Mail) -> Result<(), EngineError> {
        let ended = || EngineError::Refused(format!("run {id} has ended"));
        let mailbox = self.shared.mailbox(id).ok_or_else(ended)?;
        let (answer, durable) = oneshot::channel();
        mailbox.send(mail).await.map_err(|_| ended())?;
        mailbox.send(Mail::Flush(answer)).await.map_err(|_| ended())?;
        // A run that ended with the letter has answered by ending; one that goes on without an answer has not recorded it.
        if durable.await.is_err() && self.shared.hub.with_run(id, |_| ()).is_some() {
            return Err(StoreError::Closed.into());
        }
        Ok(())
    }
}
