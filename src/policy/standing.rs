//! Holds and quarantines: what they keep out, what a rollback leaves behind, and who lifts them.

use super::access::{self, Action, may};
use super::blocker::Blocker;
use super::quorum::Deciders;
use crate::model::{Person, Release, Standing, StandingEvent, Stop, Subject, SubjectKind, Timestamp};

/// Why a stop stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLifted {
    #[error("{0}")]
    NotAllowed(access::Refusal),
    #[error("a service account lifts nothing")]
    ServiceAccount,
    #[error("lifting needs a reason")]
    NoReason,
    #[error("there is nothing to lift")]
    NothingThere,
}

/// What the stops of an environment have against a subject. A hold is for what nobody asked for by hand, except rollbacks.
pub fn against(standing: &Standing, subject: &Subject, automatic: bool) -> Vec<Blocker> {
    let held = standing.hold.as_ref().filter(|_| automatic && subject.kind != SubjectKind::Rollback);
    let quarantined = subject.artefacts.iter().filter_map(|(name, digest)| {
        let stop = standing.quarantine_of(digest)?;
        Some(Blocker::Quarantined { artefact: name.clone(), stop: stop.clone() })
    });
    held.map(|stop| Blocker::Held(stop.clone())).into_iter().chain(quarantined).collect()
}

/// What a rollback leaves behind: the environment is held, and what the bad release brought is in quarantine. What the
/// target shares with it is innocent.
pub fn after_rollback(bad: &Release, target: &Release, by: &str, reason: &str, now: Timestamp) -> Vec<StandingEvent> {
    let stop = || Stop { by: by.to_owned(), at: now, reason: reason.to_owned() };
    let shared = |digest: &&String| target.record.artefacts.values().any(|kept| kept == *digest);
    let guilty = bad.record.artefacts.values().filter(|digest| !shared(digest));
    let quarantine = guilty.map(|digest| StandingEvent::Quarantined { digest: digest.clone(), stop: stop() });
    [StandingEvent::Held(stop())].into_iter().chain(quarantine).collect()
}

/// Lifts the hold of an environment.
pub fn lift_hold(
    standing: &Standing,
    deciders: &Deciders<'_>,
    person: &Person,
    reason: &str,
    now: Timestamp,
) -> Result<StandingEvent, NotLifted> {
    let stop = lift(standing.hold.is_some(), deciders, person, reason, now)?;
    Ok(StandingEvent::HoldLifted(stop))
}

/// Lets an artefact out of quarantine.
pub fn lift_quarantine(
    standing: &Standing,
    digest: &str,
    deciders: &Deciders<'_>,
    person: &Person,
    reason: &str,
    now: Timestamp,
) -> Result<StandingEvent, NotLifted> {
    let stop = lift(standing.quarantined.contains_key(digest), deciders, person, reason, now)?;
    Ok(StandingEvent::QuarantineLifted { digest: digest.to_owned(), stop })
}

fn lift(there: bool, deciders: &Deciders<'_>, person: &Person, reason: &str, now: Timestamp) -> Result<Stop, NotLifted> {
    let action = Action::Approve { environment: deciders.environment.name.clone() };
    may(deciders.access, deciders.engine_uid, person, &action).map_err(NotLifted::NotAllowed)?;
    if person.service {
        return Err(NotLifted::ServiceAccount);
    }
    if reason.trim().is_empty() {
        return Err(NotLifted::NoReason);
    }
    if !there {
        return Err(NotLifted::NothingThere);
    }
    Ok(Stop { by: person.name.clone(), at: now, reason: reason.trim().to_owned() })
}

#[cfg(test)]
mod tests;
