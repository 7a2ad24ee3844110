//! How long the demo's production answers with a bad version after somebody has said that it is to go back.
//!
//! `cargo bench --bench rollback`: each round releases a version and goes back from it. The time goes from the start of
//! `flowdeck rollback` to the first answer of the old version through production's address; beside it what no rollback can
//! do without: a copy of the service that starts and answers once.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flowdeck::demo::workspace::Demo;
use flowdeck::demo::{service, supervise};
use serde_json::{Value, json};

const ROUNDS: usize = 10;
const PROMISE: Duration = Duration::from_secs(2);
const EXE: &str = env!("CARGO_BIN_EXE_flowdeck");

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<58} {:>12} {:>12}  promise", "rollback of the demo's production", "median", "longest");
    let dir = tempfile::tempdir().expect("a directory");
    let demo = Demo::start(Path::new(EXE), Some(&dir.path().join("demo"))).expect("the demo");
    let (mut starts, mut rollbacks) = (Vec::new(), Vec::new());
    release(&demo, 0);
    release(&demo, ROUNDS + 1);
    first_way_back(&demo);
    for round in 1..=ROUNDS {
        starts.push(start(dir.path()));
        release(&demo, round);
        rollbacks.push(go_back(&demo, round));
    }
    assert!(flowdeck(&demo, &["engine", "stop"]).stdout(Stdio::null()).status().expect("flowdeck").success());
    line("a copy of the service starts and answers", starts, "");
    line("`flowdeck rollback` to the old version's first answer", rollbacks, &format!("<= {} s", PROMISE.as_secs()));
}

fn flowdeck(demo: &Demo, args: &[&str]) -> Command {
    let mut command = Command::new(EXE);
    command.arg("--workspace").arg(&demo.dir).arg("--state-dir").arg(demo.state_dir()).args(args).stdin(Stdio::null());
    command
}

fn said(demo: &Demo, args: &[&str]) -> Value {
    let output = flowdeck(demo, args).output().expect("flowdeck");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a document")
}

fn version(round: usize) -> String {
    format!("v2.{round}.0")
}

/// Brings a version to production, through its gate, and lets it bake.
fn release(demo: &Demo, round: usize) {
    let input = format!("version={}", version(round));
    let begun = said(demo, &["run", "release", "-i", &input, "-i", "bake=600ms", "--detach", "--json"]);
    agree(demo, begun["id"].as_str().expect("an id"));
    assert_eq!(answer(&demo.urls[1]).expect("an answer"), version(round));
}

/// Says yes to the request of a run, and waits for its end.
fn agree(demo: &Demo, id: &str) {
    let gate = loop {
        let gates = said(demo, &["gates", "--json"]);
        if let Some(gate) = gates["gates"].as_array().expect("gates").iter().find(|gate| gate["run_id"] == id) {
            break gate.clone();
        }
    };
    let (name, digest) = (gate["id"].as_str().expect("an id"), gate["digest"].as_str().expect("a digest"));
    said(demo, &["gates", "approve", name, "--digest", digest, "--reason", "bench", "--json"]);
    let ended = flowdeck(demo, &["runs", "logs", id, "--follow"]).output().expect("flowdeck");
    assert!(ended.status.success());
    assert_eq!(said(demo, &["runs", "show", id, "--json"])["status"], "succeeded");
}

/// A pipeline for going back is agreed to once, like every deployment; from then on one person's word is enough.
fn first_way_back(demo: &Demo) {
    let begun = said(demo, &["rollback", "production", "--reason", "bench", "--detach", "--json"]);
    agree(demo, begun["id"].as_str().expect("an id"));
    assert_eq!(answer(&demo.urls[1]).expect("an answer"), version(0));
}

/// From the confirmation to the old version's first answer.
fn go_back(demo: &Demo, round: usize) -> Duration {
    let old = version(0);
    let began = Instant::now();
    let args = ["rollback", "production", "--to", &old, "--reason", "bench", "--json"];
    let mut command = flowdeck(demo, &args).stdout(Stdio::null()).spawn().expect("flowdeck");
    while answer(&demo.urls[1]).as_deref() != Some(old.as_str()) {
        assert!(began.elapsed() < Duration::from_secs(60), "round {round} never went back");
    }
    let took = began.elapsed();
    assert!(command.wait().expect("its end").success());
    took
}

/// A copy of its own, on a free port.
fn start(dir: &Path) -> Duration {
    let place = dir.join("alone");
    fs::create_dir_all(&place).expect("a directory");
    let settings = service::Place { environment: "alone".to_owned(), port: 0, leash: None };
    fs::write(place.join("service.json"), json!(settings).to_string()).expect("its place");
    fs::write(place.join("release.json"), json!({"version": "v1"}).to_string()).expect("its release");
    let began = Instant::now();
    let port = supervise::start(Path::new(EXE), &place).expect("a copy");
    assert_eq!(answer(&format!("http://127.0.0.1:{port}")).as_deref(), Some("v1"));
    let took = began.elapsed();
    supervise::stop(&place).expect("its end");
    took
}

/// The version that an address answers.
fn answer(url: &str) -> Option<String> {
    let mut stream = TcpStream::connect(url.strip_prefix("http://")?).ok()?;
    stream.write_all(b"GET /version HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1)?).ok()?;
    body["version"].as_str().map(str::to_owned)
}

fn line(what: &str, mut times: Vec<Duration>, promise: &str) {
    times.sort();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what:<58} {:>9.1} ms {:>9.1} ms  {promise}", median.as_secs_f64() * 1000.0, longest.as_secs_f64() * 1000.0);
    if !promise.is_empty() {
        assert!(longest <= PROMISE, "longer than promised");
    }
}
