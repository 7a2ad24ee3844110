//! Going back: which release, by whom, and what it leaves behind.

use serde_json::{Value, json};

use super::{agree, agreed, deploy, gate_of, open, settings, solo, state};
use crate::support::Workspace;

/// The stops of an environment.
fn stops(workspace: &Workspace, environment: &str) -> (Value, Vec<String>) {
    let all = workspace.ok(&["releases", "--json"]).json();
    let all = all["environments"].as_array().expect("environments");
    let view = all.iter().find(|view| view["name"] == environment).expect("the environment").clone();
    let quarantined = view["quarantined"].as_object().map(|stops| stops.keys().cloned().collect()).unwrap_or_default();
    (view["hold"].clone(), quarantined)
}

#[test]
fn a_rollback_brings_the_last_stable_release_back_and_holds_the_environment() {
    let workspace = open();
    for version in ["1.0", "2.0", "3.0"] {
        deploy(&workspace, version);
    }
    let plan = workspace.ok(&["rollback", "staging", "--plan", "--json"]).json();
    assert_eq!((&plan["target"]["version"], &plan["stages"]), (&json!("2.0"), &json!(["ship"])));
    assert_eq!(workspace.read("effects"), "api 1.0\napi 2.0\napi 3.0\n", "a plan does nothing");
    workspace.ok(&["rollback", "staging", "--reason", "3.0 is slow", "--json"]);
    assert_eq!(workspace.read("effects"), "api 1.0\napi 2.0\napi 3.0\napi 2.0\n");
    let (live, releases) = state(&workspace, "staging");
    assert_eq!(live, "2.0");
    assert_eq!(releases, ["2.0 stable", "3.0 rolled_back", "2.0 superseded", "1.0 superseded"]);
    let (hold, quarantined) = stops(&workspace, "staging");
    assert_eq!((&hold["reason"], quarantined), (&json!("3.0 is slow"), vec!["api@3.0".to_owned()]));
    // What was rolled back is not deployed again, and not gone back to either, before somebody lifts that.
    assert_eq!(deploy(&workspace, "3.0"), Some(3));
    let said = workspace.say(&["rollback", "staging", "--to", "3.0", "--reason", "after all"]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert_eq!(workspace.read("effects").lines().count(), 4);
    workspace.ok(&["releases", "lift", "staging", "--artifact", "api@3.0", "--reason", "it was the network"]);
    assert_eq!(deploy(&workspace, "3.0"), Some(0));
    assert_eq!(state(&workspace, "staging").0, "3.0");
}

#[test]
fn a_hold_and_a_quarantine_outlive_a_killed_engine() {
    let workspace = open();
    for version in ["1.0", "2.0"] {
        deploy(&workspace, version);
    }
    workspace.ok(&["rollback", "staging", "--reason", "slow", "--json"]);
    let before = stops(&workspace, "staging");
    assert!(before.0.is_object() && !before.1.is_empty(), "{before:?}");
    crate::support::kill(workspace.engine_pid());
    assert_eq!(stops(&workspace, "staging"), before);
    assert_eq!(deploy(&workspace, "2.0"), Some(3));
    workspace.ok(&["audit", "verify"]);
}

#[test]
fn there_is_no_way_back_without_a_stable_release_a_reason_or_the_release_that_was_looked_at() {
    let workspace = open();
    let refused = |args: &[&str], words: &str| {
        let said = workspace.say(&[&["rollback"], args].concat());
        assert_eq!(said.code, Some(3), "{said:#?}");
        assert!(said.err.contains(words), "{words}: {said:#?}");
    };
    refused(&["staging", "--reason", "x"], "nothing was ever deployed to staging");
    deploy(&workspace, "1.0");
    refused(&["staging", "--reason", "x"], "no release but the live one was ever stable");
    refused(&["staging", "--to", "9", "--reason", "x"], "there is no release 9 here");
    deploy(&workspace, "2.0");
    refused(&["staging", "--to", "2.0", "--reason", "x"], "is what runs there now");
    refused(&["staging", "--service", "web", "--reason", "x"], "has no service web; it has api");
    refused(&["staging", "--reason", " "], "needs a reason");
    let body = json!({"service": "api", "reason": "x", "live": "another"});
    let (status, text) = crate::gates::post(&workspace, "/v1/environments/staging/rollback", "", &body);
    assert_eq!(status, 409, "{text}");
    assert!(text.contains("another release is live by now"), "{text}");
    assert_eq!(workspace.read("effects"), "api 1.0\napi 2.0\n");
}

#[test]
fn within_reach_one_person_on_call_is_enough_and_further_back_the_rules_hold() {
    let workspace = solo();
    for version in ["1.0", "2.0", "3.0", "4.0", "5.0"] {
        agreed(&workspace, version);
    }
    // 5.0 runs; 4.0, 3.0 and 2.0 are within reach.
    let said = workspace.ok(&["rollback", "production", "--to", "2.0", "--reason", "it leaks", "--json"]).json();
    assert_eq!(said["status"], "succeeded", "{said:#}");
    assert_eq!(state(&workspace, "production").0, "2.0");
    let gates = workspace.ok(&["gates", "list", "--all", "--json"]).json();
    let id = said["id"].as_str().expect("an id");
    let gate = gates["gates"].as_array().expect("gates").iter().find(|gate| gate["run_id"] == id).expect("its gate").clone();
    assert_eq!((&gate["status"], &gate["decisions"][0]["reason"]), (&json!("started"), &json!("it leaks")));
    assert_eq!((&gate["rules"][0]["name"], &gate["subject"]["kind"]), (&json!("on-call"), &json!("rollback")));
    // 1.0 is further back.
    let said = workspace.ok(&["rollback", "production", "--to", "1.0", "--reason", "it leaks, too", "--detach", "--json"]).json();
    let far = said["id"].as_str().expect("an id");
    let gate = gate_of(&workspace, far);
    assert_eq!(gate["rules"][0]["name"], "approver");
    assert_eq!(state(&workspace, "production").0, "2.0");
    agree(&workspace, &gate);
    assert_eq!(workspace.wait(far)["status"], "succeeded");
    assert_eq!(state(&workspace, "production").0, "1.0");
}

#[test]
fn a_freeze_does_not_hold_a_rollback_back() {
    let workspace = solo();
    for version in ["1.0", "2.0"] {
        agreed(&workspace, version);
    }
    settings(
        &workspace,
        &format!("{}freeze = [{{ cron = \"* * * * *\", duration = \"1h\", reason = \"always\" }}]\n", super::SOLO),
    );
    let said = workspace.ok(&["rollback", "production", "--reason", "it leaks", "--json"]).json();
    assert_eq!(said["status"], "succeeded", "{said:#}");
    assert_eq!(state(&workspace, "production").0, "1.0");
}

#[test]
fn only_the_deployment_itself_runs_again() {
    let workspace = Workspace::with(
        "p.yaml",
        r#"
id: p
input_schema: {type: object, properties: {version: {type: string}}}
stages:
  - {id: build, type: shell, config: {run: 'echo build {{input.version}} >> effects; echo tag=t{{input.version}} >> "$FLOWDECK_OUTPUT"'}}
  - {id: ship, type: deploy, depends_on: [build], environment: staging, config: {service: api, version: "{{input.version}}", stages: [copy]}}
  - {id: copy, type: shell, config: {run: 'echo copy {{upstream.build.outputs.tag}} >> effects'}}
  - {id: tell, type: shell, depends_on: [ship], config: {run: 'echo tell {{input.version}} >> effects'}}
"#,
    );
    settings(&workspace, "[environments.staging]\n");
    for version in ["1", "2"] {
        deploy(&workspace, version);
    }
    let before = workspace.read("effects");
    workspace.ok(&["rollback", "staging", "--reason", "slow", "--json"]);
    assert_eq!(workspace.read("effects").strip_prefix(before.as_str()), Some("copy t1\n"));
}

#[test]
fn an_environment_may_have_a_pipeline_of_its_own_for_going_back() {
    let workspace = open();
    workspace.pipeline(
        "undo.yaml",
        r#"
id: undo
input_schema: {type: object, properties: {version: {type: string}, from_version: {type: string}}}
stages:
  - id: back
    type: deploy
    config: {service: "{{input.service}}", version: "{{input.version}}", run: 'echo undo {{input.from_version}} {{input.version}} >> effects'}
"#,
    );
    settings(&workspace, "[environments.staging]\nrollback = \"undo\"\n");
    for version in ["1.0", "2.0"] {
        deploy(&workspace, version);
    }
    workspace.ok(&["rollback", "staging", "--reason", "slow", "--json"]);
    assert_eq!(workspace.read("effects"), "api 1.0\napi 2.0\nundo 2.0 1.0\n");
    assert_eq!(state(&workspace, "staging").0, "1.0");
}

#[test]
fn a_stage_can_go_back_as_well() {
    let workspace = open();
    for version in ["1.0", "2.0"] {
        deploy(&workspace, version);
    }
    workspace.pipeline(
        "undo.yaml",
        "{id: undo, stages: [{id: back, type: rollback, environment: staging, config: {service: api, reason: 'a stage says so'}}]}",
    );
    let run = workspace.ok(&["run", "undo", "--json"]).json();
    assert_eq!(run["stages"]["back"]["output"]["status"], "succeeded", "{run:#}");
    let (live, releases) = state(&workspace, "staging");
    assert_eq!((live, releases[0].as_str()), (json!("1.0"), "1.0 stable"));
}

#[test]
fn a_way_back_that_nobody_has_agreed_to_asks_like_a_deployment_and_so_does_one_that_was_edited() {
    let workspace = solo();
    let undo = |mark: &str| {
        let text = format!(
            r#"
id: undo
input_schema: {{type: object, properties: {{version: {{type: string}}}}}}
stages:
  - id: back
    type: deploy
    config: {{service: api, version: "{{{{input.version}}}}", artifact: "{{{{input.artefacts}}}}", run: 'echo {mark} {{{{input.version}}}} >> effects'}}
"#
        );
        workspace.pipeline("undo.yaml", &text);
    };
    undo("undone");
    settings(&workspace, &format!("{}rollback = \"undo\"\n", super::SOLO));
    for version in ["1.0", "2.0", "3.0"] {
        agreed(&workspace, version);
    }
    let back = |to: &str| {
        let said = workspace.ok(&["rollback", "production", "--to", to, "--reason", "slow", "--detach", "--json"]).json();
        said["id"].as_str().expect("an id").to_owned()
    };
    let plan = workspace.ok(&["rollback", "production", "--plan", "--json"]).json();
    assert_eq!(plan["quorum"], "rules");
    let first = back("2.0");
    let gate = gate_of(&workspace, &first);
    assert_eq!((&gate["rules"][0]["name"], workspace.read("effects").lines().count()), (&json!("approver"), 3));
    agree(&workspace, &gate);
    assert_eq!(workspace.wait(&first)["status"], "succeeded");
    // As this text it was let through once: from now on one person on call is enough.
    assert_eq!(workspace.wait(&back("1.0"))["status"], "succeeded");
    assert!(workspace.read("effects").ends_with("undone 2.0\nundone 1.0\n"));
    workspace.ok(&["releases", "lift", "production", "--artifact", "api@2.0", "--reason", "again"]);
    agreed(&workspace, "2.0");
    undo("something else");
    let edited = back("1.0");
    assert_eq!(gate_of(&workspace, &edited)["rules"][0]["name"], "approver");
    assert!(!workspace.read("effects").contains("something else"));
}
