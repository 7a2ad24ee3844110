//! Who decides: each person once, nobody about their own work, and only those who may at the moment of the start.

use std::process::Stdio;

use serde_json::{Value, json};

use super::town::Town;
use super::{SHIP, SOLO, decision, gate_of, gate_when, listed, post, refusals, refused, settings, solo, status, waiting};
use crate::people::Member;
use crate::support::{Workspace, finish, kill, until, within};

const ONE: &str = "rules = [{ name = \"release\", groups = [\"RELEASE\"], min = 1 }]";
const TWO: &str = "rules = [{ name = \"release\", groups = [\"RELEASE\"], min = 2 }]";

#[test]
fn nobody_approves_a_run_that_they_started() {
    let Some(town) = Town::new(SHIP, ONE) else { return };
    let (id, gate) = town.waiting(&town.ada, "p");
    refused(&town.approve(&town.ada, &gate), "who started the run does not approve it");
    let workspace = &town.place.workspace;
    assert_eq!((refusals(workspace), town.effects()), (vec!["excluded".to_owned()], String::new()));
    town.approved(&town.ben, &gate);
    workspace.wait(&id);
    assert_eq!(town.effects(), "shipped\n");
}

/// Reruns what somebody started as somebody else; gives the gate of the new run, or of the one below it.
fn rerun_as(town: &Town, who: &Member, id: &str) -> Value {
    let said = who.say(&town.place, &["runs", "rerun", id, "--all", "--detach", "--json"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let again = said.json()["id"].as_str().expect("an id").to_owned();
    let mut found = None;
    until("the rerun waits", || {
        let open = listed(&town.place.workspace, &[]);
        found = open.into_iter().find(|gate| gate["run_id"].as_str().is_some_and(|run| run.starts_with(&again)));
        found.is_some()
    });
    found.expect("a gate")
}

#[test]
fn neither_who_reran_a_run_nor_who_chose_what_it_repeats_approves_it() {
    let Some(town) = Town::new(SHIP, ONE) else { return };
    let (id, first) = town.waiting(&town.ada, "p");
    assert_eq!(town.ben.say(&town.place, &decision("reject", &first)).code, Some(0));
    let gate = rerun_as(&town, &town.ben, &id);
    refused(&town.approve(&town.ben, &gate), "who started the run does not approve it");
    refused(&town.approve(&town.ada, &gate), "who changed its inputs does not approve it");
    assert_eq!((refusals(&town.place.workspace), town.effects()), (vec!["excluded".to_owned(); 2], String::new()));
    town.approved(&town.cleo, &gate);
    until("it shipped", || town.effects() == "shipped\n");
}

#[test]
fn a_subpipeline_hides_nobody_who_had_a_hand_in_the_runs_above_it() {
    let outer = "{id: p, stages: [{id: sub, type: subpipeline, config: {pipeline: deep}}]}";
    let Some(town) = Town::new(outer, ONE) else { return };
    town.place.workspace.pipeline("deep.yaml", &SHIP.replace("id: p,", "id: deep,"));
    let said = town.ada.say(&town.place, &["run", "p", "--detach", "--json"]);
    let id = said.json()["id"].as_str().expect("an id").to_owned();
    until("the run below waits", || !listed(&town.place.workspace, &[]).is_empty());
    let first = listed(&town.place.workspace, &[]).remove(0);
    refused(&town.approve(&town.ada, &first), "who started the run");
    assert_eq!(town.cleo.say(&town.place, &decision("reject", &first)).code, Some(0));
    town.place.workspace.say(&["runs", "logs", &id, "--follow"]);
    let gate = rerun_as(&town, &town.ben, &id);
    refused(&town.approve(&town.ben, &gate), "who started the run");
    refused(&town.approve(&town.ada, &gate), "who changed its inputs");
    assert_eq!(town.effects(), "");
}

#[test]
fn whoever_said_what_had_become_of_a_stage_approves_nothing_that_follows_from_it() {
    let outer = "{id: p, stages: [{id: prepare, type: shell, config: {run: 'echo up > up; sleep 1000'}}, {id: sub, type: subpipeline, depends_on: [prepare], config: {pipeline: deep}}]}";
    let Some(town) = Town::new(outer, ONE) else { return };
    let workspace = &town.place.workspace;
    workspace.pipeline("deep.yaml", &SHIP.replace("id: p,", "id: deep,"));
    let said = town.ada.say(&town.place, &["run", "p", "--detach", "--json"]);
    let id = said.json()["id"].as_str().expect("an id").to_owned();
    workspace.hear("up");
    kill(workspace.runner_pid(&id));
    until("it is unknown what became of it", || status(workspace, &id) == "waiting");
    assert_eq!(town.ben.say(&town.place, &["runs", "resolve", &id, "prepare", "succeed"]).code, Some(0));
    until("the run below waits", || !listed(workspace, &[]).is_empty());
    let first = listed(workspace, &[]).remove(0);
    refused(&town.approve(&town.ben, &first), "who changed its inputs does not approve it");
    assert_eq!(town.cleo.say(&town.place, &decision("reject", &first)).code, Some(0));
    workspace.say(&["runs", "logs", &id, "--follow"]);
    // A run that takes over what he vouched for.
    let said = town.ada.say(&town.place, &["runs", "rerun", &id, "--detach", "--json"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    until("the run below waits again", || !listed(workspace, &[]).is_empty());
    let again = listed(workspace, &[]).remove(0);
    refused(&town.approve(&town.ben, &again), "who changed its inputs does not approve it");
    assert_eq!(town.effects(), "");
    town.approved(&town.cleo, &again);
    until("it shipped", || town.effects() == "shipped\n");
}

#[test]
fn a_person_in_two_groups_fills_one_place_and_says_yes_once() {
    let rules = "rules = [{ name = \"release\", groups = [\"RELEASE\"], min = 1 }, { name = \"security\", groups = [\"SECURITY\"], min = 1 }]";
    let Some(town) = Town::new(SHIP, rules) else { return };
    let (id, gate) = town.waiting(&town.ada, "p");
    town.approved(&town.ben, &gate);
    refused(&town.approve(&town.ben, &gate), "this person has said that already");
    let workspace = &town.place.workspace;
    let now = gate_of(workspace, &id, "pending");
    let filled: usize =
        now["rules"].as_array().expect("rules").iter().map(|rule| rule["approvals"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!((filled, refusals(workspace)), (1, vec!["replay".to_owned()]), "{now:#}");
    assert_eq!(town.effects(), "");
    // Cleo is in one group alone: Ben moves to the other place.
    town.approved(&town.cleo, &gate);
    workspace.wait(&id);
    assert_eq!(town.effects(), "shipped\n");
}

#[test]
fn an_approver_who_left_the_group_before_the_start_has_approved_nothing() {
    let Some(town) = Town::new(SHIP, ONE) else { return };
    let workspace = &town.place.workspace;
    let (_, holder) = town.waiting(&town.ada, "holder");
    town.approved(&town.cleo, &holder);
    workspace.hear("up");
    let (id, gate) = town.waiting(&town.ada, "p");
    town.approved(&town.ben, &gate);
    gate_of(workspace, &id, "approved");
    town.ben.quit(&town.release);
    workspace.release("go");
    let new = gate_when(workspace, &id, "renewed", |gate| gate["generation"] == 2);
    let reason = new["reason"].as_str().expect("a reason");
    assert!(reason.contains("who approved may no longer do so; open rules: release"), "{reason}");
    refused(&town.approve(&town.ben, &new), "no rule asks for this person");
    assert_eq!((&new["status"], town.effects()), (&json!("pending"), String::new()));
    town.approved(&town.cleo, &new);
    workspace.wait(&id);
    assert_eq!(town.effects(), "shipped\n");
}

#[test]
fn a_decision_that_is_sent_again_decides_nothing_more() {
    let Some(town) = Town::new(SHIP, TWO) else { return };
    let workspace = &town.place.workspace;
    let (id, gate) = town.waiting(&town.ada, "p");
    town.approved(&town.ben, &gate);
    refused(&town.approve(&town.ben, &gate), "this person has said that already");
    refused(&town.ben.say(&town.place, &decision("reject", &gate)), "decided otherwise");
    assert_eq!(
        (gate_of(workspace, &id, "pending")["decisions"].as_array().map(Vec::len), town.effects()),
        (Some(1), String::new())
    );
    town.approved(&town.cleo, &gate);
    workspace.wait(&id);
    for who in [&town.ben, &town.cleo] {
        assert_ne!(town.approve(who, &gate).code, Some(0), "the request is over");
    }
    // The same decision about the next run of the same thing.
    let (_, next) = town.waiting(&town.ada, "p");
    let mut old = decision("approve", &next);
    old[4] = &gate["digest"].as_str().expect("a digest")[..12];
    refused(&town.ben.say(&town.place, &old), "not the request as it is now");
    assert_eq!(town.effects(), "shipped\n");
}

#[test]
fn approvers_who_race_for_the_last_vote_start_it_once() {
    let Some(town) = Town::new(SHIP, TWO) else { return };
    let workspace = &town.place.workspace;
    for round in 1..=3 {
        let (id, gate) = town.waiting(&town.ada, "p");
        let line = decision("approve", &gate);
        let racers: Vec<_> = [&town.ben, &town.cleo, &town.ben, &town.cleo, &town.ben, &town.cleo]
            .map(|who| {
                let exe = workspace.file("flowdeck").display().to_string();
                let line: Vec<&str> = [exe.as_str()].into_iter().chain(line).collect();
                who.command(&town.place, &line).spawn().expect("setpriv")
            })
            .into_iter()
            .collect();
        let counted = racers.into_iter().map(finish).filter(|said| said.code == Some(0)).count();
        assert_eq!(counted, 2, "each person has one voice");
        workspace.wait(&id);
        assert_eq!(town.effects(), "shipped\n".repeat(round));
        let starts = workspace.ok(&["audit", "list", "--action", "gate.started", "--json"]).json();
        assert_eq!(starts["records"].as_array().map(Vec::len), Some(round));
    }
}

#[test]
fn one_no_stops_it_whoever_said_yes() {
    let Some(town) = Town::new(SHIP, TWO) else { return };
    let workspace = &town.place.workspace;
    let (id, gate) = town.waiting(&town.ada, "p");
    town.approved(&town.ben, &gate);
    assert_eq!(town.cleo.say(&town.place, &decision("reject", &gate)).code, Some(0));
    workspace.say(&["runs", "logs", &id, "--follow"]);
    assert_eq!((status(workspace, &id), town.effects()), (json!("failed"), String::new()));
    assert_ne!(town.approve(&town.ben, &gate).code, Some(0));
}

#[test]
fn nothing_that_a_process_can_choose_makes_somebody_else_of_it() {
    let Some(town) = Town::new(SHIP, ONE) else { return };
    let workspace = &town.place.workspace;
    let (_, gate) = town.waiting(&town.ada, "p");
    let line = decision("approve", &gate);
    for variable in ["USER", "LOGNAME", "USERNAME", "SUDO_USER", "REMOTE_USER"] {
        let mut command = workspace.command(&line);
        command.env(variable, &town.ben.user).env("SUDO_UID", town.ben.uid().to_string());
        let said = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowdeck"));
        refused(&said, "stages run as the engine's own user");
    }
    let path = format!("/v1/gates/{}/decide", gate["id"].as_str().expect("an id"));
    let decided =
        json!({"answer": "approve", "digest": gate["digest"], "reason": "seen", "by": town.ben.user, "uid": town.ben.uid()});
    for header in ["X-Forwarded-User", "Remote-User", "X-Remote-User", "X-Flowdeck-User", "Authorization", "Cookie"] {
        let (status, answer) = post(workspace, &path, &format!("{header}: {}\r\n", town.ben.user), &decided);
        assert!(status >= 400, "{header}: {answer}");
    }
    assert!(refusals(workspace).iter().all(|code| code == "engine_user"), "{:?}", refusals(workspace));
    assert_eq!((listed(workspace, &[]).len(), town.effects()), (1, String::new()));
}

/// Beside the stage that waits, one that says yes to it with the digest that it is told.
const HELPED: &str = "{id: p, stages: [
  {id: ship, type: shell, environment: production, config: {run: 'echo shipped >> effects'}},
  {id: help, type: shell, config: {run: 'read digest < asked; code=0; \"$FLOWDECK_EXE\" --state-dir state gates approve
    {{context.run_id}}.ship --digest $digest --reason seen > said 2>&1 || code=$?; echo code=$code > told'}}]}";

/// Lets the stage beside it say yes; gives its exit code.
fn help_itself(workspace: &Workspace, gate: &Value) -> String {
    let (file, digest) = (workspace.file("asked"), format!("{}\n", gate["digest"].as_str().expect("a digest")));
    within("the stage to be told", move || std::fs::write(file, digest).expect("the fifo"));
    workspace.hear("told")
}

#[test]
fn a_stage_of_the_waiting_run_does_not_approve_it() {
    let workspace = solo(HELPED);
    // Separation of duties is what a workspace has that does not say otherwise.
    settings(&workspace, &SOLO.replace("separation = false", ""));
    workspace.fifo("asked");
    workspace.fifo("told");
    let (id, gate) = waiting(&workspace, "p");
    let (code, said) = (help_itself(&workspace, &gate), workspace.read("said"));
    assert!(code == "code=3\n" && said.contains("who started the run does not approve it"), "{code}{said}");
    assert_eq!((&gate_of(&workspace, &id, "pending")["decisions"], workspace.read("effects")), (&json!([]), String::new()));
}

#[test]
fn a_stage_of_a_run_that_somebody_else_started_speaks_as_the_engines_user_and_counts_for_nothing() {
    let Some(town) = Town::new(HELPED, "") else { return };
    let workspace = &town.place.workspace;
    workspace.fifo("asked");
    workspace.fifo("told");
    let (_, gate) = town.waiting(&town.ada, "p");
    let (code, said) = (help_itself(workspace, &gate), workspace.read("said"));
    assert!(code == "code=3\n" && said.contains("stages run as the engine's own user"), "{code}{said}");
    assert_eq!((refusals(workspace), town.effects()), (vec!["engine_user".to_owned()], String::new()));
}
