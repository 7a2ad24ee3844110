//! What a stage costs, beside the physical limit or a peer measured in the same run.
//!
//! `cargo bench --bench stages`; every line gives our median, the other's median, and the ratio that the product
//! promises. An absolute time says little on a shared machine; the ratio is what counts.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Place, median, peak, row};

const CHAIN: usize = 200;
const WIDE: usize = 1000;
const AT_ONCE: usize = 16;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<44} {:>12} {:>12} {:>8}  promise", "stages, durable", "ours", "limit/peer", "ratio");
    chain();
    wide();
    linear();
    transforms();
    loops();
}

fn shell(id: usize, after: Option<usize>) -> String {
    let after = after.map(|n| format!(r#","depends_on":["s{n}"]"#)).unwrap_or_default();
    format!(r#"{{"id":"s{id}","type":"shell","config":{{"run":"true"}}{after}}}"#)
}

fn pipeline(concurrency: usize, stages: &[String]) -> String {
    format!(r#"{{"id":"bench","max_concurrency":{concurrency},"stages":[{}]}}"#, stages.join(","))
}

fn chain() {
    let place = Place::new();
    let stages: Vec<String> = (0..CHAIN).map(|n| shell(n, n.checked_sub(1))).collect();
    place.pipeline("chain", &pipeline(AT_ONCE, &stages));
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        limit.push(sync_and_spawn(&place));
        ours.push(place.run("chain"));
    }
    row(&format!("chain of {CHAIN} `true`"), median(ours), median(limit), "<= 2.0");
}

/// The least a durable executor does: one synced record and one process per stage.
fn sync_and_spawn(place: &Place) -> Duration {
    let mut journal = OpenOptions::new().create(true).append(true).open(place.file("journal")).expect("journal");
    let began = Instant::now();
    for _ in 0..CHAIN {
        journal.write_all(&[b'x'; 256]).expect("write");
        journal.sync_data().expect("sync");
        let status = Command::new("sh").args(["-c", "true"]).stdin(Stdio::null()).status().expect("sh");
        assert!(status.success());
    }
    began.elapsed()
}

fn wide() {
    let place = Place::new();
    let stages: Vec<String> = (0..WIDE).map(|n| shell(n, None)).collect();
    place.pipeline("wide", &pipeline(AT_ONCE, &stages));
    if Command::new("ninja").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("{WIDE} independent: ninja is not installed, no peer");
        return;
    }
    let mut build = String::from("rule t\n  command = sh -c true\n");
    let outputs: Vec<String> = (0..WIDE).map(|n| format!("s{n}")).collect();
    for output in &outputs {
        writeln!(build, "build {output}: t").expect("text");
    }
    writeln!(build, "build all: phony {}\ndefault all", outputs.join(" ")).expect("text");
    fs::write(place.file("build.ninja"), build).expect("build.ninja");
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let began = Instant::now();
        let status =
            Command::new("ninja").args(["-j", &AT_ONCE.to_string()]).current_dir(place.path()).stdout(Stdio::null()).status();
        assert!(status.expect("ninja").success());
        peer.push(began.elapsed());
        ours.push(place.run("wide"));
    }
    row(&format!("{WIDE} independent, {AT_ONCE} at once, beside ninja"), median(ours), median(peer), "<= 2.0");
}

/// The cost of one stage must not grow with their number.
fn linear() {
    let per_stage = |count: usize| {
        let place = Place::new();
        let stages: Vec<String> = (0..count).map(|n| shell(n, None)).collect();
        place.pipeline("many", &pipeline(AT_ONCE, &stages));
        place.run("many") / u32::try_from(count).expect("a count")
    };
    let (small, large) = (per_stage(1_000), per_stage(10_000));
    row("one stage of 10 000, beside one of 1 000", large, small, "<= 1.3");
}

fn transforms() {
    let count: u32 = 10_000;
    let stage = |n: u32| {
        let after = if n == 0 { String::new() } else { format!(r#","depends_on":["s{}"]"#, n - 1) };
        let value = if n == 0 { "{{1}}".to_owned() } else { format!("{{{{upstream.s{}.n + 1}}}}", n - 1) };
        format!(r#"{{"id":"s{n}","type":"json-transform","config":{{"template":{{"n":"{value}"}}}}{after}}}"#)
    };
    for (name, chained) in [("a chain", true), ("side by side", false)] {
        let place = Place::new();
        let stages: Vec<String> =
            (0..count).map(|n| if chained { stage(n) } else { stage(0).replace("s0", &format!("s{n}")) }).collect();
        place.pipeline("transforms", &pipeline(AT_ONCE, &stages));
        let took = median((0..3).map(|_| place.run_recorded("transforms")).collect());
        let rate = f64::from(count) / took.as_secs_f64();
        println!("{:<44} {:>10.0}/s {:>12} {:>8}  >= 5000/s", format!("{count} transforms, {name}"), rate, "", "");
    }
    // The file system's own word: how many records it syncs a second, one by one.
    let dir = tempfile::tempdir().expect("a directory");
    let mut file = File::create(dir.path().join("sync")).expect("a file");
    let began = Instant::now();
    for _ in 0..500 {
        file.write_all(&[0; 256]).expect("write");
        file.sync_data().expect("sync");
    }
    println!("{:<44} {:>10.0}/s", "(synced records, one by one)", 500.0 / began.elapsed().as_secs_f64());
}

/// Loops over many items, 16 at once: the time of 10 000, and the engine's memory with 100 000.
fn loops() {
    let text = |items: u32| {
        format!(
            r#"{{"id":"loop","stages":[
            {{"id":"each","type":"foreach","config":{{"items":"{{{{range({items})}}}}","loop_stages":["twice"],"parallel":true,"max_parallel":{AT_ONCE}}}}},
            {{"id":"twice","type":"json-transform","config":{{"template":"{{{{item * 2}}}}"}}}}]}}"#
        )
    };
    let place = Place::new();
    place.pipeline("loop", &text(10_000));
    let took = median((0..3).map(|_| place.run_recorded("loop")).collect());
    println!("{:<44} {:>9.2} ms {:>12} {:>8}  <= 10 s", "loop over 10 000 items", took.as_secs_f64() * 1000.0, "", "");
    let place = Place::new();
    place.pipeline("loop", &text(100_000));
    place.run("loop");
    println!(
        "{:<44} {:>8.0} MiB {:>12} {:>8}  < 500 MB",
        "engine's peak, loop over 100 000 items",
        peak(place.engine_pid()),
        "",
        ""
    );
}
