//! Language reference: Scheduling. Who starts when, what a failure does to the others, and what is skipped and why.

use serde_json::json;

use super::super::support::until;
use super::{Lab, fate, fates, run, run_document};

#[test]
fn a_stage_starts_the_moment_its_last_dependency_ends() {
    let lab = Lab::open();
    lab.0.fifo("slow-goes-on");
    // `slow` waits for `after-quick`, which a wave of both would never start.
    let run = run("{id: quick, type: shell, config: {run: 'true'}},
      {id: slow, type: shell, config: {run: 'cat slow-goes-on'}},
      {id: after-quick, type: shell, depends_on: [quick], config: {run: 'echo go > slow-goes-on'}}");
    assert_eq!(fates(&run, ["quick", "slow", "after-quick"]), ["succeeded"; 3]);
}

#[test]
fn at_most_max_concurrency_stages_of_a_run_are_at_work() {
    let stages: Vec<String> =
        (0..4).map(|at| format!("{{id: s{at}, type: shell, config: {{run: 'mkdir alone && rmdir alone'}}}}")).collect();
    let run = run_document(&format!("{{id: p, max_concurrency: 1, stages: [{}]}}", stages.join(",")), &[]);
    assert_eq!(run["status"], "succeeded", "two were at work at once: {run:#}");
}

#[test]
fn a_failure_that_propagates_lets_running_stages_finish_and_starts_nothing_new() {
    let lab = Lab::open();
    lab.0.fifo("begun");
    lab.0.fifo("finish");
    for on_error in ["propagate", "fail"] {
        let name = lab.keep(&format!(
            "{{id: p, stages: [{{id: running, type: shell, config: {{run: 'echo up > begun; cat finish'}}}},
             {{id: bad, type: shell, on_error: {on_error}, config: {{run: 'cat begun; exit 3'}}}},
             {{id: never, type: shell, depends_on: [running], config: {{run: 'true'}}}}]}}"
        ));
        let id = lab.0.detach(&name);
        until("the failure is recorded", || fate(&lab.0.ok(&["runs", "show", &id, "--json"]).json(), "bad") == "failed");
        lab.0.release("finish");
        let run = lab.0.wait(&id);
        assert_eq!(run["status"], "failed");
        assert_eq!(fate(&run, "running"), "succeeded");
        assert!(fate(&run, "never").starts_with("skipped"), "{run:#}");
        assert_eq!((&run["error"]["stage"], &run["error"]["message"]), (&json!("bad"), &json!("exit code 3")));
    }
}

#[test]
fn on_error_continue_records_the_failure_publishes_the_fallback_and_goes_on() {
    let run = run("{id: a, type: shell, on_error: continue, fallback_output: {n: 1}, config: {run: 'exit 3'}},
      {id: b, type: shell, error_handling: {on_error: continue}, config: {run: 'exit 3'}},
      {id: c, type: shell, error_handling: {on_error: continue, fallback_output: 7}, config: {run: 'exit 3'}},
      {id: end, type: json-transform, depends_on: [a, b, c], config: {template: ['{{upstream.a.n}}', '{{upstream.b}}', '{{upstream.c}}',
        '{{upstream.a.error.message}}', '{{upstream.a.error_type}}']}}");
    assert_eq!(run["output"], json!([1, null, 7, "exit code 3", "EXECUTION"]), "{run:#}");
    assert_eq!(fates(&run, ["a", "b", "c"]), ["failed"; 3]);
    assert_eq!(run["status"], "succeeded");
}

const GATE: &str = "{id: gate, type: filter, config: {data: {n: 1}, condition: 'data.n > 1'}},
  {id: behind, type: logger, depends_on: [gate], config: {message: m}},
  {id: reader, type: json-transform, depends_on: [gate], config: {template: '{{upstream.gate.reason}}'}},
  {id: beside, type: logger, config: {message: m}},
  {id: further, type: logger, depends_on: [behind, beside], config: {message: m}},
  {id: last, type: logger, depends_on: [behind, beside], config: {message: m}}";

#[test]
fn a_shut_gate_skips_its_dependants_but_those_that_read_it() {
    let run = run(GATE);
    assert_eq!(fates(&run, ["behind", "reader", "beside"]), ["skipped gate:gate", "succeeded", "succeeded"]);
}

#[test]
fn a_stage_with_any_gate_skipped_dependency_is_skipped_unless_it_is_the_output_stage_and_another_ran() {
    let run = run_document(&format!("{{id: p, output_stage_id: last, stages: [{GATE}]}}"), &[]);
    assert_eq!(fates(&run, ["further", "last"]), ["skipped gate:gate", "succeeded"]);
}

#[test]
fn a_gate_whose_condition_fails_to_evaluate_stays_shut_with_the_error_as_its_reason() {
    let run = run(
        "{id: gate, type: filter, config: {data: {n: x}, condition: 'data.n > 1'}}, {id: b, type: logger, depends_on: [gate], config: {message: m}}",
    );
    assert_eq!(fates(&run, ["gate", "b"]), ["succeeded", "skipped gate:gate"]);
    let output = &run["stages"]["gate"]["output"];
    assert_eq!(output["passed"], false);
    assert!(output["reason"].as_str().is_some_and(|reason| reason.contains("no order")), "{output:#}");
}

#[test]
fn a_filter_over_items_is_no_gate() {
    let run = run(
        "{id: pick, type: filter, config: {data: [1], condition: 'item > 1'}}, {id: b, type: logger, depends_on: [pick], config: {message: m}}",
    );
    assert_eq!(run["stages"]["pick"]["output"]["data"], json!([]));
    assert_eq!(fate(&run, "b"), "succeeded");
}

#[test]
fn a_control_flow_skip_reaches_only_those_whose_dependencies_are_all_skipped() {
    let run = run("{id: if, type: conditional, config: {condition: true, true_stages: [yes], false_stages: [no]}},
      {id: yes, type: logger, config: {message: m}}, {id: no, type: logger, config: {message: m}},
      {id: after-no, type: logger, depends_on: [no], config: {message: m}},
      {id: join, type: logger, depends_on: [yes, no], config: {message: m}},
      {id: far, type: logger, depends_on: [after-no, no], config: {message: m}}");
    assert_eq!(fates(&run, ["yes", "no", "join"]), ["succeeded", "skipped branch:if", "succeeded"]);
    assert_eq!(fates(&run, ["after-no", "far"]), ["skipped upstream_skipped"; 2]);
}

#[test]
fn an_owned_stage_never_runs_by_itself_before_its_owner() {
    let run = run("{id: first, type: shell, config: {run: 'echo first >> owned-order'}},
      {id: if, type: conditional, depends_on: [first], config: {condition: true, true_stages: [owned]}},
      {id: owned, type: shell, config: {run: 'echo owned >> owned-order'}}");
    assert_eq!(run["status"], "succeeded");
    let at = |stage: &str, what: &str| run["stages"][stage][what].as_str().unwrap_or_default().to_owned();
    assert!(at("owned", "started_at") >= at("first", "finished_at"), "{run:#}");
}

#[test]
fn a_stage_with_several_owners_runs_when_any_of_them_activates_it() {
    let owner =
        |id: &str, holds: bool| format!("{{id: {id}, type: conditional, config: {{condition: {holds}, true_stages: [shared]}}}}");
    let shared = "{id: shared, type: logger, config: {message: m}}";
    for (a, b, expected) in
        [(true, false, "succeeded"), (false, true, "succeeded"), (true, true, "succeeded"), (false, false, "skipped branch:a")]
    {
        let run = run(&format!("{}, {}, {shared}", owner("a", a), owner("b", b)));
        assert_eq!(fate(&run, "shared"), expected, "{a} {b}");
    }
}

#[test]
fn when_skips_the_stage_that_it_does_not_hold_for() {
    let document = "{id: p, stages: [{id: a, type: logger, when: 'input.n > 1', config: {message: m}},
      {id: b, type: logger, when: '{{input.n}} > 1', config: {message: m}}, {id: c, type: logger, when: true, config: {message: m}},
      {id: d, type: logger, when: 'input.n > ''x''', on_error: continue, config: {message: m}}]}";
    let run = run_document(document, &["-i", "n=1"]);
    assert_eq!(fates(&run, ["a", "b", "c", "d"]), ["skipped when", "skipped when", "succeeded", "failed"]);
    assert_eq!(run["stages"]["d"]["error"]["type"], "EXPRESSION");
    let run = run_document(document, &["-i", "n=2"]);
    assert_eq!(fates(&run, ["a", "b"]), ["succeeded"; 2]);
}

#[test]
fn the_output_of_a_skipped_stage_says_so_and_why() {
    let run = run("{id: a, type: logger, when: 'false', config: {message: m}}, {id: b, type: logger, config: {message: m}}");
    assert_eq!(run["stages"]["a"]["output"], json!({"skipped": true, "reason": "when"}));
}

#[test]
fn a_stage_that_compensates_another_never_runs_by_itself() {
    let run =
        run("{id: a, type: logger, compensate: undo, config: {message: m}}, {id: undo, type: logger, config: {message: m}}");
    assert_eq!(fate(&run, "undo"), "skipped compensation:a");
    assert_eq!(run["status"], "succeeded");
}
