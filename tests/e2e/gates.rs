//! Everything that people could try in order to get past a gate, through the real binary: each attempt fails closed.
//!
//! What asks for several people uses users of this system that the test makes; where it may not, it says so and does nothing.

mod chain;
mod clocks;
pub(crate) mod deaths;
mod hiding;
mod locks;
mod subjects;
pub(crate) mod town;
mod undoing;
mod voters;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use super::support::{PATIENCE, Said, Workspace, until};

/// Leaves a line where it acted.
const SHIP: &str =
    "{id: p, stages: [{id: ship, type: shell, environment: production, config: {run: 'echo shipped >> effects'}}]}";
/// Has the lock of production from `up` on, until something is written into `go`.
pub(crate) const HOLDER: &str =
    "{id: holder, stages: [{id: hold, type: shell, environment: production, config: {run: 'echo up > up; read line < go'}}]}";
/// A workspace of one person, who says yes to what they start.
const SOLO: &str = "[environments.production]\nprotected = true\nseparation = false\n";

fn settings(workspace: &Workspace, text: &str) {
    fs::write(workspace.file("flowdeck.toml"), text).expect("flowdeck.toml");
}

/// A workspace of one person with a pipeline `p`, and one that takes the lock.
fn solo(pipeline: &str) -> Workspace {
    let workspace = Workspace::with("p.yaml", pipeline);
    workspace.pipeline("holder.yaml", HOLDER);
    settings(&workspace, SOLO);
    workspace.fifo("up");
    workspace.fifo("go");
    workspace
}

fn listed(workspace: &Workspace, args: &[&str]) -> Vec<Value> {
    let said = workspace.ok(&[&["gates", "list", "--json"], args].concat());
    said.json()["gates"].as_array().expect("gates").clone()
}

/// The only request of a run, once it is as expected.
fn gate_when(workspace: &Workspace, run: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let mut found = None;
    until(&format!("the request of {run}: {what}"), || {
        let all = listed(workspace, &["--all"]);
        found = all.into_iter().find(|gate| gate["run_id"] == run && fits(gate));
        found.is_some()
    });
    found.expect("a gate")
}

pub(crate) fn gate_of(workspace: &Workspace, run: &str, status: &str) -> Value {
    gate_when(workspace, run, status, |gate| gate["status"] == status)
}

/// Starts a run that waits for a decision; gives its name and the request.
fn waiting(workspace: &Workspace, pipeline: &str) -> (String, Value) {
    let id = workspace.detach(pipeline);
    let gate = gate_of(workspace, &id, "pending");
    (id, gate)
}

/// The command line of a decision about a request as it was looked at.
fn decision<'a>(word: &'a str, gate: &'a Value) -> [&'a str; 7] {
    let text = |key: &str| gate[key].as_str().expect("a text");
    ["gates", word, text("id"), "--digest", &text("digest")[..12], "--reason", "seen"]
}

fn approve(workspace: &Workspace, gate: &Value) {
    workspace.ok(&decision("approve", gate));
}

/// The decision was refused, as the words say.
fn refused(said: &Said, words: &str) {
    assert_eq!(said.code, Some(3), "{words}: {said:#?}");
    assert!(said.err.contains(words), "{words}: {said:#?}");
}

/// Takes the lock of production and keeps it; gives the run.
fn hold_the_lock(workspace: &Workspace) -> String {
    let (id, gate) = waiting(workspace, "holder");
    approve(workspace, &gate);
    workspace.hear("up");
    id
}

/// A run that has its approval and waits for the lock that another one holds.
fn approved_behind(workspace: &Workspace, pipeline: &str) -> (String, Value) {
    let (id, gate) = waiting(workspace, pipeline);
    approve(workspace, &gate);
    let gate = gate_of(workspace, &id, "approved");
    (id, gate)
}

fn status(workspace: &Workspace, run: &str) -> Value {
    workspace.ok(&["runs", "show", run, "--json"]).json()["status"].clone()
}

/// The words for which decisions were refused, oldest first, as they are on record.
fn refusals(workspace: &Workspace) -> Vec<String> {
    let said = workspace.ok(&["audit", "list", "--action", "gate.refused", "--json", "--limit", "1000"]).json();
    let records = said["records"].as_array().expect("records").iter().rev();
    records.map(|record| record["body"]["code"].as_str().expect("a code").to_owned()).collect()
}

/// A request of the caller's making, past the command line: status and answer.
pub(crate) fn post(workspace: &Workspace, path: &str, headers: &str, body: &Value) -> (u16, String) {
    let socket = workspace.ok(&["engine", "status", "--json"]).json()["socket"].as_str().expect("a path").to_owned();
    let mut stream = UnixStream::connect(socket).expect("the socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let body = body.to_string();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: flowdeck\r\nConnection: close\r\nContent-Type: application/json\r\n");
    write!(stream, "{head}Content-Length: {length}\r\n{headers}\r\n{body}").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, text)
}
