//! The rules of scheduling, skipping, retries and cancelling, one scenario each.

use super::World;
use crate::model::{RunStatus, StageStatus};

/// Runs the steps and compares `stage status` lines and the run's status.
fn play(text: &str, script: &[&str], expect: &[&str]) -> World {
    let mut world = World::new(text);
    script.iter().for_each(|words| world.step(words));
    for line in expect {
        let (what, status) = line.split_once(' ').unwrap();
        let actual = if what == "run" { world.run_status().name() } else { world.status(what).name() };
        assert_eq!(actual, status, "{what} after {script:?}");
    }
    world
}

const CHAIN: &str = "{id: p, stages: [
  {id: build, type: shell, config: {run: x}},
  {id: test, type: shell, config: {run: x}, depends_on: [build]},
  {id: ship, type: shell, config: {run: x}, depends_on: [test]}]}";

const FORK: &str = "{id: p, stages: [
  {id: a, type: shell, config: {run: x}},
  {id: b, type: shell, config: {run: x}},
  {id: join, type: shell, config: {run: x}, depends_on: [a, b]}]}";

#[test]
fn a_stage_starts_the_moment_its_last_dependency_ends() {
    play(FORK, &["ok a"], &["join pending", "run running"]);
    play(FORK, &["ok a", "ok b"], &["join running"]);
    let world = play(FORK, &["ok a", "ok b", "ok join"], &["run succeeded"]);
    assert_eq!(world.scheduler.run().output["from"], "join");
}

#[test]
fn a_failure_lets_running_stages_finish_and_starts_nothing_new() {
    play(FORK, &["fail a"], &["run running", "b running", "join pending"]);
    let world = play(FORK, &["fail a", "ok b"], &["run failed", "b succeeded", "join skipped"]);
    assert_eq!(world.scheduler.run().failure_line().unwrap(), "a: broke");
}

#[test]
fn a_forgiven_failure_publishes_its_fallback_and_goes_on() {
    let text = "{id: p, stages: [
      {id: a, type: shell, config: {run: x}, on_error: continue, fallback_output: {n: 1}},
      {id: b, type: shell, config: {run: x}, depends_on: [a]}]}";
    let world = play(text, &["fail a"], &["a failed", "b running"]);
    assert_eq!(world.scheduler.run().stages["a"].output["n"], 1);
    play(text, &["fail a", "ok b"], &["run succeeded"]);
}

const GATE: &str = "{id: p, output_stage_id: last, stages: [
  {id: gate, type: filter, config: {data: x, condition: 'false'}},
  {id: behind, type: logger, config: {message: hi}, depends_on: [gate]},
  {id: further, type: logger, config: {message: hi}, depends_on: [behind, beside]},
  {id: reader, type: logger, config: {message: '{{upstream.gate.passed}}'}, depends_on: [gate]},
  {id: beside, type: logger, config: {message: hi}},
  {id: last, type: logger, config: {message: hi}, depends_on: [behind, beside]}]}";

#[test]
fn a_shut_gate_skips_what_is_behind_it_but_not_who_reads_it() {
    let shut = "ok gate {\"passed\": false}";
    let world = play(GATE, &["ok beside", shut], &["behind skipped", "reader running", "further skipped", "last running"]);
    assert_eq!(world.scheduler.run().stages["further"].reason.as_deref(), Some("gate:gate"));
    assert_eq!(world.scheduler.run().stages["behind"].output["skipped"], true);
    play(GATE, &["ok gate {\"passed\": true}", "ok beside"], &["behind running", "reader running"]);
}

#[test]
fn a_filter_that_picks_items_is_no_gate_even_when_none_is_left() {
    let text = "{id: p, stages: [
      {id: pick, type: filter, config: {data: [1], condition: 'item > 1'}},
      {id: behind, type: logger, config: {message: hi}, depends_on: [pick]}]}";
    play(text, &["ok pick {\"passed\": false, \"data\": []}"], &["behind running"]);
    // One that could not judge an item stays shut.
    play(text, &["ok pick {\"passed\": false, \"data\": null}"], &["behind skipped"]);
}

const BRANCH: &str = "{id: p, stages: [
  {id: check, type: conditional, config: {condition: 'true', true_stages: [yes], false_stages: [no]}},
  {id: yes, type: shell, config: {run: x}},
  {id: no, type: shell, config: {run: x}},
  {id: after-no, type: shell, config: {run: x}, depends_on: [no]},
  {id: join, type: shell, config: {run: x}, depends_on: [yes, no]}]}";

#[test]
fn a_stage_that_a_branch_owns_never_runs_by_itself() {
    play(BRANCH, &[], &["check running", "yes pending", "no pending"]);
}

#[test]
fn a_conditional_that_failed_and_is_forgiven_takes_no_branch() {
    let text = BRANCH.replace("type: conditional,", "type: conditional, on_error: continue,");
    play(&text, &["fail check"], &["yes skipped", "no skipped", "join skipped", "run succeeded"]);
    // Unless its author says which.
    let text = text.replace("on_error: continue,", "on_error: continue, fallback_output: {condition_result: false},");
    play(&text, &["fail check"], &["yes skipped", "no running"]);
}

#[test]
fn the_branch_not_taken_is_skipped_and_joins_run() {
    let took = "ok check {\"condition_result\": true, \"branch_taken\": \"true\"}";
    play(BRANCH, &[took], &["yes running", "no skipped", "after-no skipped", "join pending"]);
    let world = play(BRANCH, &[took, "ok yes"], &["join running"]);
    assert_eq!(world.scheduler.run().stages["no"].reason.as_deref(), Some("branch:check"));
    assert_eq!(world.scheduler.run().stages["after-no"].reason.as_deref(), Some("upstream_skipped"));
}

#[test]
fn a_disabled_stage_lets_the_order_pass_through() {
    let text = "{id: p, stages: [
      {id: a, type: shell, config: {run: x}},
      {id: off, type: shell, config: {run: x}, depends_on: [a], enabled: false},
      {id: b, type: shell, config: {run: x}, depends_on: [off]}]}";
    play(text, &["ok a"], &["off skipped", "b running"]);
}

#[test]
fn a_condition_that_does_not_hold_skips_the_stage() {
    let text = "{id: p, stages: [
      {id: a, type: shell, config: {run: x}},
      {id: b, type: shell, config: {run: x}, depends_on: [a], when: 'input.go'}]}";
    play(text, &["when b false", "ok a"], &["b skipped", "run succeeded"]);
    play(text, &["ok a"], &["b running"]);
}

const FIXED: &str = "{id: p, stages: [{id: a, type: shell, config: {run: x},
  error_handling: {on_error: retry, max_retries: 2, retry_delay: 100}}]}";

#[test]
fn a_fixed_retry_waits_and_gives_up_after_the_last_attempt() {
    play(FIXED, &["fail a"], &["a retrying"]);
    play(FIXED, &["fail a", "after 99"], &["a retrying"]);
    play(FIXED, &["fail a", "after 100"], &["a running"]);
    let world = play(FIXED, &["fail a", "after 100", "fail a", "after 100", "fail a"], &["a failed", "run failed"]);
    let error = world.scheduler.run().stages["a"].error.clone().unwrap();
    assert_eq!(error.kind.name(), "RETRY_EXHAUSTED");
    assert_eq!(error.message, "gave up after 3 attempts: broke");
    assert_eq!(world.scheduler.run().stages["a"].attempts.len(), 3);
}

#[test]
fn backoff_grows_to_its_cap_and_retries_only_what_can_recover() {
    let text = "{id: p, stages: [{id: a, type: http-request, config: {url: 'http://x'},
      retry_config: {max_retries: 4, initial_delay_ms: 100, backoff_multiplier: 3, max_delay_ms: 500}}]}";
    play(text, &["fail a"], &["a failed"]);
    let mut world = World::new(text);
    for wait in [100, 300, 500, 500] {
        world.step("unreliable a");
        let (at, _) = world.timers[&0];
        assert_eq!(at.0 - world.now.0, wait);
        world.step(&format!("after {wait}"));
        assert_eq!(world.status("a"), StageStatus::Running);
    }
    world.step("unreliable a");
    assert_eq!(world.run_status(), RunStatus::Failed);
}

#[test]
fn the_delay_of_retry_config_has_full_jitter_and_that_of_error_handling_none() {
    let text = "{id: p, stages: [{id: a, type: shell, config: {run: x}, retry_config: {initial_delay_ms: 1000}}]}";
    for (text, jitter, wait) in [(text, 0.0, 0), (text, 0.25, 250), (FIXED, 0.0, 100)] {
        let mut world = World::new(text);
        world.jitter = jitter;
        world.step("unreliable a");
        assert_eq!(world.timers[&0].0.0, wait);
    }
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_left_alone() {
    play(FIXED, &["busy a 700", "after 699"], &["a retrying"]);
    play(FIXED, &["busy a 700", "after 700"], &["a running"]);
    play(FIXED, &["busy a 50", "after 99"], &["a retrying"]);
    play(FIXED, &["busy a 50", "after 100"], &["a running"]);
    play(FIXED, &["busy a 99999999999999", "after 3600000"], &["a running"]);
}

#[test]
fn a_retry_that_would_start_after_the_stages_budget_is_not_made() {
    let text = "{id: p, stages: [{id: a, type: shell, timeout: 1, config: {run: x},
      error_handling: {on_error: retry, max_retries: 5, retry_delay: 600}}]}";
    play(text, &["fail a", "after 600", "fail a"], &["a failed", "run failed"]);
}

#[test]
fn a_stale_timer_changes_nothing() {
    let mut world = World::new(FIXED);
    world.step("fail a");
    let (_, epoch) = world.timers[&0];
    world.step("after 100");
    world.step("fail a");
    world.give(super::Input::Woken { stage: 0, epoch });
    assert_eq!(world.status("a"), StageStatus::Retrying);
}

#[test]
fn an_interrupted_attempt_asks_and_the_answer_decides() {
    play(CHAIN, &["ok build", "unknown test"], &["test unknown", "run waiting"]);
    play(CHAIN, &["ok build", "unknown test", "resolve test retry"], &["test running", "run running"]);
    play(CHAIN, &["ok build", "unknown test", "resolve test succeed"], &["test succeeded", "ship running"]);
    play(CHAIN, &["ok build", "unknown test", "resolve test fail"], &["test failed", "run failed"]);
}

#[test]
fn an_interrupted_attempt_of_an_idempotent_stage_runs_again() {
    let text = "{id: p, stages: [{id: a, type: shell, config: {run: x}, idempotent: true}]}";
    let mut world = World::new(text);
    world.step("unknown a");
    world.step("after 0");
    assert_eq!(world.status("a"), StageStatus::Running);
    assert_eq!(world.scheduler.run().stages["a"].attempts.len(), 2);
}

#[test]
fn cancelling_stops_what_runs_and_nothing_starts_any_more() {
    let world = play(FORK, &["ok a", "cancel"], &["run cancelling", "b running"]);
    assert_eq!(world.stopped, [(world.stage("b"), false)]);
    let world = play(FORK, &["ok a", "cancel", "force", "cancelled b"], &["run cancelled", "b cancelled", "join cancelled"]);
    assert_eq!(world.stopped.last(), Some(&(world.stage("b"), true)));
    play(FIXED, &["fail a", "cancel"], &["run cancelled", "a cancelled"]);
}

#[test]
fn a_run_whose_time_is_up_fails() {
    let world = play(FORK, &["time-up"], &["run running"]);
    assert_eq!(world.stopped.len(), 2);
    play(FORK, &["time-up", "cancelled a", "cancelled b"], &["run failed", "join skipped"]);
}

#[test]
fn no_more_stages_run_at_once_than_the_pipeline_allows() {
    let stages: Vec<String> = (0..9).map(|n| format!("{{id: s{n}, type: shell, config: {{run: x}}}}")).collect();
    let text = format!("{{id: p, max_concurrency: 4, stages: [{}]}}", stages.join(","));
    assert_eq!(World::new(&text.replace("max_concurrency: 4, ", "")).scheduler.running(), 9);
    let more = (9..14).map(|n| format!("{{id: s{n}, type: shell, config: {{run: x}}}}"));
    let many = stages.iter().cloned().chain(more).collect::<Vec<_>>().join(",");
    assert_eq!(World::new(&format!("{{id: p, stages: [{many}]}}")).scheduler.running(), 10, "10 when it does not say");
    let mut world = World::new(&text);
    assert_eq!(world.scheduler.running(), 4);
    world.step("ok s2");
    assert_eq!(world.scheduler.running(), 4);
    assert_eq!(world.status("s4"), StageStatus::Running);
}

#[test]
fn a_condition_that_cannot_be_evaluated_is_not_retried_without_it() {
    use super::{ErrorKind, Input, StageError};
    let text = "{id: p, stages: [
      {id: a, type: shell, config: {run: x}},
      {id: ship, type: shell, config: {run: x}, depends_on: [a], when: 'input.go',
        error_handling: {on_error: retry, max_retries: 3, retry_delay: 10}}]}";
    let mut world = World::new(text);
    let (stage, moment) = (world.stage("a"), world.moment());
    let ended = Input::Ended { stage, attempt: 1, outcome: super::Outcome::succeeded(super::Value::Null) };
    world.scheduler.handle(ended, moment);
    let error = StageError::new(ErrorKind::Expression, "broke");
    let stage = world.stage("ship");
    world.scheduler.handle(Input::Condition { stage, holds: Err(error) }, moment);
    assert_eq!(world.status("ship"), StageStatus::Failed);
    assert_eq!(world.run_status(), RunStatus::Failed);
    assert_eq!(world.scheduler.next_ready(), None);
}

#[test]
fn a_pause_does_not_undo_a_cancel() {
    use super::EventKind;
    let mut world = World::new(FORK);
    world.step("cancel");
    let moment = world.moment();
    world.scheduler.remark(EventKind::RunPaused { reason: "values".to_owned(), needs: vec!["env.X".to_owned()] }, moment);
    assert_eq!(world.run_status(), RunStatus::Cancelling);
}
