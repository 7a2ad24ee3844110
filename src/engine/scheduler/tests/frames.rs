//! Loops and guards: their rules, one scenario each, and the same story after a crash at any point.

use std::time::Duration;

use serde_json::json;

use super::World;
use crate::model::{RunStatus, StageStatus};

fn shell(id: &str) -> String {
    format!("{{id: {id}, type: shell, config: {{run: x}}}}")
}

fn looped(more: &str) -> String {
    format!(
        "{{id: p, stages: [{{id: each, type: foreach, config: {{items: [a, b, c], loop_stages: [build, ship]{more}}}}}, {}, {},
          {{id: after, type: shell, config: {{run: x}}, depends_on: [each]}},
          {{id: late, type: shell, config: {{run: x}}, depends_on: [ship]}}]}}",
        shell("build"),
        shell("ship")
    )
}

fn guarded(more: &str) -> String {
    format!(
        "{{id: p, stages: [{{id: guard, type: trycatch, config: {{try_stages: [one, two], catch_stages: [mend], finally_stages: [tidy]{more}}}}},
          {}, {}, {}, {}, {{id: after, type: shell, config: {{run: x}}, depends_on: [guard]}}]}}",
        shell("one"),
        shell("two"),
        shell("mend"),
        shell("tidy")
    )
}

/// Plays a script; then again with a crash after every step, which must come to the same.
fn play(text: &str, script: &[&str], expect: &[&str]) -> World {
    let check = |world: &World, how: &str| {
        for line in expect {
            let (what, status) = line.split_once(' ').unwrap();
            let actual = if what == "run" { world.run_status().name() } else { world.status(what).name() };
            assert_eq!(actual, status, "{what} {how} after {script:?}");
        }
    };
    let mut world = World::new(text);
    script.iter().for_each(|words| world.step(words));
    check(&world, "without a crash");
    for at in 0..script.len() {
        let mut crashed = World::new(text);
        for (step, words) in script.iter().enumerate() {
            crashed.step(words);
            if step == at {
                crashed.step("crash");
            }
        }
        check(&crashed, &format!("with a crash after step {at}"));
    }
    world
}

#[test]
fn a_loop_runs_its_stages_in_order_for_one_item_after_the_other() {
    play(&looped(""), &[], &["each running", "build[0] running", "build pending"]);
    play(&looped(""), &["ok build[0]"], &["ship[0] running"]);
    play(&looped(""), &["ok build[0]", "ok ship[0]"], &["build[1] running", "after pending", "late pending"]);
    let script = ["ok build[0]", "ok ship[0] 10", "ok build[1]", "ok ship[1] 20", "ok build[2]", "ok ship[2] 30"];
    let world = play(&looped(""), &script, &["each succeeded", "after running", "late running", "build succeeded"]);
    let output = &world.scheduler.run().stages["each"].output;
    assert_eq!(output["results"], json!([10, 20, 30]));
    assert_eq!((&output["total_items"], &output["is_complete"]), (&json!(3), &json!(true)));
}

#[test]
fn a_parallel_loop_has_as_many_items_at_work_as_it_may() {
    let text = looped(", parallel: true, max_parallel: 2");
    let world = play(&text, &[], &["build[0] running", "build[1] running"]);
    assert_eq!(world.scheduler.running(), 2);
    play(&text, &["ok build[1]", "ok ship[1]"], &["build[0] running", "build[2] running"]);
}

#[test]
fn the_first_failure_ends_a_loop_unless_it_goes_on() {
    play(&looped(""), &["ok build[0]", "fail ship[0]"], &["each failed", "run failed", "after skipped"]);
    let script = ["fail build[0]", "ok build[1]", "ok ship[1] 2", "ok build[2]", "ok ship[2] 3"];
    let world = play(&looped(", break_on_error: false"), &script, &["each succeeded", "after running"]);
    let results = &world.scheduler.run().stages["each"].output["results"];
    assert_eq!(results[0]["success"], false);
    assert_eq!((&results[1], &results[2]), (&json!(2), &json!(3)));
}

#[test]
fn an_empty_loop_is_done_at_once() {
    let text = looped("").replace("[a, b, c]", "[]");
    play(&text, &[], &["each succeeded", "build skipped", "after running"]);
}

#[test]
fn what_goes_well_is_not_caught_and_finally_runs() {
    play(&guarded(""), &["ok one"], &["two running", "mend pending"]);
    play(&guarded(""), &["ok one", "ok two"], &["tidy running", "after pending"]);
    let world = play(&guarded(""), &["ok one", "ok two 5", "ok tidy"], &["guard succeeded", "mend skipped", "after running"]);
    let output = &world.scheduler.run().stages["guard"].output;
    assert_eq!((&output["status"], &output["data"]), (&json!("success"), &json!(5)));
}

#[test]
fn a_catch_that_runs_well_recovers_the_run() {
    play(&guarded(""), &["fail one"], &["mend running", "two pending", "run running"]);
    let world = play(&guarded(""), &["fail one", "ok mend", "ok tidy"], &["guard succeeded", "two skipped", "after running"]);
    let output = &world.scheduler.run().stages["guard"].output;
    assert_eq!((&output["status"], &output["error_type"]), (&json!("recovered"), &json!("EXECUTION")));
}

#[test]
fn a_catch_that_fails_or_propagates_fails_the_run_after_finally() {
    play(&guarded(""), &["fail one", "fail mend"], &["tidy running", "run running"]);
    play(&guarded(""), &["fail one", "fail mend", "ok tidy"], &["guard failed", "run failed", "after skipped"]);
    let world = play(&guarded(""), &["fail one", "fail mend", "ok tidy"], &["run failed"]);
    let error = world.scheduler.run().error.clone().unwrap();
    assert_eq!(error.stage.as_ref().map(|stage| stage.as_str()), Some("mend"));
    assert_eq!(error.cause.as_deref(), Some("while handling the error of one: EXECUTION: broke"));
    let text = guarded(", error_scope: propagate");
    play(&text, &["fail one", "ok mend", "ok tidy"], &["guard failed", "run failed"]);
}

#[test]
fn only_the_named_errors_are_caught() {
    let text = guarded(", catch_error_types: [CONNECTIVITY]");
    play(&text, &["fail one"], &["tidy running", "mend pending"]);
    play(&text, &["unreliable one"], &["mend running"]);
}

#[test]
fn a_guard_tries_again_before_it_catches() {
    let text = guarded(", max_retries: 1");
    play(&text, &["ok one", "fail two"], &["one running", "mend pending"]);
    play(&text, &["ok one", "fail two", "ok one", "fail two"], &["mend running"]);
    play(&text, &["fail one", "ok one", "ok two", "ok tidy"], &["guard succeeded", "after running"]);
}

#[test]
fn finally_runs_when_the_run_is_cancelled_or_fails_elsewhere() {
    let world = play(&guarded(""), &["cancel", "cancelled one"], &["tidy running", "run cancelling"]);
    assert_eq!(world.stopped[0], (world.stage("one"), false));
    play(&guarded(""), &["cancel", "cancelled one", "ok tidy"], &["run cancelled", "guard cancelled"]);
    let beside = guarded("").replace("stages: [{id: guard", "stages: [{id: beside, type: shell, config: {run: x}}, {id: guard");
    play(&beside, &["fail beside", "ok one"], &["tidy running", "two pending"]);
    play(&beside, &["fail beside", "ok one", "ok tidy"], &["run failed"]);
}

#[test]
fn frames_nest() {
    let text = "{id: p, stages: [
      {id: outer, type: foreach, config: {items: [1, 2], loop_stages: [guard]}},
      {id: guard, type: trycatch, config: {try_stages: [inner], catch_stages: [mend], finally_stages: []}},
      {id: inner, type: foreach, config: {items: [x, y], loop_stages: [work]}},
      {id: work, type: shell, config: {run: x}},
      {id: mend, type: shell, config: {run: x}},
      {id: end, type: shell, config: {run: x}, depends_on: [outer]}]}";
    play(text, &[], &["work[0][0] running", "guard[0] running", "inner[0] running"]);
    play(text, &["ok work[0][0]", "fail work[0][1]"], &["mend[0] running", "inner[0] failed", "run running"]);
    let script = ["ok work[0][0]", "fail work[0][1]", "ok mend[0]", "ok work[1][0]", "ok work[1][1]"];
    let world = play(text, &script, &["outer succeeded", "end running", "guard[0] succeeded"]);
    assert_eq!(world.scheduler.run().stages["guard[0]"].output["status"], "recovered");
    assert_eq!(world.scheduler.run().summary().stages_total, 6);
}

#[test]
fn a_branch_inside_a_loop_is_taken_for_each_item() {
    let text = "{id: p, stages: [
      {id: each, type: foreach, config: {items: [1, 2], loop_stages: [check]}},
      {id: check, type: conditional, config: {condition: x, true_stages: [yes], false_stages: [no]}},
      {id: yes, type: shell, config: {run: x}}, {id: no, type: shell, config: {run: x}}]}";
    let took = |n: u32, held: bool| format!("ok check[{n}] {{\"condition_result\": {held}}}");
    let (first, second) = (took(0, true), took(1, false));
    play(text, &[&first], &["yes[0] running"]);
    play(text, &[&first, "ok yes[0]", &second], &["no[0] skipped", "yes[1] skipped", "no[1] running"]);
    play(text, &[&first, "ok yes[0]", &second, "ok no[1]"], &["run succeeded"]);
}

#[test]
fn a_return_ends_the_run_with_its_own_output() {
    let text = "{id: p, stages: [
      {id: done, type: return, config: {return_value: 1}},
      {id: busy, type: shell, config: {run: x}},
      {id: later, type: shell, config: {run: x}, depends_on: [busy]}]}";
    let returned = "ok done {\"returned\": true, \"return_value\": 7, \"status\": \"succeeded\"}";
    play(text, &[returned], &["run running", "busy running"]);
    let world = play(text, &[returned, "ok busy"], &["run succeeded", "later skipped"]);
    assert_eq!(world.scheduler.run().output, json!(7));
    let failed = "ok done {\"returned\": true, \"return_value\": 7, \"status\": \"failed\"}";
    assert_eq!(play(text, &[failed, "ok busy"], &[]).run_status(), RunStatus::Failed);
    let world = play(text, &["ok done {\"returned\": false}", "ok busy"], &["later running"]);
    assert_eq!(world.status("done"), StageStatus::Succeeded);
}

#[test]
fn a_long_loop_of_skipped_stages_needs_no_deep_stack() {
    let items: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    let text = format!(
        "{{id: p, stages: [{{id: each, type: foreach, config: {{items: [{}], loop_stages: [off]}}}},
          {{id: off, type: shell, config: {{run: x}}, enabled: false}}]}}",
        items.join(",")
    );
    assert_eq!(World::new(&text).run_status(), RunStatus::Succeeded);
}

#[test]
fn a_guard_inside_a_loop_tries_again_over_a_crash() {
    let text = "{id: p, stages: [
      {id: each, type: foreach, config: {items: [1], loop_stages: [guard]}},
      {id: guard, type: trycatch, config: {try_stages: [a, b], max_retries: 1}},
      {id: a, type: shell, config: {run: x}}, {id: b, type: shell, config: {run: x}}]}";
    play(text, &["ok a[0]", "fail b[0]"], &["a[0] running", "b[0] pending"]);
    play(text, &["ok a[0]", "fail b[0]", "ok a[0]", "ok b[0]"], &["run succeeded"]);
}

#[test]
fn a_timer_of_a_try_that_will_not_be_made_does_not_disturb_finally() {
    let mut world = World::new(&guarded(", max_retries: 1, retry_delay_ms: 100"));
    ["fail one", "cancel"].iter().for_each(|words| world.step(words));
    assert_eq!(world.status("tidy"), StageStatus::Running);
    world.step("after 100");
    let stage = world.stage("tidy");
    assert_eq!(world.scheduler.stage(stage).unwrap().attempts.len(), 1);
    world.step("ok tidy");
    assert_eq!(world.run_status(), RunStatus::Cancelled);
}

#[test]
fn a_guard_waits_before_it_tries_again() {
    let text = guarded(", max_retries: 1, retry_delay_ms: 100");
    let mut world = World::new(&text);
    ["fail one", "after 99"].iter().for_each(|words| world.step(words));
    assert_eq!((world.status("one"), world.status("mend")), (StageStatus::Failed, StageStatus::Pending));
    world.step("after 1");
    assert_eq!(world.status("one"), StageStatus::Running);
}

#[test]
fn a_loop_in_a_run_that_fails_elsewhere_ends_over_a_crash() {
    let text = looped(", parallel: true, max_parallel: 2")
        .replace("stages: [{id: each", "stages: [{id: beside, type: shell, config: {run: x}}, {id: each");
    play(&text, &["fail beside", "ok build[0]"], &["run running", "build[1] running"]);
    play(&text, &["fail beside", "ok build[0]", "ok build[1]"], &["run failed"]);
}

const RETURNED: &str = "{\"returned\": true, \"return_value\": 7, \"status\": \"succeeded\"}";

fn returning(text: &str, id: &str) -> String {
    text.replace(&shell(id), &format!("{{id: {id}, type: return, config: {{return_value: 7}}}}"))
}

#[test]
fn a_return_inside_a_guard_ends_the_run_once_finally_has_run() {
    let text = returning(&guarded(""), "one");
    let returned = format!("ok one {RETURNED}");
    play(&text, &[&returned], &["tidy running", "two pending", "run running"]);
    let world = play(&text, &[&returned, "ok tidy"], &["run succeeded", "two skipped", "mend skipped", "after skipped"]);
    assert_eq!(world.scheduler.run().output, json!(7));
    play(&text, &["ok one {\"returned\": false}"], &["two running"]);
}

#[test]
fn a_return_in_a_catch_or_in_finally_ends_the_run_as_well() {
    let caught = returning(&guarded(""), "mend");
    let world = play(&caught, &["fail one", &format!("ok mend {RETURNED}"), "ok tidy"], &["run succeeded", "after skipped"]);
    assert_eq!(world.scheduler.run().output, json!(7));
    let tidied = returning(&guarded(""), "tidy");
    let world = play(&tidied, &["ok one", "ok two", &format!("ok tidy {RETURNED}")], &["run succeeded", "after skipped"]);
    assert_eq!(world.scheduler.run().output, json!(7));
}

#[test]
fn a_return_inside_a_loop_ends_the_loop_and_the_run() {
    let text = returning(&looped(""), "build");
    let script = ["ok build[0] {\"returned\": false}", "ok ship[0]", &format!("ok build[1] {RETURNED}")];
    let world = play(&text, &script, &["run succeeded", "each cancelled", "after skipped", "late skipped"]);
    assert_eq!(world.scheduler.run().output, json!(7));
    assert!(world.scheduler.run().stages.get("ship[1]").is_none());
}

#[test]
fn a_return_inside_lets_the_items_beside_it_finish_their_stage() {
    let text = returning(&looped(", parallel: true, max_parallel: 2"), "build");
    let script = [&format!("ok build[1] {RETURNED}"), "ok build[0] {\"returned\": false}"];
    play(&text, &script[..1], &["run running", "build[0] running"]);
    let world = play(&text, &script, &["run succeeded", "each cancelled"]);
    assert!(world.scheduler.run().stages.get("build[2]").is_none());
}

#[test]
fn a_failing_return_deep_inside_fails_the_run_after_each_finally() {
    let text = "{id: p, stages: [
      {id: outer, type: trycatch, config: {try_stages: [each], catch_stages: [mend], finally_stages: [tidy]}},
      {id: each, type: foreach, config: {items: [1, 2], loop_stages: [guard]}},
      {id: guard, type: trycatch, config: {try_stages: [leave], finally_stages: [close]}},
      {id: leave, type: return, config: {status: failed, message: enough}},
      {id: mend, type: shell, config: {run: x}}, {id: tidy, type: shell, config: {run: x}},
      {id: close, type: shell, config: {run: x}}]}";
    let left = "ok leave[0] {\"returned\": true, \"return_value\": null, \"status\": \"failed\", \"message\": \"enough\"}";
    play(text, &[left], &["close[0] running", "tidy pending"]);
    play(text, &[left, "ok close[0]"], &["tidy running", "run running"]);
    let world = play(text, &[left, "ok close[0]", "ok tidy"], &["run failed", "mend skipped"]);
    assert_eq!(world.scheduler.run().failure_line().unwrap(), "leave[0]: enough");
}

#[test]
fn a_second_try_of_a_guard_has_all_its_retries_again() {
    let text = guarded(", max_retries: 1")
        .replace("{id: one,", "{id: one, error_handling: {on_error: retry, max_retries: 1, retry_delay: 10},");
    let first = ["fail one", "after 10", "fail one"];
    play(&text, &first, &["one running"]);
    let again = [first.as_slice(), &["fail one"]].concat();
    play(&text, &again, &["one retrying", "mend pending"]);
    let spent = [again.as_slice(), &["after 10", "fail one"]].concat();
    let world = play(&text, &spent, &["one failed", "mend running"]);
    let error = world.scheduler.run().stages["one"].error.clone().unwrap();
    assert_eq!(error.message, "gave up after 2 attempts: broke");
}

#[test]
fn a_second_try_of_a_guard_has_all_its_time_again() {
    let text = guarded(", max_retries: 1").replace("{id: one,", "{id: one, timeout_ms: 1000,");
    let mut world = World::new(&text);
    ["after 1000", "timeout one", "crash"].iter().for_each(|words| world.step(words));
    let one = world.stage("one");
    assert_eq!(world.status("one"), StageStatus::Running);
    assert_eq!(world.scheduler.remaining(one, world.now), Some(Duration::from_secs(1)));
    world.step("after 400");
    assert_eq!(world.scheduler.remaining(one, world.now), Some(Duration::from_millis(600)));
}

#[test]
fn what_a_loop_runs_in_a_second_try_has_its_retries_again() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, config: {try_stages: [each], max_retries: 1}},
      {id: each, type: foreach, config: {items: [1], loop_stages: [work]}},
      {id: work, type: shell, error_handling: {on_error: retry, max_retries: 1, retry_delay: 10}, config: {run: x}}]}";
    let script = ["fail work[0]", "after 10", "fail work[0]", "fail work[0]"];
    play(text, &script, &["work[0] retrying", "run running"]);
}

#[test]
fn the_end_of_a_long_loop_costs_no_more_than_its_stages() {
    let count = 3_000;
    let ids: Vec<String> = (0..count).map(|at| format!("in{at}")).collect();
    let off = |id: &str| format!("{{id: {id}, type: shell, enabled: false, config: {{run: x}}}}");
    let inside: Vec<String> = ids.iter().map(|id| off(id)).collect();
    let others: Vec<String> = (0..count).map(|at| off(&format!("out{at}"))).collect();
    let text = format!(
        "{{id: p, stages: [{{id: each, type: foreach, config: {{items: [1, 2], loop_stages: [{}]}}}}, {}, {}]}}",
        ids.join(","),
        inside.join(","),
        others.join(",")
    );
    let loaded = super::pipeline(&text);
    let begun = std::time::Instant::now();
    assert_eq!(World::of(loaded).run_status(), RunStatus::Succeeded);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
