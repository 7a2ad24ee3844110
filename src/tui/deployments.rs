//! What is live where, as the engine told last, and the words that several places say of it.
//!
//! Who may do what, and why not, is the engine's word; nothing is decided here.

use super::world::World;
use crate::model::{Deployments, EnvironmentView, Quorum, Release, ReleaseId, ReleaseVerdict, RunId, ServiceView, Timestamp};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    /// By tier; `None` until the engine has answered.
    list: Option<Deployments>,
}

/// A row of lists: an environment and one of its services. An environment without any has a row, too.
pub type Place<'a> = (&'a EnvironmentView, Option<&'a ServiceView>);

/// What names a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    pub environment: String,
    pub service: Option<String>,
}

impl Spot {
    pub fn of((environment, service): Place<'_>) -> Self {
        Self { environment: environment.name.clone(), service: service.map(|service| service.service.clone()) }
    }
}

impl Live {
    pub fn take(&mut self, mut list: Deployments) {
        list.environments.sort_by(|one, other| (one.tier, &one.name).cmp(&(other.tier, &other.name)));
        self.list = Some(list);
    }

    pub fn is_known(&self) -> bool {
        self.list.is_some()
    }

    /// Nothing before the engine has answered.
    pub fn environments(&self) -> &[EnvironmentView] {
        self.list.as_ref().map(|list| list.environments.as_slice()).unwrap_or_default()
    }

    /// Environments where the glass was broken and nobody has reviewed that.
    pub fn glass(&self) -> impl Iterator<Item = &str> {
        let broken = self.environments().iter().filter(|environment| !environment.glass.is_empty());
        broken.map(|environment| environment.name.as_str())
    }

    pub fn environment(&self, name: &str) -> Option<&EnvironmentView> {
        self.environments().iter().find(|environment| environment.name == name)
    }

    pub fn service(&self, environment: &str, service: &str) -> Option<(&EnvironmentView, &ServiceView)> {
        let environment = self.environment(environment)?;
        environment.services.iter().find(|other| other.service == service).map(|service| (environment, service))
    }

    pub fn places(&self) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        for environment in self.environments() {
            let services = environment.services.iter().map(|service| (environment, Some(service)));
            places.extend(services);
            if environment.services.is_empty() {
                places.push((environment, None));
            }
        }
        places
    }

    /// Where a run deployed to, the last environment of them.
    pub fn of_run(&self, run: &RunId) -> Option<Spot> {
        let mut places = self.places().into_iter().rev();
        let found = places.find(|(_, service)| service.is_some_and(|service| of_run(service, run).is_some()));
        found.map(Spot::of)
    }
}

/// The release that a run made there.
pub fn of_run<'s>(service: &'s ServiceView, run: &RunId) -> Option<&'s Release> {
    service.releases.iter().find(|release| release.record.run == *run)
}

/// What is being deployed there now.
pub fn coming(service: &ServiceView) -> Option<&Release> {
    let is_coming = |release: &&Release| release.verdict == ReleaseVerdict::Deploying;
    service.releases.iter().filter(is_coming).find(|release| Some(&release.record.id) != service.live.as_ref())
}

/// Since when a release has run there.
pub fn since(release: &Release) -> Timestamp {
    release.verified_at.unwrap_or(release.created_at)
}

pub fn version_of(release: Option<&Release>) -> String {
    release.map_or_else(
        || "nothing is recorded as live".to_owned(),
        |release| format!("{}, release {}", release.record.version, release.record.id),
    )
}

/// As much of a digest as tells it from others: its kind and twelve digits.
pub fn short(digest: &str) -> &str {
    let digits = digest.rfind(':').map_or(0, |at| at + 1);
    digest.get(..digits + 12).unwrap_or(digest)
}

/// Whose yes a rollback waits for.
pub fn asks(quorum: Quorum, protected: bool) -> &'static str {
    match (protected, quorum) {
        (false, _) | (true, Quorum::Automatic) => "nobody: it starts at once",
        (true, Quorum::OnCall) => "one person who may deploy here",
        (true, Quorum::Rules) => "the rules of the environment",
    }
}

/// Why what was shown of a service is not so any more: it is gone, or another release is live.
pub fn goes_away(world: &World, environment: &str, service: &str, live: Option<&ReleaseId>) -> Option<String> {
    match world.deployments.service(environment, service) {
        None => Some(format!("there is no {service} in {environment} any more")),
        Some((_, now)) if now.live.as_ref() != live => {
            Some(format!("the live release of {service} in {environment} has changed: look again"))
        }
        Some(_) => None,
    }
}

/// Why a release has its verdict; where another release is named, by its version.
pub fn reason(release: &Release, service: &ServiceView) -> Option<String> {
    let reason = release.reason.clone()?;
    let Some(rest) = reason.strip_prefix("by ") else { return Some(reason) };
    let (id, why) = rest.split_once(':').map_or((rest, ""), |(id, why)| (id, why.trim()));
    let other = service.releases.iter().find(|other| other.record.id.as_str() == id);
    let version = other.map_or(id, |other| other.record.version.as_str());
    Some(if why.is_empty() { format!("by {version}") } else { format!("by {version}: {why}") })
}
