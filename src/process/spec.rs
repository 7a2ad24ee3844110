//! What to start, and how it ended: plain data that crosses from the engine to the runner.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The program of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A script for an interpreter such as `["sh", "-e"]`; never passed in the arguments when `secret` is set.
    Script { interpreter: Vec<String>, text: String, secret: bool },
    /// A program and its arguments, started directly.
    Command(Vec<String>),
}

/// Everything needed to start one attempt's process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    pub program: Program,
    /// Working directory, absolute.
    pub cwd: String,
    /// Added to the inherited environment.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// Written to standard input, which is otherwise closed (`/dev/null`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stdin: Option<String>,
    /// Wall-clock limit; then TERM to the group, the grace period, KILL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timeout_ms: Option<u64>,
    pub grace_ms: u64,
}

/// How a process ended, as the runner records it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code, absent when a signal ended it or it never started.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal: Option<i32>,
    /// What the stage wrote to `$FLOWDECK_OUTPUT`, masked.
    #[serde(default)]
    pub outputs: Map<String, Value>,
    pub duration_ms: u64,
    /// The deadline passed and ended it.
    #[serde(default)]
    pub timed_out: bool,
    /// A cancel request ended it.
    #[serde(default)]
    pub cancelled: bool,
    /// It could not be started, or its output could not be kept (a full disk): the reason, lower case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
    /// Lines and bytes of output in the log.
    pub lines: u64,
    pub bytes: u64,
}
