//! Going back in a protected environment: under the approval that let somebody go forth, and under no other.

use serde_json::json;

use super::{SHIP, SOLO, approve, approved_behind, gate_of, gate_when, listed, settings, solo, status, waiting};
use crate::support::{Workspace, kill, until};

/// Ships to production, and back when the check fails. `unship` fails until `mended` is there.
const RELEASE: &str = "{id: p, stages: [
  {id: ship, type: shell, environment: production, compensate: unship, config: {run: 'echo shipped >> effects'}},
  {id: check, type: shell, depends_on: [ship], config: {run: 'CHECK'}},
  {id: unship, type: shell, environment: production, config: {run: 'test -e mended && echo unshipped >> effects'}}]}";

fn release(check: &str) -> Workspace {
    let workspace = solo(&RELEASE.replace("CHECK", check));
    workspace.pipeline("other.yaml", &SHIP.replace("id: p,", "id: other,"));
    workspace
}

fn mend(workspace: &Workspace) {
    std::fs::write(workspace.file("mended"), "").expect("written");
}

fn gates_of(workspace: &Workspace, run: &str) -> usize {
    listed(workspace, &["--all"]).iter().filter(|gate| gate["run_id"] == run).count()
}

fn stage(workspace: &Workspace, run: &str, stage: &str) -> serde_json::Value {
    workspace.ok(&["runs", "show", run, "--json"]).json()["stages"][stage]["status"].clone()
}

#[test]
fn what_was_approved_is_undone_without_a_second_approval() {
    let workspace = release("exit 3");
    mend(&workspace);
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    assert_eq!(workspace.wait(&id)["status"], "failed");
    assert_eq!((workspace.read("effects"), gates_of(&workspace, &id)), ("shipped\nunshipped\n".to_owned(), 1));
}

#[test]
fn a_compensation_that_names_no_environment_in_a_protected_run_goes_with_the_run_s_approval() {
    let text = RELEASE.replace(" environment: production,", "").replace("{id: p,", "{id: p, environment: production,");
    let workspace = solo(&text.replace("CHECK", "exit 3"));
    mend(&workspace);
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    assert_eq!(workspace.wait(&id)["status"], "failed");
    assert_eq!((workspace.read("effects"), gates_of(&workspace, &id)), ("shipped\nunshipped\n".to_owned(), 1));
}

#[test]
fn a_failing_compensation_keeps_the_lock_until_somebody_answers() {
    let workspace = release("exit 3");
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    until("it asks", || stage(&workspace, &id, "unship") == "unknown");
    assert_eq!(status(&workspace, &id), "waiting");
    let (other, behind) = approved_behind(&workspace, "other");
    let told = behind["blockers"].to_string();
    assert!(told.contains(&format!("run {id} holds the environment's lock")), "{told}");
    kill(workspace.engine_pid());
    assert!(gate_of(&workspace, &other, "approved")["blockers"].to_string().contains(&id));
    assert_eq!((status(&workspace, &other), workspace.read("effects")), (json!("waiting"), "shipped\n".to_owned()));
    mend(&workspace);
    workspace.ok(&["runs", "resolve", &id, "unship", "retry"]);
    assert_eq!(workspace.wait(&id)["status"], "failed");
    assert_eq!(workspace.wait(&other)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "shipped\nunshipped\nshipped\n");
}

#[test]
fn a_compensation_in_another_environment_has_to_ask() {
    let workspace = solo(
        &RELEASE
            .replace("id: unship, type: shell, environment: production", "id: unship, type: shell, environment: store")
            .replace("CHECK", "exit 3"),
    );
    settings(&workspace, &format!("{SOLO}[environments.store]\nprotected = true\nseparation = false\n"));
    mend(&workspace);
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    let second =
        gate_when(&workspace, &id, "for the store", |gate| gate["environment"] == "store" && gate["status"] == "pending");
    assert_eq!(workspace.read("effects"), "shipped\n");
    approve(&workspace, &second);
    assert_eq!(workspace.wait(&id)["status"], "failed");
    assert_eq!(workspace.read("effects"), "shipped\nunshipped\n");
}

#[test]
fn a_compensation_has_to_ask_when_the_rules_have_changed_since() {
    let workspace = release("echo up > up; read line < go; exit 3");
    mend(&workspace);
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    workspace.hear("up");
    settings(&workspace, &format!("{SOLO}approval = {{ expires = \"5h\" }}\n"));
    workspace.release("go");
    let second = gate_when(&workspace, &id, "once more", |gate| gate["stage"] == "unship" && gate["status"] == "pending");
    assert_eq!(workspace.read("effects"), "shipped\n");
    approve(&workspace, &second);
    assert_eq!(workspace.wait(&id)["status"], "failed");
    assert_eq!(workspace.read("effects"), "shipped\nunshipped\n");
}

#[test]
fn what_was_refused_is_not_undone() {
    let workspace = release("exit 3");
    mend(&workspace);
    let (id, gate) = waiting(&workspace, "p");
    workspace.ok(&super::decision("reject", &gate));
    until("it ends", || status(&workspace, &id) == "failed");
    let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
    assert_eq!((&run["status"], &run["stages"]["unship"]["reason"]), (&json!("failed"), &json!("compensation:ship")));
    assert_eq!((workspace.read("effects"), gates_of(&workspace, &id)), (String::new(), 1));
}
