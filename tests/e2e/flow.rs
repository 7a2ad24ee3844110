//! Control flow with real processes and a real engine.

use serde_json::json;

use super::support::{Workspace, finish, kill};

const EVERYTHING: &str = r#"
id: everything
stages:
  - {id: list, type: json-transform, config: {template: {names: [a, b, c], route: blue}}}
  - id: each
    type: foreach
    depends_on: [list]
    config: {items: "{{upstream.list.names}}", loop_stages: [guard], parallel: true, max_parallel: 2, item_variable: name}
  - {id: guard, type: trycatch, config: {try_stages: [work], catch_stages: [mend], finally_stages: [tidy]}}
  - {id: work, type: shell, config: {run: 'echo "work {{name}}"; echo w{{item}} >> effects; test {{name}} != b'}}
  - {id: mend, type: shell, config: {run: 'echo "mend {{name}}: {{upstream.work.error.type}}"; echo m{{item}} >> effects'}}
  - {id: tidy, type: shell, config: {run: 'echo t{{index}} >> effects; echo done={{name}} >> "$FLOWDECK_OUTPUT"'}}
  - id: way
    type: router
    depends_on: [each]
    config: {value: "{{upstream.list.route}}", routes: {blue: [paint], red: [burn]}}
  - {id: paint, type: shell, config: {run: 'echo paint >> effects'}}
  - {id: burn, type: shell, config: {run: 'echo burn >> effects'}}
  - id: end
    type: json-transform
    depends_on: [paint, burn]
    config: {template: {processed: "{{upstream.each.processed_items}}", route: "{{upstream.way.route_taken}}"}}
"#;

fn check(workspace: &Workspace, run: &serde_json::Value) {
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(run["output"], json!({"processed": 3, "route": "blue"}));
    let mut effects: Vec<String> = workspace.read("effects").lines().map(str::to_owned).collect();
    effects.sort();
    assert_eq!(effects, ["mb", "paint", "t0", "t1", "t2", "wa", "wb", "wc"]);
    assert_eq!(run["stages"]["guard[1]"]["output"]["status"], "recovered");
    assert_eq!(run["stages"]["burn"]["status"], "skipped");
    let id = run["id"].as_str().expect("an id");
    assert_eq!(workspace.ok(&["runs", "logs", id, "mend[1]"]).out, "mend b: EXECUTION\n");
}

#[test]
fn loops_guards_and_routes_run_inside_each_other() {
    let workspace = Workspace::with("everything.yaml", EVERYTHING);
    let run = workspace.ok(&["run", "everything", "--json"]).json();
    check(&workspace, &run);
}

#[test]
fn an_engine_killed_again_and_again_inside_them_comes_to_the_same() {
    let workspace = Workspace::with("everything.yaml", EVERYTHING);
    let id = workspace.detach("everything");
    for _ in 0..12 {
        kill(workspace.engine_pid());
        workspace.ok(&["engine", "start"]);
    }
    let run = workspace.wait(&id);
    check(&workspace, &run);
}

#[test]
fn finally_runs_after_a_cancel() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, config: {try_stages: [long], finally_stages: [tidy]}},
      {id: long, type: shell, config: {run: 'echo up > up; sleep 1000'}},
      {id: tidy, type: shell, config: {run: 'echo tidied >> effects'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    let child = workspace.spawn(&["run", "p", "--json"]);
    workspace.hear("up");
    workspace.ok(&["runs", "cancel", "last"]);
    let said = finish(child);
    assert_eq!(said.code, Some(130), "{said:#?}");
    assert_eq!(workspace.read("effects"), "tidied\n");
    assert_eq!(said.json()["stages"]["tidy"]["status"], "succeeded");
}

#[test]
fn a_guard_out_of_time_stops_its_stages_and_still_tidies() {
    let text = "{id: p, stages: [
      {id: guard, type: trycatch, timeout: 1, config: {try_stages: [long], finally_stages: [tidy]}},
      {id: long, type: shell, config: {run: 'sleep 1000'}},
      {id: tidy, type: shell, config: {run: 'echo tidied >> effects'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(said.json()["stages"]["guard"]["status"], "timed_out");
    assert_eq!(workspace.read("effects"), "tidied\n");
}

#[test]
fn a_loop_over_something_else_than_a_list_fails_with_its_type() {
    let text = "{id: p, stages: [{id: each, type: foreach, config: {items: '{{input.x}}', loop_stages: [a]}}, {id: a, type: logger, config: {message: hi}}]}";
    let said = Workspace::with("p.yaml", text).say(&["run", "p", "-i", "x=5", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(said.json()["error"]["type"], "VALIDATION");
}

#[test]
fn ten_thousand_items_are_worked_on() {
    let text = "{id: p, stages: [
      {id: each, type: foreach, config: {items: '{{range(10000)}}', loop_stages: [twice], parallel: true, max_parallel: 16}},
      {id: twice, type: json-transform, config: {template: '{{item * 2}}'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.ok(&["run", "p", "--detach"]);
    workspace.ok(&["runs", "logs", "last", "--follow"]);
    let run = workspace.ok(&["runs", "show", "last", "--json"]).json();
    assert_eq!(run["stages"]["each"]["output"]["processed_items"], 10_000);
    assert_eq!(run["stages"]["each"]["output"]["results"][9_999], 19_998);
}

#[test]
fn a_loop_waits_for_what_its_stages_need_from_outside_even_if_that_is_skipped() {
    let text = r#"{id: p, stages: [
      {id: prepare, type: shell, config: {run: 'cat go; echo v=5 >> "$FLOWDECK_OUTPUT"'}},
      {id: never, type: logger, when: 'false', config: {message: never}},
      {id: each, type: foreach, config: {items: [1, 2], loop_stages: [work]}},
      {id: work, type: json-transform, depends_on: [prepare, never], config: {template: "{{int(upstream.prepare.outputs.v) * item}}"}},
      {id: reader, type: json-transform, config: {template: "{{[upstream.prepare.outputs.v, upstream.never.skipped]}}"}}]}"#;
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("go");
    let child = workspace.spawn(&["run", "p", "--json"]);
    workspace.release("go");
    let said = finish(child);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let run = said.json();
    assert_eq!(run["stages"]["each"]["output"]["results"], json!([5, 10]));
    assert_eq!(run["stages"]["reader"]["output"], json!(["5", true]));
}
