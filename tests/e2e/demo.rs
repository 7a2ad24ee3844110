//! The demo without a terminal: the whole story of a good version and a bad one; it ends by its result and leaves nothing at work.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal};

use super::support::{Said, finish, kill, processes_naming, until};

/// A demo whose every process has `dir` in its arguments or environment.
fn demo(dir: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowdeck"));
    command.args(["demo", "--headless"]).args(args).env("TMPDIR", dir).env_remove("FLOWDECK_STATE_DIR");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("flowdeck starts")
}

fn nothing_is_left(dir: &Path) {
    let needle = dir.to_str().expect("a plain path");
    until("nothing of the demo is at work", || processes_naming(needle).is_empty());
}

/// Reads what the demo says up to a sentence.
fn hear(child: &mut Child, sentence: &str) -> BufReader<std::process::ChildStdout> {
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    while out.read_line(&mut line).expect("text") > 0 && !line.contains(sentence) {
        line.clear();
    }
    assert!(line.contains(sentence), "it never said {sentence}");
    out
}

/// What the demo says stands in this order.
fn in_order(said: &Said, sentences: &[&str]) {
    let mut rest = said.out.as_str();
    for sentence in sentences {
        let at = rest.find(sentence).unwrap_or_else(|| panic!("no `{sentence}` where it should be: {said:#?}"));
        rest = &rest[at + sentence.len()..];
    }
}

#[test]
fn a_good_version_goes_through_its_gate_and_a_bad_one_is_taken_back_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let said = finish(demo(dir.path(), &[]));
    assert_eq!(said.code, Some(0), "{said:#?}");
    let good = [
        "stage staging-",
        "the demo agrees: flowdeck gates approve",
        "stage deploy-production started",
        "traffic is at 10 %",
        "traffic is at 100 %",
        "take-over | v1.1.0 answers everything",
        "production answers v1.1.0",
    ];
    let bad = [
        "test | v1.2.0 comes up, is healthy",
        "the demo agrees: flowdeck gates approve",
        "canary | traffic is back at 0 %",
        "retire | v1.2.0 is retired",
        "production answers v1.1.0",
        "release v1.2.0 is bad: the analysis `error rate` failed at ",
        "production is held by engine",
    ];
    in_order(&said, &[&good[..], &bad[..]].concat());
    nothing_is_left(dir.path());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the temporary workspace is gone");
}

#[test]
fn a_directory_of_ones_own_serves_twice_and_keeps_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("my demo");
    for round in 0..2 {
        let said: Said = finish(demo(dir.path(), &[place.to_str().unwrap()]));
        assert_eq!(said.code, Some(0), "round {round}: {said:#?}");
        nothing_is_left(dir.path());
        fs::write(place.join("pipelines/mine.yaml"), "id: mine\nstages: [{id: a, type: logger, config: {message: hi}}]\n")
            .unwrap();
    }
    assert!(place.join("pipelines/mine.yaml").exists());
}

#[test]
fn a_first_version_that_is_bad_ends_the_story_and_production_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("demo");
    let said = finish(demo(dir.path(), &["-i", "error_rate=1", place.to_str().unwrap()]));
    assert_eq!(said.code, Some(1), "{said:#?}");
    in_order(&said, &["stage canary failed", "retire | v1.1.0 is retired", "the demo ends here"]);
    assert!(!said.out.contains("stage take-over started"), "{said:#?}");
    let routes = fs::read_to_string(place.join("environments/production/front/routes.json")).unwrap();
    assert!(routes.contains("v1.0.0") && !routes.contains("v1.1.0"), "{routes}");
    nothing_is_left(dir.path());
}

#[test]
fn a_signal_in_the_middle_takes_everything_down() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = demo(dir.path(), &[]);
        let out = hear(&mut child, "stage build");
        rustix::process::kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        drop(out);
        let said = finish(child);
        assert_eq!(said.code, Some(code), "{said:#?}");
        nothing_is_left(dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the temporary workspace is gone");
    }
}

#[test]
fn services_let_go_of_a_demo_that_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = demo(dir.path(), &[]);
    let _out = hear(&mut child, "demo in ");
    kill(i32::try_from(child.id()).unwrap());
    finish(child);
    let place = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let services = place.join("environments");
    until("no copy of the service is left", || {
        let named = processes_naming(services.to_str().unwrap());
        named.iter().all(|pid| !fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().contains("service"))
    });
    // The engine would stop by itself when the release has ended and it has been idle.
    let mut stop = Command::new(env!("CARGO_BIN_EXE_flowdeck"));
    stop.arg("--workspace").arg(&place).arg("--state-dir").arg(place.join("state"));
    assert!(stop.args(["engine", "stop"]).stdout(Stdio::null()).status().unwrap().success());
}
