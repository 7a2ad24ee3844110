//! An engine that dies at each commit from the request to the end: whatever was decided, the stage acts exactly once.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::{decision, solo};

use crate::support::{Said, Workspace, until, within};

/// Leaves a line with the lock's token and the environment: also a start that the next engine makes has them.
const FENCED: &str = "{id: p, stages: [{id: ship, type: shell, environment: production, \
    config: {run: 'echo shipped $FLOWDECK_FENCE $FLOWDECK_ENVIRONMENT >> effects'}}]}";
const SHIPPED: &str = "shipped 1 production\n";

/// Where an engine dies: before or after the commit that holds an event, or a record of the audit chain.
pub(crate) type Point = (&'static str, String);

/// An engine that dies at a point. It takes requests when this comes back.
pub(crate) fn mortal_engine(workspace: &Workspace, (moment, place): &Point) -> Child {
    let note = workspace.file("died");
    let mut command = workspace.command(&["engine", "run"]);
    command.env("FLOWDECK_DIE", format!("{moment}:{place}:{}", note.display())).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut engine = command.spawn().expect("an engine");
    let mut ready = String::new();
    BufReader::new(engine.stdout.as_mut().expect("its output")).read_line(&mut ready).expect("a line");
    engine
}

/// Says something until an engine takes it; one that dies in the middle may have taken it or not.
fn insist(workspace: &Workspace, args: &[&str]) -> Said {
    let mut said = workspace.say(args);
    until("an engine answers", || {
        let dead = said.code == Some(4);
        if dead {
            said = workspace.say(args);
        }
        !dead
    });
    said
}

fn only_gate(workspace: &Workspace) -> Option<Value> {
    let said = insist(workspace, &["gates", "list", "--all", "--json"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let gates = said.json()["gates"].as_array().expect("gates").clone();
    assert!(gates.len() < 2, "{gates:#?}");
    gates.into_iter().next()
}

fn only_run(workspace: &Workspace) -> Option<Value> {
    insist(workspace, &["runs", "list", "--json"]).json()["runs"].as_array().expect("runs").first().cloned()
}

/// One run from its request over the decision to its end, whatever dies meanwhile. Gives how many events and records there are.
fn ship(workspace: &Workspace) -> (u64, u64) {
    workspace.say(&["run", "p", "--detach"]);
    if only_run(workspace).is_none() {
        workspace.ok(&["run", "p", "--detach"]);
    }
    until("the run waits", || only_gate(workspace).is_some());
    assert_eq!(workspace.read("effects"), "", "nobody has said yes");
    let gate = only_gate(workspace).expect("a gate");
    // It may have been taken although the engine died before it could say so; then a second one does not count.
    let said = workspace.say(&decision("approve", &gate));
    if said.code == Some(4) {
        insist(workspace, &decision("approve", &gate));
    }
    until("the run ends", || only_run(workspace).is_some_and(|run| run["status"] == "succeeded"));
    assert_eq!(only_gate(workspace).expect("a gate")["status"], "started");
    let run = only_run(workspace).expect("a run");
    let run = insist(workspace, &["runs", "show", run["id"].as_str().expect("an id"), "--json"]).json();
    let chain = insist(workspace, &["audit", "verify", "--json"]).json();
    assert_eq!(chain["ok"], true, "{chain:#}");
    (run["seq"].as_u64().expect("a number"), chain["records"].as_u64().expect("a number"))
}

fn starts(workspace: &Workspace) -> usize {
    let said = insist(workspace, &["audit", "list", "--action", "gate.started", "--json"]);
    said.json()["records"].as_array().expect("records").len()
}

#[test]
fn an_engine_killed_at_any_commit_around_a_decision_starts_the_stage_exactly_once() {
    let undisturbed = solo(FENCED);
    let (events, records) = ship(&undisturbed);
    assert_eq!((undisturbed.read("effects"), starts(&undisturbed)), (SHIPPED.to_owned(), 1));
    let places = (1..=events).map(|event| event.to_string()).chain((2..=records).map(|record| format!("audit{record}")));
    let points: Vec<Point> = places.flat_map(|place| ["before", "after"].map(|moment| (moment, place.clone()))).collect();
    let (mut wrong, mut missed) = (Vec::new(), Vec::new());
    for point in points {
        let workspace = solo(FENCED);
        let mut engine = mortal_engine(&workspace, &point);
        ship(&workspace);
        if workspace.read("died").is_empty() {
            missed.push(point.clone());
            workspace.ok(&["engine", "stop"]);
        }
        let ended = within("the engine's end", move || engine.wait().expect("its end"));
        assert!(!missed.is_empty() || ended.signal() == Some(9), "{point:?}: {ended}");
        let (effects, starts) = (workspace.read("effects"), starts(&workspace));
        if (effects.as_str(), starts) != (SHIPPED, 1) {
            wrong.push(json!({"point": point, "effects": effects, "starts": starts}));
        }
    }
    assert!(wrong.is_empty() && missed.is_empty(), "{wrong:#?}, not reached: {missed:?}");
}
