//! Releases: what was brought to an environment, and what became of it. A fold of its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ReleaseId, RunId, StageId, SubjectKind, Timestamp};

/// What is known about a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseVerdict {
    Deploying,
    /// Verified; it must stay well for the bake time of its environment.
    Baking,
    /// Verified and baked.
    Stable,
    Bad,
    /// A newer release took its place.
    Superseded,
    RolledBack,
}

/// What never changes about a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRecord {
    pub id: ReleaseId,
    pub environment: String,
    pub service: String,
    pub version: String,
    /// Whether it was deployed or rolled back to.
    pub kind: SubjectKind,
    /// Digests of artefacts by name.
    #[serde(default)]
    pub artefacts: BTreeMap<String, String>,
    /// Of the resolved pipeline, under which the store keeps it.
    pub pipeline_hash: String,
    pub inputs: Value,
    pub run: RunId,
    pub stage: StageId,
    /// Orders deployments: what an older run brings is outdated.
    pub run_created_at: Timestamp,
}

/// A release as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    #[serde(flatten)]
    pub record: ReleaseRecord,
    pub verdict: ReleaseVerdict,
    /// Why, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// When it became stable; a release that was superseded after that is still something to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_at: Option<Timestamp>,
}

/// One recorded fact about a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseEvent {
    pub release: ReleaseId,
    pub at: Timestamp,
    #[serde(flatten)]
    pub fact: ReleaseFact,
}

/// The closed list of facts about a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ReleaseFact {
    Created(Box<ReleaseRecord>),
    Verified,
    Stable,
    Bad { reason: String },
    Superseded { by: ReleaseId },
    RolledBack { by: ReleaseId, reason: String },
}

impl Release {
    /// Starts the fold. `None` when the event does not create a release.
    pub fn created(event: &ReleaseEvent) -> Option<Self> {
        let ReleaseFact::Created(record) = &event.fact else {
            return None;
        };
        Some(Self {
            record: record.as_ref().clone(),
            verdict: ReleaseVerdict::Deploying,
            reason: None,
            created_at: event.at,
            verified_at: None,
            stable_at: None,
        })
    }

    /// Folds one more event in. The only place where a release changes.
    pub fn apply(&mut self, event: &ReleaseEvent) {
        match &event.fact {
            ReleaseFact::Created(_) => {}
            ReleaseFact::Verified => {
                self.turn(ReleaseVerdict::Baking, None);
                self.verified_at = Some(event.at);
            }
            ReleaseFact::Stable => {
                self.turn(ReleaseVerdict::Stable, None);
                self.stable_at = Some(event.at);
            }
            ReleaseFact::Bad { reason } => self.turn(ReleaseVerdict::Bad, Some(reason.clone())),
            ReleaseFact::Superseded { by } => self.turn(ReleaseVerdict::Superseded, Some(format!("by {by}"))),
            ReleaseFact::RolledBack { by, reason } => {
                self.turn(ReleaseVerdict::RolledBack, Some(format!("by {by}: {reason}")));
            }
        }
    }

    fn turn(&mut self, verdict: ReleaseVerdict, reason: Option<String>) {
        self.verdict = verdict;
        self.reason = reason;
    }
}
