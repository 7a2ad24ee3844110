//! What an engine says to somebody about themselves.

use serde::{Deserialize, Serialize};

use super::{Person, Proof};

/// Who somebody is to the engine, by what proof, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    #[serde(flatten)]
    pub person: Person,
    pub proof: Proof,
    /// The process at the other end of the socket, as it was when it connected.
    #[serde(default)]
    pub pid: Option<i32>,
    pub socket: String,
    /// The user that the engine runs as.
    pub engine_user: String,
    /// Hash of the policy that this was decided under.
    pub policy: String,
    /// Why the workspace file as it is now is not that policy.
    #[serde(default)]
    pub policy_problem: Option<String>,
    pub may: Vec<Permission>,
}

/// One thing that needs a role, and whether they may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// `view`, `operate`, `administer`; in an environment `deploy`, `approve`, `break_glass`.
    pub action: String,
    #[serde(default)]
    pub environment: Option<String>,
    pub allowed: bool,
    /// Why not; or what to know although they may.
    #[serde(default)]
    pub reason: Option<String>,
}
