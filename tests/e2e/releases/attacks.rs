//! What people could try in order to bring something that nobody agreed to: each attempt fails closed.

use serde_json::json;

use super::{SOLO, agree, gate_of, settings, state};
use crate::support::Workspace;

/// A workspace of one person with this pipeline, all of it for production.
fn workspace(stages: &str) -> Workspace {
    let workspace = Workspace::with("p.yaml", &format!("id: p\nenvironment: production\nstages:\n{stages}"));
    settings(&workspace, SOLO);
    workspace
}

#[test]
fn a_stage_that_asks_people_asks_them_inside_a_deployment_as_well() {
    let workspace = workspace(
        r#"
  - {id: ship, type: deploy, config: {service: api, version: "1.0", stages: [half, sure, rest]}}
  - {id: half, type: shell, config: {run: 'echo half >> effects'}}
  - {id: sure, type: approval, config: {message: "the rest, too?"}}
  - {id: rest, type: shell, config: {run: 'echo rest >> effects'}}
"#,
    );
    let id = workspace.detach("p");
    agree(&workspace, &gate_of(&workspace, &id));
    let gate = gate_of(&workspace, &id);
    assert_eq!((&gate["stage"], workspace.read("effects")), (&json!("sure"), "half\n".to_owned()));
    agree(&workspace, &gate);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "half\nrest\n");
}

#[test]
fn a_deployment_inside_another_brings_nothing_that_nobody_saw() {
    let workspace = workspace(
        r#"
  - {id: ship, type: deploy, config: {service: api, version: "1.0", stages: [pick, inner]}}
  - {id: pick, type: shell, config: {run: 'echo digest=sha256:bad >> "$FLOWDECK_OUTPUT"'}}
  - {id: inner, type: deploy, config: {service: web, version: "1.0", artifact: "{{upstream.pick.outputs.digest}}", run: 'echo web >> effects'}}
"#,
    );
    workspace.ok(&["releases", "quarantine", "production", "--artifact", "sha256:bad", "--reason", "it is"]);
    let id = workspace.detach("p");
    agree(&workspace, &gate_of(&workspace, &id));
    let gate = gate_of(&workspace, &id);
    assert_eq!((&gate["stage"], &gate["service"]), (&json!("inner"), &json!("web")));
    assert!(gate["blockers"].to_string().contains("artifact is in quarantine"), "{gate:#}");
    assert_eq!(workspace.read("effects"), "");
}

/// Deploys a version with a digest of its own, and goes back by a pipeline of the environment's own.
fn with_a_way_back(stages: &str) -> Workspace {
    let workspace = Workspace::with(
        "p.yaml",
        r#"
id: p
input_schema: {type: object, properties: {version: {type: string}}}
stages:
  - {id: ship, type: deploy, environment: production, config: {service: api, version: "{{input.version}}", artifact: "sha256:{{input.version}}", run: 'echo $FLOWDECK_VERSION >> effects'}}
"#,
    );
    workspace.pipeline("back.yaml", &format!("id: back\nstages:\n{stages}"));
    settings(&workspace, &format!("{SOLO}rollback = \"back\"\n"));
    for version in ["1.0", "2.0"] {
        super::agreed(&workspace, version);
    }
    workspace
}

#[test]
fn a_rollback_brings_no_other_artefact_than_the_release_that_it_goes_back_to() {
    let workspace = with_a_way_back(
        r#"
  - {id: back, type: deploy, config: {service: api, version: "{{input.version}}", artifact: sha256:evil, run: 'echo evil >> effects'}}
"#,
    );
    let run = workspace.say(&["rollback", "production", "--reason", "slow", "--json"]).json();
    let error = &run["stages"]["back"]["error"];
    assert_eq!(error["type"], "SECURITY", "{run:#}");
    assert!(error["message"].to_string().contains("was sha256:1.0, and it would bring sha256:evil"), "{error}");
    assert_eq!((state(&workspace, "production").0, workspace.read("effects")), (json!("2.0"), "1.0\n2.0\n".to_owned()));
}

#[test]
fn a_rollback_brings_nothing_else_after_it_has_gone_back() {
    let workspace = with_a_way_back(
        r#"
  - {id: back, type: deploy, config: {service: api, version: "{{input.version}}", artifact: "{{input.artefacts}}", run: 'echo back >> effects'}}
  - {id: on, type: deploy, depends_on: [back], config: {service: api, version: "6.0", artifact: sha256:evil, run: 'echo evil >> effects'}}
"#,
    );
    // A way back that is new is agreed to first; what else it brings is not let through with that either.
    let said = workspace.ok(&["rollback", "production", "--reason", "slow", "--detach", "--json"]).json();
    let id = said["id"].as_str().expect("an id");
    super::agree(&workspace, &super::gate_of(&workspace, id));
    workspace.say(&["runs", "logs", id, "--follow"]);
    let run = workspace.ok(&["runs", "show", id, "--json"]).json();
    let error = &run["stages"]["on"]["error"];
    assert!(error["message"].to_string().contains("it would bring 6.0, not 1.0"), "{run:#}");
    assert_eq!((state(&workspace, "production").0, workspace.read("effects")), (json!("1.0"), "1.0\n2.0\nback\n".to_owned()));
}

#[test]
fn another_attempt_of_a_deployment_brings_what_the_first_one_did() {
    let workspace = Workspace::with(
        "p.yaml",
        "{id: p, stages: [{id: ship, type: deploy, environment: staging, error_handling: {on_error: retry, max_retries: 1, retry_delay: 1}, config: {service: api, version: '1.0', artifact: 'sha256:{{context.attempt}}', run: 'echo try >> effects; test $(wc -l < effects) -ge 2'}}]}",
    );
    settings(&workspace, "[environments.staging]\n");
    let run = workspace.say(&["run", "p", "--json"]).json();
    assert_eq!((&run["status"], workspace.read("effects")), (&json!("failed"), "try\n".to_owned()), "{run:#}");
    let error = run["stages"]["ship"]["error"]["message"].to_string();
    assert!(error.contains("would bring something else now"), "{run:#}");
}

#[test]
fn a_stop_is_for_an_environment_that_there_is() {
    let workspace = workspace("  - {id: a, type: logger, config: {message: m}}\n");
    for name in ["prodution", "standing/production"] {
        let said = workspace.say(&["releases", "hold", name, "--reason", "no"]);
        assert!(said.code == Some(3) && said.err.contains("there is no such environment"), "{said:#?}");
    }
}

#[test]
fn the_stop_of_one_environment_is_not_taken_for_that_of_another_after_a_restart() {
    let workspace = Workspace::with(
        "p.yaml",
        "{id: p, stages: [{id: ship, type: deploy, config: {service: api, version: '1.0', run: 'true'}}]}",
    );
    workspace.ok(&["run", "p"]);
    workspace.ok(&["releases", "hold", "development", "--reason", "no"]);
    workspace.ok(&["releases", "hold", "standing/development", "--reason", "other"]);
    workspace.ok(&["releases", "lift", "standing/development", "--reason", "other"]);
    workspace.ok(&["engine", "stop"]);
    let all = workspace.ok(&["releases", "--json"]).json();
    let all = all["environments"].as_array().expect("environments");
    let view = all.iter().find(|view| view["name"] == "development").expect("development");
    assert_eq!(view["hold"]["reason"], "no", "{view:#}");
    workspace.ok(&["releases", "lift", "development", "--reason", "yes"]);
}

#[test]
fn people_see_that_a_run_is_in_another_directory_than_theirs() {
    let workspace = workspace("  - {id: a, type: shell, config: {run: ./deploy.sh}}\n");
    workspace.ok(&["engine", "start"]);
    let pipeline = "{id: p, stages: [{id: a, type: shell, environment: production, config: {run: ./deploy.sh}}]}";
    let body = json!({"definition": pipeline, "format": "yaml", "workspace": "/", "inputs": {}});
    let (status, text) = crate::gates::post(&workspace, "/v1/runs", "", &body);
    assert_eq!(status, 200, "{text}");
    let id = workspace.ok(&["runs", "show", "last", "--json"]).json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(gate_of(&workspace, &id)["evidence"]["shown"], json!([{"name": "runs in", "value": "/"}]));
    let id = workspace.detach("p");
    assert_eq!(gate_of(&workspace, &id)["evidence"]["shown"], json!(null));
}
