//! Why a decision or a start was refused, with a stable word for programs.

use super::expire;
use crate::model::{Gate, GateEvent, GateFact, GateStatus, Involvement, Timestamp};
use crate::policy::access;

/// The reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("the request is {} already", .status.as_str())]
    Closed { status: GateStatus },
    #[error("the request expired at {at}")]
    Expired { at: Timestamp },
    #[error("give at least 12 lower-case hex digits of the digest")]
    BadDigest,
    #[error("that is not the request as it is now: generation {generation}, digest {digest}")]
    StaleSubject { generation: u32, digest: String },
    #[error("{0}")]
    NotAllowed(access::Refusal),
    #[error("a service account does not decide")]
    ServiceAccount,
    #[error("who {} does not approve it", words(*.part))]
    Excluded { part: Involvement },
    #[error("stages run as the engine's own user, so nothing said in that name counts")]
    EngineUser,
    #[error("no rule asks for this person")]
    NotInARule,
    #[error("a decision needs a reason")]
    NoReason,
    #[error("this person has said that already")]
    Replay,
    #[error("this person has decided otherwise; a request can be withdrawn")]
    AlreadyDecided,
}

/// A refusal, and what is recorded of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    pub why: Why,
    pub events: Vec<GateEvent>,
}

impl Refused {
    pub(in crate::policy) fn recorded(gate: &Gate, why: Why, by: &str, now: Timestamp) -> Self {
        let fact = GateFact::Refused { by: by.to_owned(), code: why.code().to_owned(), message: why.to_string() };
        let events = expire(gate, now).into_iter().chain([fact.of(&gate.id, now)]).collect();
        Self { why, events }
    }
}

impl Why {
    /// The stable word that programs match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Expired { .. } => "expired",
            Self::BadDigest => "bad_digest",
            Self::StaleSubject { .. } => "stale_subject",
            Self::NotAllowed(_) => "not_allowed",
            Self::ServiceAccount => "service_account",
            Self::Excluded { .. } => "excluded",
            Self::EngineUser => "engine_user",
            Self::NotInARule => "not_in_a_rule",
            Self::NoReason => "no_reason",
            Self::Replay => "replay",
            Self::AlreadyDecided => "already_decided",
        }
    }
}

fn words(part: Involvement) -> &'static str {
    match part {
        Involvement::StartedRun => "started the run",
        Involvement::ChangedInputs => "changed its inputs",
        Involvement::ChangedPipeline => "changed its pipeline",
    }
}
