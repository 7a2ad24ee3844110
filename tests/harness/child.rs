//! What runs inside the pty: the console on an engine that follows a script.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowdeck::model::{
    Actor, EngineStatus, ErrorKind, Event, EventKind, LogPlace, LogStart, Next, Outcome, PipelineRef, Proof, Run, RunId,
    RunStatus, StageError, StageId, StageOutline, Stream, Timestamp, ViewLine, ViewWindow,
};
use flowdeck::tui::backend::{Reply, Request, Service, ServiceStatus};
use flowdeck::tui::glyph::Charset;
use flowdeck::tui::theme::Theme;
use flowdeck::tui::{Options, run as console};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::pty::Console;

/// Lines that the flood has come to.
static LINES: AtomicU64 = AtomicU64::new(0);

const SCRIPT: &str = "FLOWDECK_TEST_SCRIPT";
/// Set where the console can be held.
const GATED: &str = "FLOWDECK_TEST_GATED";
/// What says that the console is held, and that the process was told of a new size: titles, which move nothing.
pub const HELD: &[u8] = b"\x1b]0;held\x07";
pub const RESIZED: &[u8] = b"\x1b]0;resized\x07";

/// Starts this test binary again, in a pty.
pub fn start(script: &str, width: u16, height: u16) -> Console {
    Console::spawn(command(script), width, height)
}

/// The same; USR1 holds the console between two looks at its events, USR2 lets it go on.
pub fn start_gated(script: &str, width: u16, height: u16) -> Console {
    Console::spawn(command(script).env(GATED, "1"), width, height)
}

fn command(script: &str) -> pty_process::blocking::Command {
    pty_process::blocking::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "console_in_the_pty", "--ignored", "--nocapture"])
        .env(SCRIPT, script)
        .env("RUST_BACKTRACE", "0")
}

pub fn run() {
    let script = std::env::var(SCRIPT).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let end = runtime.block_on(async {
        let (ask, asked) = mpsc::channel(32);
        let (tell, told) = mpsc::channel(64);
        let options = Options {
            theme: Theme::shipped("terminal").expect("shipped"),
            charset: Charset::Unicode,
            workspace: "shop".to_owned(),
            ..Options::default()
        };
        tokio::spawn(engine(script, asked, tell));
        if std::env::var_os(GATED).is_some() {
            gated(console(options, ask, told)).await
        } else {
            console(options, ask, told).await
        }
    });
    let mut out = std::io::stdout();
    let lines = match end {
        Ok(farewell) => farewell.lines,
        Err(error) => vec![error.to_string()],
    };
    for line in lines {
        // Nobody may be listening any more.
        let _ = writeln!(out, "\r{line}");
    }
    runtime.shutdown_timeout(Duration::from_millis(10));
    std::process::exit(0);
}

/// Runs the console on its thread, which stands still while the gate is closed, whatever else goes on in the process.
async fn gated<T>(console: impl Future<Output = T>) -> T {
    let gate = Arc::new(Mutex::new(()));
    let of_signal = |kind| signal(kind).expect("a signal");
    let mut resized = of_signal(SignalKind::window_change());
    tokio::spawn(async move {
        while resized.recv().await.is_some() {
            say(RESIZED);
        }
    });
    let (mut close, mut open) = (of_signal(SignalKind::user_defined1()), of_signal(SignalKind::user_defined2()));
    let keeper = Arc::clone(&gate);
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        while runtime.block_on(close.recv()).is_some() {
            let held = keeper.lock();
            say(HELD);
            runtime.block_on(open.recv());
            drop(held);
        }
    });
    let mut console = std::pin::pin!(console);
    std::future::poll_fn(|context| {
        drop(gate.lock());
        console.as_mut().poll(context)
    })
    .await
}

/// Tells the terminal, past the console.
fn say(bytes: &[u8]) {
    let mut out = std::io::stdout();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

async fn engine(script: String, mut asked: mpsc::Receiver<Request>, tell: mpsc::Sender<Reply>) {
    while let Some(request) = asked.recv().await {
        for reply in answer(&request) {
            if tell.send(reply).await.is_err() {
                return;
            }
        }
        match (script.as_str(), &request) {
            ("panic-task", Request::ListRuns { .. }) => {
                tokio::spawn(async { panic!("a scripted failure") });
            }
            ("panic-thread", Request::ListRuns { .. }) => {
                std::thread::spawn(|| panic!("a scripted failure"));
            }
            ("flood", Request::Follow(run)) => {
                tokio::spawn(flood(run.clone(), tell.clone()));
            }
            _ => {}
        }
    }
}

/// Output that never ends: every line changes the whole log pane.
async fn flood(run: RunId, tell: mpsc::Sender<Reply>) {
    for lines in (0u64..).step_by(1_000) {
        LINES.store(lines, Ordering::SeqCst);
        let grew = Reply::LogGrew { run: run.clone(), stage: StageId::new("unit-tests"), attempt: 1, lines, bytes: lines };
        if tell.send(grew).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn answer(request: &Request) -> Vec<Reply> {
    match request {
        Request::Overview => vec![Reply::Connected(status()), Reply::Services(vec![service()])],
        Request::ListRuns { .. } => vec![Reply::Runs(runs().iter().map(Run::summary).collect())],
        Request::Follow(id) => {
            runs().into_iter().find(|run| run.id == *id).map(|run| Reply::RunSnapshot(Box::new(run))).into_iter().collect()
        }
        Request::Lines(run, query) => {
            let from = match &query.from {
                LogStart::End => LINES.load(Ordering::SeqCst),
                LogStart::Line(line) => *line,
                LogStart::Place(place) => place.line(),
            };
            let from = if query.backwards { from.saturating_sub(query.count) } else { from };
            let line = |number| ViewLine {
                number,
                of: None,
                at: Timestamp(0),
                stream: Stream::Stdout,
                text: text(number),
                cut: 0,
                partial: false,
            };
            let lines: Vec<ViewLine> = (from..from + query.count).map(line).collect();
            let total = from + query.count;
            let place = |line| LogPlace(query.view.log.clone().map(|name| (name, line)).into_iter().collect());
            let window = ViewWindow { lines, from: place(from), to: place(total), total, parts: 0, bytes: total, damage: None };
            vec![Reply::Lines { run: run.clone(), query: query.clone(), window }]
        }
        _ => Vec::new(),
    }
}

/// A line that has little in common with the ones around it: none of them can be shown by moving another one.
fn text(number: u64) -> String {
    let word = |at: u64| format!("{:x} ", (number * 31 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (0..10).map(word).collect()
}

fn status() -> EngineStatus {
    EngineStatus {
        pid: 1,
        version: "0".to_owned(),
        socket: String::new(),
        state_dir: String::new(),
        started_at: Timestamp(0),
        runs: 0,
        stages: 0,
        seq: 0,
    }
}

fn service() -> Service {
    Service {
        name: "shop".to_owned(),
        environment: "staging".to_owned(),
        version: Some("1.5.0".to_owned()),
        status: ServiceStatus::Healthy,
        latency_ms: Some(3),
        url: "http://127.0.0.1:8081".to_owned(),
    }
}

/// Three runs that have ended, so that nothing on the overview changes with time.
fn runs() -> Vec<Run> {
    vec![ended("1v9r8q0-aaaaa", false), ended("1v9r8p0-bbbbb", true), ended("1v9r8k0-ccccc", false)]
}

fn ended(id: &str, fails: bool) -> Run {
    let stage = StageId::new("unit-tests");
    let outline = StageOutline {
        id: stage.clone(),
        name: None,
        component: "shell".to_owned(),
        depends_on: Vec::new(),
        enclosure: None,
        undoes: None,
    };
    let pipeline = PipelineRef { id: "deploy".to_owned(), name: "deploy".to_owned(), ..PipelineRef::default() };
    let actor = Actor { name: "ada".to_owned(), uid: None, proof: Proof::PeerCredentials };
    let error = StageError::new(ErrorKind::Execution, "tests failed");
    let outcome = if fails { Outcome::failed(error.clone()) } else { Outcome::succeeded(serde_json::Value::Null) };
    let status = if fails { RunStatus::Failed } else { RunStatus::Succeeded };
    let kinds = [
        EventKind::RunCreated {
            pipeline,
            stages: vec![outline],
            inputs: serde_json::json!({}),
            actor,
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
        },
        EventKind::RunStarted,
        EventKind::AttemptStarted {
            stage: stage.clone(),
            attempt: 1,
            config: serde_json::Value::Null,
            child: None,
            unstarted: false,
        },
        EventKind::AttemptFinished { stage, attempt: 1, outcome, next: Next::Settle },
        EventKind::RunFinished { status, output: serde_json::Value::Null, error: fails.then_some(error) },
    ];
    let event = |(seq, kind)| Event { seq, at: Timestamp(1_000), run: RunId::from_text(id), kind };
    let events: Vec<Event> = (1u64..).zip(kinds).map(event).collect();
    Run::fold(&events).expect("begins with its creation")
}
