//! However the real binary ends, the terminal is byte for byte as before: line settings, and every mode unset in reverse.

use rustix::process::Signal;

use super::console::command;
use super::modes::assert_balanced;
use super::pty::Console;
use super::support::Workspace;

const ENTERED: &[u8] = b"\x1b[?1049h";

fn workspace() -> Workspace {
    Workspace::with("hello.yaml", "id: hello\nstages: [{id: s, type: shell, config: {run: echo hi}}]\n")
}

fn open(workspace: &Workspace, panic: &str) -> Console {
    let command = command(workspace, workspace.state(), &[]).env("FLOWDECK_TEST_PANIC", panic).env("RUST_BACKTRACE", "0");
    let mut console = Console::spawn(command, 100, 30);
    console.wait_for("connected");
    assert!(console.is_raw() && console.holds(ENTERED));
    // The mouse is a mode like the others.
    console.type_keys("m");
    console.wait_for_bytes(b"\x1b[?1006h");
    console
}

fn assert_as_before(console: &mut Console) {
    console.assert_restored();
    assert_balanced(console.bytes());
}

#[test]
fn quitting_leaves_the_terminal_as_it_was() {
    let workspace = workspace();
    let mut console = open(&workspace, "");
    console.type_keys("q");
    console.wait_for_exit();
    assert_as_before(&mut console);
}

#[test]
fn so_do_the_signals_that_end_it() {
    let workspace = workspace();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut console = open(&workspace, "");
        console.signal(signal);
        console.wait_for_exit();
        assert_as_before(&mut console);
    }
}

#[test]
fn so_does_a_panic_in_the_console_in_a_task_or_in_a_thread() {
    let workspace = workspace();
    for part in ["console", "task", "thread"] {
        let mut console = open(&workspace, part);
        console.signal(Signal::USR1);
        console.wait_for_exit();
        assert_as_before(&mut console);
        assert!(console.screen().contains("a failure on purpose"), "{part}: {}", console.screen());
    }
}

#[test]
fn so_does_a_stop_and_going_on_sets_everything_again() {
    let workspace = workspace();
    for from_outside in [false, true] {
        let mut console = open(&workspace, "");
        if from_outside {
            console.signal(Signal::TSTP);
        } else {
            console.type_keys("\x1a");
        }
        console.wait_until_stopped();
        assert_as_before(&mut console);
        console.forget_bytes();
        console.signal(Signal::CONT);
        console.wait_for("connected");
        assert!(console.is_raw() && console.holds(ENTERED) && console.holds(b"\x1b[?1006h"));
        console.type_keys("q");
        console.wait_for_exit();
        assert_as_before(&mut console);
    }
}

#[test]
fn a_plain_terminal_is_wiped_and_never_sent_what_it_does_not_know() {
    let workspace = workspace();
    for term in ["linux", "vt100", "dumb"] {
        let mut console = Console::spawn(command(&workspace, workspace.state(), &[]).env("TERM", term), 80, 24);
        console.wait_for("connected");
        console.type_keys("m2");
        console.wait_for("Runs  0");
        console.type_keys("q");
        console.wait_for_exit();
        console.assert_restored();
        for sequence in [&b"\x1b]"[..], b"\x1b[?1049", b"\x1b[?2004", b"\x1b[?2026", b"\x1b[?1000"] {
            assert!(!console.holds(sequence), "{term}: {}", String::from_utf8_lossy(sequence).escape_debug());
        }
        assert_eq!(console.screen(), "", "{term}");
    }
}
