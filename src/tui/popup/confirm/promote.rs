//! The live release of a service goes on to another environment.

use super::subject::{Fact, Word};
use crate::model::{PromoteRequest, Release};
use crate::tui::backend::{Promote, Request};
use crate::tui::deployments::{goes_away, version_of};
use crate::tui::glyph::release_word;
use crate::tui::world::World;

/// What goes from where to where.
#[derive(Debug, Clone)]
pub struct Promotion {
    pub from: String,
    pub to: String,
    pub service: String,
    pub release: Release,
    /// What is live where it goes.
    pub replaces: Option<Release>,
    /// Where it goes.
    pub protected: bool,
}

impl Promotion {
    pub(super) fn facts(&self) -> Vec<Fact> {
        let record = &self.release.record;
        let mut facts = vec![
            ("version", format!("{}, {} in {}", record.version, release_word(self.release.verdict), self.from)),
            ("replaces", version_of(self.replaces.as_ref())),
        ];
        facts.extend(record.artefacts.iter().map(|(name, digest)| ("artefact", format!("{name} {digest}"))));
        if self.protected {
            facts.push(("asks", format!("the rules of {}, before it starts there", self.to)));
        }
        facts
    }

    pub(super) fn words(&self) -> Vec<Word> {
        let version = self.protected.then(|| Word::version(&self.release.record.version));
        std::iter::once(Word::environment(&self.to)).chain(version).collect()
    }

    pub(super) fn obsolete(&self, world: &World) -> Option<String> {
        if let Some(why) = goes_away(world, &self.from, &self.service, Some(&self.release.record.id)) {
            return Some(why);
        }
        let there = world.deployments.environment(&self.to);
        if there.is_some_and(|there| there.protected != self.protected) {
            return Some(format!("the protection of {} has changed under the question", self.to));
        }
        let replaces = self.replaces.as_ref().map(|release| &release.record.id);
        let known = world.deployments.service(&self.to, &self.service).and_then(|(_, service)| service.live.as_ref());
        if known != replaces {
            return Some(format!("the live release of {} in {} has changed: look again", self.service, self.to));
        }
        let (_, service) = world.deployments.service(&self.from, &self.service)?;
        match service.promotions.iter().find(|promotion| promotion.to == self.to) {
            None => Some(format!("nothing goes on to {} any more", self.to)),
            Some(promotion) => promotion.missing.first().map(|why| format!("it may not go to {} any more: {why}", self.to)),
        }
    }

    pub(super) fn order(&self) -> Request {
        let request = PromoteRequest { service: Some(self.service.clone()), ..PromoteRequest::default() };
        let (to, as_in) = (self.to.clone(), self.release.record.run.clone());
        Request::Promote(Box::new(Promote { to, request, as_in }))
    }
}
