//! Breaking the glass: starting one subject without some of its guards, in the open and for a short time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::access::{self, Action, may};
use super::gate::moment;
use super::quorum::Deciders;
use crate::model::{BreakGlass, Gate, Glass, GlassEvent, Guard, Person, Review, Timestamp};

/// How long broken glass stays broken.
pub const VALID: Duration = Duration::from_secs(15 * 60);

/// What somebody sends to break it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The whole digest of the subject it is for.
    pub digest: String,
    pub guards: BTreeSet<Guard>,
    pub reason: String,
    pub incident: String,
}

/// Why the glass stays whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Whole {
    #[error("{environment} allows no breaking of the glass; `break_glass = true` in its section would")]
    Off { environment: String },
    #[error("{0}")]
    NotAllowed(access::Refusal),
    #[error("a service account breaks no glass")]
    ServiceAccount,
    #[error("stages run as the engine's own user, so nothing said in that name breaks the glass")]
    EngineUser,
    #[error("that is not the subject of the request as it is now")]
    StaleSubject,
    #[error("the request is {} already", .status.as_str())]
    Closed { status: crate::model::GateStatus },
    #[error("name the guards to bypass")]
    NoGuards,
    #[error("breaking the glass needs a reason")]
    NoReason,
    #[error("breaking the glass needs an incident")]
    NoIncident,
}

impl Whole {
    /// The refusal's stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Off { .. } => "break_glass_off",
            Self::NotAllowed(_) => "not_allowed",
            Self::ServiceAccount => "service_account",
            Self::EngineUser => "engine_user",
            Self::StaleSubject => "stale_subject",
            Self::Closed { .. } => "closed",
            Self::NoGuards => "no_guards",
            Self::NoReason => "no_reason",
            Self::NoIncident => "no_incident",
        }
    }
}

/// Decides whether the glass of one request may be broken.
pub fn break_glass(
    gate: &Gate,
    deciders: &Deciders<'_>,
    request: &Request,
    person: &Person,
    now: Timestamp,
) -> Result<BreakGlass, Whole> {
    let now = moment(gate, now);
    let environment = deciders.environment;
    if !environment.break_glass {
        return Err(Whole::Off { environment: environment.name.clone() });
    }
    let action = Action::BreakGlass { environment: environment.name.clone() };
    may(deciders.access, deciders.engine_uid, person, &action).map_err(Whole::NotAllowed)?;
    if person.service {
        return Err(Whole::ServiceAccount);
    }
    // What speaks in that name may be the very run that waits.
    if environment.separation && person.uid == Some(deciders.engine_uid) {
        return Err(Whole::EngineUser);
    }
    if request.digest != gate.digest || gate.subject.environment != environment.name {
        return Err(Whole::StaleSubject);
    }
    if !gate.status.is_open() {
        return Err(Whole::Closed { status: gate.status });
    }
    if request.guards.is_empty() {
        return Err(Whole::NoGuards);
    }
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(BreakGlass {
        gate: gate.id.clone(),
        environment: environment.name.clone(),
        digest: gate.digest.clone(),
        guards: request.guards.clone(),
        by: person.name.clone(),
        reason: given(&request.reason).ok_or(Whole::NoReason)?,
        incident: given(&request.incident).ok_or(Whole::NoIncident)?,
        at: now,
        until: now.after(VALID),
    })
}

/// Why a review does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoReview {
    #[error("{0}")]
    NotAllowed(access::Refusal),
    #[error("a service account reviews nothing")]
    ServiceAccount,
    #[error("whoever broke the glass does not review it")]
    BrokeIt,
    #[error("a review needs a word about what came of it")]
    NoReason,
    #[error("it was reviewed already, by {0}")]
    Done(String),
}

/// Decides whether a person may close the review of broken glass: who may approve there, and did not break it.
pub fn review(
    glass: &Glass,
    deciders: &Deciders<'_>,
    person: &Person,
    reason: &str,
    now: Timestamp,
) -> Result<GlassEvent, NoReview> {
    let environment = deciders.environment;
    let action = Action::Approve { environment: environment.name.clone() };
    may(deciders.access, deciders.engine_uid, person, &action).map_err(NoReview::NotAllowed)?;
    if person.service {
        return Err(NoReview::ServiceAccount);
    }
    let is_engine = person.uid == Some(deciders.engine_uid);
    if environment.separation && (is_engine || person.name == glass.broken.by) {
        return Err(NoReview::BrokeIt);
    }
    if let Some(done) = &glass.review {
        return Err(NoReview::Done(done.by.clone()));
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(NoReview::NoReason);
    }
    Ok(GlassEvent::Reviewed(Review { by: person.name.clone(), at: now.max(glass.broken.at), reason: reason.to_owned() }))
}

/// Whether it lets a guard of a gate be bypassed now: only that subject, only those guards, only for that time.
pub fn bypasses(glass: &BreakGlass, gate: &Gate, guard: Guard, now: Timestamp) -> bool {
    let now = moment(gate, now).max(glass.at);
    glass.gate == gate.id && glass.digest == gate.digest && glass.guards.contains(&guard) && now < glass.until
}

#[cfg(test)]
mod tests {
    use super::{Request, Whole, break_glass};
    use crate::model::{Environment, Grant, Guard, People, Person, Role, Timestamp};
    use crate::policy::scene::{World, person, production, rule, set};

    fn world() -> World {
        let mut world = World::new(Environment { break_glass: true, ..production(vec![rule("release", 2)]) });
        let people = People { users: set(&["olaf"]), groups: set(&[]) };
        world.access.grants.push(Grant { role: Role::BreakGlass, people, environments: Some(set(&["production"])) });
        world
    }

    fn request(world: &World) -> Request {
        let guards = [Guard::Quorum].into();
        Request { digest: world.gate.digest.clone(), guards, reason: "it burns".to_owned(), incident: "INC-1".to_owned() }
    }

    #[test]
    fn it_is_for_one_subject_some_guards_and_15_minutes() {
        let world = world();
        let glass =
            break_glass(&world.gate, &world.deciders(), &request(&world), &person("olaf", &[]), Timestamp(5)).expect("breaks");
        assert_eq!((glass.at, glass.until), (Timestamp(5), Timestamp(5 + 15 * 60_000)));
        assert_eq!((glass.digest, glass.guards), (world.gate.digest.clone(), [Guard::Quorum].into()));
    }

    #[test]
    fn it_is_off_by_default_and_a_permission_that_an_admin_does_not_have() {
        let mut world = world();
        let result = |world: &World, name: &str| {
            break_glass(&world.gate, &world.deciders(), &request(world), &person(name, &[]), Timestamp(5)).expect_err("refused")
        };
        assert!(matches!(result(&world, "root"), Whole::NotAllowed(_)));
        world.environment.break_glass = false;
        assert_eq!(result(&world, "olaf"), Whole::Off { environment: "production".to_owned() });
    }

    #[test]
    fn the_engine_s_user_breaks_none_unless_one_person_is_everybody() {
        let mut world = world();
        let olaf = person("olaf", &[]);
        let result = |world: &World| {
            let deciders = crate::policy::quorum::Deciders { engine_uid: olaf.uid.expect("a uid"), ..world.deciders() };
            break_glass(&world.gate, &deciders, &request(world), &olaf, Timestamp(5))
        };
        assert_eq!(result(&world).expect_err("refused"), Whole::EngineUser);
        world.environment.separation = false;
        assert!(result(&world).is_ok());
    }

    #[test]
    fn it_needs_guards_a_reason_an_incident_a_person_and_the_subject_as_it_is() {
        let world = world();
        let olaf = person("olaf", &[]);
        let refused = |request: Request, person: &Person| {
            break_glass(&world.gate, &world.deciders(), &request, person, Timestamp(5)).expect_err("refused")
        };
        let good = request(&world);
        assert_eq!(refused(Request { guards: [].into(), ..good.clone() }, &olaf), Whole::NoGuards);
        assert_eq!(refused(Request { reason: " ".to_owned(), ..good.clone() }, &olaf), Whole::NoReason);
        assert_eq!(refused(Request { incident: String::new(), ..good.clone() }, &olaf), Whole::NoIncident);
        assert_eq!(refused(Request { digest: good.digest[..12].to_owned(), ..good.clone() }, &olaf), Whole::StaleSubject);
        assert_eq!(refused(good, &Person { service: true, ..olaf.clone() }), Whole::ServiceAccount);
    }
}
