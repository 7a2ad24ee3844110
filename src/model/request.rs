//! What clients ask the engine for. Values of secrets travel here in memory only; `Debug` never shows them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{GateId, Include, RunId, StageId};

/// What stands in place of a secret wherever anything is shown or recorded.
pub const MASK: &str = "***";

/// Environment values and secrets that a pipeline names, as `env.NAME` and `secrets.NAME`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub BTreeMap<String, String>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The text of a pipeline that another one includes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// `json` or `yaml`.
    pub format: String,
    pub text: String,
}

/// A pipeline to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// The document's text, pinned by its hash.
    pub definition: String,
    /// `json` or `yaml`.
    pub format: String,
    /// Every pipeline that is included, directly or by another of these.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub modules: Vec<Module>,
    /// Which reference means which of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub includes: Vec<Include>,
    /// Where it was read, for people.
    #[serde(default)]
    pub path: Option<String>,
    /// Absolute directory that stages run in.
    pub workspace: String,
    #[serde(default)]
    pub inputs: Value,
    #[serde(default)]
    pub values: Values,
    /// The environment the run is for; the pipeline's own when absent.
    #[serde(default)]
    pub environment: Option<String>,
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// Where a rerun begins. What succeeded before that point is taken over with its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RerunFrom {
    /// Everything runs again.
    Start,
    /// Everything that did not succeed.
    Failed,
    /// This stage and everything below it.
    Stage(StageId),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rerun {
    pub from: RerunFrom,
    /// Other inputs than the earlier run's.
    #[serde(default)]
    pub inputs: Option<Value>,
    /// Another pipeline than the one pinned for the earlier run: an edit of it, or its file as it is now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub document: Option<Document>,
    #[serde(default)]
    pub values: Values,
}

/// A pipeline's text with what it includes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub text: String,
    /// `json` or `yaml`.
    pub format: String,
    /// What it includes, pinned anew; without it, references mean what they meant in the earlier run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub included: Option<Included>,
}

/// The pipelines that a document includes, and which reference means which of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Included {
    pub modules: Vec<Module>,
    pub includes: Vec<Include>,
}

/// The answer to a request that made a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    pub id: RunId,
}

/// What is not in the journal: facts of the moment, told to whoever listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Signal {
    /// A log has grown to this many lines and bytes.
    LogGrew { run: RunId, stage: StageId, attempt: u32, lines: u64, bytes: u64 },
    /// Something became of a gate: a request, a decision, a start.
    GateChanged { gate: GateId },
    /// Something became of a release, a hold or a quarantine.
    ReleaseChanged { environment: String },
    /// The engine could not record what happened (a full disk); the run is being stopped.
    Trouble { run: RunId, message: String },
}
