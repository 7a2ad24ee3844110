//! Environments as the workspace describes them: what is protected, who decides, when nothing may start. Policy decides
//! with these; reading the file is not done here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::People;

/// One `[environments.NAME]`. What the file leaves out has its default here, so that a policy is always whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub name: String,
    /// Order on the way to production, from 0; environments are promoted from one tier to the next.
    #[serde(default)]
    pub tier: u32,
    /// Every stage that targets it is gated by the engine.
    #[serde(default)]
    pub protected: bool,
    /// Where people reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How long a verified release must stay well before it is stable.
    #[serde(default)]
    pub bake: Duration,
    /// How long a request waits for its quorum. Default 24 h.
    pub expires: Duration,
    /// How long an approved stage may take to start. Default 4 h.
    pub valid: Duration,
    /// All must hold. A protected environment without rules has one: one person who may approve it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<Freeze>,
    /// Freeze windows hold back rollbacks as well.
    #[serde(default)]
    pub freeze_rollbacks: bool,
    /// Who had a hand in a run does not approve it, and neither does the user that the engine runs as: its stages could
    /// speak in that name. Only a workspace of one person has a reason to switch this off.
    #[serde(default = "yes")]
    pub separation: bool,
    #[serde(default)]
    pub break_glass: bool,
    /// The pipeline that rolls it back; without one, the definition stored with the target release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// The environment that a release must be stable in before it may come here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promote_from: Option<String>,
}

/// A number of distinct people who must approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    #[serde(flatten)]
    pub people: People,
    /// At least 1.
    pub min: u32,
}

/// A recurring window in which nothing starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Five-field cron; validated when the file is read.
    pub cron: String,
    pub duration: Duration,
    /// IANA name; `UTC` by default.
    pub timezone: String,
    #[serde(default)]
    pub reason: String,
}

impl Environment {
    /// An environment that is not described: unprotected.
    pub fn open(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            tier: 0,
            protected: false,
            url: None,
            bake: Duration::ZERO,
            expires: Duration::from_secs(24 * 3600),
            valid: Duration::from_secs(4 * 3600),
            rules: Vec::new(),
            freeze: Vec::new(),
            freeze_rollbacks: false,
            separation: true,
            break_glass: false,
            rollback: None,
            promote_from: None,
        }
    }
}

fn yes() -> bool {
    true
}
