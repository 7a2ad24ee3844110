//! What engine and runner say to each other: one JSON document per line over a Unix socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::StageId;
use crate::process::{Exit, Spec};

/// A longer line ends the connection.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// Engine to runner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The first line of a connection. Masks and values are added to those the runner has.
    Hello {
        cookie: String,
        masks: Vec<String>,
        environment: BTreeMap<String, String>,
    },
    /// Starts an attempt. One that is known already is not started again; its state is reported instead.
    Start {
        stage: StageId,
        attempt: u32,
        spec: Box<Spec>,
    },
    Cancel {
        stage: StageId,
        attempt: u32,
        force: bool,
    },
    /// The engine has recorded the result; the runner may forget it.
    Ack {
        stage: StageId,
        attempt: u32,
    },
    /// The run is over: leave as soon as nothing runs and no result is missing.
    Shutdown,
}

/// Runner to engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    Welcome(Welcome),
    Started {
        stage: StageId,
        attempt: u32,
        pid: i32,
    },
    /// The log has grown to this; at most twenty a second, and one at the end.
    Progress {
        stage: StageId,
        attempt: u32,
        lines: u64,
        bytes: u64,
    },
    Finished {
        stage: StageId,
        attempt: u32,
        exit: Exit,
    },
}

/// The runner's answer to `Hello`: everything an engine that lost its memory needs.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    pub pid: i32,
    /// Attempts that run, and results that nobody has acknowledged.
    pub attempts: Vec<(StageId, u32, Known)>,
    /// The run's values, as the last engine handed them over. Never on disk.
    pub environment: BTreeMap<String, String>,
    pub masks: Vec<String>,
}

/// Shows no value of the environment.
impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.environment.keys().collect();
        f.debug_struct("Welcome").field("pid", &self.pid).field("attempts", &self.attempts).field("environment", &names).finish()
    }
}

/// What the runner knows of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The process id is missing for the moment in which it is being started.
    Running {
        pid: Option<i32>,
    },
    Finished {
        exit: Exit,
    },
}

/// A message as a line.
pub fn line<T: Serialize>(message: &T) -> Vec<u8> {
    // Plain data with text keys always has a JSON form.
    let mut bytes = serde_json::to_vec(message).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
