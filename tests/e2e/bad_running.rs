//! What goes wrong while a run is under way: the right error, and nothing done that should not be.

use serde_json::{Value, json};

use super::support::Workspace;

/// Runs a pipeline that has to fail; gives the workspace and the run's document.
fn failed(text: &str, args: &[&str]) -> (Workspace, Value) {
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&[&["run", "p", "--json"], args].concat());
    assert_eq!(said.code, Some(1), "{said:#?}");
    (workspace, said.json())
}

#[test]
fn a_loop_over_what_is_no_list_fails_before_its_first_round() {
    let text = "{id: p, stages: [{id: each, type: foreach, config: {items: '{{input.x}}', loop_stages: [a]}},
      {id: a, type: shell, config: {run: 'echo ran >> effects'}}]}";
    for (value, kind) in [("5", "a number"), ("word", "a text"), ("{\"a\": 1}", "an object"), ("null", "null")] {
        let (workspace, run) = failed(text, &["-i", &format!("x={value}")]);
        let error = &run["error"];
        let message = format!("`items` must be a list, not {kind}");
        assert_eq!((&error["type"], &error["stage"]), (&json!("VALIDATION"), &json!("each")), "{error}");
        assert_eq!(error["message"], json!(message));
        assert_eq!((&run["stages"]["a"]["status"], workspace.read("effects").as_str()), (&json!("skipped"), ""));
    }
}

#[test]
fn a_condition_that_cannot_be_evaluated_takes_neither_branch() {
    for kind in ["input.n > 'x'", "upstream.first.outputs.a.b[0] + 1", "{{input.n / 0}}", "nobody == 1"] {
        let text = format!(
            "{{id: p, stages: [{{id: first, type: shell, config: {{run: 'true'}}}},
              {{id: if, type: conditional, depends_on: [first], config: {{condition: \"{kind}\", true_stages: [a], false_stages: [b]}}}},
              {{id: a, type: shell, config: {{run: 'echo a >> effects'}}}}, {{id: b, type: shell, config: {{run: 'echo b >> effects'}}}},
              {{id: after, type: shell, depends_on: [a, b], config: {{run: 'echo c >> effects'}}}}]}}"
        );
        let (workspace, run) = failed(&text, &["-i", "n=1"]);
        assert_eq!((&run["error"]["type"], &run["error"]["stage"]), (&json!("EXPRESSION"), &json!("if")), "{kind}: {run:#}");
        assert_eq!(workspace.read("effects"), "", "{kind}");
    }
}

#[test]
fn a_catch_that_fails_tells_both_errors_and_finally_still_runs() {
    let text = "{id: p, stages: [{id: guard, type: trycatch, config: {try_stages: [t], catch_stages: [c], finally_stages: [f]}},
      {id: t, type: shell, config: {run: 'exit 7'}}, {id: c, type: shell, config: {run: 'exit 9'}},
      {id: f, type: shell, config: {run: 'echo tidy >> effects'}},
      {id: after, type: shell, depends_on: [guard], config: {run: 'echo after >> effects'}}]}";
    let (workspace, run) = failed(text, &[]);
    let error = &run["error"];
    assert_eq!((&error["type"], &error["stage"], &error["message"]), (&json!("EXECUTION"), &json!("c"), &json!("exit code 9")));
    assert_eq!(error["cause"], "while handling the error of t: EXECUTION: exit code 7");
    assert_eq!(workspace.read("effects"), "tidy\n");
}
