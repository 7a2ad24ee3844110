//! Releases: what was brought to an environment, and what became of it. A fold of its events.

use std::collections::BTreeMap;
use std::time::Duration;

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
    /// Who started the run.
    #[serde(default)]
    pub by: String,
    /// How long it must stay well after it was verified.
    #[serde(default)]
    pub bake: Duration,
    /// What it goes back from and to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Box<GoingBack>>,
}

/// What a run that goes back was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoingBack {
    pub environment: String,
    pub service: String,
    /// The release that ran when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ReleaseId>,
    pub to: ReleaseId,
    pub reason: String,
    /// Nobody asked: the analysis of `from` failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoke_tested_at: Option<Timestamp>,
    /// Since when every look at its health found it well; `None` when the last one did not, or nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_since: Option<Timestamp>,
    /// When an analysis of it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_failed_at: Option<Timestamp>,
    /// The run that goes back from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub going_back: Option<RunId>,
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
    Bad {
        reason: String,
        /// An analysis found it, by measuring.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        analysis: bool,
    },
    Superseded {
        by: ReleaseId,
    },
    RolledBack {
        by: ReleaseId,
        reason: String,
    },
    SmokeTested,
    /// A look at its health found it well.
    Healthy,
    /// A look at its health did not find it well.
    Unhealthy,
    /// A run was begun that goes back from it.
    GoingBack {
        run: RunId,
    },
}

impl ReleaseFact {
    /// The fact at a time, of a release.
    pub fn of(self, release: &ReleaseId, at: Timestamp) -> ReleaseEvent {
        ReleaseEvent { release: release.clone(), at, fact: self }
    }
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
            smoke_tested_at: None,
            healthy_since: None,
            analysis_failed_at: None,
            going_back: None,
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
            ReleaseFact::Bad { reason, analysis } => {
                self.turn(ReleaseVerdict::Bad, Some(reason.clone()));
                self.analysis_failed_at = analysis.then_some(event.at);
            }
            ReleaseFact::SmokeTested => self.smoke_tested_at = Some(event.at),
            ReleaseFact::Healthy => drop(self.healthy_since.get_or_insert(event.at)),
            ReleaseFact::Unhealthy => self.healthy_since = None,
            ReleaseFact::GoingBack { run } => self.going_back = Some(run.clone()),
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

/// The release that runs, of all of one environment and service, oldest first: the last that was verified and did not give way.
/// One that was found bad after that still runs.
pub fn live(history: &[Release]) -> Option<&Release> {
    let gave_way = |release: &&Release| matches!(release.verdict, ReleaseVerdict::Superseded | ReleaseVerdict::RolledBack);
    history.iter().rev().filter(|release| release.verified_at.is_some()).find(|release| !gave_way(release))
}

impl ReleaseVerdict {
    /// The verdict as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploying => "deploying",
            Self::Baking => "baking",
            Self::Stable => "stable",
            Self::Bad => "bad",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled back",
        }
    }
}
