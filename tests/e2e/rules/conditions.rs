//! Language reference: Control flow, of conditional, router and return.

use serde_json::{Value, json};

use super::{fate, fates, run, run_document};

const LEAVES: &str = "{id: a, type: logger, config: {message: m}}, {id: b, type: logger, config: {message: m}}, {id: c, type: logger, config: {message: m}}";

/// A run of a control-flow stage `x` before the stages a, b and c.
fn flow(kind: &str, config: &str) -> Value {
    run(&format!("{{id: x, type: {kind}, on_error: continue, config: {{{config}}}}}, {LEAVES}"))
}

#[test]
fn a_conditional_gives_branch_taken_condition_value_condition_result_and_data() {
    let run = flow("conditional", "condition: '{{[1]}}', true_stages: [a], false_stages: [b, c], data: 5");
    let expected = json!({"branch_taken": "true", "condition_value": [1], "condition_result": true, "data": 5});
    assert_eq!(run["stages"]["x"]["output"], expected);
    assert_eq!(fates(&run, ["a", "b", "c"]), ["succeeded", "skipped branch:x", "skipped branch:x"]);
}

#[test]
fn a_condition_is_an_expression_or_a_value() {
    for (condition, holds) in [
        ("'1 < 2'", true),
        ("'{{1 < 2}}'", true),
        ("true", true),
        ("0", false),
        ("[]", false),
        ("''", false),
        ("'{{null}}'", false),
    ] {
        let run = flow("conditional", &format!("condition: {condition}, true_stages: [a], false_stages: [b]"));
        assert_eq!(run["stages"]["x"]["output"]["condition_result"], holds, "{condition}");
    }
}

#[test]
fn a_condition_that_fails_to_evaluate_fails_the_stage_and_takes_no_branch() {
    let run = flow("conditional", "condition: '1 / 0 > 1', true_stages: [a], false_stages: [b]");
    assert_eq!(run["stages"]["x"]["error"]["type"], "EXPRESSION");
    assert_eq!(fates(&run, ["x", "a", "b"]), ["failed", "skipped branch:x", "skipped branch:x"]);
}

#[test]
fn a_router_runs_the_stages_of_the_route_that_fits_exactly_and_then_as_text() {
    let run = flow("router", "value: prod, routes: {dev: a, prod: [b, c]}, data: 1");
    let expected = json!({"route_taken": "prod", "original_value": "prod", "matched_value": "prod", "stages_to_execute": ["b", "c"],
        "stages_to_skip": ["a"], "data": 1});
    assert_eq!(run["stages"]["x"]["output"], expected);
    assert_eq!(fates(&run, ["a", "b", "c"]), ["skipped branch:x", "succeeded", "succeeded"]);
    let run = flow("router", "value: 3, routes: {'3': a, 'true': b}");
    assert_eq!(fates(&run, ["a", "b"]), ["succeeded", "skipped branch:x"]);
}

#[test]
fn without_a_match_the_default_route_runs_a_text_or_a_list() {
    for default in ["default_route: c", "default_route: [c]", "default_stages: [c]"] {
        let run = flow("router", &format!("value: x, routes: {{dev: a}}, {default}"));
        assert_eq!(run["stages"]["x"]["output"]["route_taken"], "default");
        assert_eq!(fates(&run, ["a", "c"]), ["skipped branch:x", "succeeded"], "{default}");
    }
}

#[test]
fn without_a_match_and_a_default_nothing_runs_and_the_run_has_a_warning() {
    let run = run(&format!("{{id: x, type: router, config: {{value: x, routes: {{dev: [a, b, c]}}}}}}, {LEAVES}"));
    assert_eq!(fates(&run, ["a", "b", "c"]), ["skipped branch:x"; 3]);
    assert_eq!(run["status"], "succeeded");
    assert_eq!(run["notes"][0]["level"], "warning", "{run:#}");
}

#[test]
fn value_expression_makes_the_value_and_case_insensitive_folds_it() {
    let run = flow("router", "value: 7, value_expression: '''PROD'' if value > 5 else ''dev''', routes: {dev: a, prod: b}");
    assert_eq!(fates(&run, ["a", "b"]), ["skipped branch:x"; 2]);
    let run = flow(
        "router",
        "value: 7, value_expression: '''PROD'' if value > 5 else ''dev''', routes: {dev: a, prod: b}, case_insensitive: true",
    );
    assert_eq!(run["stages"]["x"]["output"]["matched_value"], "prod");
    assert_eq!(fate(&run, "b"), "succeeded");
}

#[test]
fn a_return_ends_the_run_early_with_its_value_as_the_output() {
    let document = "{id: p, stages: [{id: r, type: return, config: {condition: '{{input.dry}}', return_value: {n: '{{1 + 1}}'}, message: enough}},
      {id: after, type: json-transform, depends_on: [r], config: {template: went on}}]}";
    let run = run_document(document, &["-i", "dry=true"]);
    assert_eq!((&run["status"], &run["output"]), (&json!("succeeded"), &json!({"n": 2})));
    assert!(fate(&run, "after").starts_with("skipped"), "{run:#}");
    let run = run_document(document, &["-i", "dry=false"]);
    assert_eq!(run["output"], "went on");
}

#[test]
fn a_return_with_the_status_failure_fails_the_run_with_its_message() {
    let run = run("{id: r, type: return, config: {status: failure, message: 'not today', return_value: 1}}");
    assert_eq!((&run["status"], &run["output"], &run["error"]["message"]), (&json!("failed"), &json!(1), &json!("not today")));
}
