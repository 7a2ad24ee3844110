//! Everything that can happen to a run. Events are the interface: every view is a fold of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Actor, Enclosure, GateId, GoingBack, Include, Next, Outcome, Parent, RunId, RunStatus, StageError, StageId, StageStatus,
    Timestamp, Verdict,
};

/// Which pipeline a run runs; the text itself is pinned in the store under `hash`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineRef {
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// SHA-256 of the document text, lower-case hex.
    pub hash: String,
    /// Where the client read it; only for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// The hash of the document that this one is an edit of: it was changed for a rerun and is in no file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited_from: Option<String>,
    /// The hash of the document that ran before, when its file was read again for a rerun and had changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub renewed_from: Option<String>,
}

/// A stage as the graph shows it before anything ran. `depends_on` includes implicit owners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageOutline {
    pub id: StageId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    pub component: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub depends_on: Vec<StageId>,
    /// The loop or guard that runs it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub enclosure: Option<Enclosure>,
    /// The stage that it undoes when the run does not succeed; it never runs by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undoes: Option<StageId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteLevel {
    Debug,
    Info,
    Warning,
    Error,
}

/// A line for people in the run's own log: a logger stage, a warning, a pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<StageId>,
    pub level: NoteLevel,
    pub message: String,
}

/// A person's answer to an `unknown` attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Run it again.
    Retry,
    /// Its effects are there: go on as if it had succeeded.
    Succeed,
    /// Treat it as failed.
    Fail,
}

/// One recorded fact. `seq` is the journal's and only grows; an event that is not in the journal has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub seq: u64,
    pub at: Timestamp,
    pub run: RunId,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The closed list of facts about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    RunCreated {
        pipeline: PipelineRef,
        stages: Vec<StageOutline>,
        inputs: Value,
        actor: Actor,
        /// The directory stages run in.
        workspace: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        rerun_of: Option<RunId>,
        /// The environment it is for.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        environment: Option<String>,
        /// Names of environment values and secrets that stages may read; never their values.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        environment_names: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        timeout_ms: Option<u64>,
        /// Stages that a rerun takes over from the earlier run, with their output.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        reused: Vec<(StageId, Value)>,
        /// Set when a `subpipeline` stage of another run started it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        parent: Option<Parent>,
        /// What was pinned of the pipelines that this one includes, directly or not.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        includes: Vec<Include>,
        /// Environments that were protected when it began: for this run they stay so, whatever becomes of the workspace file.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        protected: Vec<String>,
        /// Set when the run goes back to an earlier release; only the engine sets it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        rollback: Option<Box<GoingBack>>,
    },
    RunStarted,
    /// Intent: durable before the attempt's first side effect.
    AttemptStarted {
        stage: StageId,
        attempt: u32,
        #[serde(skip_serializing_if = "Value::is_null", default)]
        config: Value,
        /// The run that does the attempt's work; it is created right after this is durable.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        child: Option<RunId>,
        /// Nothing of it is done: it only carries the error that says why it cannot be.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        unstarted: bool,
    },
    AttemptFinished {
        stage: StageId,
        attempt: u32,
        outcome: Outcome,
        #[serde(flatten)]
        next: Next,
    },
    StageSkipped {
        stage: StageId,
        reason: String,
    },
    /// An enclosing stage begins a part of its work: the `items` of a loop; `try`, `catch` or `finally` of a guard.
    PhaseStarted {
        stage: StageId,
        attempt: u32,
        phase: String,
        /// Counts the tries, from 1.
        round: u32,
        /// Items of a loop.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        total: Option<u64>,
        /// Stages inside it that begin anew.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        stages: Vec<StageId>,
        /// What is being caught.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<StageError>,
        /// Of a `finally`: what the parts before it came to.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        verdict: Option<Verdict>,
    },
    /// A stage waits at a gate: nothing of it starts before people have decided.
    StageHeld {
        stage: StageId,
        gate: GateId,
    },
    /// A stage whose work went on in instances inside a loop is over with the loop.
    StageSettled {
        stage: StageId,
        status: StageStatus,
        #[serde(skip_serializing_if = "Value::is_null", default)]
        output: Value,
    },
    /// A person or policy decided about an `unknown` attempt.
    AttemptResolved {
        stage: StageId,
        attempt: u32,
        resolution: Resolution,
        actor: Actor,
    },
    CancelRequested {
        actor: Actor,
        force: bool,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<String>,
    },
    /// The run cannot go on without these; `needs` names environment values.
    RunPaused {
        reason: String,
        needs: Vec<String>,
    },
    RunResumed {
        /// Who brought the values that it waited for.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        by: Vec<Actor>,
    },
    Noted {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        stage: Option<StageId>,
        level: NoteLevel,
        message: String,
    },
    RunFinished {
        status: RunStatus,
        #[serde(skip_serializing_if = "Value::is_null", default)]
        output: Value,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<StageError>,
    },
}
