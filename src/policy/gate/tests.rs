use super::{Request, Why, decide, expire, objection, open_rules, supersede};
use crate::model::{Answer, Environment, Gate, GateEvent, GateStatus, Person, Quorum, RunId, SubjectKind, Timestamp};
use crate::policy::scene::{self, World, person, production, rule};

const HOUR: i64 = 3_600_000;

fn code(result: Result<Vec<GateEvent>, super::Refused>) -> &'static str {
    result.expect_err("refused").why.code()
}

#[test]
fn a_quorum_of_distinct_people_approves() {
    let mut world = World::new(production(vec![rule("release", 2)]));
    world.approve(&person("dana", &["release"]), 1).expect("counts");
    assert_eq!(world.gate.status, GateStatus::Pending);
    assert_eq!(open_rules(&world.gate, &world.deciders())[0].missing(), 1);
    world.approve(&person("emil", &["release"]), 2).expect("counts");
    assert_eq!(world.gate.status, GateStatus::Approved);
    assert_eq!(world.gate.approved_at, Some(Timestamp(2)));
}

#[test]
fn one_reject_is_a_veto_also_after_the_quorum() {
    for approvals_first in [false, true] {
        let mut world = World::new(production(vec![rule("release", 1)]));
        if approvals_first {
            world.approve(&person("dana", &["release"]), 1).expect("counts");
        }
        world.answer(Answer::Reject, &person("emil", &["release"]), 2).expect("counts");
        assert_eq!(world.gate.status, GateStatus::Rejected);
        assert_eq!(code(world.approve(&person("fay", &["release"]), 3)), "closed");
    }
}

#[test]
fn a_decision_about_an_old_generation_or_digest_is_refused_and_recorded() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    let dana = person("dana", &["release"]);
    let good = world.request(Answer::Approve);
    let other_digest = "0123456789ab".to_owned();
    let stale = [
        Request { generation: 0, ..good.clone() },
        Request { generation: 2, ..good.clone() },
        Request { digest: other_digest, ..good.clone() },
        Request { gate: "other".into(), ..good.clone() },
        Request { digest: format!("{}0", world.gate.digest), ..good },
    ];
    for request in stale {
        let refused = world.decide(&request, &dana, 1).expect_err("stale");
        assert_eq!(refused.why.code(), "stale_subject", "{request:?}");
        assert_eq!(refused.events.len(), 1, "recorded");
        let text = serde_json::to_value(&refused.events[0]).expect("serializes");
        assert_eq!((&text["type"], &text["code"], &text["by"]), (&"refused".into(), &"stale_subject".into(), &"dana".into()));
    }
    assert_eq!(world.gate.decisions.len(), 0);
}

#[test]
fn a_short_or_odd_digest_is_refused() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    let good = world.request(Answer::Approve);
    for digest in ["", &good.digest[..11], "zzzzzzzzzzzz"] {
        let request = Request { digest: digest.to_owned(), ..good.clone() };
        assert_eq!(code(world.decide(&request, &person("dana", &["release"]), 1)), "bad_digest", "{digest}");
    }
    let request = Request { digest: good.digest[..12].to_owned(), ..good };
    world.decide(&request, &person("dana", &["release"]), 1).expect("12 digits are enough");
}

#[test]
fn approving_ones_own_run_is_refused_under_any_name() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    let starter = person("starter", &["release"]);
    assert_eq!(code(world.approve(&starter, 1)), "excluded");
    let alias = Person { name: "alias".to_owned(), ..starter };
    assert_eq!(code(world.approve(&alias, 1)), "excluded");
}

#[test]
fn an_admin_is_bound_by_the_rules_like_everybody() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    assert_eq!(code(world.approve(&person("root", &[]), 1)), "not_in_a_rule");
    world.gate.excluded[0].name = "root".to_owned();
    assert_eq!(code(world.approve(&person("root", &["release"]), 1)), "excluded");
}

#[test]
fn a_service_account_never_counts() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    let robot = Person { service: true, ..person("dana", &["release"]) };
    assert_eq!(code(world.approve(&robot, 1)), "service_account");
}

#[test]
fn who_may_not_decide_there_is_told_what_would_allow_it() {
    let mut world = World::new(production(vec![rule("staff", 1)]));
    let refused = world.approve(&person("olaf", &["staff"]), 1).expect_err("no role");
    assert!(matches!(refused.why, Why::NotAllowed(_)));
    assert!(refused.to_string().contains("needs the role approver"), "{refused}");
}

#[test]
fn a_replayed_decision_is_refused_and_so_is_a_second_mind() {
    let mut world = World::new(production(vec![rule("release", 2)]));
    let dana = person("dana", &["release"]);
    world.approve(&dana, 1).expect("counts");
    assert_eq!(code(world.approve(&dana, 2)), "replay");
    assert_eq!(code(world.answer(Answer::Reject, &dana, 3)), "already_decided");
    assert_eq!(world.gate.status, GateStatus::Pending);
    world.answer(Answer::Withdraw, &dana, 4).expect("an approver may withdraw");
    assert_eq!(world.gate.status, GateStatus::Withdrawn);
}

#[test]
fn who_requested_may_withdraw_and_a_stranger_may_not() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    assert_eq!(code(world.answer(Answer::Withdraw, &person("olaf", &[]), 1)), "not_allowed");
    world.answer(Answer::Withdraw, &person("starter", &[]), 1).expect("their own");
    assert_eq!(world.gate.status, GateStatus::Withdrawn);
}

#[test]
fn a_decision_needs_a_reason() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    let request = Request { reason: " \t".to_owned(), ..world.request(Answer::Approve) };
    assert_eq!(code(world.decide(&request, &person("dana", &["release"]), 1)), "no_reason");
}

#[test]
fn a_decision_in_the_millisecond_of_the_expiry_is_too_late() {
    let dana = person("dana", &["release"]);
    let mut world = World::new(production(vec![rule("release", 1)]));
    assert_eq!(expire(&world.gate, Timestamp(24 * HOUR - 1)), None);
    assert_eq!(code(world.approve(&dana, 24 * HOUR)), "expired");
    assert_eq!(world.gate.status, GateStatus::Expired, "recorded with the refusal");
    let mut world = World::new(production(vec![rule("release", 1)]));
    world.approve(&dana, 24 * HOUR - 1).expect("a millisecond before");
}

#[test]
fn a_clock_that_was_set_back_does_not_give_an_expired_request_back() {
    let mut world = World::new(production(vec![rule("release", 2)]));
    world.approve(&person("dana", &["release"]), 24 * HOUR - 1).expect("in time");
    let refused = Request { digest: "0".repeat(12), ..world.request(Answer::Approve) };
    // A refusal is recorded at the expiry; the clock is then set back by a day.
    world.decide(&refused, &person("emil", &["release"]), 24 * HOUR).expect_err("late");
    assert_eq!(code(world.approve(&person("emil", &["release"]), 1)), "closed");
    assert_eq!(world.gate.last_at, Timestamp(24 * HOUR));
}

#[test]
fn a_decision_under_rules_that_were_changed_is_about_another_subject() {
    let mut world = World::new(production(vec![rule("release", 2)]));
    world.environment = production(vec![rule("release", 1)]);
    assert_eq!(code(world.approve(&person("dana", &["release"]), 1)), "stale_subject");
}

#[test]
fn two_who_race_for_the_last_vote_approve_once() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    world.approve(&person("dana", &["release"]), 1).expect("the first");
    assert_eq!(code(world.approve(&person("emil", &["release"]), 1)), "closed");
}

#[test]
fn rules_of_the_pipeline_come_on_top() {
    let mut world = World::new(production(vec![rule("release", 1)]));
    world.gate.rules = vec![rule("security", 1)];
    world.approve(&person("dana", &["release"]), 1).expect("counts");
    assert_eq!(world.gate.status, GateStatus::Pending);
    world.approve(&person("sara", &["security"]), 2).expect("counts");
    assert_eq!(world.gate.status, GateStatus::Approved);
    // An unprotected environment has no rule but the pipeline's, and one where it has none.
    let mut world = World::new(Environment::open("production"));
    world.approve(&person("sara", &["security"]), 2).expect("counts");
    assert_eq!(world.gate.status, GateStatus::Approved);
}

#[test]
fn a_rollback_within_reach_is_approved_by_the_one_on_call_who_asked_for_it() {
    let mut world = World::new(production(vec![rule("release", 2)]));
    world.gate.quorum = Quorum::OnCall;
    world.gate.subject.kind = SubjectKind::Rollback;
    assert_eq!(code(world.approve(&person("dana", &["release"]), 1)), "not_allowed", "approvers do not deploy");
    world.approve(&person("starter", &["ops"]), 1).expect("a deployer");
    assert_eq!(world.gate.status, GateStatus::Approved);
}

#[test]
fn a_newer_approval_supersedes_older_requests_for_the_same_service_that_wait() {
    let environment = production(vec![rule("release", 1)]);
    let named = |id: &str, at: i64, change: &dyn Fn(&mut Gate)| {
        let mut gate = Gate { id: id.into(), requested_at: Timestamp(at), ..scene::gate(&environment) };
        gate.subject.run = RunId::from_text(id);
        change(&mut gate);
        gate
    };
    let others = [
        named("older", 1, &|_| ()),
        named("older-but-approved", 1, &|gate| gate.status = GateStatus::Approved),
        named("of-another-service", 1, &|gate| gate.subject.service = Some("web".to_owned())),
        named("of-another-environment", 1, &|gate| gate.subject.environment = "staging".to_owned()),
        named("of-the-same-run", 1, &|gate| gate.subject.run = RunId::from_text("mine")),
        named("of-a-run-below", 1, &|gate| gate.subject.run = RunId::from_text("mine-1")),
        named("newer", 9, &|_| ()),
    ];
    let approved = named("mine", 5, &|_| ());
    let events = supersede(&approved, &others, Timestamp(10));
    assert_eq!(events.iter().map(|event| event.gate.as_str()).collect::<Vec<_>>(), ["older"]);
    let mut older = others[0].clone();
    older.apply(&events[0]);
    assert_eq!((older.status, older.reason.as_deref()), (GateStatus::Superseded, Some("mine was approved")));
}

#[test]
fn a_gate_is_the_same_after_its_events_went_through_json() {
    let environment = production(vec![rule("release", 1)]);
    let mut world = World::new(environment);
    world.answer(Answer::Reject, &person("dana", &["release"]), 1).expect("counts");
    let text = serde_json::to_string(&world.log).expect("serializes");
    let back: Vec<GateEvent> = serde_json::from_str(&text).expect("reads back");
    let mut gate = Gate::opened(&back[0]).expect("opens");
    back[1..].iter().for_each(|event| gate.apply(event));
    assert_eq!(gate, world.gate);
    assert!(
        decide(&gate, &world.deciders(), &world.request(Answer::Approve), &person("emil", &["release"]), Timestamp(2)).is_err()
    );
}

#[test]
fn what_a_person_may_not_answer_is_known_before_they_try() {
    let mut world = World::new(production(vec![rule("release", 2)]));
    let dana = person("dana", &["release"]);
    let why = |world: &World, answer, who: &Person| objection(&world.gate, &world.deciders(), answer, who, Timestamp(2));
    assert_eq!(why(&world, Answer::Approve, &dana), None);
    world.approve(&dana, 1).expect("counts");
    assert_eq!(why(&world, Answer::Approve, &dana).map(|why| why.code()), Some("replay"));
    assert_eq!(why(&world, Answer::Withdraw, &dana), None);
    assert_eq!(why(&world, Answer::Approve, &person("starter", &["release"])).map(|why| why.code()), Some("excluded"));
    assert_eq!(why(&world, Answer::Reject, &person("olaf", &[])).map(|why| why.code()), Some("not_allowed"));
}
