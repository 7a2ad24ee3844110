//! Whether a rollback happens without anybody asking: rarely, and only where it is plain what failed and what to go back to.

use std::time::Duration;

use super::analysis::Verdict;
use super::release::{NoTarget, rollback_target};
use crate::model::{Lock, Release, ReleaseId, ReleaseVerdict, Standing, SubjectKind, Timestamp};

/// A failure that is older is for people.
pub const OLDEST_FAILURE: Duration = Duration::from_secs(20 * 60);

/// What an analysis said about a release.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    pub verdict: Verdict,
    pub release: &'a Release,
    pub at: Timestamp,
}

/// The environment and service where that happened.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Releases of the environment and service, oldest first.
    pub history: &'a [Release],
    pub live: Option<&'a ReleaseId>,
    pub standing: &'a Standing,
    pub lock: &'a Lock,
}

/// Why nothing is rolled back without a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftToPeople {
    #[error("the analysis was successful")]
    NothingFailed,
    /// Pause and page: what could not be measured says nothing.
    #[error("the analysis could not tell")]
    NotMeasured,
    #[error("a rollback is not rolled back")]
    IsARollback,
    #[error("the environment is not settled: {0}")]
    NotSettled(String),
    #[error("the failure is older than 20 minutes")]
    TooOld,
    #[error("the failure is from the future: the clock was set back")]
    FromTheFuture,
    #[error("the environment is held: {0}")]
    Held(String),
    #[error("{0}")]
    NoTarget(#[from] NoTarget),
}

/// The release to go back to at once, or why that is left to people.
pub fn auto_rollback<'a>(finding: &Finding<'_>, place: &Place<'a>, now: Timestamp) -> Result<&'a Release, LeftToPeople> {
    match finding.verdict {
        Verdict::Successful => return Err(LeftToPeople::NothingFailed),
        Verdict::Inconclusive | Verdict::Error => return Err(LeftToPeople::NotMeasured),
        Verdict::Failed => {}
    }
    if finding.release.record.kind == SubjectKind::Rollback {
        return Err(LeftToPeople::IsARollback);
    }
    if let Some(stop) = &place.standing.hold {
        return Err(LeftToPeople::Held(stop.reason.clone()));
    }
    settled(finding.release, place)?;
    if finding.at > now {
        return Err(LeftToPeople::FromTheFuture);
    }
    if now.since(finding.at) > OLDEST_FAILURE {
        return Err(LeftToPeople::TooOld);
    }
    Ok(rollback_target(place.history, place.live, None, place.standing)?)
}

/// Nothing else changes there: the release that failed is what runs, nobody deploys another one.
fn settled(failed: &Release, place: &Place<'_>) -> Result<(), LeftToPeople> {
    let id = &failed.record.id;
    if place.live != Some(id) {
        return Err(LeftToPeople::NotSettled("another release is live".to_owned()));
    }
    let other = |release: &&Release| release.verdict == ReleaseVerdict::Deploying && release.record.id != *id;
    if let Some(other) = place.history.iter().find(other) {
        return Err(LeftToPeople::NotSettled(format!("{} is being deployed", other.record.version)));
    }
    match &place.lock.holder {
        Some(holder) if holder.run != failed.record.run => {
            Err(LeftToPeople::NotSettled(format!("run {} holds its lock", holder.run)))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
