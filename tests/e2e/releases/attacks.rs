//! What people could try in order to bring something that nobody agreed to: each attempt fails closed.

use serde_json::json;

use super::{SOLO, agree, gate_of, settings};
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
