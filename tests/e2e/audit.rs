//! The audit chain as people and auditors use it: complete, provable with and without an engine, and without secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::support::{Workspace, kill, until};

const ECHO: &str = "{id: p, stages: [{id: a, type: shell, config: {run: 'echo a'}}]}";

fn records(workspace: &Workspace, args: &[&str]) -> Vec<Value> {
    let said = workspace.ok(&[&["audit", "list", "--json", "--limit", "1000"], args].concat());
    said.json()["records"].as_array().expect("records").clone()
}

/// What happened, oldest first.
fn actions(workspace: &Workspace) -> Vec<String> {
    let mut records = records(workspace, &[]);
    records.reverse();
    records.iter().map(|record| record["action"].as_str().expect("an action").to_owned()).collect()
}

fn database(workspace: &Workspace) -> Connection {
    Connection::open(workspace.state().join("flowdeck.db")).expect("the store")
}

fn settings(workspace: &Workspace, text: &str) {
    fs::write(workspace.file("flowdeck.toml"), text).expect("flowdeck.toml");
}

#[test]
fn everything_that_somebody_decides_is_on_record_with_who_it_was() {
    let text = "{id: p, stages: [{id: ship, type: shell, config: {run: 'echo up > up; sleep 1000'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    let id = workspace.detach("p");
    workspace.hear("up");
    kill(workspace.runner_pid(&id));
    until("the attempt is unknown", || {
        workspace.ok(&["runs", "show", &id, "--json"]).json()["stages"]["ship"]["status"] == "unknown"
    });
    workspace.ok(&["runs", "resolve", &id, "ship", "fail"]);
    let again = workspace.ok(&["runs", "rerun", &id, "--all", "--detach", "--json"]).json()["id"].clone();
    workspace.hear("up");
    workspace.ok(&["runs", "cancel", again.as_str().expect("an id"), "--force"]);
    workspace.ok(&["engine", "stop"]);
    // Read from the store alone: a look starts no engine.
    let expected = ["engine.started", "run.created", "run.resolved", "run.rerun", "run.cancelled", "engine.stopped"];
    assert_eq!(actions(&workspace), expected);
    assert_eq!(workspace.say(&["engine", "status"]).code, Some(4));
    let all = records(&workspace, &[]);
    let of = |action: &str| all.iter().find(|record| record["action"] == action).expect(action).clone();
    let me = rustix::process::geteuid().as_raw();
    for action in &expected[1..] {
        assert_eq!((&of(action)["uid"], &of(action)["auth_method"]), (&json!(me), &json!("peer_credentials")), "{action}");
    }
    assert_eq!(of("engine.started")["auth_method"], "engine");
    assert_eq!(of("run.created")["subject"], format!("run/{id}"));
    assert_eq!(of("run.rerun")["body"]["rerun_of"], id);
    assert_eq!(of("run.resolved")["body"], json!({"stage": "ship", "attempt": 1, "resolution": "fail"}));
    assert_eq!(of("engine.stopped")["body"]["cause"], "asked to");
    assert_eq!(records(&workspace, &["--action", "run"]).len(), 4);
    assert_eq!(records(&workspace, &["--action", "engine.started"]).len(), 1);
    assert_eq!(records(&workspace, &["--actor", "nobody-else"]).len(), 0);
    assert_eq!(records(&workspace, &["--since", "1h"]).len(), 6);
    assert_eq!(records(&workspace, &["--since", "2999-01-01"]).len(), 0);
    let table = workspace.ok(&["audit"]).out;
    assert!(table.starts_with("SEQ") && table.contains("run.cancelled"), "{table}");
}

#[test]
fn a_run_and_its_record_are_one_commit_also_when_the_engine_is_killed() {
    let workspace = Workspace::with("p.yaml", ECHO);
    let id = workspace.detach("p");
    kill(workspace.engine_pid());
    assert_eq!(workspace.say(&["engine", "status"]).code, Some(4));
    let found = records(&workspace, &["--action", "run.created"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["subject"], format!("run/{id}"));
    assert!(workspace.ok(&["audit", "verify"]).out.contains("2 records"));
    workspace.wait(&id);
    // Killed engines leave no end behind: two beginnings say it.
    assert_eq!(actions(&workspace), ["engine.started", "run.created", "engine.started"]);
}

#[test]
fn a_changed_record_is_named_with_and_without_an_engine() {
    let workspace = Workspace::with("p.yaml", ECHO);
    for _ in 0..3 {
        workspace.ok(&["run", "p", "--json"]);
    }
    assert!(workspace.ok(&["audit", "verify"]).err.contains("without checkpoints"));
    database(&workspace).execute_batch("UPDATE audit SET actor = 'eve' WHERE seq = 3").expect("a change");
    for engine in ["running", "stopped"] {
        let said = workspace.say(&["audit", "verify"]);
        assert_eq!(said.code, Some(1), "{engine}: {said:#?}");
        assert!(said.out.contains("record 3: it is not what was written"), "{engine}: {said:#?}");
        let said = workspace.say(&["audit", "verify", "--json"]);
        let document = said.json();
        assert_eq!((&document["ok"], &document["record"], &document["flaw"]), (&json!(false), &json!(3), &json!("changed")));
        workspace.ok(&["engine", "stop"]);
    }
    let doctor = workspace.ok(&["engine", "start"]);
    assert_eq!(doctor.code, Some(0));
    let doctor = workspace.say(&["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.contains("the audit chain is broken: record 3"), "{doctor:#?}");
}

#[test]
fn the_engine_signs_for_the_chain_and_an_end_that_was_cut_off_is_found() {
    let workspace = Workspace::with("p.yaml", ECHO);
    settings(&workspace, "[audit]\ncheckpoint = \"points.jsonl\"\nevery = 3\n");
    for _ in 0..3 {
        workspace.ok(&["run", "p", "--json"]);
    }
    // The third record made one due; the fourth may have come before it was signed.
    until("the chain is signed for", || workspace.read("points.jsonl").ends_with('\n'));
    workspace.ok(&["engine", "stop"]);
    let points = workspace.read("points.jsonl");
    let seqs: Vec<Value> = points.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["seq"].clone()).collect();
    assert_eq!(seqs.last(), Some(&json!(5)), "{points}");
    let key = workspace.state().join("audit.key");
    assert_eq!(fs::metadata(key).expect("the key").permissions().mode() & 0o777, 0o600);
    let said = workspace.ok(&["audit", "verify", "--json"]).json();
    assert_eq!((&said["ok"], &said["records"], &said["signed_up_to"]), (&json!(true), &json!(5), &json!(5)));

    database(&workspace).execute_batch("DELETE FROM audit WHERE seq = 5").expect("a change");
    let said = workspace.say(&["audit", "verify"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.out.contains("record 5: it is not there, and the checkpoint in line"), "{said:#?}");

    // Who edits the checkpoints as well has no key to sign them with; and who makes a key is a stranger.
    fs::write(workspace.file("points.jsonl"), points.replace("\"seq\":5", "\"seq\":4")).expect("a change");
    assert!(workspace.say(&["audit", "verify"]).out.contains("its signature is wrong"));
    fs::write(workspace.file("points.jsonl"), "garbage\n").expect("a change");
    let said = workspace.say(&["audit", "verify"]);
    assert!(said.code == Some(1) && said.out.contains("checkpoint in line 1: it cannot be read"), "{said:#?}");
    fs::write(workspace.file("points.jsonl"), &points).expect("a change");
    fs::write(workspace.file("strange.pub"), "00".repeat(32)).expect("a key");
    let said = workspace.say(&["audit", "verify", "--key", "strange.pub"]);
    assert!(said.code == Some(1) && said.out.contains("none of those given"), "{said:#?}");
}

#[test]
fn a_state_directory_that_was_swapped_for_another_is_found() {
    let workspace = Workspace::with("p.yaml", ECHO);
    settings(&workspace, "[audit]\ncheckpoint = \"points.jsonl\"\n");
    workspace.ok(&["run", "p", "--json"]);
    workspace.ok(&["engine", "stop"]);
    for name in ["flowdeck.db", "flowdeck.db-wal", "flowdeck.db-shm"] {
        let _ = fs::remove_file(workspace.state().join(name));
    }
    workspace.ok(&["run", "p", "--json"]);
    let said = workspace.say(&["audit", "verify"]);
    assert!(said.code == Some(1) && said.out.contains("checkpoint in line 1: it is of the store"), "{said:#?}");
}

#[test]
fn checkpoints_that_cannot_be_written_are_told_by_the_doctor() {
    let workspace = Workspace::with("p.yaml", ECHO);
    settings(&workspace, "[audit]\ncheckpoint = \"missing/points.jsonl\"\nevery = 1\n");
    workspace.ok(&["run", "p", "--json"]);
    until("the doctor knows", || workspace.say(&["doctor"]).out.contains("[audit] checkpoint: cannot write"));
    let said = workspace.ok(&["audit", "verify"]);
    assert!(said.err.contains("there are no checkpoints at"), "{said:#?}");
}

#[test]
fn a_checkpoint_by_hand_goes_where_it_is_told() {
    let workspace = Workspace::with("p.yaml", ECHO);
    workspace.ok(&["run", "p", "--json"]);
    assert_eq!(workspace.say(&["--read-only", "audit", "checkpoint"]).code, Some(3));
    assert!(!workspace.state().join("audit.key").exists());
    let line: Value = serde_json::from_str(&workspace.ok(&["audit", "checkpoint"]).out).expect("a line");
    assert_eq!(line["seq"], 2);
    workspace.ok(&["audit", "checkpoint", "--to", "mine"]);
    workspace.ok(&["engine", "stop"]);
    workspace.ok(&["audit", "checkpoint", "--to", "mine"]);
    let said = workspace.ok(&["audit", "verify", "--checkpoint", "mine", "--json"]).json();
    assert_eq!((&said["checkpoints"], &said["signed_up_to"]), (&json!(2), &json!(3)));
    assert_eq!(workspace.say(&["audit", "verify", "--checkpoint", "nowhere"]).code, Some(2));
}

#[test]
fn an_export_is_verified_anywhere_and_a_table_has_all_rows() {
    let workspace = Workspace::with("p.yaml", ECHO);
    workspace.ok(&["run", "p", "--json"]);
    workspace.ok(&["audit", "checkpoint", "--to", "points"]);
    let live = workspace.ok(&["audit", "export"]).out;
    workspace.ok(&["engine", "stop"]);
    workspace.ok(&["audit", "export", "--output", "all.jsonl"]);
    let text = workspace.read("all.jsonl");
    assert!(text.starts_with(&live) && text.lines().count() == 3, "{text}");
    let verify = |args: &[&str]| workspace.say(&[&["audit", "verify", "--file", "all.jsonl"], args].concat());
    assert_eq!(verify(&[]).code, Some(0));
    assert!(verify(&["--checkpoint", "points"]).out.contains("1 checkpoints agree, up to record 2"));
    fs::write(workspace.file("all.jsonl"), text.replace("run.created", "run.deleted")).expect("a change");
    assert!(verify(&[]).out.contains("record 2: it is not what was written"));
    fs::write(workspace.file("all.jsonl"), "{}\n").expect("a change");
    assert!(verify(&[]).out.contains("record 1: it cannot be read"));
    fs::write(workspace.file("all.jsonl"), text.lines().next().expect("a line")).expect("a change");
    assert_eq!(verify(&["--checkpoint", "points"]).code, Some(1));
    let csv = workspace.ok(&["audit", "export", "--format", "csv"]).out;
    assert_eq!(csv.split_terminator("\r\n").count(), 4, "{csv}");
}

#[tokio::test]
async fn a_secret_never_enters_the_chain() {
    const SECRET: &str = "hunter2-s3cr3t";
    let text = "{id: p, input_schema: {type: object}, stages: [{id: a, type: shell,
      config: {env: {T: '{{secrets.TOKEN}}'}, run: 'echo $T; echo up > up; sleep 1000'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    settings(&workspace, "[secrets]\nTOKEN = { env = \"TOKEN\" }\n");
    workspace.fifo("up");
    let mut command = workspace.command(&["run", "p", "-i", &format!("password={SECRET}"), "--detach", "--json"]);
    let output = command.env("TOKEN", SECRET).stdout(std::process::Stdio::piped()).output().expect("flowdeck");
    let id = serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["id"].as_str().expect("an id").to_owned();
    workspace.hear("up");
    let socket = workspace.ok(&["engine", "status", "--json"]).json()["socket"].as_str().expect("a path").to_owned();
    let http = reqwest::Client::builder().unix_socket(socket).no_proxy().tls_certs_only([]).build().expect("a client");
    let reason = json!({"force": true, "reason": format!("it showed {SECRET}")});
    let answer = http.post(format!("http://flowdeck/v1/runs/{id}/cancel")).json(&reason).send().await.expect("an answer");
    assert!(answer.status().is_success());
    workspace.say(&["runs", "logs", &id, "--follow"]);
    workspace.ok(&["runs", "rerun", &id, "--all", "--detach"]);
    workspace.ok(&["engine", "stop"]);
    let chain = workspace.ok(&["audit", "export"]).out;
    for expected in ["run.cancelled", "it showed ", "password", "secrets.TOKEN"] {
        assert!(chain.contains(expected), "{expected}: {chain}");
    }
    assert!(!chain.contains(SECRET), "{chain}");
}

#[test]
fn every_change_of_policy_is_on_record_before_anything_is_decided_under_it() {
    let workspace = Workspace::with("p.yaml", ECHO);
    let run = || workspace.ok(&["run", "p", "--plain"]);
    let mode = |bake: &str| {
        let me = workspace.ok(&["whoami", "--json"]).json()["name"].as_str().expect("a name").to_owned();
        settings(
            &workspace,
            &format!(
                "[access.roles]\nadmin = {{ users = [\"{me}\"] }}\n[environments.production]\nprotected = true\nbake = \"{bake}\"\n"
            ),
        );
    };
    run();
    assert!(!actions(&workspace).contains(&"policy.changed".to_owned()), "there is none, and never was");
    mode("10m");
    run();
    mode("20m");
    run();
    // A new engine under the same policy changes nothing.
    workspace.ok(&["engine", "stop"]);
    run();
    let changes: Vec<Value> = records(&workspace, &["--action", "policy"]);
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert_eq!((&changes[1]["body"]["old"], &changes[0]["body"]["old"]), (&Value::Null, &changes[1]["body"]["new"]));
    assert_eq!(changes[0]["body"]["policy"]["environments"]["production"]["bake"]["secs"], 1200);
    // In front of the run that was admitted under it.
    let order = actions(&workspace);
    let first = order.iter().position(|action| action == "policy.changed");
    let runs: Vec<usize> = (0..order.len()).filter(|at| order[*at] == "run.created").collect();
    assert!(first > runs.first().copied() && first < runs.get(1).copied(), "{order:?}");
}
