use std::time::Duration;

use super::{NoTarget, baked, rollback_quorum, rollback_target, supersede, verified};
use crate::model::{Person, Quorum, Release, ReleaseEvent, ReleaseFact, ReleaseVerdict, Standing, Stop, SubjectKind, Timestamp};
use crate::policy::scene::{World, person, production, released, rule};

fn apply(release: &mut Release, fact: ReleaseFact) {
    release.apply(&ReleaseEvent { release: release.record.id.clone(), at: Timestamp(0), fact });
}

/// 1.0 and 2.0 were stable and superseded, 3.0 never became stable, 4.0 runs.
fn history() -> Vec<Release> {
    let mut history: Vec<Release> = (1..5).map(|n| released(n, &format!("{n}.0"))).collect();
    history[2].stable_at = None;
    for at in 0..3 {
        let by = history[at + 1].record.id.clone();
        apply(&mut history[at], ReleaseFact::Superseded { by });
    }
    history
}

fn target(history: &[Release], to: Option<&str>, standing: &Standing) -> Result<String, NoTarget> {
    let live = history.last().map(|release| release.record.id.clone());
    rollback_target(history, live.as_ref(), to, standing).map(|release| release.record.version.clone())
}

fn fresh(kind: SubjectKind) -> Release {
    let stable = released(5, "5.0");
    let mut record = stable.record;
    record.kind = kind;
    let event = ReleaseEvent { release: record.id.clone(), at: Timestamp(0), fact: ReleaseFact::Created(Box::new(record)) };
    Release::created(&event).expect("creates")
}

#[test]
fn the_newest_release_that_was_stable_and_is_not_live_is_gone_back_to() {
    let mut history = history();
    let standing = Standing::default();
    assert_eq!(target(&history, None, &standing).as_deref(), Ok("2.0"));
    assert_eq!(target(&history, Some("1.0"), &standing).as_deref(), Ok("1.0"));
    apply(&mut history[1], ReleaseFact::Bad { reason: "leaks".to_owned(), analysis: false });
    assert_eq!(target(&history, None, &standing).as_deref(), Ok("1.0"));
    apply(&mut history[0], ReleaseFact::RolledBack { by: "x".into(), reason: "slow".to_owned() });
    assert_eq!(target(&history, None, &standing), Err(NoTarget::NoneStable));
}

#[test]
fn a_version_that_cannot_be_gone_back_to_is_refused_with_the_reason() {
    let mut history = history();
    apply(&mut history[1], ReleaseFact::Bad { reason: "leaks".to_owned(), analysis: false });
    let mut standing = Standing::default();
    let stop = Stop { by: "olaf".to_owned(), at: Timestamp(0), reason: "cve".to_owned() };
    standing.quarantined.insert("sha-1.0".to_owned(), stop);
    let why = |to: &str| target(&history, Some(to), &standing).expect_err("no target").to_string();
    assert_eq!(why("1.0"), "1.0 is in quarantine: cve");
    assert_eq!(why("2.0"), "2.0 was found bad: leaks");
    assert_eq!(why("3.0"), "3.0 was never stable");
    assert_eq!(why("4.0"), "4.0 is what runs there now");
    assert_eq!(why("9.0"), "there is no release 9.0 here; known are: 4.0, 3.0, 2.0, 1.0");
    assert_eq!(target(&[], None, &standing), Err(NoTarget::NoneStable));
}

#[test]
fn after_a_rollback_the_version_that_came_back_is_no_target() {
    let mut history = history();
    let mut back = released(5, "2.0");
    back.record.kind = SubjectKind::Rollback;
    history.push(back);
    assert_eq!(target(&history, None, &Standing::default()).as_deref(), Ok("4.0"), "while 4.0 is not marked");
    apply(&mut history[3], ReleaseFact::RolledBack { by: "release-5".into(), reason: "slow".to_owned() });
    assert_eq!(target(&history, None, &Standing::default()).as_deref(), Ok("1.0"));
}

#[test]
fn stable_is_only_what_was_verified_and_has_baked() {
    let bake = Duration::from_millis(10);
    let mut release = fresh(SubjectKind::Deploy);
    assert_eq!(baked(&release, bake, Timestamp(99)), None, "not verified");
    let event = verified(&release, Timestamp(5)).expect("deploying");
    release.apply(&event);
    assert_eq!((release.verdict, verified(&release, Timestamp(6))), (ReleaseVerdict::Baking, None));
    assert_eq!(baked(&release, bake, Timestamp(14)), None, "a millisecond early");
    assert_eq!(baked(&release, bake, Timestamp(1)), None, "the clock was set back");
    let event = baked(&release, bake, Timestamp(15)).expect("baked");
    release.apply(&event);
    assert_eq!((release.verdict, release.stable_at), (ReleaseVerdict::Stable, Some(Timestamp(15))));
    let mut bad = fresh(SubjectKind::Deploy);
    apply(&mut bad, ReleaseFact::Verified);
    apply(&mut bad, ReleaseFact::Bad { reason: "slow".to_owned(), analysis: false });
    assert_eq!(baked(&bad, bake, Timestamp(99)), None, "found bad while it baked");
}

#[test]
fn a_new_release_takes_the_place_of_what_runs_and_a_rollback_says_why() {
    let history = [released(1, "1.0"), released(2, "2.0")];
    let facts =
        |by: &Release| supersede(&history, by, "slow", Timestamp(9)).into_iter().map(|event| event.fact).collect::<Vec<_>>();
    let by: crate::model::ReleaseId = "release-5".into();
    assert_eq!(facts(&fresh(SubjectKind::Deploy))[0], ReleaseFact::Superseded { by: by.clone() });
    assert_eq!(facts(&fresh(SubjectKind::Rollback))[1], ReleaseFact::RolledBack { by, reason: "slow".to_owned() });
}

#[test]
fn within_three_releases_one_on_call_person_with_a_reason_is_enough() {
    let history: Vec<Release> = (1..6).map(|n| released(n, &format!("{n}.0"))).collect();
    let world = World::new(production(vec![rule("release", 2)]));
    let live = history[4].record.id.clone();
    let olaf = person("olaf", &["ops"]);
    let quorum = |target: usize, person: &Person, reason: &str| {
        rollback_quorum(&history, Some(&live), &history[target].record.id, person, reason, &world.deciders())
    };
    assert_eq!(quorum(3, &olaf, "slow"), Quorum::OnCall);
    assert_eq!(quorum(1, &olaf, "slow"), Quorum::OnCall);
    assert_eq!(quorum(0, &olaf, "slow"), Quorum::Rules, "further back");
    assert_eq!(quorum(3, &olaf, " "), Quorum::Rules, "no reason");
    assert_eq!(quorum(3, &person("dana", &["release"]), "slow"), Quorum::Rules, "does not deploy");
    assert_eq!(quorum(3, &Person { service: true, ..olaf }, "slow"), Quorum::Rules);
}

#[test]
fn a_release_is_the_same_after_its_events_went_through_json() {
    let record = released(1, "1.0").record;
    let event = |fact| ReleaseEvent { release: record.id.clone(), at: Timestamp(7), fact };
    let facts = [
        ReleaseFact::Created(Box::new(record.clone())),
        ReleaseFact::Verified,
        ReleaseFact::Stable,
        ReleaseFact::RolledBack { by: "x".into(), reason: "slow".to_owned() },
    ];
    for fact in facts {
        let text = serde_json::to_string(&event(fact.clone())).expect("serializes");
        assert_eq!(serde_json::from_str::<ReleaseEvent>(&text).expect("reads back"), event(fact));
    }
}
