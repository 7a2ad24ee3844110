//! Gates as clients see them, and decisions as they send them.

use serde::{Deserialize, Serialize};

use super::{Answer, Decision, Evidence, GateStatus, Subject};
use crate::model::{BreakGlass, GateId, RunId, StageId, Timestamp};

/// A rule of a gate and who has filled it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    pub name: String,
    pub min: u32,
    /// Names of people, at most `min`.
    pub approvals: Vec<String>,
}

/// A gate with everything a decision needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateView {
    pub id: GateId,
    pub generation: u32,
    pub digest: String,
    pub environment: String,
    pub service: Option<String>,
    pub run_id: RunId,
    /// `*` when it stands before all of the run.
    pub stage: StageId,
    pub status: GateStatus,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
    pub requested_by: String,
    pub rules: Vec<RuleView>,
    /// What still stands in the way, in words.
    pub blockers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    pub decisions: Vec<Decision>,
    /// What whoever asks may not answer now; empty when it is over for everybody.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub objections: Vec<Objection>,
    /// The glass that was broken for it, while it counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub glass: Option<BreakGlass>,
    /// What there is to see before deciding.
    #[serde(skip_serializing_if = "Evidence::is_empty", default)]
    pub evidence: Evidence,
    /// Everything that the digest is of.
    pub subject: Subject,
}

impl GateView {
    /// Why whoever asked may not answer so; `None` when they may.
    pub fn objection(&self, answer: Answer) -> Option<&str> {
        self.objections.iter().find(|objection| objection.answer == answer).map(|objection| objection.why.as_str())
    }
}

/// An answer that somebody may not give, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    pub answer: Answer,
    pub why: String,
}

/// A decision as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    pub answer: Answer,
    /// Of the request as it was looked at; the one that stands now when absent.
    #[serde(default)]
    pub generation: Option<u32>,
    /// At least 12 hex digits of the digest that was looked at.
    pub digest: String,
    #[serde(default)]
    pub reason: String,
}
