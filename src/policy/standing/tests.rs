use super::{NotLifted, after_rollback, against, lift_hold, lift_quarantine};
use crate::model::{Person, Standing, StandingEvent, Subject, SubjectKind, Timestamp};
use crate::policy::scene::{self, World, person, production, released, rule};

/// What a rollback from 2.0 to 1.0 leaves behind; both share a `base`.
fn stopped() -> Standing {
    let (mut bad, mut target) = (released(2, "2.0"), released(1, "1.0"));
    for release in [&mut bad, &mut target] {
        release.record.artefacts.insert("base".to_owned(), "sha-base".to_owned());
    }
    let events = after_rollback(&bad, &target, "engine", "failed analysis", Timestamp(5));
    let text = serde_json::to_string(&events).expect("serializes");
    let mut standing = Standing::default();
    serde_json::from_str::<Vec<StandingEvent>>(&text).expect("reads back").iter().for_each(|event| standing.apply(event));
    let text = serde_json::to_string(&standing).expect("serializes");
    assert_eq!(serde_json::from_str::<Standing>(&text).expect("reads back"), standing);
    standing
}

fn bringing(digest: &str, kind: SubjectKind) -> Subject {
    Subject { artefacts: [("api.tar".to_owned(), digest.to_owned())].into(), kind, ..scene::subject() }
}

#[test]
fn a_rollback_leaves_a_hold_for_automation_and_a_quarantine_for_everybody() {
    let standing = stopped();
    let words = |subject: &Subject, automatic: bool| {
        against(&standing, subject, automatic).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(words(&bringing("sha-3.0", SubjectKind::Deploy), false), [""; 0]);
    assert_eq!(words(&bringing("sha-3.0", SubjectKind::Deploy), true), ["held by engine: failed analysis"]);
    assert_eq!(words(&bringing("sha-3.0", SubjectKind::Rollback), true), [""; 0]);
    assert_eq!(words(&bringing("sha-2.0", SubjectKind::Deploy), false), ["api.tar is in quarantine by engine: failed analysis"]);
    assert_eq!(words(&bringing("sha-base", SubjectKind::Deploy), false), [""; 0], "the target has it too");
}

#[test]
fn a_quarantine_holds_however_the_digest_is_written() {
    let mut standing = Standing::default();
    let stop = after_rollback(&released(2, "2.0"), &released(1, "1.0"), "engine", "bad", Timestamp(5)).remove(0);
    let StandingEvent::Held(stop) = stop else { panic!("{stop:?}") };
    standing.apply(&StandingEvent::Quarantined { digest: "sha256:00aa".to_owned(), stop });
    let kept_out = |digest: &str| !against(&standing, &bringing(digest, SubjectKind::Deploy), false).is_empty();
    for same in ["sha256:00aa", "SHA256:00AA", "registry:5000/api@sha256:00aa", "api:1.0@sha256:00Aa"] {
        assert!(kept_out(same), "{same}");
    }
    for other in ["sha256:00ab", "sha512:00aa", "api@1.0", "00aa"] {
        assert!(!kept_out(other), "{other}");
    }
}

#[test]
fn lifting_is_explicit_by_somebody_who_may_with_a_reason() {
    let mut standing = stopped();
    let world = World::new(production(vec![rule("release", 1)]));
    let dana = person("dana", &["release"]);
    let lift =
        |standing: &Standing, person: &Person, reason: &str| lift_hold(standing, &world.deciders(), person, reason, Timestamp(6));
    assert!(matches!(lift(&standing, &person("olaf", &["ops"]), "fixed"), Err(NotLifted::NotAllowed(_))));
    assert_eq!(lift(&standing, &dana, "  "), Err(NotLifted::NoReason));
    assert_eq!(lift(&standing, &Person { service: true, ..dana.clone() }, "fixed"), Err(NotLifted::ServiceAccount));
    standing.apply(&lift(&standing, &dana, "fixed").expect("lifts"));
    assert_eq!(standing.hold, None);
    assert_eq!(lift(&standing, &dana, "fixed"), Err(NotLifted::NothingThere));
    let event = lift_quarantine(&standing, "sha-2.0", &world.deciders(), &dana, "a false alarm", Timestamp(7)).expect("lifts");
    standing.apply(&event);
    assert_eq!(standing, Standing::default());
}
