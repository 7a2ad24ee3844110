//! The error object that a stage, an attempt or a run carries.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The closed list of error types (pipeline-language: errors and retries).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorKind {
    Connectivity,
    Timeout,
    Validation,
    Expression,
    Transformation,
    Execution,
    Routing,
    Security,
    RetryExhausted,
    ControlFlow,
    Configuration,
    Cancelled,
    Unknown,
}

impl ErrorKind {
    /// Every type, in the order of the list.
    pub const ALL: &'static [Self] = &[
        Self::Connectivity,
        Self::Timeout,
        Self::Validation,
        Self::Expression,
        Self::Transformation,
        Self::Execution,
        Self::Routing,
        Self::Security,
        Self::RetryExhausted,
        Self::ControlFlow,
        Self::Configuration,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The name as it is written in documents and shown to people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connectivity => "CONNECTIVITY",
            Self::Timeout => "TIMEOUT",
            Self::Validation => "VALIDATION",
            Self::Expression => "EXPRESSION",
            Self::Transformation => "TRANSFORMATION",
            Self::Execution => "EXECUTION",
            Self::Routing => "ROUTING",
            Self::Security => "SECURITY",
            Self::RetryExhausted => "RETRY_EXHAUSTED",
            Self::ControlFlow => "CONTROL_FLOW",
            Self::Configuration => "CONFIGURATION",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What went wrong. `message` is a lower-case fragment, complete without `cause`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageError {
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    pub message: String,
    #[serde(default)]
    pub stage: Option<super::StageId>,
    /// Whether trying again may help; `retry_config` retries only these.
    pub recoverable: bool,
    #[serde(default)]
    pub cause: Option<String>,
    #[serde(default)]
    pub details: Value,
}

impl StageError {
    /// An error that a retry does not mend.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), stage: None, recoverable: false, cause: None, details: Value::Null }
    }

    #[must_use]
    pub fn recoverable(mut self) -> Self {
        self.recoverable = true;
        self
    }

    #[must_use]
    pub fn caused_by(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    #[must_use]
    pub fn without_cause(mut self) -> Self {
        self.cause = None;
        self
    }

    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl std::fmt::Display for StageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StageError {}
