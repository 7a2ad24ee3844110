//! What an environment lets in: a hold, a quarantine, or the end of either.

use super::subject::{Fact, Word};
use crate::model::{EnvironmentView, StandingChange, StandingRequest, Stop};
use crate::tui::backend::Request;
use crate::tui::world::World;

#[derive(Debug, Clone)]
pub struct Standing {
    pub environment: String,
    pub protected: bool,
    pub change: StandingChange,
    /// What would be lifted.
    pub stop: Option<Stop>,
    /// What this is an artefact of, where that is known.
    pub about: Option<String>,
}

impl Standing {
    pub(super) fn title(&self) -> String {
        let environment = &self.environment;
        match &self.change {
            StandingChange::Hold => format!("Hold {environment}?"),
            StandingChange::LiftHold => format!("Lift the hold on {environment}?"),
            StandingChange::Quarantine { .. } => format!("Put an artefact in quarantine in {environment}?"),
            StandingChange::LiftQuarantine { .. } => format!("Lift a quarantine in {environment}?"),
        }
    }

    fn digest(&self) -> Option<&str> {
        match &self.change {
            StandingChange::Hold | StandingChange::LiftHold => None,
            StandingChange::Quarantine { digest } | StandingChange::LiftQuarantine { digest } => Some(digest),
        }
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        let means = match &self.change {
            StandingChange::Hold => "nothing automatic deploys here until somebody lifts it",
            StandingChange::LiftHold => "what is automatic deploys here again",
            StandingChange::Quarantine { .. } => "nobody deploys this artefact here until somebody lifts it",
            StandingChange::LiftQuarantine { .. } => "this artefact may be deployed here again",
        };
        let mut facts = vec![("means", means.to_owned())];
        facts.extend(self.digest().map(|digest| ("artefact", digest.to_owned())));
        facts.extend(self.about.iter().map(|about| ("of", about.clone())));
        facts.extend(self.stop.iter().map(|stop| ("stopped by", format!("{}: {}", stop.by, stop.reason))));
        facts
    }

    pub(super) fn words(&self) -> Vec<Word> {
        let digest = self.digest().filter(|_| self.protected).map(Word::digest);
        std::iter::once(Word::environment(&self.environment)).chain(digest).collect()
    }

    /// What is to be lifted, or would be in the way.
    fn stop_in<'e>(&self, environment: &'e EnvironmentView) -> Option<&'e Stop> {
        match self.digest() {
            None => environment.hold.as_ref(),
            Some(digest) => environment.quarantined.get(digest),
        }
    }

    pub(super) fn obsolete(&self, world: &World) -> Option<String> {
        let Some(environment) = world.deployments.environment(&self.environment) else {
            return Some(format!("there is no {} any more", self.environment));
        };
        if environment.protected != self.protected || self.stop_in(environment) != self.stop.as_ref() {
            return Some(format!("what {} lets in has changed under the question: look again", self.environment));
        }
        environment.no_standing.as_ref().map(|why| format!("you cannot change this any more: {why}"))
    }

    pub(super) fn order(&self, reason: String) -> Request {
        let request = StandingRequest { change: self.change.clone(), reason };
        Request::ChangeStanding { environment: self.environment.clone(), request }
    }
}
