//! `output_schema`: what a run that did everything still has to keep.

use serde_json::{Value, json};

use super::World;
use crate::model::{ErrorKind, RunStatus};

/// Two stages; the second one's output is the run's.
const PROMISE: &str = "{id: p,
  output_schema: {type: object, required: [total, unit], properties: {total: {type: number}, unit: {type: string}}},
  stages: [{id: a, type: shell, config: {run: x}},
           {id: sum, type: shell, config: {run: x}, depends_on: [a]}]}";

fn played(text: &str, script: &[&str]) -> World {
    let mut world = World::new(text);
    script.iter().for_each(|words| world.step(words));
    world
}

#[test]
fn an_output_that_fits_is_a_success() {
    let world = played(PROMISE, &["ok a", r#"ok sum {"total": 3, "unit": "kg"}"#]);
    assert_eq!(world.run_status(), RunStatus::Succeeded);
    assert_eq!(world.scheduler.run().error, None);
}

#[test]
fn an_output_that_does_not_fit_fails_the_run_with_each_path_and_stays_visible() {
    let world = played(PROMISE, &["ok a", r#"ok sum {"total": "three"}"#]);
    let run = world.scheduler.run();
    let error = run.error.clone().unwrap();
    assert_eq!((run.status, error.kind), (RunStatus::Failed, ErrorKind::Validation));
    assert!(error.message.contains("/total: ") && error.message.contains("/unit: is required"), "{error}");
    let errors = error.details["errors"].as_array().cloned().unwrap_or_default();
    let paths: Vec<&Value> = errors.iter().map(|error| &error["path"]).collect();
    assert_eq!(paths.len(), 2, "{errors:?}");
    assert!(paths.contains(&&json!("/total")) && paths.contains(&&json!("/unit")), "{errors:?}");
    assert_eq!(run.output, json!({"total": "three"}));
    assert_eq!(run.stages["sum"].status.name(), "succeeded", "the stage itself did well");
}

#[test]
fn a_crash_before_the_end_changes_nothing_about_the_verdict() {
    let whole = played(PROMISE, &["ok a", r#"ok sum {"total": "three"}"#]);
    let mut broken = played(PROMISE, &["ok a"]);
    // The end of the last attempt is recorded, the end of the run is not.
    broken.step(r#"ok sum {"total": "three"}"#);
    assert!(matches!(broken.journal.pop().unwrap().kind, crate::model::EventKind::RunFinished { .. }));
    broken.step("crash");
    let (whole, broken) = (whole.scheduler.run(), broken.scheduler.run());
    assert_eq!((broken.status, &broken.error, &broken.output), (whole.status, &whole.error, &whole.output));
}

#[test]
fn a_run_that_failed_or_was_cancelled_keeps_its_own_reason() {
    let failed = played(PROMISE, &["fail a"]);
    assert_eq!(failed.scheduler.run().failure_line().unwrap(), "a: broke");
    let cancelled = played(PROMISE, &["cancel", "cancelled a"]);
    assert_eq!((cancelled.run_status(), &cancelled.scheduler.run().error), (RunStatus::Cancelled, &None));
}

#[test]
fn a_returned_value_is_the_output_and_has_to_fit_as_well() {
    let text = "{id: p, output_schema: {type: object, required: [n]}, stages: [{id: early, type: return, config: {}}]}";
    let returns = |value: Value, status: &str| {
        let output = json!({"returned": true, "return_value": value, "message": "no", "status": status});
        played(text, &[&format!("ok early {output}")])
    };
    assert_eq!(returns(json!({"n": 1}), "succeeded").run_status(), RunStatus::Succeeded);
    let world = returns(json!({"m": 1}), "succeeded");
    assert_eq!((world.run_status(), &world.scheduler.run().output), (RunStatus::Failed, &json!({"m": 1})));
    assert_eq!(world.scheduler.run().error.as_ref().unwrap().kind, ErrorKind::Validation);
    let told = returns(json!({"m": 1}), "failed");
    assert_eq!(told.scheduler.run().error.as_ref().unwrap().kind, ErrorKind::ControlFlow, "a failure is not checked");
}
