//! What becomes of releases, and where to go back to.

use std::time::Duration;

use super::access::{Action, may};
use super::quorum::Deciders;
use crate::model::{
    Person, Quorum, Release, ReleaseEvent, ReleaseFact, ReleaseId, ReleaseVerdict, Standing, SubjectKind, Timestamp,
};

/// Going back over so many releases needs one person on call; further back needs the whole quorum.
pub const REACH: usize = 3;

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    #[error("no release but the live one was ever stable")]
    NoneStable,
    #[error("there is no release {version} here; known are: {known}")]
    Unknown { version: String, known: String },
    #[error("{version} is what runs there now")]
    Live { version: String },
    #[error("{version} was never stable")]
    NeverStable { version: String },
    #[error("{version} was found bad: {reason}")]
    Bad { version: String, reason: String },
    #[error("{version} is in quarantine: {reason}")]
    Quarantined { version: String, reason: String },
}

/// The release to go back to: the newest that was stable and is not what runs now, or the one of a version.
///
/// `history` are the releases of one environment and service, oldest first; `live` is the one that runs there.
pub fn rollback_target<'a>(
    history: &'a [Release],
    live: Option<&ReleaseId>,
    to: Option<&str>,
    standing: &Standing,
) -> Result<&'a Release, NoTarget> {
    let live = history.iter().find(|release| Some(&release.record.id) == live);
    let Some(version) = to else {
        let usable = |release: &&Release| obstacle(release, live, standing).is_none();
        return history.iter().rev().find(usable).ok_or(NoTarget::NoneStable);
    };
    let mut named = history.iter().rev().filter(|release| release.record.version == version).peekable();
    let Some(newest) = named.peek().copied() else {
        let mut known: Vec<&str> = history.iter().rev().map(|release| release.record.version.as_str()).collect();
        known.dedup();
        return Err(NoTarget::Unknown { version: version.to_owned(), known: known.join(", ") });
    };
    let obstacle_of_newest = obstacle(newest, live, standing);
    match named.find(|release| obstacle(release, live, standing).is_none()) {
        Some(release) => Ok(release),
        None => Err(obstacle_of_newest.unwrap_or(NoTarget::NoneStable)),
    }
}

/// Why a release is nothing to go back to.
fn obstacle(release: &Release, live: Option<&Release>, standing: &Standing) -> Option<NoTarget> {
    let version = release.record.version.clone();
    let same = |live: &Release| {
        let (live, this) = (&live.record, &release.record);
        // The same version brought back earlier by a rollback is the live one as well.
        live.id == this.id || (live.version == this.version && live.artefacts == this.artefacts)
    };
    if live.is_some_and(same) {
        return Some(NoTarget::Live { version });
    }
    if matches!(release.verdict, ReleaseVerdict::Bad | ReleaseVerdict::RolledBack) {
        return Some(NoTarget::Bad { version, reason: release.reason.clone().unwrap_or_default() });
    }
    let stopped = release.record.artefacts.values().find_map(|digest| standing.quarantine_of(digest));
    if let Some(stop) = stopped {
        return Some(NoTarget::Quarantined { version, reason: stop.reason.clone() });
    }
    release.stable_at.is_none().then_some(NoTarget::NeverStable { version })
}

/// Whose yes a rollback needs: one person on call with a reason, when the target is within reach; else the rules.
pub fn rollback_quorum(
    history: &[Release],
    live: Option<&ReleaseId>,
    target: &ReleaseId,
    person: &Person,
    reason: &str,
    deciders: &Deciders<'_>,
) -> Quorum {
    let mut others = history.iter().rev().filter(|release| Some(&release.record.id) != live).take(REACH);
    let near = others.any(|release| release.record.id == *target);
    let deploy = Action::Deploy { environment: deciders.environment.name.clone() };
    let on_call = !person.service && may(deciders.access, deciders.engine_uid, person, &deploy).is_ok();
    if near && on_call && !reason.trim().is_empty() { Quorum::OnCall } else { Quorum::Rules }
}

/// A release that is verified begins to bake.
pub fn verified(release: &Release, now: Timestamp) -> Option<ReleaseEvent> {
    (release.verdict == ReleaseVerdict::Deploying).then(|| event(release, ReleaseFact::Verified, now))
}

/// A release that was verified and has baked is stable. `bake` is the environment's; what was asked for when it was
/// deployed counts where that is longer.
pub fn baked(release: &Release, bake: Duration, now: Timestamp) -> Option<ReleaseEvent> {
    let bake = bake.max(release.record.bake);
    let over = release.verified_at.is_some_and(|at| now >= at.after(bake));
    (release.verdict == ReleaseVerdict::Baking && over).then(|| event(release, ReleaseFact::Stable, now))
}

/// What a release that is live now does to those before it. `reason` is why a rollback was made.
pub fn supersede(history: &[Release], by: &Release, reason: &str, now: Timestamp) -> Vec<ReleaseEvent> {
    let gives_way = |release: &&Release| {
        let place = |release: &Release| (release.record.environment.clone(), release.record.service.clone());
        let alive = match release.verdict {
            ReleaseVerdict::Deploying | ReleaseVerdict::Baking | ReleaseVerdict::Stable => true,
            // Found bad while it ran.
            ReleaseVerdict::Bad => release.verified_at.is_some(),
            ReleaseVerdict::Superseded | ReleaseVerdict::RolledBack => false,
        };
        release.record.id != by.record.id && place(release) == place(by) && alive
    };
    let fact = || match by.record.kind {
        SubjectKind::Rollback => ReleaseFact::RolledBack { by: by.record.id.clone(), reason: reason.to_owned() },
        SubjectKind::Deploy | SubjectKind::Override => ReleaseFact::Superseded { by: by.record.id.clone() },
    };
    history.iter().filter(gives_way).map(|release| event(release, fact(), now)).collect()
}

fn event(release: &Release, fact: ReleaseFact, at: Timestamp) -> ReleaseEvent {
    ReleaseEvent { release: release.record.id.clone(), at, fact }
}

#[cfg(test)]
mod tests;
