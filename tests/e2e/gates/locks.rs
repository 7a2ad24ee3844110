//! One run at a time acts on an environment, whatever becomes of engines and runs.

use serde_json::json;

use super::{SHIP, approve, approved_behind, decision, gate_of, hold_the_lock, solo, status, waiting};
use crate::support::{finish, kill};

#[test]
fn a_second_run_waits_for_the_first_and_goes_on_with_its_end() {
    let workspace = solo(SHIP);
    let holder = hold_the_lock(&workspace);
    let (id, gate) = approved_behind(&workspace, "p");
    let told = gate["blockers"].to_string();
    assert!(told.contains(&format!("run {holder} holds the environment's lock")), "{told}");
    assert_eq!((status(&workspace, &id), workspace.read("effects")), (json!("waiting"), String::new()));
    workspace.release("go");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!((status(&workspace, &holder), workspace.read("effects")), (json!("succeeded"), "shipped\n".to_owned()));
}

#[test]
fn the_lock_survives_a_killed_engine_with_everybody_who_waits_for_it() {
    let workspace = solo(SHIP);
    let holder = hold_the_lock(&workspace);
    let (id, before) = approved_behind(&workspace, "p");
    kill(workspace.engine_pid());
    let after = gate_of(&workspace, &id, "approved");
    assert_eq!((&after["digest"], &after["decisions"]), (&before["digest"], &before["decisions"]));
    assert!(after["blockers"].to_string().contains(&holder), "{after:#}");
    assert_eq!(workspace.read("effects"), "");
    workspace.release("go");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "shipped\n");
}

#[test]
fn a_request_survives_a_killed_engine_and_is_decided_afterwards() {
    let workspace = solo(SHIP);
    let (id, before) = waiting(&workspace, "p");
    kill(workspace.engine_pid());
    let after = gate_of(&workspace, &id, "pending");
    assert_eq!(
        (&after["digest"], &after["generation"], &after["expires_at"]),
        (&before["digest"], &json!(1), &before["expires_at"])
    );
    assert_eq!(workspace.read("effects"), "");
    approve(&workspace, &before);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "shipped\n");
}

#[test]
fn a_cancelled_run_takes_its_request_back_and_leaves_the_queue() {
    let workspace = solo(SHIP);
    hold_the_lock(&workspace);
    let (cancelled, _) = approved_behind(&workspace, "p");
    let (id, _) = approved_behind(&workspace, "p");
    workspace.ok(&["runs", "cancel", &cancelled]);
    workspace.say(&["runs", "logs", &cancelled, "--follow"]);
    let gate = gate_of(&workspace, &cancelled, "withdrawn");
    assert_eq!(gate["reason"], "the run ended");
    assert_ne!(workspace.say(&decision("approve", &gate)).code, Some(0));
    assert_eq!((status(&workspace, &cancelled), workspace.read("effects")), (json!("cancelled"), String::new()));
    workspace.release("go");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "shipped\n");
}

#[test]
fn a_cancelled_run_gives_the_lock_back() {
    let workspace = solo(SHIP);
    let holder = hold_the_lock(&workspace);
    let (id, _) = approved_behind(&workspace, "p");
    workspace.ok(&["runs", "cancel", &holder, "--force"]);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!((status(&workspace, &holder), workspace.read("effects")), (json!("cancelled"), "shipped\n".to_owned()));
}

#[test]
fn a_run_that_was_refused_fails_with_3_and_so_does_one_whose_request_was_withdrawn() {
    let workspace = solo(SHIP);
    for (word, state) in [("reject", "rejected"), ("withdraw", "withdrawn")] {
        let run = workspace.spawn(&["run", "p", "--json"]);
        let mut gate = json!(null);
        crate::support::until("it waits", || {
            let open = super::listed(&workspace, &[]);
            gate = open.first().cloned().unwrap_or_default();
            gate != json!(null)
        });
        workspace.ok(&decision(word, &gate));
        let said = finish(run);
        assert_eq!((said.code, &said.json()["status"]), (Some(3), &json!("failed")), "{said:#?}");
        let over = gate_of(&workspace, gate["run_id"].as_str().expect("a run"), state);
        assert!(over["reason"].as_str().is_some_and(|reason| reason.ends_with(": seen")), "{over:#}");
    }
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn an_approval_rejects_older_requests_for_the_same_place() {
    let workspace = solo(SHIP);
    let (older, first) = waiting(&workspace, "p");
    let (newer, second) = waiting(&workspace, "p");
    approve(&workspace, &second);
    assert_eq!(workspace.wait(&newer)["status"], "succeeded");
    workspace.say(&["runs", "logs", &older, "--follow"]);
    gate_of(&workspace, &older, "superseded");
    assert_ne!(workspace.say(&decision("approve", &first)).code, Some(0));
    assert_eq!((status(&workspace, &older), workspace.read("effects")), (json!("failed"), "shipped\n".to_owned()));
}
