use super::{Finding, LeftToPeople, Place, auto_rollback};
use crate::model::{Holder, Lock, Release, ReleaseVerdict, Standing, Stop, SubjectKind, Timestamp};
use crate::policy::analysis::Verdict;
use crate::policy::scene::released;

const MINUTE: i64 = 60_000;

/// 1.0 was stable, 2.0 runs and failed.
struct Scene {
    history: Vec<Release>,
    standing: Standing,
    lock: Lock,
    verdict: Verdict,
    failed_at: i64,
}

impl Scene {
    fn new() -> Self {
        let mut history = vec![released(1, "1.0"), released(2, "2.0")];
        history[1].verdict = ReleaseVerdict::Baking;
        Self { history, standing: Standing::default(), lock: Lock::default(), verdict: Verdict::Failed, failed_at: 0 }
    }

    fn decide(&self, now: i64) -> Result<String, LeftToPeople> {
        let failed = &self.history[1];
        let finding = Finding { verdict: self.verdict, release: failed, at: Timestamp(self.failed_at) };
        let place = Place { history: &self.history, live: Some(&failed.record.id), standing: &self.standing, lock: &self.lock };
        auto_rollback(&finding, &place, Timestamp(now)).map(|release| release.record.version.clone())
    }
}

#[test]
fn a_failed_analysis_goes_back_at_once_for_twenty_minutes() {
    let scene = Scene::new();
    assert_eq!(scene.decide(20 * MINUTE).as_deref(), Ok("1.0"));
    assert_eq!(scene.decide(20 * MINUTE + 1), Err(LeftToPeople::TooOld));
    assert_eq!(scene.decide(-1), Err(LeftToPeople::FromTheFuture));
}

#[test]
fn what_could_not_be_measured_is_left_to_people() {
    for (verdict, why) in [
        (Verdict::Error, LeftToPeople::NotMeasured),
        (Verdict::Inconclusive, LeftToPeople::NotMeasured),
        (Verdict::Successful, LeftToPeople::NothingFailed),
    ] {
        assert_eq!(Scene { verdict, ..Scene::new() }.decide(0), Err(why));
    }
}

#[test]
fn a_rollback_is_never_rolled_back() {
    let mut scene = Scene::new();
    scene.history[1].record.kind = SubjectKind::Rollback;
    assert_eq!(scene.decide(0), Err(LeftToPeople::IsARollback));
}

#[test]
fn only_a_settled_environment_is_rolled_back() {
    let not_settled = |scene: &Scene| matches!(scene.decide(0), Err(LeftToPeople::NotSettled(_)));
    let mut scene = Scene::new();
    scene.history.push(Release { verdict: ReleaseVerdict::Deploying, ..released(3, "3.0") });
    assert!(not_settled(&scene), "another release is on its way");
    let mut scene = Scene::new();
    scene.lock.holder = Some(Holder { run: "other".into(), fence: 1, since: Timestamp(0) });
    assert!(not_settled(&scene), "another run holds the lock");
    scene.lock.holder = Some(Holder { run: "run-2".into(), fence: 1, since: Timestamp(0) });
    assert_eq!(scene.decide(0).as_deref(), Ok("1.0"), "its own run does");
    let scene = Scene::new();
    let finding = Finding { verdict: Verdict::Failed, release: &scene.history[0], at: Timestamp(0) };
    let live = Some(&scene.history[1].record.id);
    let place = Place { history: &scene.history, live, standing: &scene.standing, lock: &scene.lock };
    assert!(matches!(auto_rollback(&finding, &place, Timestamp(0)), Err(LeftToPeople::NotSettled(_))), "not what runs");
}

#[test]
fn a_held_environment_and_one_without_a_target_are_left_to_people() {
    let mut scene = Scene::new();
    scene.standing.hold = Some(Stop { by: "olaf".to_owned(), at: Timestamp(0), reason: "look first".to_owned() });
    assert_eq!(scene.decide(0), Err(LeftToPeople::Held("look first".to_owned())));
    let mut scene = Scene::new();
    scene.history[0].stable_at = None;
    assert_eq!(scene.decide(0).expect_err("no target").to_string(), "no release but the live one was ever stable");
}
