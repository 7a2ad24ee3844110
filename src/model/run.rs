//! A run as the fold of its events. `Run::apply` is the only place a run changes.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Actor, Attempt, Ending, Event, EventKind, GoingBack, Include, Next, Note, NoteLevel, Outcome, Parent, Phase, PipelineRef,
    Resolution, RunId, RunStatus, Stage, StageError, StageId, StageOutline, StageStatus, Timestamp,
};

/// A run and its stages, in the order of the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub pipeline: PipelineRef,
    pub status: RunStatus,
    pub inputs: Value,
    #[serde(default)]
    pub output: Value,
    #[serde(default)]
    pub error: Option<StageError>,
    pub actor: Actor,
    pub workspace: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rerun_of: Option<RunId>,
    /// Set when a stage of another run started it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<Parent>,
    /// What was pinned of included pipelines.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub includes: Vec<Include>,
    /// Environments that were protected when it began, and stay so for it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub protected: Vec<String>,
    /// Who said what became of a stage, or brought values: what comes after is partly their doing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub hands: Vec<Actor>,
    /// Set when it goes back to an earlier release.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rollback: Option<Box<GoingBack>>,
    /// The environment it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub environment_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timeout_ms: Option<u64>,
    /// Environment values it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub needs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled_by: Option<Actor>,
    /// Somebody ended the undoing by force: what is not undone by then stays.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub given_up: bool,
    pub stages: IndexMap<StageId, Stage>,
    #[serde(default)]
    pub notes: Vec<Note>,
    /// The last event folded in.
    pub seq: u64,
    /// How many events were folded in: orders what happened within one millisecond. Not told to clients.
    #[serde(skip)]
    pub facts: u64,
}

/// A run without its stages, for listings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub id: RunId,
    pub pipeline_id: String,
    pub pipeline_name: String,
    pub status: RunStatus,
    pub actor: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// The run whose stage started this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<RunId>,
    /// What it acts on, as it was started with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<String>,
    /// How many stages the pipeline has, and how many of them are over: `Tally`.
    pub stages_total: u64,
    pub stages_done: u64,
    /// The first failing stage's id and message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
}

impl Run {
    /// Starts the fold. `None` when the event is not a `RunCreated`.
    pub fn created(event: &Event) -> Option<Self> {
        let EventKind::RunCreated {
            pipeline,
            stages,
            inputs,
            actor,
            workspace,
            rerun_of,
            environment,
            environment_names,
            timeout_ms,
            reused,
            parent,
            includes,
            protected,
            rollback,
        } = &event.kind
        else {
            return None;
        };
        let mut stages: IndexMap<StageId, Stage> = stages.iter().map(|outline| (outline.id.clone(), planned(outline))).collect();
        for (id, output) in reused {
            if let Some(stage) = stages.get_mut(id) {
                stage.status = StageStatus::Succeeded;
                stage.output = output.clone();
                stage.reused = true;
            }
        }
        Some(Self {
            id: event.run.clone(),
            pipeline: pipeline.clone(),
            status: RunStatus::Queued,
            inputs: inputs.clone(),
            output: Value::Null,
            error: None,
            actor: actor.clone(),
            workspace: workspace.clone(),
            created_at: event.at,
            started_at: None,
            finished_at: None,
            rerun_of: rerun_of.clone(),
            parent: parent.clone(),
            includes: includes.clone(),
            protected: protected.clone(),
            hands: Vec::new(),
            rollback: rollback.clone(),
            environment: environment.clone(),
            environment_names: environment_names.clone(),
            timeout_ms: *timeout_ms,
            needs: Vec::new(),
            cancelled_by: None,
            given_up: false,
            stages,
            notes: Vec::new(),
            seq: event.seq,
            facts: 0,
        })
    }

    /// Folds a whole journal, oldest first. `None` when it does not begin with `RunCreated`.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let mut run = Self::created(events.next()?)?;
        events.for_each(|event| run.apply(event));
        Some(run)
    }

    /// Folds one more event in. Events of other runs and events already seen change nothing, so a replay is harmless.
    pub fn apply(&mut self, event: &Event) {
        if event.run != self.id || (event.seq != 0 && event.seq <= self.seq) {
            return;
        }
        self.seq = self.seq.max(event.seq);
        self.facts += 1;
        self.apply_kind(event.at, &event.kind);
    }

    fn apply_kind(&mut self, at: Timestamp, kind: &EventKind) {
        match kind {
            EventKind::RunCreated { .. } => {}
            EventKind::RunStarted => {
                self.status = RunStatus::Running;
                self.started_at = Some(at);
            }
            EventKind::AttemptStarted { stage, attempt, config, child, unstarted } => {
                let attempt =
                    Attempt { config: config.clone(), child: child.clone(), unstarted: *unstarted, ..begun(*attempt, at) };
                self.on_attempt_started(stage, attempt);
            }
            EventKind::AttemptFinished { stage, attempt, outcome, next } => {
                self.on_attempt_finished(stage, *attempt, at, outcome, *next);
            }
            EventKind::StageSkipped { stage, reason } => {
                let facts = self.facts;
                if let Some(stage) = self.stage_mut(stage) {
                    stage.status = StageStatus::Skipped;
                    stage.output = serde_json::json!({"skipped": true, "reason": reason});
                    stage.reason = Some(reason.clone());
                    stage.ends(at, facts);
                    stage.retry_at = None;
                }
            }
            EventKind::PhaseStarted { stage, phase, round, total, stages, error, verdict, .. } => {
                for id in stages {
                    if let Some(stage) = self.stages.get_mut(id) {
                        stage.status = StageStatus::Pending;
                        stage.retry_at = None;
                    }
                }
                let facts = self.facts;
                if let Some(stage) = self.stages.get_mut(stage) {
                    let (name, round, total, verdict) = (phase.clone(), *round, *total, verdict.clone());
                    let before = stage.phase.as_ref().map_or(0, |phase| phase.tried);
                    let tried = if name == "try" { facts } else { before };
                    stage.phase = Some(Box::new(Phase { name, round, total, verdict, tried }));
                    stage.error = error.clone().map(Box::new);
                }
            }
            EventKind::StageHeld { stage, gate } => {
                if let Some(stage) = self.stage_mut(stage) {
                    stage.status = StageStatus::WaitingApproval;
                    stage.waits_at = Some(gate.clone());
                }
                if self.status == RunStatus::Running {
                    self.status = RunStatus::Waiting;
                }
            }
            EventKind::StageSettled { stage, status, output } => {
                if let Some(stage) = self.stages.get_mut(stage) {
                    stage.status = *status;
                    stage.output = output.clone();
                    stage.ends(at, self.facts);
                }
            }
            EventKind::AttemptResolved { stage, attempt, resolution, actor } => {
                self.hands.push(actor.clone());
                self.on_resolved(stage, *attempt, *resolution, at);
            }
            EventKind::CancelRequested { actor, force, .. } => {
                self.given_up |= *force && self.is_undone();
                self.status = RunStatus::Cancelling;
                self.cancelled_by = Some(actor.clone());
            }
            EventKind::RunPaused { reason, needs } => {
                if self.status != RunStatus::Cancelling {
                    self.status = RunStatus::Waiting;
                }
                self.needs.clone_from(needs);
                self.note(at, None, NoteLevel::Warning, reason);
            }
            EventKind::RunResumed { by } => {
                self.hands.extend(by.iter().cloned());
                self.needs.clear();
                self.leave_waiting();
            }
            EventKind::Noted { stage, level, message } => self.note(at, stage.clone(), *level, message),
            EventKind::RunFinished { status, output, error } => {
                self.status = *status;
                self.output = output.clone();
                self.error.clone_from(error);
                self.finished_at = Some(at);
                self.needs.clear();
                self.leave_behind(*status, at);
            }
        }
    }

    /// The stage, or a new instance of it when it is named for the first time inside a loop.
    fn stage_mut(&mut self, id: &StageId) -> Option<&mut Stage> {
        if id.is_instance() && !self.stages.contains_key(id) {
            let written = self.stages.get(id.written())?;
            let (name, component) = (written.name.clone(), written.component.clone());
            let instance = Stage { enclosure: written.enclosure.clone(), ..pending(id.clone(), name, component, Vec::new()) };
            self.stages.insert(id.clone(), instance);
        }
        self.stages.get_mut(id)
    }

    fn on_attempt_started(&mut self, id: &StageId, attempt: Attempt) {
        let (at, began) = (attempt.started_at, self.facts);
        let Some(stage) = self.stage_mut(id) else { return };
        let was_held = stage.waits_at.take().is_some();
        stage.status = StageStatus::Running;
        stage.started_at.get_or_insert(at);
        stage.finished_at = None;
        stage.retry_at = None;
        // Most stages have one attempt; room for more comes when there are more.
        if stage.attempts.is_empty() {
            stage.attempts.reserve_exact(1);
        }
        stage.attempts.push(Attempt { began, ..attempt });
        if was_held {
            self.leave_waiting();
        }
    }

    fn on_attempt_finished(&mut self, id: &StageId, number: u32, at: Timestamp, outcome: &Outcome, next: Next) {
        let Some(stage) = self.stages.get_mut(id) else { return };
        let mut error = outcome.error.clone();
        if let Some(error) = &mut error {
            // A failure inside a loop or a guard keeps the name of the stage that it began in.
            error.stage.get_or_insert_with(|| id.clone());
        }
        let attempt = stage.attempts.iter_mut().rev().find(|attempt| attempt.number == number);
        if let Some(attempt) = attempt {
            attempt.status = outcome.ending.status();
            attempt.finished_at = Some(at);
            attempt.error = error.clone().map(Box::new);
            if next != Next::Settle {
                attempt.output = outcome.output.clone();
            }
        }
        stage.error = error.map(Box::new);
        match next {
            Next::Settle => {
                stage.status = outcome.ending.status();
                stage.output = outcome.output.clone();
                stage.ends(at, self.facts);
            }
            Next::Retry { at } => {
                stage.status = StageStatus::Retrying;
                stage.retry_at = Some(at);
            }
            Next::Ask => {
                stage.status = StageStatus::Unknown;
                // While a run is undone nothing goes on without an answer, whatever brought it to its end.
                let held_up = self.status == RunStatus::Cancelling && stage.undoes.is_some();
                if held_up || self.status == RunStatus::Running {
                    self.status = RunStatus::Waiting;
                }
            }
        }
    }

    fn on_resolved(&mut self, id: &StageId, number: u32, resolution: Resolution, at: Timestamp) {
        let Some(stage) = self.stages.get_mut(id) else { return };
        stage.status = match resolution {
            Resolution::Retry => StageStatus::Retrying,
            Resolution::Succeed => StageStatus::Succeeded,
            Resolution::Fail => StageStatus::Failed,
        };
        match resolution {
            Resolution::Retry => stage.retry_at = Some(at),
            Resolution::Succeed => {
                stage.error = None;
                stage.ends(at, self.facts);
            }
            Resolution::Fail => stage.ends(at, self.facts),
        }
        let attempt = stage.attempts.iter_mut().rev().find(|attempt| attempt.number == number);
        if let (Some(attempt), Some(status)) = (attempt, decided(resolution)) {
            attempt.status = status;
        }
        self.leave_waiting();
    }

    /// `waiting` ends when neither an environment value nor an answer is missing any more, and nobody has to approve.
    fn leave_waiting(&mut self) {
        let waits = |stage: &Stage| matches!(stage.status, StageStatus::Unknown | StageStatus::WaitingApproval);
        let asked = self.stages.values().any(waits);
        if self.status == RunStatus::Waiting && !asked && self.needs.is_empty() {
            self.status = if self.cancelled_by.is_some() { RunStatus::Cancelling } else { RunStatus::Running };
        }
    }

    fn note(&mut self, at: Timestamp, stage: Option<StageId>, level: NoteLevel, message: &str) {
        self.notes.push(Note { at, stage, level, message: message.to_owned() });
    }

    /// The first stage, in document order, that ended badly and was not forgiven.
    pub fn first_failure(&self) -> Option<&Stage> {
        let named = self.error.as_ref().and_then(|error| error.stage.as_ref());
        named.and_then(|id| self.stages.get(id)).or_else(|| self.stages.values().find(|stage| stage.status.is_failure()))
    }

    /// The run as a row of a listing.
    pub fn summary(&self) -> RunSummary {
        let tally = self.tally();
        RunSummary {
            id: self.id.clone(),
            pipeline_id: self.pipeline.id.clone(),
            pipeline_name: self.pipeline.name.clone(),
            status: self.status,
            actor: self.actor.name.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            parent: self.parent.as_ref().map(|parent| parent.run.clone()),
            environment: self.environment.clone(),
            stages_total: tally.total as u64,
            stages_done: tally.ended() as u64,
            failure: self.failure_line(),
        }
    }

    /// One line that says what failed: `stage: message`.
    pub fn failure_line(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        Some(match &error.stage {
            Some(stage) => format!("{stage}: {}", error.message),
            None => error.message.clone(),
        })
    }
}

fn begun(number: u32, at: Timestamp) -> Attempt {
    Attempt {
        number,
        status: StageStatus::Running,
        started_at: at,
        finished_at: None,
        error: None,
        config: Value::Null,
        child: None,
        unstarted: false,
        output: Value::Null,
        began: 0,
    }
}

fn decided(resolution: Resolution) -> Option<StageStatus> {
    match resolution {
        Resolution::Retry => None,
        Resolution::Succeed => Some(StageStatus::Succeeded),
        Resolution::Fail => Some(StageStatus::Failed),
    }
}

fn planned(outline: &StageOutline) -> Stage {
    let name = outline.name.as_deref().map(Arc::from);
    let stage = pending(outline.id.clone(), name, outline.component.as_str().into(), outline.depends_on.clone());
    Stage { enclosure: outline.enclosure.clone(), undoes: outline.undoes.clone(), ..stage }
}

fn pending(id: StageId, name: Option<Arc<str>>, component: Arc<str>, depends_on: Vec<StageId>) -> Stage {
    Stage {
        id,
        name,
        component,
        depends_on,
        enclosure: None,
        undoes: None,
        status: StageStatus::Pending,
        output: Value::Null,
        error: None,
        reason: None,
        attempts: Vec::new(),
        started_at: None,
        finished_at: None,
        retry_at: None,
        waits_at: None,
        phase: None,
        reused: false,
        ended: 0,
    }
}

impl Ending {
    /// True when the work is done and its output counts.
    pub fn is_success(self) -> bool {
        self == Self::Succeeded
    }
}
