//! Whoever asks the engine for something: a person as the system knows them at this moment, the proof, and the policy they
//! are measured by. A command that changes anything takes one, and gets an actor only by passing its check.

use std::sync::Arc;

use super::EngineError;
use super::in_force::InForce;
use super::targets::Targets;
use crate::model::{Actor, Person, Proof};
use crate::policy::access::{Action, Refusal, may};

/// One request's asker. Not kept beyond it.
#[derive(Debug, Clone)]
pub struct Caller {
    pub person: Person,
    pub proof: Proof,
    pub in_force: Arc<InForce>,
    /// The user that the engine runs as.
    pub engine_uid: u32,
}

impl Caller {
    /// Whether the person has the role that an action needs.
    ///
    /// # Errors
    /// Who, what was needed, and what would grant it.
    pub fn may(&self, action: &Action) -> Result<(), Refusal> {
        may(self.in_force.policy.access.as_ref(), self.engine_uid, &self.person, action)
    }

    /// Whether the person may do something with a run that touches these environments: deploy to every protected one, or
    /// operate where none is.
    ///
    /// # Errors
    /// `Forbidden` for the first that is not allowed.
    pub fn may_touch(&self, targets: &Targets) -> Result<Actor, EngineError> {
        let protected = targets.protected(&self.in_force.policy);
        if protected.is_empty() {
            self.may(&Action::Operate)?;
        }
        for environment in protected {
            self.may(&Action::Deploy { environment: environment.to_owned() })?;
        }
        Ok(self.actor())
    }

    /// Whether the engine is this person's own process.
    pub fn owns_engine(&self) -> bool {
        self.person.uid == Some(self.engine_uid)
    }

    /// Whether the person may stop the engine: an admin, and the user whose process it is, who could kill it anyway.
    ///
    /// # Errors
    /// What would grant it.
    pub fn may_stop(&self) -> Result<Actor, Refusal> {
        if !self.owns_engine() {
            self.may(&Action::Administer)?;
        }
        Ok(self.actor())
    }

    /// The person as the records name them. Says nothing about what they may do.
    pub fn actor(&self) -> Actor {
        Actor { name: self.person.name.clone(), uid: self.person.uid, proof: self.proof }
    }
}

#[cfg(test)]
mod tests;
