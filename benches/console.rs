//! What the console costs: its start, a key while output floods, a big graph, memory, and nothing at all.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "console/logs.rs"]
mod logs;
#[path = "../tests/harness/pty.rs"]
mod pty;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use flowdeck::model::{Actor, Event, EventKind, Next, Outcome, PipelineRef, Proof, Run, RunId, StageId, StageOutline, Timestamp};
use flowdeck::tui::app::App;
use flowdeck::tui::backend::Reply;
use flowdeck::tui::glyph::Charset;
use flowdeck::tui::layout::Layout;
use flowdeck::tui::message::{Effect, LayoutJob, Message};
use flowdeck::tui::terminal::{Abilities, Encoder};
use flowdeck::tui::theme::Theme;
use flowdeck::tui::widget::dag::Picture;
use flowdeck::tui::widget::paint::Look;
use flowdeck::tui::world::World;
use pty::{Console, Line, processor_time};
use pty_process::blocking::Command;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use support::{Place, median, resident, row};

const STARTS: usize = 15;
const LINES: usize = 1_000_000;
const STAGES: u32 = 2_000;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<44} {:>12} {:>12} {:>8}  promise", "console", "ours", "limit/peer", "ratio");
    let parts: [(&str, fn()); 6] =
        [("starts", starts), ("floods", floods), ("slow", slow), ("logs", logs::logs), ("graphs", graphs), ("idle", idle)];
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            part();
        }
    }
}

fn terminal(command: Command) -> Command {
    command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env_remove("LC_ALL").env_remove("NO_COLOR").env_remove("TMUX")
}

fn console(place: &Place, args: &[&str]) -> Console {
    console_behind(place, args, None)
}

fn console_behind(place: &Place, args: &[&str], line: Option<Line>) -> Console {
    let command = Command::new(env!("CARGO_BIN_EXE_flowdeck"))
        .args(args)
        .current_dir(place.path())
        .env("FLOWDECK_STATE_DIR", place.file("state"));
    Console::spawn_behind(terminal(command).env_remove("SSH_CONNECTION").env_remove("SSH_TTY"), 200, 50, line)
}

/// From the start of the process to a screen that shows what is asked for.
fn first_frame(open: impl FnOnce() -> Console, text: &str) -> (Console, Duration) {
    let began = Instant::now();
    let mut console = open();
    console.wait_for(text);
    (console, began.elapsed())
}

fn starts() {
    let place = Place::new();
    place.pipeline("hello", r#"{"id":"hello","stages":[{"id":"s","type":"shell","config":{"run":"echo hi"}}]}"#);
    place.run("hello");
    fs::write(place.file("text"), "the last line\n".repeat(60)).expect("a text");
    let less = || Console::spawn(terminal(Command::new("less").arg(place.file("text"))), 200, 50);
    let name = format!("bench{}", std::process::id());
    let tmux = || {
        let args = ["-u", "-L", &name, "-f", "/dev/null", "new-session", "printf 'a session'; exec cat"];
        Console::spawn(terminal(Command::new("tmux").args(args)), 200, 50)
    };
    let (mut running, mut starting, mut less_times, mut tmux_times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (mut console, time) = first_frame(|| console(&place, &[]), "succeeded");
        running.push(time);
        quit(&mut console);
        let (mut peer, time) = first_frame(less, "the last line");
        less_times.push(time);
        quit(&mut peer);
        let (peer, time) = first_frame(tmux, "a session");
        tmux_times.push(time);
        drop(peer);
        let _ = std::process::Command::new("tmux").args(["-L", &name, "kill-server"]).status();
        assert!(place.command(&["engine", "stop"]).stdout(Stdio::null()).status().expect("flowdeck").success());
        let (mut console, time) = first_frame(|| self::console(&place, &[]), "succeeded");
        starting.push(time);
        quit(&mut console);
    }
    let mut back = Vec::new();
    for _ in 0..STARTS {
        let mut cut = self::console(&place, &[]);
        cut.wait_for("succeeded");
        cut.type_keys("2\r");
        cut.wait_for("hi");
        drop(cut);
        let (mut console, time) = first_frame(|| self::console(&place, &[]), "hi");
        back.push(time);
        quit(&mut console);
    }
    let (running, tmux) = (median(running), median(tmux_times));
    row("first full frame, engine runs; tmux", running, tmux, "< 30 ms");
    row("  the same; less", running, median(less_times), "");
    row("first full frame, engine is started; tmux", median(starting), tmux, "< 100 ms");
    row("back on the run after a cut; tmux", median(back), tmux, "< 100 ms");
}

fn quit(console: &mut Console) {
    console.type_keys("q");
    console.wait_for_exit();
}

fn floods() {
    let place = Place::new();
    let line = format!("{}\n", "0123456789abcdefghij".repeat(6).split_at(119).0);
    fs::write(place.file("lines"), line.repeat(LINES)).expect("lines");
    // At full speed it is over before a person could press a key: the keys are measured while it comes in pieces.
    let pieces = "for i in $(seq 100); do head -c 1200000 lines; sleep 0.02; done";
    for (name, script) in [("flood", "cat lines"), ("pieces", pieces)] {
        place.pipeline(
            name,
            &format!(r#"{{"id":"{name}","stages":[{{"id":"s","type":"shell","config":{{"run":"{script}"}}}}]}}"#),
        );
    }
    let (mut keys, mut quiet, mut memory) = (Vec::new(), Vec::new(), 0.0_f64);
    for name in ["flood", "pieces", "pieces", "pieces"] {
        let mut console = console(&place, &["run", name]);
        console.wait_for(name);
        while !console.screen().contains("succeeded") {
            keys.push(answer(&mut console));
        }
        memory = memory.max(peak(console.pid().as_raw_nonzero().get()));
        for _ in 0..40 {
            quiet.push(answer(&mut console));
        }
        if console.screen().contains("─ Help ─") {
            answer(&mut console);
        }
        quit(&mut console);
    }
    let share = |times: &mut Vec<Duration>, share: usize| {
        times.sort();
        times[times.len() * share / 1_000]
    };
    println!("  ({} keys while 1 000 000 lines of 120 bytes arrive, {} after)", keys.len(), quiet.len());
    row("key to paint in a flood, median; no flood", share(&mut keys, 500), share(&mut quiet, 500), "");
    row("key to paint in a flood, p99; no flood", share(&mut keys, 990), share(&mut quiet, 990), "< 20 ms");
    println!("{:<44} {memory:>8.1} MiB {:>34}", "memory of the console in it, at its highest", "< 64 MiB");
}

/// A line of 32 KB/s with 300 ms there and back, and ten thousand log lines a second coming in.
fn slow() {
    let place = Place::new();
    fs::write(place.file("lines"), (0..1_000).map(|n| format!("{n:>6} {}\n", "output ".repeat(14))).collect::<String>())
        .expect("lines");
    let script = "for i in $(seq 300); do cat lines; sleep 0.1; done";
    place.pipeline("pour", &format!(r#"{{"id":"pour","stages":[{{"id":"s","type":"shell","config":{{"run":"{script}"}}}}]}}"#));
    let line = Line { rate: 32_000, way: Duration::from_millis(150) };
    let mut console = console_behind(&place, &["run", "pour"], Some(line));
    console.wait_for("output");
    let mut times = Vec::new();
    while !console.screen().contains("succeeded") {
        // Each pane names its own keys in the last line.
        let in_log = |console: &Console| console.screen().lines().last().is_some_and(|line| line.contains("wrap"));
        let (before, began) = (in_log(&console), Instant::now());
        console.type_keys("\t");
        console.wait("the keys of the other pane", |console| in_log(console) != before);
        times.push(began.elapsed());
        rest(&mut console, Duration::from_millis(110));
    }
    times.sort();
    let share = |share: usize| times[times.len() * share / 100];
    println!("  ({} keys on a line of 32 KB/s and 300 ms while 10 000 lines/s come in)", times.len());
    row("key to paint on a slow line, median; limit", share(50), Duration::from_millis(450), "");
    row("key to paint on a slow line, p95; limit", share(95), Duration::from_millis(450), "< RTT + 150 ms");
    quit(&mut console);
}

/// Lets time go by, and takes what comes.
fn rest(console: &mut Console, time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        console.read(left);
    }
}

/// From a key to the last byte of the frame that answers it: the help opens or closes.
fn answer(console: &mut Console) -> Duration {
    let open = console.screen().contains("─ Help ─");
    let began = Instant::now();
    console.type_keys("?");
    console.wait("the help", |console| console.screen().contains("─ Help ─") != open);
    began.elapsed()
}

/// The most memory a process ever had resident, in MiB.
fn peak(pid: i32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

fn graphs() {
    let run = big_run();
    let job = job_of(&run);
    let mut layouts = Vec::new();
    let mut sorts = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        std::hint::black_box(Layout::of(&job.boxes));
        layouts.push(began.elapsed());
        let began = Instant::now();
        std::hint::black_box(peer_layout(&run));
        sorts.push(began.elapsed());
    }
    row("layout of 2 000 stages, 5 000 edges; ascii-dag", median(layouts), median(sorts), "< 50 ms");
    let mut app = app_on(&run, 200, 50);
    app.update(Message::Layout(Box::new(Picture::of(&job))), Timestamp(0));
    let area = Rect::new(0, 0, 200, 50);
    let mut encoder = Encoder::new(Abilities::default());
    let (mut frames, mut clears) = (Vec::new(), Vec::new());
    for step in 0..300 {
        let key = if step % 3 == 0 { 'j' } else { 'l' };
        app.update(Message::Key(crossterm::event::KeyCode::Char(key).into()), Timestamp(0));
        let began = Instant::now();
        let mut buffer = Buffer::empty(area);
        app.draw(&mut buffer);
        std::hint::black_box(encoder.frame(buffer));
        frames.push(began.elapsed());
        let began = Instant::now();
        std::hint::black_box(Buffer::empty(area));
        clears.push(began.elapsed());
    }
    row("a frame of it, 200x50; an empty buffer", median(frames), median(clears), "< 10 ms");
}

/// Layers of 40, each stage after two or three of the layer before.
fn big_run() -> Run {
    let id = |number: u32| StageId::new(&format!("stage-{number:04}"));
    let stage = |number: u32| {
        let (layer, at) = (number / 40, number % 40);
        let reaches: &[u32] = match (layer, number % 20) {
            (0, _) => &[],
            (_, 0..=10) => &[0, 7, 13],
            (_, _) => &[0, 7],
        };
        let before: Vec<u32> = reaches.iter().map(|reach| (layer - 1) * 40 + (at * 3 + reach) % 40).collect();
        StageOutline {
            id: id(number),
            name: None,
            component: "shell".to_owned(),
            depends_on: before.into_iter().map(id).collect(),
            enclosure: None,
            undoes: None,
        }
    };
    let stages: Vec<StageOutline> = (0..STAGES).map(stage).collect();
    let pipeline = PipelineRef { id: "big".to_owned(), name: "big".to_owned(), ..PipelineRef::default() };
    let created = EventKind::RunCreated {
        pipeline,
        stages,
        inputs: serde_json::json!({}),
        actor: Actor { name: "ada".to_owned(), uid: None, proof: Proof::PeerCredentials },
        workspace: String::new(),
        rerun_of: None,
        environment: None,
        environment_names: Vec::new(),
        timeout_ms: None,
        reused: Vec::new(),
        parent: None,
        includes: Vec::new(),
        protected: Vec::new(),
        rollback: None,
    };
    let mut kinds = vec![created, EventKind::RunStarted];
    for number in 0..STAGES / 2 {
        kinds.push(EventKind::AttemptStarted {
            stage: id(number),
            attempt: 1,
            config: serde_json::Value::Null,
            child: None,
            unstarted: false,
        });
        let outcome = Outcome::succeeded(serde_json::Value::Null);
        kinds.push(EventKind::AttemptFinished { stage: id(number), attempt: 1, outcome, next: Next::Settle });
    }
    let event = |(seq, kind)| Event { seq, at: Timestamp(0), run: RunId::from_text("1v9r8q0-aaaaa"), kind };
    let events: Vec<Event> = (1u64..).zip(kinds).map(event).collect();
    Run::fold(&events).expect("begins with its creation")
}

fn app_on(run: &Run, width: u16, height: u16) -> App {
    let look = Look { theme: Theme::shipped("dark").expect("shipped"), charset: Charset::Unicode };
    let (mut app, _) = App::new(World { look, ..World::default() }, Some(run.id.clone()));
    app.update(Message::Resize { width, height }, Timestamp(0));
    app.update(Message::Reply(Box::new(Reply::RunSnapshot(Box::new(run.clone())))), Timestamp(0));
    app
}

fn job_of(run: &Run) -> LayoutJob {
    let look = Look { theme: Theme::shipped("dark").expect("shipped"), charset: Charset::Unicode };
    let (mut app, _) = App::new(World { look, ..World::default() }, Some(run.id.clone()));
    app.update(Message::Resize { width: 200, height: 50 }, Timestamp(0));
    let effects = app.update(Message::Reply(Box::new(Reply::RunSnapshot(Box::new(run.clone())))), Timestamp(0));
    let job = effects.into_iter().find_map(|effect| if let Effect::LayOut(job) = effect { Some(*job) } else { None });
    job.expect("a layout is asked for")
}

/// The same graph through the library that draws `flowdeck graph`.
fn peer_layout(run: &Run) -> usize {
    let nodes: Vec<(usize, &str)> = run.stages.keys().map(StageId::as_str).enumerate().collect();
    let before = run.stages.values().map(|stage| stage.depends_on.iter().filter_map(|id| run.stages.get_index_of(id)));
    let edges: Vec<(usize, usize)> = before.enumerate().flat_map(|(to, before)| before.map(move |from| (from, to))).collect();
    ascii_dag::graph::Graph::from_edges(&nodes, &edges).compute_layout().width()
}

fn idle() {
    let place = Place::new();
    place.pipeline("hello", r#"{"id":"hello","stages":[{"id":"s","type":"shell","config":{"run":"echo hi"}}]}"#);
    place.run("hello");
    let mut console = console(&place, &[]);
    console.wait_for("succeeded");
    while console.read(Duration::from_millis(500)) {}
    let own = u32::try_from(console.pid().as_raw_nonzero().get()).expect("a pid");
    let engine = place.engine_pid();
    let before = (console.bytes().len(), processor_time(own), processor_time(engine));
    rest(&mut console, Duration::from_secs(10));
    let bytes = console.bytes().len() - before.0;
    let ticks = |pid, before| (processor_time(pid) - before) * 10;
    println!("{:<44} {bytes:>8} B {:>36}", "idle console: bytes to the terminal in 10 s", "0");
    println!("{:<44} {:>8} ms {:>35}", "idle console: processor time in 10 s", ticks(own, before.1), "0");
    println!("{:<44} {:>8} ms", "idle engine: processor time in 10 s", ticks(engine, before.2));
    println!("{:<44} {:>8.1} MiB", "idle console: memory", resident(own));
    println!("{:<44} {:>8.1} MiB {:>34}", "idle engine: memory", resident(engine), "< 25 MiB");
    quit(&mut console);
}
