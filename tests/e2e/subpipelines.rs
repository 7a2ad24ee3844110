//! Pipelines that run other pipelines, with real processes and a real engine.

use std::fs;

use serde_json::{Value, json};

use super::support::{Workspace, finish, kill, until};

const BUILD: &str = r#"
id: build
version: 2.0.0
input_schema: {type: object, required: [name], properties: {name: {type: string}, hold: {type: boolean, default: false}}}
output_stage_id: done
stages:
  - id: make
    type: shell
    config: {run: 'echo "make {{input.name}}"; echo {{input.name}} >> effects; if {{input.hold}}; then echo up > up; cat go; fi'}
  - {id: done, type: json-transform, depends_on: [make], config: {template: {artefact: "{{input.name}}.tar"}}}
"#;

const PARENT: &str = r#"
id: parent
stages:
  - {id: first, type: subpipeline, config: {pipeline: build, input: {name: one, hold: true}}}
  - {id: second, type: subpipeline, depends_on: [first], config: {pipeline_id: build, pipeline_version: 2.0.0, input_data: {name: two}}}
  - id: both
    type: json-transform
    depends_on: [second]
    config: {template: ["{{upstream.first.result.artefact}}", "{{upstream.second.result.artefact}}", "{{upstream.second.status}}"]}
"#;

fn workspace(parent: &str) -> Workspace {
    let workspace = Workspace::with("build.yaml", BUILD);
    workspace.pipeline("parent.yaml", parent);
    workspace.fifo("up");
    workspace.fifo("go");
    workspace
}

fn check(workspace: &Workspace, run: &Value) {
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(run["output"], json!(["one.tar", "two.tar", "succeeded"]));
    assert_eq!(workspace.read("effects"), "one\ntwo\n");
    let id = run["id"].as_str().expect("an id");
    for (stage, child) in [("first", format!("{id}-1")), ("second", format!("{id}-2"))] {
        assert_eq!(run["stages"][stage]["output"]["run_id"], child.as_str());
        assert_eq!(run["stages"][stage]["attempts"].as_array().map(Vec::len), Some(1), "{run:#}");
        assert_eq!(run["stages"][stage]["attempts"][0]["child"], child.as_str());
        let child = workspace.ok(&["runs", "show", &child, "--json"]).json();
        assert_eq!(child["status"], "succeeded");
        assert_eq!(child["parent"]["run"], id);
        assert_eq!(child["parent"]["stage"], stage);
    }
}

#[test]
fn a_stage_runs_another_pipeline_and_gives_its_output() {
    let workspace = workspace(PARENT);
    let id = workspace.detach("parent");
    workspace.hear("up");
    workspace.release("go");
    check(&workspace, &workspace.wait(&id));
    assert_eq!(workspace.ok(&["runs", "logs", &format!("{id}-2"), "make"]).out, "make two\n");
}

#[test]
fn an_engine_killed_under_another_pipelines_stage_comes_to_the_same() {
    let workspace = workspace(PARENT);
    let id = workspace.detach("parent");
    workspace.hear("up");
    for _ in 0..3 {
        kill(workspace.engine_pid());
        workspace.ok(&["engine", "start"]);
    }
    workspace.release("go");
    for _ in 0..6 {
        kill(workspace.engine_pid());
        workspace.ok(&["engine", "start"]);
    }
    check(&workspace, &workspace.wait(&id));
}

#[test]
fn what_is_included_is_what_it_was_when_the_run_began() {
    let workspace = workspace(PARENT);
    let id = workspace.detach("parent");
    workspace.hear("up");
    fs::remove_file(workspace.file("pipelines/build.yaml")).unwrap();
    workspace.release("go");
    check(&workspace, &workspace.wait(&id));
    let again = workspace.ok(&["runs", "rerun", &id, "--from", "second", "--detach", "--json"]).json();
    let again = workspace.wait(again["id"].as_str().unwrap());
    assert_eq!(again["status"], "succeeded", "{again:#}");
    assert_eq!(workspace.read("effects"), "one\ntwo\ntwo\n");
}

#[test]
fn a_cancel_reaches_the_run_below() {
    let workspace = workspace(PARENT);
    let child = workspace.spawn(&["run", "parent", "--json"]);
    workspace.hear("up");
    workspace.ok(&["runs", "cancel", "last"]);
    let said = finish(child);
    assert_eq!(said.code, Some(130), "{said:#?}");
    let run = said.json();
    assert_eq!(run["stages"]["first"]["status"], "cancelled");
    let below = workspace.ok(&["runs", "show", run["stages"]["first"]["output"]["run_id"].as_str().unwrap(), "--json"]).json();
    assert_eq!(below["status"], "cancelled");
    assert_eq!(below["stages"]["make"]["status"], "cancelled");
}

#[test]
fn a_cancel_reaches_the_run_below_after_a_kill() {
    let workspace = workspace(PARENT);
    let id = workspace.detach("parent");
    workspace.hear("up");
    kill(workspace.engine_pid());
    workspace.ok(&["runs", "cancel", &id]);
    assert_eq!(workspace.wait(&id)["status"], "cancelled");
    let below = workspace.ok(&["runs", "show", &format!("{id}-1"), "--json"]).json();
    assert_eq!(below["status"], "cancelled");
}

/// Runs one stage that runs a pipeline which fails.
fn failing(config: &str, below: &str) -> Value {
    let text = format!("{{id: p, stages: [{{id: call, type: subpipeline, config: {{pipeline: below, {config}}}}}]}}");
    let workspace = Workspace::with("p.yaml", &text);
    workspace.pipeline("below.yaml", below);
    workspace.say(&["run", "p", "--json"]).json()
}

#[test]
fn a_failure_below_fails_the_stage_with_its_type_and_place() {
    let run = failing("input: {}", "{id: below, stages: [{id: check, type: shell, config: {run: 'exit 3'}}]}");
    assert_eq!(run["status"], "failed");
    let error = &run["stages"]["call"]["error"];
    assert_eq!(error["type"], "EXECUTION");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("`below` (run ") && message.contains("failed: check: "), "{message}");
    assert_eq!(error["details"]["error"]["stage"], "check");
}

#[test]
fn a_default_result_takes_the_place_of_a_failure() {
    let below = "{id: below, stages: [{id: check, type: shell, config: {run: 'exit 3'}}]}";
    let run = failing("default_result: {n: 1}, on_error: default", below);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let output = &run["stages"]["call"]["output"];
    assert_eq!((&output["status"], &output["result"]), (&json!("failed"), &json!({"n": 1})));
    assert_eq!(output["error"]["stage"], "check");
}

#[test]
fn time_limits_hold_for_the_run_below() {
    let below = "{id: below, stages: [{id: long, type: shell, config: {run: 'sleep 1000'}}]}";
    let run = failing("timeout_ms: 200", below);
    assert_eq!(run["stages"]["call"]["status"], "timed_out", "{run:#}");
    assert_eq!(run["error"]["type"], "TIMEOUT");
}

#[test]
fn inputs_are_checked_against_the_other_pipelines_schema() {
    let below =
        "{id: below, input_schema: {type: object, required: [n]}, stages: [{id: a, type: logger, config: {message: hi}}]}";
    let run = failing("input: {m: 1}", below);
    assert_eq!(run["error"]["type"], "VALIDATION", "{run:#}");
    assert!(run["error"]["message"].as_str().unwrap().contains("/n"), "{run:#}");
}

#[test]
fn a_stage_need_not_wait_for_the_run_it_starts() {
    let workspace = workspace(
        "{id: parent, stages: [{id: start, type: subpipeline, config: {pipeline: build, wait: false, input: {name: x, hold: true}}}]}",
    );
    let run = workspace.ok(&["run", "parent", "--json"]).json();
    assert_eq!(run["stages"]["start"]["output"]["status"], "running", "{run:#}");
    let below = run["stages"]["start"]["output"]["run_id"].as_str().unwrap();
    workspace.hear("up");
    workspace.release("go");
    assert_eq!(workspace.wait(below)["status"], "succeeded");
}

#[test]
fn runs_below_take_no_place_from_those_that_wait_for_them() {
    let text = "{id: parent, stages: [
      {id: each, type: foreach, config: {items: '{{range(6)}}', loop_stages: [call], parallel: true, max_parallel: 6}},
      {id: call, type: subpipeline, config: {pipeline: build, input: {name: 'n{{item}}'}}}]}";
    let workspace = workspace(text);
    let mut command = workspace.command(&["run", "parent", "--json"]);
    let child = command.env("FLOWDECK_MAX_CONCURRENCY", "1").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let said = finish(child);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let mut effects: Vec<String> = workspace.read("effects").lines().map(str::to_owned).collect();
    effects.sort();
    assert_eq!(effects, ["n0", "n1", "n2", "n3", "n4", "n5"]);
    let all = workspace.ok(&["runs", "list", "--of", "last", "--json"]).json();
    assert_eq!(all["runs"].as_array().map(Vec::len), Some(6), "{all:#}");
    let started = workspace.ok(&["runs", "list", "--json"]).json();
    assert_eq!(started["runs"].as_array().map(Vec::len), Some(1), "{started:#}");
}

#[test]
fn a_pipeline_that_includes_itself_without_end_is_refused() {
    let workspace = Workspace::with("a.yaml", "id: a\nstages:\n  - {id: down, type: subpipeline, config: {pipeline: b}}\n");
    workspace.pipeline("b.yaml", "id: b\nstages:\n  - {id: up, type: subpipeline, config: {pipeline: ./a.yaml}}\n");
    let said = workspace.say(&["run", "a"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.err.contains("the pipeline includes itself without end: a -> b -> a"), "{}", said.err);
    assert!(said.err.contains("a.yaml:3:54"), "{}", said.err);
    assert_eq!(workspace.say(&["validate"]).code, Some(2));
}

#[test]
fn a_pipeline_may_include_itself_on_a_condition_eight_deep() {
    let text = |stop: u32| {
        format!(
            "{{id: count, input_schema: {{type: object, properties: {{n: {{type: integer, default: 0}}}}}}, output_stage_id: told, stages: [
              {{id: deeper, type: subpipeline, when: 'input.n < {stop}', config: {{pipeline: count, input: {{n: '{{{{input.n + 1}}}}'}}}}}},
              {{id: here, type: json-transform, config: {{template: '{{{{input.n}}}}'}}}},
              {{id: told, type: json-transform, depends_on: [deeper, here], config: {{template: '{{{{upstream.deeper.result or upstream.here}}}}'}}}}]}}"
        )
    };
    let workspace = Workspace::with("count.yaml", &text(8));
    let run = workspace.ok(&["run", "count", "--json"]).json();
    assert_eq!(run["output"], 8, "{run:#}");
    workspace.pipeline("count.yaml", &text(9));
    let run = workspace.say(&["run", "count", "--json"]).json();
    assert_eq!(run["error"]["type"], "CONTROL_FLOW", "{run:#}");
    assert!(run["error"].to_string().contains("nested more than 8 deep"), "{run:#}");
}

#[test]
fn a_pipeline_that_is_not_there_is_told_before_anything_runs() {
    let text = "id: p\nstages:\n  - {id: a, type: subpipeline, config: {pipeline: biuld@2.0.0}}\n  - {id: b, type: subpipeline, config: {pipeline: build@3.0.0}}\n  - {id: c, type: subpipeline, config: {pipeline: '{{input.which}}'}}\n";
    let workspace = workspace(text);
    let said = workspace.say(&["run", "parent"]);
    assert_eq!(said.code, Some(2));
    for expected in ["did you mean \"build\"?", "parent.yaml:3:51", "has 2.0.0", "is not known before the run begins"] {
        assert!(said.err.contains(expected), "{expected} not in {}", said.err);
    }
}

#[test]
fn the_run_below_reads_environment_values_itself() {
    let below = "{id: below, stages: [{id: say, type: shell, config: {run: 'echo \"got $T\" > effects', env: {T: '{{env.SUB_TOKEN}}'}}}]}";
    let text =
        |config: &str| format!("{{id: p, stages: [{{id: call, type: subpipeline, config: {{pipeline: below{config}}}}}]}}");
    let workspace = Workspace::with("p.yaml", &text(""));
    workspace.pipeline("below.yaml", below);
    let run = |workspace: &Workspace| {
        let mut command = workspace.command(&["run", "p", "--json"]);
        finish(command.env("SUB_TOKEN", "hunter2-hunter2").stdout(std::process::Stdio::piped()).spawn().unwrap())
    };
    let said = run(&workspace);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(workspace.read("effects"), "got hunter2-hunter2\n");
    workspace.pipeline("p.yaml", &text(", input: {token: '{{env.SUB_TOKEN}}'}"));
    let said = run(&workspace);
    assert_eq!(said.json()["error"]["type"], "SECURITY", "{said:#?}");
    assert!(!said.out.contains("hunter2"), "{said:#?}");
}

#[test]
fn a_secret_in_any_shape_is_no_input() {
    let text = |value: &str| {
        format!("{{id: p, stages: [{{id: call, type: subpipeline, config: {{pipeline: below, input: {{x: \"{value}\"}}}}}}]}}")
    };
    let workspace =
        Workspace::with("below.yaml", "{id: below, stages: [{id: a, type: logger, config: {message: '{{input.x}}'}}]}");
    for value in ["{{int(env.SUB_TOKEN)}}", "c {{ {'t': env.SUB_TOKEN} }}", "{{env.SUB_TOKEN}}"] {
        workspace.pipeline("p.yaml", &text(value));
        let mut command = workspace.command(&["run", "p", "--json"]);
        let said = finish(command.env("SUB_TOKEN", "98765432").stdout(std::process::Stdio::piped()).spawn().unwrap());
        assert_eq!(said.json()["error"]["type"], "SECURITY", "{value}: {said:#?}");
        assert!(!said.out.contains("98765432"), "{value}: {said:#?}");
    }
    let children = workspace.ok(&["runs", "list", "--of", "last", "--json"]).json();
    assert_eq!(children["runs"].as_array().map(Vec::len), Some(0), "{children:#}");
}

#[test]
fn a_run_below_is_followed_as_it_was_asked_for_after_a_kill() {
    // By the time of the kill the input could not be rendered any more.
    let text = "{id: parent, stages: [
      {id: call, type: subpipeline, config: {pipeline: build, input: {name: 'v{{10 // (5 - int(variables.i or 0))}}', hold: true}}},
      {id: later, type: shell, config: {run: 'cat first'}},
      {id: set, type: variable-set, depends_on: [later], config: {variables: {i: 5}}}]}";
    let workspace = workspace(text);
    workspace.fifo("first");
    let id = workspace.detach("parent");
    workspace.hear("up");
    workspace.release("first");
    let settled = || workspace.ok(&["runs", "show", &id, "--json"]).json()["stages"]["set"]["status"] == "succeeded";
    until("the variable is set", settled);
    kill(workspace.engine_pid());
    workspace.ok(&["engine", "start"]);
    workspace.release("go");
    let run = workspace.wait(&id);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(workspace.read("effects"), "v2\n");
}

#[test]
fn a_run_above_says_that_one_below_waits() {
    let workspace = workspace(PARENT);
    let id = workspace.detach("parent");
    workspace.hear("up");
    kill(workspace.runner_pid(&format!("{id}-1")));
    let noted = || workspace.ok(&["runs", "show", &id]).out.contains(&format!("run {id}-1 waits: "));
    until("the run above says so", noted);
    let waiting = workspace.ok(&["runs", "list", "--status", "waiting", "--json"]).json();
    assert_eq!(waiting["runs"][0]["id"], format!("{id}-1"), "{waiting:#}");
    workspace.ok(&["runs", "resolve", &format!("{id}-1"), "make", "succeed"]);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
}

#[test]
fn the_stage_says_what_the_run_below_is_for_before_its_own_pipeline_does() {
    let text = "{id: p, stages: [
      {id: own, type: subpipeline, config: {pipeline: below}},
      {id: told, type: subpipeline, environment: production, config: {pipeline: below}},
      {id: handed, type: subpipeline, config: {pipeline: plain}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.pipeline("below.yaml", "{id: below, environment: staging, stages: [{id: a, type: logger, config: {message: m}}]}");
    workspace.pipeline("plain.yaml", "{id: plain, stages: [{id: a, type: logger, config: {message: m}}]}");
    let run = workspace.ok(&["run", "p", "--env", "test", "--json"]).json();
    let environment = |stage: &str| {
        let child = run["stages"][stage]["output"]["run_id"].as_str().unwrap().to_owned();
        workspace.ok(&["runs", "show", &child, "--json"]).json()["environment"].clone()
    };
    assert_eq!(["own", "told", "handed"].map(environment), ["staging", "production", "test"]);
}

#[test]
fn what_is_nested_too_deep_is_told_before_anything_runs() {
    let workspace = Workspace::with("p0.yaml", "{id: p0, stages: [{id: s, type: subpipeline, config: {pipeline: p1}}]}");
    for n in 1..200 {
        let next = format!("{{id: p{n}, stages: [{{id: s, type: subpipeline, config: {{pipeline: p{}}}}}]}}", n + 1);
        workspace.pipeline(&format!("p{n}.yaml"), &next);
    }
    workspace.pipeline("p200.yaml", "{id: p200, stages: [{id: s, type: logger, config: {message: m}}]}");
    let said = workspace.say(&["run", "p0"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.err.contains("sub-pipelines are nested more than 8 deep: p0 -> p1"), "{said:#?}");
}
