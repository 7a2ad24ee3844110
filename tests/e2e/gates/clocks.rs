//! Time only ever closes a gate.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{SHIP, SOLO, approve, approved_behind, decision, gate_of, gate_when, hold_the_lock, settings, solo, waiting};
use crate::support::finish;

#[test]
fn a_request_that_nobody_answers_expires_and_the_run_fails_with_3() {
    let workspace = solo(SHIP);
    settings(&workspace, &format!("{SOLO}approval = {{ expires = \"1s\" }}\n"));
    let said = finish(workspace.spawn(&["run", "p", "--json"]));
    let run = said.json();
    assert_eq!((said.code, &run["status"]), (Some(3), &"failed".into()), "{run:#}");
    assert_eq!(run["stages"]["ship"]["error"]["type"], "SECURITY");
    let id = run["id"].as_str().expect("an id");
    let gate = gate_of(&workspace, id, "expired");
    assert_ne!(workspace.say(&decision("approve", &gate)).code, Some(0));
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn a_request_expires_while_no_engine_runs() {
    let workspace = solo(SHIP);
    settings(&workspace, &format!("{SOLO}approval = {{ expires = \"1s\" }}\n"));
    let (id, _) = waiting(&workspace, "p");
    crate::support::kill(workspace.engine_pid());
    workspace.say(&["runs", "logs", &id, "--follow"]);
    gate_of(&workspace, &id, "expired");
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn an_approval_that_was_not_used_in_time_is_void() {
    let workspace = solo(SHIP);
    hold_the_lock(&workspace);
    settings(&workspace, &format!("{SOLO}approval = {{ valid = \"1s\" }}\n"));
    let (id, _) = approved_behind(&workspace, "p");
    // The lock is held all the time: the approval lapses while it waits.
    let new = gate_when(&workspace, &id, "renewed", |gate| gate["generation"] == 2);
    assert_eq!(new["reason"], "it was not started within 1 s of its approval");
    workspace.release("go");
    assert_eq!((gate_of(&workspace, &id, "pending")["generation"].clone(), workspace.read("effects")), (2.into(), String::new()));
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// Freeze windows begin on the minute, so this takes up to one and a quarter.
#[test]
fn a_freeze_that_begins_between_the_approval_and_the_start_asks_again() {
    let workspace = solo(SHIP);
    let begins = (now() + Duration::from_secs(15)).as_secs().div_ceil(60) * 60;
    let (hour, minute) = (begins / 3600 % 24, begins / 60 % 60);
    let freeze =
        format!("freeze = [{{ cron = \"{minute} {hour} * * *\", duration = \"1h\", timezone = \"UTC\", reason = \"fair\" }}]\n");
    settings(&workspace, &format!("{SOLO}{freeze}"));
    hold_the_lock(&workspace);
    let (id, gate) = approved_behind(&workspace, "p");
    assert!(now().as_secs() < begins, "this machine took 15 seconds to approve: {gate:#}");
    let since = Instant::now();
    while now().as_secs() < begins {
        assert!(since.elapsed() < Duration::from_secs(90), "the clock stands still");
        std::thread::park_timeout(Duration::from_secs(begins).saturating_sub(now()));
    }
    workspace.release("go");
    let new = gate_when(&workspace, &id, "renewed", |gate| gate["generation"] == 2);
    assert_eq!(new["reason"], "a freeze began after the approval: fair");
    // Who approves in the freeze knows of it, and waits for its end all the same.
    approve(&workspace, &new);
    let held = gate_of(&workspace, &id, "approved");
    assert!(held["blockers"].to_string().contains("frozen until"), "{held:#}");
    assert_eq!(workspace.read("effects"), "");
}
