//! Pipelines that include others: what was pinned when the run began, and for whom a child run works.

use serde::{Deserialize, Serialize};

use super::{RunId, StageId};

/// How deep runs may start runs. The first run is at depth 0.
pub const DEEPEST: u32 = 8;

/// What a reference in a pipeline's text meant when the first run began. Hashes are SHA-256 of the text, lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Include {
    /// The pipeline that includes.
    pub within: String,
    /// As written there: `name`, `name@version` or a path.
    pub reference: String,
    /// The pipeline that is included.
    pub hash: String,
}

/// The stage that a run was started by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub run: RunId,
    pub stage: StageId,
    pub attempt: u32,
    /// How many runs stand above this one.
    pub depth: u32,
}
