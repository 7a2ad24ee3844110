//! The console in a real pseudo-terminal: modes, signals, panics, idling, a terminal that does not drain.
//!
//! Each test starts this very test binary again in a pty, where `console_in_the_pty` runs the console on a scripted engine.

mod harness {
    pub mod child;
    pub mod pty;
}

use std::time::Duration;

use harness::child::{HELD, RESIZED, start, start_gated};
use rustix::process::Signal;

#[test]
#[ignore = "run by the other tests, inside a pty"]
fn console_in_the_pty() {
    harness::child::run();
}

const ENTERED: &[u8] = b"\x1b[?1049h";
const LEFT: &[u8] = b"\x1b[?1049l";

#[test]
fn the_first_frame_comes_and_quitting_gives_the_terminal_back() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    assert!(console.holds(ENTERED) && console.is_raw());
    console.type_keys("q");
    console.wait_for_exit();
    assert!(console.holds(LEFT) && console.holds(b"\x1b[?2004l") && console.holds(b"\x1b[?25h"));
    assert!(!console.is_raw());
    console.assert_restored();
}

#[test]
fn the_farewell_is_printed_on_the_terminal_as_it_was() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("deploy");
    console.type_keys("2j\r");
    console.wait_for("unit-tests");
    console.type_keys("q");
    console.wait_for_exit();
    assert!(console.screen().contains("deploy 1v9r8p0-bbbbb failed"), "{}", console.screen());
    assert!(console.screen().contains("flowdeck runs show 1v9r8p0-bbbbb"));
}

#[test]
fn nothing_is_asked_of_the_terminal() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    console.type_keys("q");
    console.wait_for_exit();
    for query in [&b"\x1b[c"[..], b"\x1b[6n", b"\x1b[5n", b"\x1b[>c", b"\x1b[?u", b"\x1b]11;?", b"\x1b[>0q", b"\x1bP+q"] {
        assert!(!console.holds(query), "{}", String::from_utf8_lossy(query).escape_debug());
    }
}

#[test]
fn signals_end_the_console_and_give_the_terminal_back() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut console = start("quiet", 80, 24);
        console.wait_for("Services");
        console.signal(signal);
        console.wait_for_exit();
        console.assert_restored();
        assert!(console.holds(LEFT), "{signal:?}");
    }
}

#[test]
fn a_panic_in_any_task_or_thread_gives_the_terminal_back_once_and_its_message_is_readable() {
    for part in ["panic-task", "panic-thread"] {
        let mut console = start(part, 80, 24);
        console.wait_for_exit();
        console.assert_restored();
        assert_eq!(console.count(LEFT), 1, "{part}");
        assert!(console.screen().contains("a scripted failure"), "{part}: {}", console.screen());
        assert!(console.screen().contains("a part of the console failed"), "{part}: {}", console.screen());
    }
}

#[test]
fn stopping_gives_the_terminal_to_the_shell_and_going_on_paints_everything_again() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    console.type_keys("\x1a");
    console.wait_until_stopped();
    console.assert_restored();
    console.forget_bytes();
    console.signal(Signal::CONT);
    console.wait_for_bytes(ENTERED);
    console.wait_for("Services");
    assert!(console.is_raw());
    console.type_keys("q");
    console.wait_for_exit();
    console.assert_restored();
}

#[test]
fn a_stop_from_outside_is_the_same() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    console.signal(Signal::TSTP);
    console.wait_until_stopped();
    console.assert_restored();
    console.signal(Signal::CONT);
    console.type_keys("2");
    console.wait_for("2 Runs");
    console.signal(Signal::TERM);
    console.wait_for_exit();
    console.assert_restored();
}

#[test]
fn a_hang_up_ends_the_console() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    console.hang_up();
    console.wait_for_exit();
}

#[test]
fn an_idle_console_writes_nothing_and_never_wakes_up() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    console.assert_idle(Duration::from_millis(300));
    console.type_keys("q");
    console.wait_for_exit();
}

#[test]
fn the_first_frame_is_small() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    console.type_keys("q");
    console.wait_for_exit();
    let bytes = console.bytes_between(ENTERED, LEFT);
    assert!(bytes <= 3 * 1024, "{bytes} bytes");
}

#[test]
fn a_storm_of_resizes_ends_in_a_picture_of_the_last_size() {
    let mut console = start("quiet", 80, 24);
    console.wait_for("Services");
    for step in 0u16..200 {
        console.resize(1 + (step * 37) % 180, 1 + (step * 23) % 60);
    }
    console.resize(100, 30);
    console.wait_for("q quit");
    console.type_keys("2");
    console.wait_for("2 Runs");
    console.type_keys("?");
    console.wait_for("show only runs that match");
    console.type_keys("qq");
    console.wait_for_exit();
    console.assert_restored();
}

#[test]
fn a_key_and_a_new_size_that_come_together_are_both_seen() {
    let mut console = start_gated("quiet", 80, 24);
    console.wait_for("Services");
    console.signal(Signal::USR1);
    console.wait_for_bytes(HELD);
    console.type_until_unread("0");
    console.resize(100, 30);
    console.wait_for_bytes(RESIZED);
    console.type_keys("2");
    console.signal(Signal::USR2);
    console.wait_for("2 Runs");
    console.wait("a picture of the new size", |console| console.parsed().contents_between(29, 0, 29, 100).contains("q quit"));
    console.type_keys("q");
    console.wait_for_exit();
}

#[test]
fn a_terminal_that_does_not_drain_does_not_keep_the_console_from_ending() {
    let mut console = start("flood", 200, 50);
    console.wait_for("deploy");
    console.stop_reading();
    console.type_keys("2\r");
    console.wait_until_full();
    console.signal(Signal::TERM);
    console.wait_for_exit();
}
