//! Language reference: Control flow, of trycatch.

use serde_json::{Value, json};

use super::{Lab, fate, fates, run};

/// A guard around a stage that fails, one that catches, one that always runs, and one after it.
fn guarded(more: &str) -> Value {
    run(&format!(
        "{{id: guard, type: trycatch, config: {{try_stages: [bad], catch_stages: [mend], finally_stages: [tidy], {more}}}}},
         {{id: bad, type: shell, config: {{run: 'exit 3'}}}},
         {{id: mend, type: json-transform, config: {{template: ['{{{{upstream.bad.error.message}}}}', '{{{{upstream.bad.error_type}}}}', '{{{{error.stage}}}}']}}}},
         {{id: tidy, type: logger, config: {{message: tidy}}}}, {{id: after, type: logger, depends_on: [guard], config: {{message: m}}}}"
    ))
}

#[test]
fn a_catch_that_ran_well_recovers_the_run_and_reads_the_error() {
    let run = guarded("");
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let expected = json!({"status": "recovered", "error_occurred": true, "error_message": "exit code 3", "error_type": "EXECUTION",
        "recovered": true, "data": ["exit code 3", "EXECUTION", "bad"]});
    assert_eq!(run["stages"]["guard"]["output"], expected);
    assert_eq!(
        fates(&run, ["guard", "bad", "mend", "tidy", "after"]),
        ["succeeded", "failed", "succeeded", "succeeded", "succeeded"]
    );
}

#[test]
fn what_goes_well_is_not_caught() {
    let run = run("{id: guard, type: trycatch, config: {try_stages: [a, b], catch_stages: [c], finally_stages: [d]}},
      {id: a, type: json-transform, config: {template: 1}}, {id: b, type: json-transform, config: {template: '{{upstream.a + 1}}'}},
      {id: c, type: logger, config: {message: m}}, {id: d, type: logger, config: {message: m}}");
    let expected = json!({"status": "success", "error_occurred": false, "error_message": null, "error_type": null, "recovered": false, "data": 2});
    assert_eq!(run["stages"]["guard"]["output"], expected);
    assert_eq!((fate(&run, "c").as_str(), fate(&run, "d").as_str()), ("skipped branch:guard", "succeeded"));
}

#[test]
fn propagate_raises_the_error_again_after_finally() {
    let run = guarded("error_scope: propagate");
    assert_eq!((&run["status"], &run["error"]["stage"]), (&json!("failed"), &json!("bad")));
    assert_eq!(run["stages"]["guard"]["output"]["status"], "failed");
    assert_eq!(fates(&run, ["mend", "tidy", "guard"]), ["succeeded", "succeeded", "failed"]);
}

#[test]
fn error_scope_continue_recovers_without_a_catch() {
    let run = run("{id: guard, type: trycatch, config: {try_stages: [bad], finally_stages: [tidy], error_scope: continue}},
      {id: bad, type: shell, config: {run: 'exit 3'}}, {id: tidy, type: logger, config: {message: m}}, {id: after, type: logger, depends_on: [guard], config: {message: m}}");
    assert_eq!(fates(&run, ["guard", "tidy", "after"]), ["succeeded"; 3]);
}

#[test]
fn without_a_catch_the_failure_fails_the_run_after_finally() {
    let run = run("{id: guard, type: trycatch, config: {try_stages: [bad], finally_stages: [tidy]}},
      {id: bad, type: shell, config: {run: 'exit 3'}}, {id: tidy, type: logger, config: {message: m}}");
    assert_eq!(run["status"], "failed");
    assert_eq!(fates(&run, ["guard", "tidy"]), ["failed", "succeeded"]);
}

#[test]
fn only_the_error_types_named_are_caught() {
    for types in ["[EXECUTION]", "execution", "[TIMEOUT, EXECUTION]", "['*']"] {
        assert_eq!(guarded(&format!("catch_error_types: {types}"))["status"], "succeeded", "{types}");
    }
    let run = guarded("catch_error_types: [TIMEOUT]");
    assert_eq!(run["status"], "failed");
    assert_eq!(fates(&run, ["mend", "tidy"]), ["skipped branch:guard", "succeeded"]);
}

#[test]
fn an_error_that_retries_did_not_mend_is_caught_as_retry_exhausted() {
    let run = run("{id: guard, type: trycatch, config: {try_stages: [bad], catch_stages: [mend], catch_error_types: [RETRY_EXHAUSTED]}},
      {id: bad, type: shell, config: {run: 'exit 3'}, error_handling: {on_error: retry, max_retries: 1, retry_delay: 1}}, {id: mend, type: logger, config: {message: m}}");
    assert_eq!(run["status"], "succeeded", "{run:#}");
}

#[test]
fn a_guard_tries_max_retries_times_again_before_it_catches() {
    let lab = Lab::open();
    for (at, delay) in ["retry_delay_ms: 1", "retry_delay: 1ms", ""].into_iter().enumerate() {
        let run = run(&format!(
            "{{id: guard, type: trycatch, config: {{try_stages: [bad], catch_stages: [mend], max_retries: 2, {delay}}}}},
             {{id: bad, type: shell, config: {{run: 'echo x >> tries-{at}; exit 3'}}}}, {{id: mend, type: logger, config: {{message: m}}}}"
        ));
        assert_eq!(lab.0.read(&format!("tries-{at}")).lines().count(), 3, "{run:#}");
        assert_eq!(run["stages"]["guard"]["output"]["status"], "recovered");
    }
}

#[test]
fn a_retry_that_goes_well_is_a_success() {
    let run = run("{id: guard, type: trycatch, config: {try_stages: [second], max_retries: 1}},
      {id: second, type: shell, config: {run: 'if test -e second-time; then exit 0; fi; touch second-time; exit 1'}}");
    assert_eq!(run["stages"]["guard"]["output"]["status"], "success", "{run:#}");
}

#[test]
fn finally_runs_on_cancel_and_on_timeout() {
    let lab = Lab::open();
    lab.0.fifo("long-is-up");
    let stages = "{id: long, type: shell, config: {run: 'echo up > long-is-up; sleep 1000'}}, {id: tidy, type: logger, config: {message: m}}";
    let name = lab.keep(&format!(
        "{{id: p, stages: [{{id: guard, type: trycatch, config: {{try_stages: [long], finally_stages: [tidy]}}}}, {stages}]}}"
    ));
    let id = lab.0.detach(&name);
    lab.0.hear("long-is-up");
    lab.0.ok(&["runs", "cancel", &id]);
    lab.0.say(&["runs", "logs", &id, "--follow"]);
    let run = lab.0.ok(&["runs", "show", &id, "--json"]).json();
    assert_eq!(run["status"], "cancelled");
    assert_eq!(fate(&run, "tidy"), "succeeded");
    assert_eq!(run["stages"]["long"]["error"]["type"], "CANCELLED");

    let stages = stages.replace("echo up > long-is-up; ", "");
    let run = super::run(&format!(
        "{{id: guard, type: trycatch, timeout: 0.2, config: {{try_stages: [long], finally_stages: [tidy]}}}}, {stages}"
    ));
    assert_eq!(fates(&run, ["guard", "tidy"]), ["timed_out", "succeeded"]);
}

#[test]
fn a_failure_in_finally_fails_the_guard() {
    let run = run(
        "{id: guard, type: trycatch, config: {try_stages: [a], finally_stages: [bad]}}, {id: a, type: logger, config: {message: m}}, {id: bad, type: shell, config: {run: 'exit 3'}}",
    );
    assert_eq!((&run["status"], &run["error"]["stage"]), (&json!("failed"), &json!("bad")));
}
