//! A gate: the request that a protected stage may start, and the decisions about it, as the fold of its events.

mod event;
mod evidence;
mod subject;
mod view;

use serde::{Deserialize, Serialize};

pub use event::{GateEvent, GateFact, Opening};
pub use evidence::{Change, Evidence, Shown};
pub use subject::{Subject, SubjectKind};
pub use view::{Decided, GateView, Objection, RuleView};

use super::{GateId, Person, Rule, Timestamp};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateStatus {
    Pending,
    /// It has its quorum; the stage may start once, after everything was checked again.
    Approved,
    Rejected,
    Expired,
    Withdrawn,
    Superseded,
    Started,
}

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Approve,
    Reject,
    Withdraw,
}

impl Answer {
    /// Every answer there is.
    pub const ALL: [Self; 3] = [Self::Approve, Self::Reject, Self::Withdraw];
}

/// One person's answer, with the person as the system knew them at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub generation: u32,
    pub at: Timestamp,
    pub by: Person,
    pub answer: Answer,
    pub reason: String,
}

/// What somebody had to do with the subject, for which they may not approve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Involvement {
    StartedRun,
    ChangedInputs,
    ChangedPipeline,
}

/// Somebody who may not approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    pub part: Involvement,
}

/// Whose yes is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// The rules of the environment, and those of the pipeline.
    #[default]
    Rules,
    /// One person who may deploy to the environment; only for a rollback within reach.
    OnCall,
    /// Nobody's: a failed analysis, and a policy that says what follows. Only for rollbacks that the engine begins.
    Automatic,
}

/// A request and everything that was decided about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub id: GateId,
    /// Counts the subjects it had, from 1. A decision about an earlier one is void.
    pub generation: u32,
    pub subject: Subject,
    /// SHA-256 of the subject, lower-case hex.
    pub digest: String,
    pub status: GateStatus,
    /// Why it is in this state, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub requested_by: String,
    /// When it was opened for the first time; older requests give way to newer ones.
    pub requested_at: Timestamp,
    /// When this generation was opened.
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    #[serde(default)]
    pub quorum: Quorum,
    /// What the pipeline asks for beyond the environment's rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Excluded>,
    /// What people are shown with this generation.
    #[serde(default, skip_serializing_if = "Evidence::is_empty")]
    pub evidence: Evidence,
    /// Of every generation, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// The token of the environment's lock that the stage started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// The latest time that was recorded. No decision takes it to be earlier than this.
    pub last_at: Timestamp,
}

impl Gate {
    /// Starts the fold. `None` when the event does not open a gate.
    pub fn opened(event: &GateEvent) -> Option<Self> {
        let GateFact::Opened { opening, requested_by } = &event.fact else {
            return None;
        };
        let opening = opening.as_ref();
        Some(Self {
            id: event.gate.clone(),
            generation: 1,
            subject: opening.subject.clone(),
            digest: opening.digest.clone(),
            status: GateStatus::Pending,
            reason: None,
            requested_by: requested_by.clone(),
            requested_at: event.at,
            opened_at: event.at,
            expires_at: opening.expires_at,
            approved_at: None,
            quorum: opening.quorum,
            rules: opening.rules.clone(),
            excluded: opening.excluded.clone(),
            evidence: opening.evidence.clone(),
            decisions: Vec::new(),
            fence: None,
            last_at: event.at,
        })
    }

    /// Folds one more event in. The only place where a gate changes.
    pub fn apply(&mut self, event: &GateEvent) {
        self.last_at = self.last_at.max(event.at);
        match &event.fact {
            // Recorded for people; they change nothing.
            GateFact::Opened { .. } | GateFact::Refused { .. } => {}
            GateFact::Decided { decision } => self.decisions.push(decision.clone()),
            GateFact::Approved => {
                self.settle(GateStatus::Approved, None);
                self.approved_at = Some(event.at);
            }
            GateFact::Rejected { reason } => self.settle(GateStatus::Rejected, Some(reason)),
            GateFact::Expired => self.settle(GateStatus::Expired, None),
            GateFact::Withdrawn { reason } => self.settle(GateStatus::Withdrawn, Some(reason)),
            GateFact::Superseded { by } => self.settle(GateStatus::Superseded, Some(&format!("{by} was approved"))),
            GateFact::Renewed { generation, reason, opening } => self.renew(*generation, reason, opening, event.at),
            GateFact::Started { fence, bypassed: _ } => {
                self.settle(GateStatus::Started, None);
                self.fence = Some(*fence);
            }
        }
    }

    fn settle(&mut self, status: GateStatus, reason: Option<&str>) {
        self.status = status;
        self.reason = reason.map(str::to_owned);
    }

    fn renew(&mut self, generation: u32, reason: &str, opening: &Opening, at: Timestamp) {
        self.settle(GateStatus::Pending, Some(reason));
        self.generation = generation;
        self.subject = opening.subject.clone();
        self.digest = opening.digest.clone();
        self.opened_at = at;
        self.expires_at = opening.expires_at;
        self.approved_at = None;
        self.quorum = opening.quorum;
        self.rules = opening.rules.clone();
        self.excluded = opening.excluded.clone();
        self.evidence = opening.evidence.clone();
    }

    /// The decisions that count: those about the subject as it is now.
    pub fn current_decisions(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| decision.generation == self.generation)
    }
}

impl GateStatus {
    /// True while a decision can still change something.
    pub fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::Approved => true,
            Self::Rejected | Self::Expired | Self::Withdrawn | Self::Superseded | Self::Started => false,
        }
    }

    /// The state as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
            Self::Started => "started",
        }
    }
}

impl Excluded {
    /// Whether this is that person: the same name or the same user of the system.
    pub fn is(&self, person: &Person) -> bool {
        self.name == person.name || (self.uid.is_some() && self.uid == person.uid)
    }
}
