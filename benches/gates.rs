//! How long a stage waits once it has its approval, beside what one commit takes in the same run.
//!
//! `cargo bench --bench gates`: requests are decided one by one over the socket. The time goes from the moment that the engine took
//! the decision to the recorded start of the stage, and to the first instruction of its process. In between lie two commits:
//! the decision's, and the one in which everything is checked again.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use flowdeck::model::{Actor, NewRecord, Timestamp};
use flowdeck::store::{Batch, NewFact, Store};
use serde_json::{Value, json};
use support::Place;

const ROUNDS: usize = 200;
const POLICY: &str = "[environments.production]\nprotected = true\nseparation = false\n";
const SHIP: &str =
    r#"{"id":"ship","stages":[{"id":"s","type":"shell","environment":"production","config":{"run":"date +%s%N > began"}}]}"#;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<44} {:>12} {:>12} {:>12}  promise", "gates", "median", "p99", "longest");
    let (mut recorded, mut acting) = (Vec::new(), Vec::new());
    let place = Place::new();
    fs::write(place.file("flowdeck.toml"), POLICY).expect("flowdeck.toml");
    place.pipeline("ship", SHIP);
    for _ in 0..ROUNDS {
        let [decided, start, began] = round(&place);
        recorded.push(start.saturating_sub(decided));
        acting.push(began.saturating_sub(decided));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let commit = runtime.block_on(commits(&place));
    let promise = format!("p99 <= {:.2} ms", ms(commit[1]) * 2.0 + 50.0);
    line("one commit of a fact with its record", commit, "");
    line("approval to the recorded start, two commits", figures(recorded), &promise);
    line("approval to the process' first instruction", figures(acting), "none");
}

/// The moments of the decision, of the recorded start and of the process, since 1970.
fn round(place: &Place) -> [Duration; 3] {
    let _ = fs::remove_file(place.file("began"));
    let id = said(place, &["run", "ship", "--detach", "--json"])["id"].as_str().expect("an id").to_owned();
    let gate = loop {
        let gates = said(place, &["gates", "--json"]);
        if let Some(gate) = gates["gates"].get(0) {
            break gate.clone();
        }
    };
    let (name, digest) = (gate["id"].as_str().expect("an id"), gate["digest"].as_str().expect("a digest"));
    let decided = said(place, &["gates", "approve", name, "--digest", digest, "--reason", "bench", "--json"]);
    let ended = place.command(&["runs", "logs", &id, "--follow"]).stdout(Stdio::null()).status().expect("flowdeck");
    assert!(ended.success());
    let run = said(place, &["runs", "show", &id, "--json"]);
    let began: u64 = fs::read_to_string(place.file("began")).expect("a time").trim().parse().expect("nanoseconds");
    [at(&decided["decisions"][0]["at"]), at(&run["stages"]["s"]["attempts"][0]["started_at"]), Duration::from_nanos(began)]
}

fn said(place: &Place, args: &[&str]) -> Value {
    let output = place.command(args).output().expect("flowdeck");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a document")
}

fn at(time: &Value) -> Duration {
    let time: jiff::Timestamp = time.as_str().expect("a time").parse().expect("RFC 3339");
    Duration::from_nanos(u64::try_from(time.as_nanosecond()).expect("after 1970"))
}

/// What a commit takes on the same file system: median, p99, longest.
async fn commits(place: &Place) -> [Duration; 3] {
    let dir = place.file("commits");
    fs::create_dir(&dir).expect("a directory");
    let store = Store::open(&dir).expect("a store");
    let mut took = Vec::new();
    for n in 0..ROUNDS {
        let facts = vec![NewFact { stream: format!("gate/{n}"), at: Timestamp(0), body: json!({"opened": n}) }];
        let (action, subject, body) = ("gate.approved".to_owned(), format!("gate/{n}"), json!({"digest": "0".repeat(64)}));
        let audit = vec![NewRecord { at: Timestamp(0), actor: Actor::engine(), action, subject, body }];
        let began = Instant::now();
        store.record(Batch { facts, audit, ..Batch::default() }).await.expect("recorded");
        took.push(began.elapsed());
    }
    figures(took)
}

fn figures(mut times: Vec<Duration>) -> [Duration; 3] {
    times.sort();
    [times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]]
}

fn line(what: &str, [median, p99, longest]: [Duration; 3], promise: &str) {
    println!("{what:<44} {:>9.2} ms {:>9.2} ms {:>9.2} ms  {promise}", ms(median), ms(p99), ms(longest));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
