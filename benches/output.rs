//! What a flood of output costs: the stage's child, the log on disk, beside `cat` into a file.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Place, median, row};

const LINES: usize = 1_000_000;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<44} {:>12} {:>12} {:>8}  promise", "output", "ours", "limit/peer", "ratio");
    let place = Place::new();
    // Exactly 120 bytes a line, the newline included.
    let line = format!("{}\n", "0123456789abcdefghij".repeat(6).split_at(119).0);
    fs::write(place.file("lines"), line.repeat(LINES)).expect("lines");
    place.pipeline("flood", r#"{"id":"flood","stages":[{"id":"s","type":"shell","config":{"run":"cat lines"}}]}"#);
    place.pipeline(
        "secret",
        r#"{"id":"secret","stages":[{"id":"s","type":"shell","config":{"run":"cat lines","env":{"T":"{{env.BENCH_TOKEN}}"}}}]}"#,
    );
    let (mut limit, mut ours, mut masked) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        limit.push(pipe_into_cat(&place));
        ours.push(place.run("flood"));
        masked.push(run_with_token(&place));
    }
    let limit = median(limit);
    row("1 000 000 lines of 120 bytes", median(ours), limit, "<= 3.0");
    row("the same, with a secret to look for", median(masked), limit, "<= 3.0");
}

fn pipe_into_cat(place: &Place) -> Duration {
    let began = Instant::now();
    let status = Command::new("sh").args(["-c", "cat lines | cat > copy"]).current_dir(place.path()).status();
    assert!(status.expect("sh").success());
    began.elapsed()
}

fn run_with_token(place: &Place) -> Duration {
    let began = Instant::now();
    let mut command = place.command(&["run", "secret", "--json"]);
    let status = command.env("BENCH_TOKEN", "tok-81e7-4f9d2c-not-in-there").stdout(Stdio::null()).status();
    assert!(status.expect("flowdeck").success());
    began.elapsed()
}
