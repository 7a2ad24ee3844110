//! One try at a stage's work.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RunId, StageError, StageStatus, Timestamp};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    /// The work was interrupted and its effects are not known.
    Unknown,
}

impl Ending {
    /// The stage status this ending leads to when nothing is tried again.
    pub fn status(self) -> StageStatus {
        match self {
            Self::Succeeded => StageStatus::Succeeded,
            Self::Failed => StageStatus::Failed,
            Self::TimedOut => StageStatus::TimedOut,
            Self::Cancelled => StageStatus::Cancelled,
            Self::Unknown => StageStatus::Unknown,
        }
    }
}

/// The result of an attempt, as an operator or the runner reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub ending: Ending,
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub output: Value,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<StageError>,
}

impl Outcome {
    pub fn succeeded(output: Value) -> Self {
        Self { ending: Ending::Succeeded, output, error: None }
    }

    /// An ending with its error; `output` may still say what was seen (an HTTP answer, an exit code).
    pub fn ended(ending: Ending, error: StageError, output: Value) -> Self {
        Self { ending, output, error: Some(error) }
    }

    pub fn failed(error: StageError) -> Self {
        Self::ended(Ending::Failed, error, Value::Null)
    }
}

/// What follows an attempt's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "then")]
pub enum Next {
    /// The stage takes the ending's status.
    Settle,
    /// Another attempt starts at this time.
    Retry {
        /// Not `at` on the wire: an event's own time has that name, and this is flattened into it.
        #[serde(rename = "retry_at")]
        at: Timestamp,
    },
    /// A person decides (`on_unknown: ask`).
    Ask,
}

/// An attempt as the fold keeps it. Numbers start at 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub number: u32,
    pub status: StageStatus,
    pub started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
    /// Apart: a run may have very many attempts, and few of them have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Box<StageError>>,
    /// The rendered config with secrets masked; null for operators without effects.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub config: Value,
    /// The run that does this attempt's work.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub child: Option<RunId>,
    /// Nothing of it was done: it only carries an error.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unstarted: bool,
    /// What this attempt reported, when it is not the stage's final output.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub output: Value,
    /// The run's count of events when it started: `Run::facts`.
    #[serde(skip)]
    pub began: u64,
}
