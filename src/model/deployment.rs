//! What is live where, as clients see it, and what they ask for: going back, holding, lifting, promoting.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BreakGlass, Quorum, Release, ReleaseId, RunId, StageId, Stop, Values};

/// Everything that was ever deployed, by environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Deployments {
    /// By tier, then by name.
    pub environments: Vec<EnvironmentView>,
}

/// One environment as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentView {
    pub name: String,
    pub tier: u32,
    pub protected: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Nothing automatic deploys here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Stop>,
    /// Digests of artefacts that nobody deploys here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quarantined: BTreeMap<String, Stop>,
    /// Until when and why nothing starts, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
    /// The run that changes it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<RunId>,
    /// By name.
    pub services: Vec<ServiceView>,
    /// Glass that was broken here and that nobody has reviewed yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub glass: Vec<BreakGlass>,
    /// Why whoever asks may not hold and lift here; `None` when they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_standing: Option<String>,
}

/// One service in an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceView {
    pub service: String,
    /// The release that runs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<ReleaseId>,
    /// Newest first.
    pub releases: Vec<Release>,
    /// What it could go back to, newest first; with what is against it.
    pub targets: Vec<RollbackTarget>,
    /// Why whoever asks cannot roll back at all; `None` when they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_rollback: Option<String>,
    /// Where the live release could go from here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promotions: Vec<PromotionView>,
}

impl ServiceView {
    /// The release that runs there.
    pub fn live(&self) -> Option<&Release> {
        self.releases.iter().find(|release| Some(&release.record.id) == self.live.as_ref())
    }
}

/// A release that one might go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackTarget {
    pub release: ReleaseId,
    pub version: String,
    /// Why not; `None` when it can be gone back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// Whose yes it would need, where the environment is protected.
    pub quorum: Quorum,
}

/// Whether the live release of a service may go on to another environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionView {
    pub to: String,
    /// Everything that is missing, in words; empty when it may go.
    pub missing: Vec<String>,
}

/// A rollback as somebody asks for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RollbackRequest {
    /// The only one there, when absent.
    #[serde(default)]
    pub service: Option<String>,
    /// A version; the newest stable release that is not live, when absent.
    #[serde(default)]
    pub to: Option<String>,
    #[serde(default)]
    pub reason: String,
    /// What whoever asks saw running; another one by now refuses.
    #[serde(default)]
    pub live: Option<ReleaseId>,
    /// What the stages read; the engine finds what is missing where it can.
    #[serde(default)]
    pub values: Values,
}

/// What a rollback would do, before anybody asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackPlan {
    pub environment: String,
    pub service: String,
    pub protected: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Release>,
    pub target: Release,
    pub quorum: Quorum,
    /// The pipeline that would run.
    pub pipeline: String,
    /// Those of its stages that run; all others are as they were.
    pub stages: Vec<StageId>,
    /// Names of the values that its stages read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// What is held and in quarantine afterwards, in words.
    pub afterwards: Vec<String>,
}

/// A change of what an environment lets in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingRequest {
    #[serde(flatten)]
    pub change: StandingChange,
    pub reason: String,
}

/// What to stop, or to let in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum StandingChange {
    Hold,
    LiftHold,
    Quarantine { digest: String },
    LiftQuarantine { digest: String },
}

/// Somebody has looked at why the glass of a gate was broken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRequest {
    /// What came of it; on record for ever.
    pub reason: String,
}

/// The live release of a service goes on to another environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PromoteRequest {
    #[serde(default)]
    pub service: Option<String>,
    #[serde(default)]
    pub values: Values,
}
