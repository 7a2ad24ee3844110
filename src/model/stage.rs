//! A stage of a run: the fold of everything that happened to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Attempt, Enclosure, GateId, StageError, StageId, StageStatus, Timestamp};

/// Why a stage was skipped that the run ended before.
pub(super) const NOT_REACHED: &str = "not_reached";
/// The same of a run that was cancelled.
pub(super) const CANCELLED: &str = "cancelled";
/// Before the name of the stage: there was nothing for its compensation to undo, or no reason to.
pub(super) const COMPENSATION: &str = "compensation:";

/// Where an enclosing stage is: `items`, `try`, `catch` or `finally`, for the `round`th time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    pub name: String,
    pub round: u32,
    /// Items of a loop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub total: Option<u64>,
    /// What the parts of a guard before its `finally` came to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verdict: Option<Verdict>,
    /// The run's count of events when a guard last began its `try`: `Run::facts`.
    #[serde(skip)]
    pub tried: u64,
}

/// What becomes of a guard whose `finally` has begun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The failure that is raised in the end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub raised: Option<StageError>,
    /// Its `catch` stages ran, and ran well.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub caught: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub id: StageId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// Shared by the instances of a loop, as the name is.
    pub component: Arc<str>,
    pub depends_on: Vec<StageId>,
    /// The loop or guard that runs it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub enclosure: Option<Enclosure>,
    /// The stage that it undoes when the run does not succeed; it never runs by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undoes: Option<StageId>,
    pub status: StageStatus,
    #[serde(default)]
    pub output: Value,
    #[serde(default)]
    pub error: Option<Box<StageError>>,
    /// Why it was skipped.
    #[serde(default)]
    pub reason: Option<String>,
    pub attempts: Vec<Attempt>,
    /// First attempt's start.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// When the next attempt starts, while `retrying`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_at: Option<Timestamp>,
    /// The gate that it waits at, while `waiting_approval`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waits_at: Option<GateId>,
    /// The part of its work that an enclosing stage is at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<Box<Phase>>,
    /// Taken over from an earlier run, not run in this one.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub reused: bool,
    /// The run's count of events when it ended: `Run::facts`.
    #[serde(skip)]
    pub ended: u64,
}

impl Stage {
    /// What people call it: its name, or its id.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// Takes down when it ended.
    pub(super) fn ends(&mut self, at: Timestamp, facts: u64) {
        self.finished_at = Some(at);
        self.waits_at = None;
        self.ended = facts;
    }

    /// How long it took, or has taken at `now`. Its work was over when its last attempt was, however much later somebody
    /// said what had become of it.
    pub fn elapsed(&self, now: Timestamp) -> Option<std::time::Duration> {
        let started = self.started_at?;
        let last = self.attempts.last().and_then(|attempt| attempt.finished_at);
        let worked = last.filter(|_| self.status.is_final() || self.status == StageStatus::Unknown);
        Some(worked.or(self.finished_at).unwrap_or(now).since(started))
    }

    /// The run ended before it began, or began anew.
    pub fn is_left_behind(&self) -> bool {
        let reason = self.reason.as_deref();
        match self.status {
            StageStatus::Skipped => reason == Some(NOT_REACHED),
            StageStatus::Cancelled => reason == Some(CANCELLED),
            _ => false,
        }
    }

    /// An attempt of it has begun that may have had effects.
    pub fn has_begun(&self) -> bool {
        self.attempts.iter().any(|attempt| !attempt.unstarted)
    }

    /// It waits for an answer because it could not undo what it should; else nobody knows what became of it.
    pub fn failed_to_undo(&self) -> bool {
        let interrupted = self.attempts.last().is_none_or(|last| last.status == StageStatus::Unknown);
        self.undoes.is_some() && self.status == StageStatus::Unknown && !interrupted
    }

    /// It is over, and not because the run ended before it.
    pub fn has_ended(&self) -> bool {
        self.status.is_final() && !self.is_left_behind()
    }
}
