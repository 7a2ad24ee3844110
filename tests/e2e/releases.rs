//! Releases through the real binary: what is live, going back, what is kept out, and what people are shown before they agree.

mod attacks;
mod automatic;
mod back;
mod deaths;
mod evidence;
mod kept_out;
mod people;

use std::fs;

use serde_json::Value;

use super::support::{Workspace, until};

/// Brings a version and leaves a line where it acted; `fail` as the version is refused by the target.
const DEPLOY: &str = r#"
id: p
input_schema: {type: object, properties: {version: {type: string}, note: {type: string, default: none}}}
stages:
  - id: ship
    type: deploy
    environment: ENVIRONMENT
    config:
      service: api
      version: "{{input.version}}"
      run: 'test "$FLOWDECK_VERSION" != fail; echo "$FLOWDECK_SERVICE $FLOWDECK_VERSION" >> effects'
"#;
/// One person, who agrees to what they start.
const SOLO: &str = "[environments.production]\nprotected = true\nseparation = false\n";

fn settings(workspace: &Workspace, text: &str) {
    fs::write(workspace.file("flowdeck.toml"), text).expect("flowdeck.toml");
}

/// A workspace that deploys to staging, where nobody is asked.
fn open() -> Workspace {
    let workspace = Workspace::with("p.yaml", &DEPLOY.replace("ENVIRONMENT", "staging"));
    settings(&workspace, "[environments.staging]\n");
    workspace
}

/// A workspace that deploys to production, where its only person is asked.
fn solo() -> Workspace {
    let workspace = Workspace::with("p.yaml", &DEPLOY.replace("ENVIRONMENT", "production"));
    settings(&workspace, SOLO);
    workspace
}

/// Runs the pipeline with a version to its end; gives the exit code.
fn deploy(workspace: &Workspace, version: &str) -> Option<i32> {
    workspace.say(&["run", "p", "-i", &format!("version={version}"), "--json"]).code
}

/// Starts a run for a version, and agrees to it; gives its name.
fn agreed(workspace: &Workspace, version: &str) -> String {
    let (id, gate) = asked(workspace, version);
    agree(workspace, &gate);
    let run = workspace.wait(&id);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    id
}

/// Starts a run for a version; gives its name and its request.
fn asked(workspace: &Workspace, version: &str) -> (String, Value) {
    let id = started(workspace, version);
    let gate = gate_of(workspace, &id);
    (id, gate)
}

fn started(workspace: &Workspace, version: &str) -> String {
    let said = workspace.ok(&["run", "p", "-i", &format!("version={version}"), "--detach", "--json"]);
    said.json()["id"].as_str().expect("an id").to_owned()
}

/// The open request of a run, once there is one.
fn gate_of(workspace: &Workspace, run: &str) -> Value {
    let mut found = None;
    until(&format!("{run} waits"), || {
        let gates = workspace.ok(&["gates", "list", "--json"]).json()["gates"].as_array().expect("gates").clone();
        found = gates.into_iter().find(|gate| gate["run_id"] == run && gate["status"] == "pending");
        found.is_some()
    });
    found.expect("a gate")
}

fn agree(workspace: &Workspace, gate: &Value) {
    let text = |key: &str| gate[key].as_str().expect("a text");
    workspace.ok(&["gates", "approve", text("id"), "--digest", &text("digest")[..12], "--reason", "seen"]);
}

/// An environment as it is listed.
fn view(workspace: &Workspace, environment: &str) -> Value {
    let all = workspace.ok(&["releases", "--json"]).json();
    let all = all["environments"].as_array().expect("environments");
    all.iter().find(|view| view["name"] == environment).expect("the environment").clone()
}

/// The service of an environment as it is listed.
fn service(workspace: &Workspace, environment: &str) -> Value {
    let all = workspace.ok(&["releases", "--json"]).json();
    let all = all["environments"].as_array().expect("environments");
    let view = all.iter().find(|view| view["name"] == environment).expect("the environment");
    view["services"][0].clone()
}

/// The live version, and the versions with their verdicts, newest first.
fn state(workspace: &Workspace, environment: &str) -> (Value, Vec<String>) {
    let service = service(workspace, environment);
    let releases = service["releases"].as_array().expect("releases");
    let live = releases.iter().find(|release| release["id"] == service["live"]);
    let told = |release: &Value| {
        format!("{} {}", release["version"].as_str().expect("a version"), release["verdict"].as_str().expect("a verdict"))
    };
    (live.map_or(Value::Null, |live| live["version"].clone()), releases.iter().map(told).collect())
}

#[test]
fn a_deployment_is_on_record_and_the_one_before_it_gives_way() {
    let workspace = open();
    assert_eq!(deploy(&workspace, "1.0"), Some(0));
    assert_eq!(state(&workspace, "staging"), ("1.0".into(), vec!["1.0 stable".to_owned()]));
    assert_eq!(deploy(&workspace, "2.0"), Some(0));
    let expected = ["2.0 stable", "1.0 superseded"].map(str::to_owned).to_vec();
    assert_eq!(state(&workspace, "staging"), ("2.0".into(), expected));
    assert_eq!(workspace.read("effects"), "api 1.0\napi 2.0\n");
    let run = workspace.ok(&["runs", "show", "last", "--json"]).json();
    let output = &run["stages"]["ship"]["output"];
    assert_eq!(
        (&output["version"], &output["environment"], &output["service"]),
        (&"2.0".into(), &"staging".into(), &"api".into())
    );
    assert_eq!(output["result"]["exit_code"], 0);
}

#[test]
fn a_deployment_that_fails_is_bad_and_what_was_live_stays_live() {
    let workspace = open();
    deploy(&workspace, "1.0");
    assert_eq!(deploy(&workspace, "fail"), Some(1));
    let expected = ["fail bad", "1.0 stable"].map(str::to_owned).to_vec();
    assert_eq!(state(&workspace, "staging"), ("1.0".into(), expected));
}

#[test]
fn without_a_workspace_file_deployments_are_to_development() {
    let workspace = Workspace::with("p.yaml", &DEPLOY.replace("    environment: ENVIRONMENT\n", ""));
    assert_eq!(deploy(&workspace, "1.0"), Some(0));
    assert_eq!(state(&workspace, "development").0, "1.0");
}

#[test]
fn a_release_bakes_before_it_is_stable_and_is_nothing_to_go_back_to_by_then() {
    let workspace = open();
    settings(&workspace, "[environments.staging]\nbake = \"1h\"\n");
    deploy(&workspace, "1.0");
    deploy(&workspace, "2.0");
    let expected = ["2.0 baking", "1.0 superseded"].map(str::to_owned).to_vec();
    assert_eq!(state(&workspace, "staging").1, expected);
    let said = workspace.say(&["rollback", "staging", "--reason", "slow"]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.err.contains("has nothing to go back to"), "{said:#?}");
}

#[test]
fn a_release_that_has_baked_is_stable_and_can_be_gone_back_to() {
    let workspace = open();
    settings(&workspace, "[environments.staging]\nbake = \"10ms\"\n");
    deploy(&workspace, "1.0");
    until("it has baked", || state(&workspace, "staging").1 == ["1.0 stable"]);
    deploy(&workspace, "2.0");
    workspace.ok(&["rollback", "staging", "--reason", "slow", "--json"]);
    assert_eq!(state(&workspace, "staging").0, "1.0");
    let records = workspace.ok(&["audit", "list", "--action", "release.stable", "--json"]).json();
    assert!(records["records"].as_array().is_some_and(|records| !records.is_empty()));
}

#[test]
fn a_release_that_has_baked_while_nobody_looked_is_something_to_go_back_to() {
    let workspace = open();
    // Over before anybody asks, and not yet when the deployment ends.
    settings(&workspace, "[environments.staging]\nbake = \"1ms\"\n");
    deploy(&workspace, "1.0");
    deploy(&workspace, "2.0");
    workspace.ok(&["rollback", "staging", "--reason", "slow", "--json"]);
    assert_eq!(state(&workspace, "staging").0, "1.0");
}

#[test]
fn stages_that_a_deployment_is_made_of_need_no_approval_of_their_own() {
    let workspace = Workspace::with(
        "p.yaml",
        r#"
id: p
environment: production
stages:
  - {id: ship, type: deploy, config: {service: api, version: "1.0", stages: [copy, switch]}}
  - {id: copy, type: shell, config: {run: 'echo copy $FLOWDECK_FENCE >> effects'}}
  - {id: switch, type: shell, config: {run: 'echo switch $FLOWDECK_FENCE >> effects'}}
"#,
    );
    settings(&workspace, SOLO);
    let id = workspace.detach("p");
    let gate = gate_of(&workspace, &id);
    assert_eq!((&gate["stage"], &gate["service"]), (&"ship".into(), &"api".into()));
    assert_eq!(workspace.read("effects"), "");
    agree(&workspace, &gate);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    let gates = workspace.ok(&["gates", "list", "--all", "--json"]).json()["gates"].as_array().expect("gates").len();
    let effects = workspace.read("effects");
    let fence = gate_fence(&workspace, &id);
    assert_eq!((gates, effects), (1, format!("copy {fence}\nswitch {fence}\n")));
    assert_eq!(state(&workspace, "production").0, "1.0");
}

#[test]
fn what_only_looks_at_a_deployment_needs_no_approval_of_its_own_and_what_changes_something_does() {
    let pipeline = |method: &str| {
        format!(
            r#"
id: p
input_schema: {{type: object, properties: {{method: {{type: string, default: HEAD}}}}}}
stages:
  - {{id: ship, type: deploy, environment: production, config: {{service: api, version: "1.0", run: 'echo shipped >> effects'}}}}
  - id: smoke
    type: smoke-test
    environment: production
    depends_on: [ship]
    config: {{url: "http://127.0.0.1:1", endpoints: [{{name: a, path: /, method: {method}}}], timeout: 1}}
"#
        )
    };
    for (method, gates) in [("HEAD", 1), ("POST", 2), ("'{{input.method}}'", 2)] {
        let workspace = Workspace::with("p.yaml", &pipeline(method));
        settings(&workspace, SOLO);
        let id = workspace.detach("p");
        let gate = gate_of(&workspace, &id);
        agree(&workspace, &gate);
        let mut found = Value::Null;
        until("it ends, or asks again", || {
            found = workspace.ok(&["runs", "show", &id, "--json"]).json();
            let smoke = &found["stages"]["smoke"]["status"];
            *smoke == "failed" || *smoke == "waiting_approval"
        });
        let all = workspace.ok(&["gates", "list", "--all", "--json"]).json()["gates"].as_array().expect("gates").len();
        assert_eq!(all, gates, "{method}: {found:#}");
        workspace.say(&["runs", "cancel", &id, "--force"]);
    }
}

fn gate_fence(workspace: &Workspace, run: &str) -> u64 {
    let said = workspace.ok(&["audit", "list", "--action", "gate.started", "--json"]).json();
    let records = said["records"].as_array().expect("records");
    let record = records.iter().find(|record| record["body"]["run"] == run).expect("a start");
    record["body"]["fence"].as_u64().expect("a token")
}
