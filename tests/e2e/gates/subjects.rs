//! A decision is about one subject: whatever changed since somebody looked, it is void.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::town::Town;
use super::{
    SOLO, approve, approved_behind, decision, gate_of, gate_when, hold_the_lock, post, refusals, refused, settings, solo, waiting,
};
use crate::support::{Workspace, kill, until};

const BUILD: &str = "{id: p, input_schema: {type: object}, stages: [
  {id: build, type: shell, config: {run: 'echo sum=$(cksum < artefact | cut -d\" \" -f1) >> \"$FLOWDECK_OUTPUT\"'}},
  {id: ship, type: shell, environment: production, depends_on: [build], config: {run: 'echo {{upstream.build.outputs.sum}} >> effects'}}]}";

fn rerun(workspace: &Workspace, id: &str, body: &Value) -> Value {
    let (status, answer) = post(workspace, &format!("/v1/runs/{id}/rerun"), "", body);
    assert_eq!(status, 200, "{answer}");
    let document: Value = serde_json::from_str(&answer[answer.find("\r\n\r\n").expect("a body")..]).expect("JSON");
    gate_of(workspace, document["id"].as_str().unwrap_or_else(|| panic!("{document:#}")), "pending")
}

#[test]
fn a_digest_approves_nothing_once_an_artefact_the_inputs_or_the_document_are_others() {
    let workspace = solo(BUILD);
    fs::write(workspace.file("artefact"), "one").expect("an artefact");
    let (id, first) = waiting(&workspace, "p");
    workspace.ok(&decision("reject", &first));
    let same = rerun(&workspace, &id, &json!({"from": "start"}));
    fs::write(workspace.file("artefact"), "two").expect("an artefact");
    let artefact = rerun(&workspace, &id, &json!({"from": "start"}));
    let inputs = rerun(&workspace, &id, &json!({"from": "start", "inputs": {"region": "eu"}}));
    let text = BUILD.replace(">> effects", ">> effects2");
    let document = rerun(&workspace, &id, &json!({"from": "start", "document": {"text": text, "format": "yaml"}}));
    for other in [&same, &artefact, &inputs, &document] {
        let mut old = decision("approve", other);
        old[4] = &first["digest"].as_str().expect("a digest")[..12];
        refused(&workspace.say(&old), "that is not the request as it is now");
    }
    assert_eq!(refusals(&workspace), ["stale_subject"; 4]);
    let changed = |gate: &Value, field: &str| gate["subject"][field] != same["subject"][field];
    assert!(changed(&artefact, "upstream") && !changed(&artefact, "inputs_hash"));
    assert!(changed(&inputs, "inputs_hash") && changed(&document, "pipeline_digest"));
    assert_eq!((workspace.read("effects"), workspace.read("effects2")), (String::new(), String::new()));
    approve(&workspace, &artefact);
    gate_of(&workspace, artefact["run_id"].as_str().expect("a run"), "started");
}

#[test]
fn a_policy_that_changed_while_a_request_was_open_makes_another_request_of_it() {
    let workspace = solo(super::SHIP);
    let (id, old) = waiting(&workspace, "p");
    settings(&workspace, &format!("{SOLO}approval = {{ expires = \"1h\" }}\n"));
    refused(&workspace.say(&decision("approve", &old)), "that is not the request as it is now");
    let new = gate_when(&workspace, &id, "renewed", |gate| gate["generation"] == 2);
    assert_eq!(new["reason"], "changed since the request: the environment's rules");
    assert_ne!(new["digest"], old["digest"]);
    refused(&workspace.say(&decision("approve", &old)), "generation 2");
    assert_eq!((refusals(&workspace), workspace.read("effects")), (vec!["stale_subject".to_owned(); 2], String::new()));
    approve(&workspace, &new);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
}

#[test]
fn what_starts_is_what_was_approved_also_when_the_file_was_edited_in_between() {
    let workspace = solo(super::SHIP);
    hold_the_lock(&workspace);
    let (id, _) = approved_behind(&workspace, "p");
    workspace.pipeline("p.yaml", &super::SHIP.replace("shipped", "evil"));
    workspace.release("go");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "shipped\n");
}

#[test]
fn a_policy_that_became_stricter_after_the_approval_asks_again_before_the_start() {
    let workspace = solo(super::SHIP);
    hold_the_lock(&workspace);
    let (id, old) = approved_behind(&workspace, "p");
    settings(&workspace, &format!("{SOLO}rules = [{{ name = \"two\", users = [\"dana\", \"emil\"], min = 2 }}]\n"));
    workspace.release("go");
    let new = gate_when(&workspace, &id, "renewed", |gate| gate["generation"] == 2);
    assert_eq!((&new["status"], new["digest"] == old["digest"]), (&json!("pending"), false));
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn a_workspace_file_that_is_broken_lets_nothing_start() {
    let workspace = solo(super::SHIP);
    hold_the_lock(&workspace);
    let (id, _) = approved_behind(&workspace, "p");
    settings(&workspace, "[environments.production]\nprotectd = true\n");
    workspace.release("go");
    // The command line reads the file as well and says nothing until it is mended.
    let store = Connection::open(workspace.state().join("flowdeck.db")).expect("the store");
    until("the run has failed", || {
        let status = store.query_row("SELECT status FROM runs WHERE id = ?1", [&id], |row| row.get::<_, String>(0));
        status.is_ok_and(|status| status == "failed")
    });
    settings(&workspace, SOLO);
    let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
    assert_eq!((&run["status"], &run["stages"]["ship"]["error"]["type"]), (&json!("failed"), &json!("SECURITY")), "{run:#}");
    assert_eq!(workspace.read("effects"), "");
}

const SECRET: &str = "{id: p, stages: [{id: ship, type: shell, environment: production,
  config: {env: {T: '{{secrets.TOKEN}}'}, run: 'echo $T >> effects'}}]}";

fn secret(workspace: &Workspace, value: &str) {
    let path = workspace.file("token");
    fs::write(&path, value).expect("a secret");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

#[test]
fn a_secret_of_another_value_under_the_same_name_is_another_subject() {
    let workspace = solo(SECRET);
    settings(&workspace, &format!("[secrets]\nTOKEN = {{ file = \"token\" }}\n{SOLO}"));
    secret(&workspace, "first-value");
    hold_the_lock(&workspace);
    let (id, old) = approved_behind(&workspace, "p");
    secret(&workspace, "other-value");
    // The next engine has only the file to read it from.
    kill(workspace.engine_pid());
    let new = gate_when(&workspace, &id, "renewed", |gate| gate["generation"] == 2);
    assert_eq!(new["reason"], "changed since the request: the inputs or secrets");
    workspace.release("go");
    refused(&workspace.say(&decision("approve", &old)), "that is not the request as it is now");
    assert_eq!(workspace.read("effects"), "");
    approve(&workspace, &new);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "other-value\n");
}

#[test]
fn a_secret_that_changed_without_the_run_knowing_ships_with_the_value_that_was_approved() {
    let workspace = solo(SECRET);
    settings(&workspace, &format!("[secrets]\nTOKEN = {{ file = \"token\" }}\n{SOLO}"));
    secret(&workspace, "first-value");
    let (id, gate) = waiting(&workspace, "p");
    secret(&workspace, "other-value");
    approve(&workspace, &gate);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "first-value\n");
}

#[test]
fn a_variable_that_a_stage_beside_it_sets_after_the_approval_is_another_subject() {
    let text = "{id: p, stages: [
      {id: ship, type: shell, environment: production, config: {run: 'echo {{context.target}} >> effects'}},
      {id: late, type: shell, config: {run: 'read line < late'}},
      {id: set, type: variable-set, depends_on: [late], config: {variables: {target: evil}}},
      {id: done, type: shell, depends_on: [set], config: {run: 'echo set > set'}}]}";
    let workspace = solo(text);
    workspace.fifo("late");
    workspace.fifo("set");
    hold_the_lock(&workspace);
    let (id, old) = approved_behind(&workspace, "p");
    workspace.release("late");
    workspace.hear("set");
    workspace.release("go");
    let new = gate_when(&workspace, &id, "renewed", |gate| gate["generation"] == 2);
    assert_eq!(new["reason"], "changed since the request: the output of a stage before it");
    assert_ne!(new["digest"], old["digest"]);
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn a_decision_without_digest_reason_or_request_decides_nothing() {
    let workspace = solo(super::SHIP);
    let (_, gate) = waiting(&workspace, "p");
    let digest = gate["digest"].as_str().expect("a digest");
    let id = gate["id"].as_str().expect("an id");
    let say = |digest: &str, reason: &str| workspace.say(&["gates", "approve", id, "--digest", digest, "--reason", reason]);
    refused(&say(&digest[..11], "seen"), "at least 12");
    refused(&say("", "seen"), "at least 12");
    refused(&say(&"0".repeat(64), "seen"), "not the request");
    refused(&say(&format!("{digest}0"), "seen"), "not the request");
    refused(&say(digest, " "), "needs a reason");
    let other = workspace.say(&["gates", "approve", "nothing", "--digest", digest, "--reason", "seen"]);
    assert_eq!(other.code, Some(2), "{other:#?}");
    assert_eq!(refusals(&workspace), ["bad_digest", "bad_digest", "stale_subject", "stale_subject", "no_reason"]);
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn an_older_generation_is_void_even_with_the_digest_of_the_newer_one() {
    let Some(town) = Town::new(super::SHIP, "rules = [{ name = \"release\", groups = [\"RELEASE\"], min = 1 }]") else { return };
    let workspace = &town.place.workspace;
    let (id, old) = town.waiting(&town.ada, "p");
    town.rules("rules = [{ name = \"release\", groups = [\"RELEASE\"], min = 2 }]");
    refused(&town.approve(&town.ben, &old), "not the request as it is now");
    let new = gate_when(workspace, &id, "renewed", |gate| gate["generation"] == 2);
    let decided = json!({"answer": "approve", "generation": 1, "digest": new["digest"], "reason": "seen"});
    let (status, answer) = post(workspace, &format!("/v1/gates/{}/decide", new["id"].as_str().expect("an id")), "", &decided);
    assert!(status != 200 && answer.contains("stale_subject"), "{status} {answer}");
}

#[test]
fn what_a_stage_reads_by_a_computed_name_is_part_of_what_was_approved() {
    let workspace = solo(
        r#"
id: p
input_schema: {type: object, properties: {which: {type: string, default: late}}}
stages:
  - {id: late, type: shell, config: {run: 'read line < word; echo what=$line >> "$FLOWDECK_OUTPUT"'}}
  - {id: ship, type: shell, environment: production, config: {run: 'echo {{upstream[input.which].outputs.what}} >> effects'}}
"#,
    );
    workspace.fifo("word");
    super::hold_the_lock(&workspace);
    let (id, _) = super::approved_behind(&workspace, "p");
    workspace.release("word");
    let late = || workspace.ok(&["runs", "show", &id, "--json"]).json()["stages"]["late"]["status"].clone();
    crate::support::until("the other stage is over", || late() == "succeeded");
    workspace.release("go");
    let again = super::gate_when(&workspace, &id, "renewed", |gate| gate["generation"] == 2);
    assert!(again["reason"].to_string().contains("the output of a stage before it"), "{again:#}");
    assert_eq!(workspace.read("effects"), "");
}
