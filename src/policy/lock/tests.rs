use super::{Acquire, acquire, check, leave, outdated, release};
use crate::model::{Lock, RunId, SubjectKind, Timestamp};
use crate::policy::scene::released;

const NOW: Timestamp = Timestamp(0);

fn ask(lock: &mut Lock, run: &str) -> Acquire {
    let answer = acquire(lock, &run.into(), NOW);
    let (Acquire::Held { event, .. } | Acquire::Waiting { event, .. }) = &answer;
    event.iter().for_each(|event| lock.apply(event));
    answer
}

fn give_back(lock: &mut Lock, run: &str, fence: u64) {
    let events = release(lock, &run.into(), fence, NOW).expect("the holder");
    events.iter().for_each(|event| lock.apply(event));
}

fn holder(lock: &Lock) -> Option<(&str, u64)> {
    lock.holder.as_ref().map(|holder| (holder.run.as_str(), holder.fence))
}

#[test]
fn runs_hold_it_one_after_the_other_in_the_order_in_which_they_came() {
    let mut lock = Lock::default();
    assert!(matches!(ask(&mut lock, "a"), Acquire::Held { fence: 1, .. }));
    assert!(matches!(ask(&mut lock, "b"), Acquire::Waiting { before: 1, event: Some(_) }));
    assert!(matches!(ask(&mut lock, "c"), Acquire::Waiting { before: 2, event: Some(_) }));
    assert!(matches!(ask(&mut lock, "b"), Acquire::Waiting { before: 1, event: None }), "asking again keeps the place");
    assert!(matches!(ask(&mut lock, "a"), Acquire::Held { fence: 1, event: None }), "asking again keeps the token");
    give_back(&mut lock, "a", 1);
    assert_eq!(holder(&lock), Some(("b", 2)));
    let left = leave(&lock, &"c".into()).expect("waits");
    lock.apply(&left);
    give_back(&mut lock, "b", 2);
    assert_eq!((holder(&lock), lock.waiting.len(), lock.fence), (None, 0, 2));
    assert!(matches!(ask(&mut lock, "d"), Acquire::Held { fence: 3, .. }), "a token is never given twice");
}

#[test]
fn a_token_from_before_is_worth_nothing() {
    let mut lock = Lock::default();
    ask(&mut lock, "a");
    give_back(&mut lock, "a", 1);
    ask(&mut lock, "a");
    let run: RunId = "a".into();
    assert!(check(&lock, &run, 1).is_err(), "the same run held it with another token");
    assert!(release(&lock, &run, 1, NOW).is_err());
    assert_eq!(check(&lock, &run, 2), Ok(()));
    assert!(check(&lock, &"b".into(), 2).is_err());
}

#[test]
fn a_deployment_of_an_older_run_is_outdated_for_its_service_only() {
    let releases = [released(1, "1.0"), released(5, "2.0")];
    let by = |service: &str, kind: SubjectKind, at: i64| {
        outdated(&releases, "production", service, kind, &"run".into(), Timestamp(at))
            .map(|release| release.record.version.as_str())
    };
    assert_eq!(by("api", SubjectKind::Deploy, 3), Some("2.0"));
    assert_eq!(by("api", SubjectKind::Deploy, 6), None);
    assert_eq!(by("web", SubjectKind::Deploy, 3), None);
    assert_eq!(by("api", SubjectKind::Rollback, 3), None);
}

#[test]
fn what_a_rollback_brought_back_does_not_outdate_a_fix() {
    let mut back = released(9, "1.0");
    back.record.kind = SubjectKind::Rollback;
    assert_eq!(outdated(&[back], "production", "api", SubjectKind::Deploy, &"run".into(), Timestamp(8)), None);
}
