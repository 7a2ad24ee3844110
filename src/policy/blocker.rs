//! What still stands between a request and its start, in words for people.

use std::fmt;

use super::freeze::Frozen;
use super::promotion::Missing;
use super::quorum::RuleTally;
use crate::model::{Guard, RunId, Stop};

/// One thing that must change before the stage may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    Rule(RuleTally),
    Frozen(Frozen),
    /// Another run holds the environment's lock, or nobody does yet.
    Lock {
        holder: Option<RunId>,
    },
    Held(Stop),
    Quarantined {
        artefact: String,
        stop: Stop,
    },
    Promotion(Missing),
}

impl Blocker {
    /// The guard that bypasses it; none bypasses a lock.
    pub fn guard(&self) -> Option<Guard> {
        match self {
            Self::Rule(_) => Some(Guard::Quorum),
            Self::Frozen(_) => Some(Guard::Freeze),
            Self::Lock { .. } => None,
            Self::Held(_) => Some(Guard::Hold),
            Self::Quarantined { .. } => Some(Guard::Quarantine),
            Self::Promotion(_) => Some(Guard::Promotion),
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => write!(f, "rule {}: {} of {} approved", rule.name, rule.people.len(), rule.min),
            Self::Frozen(Frozen { until: Some(until), reason, .. }) => write!(f, "frozen until {until}: {reason}"),
            Self::Frozen(Frozen { until: None, reason, .. }) => write!(f, "frozen with no end in sight: {reason}"),
            Self::Lock { holder: Some(run) } => write!(f, "run {run} holds the environment's lock"),
            Self::Lock { holder: None } => f.write_str("the run does not hold the environment's lock"),
            Self::Held(stop) => write!(f, "held by {}: {}", stop.by, stop.reason),
            Self::Quarantined { artefact, stop } => write!(f, "{artefact} is in quarantine by {}: {}", stop.by, stop.reason),
            Self::Promotion(missing) => write!(f, "not ready to be promoted: {missing}"),
        }
    }
}
