//! Runs that do not succeed and are undone, as people see and answer them.

use serde_json::{Value, json};

use super::support::{Workspace, finish, kill, until};

/// A release that fails at its check. `unship` works once somebody has mended it.
const RELEASE: &str = "id: release
stages:
  - {id: build, type: shell, config: {run: 'echo build >> effects'}}
  - id: ship
    type: shell
    depends_on: [build]
    compensate: unship
    config: {run: 'echo ship >> effects; echo place=blue >> \"$FLOWDECK_OUTPUT\"'}
  - {id: check, type: shell, depends_on: [ship], config: {run: 'test -e fine'}}
  - id: unship
    type: shell
    config: {run: 'test -e broken && exit 7; echo unship-{{upstream.ship.outputs.place}} >> effects'}
";

fn release() -> Workspace {
    Workspace::with("release.yaml", RELEASE)
}

fn touch(workspace: &Workspace, name: &str) {
    std::fs::write(workspace.file(name), "").expect("written");
}

fn shown(workspace: &Workspace, id: &str) -> Value {
    workspace.ok(&["runs", "show", id, "--json"]).json()
}

/// A run whose compensation has failed and waits for an answer.
fn asking(workspace: &Workspace) -> String {
    touch(workspace, "broken");
    let id = workspace.detach("release");
    until("it asks", || shown(workspace, &id)["stages"]["unship"]["status"] == "unknown");
    id
}

#[test]
fn a_run_that_fails_is_undone_and_tells_it() {
    let workspace = release();
    let said = workspace.say(&["run", "release", "--plain"]);
    assert_eq!((said.code, workspace.read("effects")), (Some(1), "build\nship\nunship-blue\n".to_owned()));
    let lines = ["what the run did is undone now, the last first", "stage unship started, to undo ship", "; ship is undone"];
    let places: Vec<_> = lines.iter().map(|line| said.out.find(line).unwrap_or_else(|| panic!("{line}: {said:#?}"))).collect();
    assert!(places.is_sorted(), "{said:#?}");
    let shown = workspace.ok(&["runs", "show", "last"]).out;
    assert!(shown.lines().any(|line| line.starts_with("unship") && line.contains("succeeded")), "{shown}");
}

#[test]
fn a_run_that_succeeds_leaves_its_compensations_out_and_says_why() {
    let workspace = release();
    touch(&workspace, "fine");
    let said = workspace.ok(&["run", "release", "--plain"]);
    assert!(!said.out.contains("undo"), "{said:#?}");
    let run = shown(&workspace, "last");
    assert_eq!((&run["status"], &run["stages"]["unship"]["reason"]), (&json!("succeeded"), &json!("compensation:ship")));
    assert!(workspace.ok(&["runs", "show", "last"]).out.contains("compensation:ship"));
    assert_eq!(workspace.read("effects"), "build\nship\n");
}

#[test]
fn the_plan_says_what_runs_only_to_undo() {
    let workspace = release();
    let plan = workspace.ok(&["plan", "release"]).out;
    assert!(plan.contains("unship (shell, only to undo ship)"), "{plan}");
    assert!(plan.contains("(known after ship)"), "{plan}");
    let graph = workspace.ok(&["graph", "release", "--format", "json"]).json();
    assert_eq!(graph["stages"][3]["undoes"], "ship");
}

#[test]
fn a_compensation_knows_what_it_undoes_and_has_a_key_that_stays() {
    let text = "{id: p, stages: [
      {id: ship, type: shell, compensate: back, config: {run: 'exit 3'}, error_handling: {on_error: retry, max_retries: 1, retry_delay: 1}},
      {id: back, type: shell, error_handling: {on_error: retry, max_retries: 1, retry_delay: 1},
        config: {run: 'echo \"$FLOWDECK_IDEMPOTENCY_KEY\" {{context.idempotency_key}} {{compensates}} {{upstream.ship.error.details.exit_code}} >> keys; test $(wc -l < keys) -ge 2'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let run = workspace.say(&["run", "p", "--json"]).json();
    let key = format!("{}/ship/2", run["id"].as_str().expect("an id"));
    let keys = workspace.read("keys");
    let fields: Vec<Vec<&str>> = keys.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(fields.len(), 2, "{keys}");
    assert!(fields.iter().all(|line| line[..3] == [key.as_str(), &key, "ship"]), "{keys}");
    assert_eq!(run["stages"]["back"]["status"], "succeeded");
}

#[test]
fn a_failing_compensation_keeps_the_run_until_somebody_answers() {
    let workspace = release();
    let id = asking(&workspace);
    let run = shown(&workspace, &id);
    assert_eq!((&run["status"], &run["stages"]["unship"]["attempts"][0]["status"]), (&json!("waiting"), &json!("failed")));
    let told = workspace.ok(&["runs", "show", &id]).out;
    assert!(told.contains(&format!("look what ship did, then: flowdeck runs resolve {id} unship retry|succeed|fail")), "{told}");
    kill(workspace.engine_pid());
    assert_eq!(shown(&workspace, &id)["status"], "waiting", "an engine that dies changes nothing of that");
    std::fs::remove_file(workspace.file("broken")).expect("mended");
    workspace.ok(&["runs", "resolve", &id, "unship", "retry"]);
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], &run["stages"]["unship"]["status"]), (&json!("failed"), &json!("succeeded")));
    assert!(!run["error"]["message"].to_string().contains("not undone"), "{run:#}");
    assert_eq!(workspace.read("effects"), "build\nship\nunship-blue\n");
}

#[test]
fn a_compensation_that_is_given_up_is_named_by_the_run_s_error() {
    let workspace = release();
    touch(&workspace, "broken");
    let told = workspace.spawn(&["run", "release", "--plain"]);
    until("it asks", || workspace.say(&["runs", "show", "last"]).out.contains("runs resolve"));
    workspace.ok(&["runs", "resolve", "last", "unship", "fail"]);
    let told = finish(told);
    let run = shown(&workspace, "last");
    let id = run["id"].as_str().expect("an id");
    assert_eq!((&run["status"], &run["stages"]["unship"]["status"]), (&json!("failed"), &json!("failed")));
    let message = run["error"]["message"].as_str().expect("a message");
    assert!(message.contains("; not undone: ship (unship: "), "{message}");
    let asked = format!(
        "what ship did may still be there; look, then answer with `flowdeck runs resolve {id} unship retry|succeed|fail`"
    );
    assert!(told.code == Some(1) && told.out.contains(&asked) && told.out.contains("says that it has failed"), "{told:#?}");
}

#[test]
fn a_cancel_undoes_and_one_by_force_ends_that_too() {
    let text = RELEASE
        .replace("test -e fine", "echo up > up; read line < go")
        .replace("test -e broken &&", "echo back > back; read line < go2 ||");
    let workspace = Workspace::with("release.yaml", &text);
    ["up", "go", "back", "go2"].iter().for_each(|name| drop(workspace.fifo(name)));
    let id = workspace.detach("release");
    workspace.hear("up");
    workspace.ok(&["runs", "cancel", &id]);
    workspace.hear("back");
    workspace.release("go2");
    assert_eq!(workspace.wait(&id)["status"], "cancelled");
    assert_eq!(workspace.read("effects"), "build\nship\nunship-blue\n");
    let id = workspace.detach("release");
    workspace.hear("up");
    workspace.ok(&["runs", "cancel", &id]);
    workspace.hear("back");
    workspace.ok(&["runs", "cancel", &id, "--force"]);
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], &run["stages"]["unship"]["status"]), (&json!("cancelled"), &json!("cancelled")));
    assert!(run["error"]["message"].to_string().contains("not undone: ship"), "{run:#}");
}

#[test]
fn a_rerun_does_again_what_was_undone() {
    let workspace = release();
    let old = workspace.say(&["run", "release", "--json"]).json();
    touch(&workspace, "fine");
    let new = workspace.ok(&["runs", "rerun", old["id"].as_str().expect("an id"), "--json"]).json();
    assert_eq!(new["status"], "succeeded");
    assert_eq!((&new["stages"]["build"]["reused"], &new["stages"]["ship"]["reused"]), (&json!(true), &json!(null)));
    assert_eq!(workspace.read("effects"), "build\nship\nunship-blue\nship\n");
}

#[test]
fn a_run_below_is_undone_when_it_fails_and_as_a_whole_when_the_one_above_does() {
    let above = "{id: above, stages: [{id: below, type: subpipeline, compensate: unbelow, config: {pipeline: below}},
      {id: check, type: shell, depends_on: [below], config: {run: 'exit 3'}},
      {id: unbelow, type: shell, config: {run: 'echo unbelow >> effects'}}]}";
    let below =
        "{id: below, stages: [{id: act, type: shell, compensate: unact, config: {run: 'echo act >> effects; test -e fine'}},
      {id: unact, type: shell, config: {run: 'echo unact >> effects'}}]}";
    let workspace = Workspace::with("above.yaml", above);
    workspace.pipeline("below.yaml", below);
    assert_eq!(workspace.say(&["run", "above"]).code, Some(1));
    assert_eq!(workspace.read("effects"), "act\nunact\nunbelow\n");
    touch(&workspace, "fine");
    assert_eq!(workspace.say(&["run", "above"]).code, Some(1));
    assert_eq!(workspace.read("effects"), "act\nunact\nunbelow\nact\nunbelow\n");
}
