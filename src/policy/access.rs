//! Whether a person has the role that an action needs. A role only lets somebody try: what an environment demands of
//! everybody (quorum, separation of duties, freezes) is decided elsewhere and holds for an admin as well.

use std::fmt;

use crate::model::{Access, Person, Role};

/// Everything that needs a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// See runs, gates, releases, logs.
    View,
    /// Run, cancel and rerun what touches no protected environment; answer for unknown attempts.
    Operate,
    /// Run what targets an environment, or roll it back.
    Deploy { environment: String },
    /// Approve, reject or withdraw requests of an environment; lift its holds and quarantines.
    Approve { environment: String },
    /// Ask for guards of an environment to be bypassed. No other role includes this one.
    BreakGlass { environment: String },
    /// Manage the engine and what it keeps.
    Administer,
}

/// Why not: who, what was needed, what would grant it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{person} may not {action}; needs the role {}: {grant}", .needs.as_str())]
pub struct Refusal {
    pub person: String,
    pub action: Action,
    pub needs: Role,
    /// What somebody would have to write for it to be allowed.
    pub grant: String,
}

/// Decides whether a person may try an action. Without `access` the engine's own user is admin and nobody else is anything.
pub fn may(access: Option<&Access>, engine_uid: u32, person: &Person, action: &Action) -> Result<(), Refusal> {
    let allowed = match access {
        None => person.uid == Some(engine_uid) && includes(Role::Admin, action),
        Some(access) => access.grants.iter().any(|grant| {
            let there = match (action.environment(), &grant.environments) {
                (Some(name), Some(granted)) => granted.contains(name),
                // What does not happen in an environment is allowed wherever the role was given.
                (None, _) | (Some(_), None) => true,
            };
            grant.people.include(person) && includes(grant.role, action) && there
        }),
    };
    if allowed { Ok(()) } else { Err(refusal(access, person, action)) }
}

/// Whether a role is enough for an action, wherever the role holds.
fn includes(role: Role, action: &Action) -> bool {
    match action {
        // Who has any role sees.
        Action::View => true,
        Action::Operate => matches!(role, Role::Operator | Role::Deployer | Role::Admin),
        Action::Deploy { .. } => matches!(role, Role::Deployer | Role::Admin),
        Action::Approve { .. } => matches!(role, Role::Approver | Role::Admin),
        Action::BreakGlass { .. } => role == Role::BreakGlass,
        Action::Administer => role == Role::Admin,
    }
}

fn refusal(access: Option<&Access>, person: &Person, action: &Action) -> Refusal {
    let needs = action.role();
    let role = needs.as_str();
    let grant = match (access, action.environment()) {
        (None, _) => format!("the workspace has no [access.roles], so only the engine's own user has access; name {role} there"),
        (Some(_), None) => format!("add {} or one of their groups to {role} in [access.roles]", person.name),
        (Some(_), Some(environment)) => {
            format!("add {} or one of their groups to {role} for {environment} in [access.roles]", person.name)
        }
    };
    Refusal { person: person.name.clone(), action: action.clone(), needs, grant }
}

impl Action {
    /// The environment it happens in.
    pub fn environment(&self) -> Option<&str> {
        match self {
            Self::Deploy { environment } | Self::Approve { environment } | Self::BreakGlass { environment } => Some(environment),
            Self::View | Self::Operate | Self::Administer => None,
        }
    }

    /// The least role that allows it.
    pub fn role(&self) -> Role {
        match self {
            Self::View => Role::Viewer,
            Self::Operate => Role::Operator,
            Self::Deploy { .. } => Role::Deployer,
            Self::Approve { .. } => Role::Approver,
            Self::BreakGlass { .. } => Role::BreakGlass,
            Self::Administer => Role::Admin,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View => f.write_str("look at this workspace"),
            Self::Operate => f.write_str("run pipelines here"),
            Self::Deploy { environment } => write!(f, "deploy to {environment}"),
            Self::Approve { environment } => write!(f, "decide about requests for {environment}"),
            Self::BreakGlass { environment } => write!(f, "break the glass of {environment}"),
            Self::Administer => f.write_str("administer this workspace"),
        }
    }
}

#[cfg(test)]
mod tests;
