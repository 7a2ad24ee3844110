//! What is where: the releases of each service in each environment, and what an environment does not let in.
//!
//! Owns the folded state and its names in the store. Decides nothing: `policy` does.

use serde::{Deserialize, Serialize};

use super::{Known, Stream, named, read};
use crate::model::{
    BreakGlass, GateId, Glass, GlassEvent, Release, ReleaseEvent, ReleaseFact, ReleaseId, RunId, Standing, StandingEvent,
    Timestamp, release,
};
use crate::policy::release::baked;
use crate::store::{Fact, StoreError};

/// Where the facts about releases, stops and broken glass are.
pub(super) const RELEASES: &str = "release/";
pub(super) const STANDINGS: &str = "standing/";
pub(super) const GLASSES: &str = "glass/";

/// A service in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spot {
    pub environment: String,
    pub service: String,
}

impl Spot {
    /// Its stream in the store. Names may hold anything, so the first is measured.
    pub(super) fn stream(&self) -> String {
        format!("{RELEASES}{}:{}/{}", self.environment.len(), self.environment, self.service)
    }
}

/// Releases of one spot, oldest first.
pub(super) type History = Vec<Release>;

pub(super) fn apply(history: &mut History, event: &ReleaseEvent) {
    match history.iter_mut().find(|release| release.record.id == event.release) {
        Some(release) => release.apply(event),
        None => history.extend(Release::created(event)),
    }
}

impl Known {
    /// The releases of a spot, oldest first.
    pub fn history(&self, spot: &Spot) -> &[Release] {
        self.places.get(spot).map_or(&[], |stream| stream.state.as_slice())
    }

    /// Every spot that something was deployed to.
    pub fn spots(&self) -> impl Iterator<Item = &Spot> {
        self.places.keys()
    }

    /// The release that runs at a spot.
    pub fn live(&self, spot: &Spot) -> Option<&Release> {
        release::live(self.history(spot))
    }

    /// Whether a pipeline has brought something to a spot that was verified there: as this text it was let through.
    pub fn has_deployed_with(&self, spot: &Spot, pipeline_hash: &str) -> bool {
        let verified = self.history(spot).iter().filter(|release| release.verified_at.is_some());
        verified.map(|release| release.record.pipeline_hash.as_str()).any(|hash| hash == pipeline_hash)
    }

    /// What an environment does not let in.
    pub fn standing(&self, environment: &str) -> Standing {
        self.standings.get(environment).map(|stream| stream.state.clone()).unwrap_or_default()
    }

    /// The glass that was last broken for a gate.
    pub fn glass(&self, gate: &GateId) -> Option<&BreakGlass> {
        self.glasses.get(gate).and_then(|stream| stream.state.as_ref()).map(|glass| &glass.broken)
    }

    /// Broken glass of an environment that nobody has reviewed.
    pub fn unreviewed(&self, environment: &str) -> Vec<BreakGlass> {
        let all = self.glasses.values().filter_map(|stream| stream.state.as_ref());
        let open = all.filter(|glass| glass.review.is_none() && glass.broken.environment == environment);
        open.map(|glass| glass.broken.clone()).collect()
    }

    /// The glass of the gate of this name, or of the only name that begins like this.
    pub fn find_glass(&self, text: &str) -> Option<&Glass> {
        let exact = self.glasses.iter().find(|(gate, _)| gate.as_str() == text);
        let mut fits = self.glasses.iter().filter(|(gate, _)| gate.as_str().starts_with(text));
        let (_, stream) = exact.or_else(|| fits.next().filter(|_| fits.next().is_none()))?;
        stream.state.as_ref()
    }

    /// Releases of a run in an environment (or in all), with their spots.
    pub fn releases_of<'k>(
        &'k self,
        run: &'k RunId,
        environment: Option<&'k str>,
    ) -> impl Iterator<Item = (&'k Spot, &'k Release)> {
        let there = move |spot: &&Spot| environment.is_none_or(|name| spot.environment == name);
        let spots = self.places.iter().map(|(spot, stream)| (spot, &stream.state)).filter(move |(spot, _)| there(spot));
        spots.flat_map(move |(spot, history)| {
            history.iter().filter(move |release| release.record.run == *run).map(move |release| (spot, release))
        })
    }

    /// Releases that have baked by now, with what is to be recorded about them.
    pub fn baked(&self, now: Timestamp) -> Vec<(Spot, ReleaseEvent)> {
        let of = |(spot, stream): (&Spot, &Stream<History>)| {
            let found: Vec<_> =
                stream.state.iter().filter_map(|release| baked(release, std::time::Duration::ZERO, now)).collect();
            found.into_iter().map(|event| (spot.clone(), event)).collect::<Vec<_>>()
        };
        self.places.iter().flat_map(of).collect()
    }

    /// Finds a release by its name.
    pub fn release(&self, id: &ReleaseId) -> Option<(&Spot, &Release)> {
        let mut all = self.places.iter().flat_map(|(spot, stream)| stream.state.iter().map(move |release| (spot, release)));
        all.find(|(_, release)| release.record.id == *id)
    }

    pub(super) fn take_release(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let event: ReleaseEvent = read(fact)?;
        let spot = match &event.fact {
            ReleaseFact::Created(record) => {
                Some(Spot { environment: record.environment.clone(), service: record.service.clone() })
            }
            _ => self.release(&event.release).map(|(spot, _)| spot.clone()),
        };
        match spot {
            Some(spot) => self.apply_release(&spot, &event),
            None => tracing::error!(stream = fact.stream, "a fact about a release that was never created"),
        }
        Ok(())
    }

    pub(super) fn apply_release(&mut self, spot: &Spot, event: &ReleaseEvent) {
        let stream = self.places.entry(spot.clone()).or_default();
        apply(&mut stream.state, event);
        stream.length += 1;
    }

    pub(super) fn take_standing(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let environment = named(&fact.stream, STANDINGS).to_owned();
        self.apply_standing(&environment, &read(fact)?);
        Ok(())
    }

    pub(super) fn apply_standing(&mut self, environment: &str, event: &StandingEvent) {
        let stream = self.standings.entry(environment.to_owned()).or_default();
        stream.state.apply(event);
        stream.length += 1;
    }

    pub(super) fn take_glass(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let gate = GateId::from(fact.stream.strip_prefix(GLASSES).unwrap_or(&fact.stream));
        self.apply_glass(&gate, &read(fact)?);
        Ok(())
    }

    pub(super) fn apply_glass(&mut self, gate: &GateId, event: &GlassEvent) {
        let stream = self.glasses.entry(gate.clone()).or_default();
        Glass::apply(&mut stream.state, event);
        stream.length += 1;
    }
}
