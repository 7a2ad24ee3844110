//! What was decided is in the audit chain, and the chain answers for the gates in the store: neither is edited unseen.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{SHIP, approve, approved_behind, gate_of, hold_the_lock, solo, waiting};
use crate::support::{Workspace, kill, until};

fn database(workspace: &Workspace) -> Connection {
    Connection::open(workspace.state().join("flowdeck.db")).expect("the store")
}

/// FNV-1a, as the store sums its rows up: whoever edits a row can make that right.
fn sum(seq: i64, at: i64, stream: &str, body: &str) -> i64 {
    let (seq, at) = (seq.to_le_bytes(), at.to_le_bytes());
    let bytes = seq.iter().chain(&at).chain(stream.as_bytes()).chain(body.as_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)).cast_signed()
}

/// Writes a fact with the right sum.
fn forge(store: &Connection, seq: i64, stream: &str, place: i64, body: &Value) {
    let (at, body) = (1_700_000_000_000_i64, body.to_string());
    let row = (seq, stream, place, at, &body, sum(seq, at, stream, &body));
    store
        .execute("INSERT OR REPLACE INTO facts (seq, stream, place, at, body, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row)
        .expect("a fact");
}

/// The numbers, places and bodies of the facts of a gate.
fn facts(store: &Connection, stream: &str) -> Vec<(i64, i64, Value)> {
    let mut query = store.prepare("SELECT seq, place, body FROM facts WHERE stream = ?1 ORDER BY place").expect("a query");
    let rows = query.query_map([stream], |row| {
        let body: String = row.get(2)?;
        Ok((row.get(0)?, row.get(1)?, serde_json::from_str(&body).unwrap_or_default()))
    });
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

fn stream(gate: &Value) -> String {
    format!("gate/{}", gate["id"].as_str().expect("an id"))
}

fn verified(workspace: &Workspace, code: i32, words: &str) {
    let said = workspace.say(&["audit", "verify"]);
    assert_eq!(said.code, Some(code), "{words}: {said:#?}");
    assert!(said.out.contains(words), "{words}: {said:#?}");
}

#[test]
fn every_step_of_a_request_is_on_record_with_who_took_it() {
    let workspace = solo(SHIP);
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    workspace.wait(&id);
    workspace.say(&super::decision("approve", &gate));
    let said = workspace.ok(&["audit", "list", "--action", "gate", "--json"]).json();
    let records: Vec<&Value> = said["records"].as_array().expect("records").iter().rev().collect();
    let actions: Vec<&str> = records.iter().map(|record| record["action"].as_str().expect("an action")).collect();
    assert_eq!(actions, ["gate.opened", "gate.decided", "gate.approved", "gate.started"]);
    let (decided, started) = (records[1], records[3]);
    assert_eq!(
        (&decided["auth_method"], &decided["uid"]),
        (&json!("peer_credentials"), &json!(rustix::process::geteuid().as_raw()))
    );
    assert_eq!((&decided["body"]["answer"], &decided["body"]["reason"]), (&json!("approve"), &json!("seen")));
    assert_eq!((&started["auth_method"], &started["body"]["fence"]), (&json!("engine"), &json!(1)));
    assert!(records.iter().all(|record| record["body"]["digest"] == gate["digest"] && record["subject"] == stream(&gate)));
}

#[test]
fn a_gate_that_was_edited_in_the_store_is_named_with_right_sums_as_well() {
    let workspace = solo(SHIP);
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    workspace.wait(&id);
    workspace.ok(&["engine", "stop"]);
    verified(&workspace, 0, "the audit chain is whole");
    let name = stream(&gate);
    let whole = facts(&database(&workspace), &name);
    let last = whole.last().expect("facts").0;
    for (seq, place, body) in &whole {
        let mut other = body.clone();
        other["at"] = json!("2026-01-01T00:00:00.000Z");
        forge(&database(&workspace), *seq, &name, *place, &other);
        verified(&workspace, 1, &format!("fact {seq}: it is not what record"));
        let said = workspace.say(&["audit", "verify", "--json"]).json();
        assert_eq!((&said["ok"], &said["fact"], &said["flaw"]), (&json!(false), &json!(seq), &json!("unfit")), "{said:#}");
        forge(&database(&workspace), *seq, &name, *place, body);
        verified(&workspace, 0, "the audit chain is whole");
    }
    let (_, place, body) = whole.last().expect("facts");
    database(&workspace).execute("DELETE FROM facts WHERE seq = ?1", [last]).expect("a change");
    verified(&workspace, 1, &format!("the fact of {name} that it answers for is gone"));
    forge(&database(&workspace), last, &name, *place, body);
    forge(&database(&workspace), last + 10, &name, place + 1, body);
    verified(&workspace, 1, &format!("fact {}: no record says that of {name}", last + 10));
    workspace.ok(&["engine", "start"]);
    let doctor = workspace.say(&["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.contains("what the audit chain answers for was changed"), "{doctor:#?}");
}

#[test]
fn records_of_gates_are_not_changed_deleted_moved_or_cut_off_unseen() {
    let workspace = solo(SHIP);
    super::settings(&workspace, &format!("[audit]\ncheckpoint = \"points.jsonl\"\n{}", super::SOLO));
    let (id, gate) = waiting(&workspace, "p");
    approve(&workspace, &gate);
    workspace.wait(&id);
    workspace.ok(&["engine", "stop"]);
    verified(&workspace, 0, "the audit chain is whole");
    let find = |action: &str| -> i64 {
        let found = database(&workspace).query_row("SELECT seq FROM audit WHERE action = ?1", [action], |row| row.get(0));
        found.expect("a record")
    };
    let (decided, approved, started) = (find("gate.decided"), find("gate.approved"), find("gate.started"));
    let last: i64 = database(&workspace).query_row("SELECT max(seq) FROM audit", [], |row| row.get(0)).expect("a number");
    let attacks = [
        (
            format!("UPDATE audit SET actor = 'dana' WHERE seq = {decided}"),
            format!("record {decided}: it is not what was written"),
        ),
        (
            format!("UPDATE audit SET body = replace(body, 'seen', 'sure') WHERE seq = {decided}"),
            format!("record {decided}: it is not"),
        ),
        (format!("DELETE FROM audit WHERE seq = {approved}"), format!("record {approved}: it is not there")),
        (format!("DELETE FROM audit WHERE seq >= {started}"), format!("record {started}: it is not there")),
        (
            format!(
                "UPDATE audit SET seq = -1 WHERE seq = {decided}; UPDATE audit SET seq = {decided} WHERE seq = {approved}; UPDATE audit SET seq = {approved} WHERE seq = -1"
            ),
            format!("record {decided}: "),
        ),
        (format!("DELETE FROM audit WHERE seq = {last}"), format!("record {last}: it is not there")),
    ];
    let (kept, path) = (workspace.file("kept.db"), workspace.state().join("flowdeck.db"));
    std::fs::copy(&path, &kept).expect("a copy");
    for (attack, words) in attacks {
        database(&workspace).execute_batch(&attack).expect("a change");
        verified(&workspace, 1, &words);
        std::fs::copy(&kept, &path).expect("the copy back");
    }
    verified(&workspace, 0, "the audit chain is whole");
}

/// Changes the store behind the back of an engine that was killed; gives what became of the run.
fn after_a_change(change: impl Fn(&Connection, &str)) -> Value {
    let workspace = solo(SHIP);
    hold_the_lock(&workspace);
    let (id, gate) = approved_behind(&workspace, "p");
    kill(workspace.engine_pid());
    change(&database(&workspace), &stream(&gate));
    workspace.say(&["runs", "logs", &id, "--follow"]);
    workspace.release("go");
    let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
    assert_eq!(workspace.read("effects"), "", "{run:#}");
    run
}

#[test]
fn nothing_starts_on_a_gate_that_was_edited_while_no_engine_ran() {
    // An approval by somebody else than who gave it.
    let run = after_a_change(|store, name| {
        let (seq, place, mut body) =
            facts(store, name).into_iter().find(|fact| fact.2.to_string().contains("decision")).expect("a decision");
        body["decided"]["decision"]["reason"] = json!("somebody else was sure");
        forge(store, seq, name, place, &body);
    });
    let error = &run["stages"]["ship"]["error"];
    assert_eq!((&run["status"], &error["type"]), (&json!("failed"), &json!("SECURITY")), "{run:#}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|said| said.contains("not what its audit chain says") && said.contains("not what record")),
        "{error}"
    );
}

#[test]
fn nothing_starts_on_an_approval_that_was_written_into_the_store() {
    let workspace = solo(SHIP);
    let (id, gate) = waiting(&workspace, "p");
    // What an approval looks like, from another run.
    let (other, second) = waiting(&workspace, "p");
    approve(&workspace, &second);
    workspace.wait(&other);
    let (third, open) = waiting(&workspace, "p");
    kill(workspace.engine_pid());
    let store = database(&workspace);
    let last: i64 = store.query_row("SELECT max(seq) FROM facts", [], |row| row.get(0)).expect("a number");
    let approval = facts(&store, &stream(&second)).into_iter().filter(|(_, place, _)| (2..=3).contains(place));
    for ((_, place, body), seq) in approval.zip(last + 1..) {
        let body: Value = serde_json::from_str(
            &body.to_string().replace(second["id"].as_str().expect("an id"), open["id"].as_str().expect("an id")),
        )
        .expect("JSON");
        forge(&store, seq, &stream(&open), place, &body);
    }
    drop(store);
    until("the run has ended", || workspace.ok(&["runs", "show", &third, "--json"]).json()["status"] == "failed");
    let run = workspace.ok(&["runs", "show", &third, "--json"]).json();
    assert!(run["stages"]["ship"]["error"]["message"].to_string().contains("no record says that"), "{run:#}");
    assert_eq!(workspace.read("effects"), "shipped\n", "the one that was approved");
    assert_eq!(gate_of(&workspace, &id, "superseded")["id"], gate["id"]);
}

#[test]
fn nothing_starts_on_a_gate_whose_record_was_edited_to_fit() {
    let run = after_a_change(|store, name| {
        store
            .execute("UPDATE audit SET actor = 'dana' WHERE action = 'gate.decided' AND subject = ?1", [name])
            .map(drop)
            .expect("a change");
    });
    assert_eq!(run["status"], "failed");
    assert!(run["stages"]["ship"]["error"]["message"].to_string().contains("it is not what was written"), "{run:#}");
}
