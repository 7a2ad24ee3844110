//! Undoing a run that does not succeed: which compensations run, in which order, and what becomes of those that fail.

use serde_json::json;

use super::World;
use super::crashes::play;
use crate::model::{EventKind, RunStatus, StageStatus};

/// Two stages that are undone, one between them that is not, and one beside them that never starts.
const CHAIN: &str = "{id: p, stages: [
  {id: a, type: shell, config: {run: x}, compensate: undo-a},
  {id: b, type: shell, config: {run: x}, depends_on: [a]},
  {id: c, type: shell, config: {run: x}, depends_on: [b], compensate: [undo-c, tell]},
  {id: d, type: shell, config: {run: x}, depends_on: [c], compensate: undo-d},
  {id: undo-a, type: shell, config: {run: x}},
  {id: undo-c, type: shell, config: {run: x}},
  {id: tell, type: shell, config: {run: x}},
  {id: undo-d, type: shell, config: {run: x}}]}";

fn started(text: &str, script: &[&str]) -> Vec<String> {
    let mut world = World::new(text);
    script.iter().for_each(|words| world.step(words));
    world.started
}

fn played(text: &str, script: &[&str]) -> World {
    let mut world = World::new(text);
    script.iter().for_each(|words| world.step(words));
    world
}

#[test]
fn what_began_is_undone_one_after_the_other_the_last_first() {
    let script = ["ok a", "ok b", "fail c", "ok undo-c", "ok tell", "ok undo-a"];
    assert_eq!(started(CHAIN, &script), ["a", "b", "c", "undo-c", "tell", "undo-a"]);
    let run = play(CHAIN, &script);
    assert_eq!((&run["status"], &run["error"]["message"]), (&json!("failed"), &json!("broke")));
    assert_eq!(
        run["stages"][7],
        json!(["undo-d", "skipped", "compensation:d", {"skipped": true, "reason": "compensation:d"}, null, []])
    );
}

#[test]
fn a_run_that_succeeds_undoes_nothing() {
    let run = play(CHAIN, &["ok a", "ok b", "ok c", "ok d"]);
    assert_eq!((&run["status"], &run["output"]["from"]), (&json!("succeeded"), &json!("d")));
    assert_eq!((&run["stages"][4][1], &run["stages"][4][2]), (&json!("skipped"), &json!("compensation:a")));
}

#[test]
fn nothing_is_undone_before_everything_at_work_has_ended() {
    let text =
        "{id: p, stages: [{id: a, type: shell, config: {run: x}, compensate: undo}, {id: b, type: shell, config: {run: x}},
      {id: undo, type: shell, config: {run: x}}]}";
    let mut world = played(text, &["fail a"]);
    assert_eq!((world.status("undo"), world.status("b")), (StageStatus::Pending, StageStatus::Running));
    world.step("ok b");
    assert_eq!((world.status("undo"), world.run_status()), (StageStatus::Running, RunStatus::Running));
    play(text, &["fail a", "ok b", "ok undo"]);
}

#[test]
fn a_cancel_undoes_and_does_not_stop_the_undoing() {
    let mut world = played(CHAIN, &["ok a", "cancel", "cancelled b"]);
    assert_eq!((world.status("undo-a"), world.run_status()), (StageStatus::Running, RunStatus::Cancelling));
    let before = world.stopped.len();
    world.step("cancel");
    assert_eq!(world.stopped.len(), before, "with grace it goes on");
    let run = play(CHAIN, &["ok a", "cancel", "cancelled b", "cancel", "ok undo-a"]);
    assert_eq!((&run["status"], &run["stages"][4][1]), (&json!("cancelled"), &json!("succeeded")));
}

#[test]
fn a_cancel_by_force_ends_the_undoing_and_the_run_says_what_stays() {
    let mut world = played(CHAIN, &["ok a", "ok b", "fail c", "force"]);
    assert_eq!(world.stopped.last(), Some(&(world.stage("undo-c"), true)));
    world.step("cancelled undo-c");
    assert_eq!((world.run_status(), world.status("undo-a")), (RunStatus::Cancelled, StageStatus::Cancelled));
    let error = world.scheduler.run().error.clone().unwrap();
    let stays = "cancelled; not undone: c (undo-c: broke), c (tell: did not run), a (undo-a: did not run)";
    assert_eq!(error.message, stays);
    play(CHAIN, &["ok a", "ok b", "fail c", "force", "cancelled undo-c"]);
    let run = play(CHAIN, &["ok a", "ok b", "fail c", "fail undo-c", "force"]);
    assert_eq!((&run["status"], &run["stages"][5][1]), (&json!("cancelled"), &json!("unknown")), "nobody waits for an answer");
}

#[test]
fn a_first_cancel_by_force_undoes_too() {
    let run = play(CHAIN, &["ok a", "force", "cancelled b", "ok undo-a"]);
    assert_eq!((&run["status"], &run["stages"][4][1]), (&json!("cancelled"), &json!("succeeded")));
}

#[test]
fn a_run_that_is_out_of_time_is_undone() {
    let world = played(CHAIN, &["ok a", "time-up", "cancelled b", "ok undo-a"]);
    assert_eq!((world.run_status(), world.status("undo-a")), (RunStatus::Failed, StageStatus::Succeeded));
    let mut world = played(CHAIN, &["ok a", "fail b", "time-up"]);
    assert_eq!(world.stopped, [], "what undoes has its own time");
    world.step("ok undo-a");
    assert_eq!(world.run_status(), RunStatus::Failed);
}

#[test]
fn a_failing_compensation_asks_and_the_answer_decides() {
    let script = ["ok a", "ok b", "fail c", "fail undo-c"];
    let world = played(CHAIN, &script);
    assert_eq!((world.status("undo-c"), world.run_status()), (StageStatus::Unknown, RunStatus::Waiting));
    let with = |more: &[&'static str]| [&script[..], more].concat();
    let run = play(CHAIN, &with(&["resolve undo-c retry", "ok undo-c", "ok tell", "ok undo-a"]));
    assert_eq!((&run["error"]["message"], &run["stages"][5][5]), (&json!("broke"), &json!(["failed", "succeeded"])));
    let run = play(CHAIN, &with(&["resolve undo-c succeed", "ok tell", "ok undo-a"]));
    assert_eq!(run["error"]["message"], "broke");
    let run = play(CHAIN, &with(&["resolve undo-c fail", "ok tell", "fail undo-a", "resolve undo-a fail"]));
    assert_eq!(run["error"]["message"], "broke; not undone: c (undo-c: broke), a (undo-a: broke)");
    assert_eq!(run["error"]["details"]["not_undone"][1], json!({"stage": "a", "compensation": "undo-a", "why": "broke"}));
    assert_eq!(run["error"]["stage"], "c", "it still says what failed first");
}

#[test]
fn a_cancelled_run_waits_for_the_answer_too() {
    let mut world = played(CHAIN, &["ok a", "cancel", "cancelled b", "fail undo-a"]);
    assert_eq!((world.status("undo-a"), world.run_status()), (StageStatus::Unknown, RunStatus::Waiting));
    world.step("resolve undo-a retry");
    assert_eq!((world.status("undo-a"), world.run_status()), (StageStatus::Running, RunStatus::Cancelling));
    let run = play(CHAIN, &["ok a", "cancel", "cancelled b", "fail undo-a", "resolve undo-a fail"]);
    assert_eq!(
        (&run["status"], &run["error"]["message"]),
        (&json!("cancelled"), &json!("cancelled; not undone: a (undo-a: broke)"))
    );
}

#[test]
fn a_compensation_has_its_own_retries_and_forgiveness() {
    let one = |more: &str| {
        format!(
            "{{id: p, stages: [{{id: a, type: shell, config: {{run: x}}, compensate: undo}}, {{id: undo, type: shell, config: {{run: x}}, {more}}}]}}"
        )
    };
    let again = one("error_handling: {on_error: retry, max_retries: 1, retry_delay: 100}");
    let script = ["fail a", "fail undo", "after 100", "ok undo"];
    assert_eq!(play(&again, &script)["stages"][1][5], json!(["failed", "succeeded"]));
    let world = played(&again, &["fail a", "fail undo", "after 100", "fail undo"]);
    assert_eq!((world.status("undo"), world.run_status()), (StageStatus::Unknown, RunStatus::Waiting));
    let run = play(&one("on_error: continue"), &["fail a", "fail undo"]);
    assert_eq!((&run["status"], &run["error"]["message"]), (&json!("failed"), &json!("broke")));
}

#[test]
fn an_interrupted_compensation_asks_unless_it_says_otherwise() {
    let one = |more: &str| {
        format!(
            "{{id: p, stages: [{{id: a, type: shell, config: {{run: x}}, compensate: undo}}, {{id: undo, type: shell, config: {{run: x}}{more}}}]}}"
        )
    };
    for answer in ["succeed", "fail"] {
        let run = play(&one(""), &["fail a", "unknown undo", &format!("resolve undo {answer}")]);
        assert_eq!(run["stages"][1][1], if answer == "fail" { "failed" } else { "succeeded" });
    }
    for more in [", idempotent: true", ", on_unknown: retry"] {
        let run = play(&one(more), &["fail a", "unknown undo", "after 0", "ok undo"]);
        assert_eq!(run["stages"][1][5], json!(["unknown", "succeeded"]));
    }
    let run = play(&one(", on_unknown: fail"), &["fail a", "unknown undo"]);
    assert_eq!(run["error"]["message"], "broke; not undone: a (undo: broke)");
}

#[test]
fn what_nobody_knows_of_and_what_was_cancelled_is_undone_and_what_never_started_is_not() {
    let run = play(CHAIN, &["ok a", "ok b", "unknown c", "resolve c fail", "ok undo-c", "ok tell", "ok undo-a"]);
    assert_eq!(run["stages"][5][1], "succeeded");
    let run = play(CHAIN, &["ok a", "ok b", "cancel", "cancelled c", "ok undo-c", "ok tell", "ok undo-a"]);
    assert_eq!(run["stages"][5][1], "succeeded");
    let gated = CHAIN.replace("depends_on: [c], compensate", "depends_on: [c], environment: production, compensate");
    let run = play(&gated, &["ok a", "ok b", "ok c", "bar d", "ok undo-c", "ok tell", "ok undo-a"]);
    assert_eq!((&run["stages"][3][1], &run["stages"][7][2]), (&json!("failed"), &json!("compensation:d")));
}

#[test]
fn a_failure_that_is_caught_undoes_nothing_and_one_that_is_not_undoes_what_was_tried() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, config: {try_stages: [one, two], catch_stages: [mend], finally_stages: [tidy]}},
      {id: one, type: shell, config: {run: x}, compensate: undo-one}, {id: two, type: shell, config: {run: x}, compensate: undo-two},
      {id: mend, type: shell, config: {run: x}}, {id: tidy, type: shell, config: {run: x}},
      {id: after, type: shell, depends_on: [guard], config: {run: x}},
      {id: undo-one, type: shell, config: {run: x}}, {id: undo-two, type: shell, config: {run: x}}]}";
    let run = play(text, &["ok one", "fail two", "ok mend", "ok tidy", "ok after"]);
    assert_eq!((&run["status"], &run["stages"][6][1]), (&json!("succeeded"), &json!("skipped")));
    let run = play(text, &["ok one", "fail two", "fail mend", "ok tidy", "ok undo-two", "ok undo-one"]);
    assert_eq!((&run["status"], &run["stages"][6][1]), (&json!("failed"), &json!("succeeded")));
    let run = play(text, &["ok one", "fail two", "ok mend", "ok tidy", "fail after", "ok undo-two", "ok undo-one"]);
    assert_eq!((&run["status"], &run["stages"][7][1]), (&json!("failed"), &json!("succeeded")));
    let run = play(text, &["ok one", "cancel", "cancelled two", "ok tidy", "ok undo-two", "ok undo-one"]);
    assert_eq!((&run["status"], &run["stages"][7][1]), (&json!("cancelled"), &json!("succeeded")));
}

#[test]
fn a_stage_of_a_guard_is_undone_once_however_often_it_was_tried() {
    let text = "{id: p, stages: [{id: guard, type: trycatch, config: {try_stages: [one, two], max_retries: 1}},
      {id: one, type: shell, config: {run: x}, compensate: undo-one}, {id: two, type: shell, config: {run: x}, compensate: undo-two},
      {id: undo-one, type: shell, config: {run: x}}, {id: undo-two, type: shell, config: {run: x}}]}";
    // The second try ends before `two`: what the first one left of it is still undone before `one`.
    let run = play(text, &["ok one", "fail two", "fail one", "ok undo-two", "ok undo-one"]);
    assert_eq!((&run["stages"][3][5], &run["stages"][4][5]), (&json!(["succeeded"]), &json!(["succeeded"])));
}

#[test]
fn a_return_undoes_only_when_it_says_that_it_failed() {
    let text = "{id: p, stages: [{id: a, type: shell, config: {run: x}, compensate: undo}, {id: early, type: return, depends_on: [a], config: {}},
      {id: undo, type: shell, config: {run: x}}]}";
    let returned =
        |status: &str| format!("ok early {}", json!({"returned": true, "return_value": 1, "message": "no", "status": status}));
    let run = play(text, &["ok a", &returned("success")]);
    assert_eq!((&run["status"], &run["output"], &run["stages"][2][1]), (&json!("succeeded"), &json!(1), &json!("skipped")));
    let run = play(text, &["ok a", &returned("failed"), "ok undo"]);
    assert_eq!((&run["status"], &run["stages"][2][1]), (&json!("failed"), &json!("succeeded")));
}

#[test]
fn a_run_whose_output_is_not_what_was_promised_is_undone() {
    let text =
        "{id: p, output_schema: {type: object, required: [n]}, stages: [{id: a, type: shell, config: {run: x}, compensate: undo},
      {id: undo, type: shell, config: {run: x}}]}";
    let run = play(text, &["ok a", "ok undo {\"n\": 1}"]);
    assert_eq!((&run["status"], &run["error"]["type"]), (&json!("failed"), &json!("VALIDATION")));
    assert_eq!(run["output"]["from"], "a", "what undoes is not the output");
    let run = play(text, &["ok a", "fail undo", "resolve undo fail"]);
    assert_eq!(run["error"]["type"], "VALIDATION");
}

#[test]
fn a_compensation_is_left_out_when_its_condition_says_so_or_it_is_switched_off() {
    let text = CHAIN
        .replace("{id: undo-c,", "{id: undo-c, when: 'upstream.c.outputs.made',")
        .replace("{id: tell,", "{id: tell, enabled: false,");
    let mut world = World::new(&text);
    ["when undo-c false", "ok a", "ok b", "fail c"].iter().for_each(|words| world.step(words));
    assert_eq!((world.status("undo-c"), world.status("tell")), (StageStatus::Skipped, StageStatus::Skipped));
    assert_eq!(world.status("undo-a"), StageStatus::Running);
    play(&text, &["ok a", "ok b", "fail c", "ok undo-c", "ok undo-a"]);
}

#[test]
fn a_compensation_waits_at_its_gate_like_every_stage_and_asks_when_it_is_barred() {
    let text = CHAIN.replace("{id: undo-c,", "{id: undo-c, environment: production,");
    let script = ["ok a", "ok b", "fail c"];
    let world = played(&text, &script);
    assert_eq!((world.status("undo-c"), world.run_status()), (StageStatus::WaitingApproval, RunStatus::Waiting));
    let run = play(&text, &[&script[..], &["pass undo-c", "ok undo-c", "ok tell", "ok undo-a"]].concat());
    assert_eq!(run["error"]["message"], "broke");
    let run = play(&text, &[&script[..], &["bar undo-c", "resolve undo-c fail", "ok tell", "ok undo-a"]].concat());
    assert_eq!(run["error"]["message"], "broke; not undone: c (undo-c: broke)");
    let run = play(&text, &[&script[..], &["force"]].concat());
    assert_eq!((&run["status"], &run["stages"][5][1]), (&json!("cancelled"), &json!("cancelled")));
}

#[test]
fn the_key_of_a_compensation_is_that_of_the_attempt_it_undoes_and_stays() {
    let text = "{id: p, stages: [{id: a, type: shell, config: {run: x}, compensate: undo, error_handling: {on_error: retry, max_retries: 1, retry_delay: 1}},
      {id: undo, type: shell, config: {run: x}, idempotent: true}]}";
    let mut world = played(text, &["fail a", "after 1", "fail a"]);
    let names = |world: &World| world.scheduler.locals(world.stage("undo"));
    let expected = [("compensates".to_owned(), json!("a")), ("idempotency_key".to_owned(), json!("r/a/2"))];
    assert_eq!(names(&world), expected);
    for words in ["crash", "unknown undo", "after 1", "crash"] {
        world.step(words);
        assert_eq!(names(&world), expected);
    }
    assert_eq!(world.scheduler.locals(world.stage("a")), []);
}

#[test]
fn a_stage_that_was_taken_over_from_another_run_is_not_undone() {
    let mut world = World::new(CHAIN);
    if let EventKind::RunCreated { reused, .. } = &mut world.journal[0].kind {
        reused.push(("a".into(), json!(1)));
    }
    world.journal.truncate(1);
    world.step("crash");
    assert_eq!(world.status("b"), StageStatus::Running);
    world.step("fail b");
    assert_eq!((world.run_status(), world.status("undo-a")), (RunStatus::Failed, StageStatus::Skipped));
}
