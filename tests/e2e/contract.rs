//! What a pipeline promises: inputs before it starts, the output when it has ended, components that can be run.

use std::fs;

use super::support::{Said, Workspace, kill};

fn refused(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:#?}");
    for word in words {
        assert!(said.err.contains(word), "{word}: {said:#?}");
    }
}

const PROMISE: &str = "
id: promise
output_schema: {type: object, required: [total], properties: {total: {type: integer}, note: {type: string}}}
stages:
  - {id: work, type: shell, config: {run: 'echo up > up; cat go; echo \"total={{input.total}}\" >> \"$FLOWDECK_OUTPUT\"'}}
  - {id: sum, type: json-transform, depends_on: [work], config: {template: {total: '{{input.total}}', note: 5}}}
";

#[test]
fn an_output_that_breaks_the_promise_fails_the_run_and_is_still_shown() {
    let text = PROMISE.replace("echo up > up; cat go; ", "");
    let workspace = Workspace::with("promise.yaml", &text);
    let said = workspace.say(&["run", "promise", "-i", "total=many", "--json"]);
    let run = said.json();
    assert_eq!((said.code, &run["status"], &run["error"]["type"]), (Some(1), &"failed".into(), &"VALIDATION".into()), "{run:#}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("/total: ") && message.contains("/note: "), "{message}");
    assert_eq!(run["output"], serde_json::json!({"total": "many", "note": 5}));
    assert_eq!(run["stages"]["sum"]["status"], "succeeded");
    workspace.pipeline("promise.yaml", &text.replace("note: 5}", "note: five}"));
    workspace.ok(&["run", "promise", "-i", "total=3"]);
}

#[test]
fn the_verdict_about_the_output_is_the_same_after_a_kill() {
    let workspace = Workspace::with("promise.yaml", PROMISE);
    workspace.fifo("up");
    workspace.fifo("go");
    let said = workspace.ok(&["run", "promise", "-i", "total=many", "--detach", "--json"]);
    let id = said.json()["id"].as_str().unwrap().to_owned();
    workspace.hear("up");
    kill(workspace.engine_pid());
    workspace.release("go");
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], &run["error"]["type"]), (&"failed".into(), &"VALIDATION".into()), "{run:#}");
    assert_eq!(run["output"]["total"], "many");
}

const LATER: &str = "
id: later
stages:
  - {id: first, type: shell, config: {run: 'echo ran >> effects'}}
  - {id: ask, type: approval, depends_on: [first], config: {message: really?}}
";

#[test]
fn a_component_that_cannot_be_run_yet_is_told_and_refused_before_anything_starts() {
    let workspace = Workspace::with("later.yaml", LATER);
    let said = workspace.ok(&["validate", "later"]);
    assert!(said.err.contains("this version cannot run `approval` yet") && said.err.contains("later.yaml:5:"), "{said:#?}");
    let problems = workspace.ok(&["validate", "later", "--json"]).json();
    let problem = &problems["pipelines"][0]["problems"][0];
    assert_eq!((&problem["code"], &problem["severity"]), (&"not-run-yet".into(), &"warning".into()), "{problems:#}");
    assert_eq!(problems["valid"], true);
    refused(&workspace.say(&["validate", "later", "--strict"]), 2, &["approval"]);
    refused(&workspace.say(&["run", "later"]), 2, &["cannot run `approval` (stage `ask`) yet"]);
    assert!(!workspace.file("effects").exists(), "nothing was started");
    workspace.pipeline("later.yaml", &LATER.replace("id: ask,", "id: ask, enabled: false,"));
    assert_eq!(workspace.ok(&["validate", "later"]).err, "");
    workspace.ok(&["run", "later"]);
    assert_eq!(fs::read_to_string(workspace.file("effects")).unwrap(), "ran\n");
}
