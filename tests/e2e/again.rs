//! A run once more: replayed in the console and as lines, and run again with an edited config, with the real binary.

use serde_json::Value;

use super::console::command;
use super::pty::Console;
use super::support::Workspace;

/// Fails until its second stage is edited; says what it was asked to.
const SHIP: &str = "\
# How we ship.
id: ship
stages:
  - id: build
    type: shell
    config: {run: 'echo built >> effects; echo building'}
  - id: test
    type: shell
    depends_on: [build]
    config:
      run: |
        echo testing
        exit 3   # not yet
";

fn failed() -> Workspace {
    let workspace = Workspace::with("ship.yaml", SHIP);
    assert_eq!(workspace.say(&["run", "ship", "--plain"]).code, Some(1));
    workspace
}

fn open(workspace: &Workspace, args: &[&str]) -> Console {
    Console::spawn(command(workspace, workspace.state(), args), 100, 30)
}

#[test]
fn a_replay_in_the_console_goes_from_the_creation_to_the_failure_and_leaves_the_run_alone() {
    let workspace = failed();
    let mut console = open(&workspace, &["runs", "replay", "last", "--speed", "0.01"]);
    console.wait_for("replay playing 0.01x");
    console.type_keys(" 0");
    console.wait_for("paused");
    console.wait_for("event 1/");
    console.wait_for("queued");
    console.type_keys("F");
    console.wait_for("EXECUTION");
    console.wait_for("testing");
    console.type_keys("x");
    console.wait_for("this is a replay");
    console.type_keys("$");
    console.wait_for("failed");
    console.type_keys("\x1b");
    console.wait_until_gone("replay paused");
    console.type_keys("q");
    console.wait_for_exit();
    console.assert_restored();
    let runs = workspace.ok(&["runs", "--json"]).json();
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(1), "{runs:#}");
}

#[test]
fn a_replay_as_lines_says_what_happened_when_without_waiting() {
    let workspace = failed();
    let said = workspace.ok(&["runs", "replay", "last", "--plain"]);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].trim_start().starts_with("+0.000 s run "), "{}", said.out);
    let told = ["stage build started", "stage build succeeded", "stage test started", "stage test failed", " failed: "];
    let mut rest = said.out.as_str();
    for sentence in told {
        let at = rest.find(sentence).unwrap_or_else(|| panic!("{sentence} in {}", said.out));
        rest = &rest[at + sentence.len()..];
    }
    assert!(lines.iter().all(|line| line.trim_start().starts_with('+')), "{}", said.out);
    assert_eq!(workspace.ok(&["runs", "replay", "last", "--plain", "--from", "1h"]).out, "", "nothing happened later");
    let events = workspace.ok(&["runs", "replay", "last", "--json"]).json();
    let kinds: Vec<&str> =
        events["events"].as_array().expect("a list").iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"run_created"), Some(&"run_finished")), "{events:#}");
}

#[test]
fn a_config_edited_in_the_console_runs_as_a_pipeline_of_its_own_and_says_so() {
    let workspace = failed();
    let old = workspace.ok(&["runs", "show", "last", "--json"]).json();
    let mut console = open(&workspace, &[]);
    console.wait_for("test: exit code 3");
    console.type_keys("3");
    console.wait_for("EXECUTION");
    console.type_keys("E");
    console.wait_for("Config of test");
    console.wait_for("valid  unchanged");
    // To the end of the text: the line that fails is put behind an `exit 0`.
    console.type_keys("\x1b[B\x1b[B");
    console.type_keys("  exit 0\r");
    console.wait_for("valid  changed");
    console.type_keys("\x13");
    console.wait_for("as edited here");
    console.wait_for("+         exit 0");
    console.type_keys("j\r");
    console.wait_for("succeeded");
    console.wait_for("edited from");
    let new = workspace.wait("last");
    let hash = |run: &Value| run["pipeline"]["hash"].as_str().expect("a hash").to_owned();
    assert_eq!(new["status"], "succeeded", "{new:#}");
    assert_eq!(new["rerun_of"], old["id"]);
    assert_eq!(new["pipeline"]["edited_from"], old["pipeline"]["hash"]);
    assert_ne!(hash(&new), hash(&old), "the edited document is pinned as its own");
    assert_eq!(workspace.read("effects"), "built\n", "what had succeeded was taken over");
    assert_eq!(workspace.read("pipelines/ship.yaml"), SHIP, "the file is nobody's but the user's");
    let shown = workspace.ok(&["runs", "show", "last"]).out;
    assert!(shown.contains(&format!("edited from {}", &hash(&old)[..12])), "{shown}");
    // Again without another edit: still the edited one.
    workspace.ok(&["runs", "rerun", "last", "--all"]);
    let again = workspace.ok(&["runs", "show", "last", "--json"]).json();
    assert_eq!(hash(&again), hash(&new));
    assert_eq!(again["pipeline"]["edited_from"], old["pipeline"]["hash"]);
}
