//! What stands between an approved subject and its start, and the breaking of the glass that bypasses named parts of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{GateId, Timestamp};

/// A guard that breaking the glass can bypass. What is started, and that one run at a time starts it, is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    Quorum,
    Freeze,
    Hold,
    Quarantine,
    Promotion,
}

/// A permission to start one subject without some guards, for a short time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    pub gate: GateId,
    pub environment: String,
    /// Of the subject it is for; it is void for any other.
    pub digest: String,
    pub guards: BTreeSet<Guard>,
    pub by: String,
    pub reason: String,
    pub incident: String,
    pub at: Timestamp,
    pub until: Timestamp,
}

/// Somebody looked at it afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// Broken glass, and the review that it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glass {
    pub broken: BreakGlass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

/// The closed list of facts about broken glass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GlassEvent {
    Broken(BreakGlass),
    Reviewed(Review),
}

impl Glass {
    /// Folds an event into what is known of a gate's glass. The only place where that changes.
    pub fn apply(known: &mut Option<Self>, event: &GlassEvent) {
        match event {
            GlassEvent::Broken(broken) => *known = Some(Self { broken: broken.clone(), review: None }),
            GlassEvent::Reviewed(review) => {
                if let Some(glass) = known {
                    glass.review = Some(review.clone());
                }
            }
        }
    }
}

/// What somebody sends to break the glass of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakRequest {
    /// The whole digest of what was looked at.
    pub digest: String,
    pub guards: BTreeSet<Guard>,
    pub reason: String,
    pub incident: String,
}

impl Guard {
    /// Every guard there is.
    pub const ALL: [Self; 5] = [Self::Quorum, Self::Freeze, Self::Hold, Self::Quarantine, Self::Promotion];

    /// The inverse of `as_str`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.as_str() == name)
    }

    /// The guard as files and commands name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Freeze => "freeze",
            Self::Hold => "hold",
            Self::Quarantine => "quarantine",
            Self::Promotion => "promotion",
        }
    }
}
