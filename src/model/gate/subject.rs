//! What a decision is about: everything that, had it been different, might have been decided differently.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{ReleaseId, RunId, StageId};

/// What would happen to the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Deploy,
    Rollback,
    /// A start that bypasses guards.
    Override,
}

/// What would start, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub environment: String,
    /// `None` for a stage that changes the environment but no service of it.
    pub service: Option<String>,
    pub kind: SubjectKind,
    pub run: RunId,
    pub stage: StageId,
    /// Of the fully resolved pipeline.
    pub pipeline_digest: String,
    /// Digests of artefacts by name.
    pub artefacts: BTreeMap<String, String>,
    /// Of the inputs, in which secrets enter as keyed hashes.
    pub inputs_hash: String,
    /// Hashes of the outputs of the stages before it.
    pub upstream: BTreeMap<StageId, String>,
    /// What runs there now.
    pub live_release: Option<ReleaseId>,
    /// Of the environment's rules.
    pub policy_hash: String,
}
