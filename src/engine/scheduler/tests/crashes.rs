//! A crash after any step changes nothing about what a run comes to, also when all of it happens in one millisecond.

use serde_json::{Value, json};

use super::World;
use crate::model::Run;

/// What a run came to, without times.
pub fn end(run: &Run) -> Value {
    let stage = |stage: &crate::model::Stage| {
        let attempts: Vec<_> = stage.attempts.iter().map(|attempt| attempt.status.name()).collect();
        json!([stage.id, stage.status.name(), stage.reason, stage.output, stage.error, attempts])
    };
    json!({"status": run.status.name(), "output": run.output, "error": run.error, "stages": run.stages.values().map(stage).collect::<Vec<_>>()})
}

/// Plays a script, and again with a crash after each step; gives what all of them came to.
pub fn play(text: &str, script: &[&str]) -> Value {
    let played = |crash: Option<usize>| {
        let mut world = World::new(text);
        for (step, words) in script.iter().enumerate() {
            world.step(words);
            if crash == Some(step) {
                world.step("crash");
            }
        }
        end(world.scheduler.run())
    };
    let expected = played(None);
    for step in 0..script.len() {
        assert_eq!(played(Some(step)), expected, "with a crash after step {step} of {script:?}");
    }
    expected
}

fn pipeline(stages: &str) -> String {
    let shell = |id: &str| format!("{{id: {id}, type: shell, config: {{run: x}}}}");
    format!("{{id: p, stages: [{stages}, {}, {}, {}]}}", shell("one"), shell("two"), shell("tidy"))
}

#[test]
fn a_failing_catch_raises_its_own_failure_after_finally() {
    let text = pipeline("{id: guard, type: trycatch, config: {try_stages: [one], catch_stages: [two], finally_stages: [tidy]}}");
    let run = play(&text, &["fail one", "fail two", "ok tidy"]);
    assert_eq!(run["error"]["stage"], "two");
}

#[test]
fn a_catch_whose_failure_is_forgiven_has_caught() {
    let text = pipeline("{id: guard, type: trycatch, config: {try_stages: [one], catch_stages: [two], finally_stages: [tidy]}}")
        .replace("{id: two,", "{id: two, on_error: continue, fallback_output: 5,");
    let run = play(&text, &["fail one", "fail two", "ok tidy"]);
    assert_eq!(run["status"], "succeeded");
}

#[test]
fn a_gate_in_the_tried_part_is_still_shut_for_what_catches() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, config: {try_stages: [gate, one], catch_stages: [two, mend]}},
      {id: gate, type: filter, config: {data: 1, condition: 'false'}}, {id: one, type: shell, config: {run: x}},
      {id: two, type: shell, config: {run: x}}, {id: mend, type: shell, config: {run: x}, depends_on: [gate]}]}";
    let run = play(text, &["ok gate {\"passed\": false}", "fail one", "ok two"]);
    assert_eq!(run["status"], "succeeded", "{run:#}");
}

#[test]
fn a_loop_that_is_tried_again_runs_its_items_again() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, config: {try_stages: [each, one], max_retries: 1}},
      {id: each, type: foreach, config: {items: [1, 2], loop_stages: [two]}},
      {id: one, type: shell, config: {run: x}}, {id: two, type: shell, config: {run: x}}]}";
    let run = play(text, &["ok two[0]", "ok two[1]", "fail one", "ok two[0]", "ok two[1]", "ok one"]);
    assert_eq!(run["status"], "succeeded", "{run:#}");
}

#[test]
fn an_item_that_was_decided_before_an_earlier_one_had_its_turn_is_not_begun_again() {
    let text = "{id: p, max_concurrency: 1, stages: [
      {id: start, type: shell, config: {run: x}},
      {id: each, type: foreach, depends_on: [start], config: {items: [1, 2], loop_stages: [one, two], max_parallel: 2}},
      {id: zero, type: shell, depends_on: [start], config: {run: x}},
      {id: one, type: shell, when: 'true', config: {run: x}}, {id: two, type: shell, config: {run: x}}]}";
    let mut world = World::new(text);
    // The node of `one[1]`, which is not there yet: its condition does not hold.
    world.conditions.insert(6, false);
    world.step("ok start");
    assert_eq!(world.status("one[1]").name(), "skipped");
    assert_eq!(world.status("one[0]").name(), "pending");
    world.conditions.clear();
    world.step("crash");
    ["ok zero", "ok one[0]", "ok two[1]", "ok two[0]"].iter().for_each(|words| world.step(words));
    assert_eq!((world.status("each").name(), world.status("one[1]").name()), ("succeeded", "skipped"));
}

#[test]
fn the_first_of_two_failures_in_one_millisecond_is_the_run_s() {
    let text = pipeline("{id: zero, type: shell, config: {run: x}}");
    let run = play(&text, &["fail two", "fail one", "ok tidy", "ok zero"]);
    assert_eq!(run["error"]["stage"], "two");
}

#[test]
fn a_return_before_a_failure_decides() {
    let text = pipeline("{id: early, type: return, config: {return_value: 1}}");
    let returned = "ok early {\"returned\": true, \"return_value\": 1}";
    let run = play(&text, &[returned, "fail one", "ok two", "ok tidy"]);
    assert_eq!((&run["status"], &run["output"]), (&json!("succeeded"), &json!(1)));
}

#[test]
fn a_run_past_its_time_limit_says_so_after_a_crash() {
    let text = pipeline("{id: zero, type: shell, config: {run: x}}");
    let mut world = World::new(&text);
    let mut limited = world.journal[0].clone();
    if let crate::model::EventKind::RunCreated { timeout_ms, .. } = &mut limited.kind {
        *timeout_ms = Some(5);
    }
    world.journal[0] = limited;
    ["crash", "time-up", "cancelled zero", "crash", "cancelled one", "cancelled two", "cancelled tidy"]
        .iter()
        .for_each(|words| world.step(words));
    let error = world.scheduler.run().error.clone().expect("an error");
    assert_eq!(error.kind, crate::model::ErrorKind::Timeout, "{error}");
}

#[test]
fn the_last_item_s_output_is_that_of_the_written_stage() {
    let text = "{id: p, stages: [
      {id: each, type: foreach, config: {items: [1, 2, 3], loop_stages: [one, two], max_parallel: 3}},
      {id: one, type: shell, config: {run: x}}, {id: two, type: shell, config: {run: x}}]}";
    let script = ["ok one[2]", "ok two[2] 33", "ok one[0]", "ok two[0] 11", "ok one[1]", "ok two[1] 22"];
    let run = play(text, &script);
    let two = run["stages"].as_array().unwrap().iter().find(|stage| stage[0] == "two").unwrap();
    assert_eq!(two[3], 33);
}
