//! Approvals in the console of the real binary, on a real engine: by another user of the system, and by nobody who is not
//! really there.

use std::time::Duration;

use serde_json::Value;

use super::console::command;
use super::people::{Member, Place};
use super::pty::Console;
use super::support::{Workspace, until};

const SHIP: &str = r#"
id: ship
stages:
  - {id: build, type: shell, config: {run: 'echo built'}}
  - {id: publish, type: shell, environment: production, depends_on: [build], config: {run: 'echo shipped >> effects'}}
"#;

/// Longer than keys that came together lie apart, and than what was typed ahead stays on its way.
const APART: Duration = Duration::from_millis(20);
const SETTLED: Duration = Duration::from_millis(250);

/// Whoever runs the engine may approve here, so that one user is enough.
const ALONE: &str = "[environments.production]\nprotected = true\nseparation = false\n";

/// Takes what the terminal is sent until nothing has come for so long.
fn quiet(console: &mut Console, time: Duration) {
    while console.read(time) {}
}

/// Types as fingers do: every key after the one before is on the screen.
fn type_slowly(console: &mut Console, field: &str, text: &str) {
    for end in 1..=text.len() {
        quiet(console, APART);
        console.type_keys(&text[end - 1..end]);
        console.wait_for(&format!("{field:<14}{}", &text[..end]));
    }
    quiet(console, APART);
}

/// The first eight digits of the request on screen.
fn digits(console: &Console) -> String {
    let screen = console.screen();
    let line = screen.lines().find(|line| line.trim_start().starts_with("digest ")).unwrap_or_else(|| panic!("{screen}"));
    line.split_whitespace().nth(1).and_then(|digest| digest.get(..8)).expect("a digest").to_owned()
}

/// A console on the request, which is in view.
fn on_request(mut console: Console) -> Console {
    // Nothing is asked for before the console knows that its engine is there.
    console.wait_for("1 for you");
    console.wait_for("  connected");
    console.type_keys("5");
    console.wait_for("stage publish of ship");
    console.wait_for("digest ");
    console
}

fn ask(console: &mut Console) {
    console.type_keys("a");
    console.wait_for("Approve the start in production?");
    console.wait_until_gone("not armed yet");
    quiet(console, SETTLED);
}

fn answer(console: &mut Console, digits: &str) {
    ask(console);
    type_slowly(console, "reason", "ticket");
    console.type_keys("\t");
    type_slowly(console, "environment", "production");
    console.type_keys("\r");
    type_slowly(console, "digest", digits);
    console.wait_for("enter answers");
    console.type_keys("\r");
    console.wait_for("approved: publish");
}

fn waits(workspace: &Workspace, run: &str) -> bool {
    let shown: Value = workspace.ok(&["runs", "show", run, "--json"]).json();
    shown["stages"]["publish"]["status"] == "waiting_approval"
}

/// A workspace whose run waits at the gate.
fn waiting() -> (Workspace, String) {
    let workspace = Workspace::with("ship.yaml", SHIP);
    std::fs::write(workspace.file("flowdeck.toml"), ALONE).expect("the file");
    let run = workspace.detach("ship");
    until("the gate", || waits(&workspace, &run));
    (workspace, run)
}

fn open(workspace: &Workspace, args: &[&str]) -> Console {
    on_request(Console::spawn(command(workspace, workspace.state(), args), 100, 30))
}

#[test]
fn what_is_typed_ahead_or_pasted_approves_nothing_and_what_is_typed_does() {
    let (workspace, run) = waiting();
    let mut console = open(&workspace, &[]);
    let digits = digits(&console);
    // Everything that it takes, in one write: the question opens on its first byte.
    console.type_keys(&format!("aticket\tproduction\r{digits}\r"));
    console.wait_until_gone("not armed yet");
    quiet(&mut console, SETTLED);
    assert!(console.screen().contains("Approve the start") && waits(&workspace, &run), "{}", console.screen());
    // The same in a paste, and in a burst of a terminal that knows no paste, into the open question.
    console.type_keys(&format!("\x1b[200~ticket\tproduction\r{digits}\r\x1b[201~"));
    console.wait_for("a paste is not taken");
    quiet(&mut console, SETTLED);
    console.type_keys(&format!("ticket\tproduction\r{digits}\r"));
    quiet(&mut console, SETTLED);
    assert!(waits(&workspace, &run), "{}", console.screen());
    console.type_keys("\x1b");
    console.wait_until_gone("Approve the start");
    answer(&mut console, &digits);
    assert_eq!(workspace.wait(&run)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "shipped\n");
    console.type_keys("8");
    console.wait_for("gate.approved");
    console.type_keys("V");
    console.wait_for("the chain is whole");
}

#[test]
fn a_read_only_console_shows_the_request_and_answers_nothing() {
    let (workspace, run) = waiting();
    let mut console = open(&workspace, &["--read-only"]);
    for key in ["a", "x", "w"] {
        console.type_keys(key);
        console.wait_for("this console is read-only");
    }
    assert!(!console.screen().contains("in production?") && waits(&workspace, &run));
    workspace.ok(&["runs", "cancel", &run]);
    console.wait_for("nothing waits for anybody");
}

#[test]
fn another_user_approves_in_their_console_and_whoever_started_the_run_cannot() {
    let Some(member) = Member::new() else { return };
    let place = Place::new(SHIP, "");
    place.settings(&format!(
        "[engine]\ngroup = {0:?}\n[access.roles]\ndeployer = {{ users = [\"root\"] }}\n\
         approver = {{ groups = [{0:?}], environments = [\"production\"] }}\n\
         [environments.production]\nprotected = true\nrules = [{{ name = \"release\", groups = [{0:?}], min = 1 }}]\n",
        member.group
    ));
    let workspace = &place.workspace;
    workspace.ok(&["engine", "start"]);
    let run = workspace.detach("p");
    until("the gate", || waits(workspace, &run));

    let mut own = Console::spawn(command(workspace, workspace.state(), &[]), 100, 30);
    own.wait_for("1 gate");
    own.type_keys("5");
    own.wait_for("approve   not now: root may not decide about requests for production");
    own.type_keys("a");
    quiet(&mut own, SETTLED);
    assert!(!own.screen().contains("Approve the start"), "{}", own.screen());

    let mut console = on_request(Console::spawn(member.terminal(&place, &[]), 100, 30));
    console.wait_for(&format!("you are {}", member.user));
    let digits = digits(&console);
    answer(&mut console, &digits);
    assert_eq!(workspace.wait(&run)["status"], "succeeded");
    own.wait_for("nothing waits for anybody");
    let said = workspace.ok(&["audit", "--json", "list", "--action", "gate.decided"]).json();
    assert_eq!(said["records"][0]["actor"], member.user.as_str(), "{said:#}");
}
