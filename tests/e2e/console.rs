//! The console of the real binary in a real terminal, on a real engine: leaving, losing things, hostile input.

use std::path::Path;
use std::time::{Duration, Instant};

use pty_process::blocking::Command;
use rustix::process::Signal;
use serde_json::Value;

use super::pty::Console;
use super::support::{Workspace, is_alive, kill};

/// A stage that says where it is, waits to be let go on, and one after it.
pub const STEP: &str = r#"
id: step
stages:
  - id: first
    type: shell
    config:
      run: |
        echo before; echo $$ > up; cat go; echo after; echo first >> effects
  - id: second
    type: shell
    depends_on: [first]
    config: {run: 'echo second >> effects; echo all-done'}
"#;

const LEFT: &[u8] = b"\x1b[?1049l";

fn step() -> Workspace {
    let workspace = Workspace::with("step.yaml", STEP);
    workspace.fifo("up");
    workspace.fifo("go");
    workspace
}

pub fn command(workspace: &Workspace, state: &Path, args: &[&str]) -> Command {
    Command::new(env!("CARGO_BIN_EXE_flowdeck"))
        .args(args)
        .current_dir(workspace.file(""))
        .env("FLOWDECK_STATE_DIR", state)
        .env("FLOWDECK_IDLE_TIMEOUT", "never")
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("NO_COLOR")
        .env_remove("TMUX")
}

fn open(workspace: &Workspace, args: &[&str]) -> Console {
    Console::spawn(command(workspace, workspace.state(), args), 100, 30)
}

/// A console on a run whose first stage waits; gives the stage's process too.
fn held(workspace: &Workspace) -> (Console, i32) {
    let mut console = open(workspace, &["run", "step"]);
    let stage = workspace.hear("up").trim().parse().expect("a process id");
    console.wait_for("before");
    (console, stage)
}

pub fn assert_whole(workspace: &Workspace, run: &Value) {
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(workspace.read("effects"), "first\nsecond\n");
    for stage in ["first", "second"] {
        assert_eq!(run["stages"][stage]["attempts"].as_array().map(Vec::len), Some(1), "{run:#}");
    }
}

#[test]
fn however_the_console_is_left_the_terminal_is_as_before_and_the_run_goes_on() {
    for way in [None, Some(Signal::INT), Some(Signal::TERM), Some(Signal::HUP)] {
        let workspace = step();
        let (mut console, stage) = held(&workspace);
        assert!(console.is_raw());
        match way {
            Some(signal) => console.signal(signal),
            None => console.type_keys("q"),
        }
        console.wait_for_exit();
        console.assert_restored();
        assert!(console.holds(LEFT) && console.holds(b"\x1b[?25h") && console.holds(b"\x1b[?2004l"), "{way:?}");
        assert!(is_alive(stage), "{way:?} reached the stage");
        workspace.release("go");
        assert_whole(&workspace, &workspace.wait("last"));
    }
}

#[test]
fn a_lost_terminal_ends_the_console_within_a_second_and_nothing_else() {
    let workspace = step();
    let (mut console, stage) = held(&workspace);
    let lost = Instant::now();
    console.hang_up();
    console.wait_for_exit();
    assert!(lost.elapsed() < Duration::from_secs(1), "{:?}", lost.elapsed());
    assert!(is_alive(stage), "the hang-up reached the stage");
    workspace.release("go");
    assert_whole(&workspace, &workspace.wait("last"));
}

#[test]
fn stopping_and_going_on_shows_what_happened_meanwhile() {
    let workspace = step();
    let (mut console, _) = held(&workspace);
    console.type_keys("\x1a");
    console.wait_until_stopped();
    console.assert_restored();
    console.forget_bytes();
    workspace.release("go");
    workspace.wait("last");
    console.signal(Signal::CONT);
    console.wait_for("all-done");
    console.wait_for("succeeded");
    assert!(console.is_raw());
    console.type_keys("q");
    console.wait_for_exit();
    console.assert_restored();
}

#[test]
fn an_engine_that_cannot_start_is_told_of_without_touching_the_terminal() {
    let workspace = step();
    let mut console = Console::spawn(command(&workspace, Path::new("/dev/null/state"), &[]), 100, 30);
    console.wait_for_exit();
    console.assert_restored();
    assert!(!console.holds(b"\x1b[?1049h"));
    assert!(console.screen().contains("error: "), "{}", console.screen());
}

#[test]
fn a_killed_engine_comes_back_under_the_open_console_and_the_screen_catches_up() {
    let workspace = step();
    let (mut console, stage) = held(&workspace);
    let engine = workspace.engine_pid();
    kill(engine);
    assert!(is_alive(stage), "the engine's death reached the stage");
    workspace.release("go");
    console.wait_for("all-done");
    console.wait_for("succeeded");
    console.wait_for(" connected");
    assert_ne!(workspace.engine_pid(), engine);
    assert_whole(&workspace, &workspace.wait("last"));
}

#[test]
fn a_killed_engine_comes_back_under_an_overview_that_shows_what_is_new() {
    let workspace = Workspace::with("hello.yaml", "id: hello\nstages: [{id: s, type: shell, config: {run: echo hi}}]\n");
    let mut console = open(&workspace, &[]);
    console.wait_for("connected");
    kill(workspace.engine_pid());
    workspace.ok(&["run", "hello", "--json"]);
    console.wait_for("hello");
    console.wait_for("succeeded");
}

#[test]
fn two_consoles_see_the_same_and_what_one_orders_the_other_shows() {
    let workspace = step();
    let (mut first, _) = held(&workspace);
    let mut second = open(&workspace, &[]);
    second.wait_for("step");
    second.type_keys("3");
    second.wait_for("before");
    second.type_keys("x");
    second.wait_for("Cancel this run?");
    second.type_keys("\t\r");
    for console in [&mut first, &mut second] {
        console.wait_for("cancelled");
    }
    assert_eq!(workspace.wait("last")["status"], "cancelled");
    first.type_keys("q");
    first.wait_for_exit();
    second.type_keys("2");
    second.wait_for("Runs  1");
}

#[test]
fn a_storm_of_resizes_under_a_talking_stage_ends_in_a_whole_picture() {
    let talk = "i=0; while [ ! -e enough ]; do i=$((i+1)); echo line $i; done; echo the-end";
    let workspace =
        Workspace::with("talk.yaml", &format!("id: talk\nstages: [{{id: s, type: shell, config: {{run: '{talk}'}}}}]\n"));
    let mut console = open(&workspace, &["run", "talk"]);
    console.wait_for("line ");
    for step in 0u16..200 {
        console.resize(1 + (step * 37) % 180, 1 + (step * 23) % 60);
    }
    console.resize(90, 28);
    std::fs::write(workspace.file("enough"), "").expect("a file");
    console.wait_for("the-end");
    console.wait_for("succeeded");
    console.wait_for("quit");
    let screen = console.screen();
    assert!(screen.starts_with(" flowdeck"), "{screen}");
    assert_eq!(screen.lines().filter(|line| line.contains(" flowdeck  1 ")).count(), 1, "{screen}");
}

#[test]
fn pasted_and_broken_input_orders_nothing() {
    let workspace = step();
    let (mut console, stage) = held(&workspace);
    // A paste full of keys that would cancel, quit and suspend, and what a terminal may answer or a mouse may send.
    console.type_keys("\x1b[200~x\t\rq\x03\x1a:quit\r\x1b[A\u{7f}\u{202e}\u{1f600}\x1b[201~");
    console.type_bytes(b"\xff\xfe\xc3(\x1b[?62;22c\x1b[<35;1;1M\x1b[12;40R\x1b[999999999999~\x1b[1;1;1;1;1u");
    console.type_keys("?");
    console.wait_for("walk to a stage before");
    console.type_keys("q");
    console.wait_until_gone("walk to a stage before");
    console.type_keys("13/");
    console.wait_until_gone("? help");
    console.type_keys("\x1b[200~be\x1b]0;owned\x07fore\r\nq\x1b[201~");
    console.type_keys("\x1b");
    assert!(!console.holds(b"\x1b]0;owned"));
    assert!(is_alive(stage));
    workspace.release("go");
    console.wait_for("all-done");
    assert_whole(&workspace, &workspace.wait("last"));
}

#[test]
fn what_a_stage_prints_never_drives_the_terminal() {
    // Title, clipboard, device control, queries, cursor moves, clearing, leaving the alternate screen, 8-bit controls,
    // backspaces, a bell, bidirectional overrides; leading zeros tell these sequences from the console's own.
    let evil = r"\033]0;owned\007\033]52;c;b3duZWQ=\007\033P+q544e\033\\\033[06n\033[0c\033[03;0007H\033[02J\033[?01049l\033c\033(0\233031mC1\302\23303J\b\b\b\a\r over \342\200\256 rtl\033[031mred\033[0m\n";
    let workspace = Workspace::with(
        "evil.yaml",
        &format!(
            "id: evil\nstages:\n  - {{id: s, type: shell, config: {{run: \"printf '%b' '{}'; echo visible\"}}}}\n",
            evil.replace('\\', r"\\")
        ),
    );
    let mut console = open(&workspace, &["run", "evil"]);
    console.wait_for("visible");
    console.wait_for("succeeded");
    for sequence in [
        &b"\x1b]0"[..],
        b"\x1b]5",
        b"\x1bP",
        b"\x1bc",
        b"\x1b(",
        b"\x1b[06n",
        b"\x1b[0c",
        b"\x1b[03;0007H",
        b"\x1b[02J",
        b"\x1b[?01049l",
        b"\x1b[031m",
        b"\x9b031m",
        b"\xc2\x9b",
        b"\x08",
        "\u{202e}".as_bytes(),
        b"\x0e",
        b"\x0f",
    ] {
        let shown = String::from_utf8_lossy(console.bytes()).escape_debug().to_string();
        assert!(!console.holds(sequence), "{} in {shown}", String::from_utf8_lossy(sequence).escape_debug());
    }
    // The console's own: the title, which ends in a bell, and a bell because the run it follows has ended.
    assert_eq!(console.count(b"\x1b]"), console.count(b"\x1b]2;flowdeck\x07"));
    assert!(console.count(b"\x07") <= 2);
    assert!(!console.holds(LEFT));
}

#[test]
fn an_idle_console_writes_nothing_and_uses_no_processor() {
    let workspace = Workspace::with("hello.yaml", "id: hello\nstages: [{id: s, type: shell, config: {run: echo hi}}]\n");
    workspace.ok(&["run", "hello", "--json"]);
    for args in [&[][..], &["run", "hello"]] {
        let mut console = open(&workspace, args);
        console.wait_for("succeeded");
        console.wait_for("connected");
        console.assert_idle(Duration::from_millis(500));
    }
}

/// Two stages that talk one after the other, in known lines.
const TALK: &str = r#"
id: talk
stages:
  - {id: numbers, type: shell, config: {run: 'seq 1 5000'}}
  - {id: words, type: shell, depends_on: [numbers], config: {run: 'echo first word; echo error here; echo last word'}}
"#;

#[test]
fn a_log_is_filtered_searched_and_read_together_with_the_others() {
    let workspace = Workspace::with("talk.yaml", TALK);
    workspace.ok(&["run", "talk", "--json"]);
    let mut console = open(&workspace, &[]);
    console.wait_for("talk");
    console.type_keys("3");
    console.wait_for("words ");
    console.type_keys("g\r");
    console.wait_for("5,000 lines");
    console.type_keys("&99$\r");
    console.wait_for("&99$ 50 ");
    console.wait_for("4999 4999");
    console.type_keys("/^1\r");
    console.wait_for("/^1 11/11");
    console.wait_for("1999 1999");
    console.type_keys("n");
    console.wait_for("/^1 1/11");
    console.type_keys("\x1b");
    console.wait_until_gone("/^1");
    console.type_keys("\x1b");
    console.wait_until_gone("&99$");
    console.type_keys("!0|5\r");
    console.wait_for("!0|5 2,632 ");
    console.wait_for("214 214");
    console.type_keys("!");
    console.wait_for("only lines without");
    console.type_keys("\x7f\x7f\x7f\r");
    console.wait_until_gone("!0|5");
    console.type_keys("s");
    console.wait_for("all stages");
    console.wait_for("5,003 lines");
    console.type_keys("G");
    console.wait_for("words   error here");
    console.type_keys("/^last\r");
    console.wait_for("/^last 1/1");
    console.type_keys("?");
    console.wait_for("show only the lines that match");
}

#[test]
fn a_copy_is_whole_however_little_of_it_is_on_screen() {
    use base64::Engine;
    let workspace = Workspace::with("talk.yaml", TALK);
    workspace.ok(&["run", "talk", "--json"]);
    let numbers = (1..=5_000).map(|number: u32| number.to_string()).collect::<Vec<_>>().join("\n");
    let mut console = open(&workspace, &[]);
    console.wait_for("talk");
    console.type_keys("3");
    console.wait_for("words ");
    console.type_keys("g\r");
    console.wait_for("5,000 lines");
    console.type_keys("gvG");
    console.wait_for("5000");
    console.type_keys("y");
    console.wait_for("copied 5,000 lines, 23.8 KB (OSC 52)");
    let encoded = base64::engine::general_purpose::STANDARD.encode(&numbers);
    assert!(console.holds(format!("\x1b]52;c;{encoded}\x07").as_bytes()));
    // Inside tmux the same goes to its buffer, and the terminal hears nothing of it.
    let bin = workspace.file("bin");
    std::fs::create_dir(&bin).expect("a directory");
    std::fs::write(bin.join("tmux"), "#!/bin/sh\n[ \"$*\" = 'load-buffer -' ] && cat > taken\n").expect("a script");
    std::fs::set_permissions(bin.join("tmux"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let inside = command(&workspace, workspace.state(), &[]).env("TMUX", "/tmp/tmux,1,0").env("PATH", path);
    let mut console = Console::spawn(inside, 100, 30);
    console.wait_for("talk");
    console.type_keys("3");
    console.wait_for("words ");
    console.type_keys("g\r");
    console.wait_for("5,000 lines");
    console.type_keys("gvGy");
    console.wait_for("copied 5,000 lines, 23.8 KB (tmux buffer)");
    assert_eq!(workspace.read("taken"), numbers);
    assert!(!console.holds(b"\x1b]52"));
}

/// A pipeline whose error stands in the middle of a long log.
const LONG: &str = r#"
id: long
stages:
  - id: fine
    type: shell
    config: {run: 'echo no error here'}
  - id: broken
    type: shell
    depends_on: [fine]
    config: {run: 'seq 1 4000; echo "error: the disk is full"; seq 4001 9000; exit 3'}
"#;

#[test]
fn one_key_leads_from_the_launch_to_the_error_in_the_middle_of_a_long_log() {
    let workspace = Workspace::with("long.yaml", LONG);
    workspace.say(&["run", "long", "--plain"]);
    let mut console = open(&workspace, &[]);
    console.wait_for("F first error");
    console.type_keys("F");
    console.wait_for("error: the disk is full");
    let screen = console.screen();
    let at = |text: &str| screen.lines().position(|line| line.trim_matches(['▐', '▌', '│', '·', ' ']) == text);
    let error = at("error: the disk is full").unwrap_or_else(|| panic!("{screen}"));
    assert_eq!((at("4000"), at("4001")), (Some(error - 1), Some(error + 1)), "{screen}");
    console.type_keys("q");
    console.wait_for_exit();
}

#[test]
fn a_pipeline_is_started_from_the_palette_with_its_inputs_and_a_broken_one_is_told_with_its_place() {
    let greet = "id: greet\ninput_schema: {type: object, required: [name], properties: {name: {type: string, default: Ada}}}\n\
                 stages:\n  - id: hello\n    type: shell\n    config: {run: 'echo hello {{ input.name }}'}\n";
    let workspace = Workspace::with("greet.yaml", greet);
    workspace.pipeline("broken.yaml", "id: broken\nstages:\n  - id: a\n    type: shel\n");
    let mut console = open(&workspace, &[]);
    console.wait_for("No run yet");
    console.type_keys(":run broken");
    console.wait_for("start this pipeline");
    console.type_keys("\r");
    console.wait_for("broken cannot be started");
    console.wait_for("broken.yaml:4:11");
    console.wait_for("^^^^");
    console.type_keys("\r:run greet");
    console.wait_for("start this pipeline");
    console.type_keys("\r");
    console.wait_for("\"name\": \"Ada\"");
    console.wait_for(" valid");
    console.type_keys("\x13");
    console.wait_for("Run greet?");
    console.type_keys("j\r");
    console.wait_for("hello Ada");
    console.type_keys("q");
    console.wait_for_exit();
}
