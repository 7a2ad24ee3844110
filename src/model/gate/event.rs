//! What can happen to a gate.

use serde::{Deserialize, Serialize};

use super::{Decision, Evidence, Excluded, Quorum, Subject};
use crate::model::{GateId, Guard, Rule, Timestamp};

/// One recorded fact about a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateEvent {
    pub gate: GateId,
    pub at: Timestamp,
    #[serde(flatten)]
    pub fact: GateFact,
}

/// What a generation of a gate begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    pub subject: Subject,
    pub digest: String,
    pub expires_at: Timestamp,
    #[serde(default)]
    pub quorum: Quorum,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Excluded>,
    #[serde(default, skip_serializing_if = "Evidence::is_empty")]
    pub evidence: Evidence,
}

/// The closed list of facts about a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GateFact {
    Opened {
        #[serde(flatten)]
        opening: Box<Opening>,
        requested_by: String,
    },
    Decided {
        decision: Decision,
    },
    /// Somebody tried to decide and could not; `code` is the refusal's stable word.
    Refused {
        by: String,
        code: String,
        message: String,
    },
    Approved,
    Rejected {
        reason: String,
    },
    Expired,
    Withdrawn {
        reason: String,
    },
    /// A newer request for the same environment and service was approved.
    Superseded {
        by: GateId,
    },
    /// Back to pending: what was approved is no longer what would start.
    Renewed {
        generation: u32,
        reason: String,
        #[serde(flatten)]
        opening: Box<Opening>,
    },
    Started {
        fence: u64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bypassed: Vec<Guard>,
    },
}

impl GateFact {
    /// The fact at a time, of a gate.
    pub fn of(self, gate: &GateId, at: Timestamp) -> GateEvent {
        GateEvent { gate: gate.clone(), at, fact: self }
    }
}
