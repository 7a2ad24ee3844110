//! An engine that dies at any commit around a deployment and a rollback: each acts once, and the record says so.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::{open, state};
use crate::support::{Workspace, until, within};

pub(super) fn mortal_engine(workspace: &Workspace, moment: &str, place: u64) -> Child {
    let note = workspace.file("died");
    let mut command = workspace.command(&["engine", "run"]);
    command.env("FLOWDECK_DIE", format!("{moment}:{place}:{}", note.display())).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut engine = command.spawn().expect("an engine");
    let mut ready = String::new();
    BufReader::new(engine.stdout.as_mut().expect("its output")).read_line(&mut ready).expect("a line");
    engine
}

/// The runs, newest first, once an engine answers.
fn runs(workspace: &Workspace) -> Vec<serde_json::Value> {
    let mut said = workspace.say(&["runs", "list", "--json"]);
    until("an engine answers", || {
        if said.code != Some(0) {
            said = workspace.say(&["runs", "list", "--json"]);
        }
        said.code == Some(0)
    });
    said.json()["runs"].as_array().expect("runs").clone()
}

/// Begins something unless that is begun, and waits until so many runs have succeeded.
fn carry_out(workspace: &Workspace, count: usize, args: &[&str]) {
    workspace.say(args);
    if runs(workspace).len() < count {
        workspace.say(args);
    }
    until("the run ends", || {
        let all = runs(workspace);
        all.len() == count && all.iter().all(|run| run["status"] == "succeeded")
    });
}

fn story(workspace: &Workspace) -> u64 {
    carry_out(workspace, 1, &["run", "p", "-i", "version=1.0", "--detach"]);
    carry_out(workspace, 2, &["run", "p", "-i", "version=2.0", "--detach"]);
    carry_out(workspace, 3, &["rollback", "staging", "--reason", "slow", "--detach"]);
    let newest = runs(workspace)[0]["id"].as_str().expect("an id").to_owned();
    workspace.say(&["runs", "show", &newest, "--json"]).json()["seq"].as_u64().expect("a number")
}

#[test]
fn an_engine_killed_at_any_commit_deploys_and_goes_back_exactly_once() {
    let undisturbed = open();
    let events = story(&undisturbed);
    let expected = (state(&undisturbed, "staging"), undisturbed.read("effects"));
    assert_eq!(expected.1, "api 1.0\napi 2.0\napi 1.0\n");
    let mut missed = Vec::new();
    for (moment, place) in (1..=events).flat_map(|place| [("before", place), ("after", place)]) {
        let workspace = open();
        let mut engine = mortal_engine(&workspace, moment, place);
        story(&workspace);
        if workspace.read("died").is_empty() {
            missed.push((moment, place));
            workspace.ok(&["engine", "stop"]);
        }
        within("the engine's end", move || engine.wait().expect("its end"));
        let found = (state(&workspace, "staging"), workspace.read("effects"));
        assert_eq!(found, expected, "killed {moment} event {place}");
        workspace.ok(&["audit", "verify"]);
    }
    assert!(missed.is_empty(), "not reached: {missed:?}");
}
