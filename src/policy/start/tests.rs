use std::collections::BTreeSet;
use std::time::Duration;

use super::{Facts, Start};
use crate::model::{Answer, BreakGlass, Freeze, GateStatus, Guard, Person, Quorum, Stop, Subject, Timestamp};
use crate::policy::blocker::Blocker;
use crate::policy::scene::{World, person, production, rule};

const HOUR: i64 = 3_600_000;

/// Production with one rule, approved by dana at 1.
fn approved() -> World {
    let mut world = World::new(production(vec![rule("release", 1)]));
    world.approve(&person("dana", &["release"]), 1).expect("counts");
    world.acquire();
    world
}

fn renewed(start: &Start) -> &str {
    let Start::Renew { event } = start else {
        panic!("not renewed: {start:?}");
    };
    match &event.fact {
        crate::model::GateFact::Renewed { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

fn waits(start: &Start) -> Vec<String> {
    let Start::Wait { blockers } = start else {
        panic!("does not wait: {start:?}");
    };
    blockers.iter().map(ToString::to_string).collect()
}

#[test]
fn an_approved_subject_starts_once_with_the_token_of_its_lock() {
    let mut world = approved();
    let start = world.start(2);
    assert!(matches!(start, Start::Go { fence: 1, .. }), "{start:?}");
    assert_eq!((world.gate.status, world.gate.fence), (GateStatus::Started, Some(1)));
    assert!(matches!(world.start(2), Start::Refuse(refused) if refused.why.code() == "closed"), "started twice");
}

#[test]
fn a_pending_request_names_the_rules_that_are_open() {
    let mut world = World::new(production(vec![rule("release", 2)]));
    world.approve(&person("dana", &["release"]), 1).expect("counts");
    assert_eq!(waits(&world.start(2)), ["rule release: 1 of 2 approved", "the run does not hold the environment's lock"]);
}

/// What changes, and its words.
type Change = (&'static str, fn(&mut Subject));

#[test]
fn whatever_changed_between_quorum_and_start_asks_again_and_voids_the_old_digest() {
    let changes: [Change; 5] = [
        ("the pipeline", |subject| subject.pipeline_digest = "p2".to_owned()),
        ("the artefacts", |subject| {
            subject.artefacts.insert("api.tar".to_owned(), "a2".to_owned());
        }),
        ("the inputs or secrets", |subject| subject.inputs_hash = "i2".to_owned()),
        ("the output of a stage before it", |subject| subject.upstream.clear()),
        ("the live release", |subject| subject.live_release = Some("r2".into())),
    ];
    for (words, change) in changes {
        let mut world = approved();
        let old = world.request(Answer::Approve);
        change(&mut world.subject);
        assert_eq!(renewed(&world.start(2)), format!("changed since the request: {words}"));
        assert_eq!((world.gate.status, world.gate.generation), (GateStatus::Pending, 2));
        let refused = world.decide(&old, &person("emil", &["release"]), 3).expect_err("the old digest");
        assert_eq!(refused.why.code(), "stale_subject", "{words}");
        assert_eq!(waits(&world.start(4)), ["rule release: 0 of 1 approved"], "the old vote is void");
        // The same person may approve what it is now.
        world.approve(&person("dana", &["release"]), 5).expect("a new generation");
        assert!(matches!(world.start(6), Start::Go { .. }));
    }
}

#[test]
fn who_changes_the_inputs_after_approving_no_longer_counts() {
    let mut world = approved();
    let dana = person("dana", &["release"]);
    world.subject.inputs_hash = "i2".to_owned();
    world.exclude(&dana);
    renewed(&world.start(2));
    assert_eq!(world.approve(&dana, 3).expect_err("changed it").why.code(), "excluded");
    // Also when only the list of who changed something grew.
    let mut world = approved();
    world.exclude(&dana);
    assert_eq!(renewed(&world.start(2)), "who approved may no longer do so; open rules: release");
}

#[test]
fn rules_that_were_changed_between_quorum_and_start_ask_again() {
    let mut world = approved();
    world.environment = production(vec![rule("release", 2)]);
    assert_eq!(renewed(&world.start(2)), "changed since the request: the environment's rules");
    let mut world = approved();
    world.gate.quorum = Quorum::OnCall;
    assert_eq!(renewed(&world.start(2)), "the rules of the pipeline changed");
}

#[test]
fn an_approver_who_left_the_group_after_voting_no_longer_counts() {
    let gone: [fn(&mut Person); 3] =
        [|person| person.groups.clear(), |person| person.service = true, |person| person.uid = Some(1)];
    for change in gone {
        let mut world = approved();
        let mut dana = person("dana", &["release"]);
        change(&mut dana);
        world.people = vec![dana];
        assert_eq!(renewed(&world.start(2)), "who approved may no longer do so; open rules: release");
    }
    let mut world = approved();
    world.people.clear();
    renewed(&world.start(2));
}

#[test]
fn an_approval_is_valid_to_before_the_last_millisecond() {
    assert!(matches!(approved().start(4 * HOUR), Start::Go { .. }));
    assert_eq!(renewed(&approved().start(4 * HOUR + 1)), "it was not started within 14400 s of its approval");
}

#[test]
fn a_request_that_expired_never_starts() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    world.acquire();
    assert!(matches!(world.start(24 * HOUR), Start::Refuse(refused) if refused.why.code() == "expired"));
    assert_eq!(world.gate.status, GateStatus::Expired);
}

#[test]
fn a_clock_that_was_set_back_does_not_lengthen_an_approval() {
    let mut world = approved();
    // Somebody is refused five hours later; then the clock is set back to right after the approval.
    world.approve(&person("emil", &["release"]), 5 * HOUR).expect_err("approved already");
    assert_eq!(renewed(&world.start(2)), "it was not started within 14400 s of its approval");
    assert_eq!(world.gate.opened_at, Timestamp(5 * HOUR));
    assert_eq!(world.gate.expires_at, Timestamp(29 * HOUR));
}

fn frozen_from(hour: i64) -> World {
    let freeze = Freeze {
        cron: format!("0 {hour} * * *"),
        duration: Duration::from_secs(3600),
        timezone: "UTC".to_owned(),
        reason: "inventory".to_owned(),
    };
    let mut world = World::new(crate::model::Environment { freeze: vec![freeze], ..production(vec![rule("release", 1)]) });
    world.approve(&person("dana", &["release"]), HOUR + 1).expect("counts");
    world.acquire();
    world
}

#[test]
fn a_freeze_that_begins_between_quorum_and_start_asks_again() {
    let mut world = frozen_from(2);
    assert!(matches!(world.clone().start(2 * HOUR - 1), Start::Go { .. }));
    assert_eq!(renewed(&world.start(2 * HOUR)), "a freeze began after the approval: inventory");
}

#[test]
fn a_freeze_that_was_known_at_the_approval_only_holds_it_back() {
    let mut world = frozen_from(1);
    assert_eq!(waits(&world.start(2 * HOUR - 1)), ["frozen until 1970-01-01T02:00:00.000Z: inventory"]);
    assert!(matches!(world.start(2 * HOUR), Start::Go { .. }));
}

#[test]
fn without_the_lock_of_the_environment_nothing_starts() {
    let mut world = approved();
    world.lock = crate::model::Lock::default();
    assert_eq!(waits(&world.start(2)), ["the run does not hold the environment's lock"]);
    world.acquire();
    world.lock.holder.as_mut().expect("held").run = "other".into();
    assert_eq!(waits(&world.start(2)), ["run other holds the environment's lock"]);
}

fn glass(world: &World, guards: &[Guard]) -> BreakGlass {
    BreakGlass {
        gate: world.gate.id.clone(),
        environment: "production".to_owned(),
        digest: world.gate.digest.clone(),
        guards: guards.iter().copied().collect::<BTreeSet<_>>(),
        by: "olaf".to_owned(),
        reason: "it burns".to_owned(),
        incident: "INC-1".to_owned(),
        at: Timestamp(10),
        until: Timestamp(20),
    }
}

#[test]
fn broken_glass_bypasses_what_it_names_for_its_subject_and_time_only() {
    let held = [Blocker::Held(Stop { by: "olaf".to_owned(), at: Timestamp(0), reason: "after a rollback".to_owned() })];
    let mut world = World::new(production(vec![rule("release", 1)]));
    world.acquire();
    let start = |world: &World, glass: &BreakGlass, now: i64| {
        let opening = world.opening(now);
        super::start(&world.gate, &Facts { against: &held, bypass: Some(glass), ..world.facts(&opening, now) })
    };
    let both = glass(&world, &[Guard::Quorum, Guard::Hold]);
    let Start::Go { event, .. } = start(&world, &both, 19) else { panic!("does not start") };
    let bypassed = serde_json::to_value(&event).expect("serializes")["bypassed"].clone();
    assert_eq!(bypassed, serde_json::json!(["quorum", "hold"]), "recorded");
    assert_eq!(waits(&start(&world, &both, 20)).len(), 2, "its time is over");
    assert_eq!(waits(&start(&world, &glass(&world, &[Guard::Quorum]), 19)), ["held by olaf: after a rollback"]);
    let other = BreakGlass { digest: "0".repeat(64), ..both.clone() };
    assert_eq!(waits(&start(&world, &other, 19)).len(), 2, "for another subject");
    world.subject.pipeline_digest = "p2".to_owned();
    renewed(&start(&world, &both, 19));
    world.subject.pipeline_digest = "p1".to_owned();
    world.lock = crate::model::Lock::default();
    assert_eq!(waits(&start(&world, &both, 19)), ["the run does not hold the environment's lock"], "no glass before the lock");
}
