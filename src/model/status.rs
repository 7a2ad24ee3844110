//! The states of runs and stages, and which of them are final.

use serde::{Deserialize, Serialize};

macro_rules! named {
    ($name:ident { $($variant:ident => $text:literal),* $(,)? }) => {
        impl $name {
            /// Every state, in the order of a life.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word used in documents, the API and on screen.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The state of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.name() == name)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

/// Where a stage is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    Pending,
    Ready,
    WaitingApproval,
    Running,
    Retrying,
    Succeeded,
    Failed,
    Skipped,
    Cancelled,
    TimedOut,
    /// Interrupted, and nobody knows whether its effects happened; `on_unknown` or a person decides.
    Unknown,
}

named!(StageStatus {
    Pending => "pending",
    Ready => "ready",
    WaitingApproval => "waiting_approval",
    Running => "running",
    Retrying => "retrying",
    Succeeded => "succeeded",
    Failed => "failed",
    Skipped => "skipped",
    Cancelled => "cancelled",
    TimedOut => "timed_out",
    Unknown => "unknown",
});

impl StageStatus {
    /// Nothing more will happen to the stage. `unknown` is not final: somebody still has to decide.
    pub fn is_final(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled | Self::TimedOut => true,
            Self::Pending | Self::Ready | Self::WaitingApproval | Self::Running | Self::Retrying | Self::Unknown => false,
        }
    }

    /// It ended, and not well.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Unknown)
    }
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Accepted and durable, waiting for a place.
    Queued,
    Running,
    /// Nothing can go on before a person answers (an `unknown` attempt, a missing environment value).
    Waiting,
    /// Asked to stop; stages are being ended and `finally` work runs.
    Cancelling,
    Succeeded,
    Failed,
    Cancelled,
}

named!(RunStatus {
    Queued => "queued",
    Running => "running",
    Waiting => "waiting",
    Cancelling => "cancelling",
    Succeeded => "succeeded",
    Failed => "failed",
    Cancelled => "cancelled",
});

impl RunStatus {
    pub fn is_final(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
            Self::Queued | Self::Running | Self::Waiting | Self::Cancelling => false,
        }
    }
}
