//! Stages that wait at a gate: nothing of them begins before they are let through, and a crash changes nothing of that.

use super::World;
use super::crashes::play;
use crate::model::{RunStatus, StageStatus};

const DEPLOY: &str = "{id: p, stages: [
  {id: build, type: shell, config: {run: x}},
  {id: ship, type: shell, config: {run: x}, depends_on: [build], environment: production},
  {id: lint, type: shell, config: {run: x}},
  {id: tell, type: shell, config: {run: x}, depends_on: [ship]}]}";

#[test]
fn a_held_stage_has_no_attempt_until_it_is_let_through() {
    let mut world = World::new(DEPLOY);
    world.step("ok build");
    assert_eq!(world.status("ship"), StageStatus::WaitingApproval);
    assert_eq!((world.run_status(), world.started.contains(&"ship".to_owned())), (RunStatus::Waiting, false));
    world.step("ok lint");
    assert_eq!(world.scheduler.held().map(|(_, gate)| gate.as_str()).collect::<Vec<_>>(), ["r/ship"]);
    world.step("pass ship");
    assert_eq!((world.status("ship"), world.run_status()), (StageStatus::Running, RunStatus::Running));
}

#[test]
fn a_stage_that_waits_takes_no_place_from_others() {
    let mut world = World::new(&DEPLOY.replace("id: p,", "id: p, max_concurrency: 1,"));
    world.step("ok build");
    assert_eq!(world.status("lint"), StageStatus::Running);
}

#[test]
fn a_crash_at_a_gate_changes_nothing() {
    let run = play(DEPLOY, &["ok build", "ok lint", "pass ship", "ok ship", "ok tell"]);
    assert_eq!(run["status"], "succeeded");
    let run = play(DEPLOY, &["ok build", "ok lint", "bar ship"]);
    assert_eq!((&run["status"], &run["error"]["stage"]), (&"failed".into(), &"ship".into()));
}

#[test]
fn a_barred_stage_is_never_tried_again() {
    let text = DEPLOY.replace("environment: production", "environment: production, retry_config: {max_attempts: 5}");
    let mut world = World::new(&text);
    ["ok build", "ok lint", "bar ship", "after 100000"].iter().for_each(|step| world.step(step));
    assert_eq!((world.status("ship"), world.run_status()), (StageStatus::Failed, RunStatus::Failed));
    assert!(!world.started.contains(&"ship".to_owned()));
}

#[test]
fn a_cancel_ends_what_waits_at_a_gate() {
    let run = play(DEPLOY, &["ok build", "ok lint", "cancel"]);
    assert_eq!((&run["status"], &run["stages"][1][1]), (&"cancelled".into(), &"cancelled".into()));
}

#[test]
fn a_finally_at_its_gate_outlives_a_cancel_with_grace_and_no_other() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, config: {try_stages: [tell], finally_stages: [ship]}},
      {id: tell, type: shell, config: {run: x}}, {id: ship, type: shell, config: {run: x}, environment: production}]}";
    let mut world = World::new(text);
    ["ok tell", "cancel"].iter().for_each(|step| world.step(step));
    assert_eq!((world.status("ship"), world.run_status().is_final()), (StageStatus::WaitingApproval, false));
    world.step("force");
    assert_eq!((world.run_status(), world.started.contains(&"ship".to_owned())), (RunStatus::Cancelled, false));
    let run = play(text, &["ok tell", "force"]);
    assert_eq!(run["status"], "cancelled");
}

#[test]
fn a_gate_inside_a_loop_holds_each_item() {
    let text = "{id: p, stages: [
      {id: loop, type: foreach, config: {items: [1, 2], loop_stages: [ship], max_parallel: 2}},
      {id: ship, type: shell, config: {run: x}, environment: production}]}";
    let mut world = World::new(text);
    assert_eq!(world.scheduler.held().count(), 2);
    world.step("pass ship[0]");
    assert_eq!((world.status("ship[0]"), world.status("ship[1]")), (StageStatus::Running, StageStatus::WaitingApproval));
    let run = play(text, &["pass ship[0]", "ok ship[0]", "pass ship[1]", "ok ship[1]"]);
    assert_eq!(run["status"], "succeeded");
}

#[test]
fn a_gate_inside_a_guard_that_is_barred_is_caught() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, config: {try_stages: [ship], catch_stages: [tell]}},
      {id: ship, type: shell, config: {run: x}, environment: production}, {id: tell, type: shell, config: {run: x}}]}";
    let run = play(text, &["bar ship", "ok tell"]);
    assert_eq!(run["status"], "succeeded");
}

#[test]
fn a_retry_of_what_was_let_through_asks_again_and_goes_on() {
    let text = DEPLOY.replace(
        "environment: production",
        "environment: production, error_handling: {on_error: retry, max_retries: 1, retry_delay: 10}",
    );
    let run = play(&text, &["ok build", "ok lint", "pass ship", "unreliable ship", "after 60000", "ok ship", "ok tell"]);
    assert_eq!(run["status"], "succeeded");
}
