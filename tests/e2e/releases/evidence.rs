//! What people are asked and shown, and that it cannot be changed under them.

use rusqlite::Connection;
use serde_json::json;

use super::{SOLO, agree, agreed, asked, gate_of, settings, solo};
use crate::support::Workspace;

#[test]
fn whoever_decides_sees_what_changes_against_what_is_live() {
    let workspace = solo();
    let (id, gate) = asked(&workspace, "1.0");
    assert_eq!((&gate["evidence"]["version"], &gate["evidence"]["live_version"]), (&json!("1.0"), &json!(null)));
    agree(&workspace, &gate);
    workspace.wait(&id);
    let said = workspace.ok(&["run", "p", "-i", "version=2.0", "-i", "note=hurry", "--detach", "--json"]).json();
    let gate = gate_of(&workspace, said["id"].as_str().expect("an id"));
    assert_eq!(gate["evidence"]["live_version"], "1.0");
    let changes = gate["evidence"]["changes"].as_array().expect("changes");
    let told: Vec<String> = changes
        .iter()
        .map(|change| format!("{}: {} {}", change["what"].as_str().expect("a name"), change["before"], change["after"]))
        .collect();
    assert_eq!(
        told,
        [
            r#"version: "1.0" "2.0""#,
            r#"artefact version: "api@1.0" "api@2.0""#,
            r#"input note: "\"none\"" "\"hurry\"""#,
            r#"input version: "\"1.0\"" "\"2.0\"""#,
        ]
    );
    let shown = workspace.ok(&["gates", "show", gate["id"].as_str().expect("an id")]).out;
    assert!(shown.contains("1.0 -> 2.0") && shown.contains("input note"), "{shown}");
}

#[test]
fn another_release_that_goes_live_meanwhile_makes_an_approval_void() {
    let workspace = solo();
    agreed(&workspace, "1.0");
    agreed(&workspace, "2.0");
    let (id, gate) = asked(&workspace, "3.0");
    workspace.ok(&["rollback", "production", "--reason", "2.0 leaks", "--json"]);
    // Agreed to as an update of 2.0; what runs is 1.0 again.
    let said = workspace.say(&[
        "gates",
        "approve",
        gate["id"].as_str().expect("an id"),
        "--digest",
        &gate["digest"].as_str().expect("a digest")[..12],
        "--reason",
        "seen",
    ]);
    let now = crate::releases::gate_of(&workspace, &id);
    assert_ne!(now["digest"], gate["digest"], "{said:#?}");
    assert!(now["reason"].to_string().contains("the live release"), "{now:#}");
    assert_eq!(workspace.read("effects"), "api 1.0\napi 2.0\napi 1.0\n");
    agree(&workspace, &now);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
}

#[test]
fn an_approval_stage_asks_also_where_nothing_is_protected() {
    let workspace = Workspace::with(
        "p.yaml",
        r#"
id: p
stages:
  - {id: test, type: shell, config: {run: 'echo passed=12 >> "$FLOWDECK_OUTPUT"'}}
  - {id: sure, type: approval, depends_on: [test], config: {message: "really?", evidence: {tests: "{{upstream.test.outputs.passed}}"}}}
  - {id: act, type: shell, depends_on: [sure], config: {run: echo acted >> effects}}
"#,
    );
    let id = workspace.detach("p");
    let gate = gate_of(&workspace, &id);
    assert_eq!(gate["evidence"], json!({"message": "really?", "shown": [{"name": "tests", "value": "12"}]}));
    assert_eq!(workspace.read("effects"), "");
    agree(&workspace, &gate);
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], workspace.read("effects")), (&json!("succeeded"), "acted\n".to_owned()));
    let id = workspace.detach("p");
    let gate = gate_of(&workspace, &id);
    let text = |key: &str| gate[key].as_str().expect("a text");
    workspace.ok(&["gates", "reject", text("id"), "--digest", &text("digest")[..12], "--reason", "no"]);
    workspace.say(&["runs", "logs", &id, "--follow"]);
    assert_eq!(workspace.ok(&["runs", "show", &id, "--json"]).json()["status"], "failed");
    assert_eq!(workspace.read("effects"), "acted\n");
}

#[test]
fn a_release_that_is_edited_in_the_store_is_found() {
    let workspace = solo();
    agreed(&workspace, "1.0");
    agreed(&workspace, "2.0");
    workspace.ok(&["audit", "verify"]);
    workspace.ok(&["engine", "stop"]);
    let store = Connection::open(workspace.state().join("flowdeck.db")).expect("the store");
    let changed = store
        .execute(
            "UPDATE facts SET body = replace(body, '\"version\":\"1.0\"', '\"version\":\"6.6\"') WHERE stream LIKE 'release/%'",
            [],
        )
        .expect("changed");
    assert!(changed > 0);
    drop(store);
    let said = workspace.say(&["audit", "verify"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
}

#[test]
fn the_names_of_an_environment_must_agree() {
    let workspace = Workspace::with(
        "p.yaml",
        "{id: p, stages: [{id: ship, type: deploy, environment: staging, config: {environment: production, service: a, version: '1', run: 'true'}}]}",
    );
    settings(&workspace, SOLO);
    let said = workspace.say(&["validate"]);
    assert!(
        said.code == Some(2) && (said.out + &said.err).contains("the stage is for `staging`, and its config for `production`")
    );
    workspace.pipeline(
        "p.yaml",
        "{id: p, stages: [{id: ship, type: deploy, config: {environment: production, service: a, version: '1', run: 'echo x >> effects'}}]}",
    );
    let id = workspace.detach("p");
    gate_of(&workspace, &id);
    assert_eq!((workspace.read("effects"), state_of(&workspace)), (String::new(), 0));
}

fn state_of(workspace: &Workspace) -> usize {
    let all = workspace.ok(&["releases", "--json"]).json();
    let views = all["environments"].as_array().expect("environments").clone();
    views.iter().map(|view| view["services"].as_array().map_or(0, Vec::len)).sum()
}
