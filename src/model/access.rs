//! Who may do what in a workspace: roles, who has them, and what each allows. Policy decides with these; where they
//! come from (a file, the system's groups) is not known here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a person may be. The general roles include those before them; `deployer` and `approver` hold for environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything but secrets.
    Viewer,
    /// Runs, cancels and reruns pipelines that touch no protected environment.
    Operator,
    /// Runs pipelines that target its environments, and rolls them back.
    Deployer,
    /// Decides about requests for its environments.
    Approver,
    /// May break the glass of its environments, where the environment allows it at all.
    BreakGlass,
    /// Everything that no rule of an environment forbids to everybody.
    Admin,
}

/// Some people, by login name and by OS group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub users: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
}

/// A role given to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub role: Role,
    #[serde(flatten)]
    pub people: People,
    /// Where it holds; `None` is every environment. Only for roles that hold per environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<BTreeSet<String>>,
}

/// `[access]` of a workspace; without one (`None` where it is held), the engine's own user is admin and nobody else has access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub grants: Vec<Grant>,
}

/// Somebody as the system knows them at this moment. Group membership is looked up anew for every decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Login name, or `uid:1000` when the system does not know one.
    pub name: String,
    pub uid: Option<u32>,
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// A program's account; its decisions never count towards a quorum.
    #[serde(default)]
    pub service: bool,
}

impl Role {
    /// The role as the file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Deployer => "deployer",
            Self::Approver => "approver",
            Self::BreakGlass => "break_glass",
            Self::Admin => "admin",
        }
    }
}

impl People {
    /// Whether a person is among them.
    pub fn include(&self, person: &Person) -> bool {
        self.users.contains(&person.name) || !self.groups.is_disjoint(&person.groups)
    }
}
