//! Whether a release may go from one environment to the next, and everything that is missing if not.

use std::fmt;
use std::time::Duration;

use crate::model::{Environment, Release, ReleaseVerdict, Standing, Timestamp};

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The environment before this one has no release of that version with these artefacts.
    NotDeployed {
        environment: String,
    },
    /// It is there and was found bad or rolled back.
    Bad {
        environment: String,
    },
    NotSmokeTested {
        environment: String,
    },
    Unhealthy {
        environment: String,
    },
    /// Healthy, but not for long enough.
    Bake {
        environment: String,
        left: Duration,
    },
    Quarantined {
        artefact: String,
    },
}

/// What is known of the release that asks to be promoted.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Where it must have been: `promote_from`, as it is configured.
    pub from: &'a Environment,
    /// The release that is live there for the service, if there is one.
    pub there: Option<&'a Release>,
    pub version: &'a str,
    pub artefacts: &'a std::collections::BTreeMap<String, String>,
    pub smoke_tested_at: Option<Timestamp>,
    /// Since when every probe of the service there has been well; `None` when one is not, or is not known.
    pub healthy_since: Option<Timestamp>,
    /// The stops of the environment to come.
    pub standing: &'a Standing,
}

/// Decides about a promotion. All reasons at once.
pub fn can_promote(candidate: &Candidate<'_>, now: Timestamp) -> Result<(), Vec<Missing>> {
    let mut missing = Vec::new();
    for (name, digest) in candidate.artefacts {
        if candidate.standing.quarantine_of(digest).is_some() {
            missing.push(Missing::Quarantined { artefact: name.clone() });
        }
    }
    let environment = candidate.from.name.clone();
    let same = |release: &&Release| {
        let record = &release.record;
        record.environment == environment && record.version == candidate.version && record.artefacts == *candidate.artefacts
    };
    match candidate.there.filter(same) {
        None => missing.push(Missing::NotDeployed { environment }),
        Some(release) => missing.extend(not_ready(candidate, release, now)),
    }
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

fn not_ready(candidate: &Candidate<'_>, release: &Release, now: Timestamp) -> Vec<Missing> {
    let environment = || candidate.from.name.clone();
    let mut missing = Vec::new();
    match release.verdict {
        ReleaseVerdict::Baking | ReleaseVerdict::Stable => {}
        ReleaseVerdict::Bad | ReleaseVerdict::RolledBack => missing.push(Missing::Bad { environment: environment() }),
        ReleaseVerdict::Deploying | ReleaseVerdict::Superseded => {
            missing.push(Missing::NotDeployed { environment: environment() })
        }
    }
    // What was tested before the release came does not speak of it.
    if candidate.smoke_tested_at.is_none_or(|at| at < release.created_at || at > now) {
        missing.push(Missing::NotSmokeTested { environment: environment() });
    }
    match candidate.healthy_since {
        None => missing.push(Missing::Unhealthy { environment: environment() }),
        Some(since) => {
            let baked = now.since(since.max(release.verified_at.unwrap_or(now)));
            let left = candidate.from.bake.saturating_sub(baked);
            if !left.is_zero() {
                missing.push(Missing::Bake { environment: environment(), left });
            }
        }
    }
    missing
}

impl Missing {
    /// Told apart, because a quarantine is told by itself as well.
    pub fn is_quarantine(&self) -> bool {
        matches!(self, Self::Quarantined { .. })
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDeployed { environment } => write!(f, "it is not deployed to {environment}"),
            Self::Bad { environment } => write!(f, "it was found bad in {environment}"),
            Self::NotSmokeTested { environment } => write!(f, "it was not smoke-tested in {environment}"),
            Self::Unhealthy { environment } => write!(f, "it is not healthy in {environment}"),
            Self::Bake { environment, left } => {
                write!(f, "it must stay healthy in {environment} for {} s more", left.as_millis().div_ceil(1000))
            }
            Self::Quarantined { artefact } => write!(f, "{artefact} is in quarantine"),
        }
    }
}

#[cfg(test)]
mod tests;
