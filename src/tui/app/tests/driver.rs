//! A scripted engine and a person at the keys.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use crate::model::{
    Actor, AuditRecord, Deployments, Document, Ending, EngineStatus, ErrorKind, Event, EventKind, GateView, LogLine, LogQuery,
    LogStart, LogView, LogWindow, Next, NoteLevel, Outcome, PipelineRef, Run, RunId, RunStatus, StageError, StageId,
    StageOutline, Stream, Timestamp, ViewQuery,
};
use crate::tui::app::App;
use crate::tui::backend::{Papers, Reply, Request, Service, ServiceStatus, Sheet};
use crate::tui::culprit::{CANDIDATE, Culprit};
use crate::tui::glyph::Charset;
use crate::tui::keymap::Keymap;
use crate::tui::message::{Effect, Message};
use crate::tui::popup::edit::check::check;
use crate::tui::theme::Theme;
use crate::tui::widget::dag::Picture;
use crate::tui::widget::log::scripted::Scripted;
use crate::tui::widget::paint::Look;
use crate::tui::world::World;

/// 2026-11-21 10:00:00 UTC.
pub const START: Timestamp = Timestamp(1_795_255_200_000);

/// When the first line of every log was written; the second attempt of the failed stage had begun then.
const LOG_START: Timestamp = Timestamp(START.0 - 3_578_000);

pub fn at(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers of a script")]
    Timestamp(START.0 + (seconds * 1_000.0) as i64)
}

/// The console with a scripted engine behind it.
pub struct Driver {
    pub app: App,
    pub asked: Vec<Request>,
    pub effects: Vec<Effect>,
    pub now: Timestamp,
    /// Runs the engine knows, newest first.
    pub runs: Vec<Run>,
    pub lines: u64,
    /// Searches for the next match are asked and not answered.
    pub searches_wait: bool,
    /// A line of every log that says something else than the others.
    pub fault: Option<(u64, &'static str)>,
    /// The events of the runs that have ended.
    pub journals: HashMap<RunId, Vec<Event>>,
    /// What the engine answers when asked for the papers of any run.
    pub papers: Papers,
    /// Checks of an edited text that are not answered yet, when they are slow.
    pub checks: Option<Vec<crate::tui::popup::edit::check::Job>>,
    /// What is live where.
    pub deployments: Deployments,
    /// What waits for people.
    pub gates: Vec<GateView>,
    /// The audit chain, oldest first.
    pub audit: Vec<AuditRecord>,
    /// What it answers when a pipeline is opened.
    pub sheet: Result<Sheet, String>,
}

impl Driver {
    pub fn new(width: u16, height: u16, charset: Charset) -> Self {
        let look = Look { theme: Theme::shipped("terminal").expect("shipped"), charset };
        let world = World { look, keys: Keymap::default(), workspace: "shop".to_owned(), ..World::default() };
        let (app, effects) = App::new(world, None);
        let scripts = scripts();
        let runs = scripts.iter().map(Script::run).collect();
        let journals = scripts.into_iter().map(|script| (script.run, script.events)).collect();
        let (asked, effects_seen) = (Vec::new(), Vec::new());
        let (now, lines) = (at(90.0), 1_204);
        let mut driver = Self {
            app,
            asked,
            effects: effects_seen,
            now,
            runs,
            lines,
            searches_wait: false,
            fault: None,
            journals,
            papers: papers(),
            checks: None,
            sheet: Err("no such pipeline".to_owned()),
            deployments: Deployments::default(),
            gates: Vec::new(),
            audit: Vec::new(),
        };
        driver.effects(effects);
        driver.send(Message::Resize { width, height });
        driver
    }

    /// A console on the failed deployment.
    pub fn on_run(width: u16, height: u16, charset: Charset) -> Self {
        let mut driver = Self::new(width, height, charset);
        driver.keys("2 j enter");
        driver
    }

    pub fn send(&mut self, message: Message) {
        let effects = self.app.update(message, self.now);
        self.effects(effects);
    }

    pub fn reply(&mut self, reply: Reply) {
        self.send(Message::Reply(Box::new(reply)));
    }

    /// Answers like the engine would, at once.
    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(request) => {
                    self.asked.push(request.clone());
                    for reply in self.answer(request) {
                        self.reply(reply);
                    }
                }
                Effect::Copy { ref what, .. } => {
                    let said = format!("copied {what} (a test)");
                    self.effects.push(effect);
                    self.send(Message::Copied(Ok(said)));
                }
                Effect::Check(job) => match &mut self.checks {
                    Some(slow) => slow.push(*job),
                    None => self.send(Message::Checked(Box::new(check(&job)))),
                },
                Effect::LayOut(job) => self.send(Message::Layout(Box::new(Picture::of(&job)))),
                other => self.effects.push(other),
            }
        }
    }

    fn log(&self) -> Scripted<impl Fn(u64) -> String> {
        let fault = self.fault;
        let text = move |number| fault.filter(|(at, _)| *at == number).map_or_else(|| line(number), |(_, text)| text.to_owned());
        Scripted { start: LOG_START.0, ..Scripted::new(self.lines, text) }
    }

    fn answer(&self, request: Request) -> Vec<Reply> {
        match request {
            Request::Overview => {
                let deployments = Reply::Deployments(self.deployments.clone());
                vec![Reply::Connected(status()), Reply::Services(services()), deployments]
            }
            Request::ListRuns { .. } => {
                vec![Reply::Runs(self.runs.iter().filter(|run| run.parent.is_none()).map(Run::summary).collect())]
            }
            Request::Follow(id) => {
                let run = self.runs.iter().find(|run| run.id == id);
                run.map(|run| Reply::RunSnapshot(Box::new(run.clone()))).into_iter().collect()
            }
            Request::StageDetail(id, stage) => {
                let run = self.runs.iter().find(|run| run.id == id);
                let stage = run.and_then(|run| run.stages.get(&stage).cloned());
                stage.map(|stage| Reply::StageDetail { run: id, stage: Box::new(stage) }).into_iter().collect()
            }
            Request::Lines(run, query) => vec![Reply::Lines { run, window: self.log().lines(&query), query }],
            Request::Scan(run, query) => vec![Reply::Scanned { run, piece: self.log().scan(&query), query }],
            Request::Find(..) if self.searches_wait => Vec::new(),
            Request::Find(run, query) => vec![Reply::Found { run, line: self.log().find(&query), query }],
            Request::Culprit(run, log) => {
                let view = LogView { log: Some(log.clone()), ..LogView::default() };
                let (matching, from) = (Some(CANDIDATE.to_owned()), LogStart::Line(0));
                let query = ViewQuery { view, matching, from, backwards: false, count: 200, clip: 1024 };
                let mut culprit = Culprit::default();
                culprit.look_at(&self.log().lines(&query).lines);
                vec![Reply::Culprit { run, log, line: culprit.line(), total: self.lines }]
            }
            Request::CopyLines { from, to, .. } => {
                let text: Vec<String> = (from..=to.min(self.lines)).map(line).collect();
                vec![Reply::Copied { lines: text.len() as u64, text: text.join("\n") }]
            }
            Request::Papers(run) => vec![Reply::Papers(Box::new(Papers { run, ..self.papers.clone() }))],
            Request::Journal(run) => {
                let events = self.journals.get(&run).cloned().unwrap_or_default();
                let page = |events: &[Event], done| Reply::Journal { run: run.clone(), events: events.to_vec(), done };
                events.chunks(10).map(|chunk| page(chunk, false)).chain([page(&[], true)]).collect()
            }
            Request::LogTail { run, stage, attempt, lines } => {
                let query = LogQuery { stage, attempt: Some(attempt), from: None, count: lines };
                vec![Reply::LogTail { run, window: window(&query, self.lines - u64::from(attempt)) }]
            }
            Request::Cancel { .. } => vec![Reply::Done { what: "cancel requested".to_owned() }],
            Request::Resolve { .. } => vec![Reply::Done { what: "answered".to_owned() }],
            Request::Rerun { .. } => vec![Reply::RunCreated(self.runs[2].id.clone())],
            Request::RunsBelow(of) => {
                let is_below = |run: &&Run| run.parent.as_ref().is_some_and(|parent| parent.run == of);
                let runs = self.runs.iter().filter(is_below).map(Run::summary).collect();
                vec![Reply::RunsBelow { of, runs }]
            }
            Request::Pipelines => vec![Reply::Pipelines(vec!["ci".to_owned(), "deploy".to_owned()])],
            Request::OpenPipeline(pipeline) => match self.sheet.clone() {
                Ok(sheet) => vec![Reply::Opened(Box::new(Sheet { name: pipeline, ..sheet }))],
                Err(report) => vec![Reply::Refused { pipeline, report }],
            },
            Request::Start(_) => vec![Reply::RunCreated(self.runs[0].id.clone())],
            Request::Services => vec![Reply::Services(services())],
            Request::Gates => vec![Reply::Gates(self.gates.clone())],
            Request::Decide { gate, .. } => vec![Reply::Done { what: format!("decided about {gate}") }],
            Request::Deployments => vec![Reply::Deployments(self.deployments.clone())],
            Request::RollbackPlan(aim) => {
                let plan = super::released::plan(&self.deployments, &aim);
                vec![Reply::Plan { plan, aim }]
            }
            Request::RollBack(_) | Request::Promote(_) => vec![Reply::RunCreated(self.runs[2].id.clone())],
            Request::ChangeStanding { environment, .. } => {
                vec![Reply::Done { what: format!("changed what {environment} lets in") }]
            }
            Request::Evidence(id) => {
                let run = self.runs.iter().find(|run| run.id == id);
                run.map(|run| Reply::Evidence(Box::new(run.clone()))).into_iter().collect()
            }
            Request::Audit(query) => vec![Reply::Audit { records: super::waiting::page(&self.audit, &query), query }],
            Request::VerifyAudit => vec![Reply::Verified(super::waiting::verdict(&self.audit))],
            Request::Unfollow | Request::StopScan => Vec::new(),
        }
    }

    /// Answers the searches for the next match that wait, the newest of them as the engine would; gives how many there were.
    pub fn answer_searches(&mut self) -> usize {
        let mut answered = 0;
        while let Some(at) = self.asked.iter().rposition(|request| matches!(request, Request::Find(..))) {
            if let Request::Find(run, query) = self.asked.remove(at) {
                // A search that another one has replaced is not answered any more.
                self.asked.retain(|request| !matches!(request, Request::Find(..)));
                let line = self.log().find(&query);
                self.reply(Reply::Found { run, query, line });
                answered += 1;
            }
        }
        answered
    }

    /// Presses keys, written as in a key file and separated by blanks.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.send(Message::Key(key_event(key)));
        }
    }

    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.send(Message::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
    }

    pub fn buffer(&self) -> Buffer {
        let (width, height) = self.app.size();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        self.app.draw(&mut buffer);
        buffer
    }

    pub fn screen(&self) -> String {
        text_of(&self.buffer())
    }

    pub fn shows(&self, text: &str) -> bool {
        self.screen().contains(text)
    }
}

pub fn text_of(buffer: &Buffer) -> String {
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..buffer.area.height).map(row).collect::<Vec<_>>().join("\n")
}

fn key_event(name: &str) -> KeyEvent {
    let (name, modifiers) = match name.strip_prefix("ctrl-") {
        Some(rest) => (rest, KeyModifiers::CONTROL),
        None => match name.strip_prefix("alt-") {
            Some(rest) => (rest, KeyModifiers::ALT),
            None => (name, KeyModifiers::NONE),
        },
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        text => KeyCode::Char(text.chars().next().expect("a key")),
    };
    KeyEvent::new(code, modifiers)
}

fn status() -> EngineStatus {
    EngineStatus {
        pid: 4_711,
        version: "0.1.0".to_owned(),
        socket: "engine.sock".to_owned(),
        state_dir: "state".to_owned(),
        started_at: START,
        runs: 1,
        stages: 1,
        seq: 99,
    }
}

fn services() -> Vec<Service> {
    let service = |environment: &str, version: &str, status, latency_ms, port: u16| Service {
        name: "shop".to_owned(),
        environment: environment.to_owned(),
        version: (!version.is_empty()).then(|| version.to_owned()),
        status,
        latency_ms,
        url: format!("http://127.0.0.1:{port}"),
    };
    vec![
        service("staging", "1.5.0", ServiceStatus::Healthy, Some(3), 8_081),
        service("production", "1.4.2", ServiceStatus::Unhealthy, Some(1_250), 8_082),
        service("canary", "", ServiceStatus::Unknown, None, 8_083),
    ]
}

pub fn line(number: u64) -> String {
    match number % 7 {
        0 => format!("\u{1b}[1;32m   Compiling\u{1b}[0m shop v1.5.{number}"),
        3 => "\u{1b}[33mwarning\u{1b}[0m: unused variable `größe` in 日本語.rs".to_owned(),
        5 => format!("test orders::case_{number}\t... \u{1b}[32mok\u{1b}[0m"),
        _ => format!("[{number:>5}] fetching https://registry.example/{number}"),
    }
}

fn window(query: &LogQuery, total: u64) -> LogWindow {
    let from = query.from.unwrap_or(total.saturating_sub(query.count));
    let lines = (from..(from + query.count).min(total))
        .map(|number| LogLine {
            number,
            at: Timestamp(LOG_START.0 + i64::try_from(number * 20).expect("small")),
            stream: Stream::Stdout,
            text: line(number),
            partial: false,
        })
        .collect();
    let attempt = query.attempt.unwrap_or(1);
    LogWindow { stage: query.stage.clone(), attempt, total, bytes: total * 61, lines, damage: None }
}

/// A script of a run: events one after the other.
pub struct Script {
    events: Vec<Event>,
    run: RunId,
}

impl Script {
    pub fn new(id: &str, name: &str, stages: &[(&str, &str, &[&str])], created: Timestamp) -> Self {
        Self::made(id, name, stages, created, None)
    }

    /// A rerun of another run with an edited document.
    pub fn edited(id: &str, name: &str, stages: &[(&str, &str, &[&str])], created: Timestamp, of: &RunId) -> Self {
        Self::made(id, name, stages, created, Some(of.clone()))
    }

    fn made(id: &str, name: &str, stages: &[(&str, &str, &[&str])], created: Timestamp, rerun_of: Option<RunId>) -> Self {
        let outline = |(id, component, after): &(&str, &str, &[&str])| StageOutline {
            id: StageId::new(id),
            name: None,
            component: (*component).to_owned(),
            depends_on: after.iter().map(|id| StageId::new(id)).collect(),
            enclosure: None,
            undoes: None,
        };
        Self::made_of(id, name, stages.iter().map(outline).collect(), created, rerun_of)
    }

    /// A run of these stages.
    pub fn of(id: &str, name: &str, stages: Vec<StageOutline>, created: Timestamp) -> Self {
        Self::made_of(id, name, stages, created, None)
    }

    fn made_of(id: &str, name: &str, stages: Vec<StageOutline>, created: Timestamp, rerun_of: Option<RunId>) -> Self {
        let pipeline = PipelineRef {
            id: name.to_owned(),
            name: name.to_owned(),
            hash: "0".repeat(64),
            edited_from: rerun_of.as_ref().map(|_| "1".repeat(64)),
            ..PipelineRef::default()
        };
        let actor = Actor { name: "ada".to_owned(), uid: Some(1_000), proof: crate::model::Proof::PeerCredentials };
        let kind = EventKind::RunCreated {
            pipeline,
            stages,
            inputs: json!({"version": "1.5.0", "environment": "staging", "targets": [{"host": "a", "weight": 1}, {"host": "b", "weight": 2}]}),
            actor,
            workspace: "shop".to_owned(),
            rerun_of,
            environment: None,
            environment_names: Vec::new(),
            timeout_ms: None,
            reused: Vec::new(),
            parent: None,
            includes: Vec::new(),
            protected: Vec::new(),
            rollback: None,
        };
        let run = RunId::from_text(id);
        let mut script = Self { events: Vec::new(), run };
        script.push(created, kind);
        script.push(created, EventKind::RunStarted);
        script
    }

    pub fn happens(mut self, at: Timestamp, kind: EventKind) -> Self {
        self.push(at, kind);
        self
    }

    fn push(&mut self, at: Timestamp, kind: EventKind) {
        let seq = self.events.len() as u64 + 1;
        self.events.push(Event { seq, at, run: self.run.clone(), kind });
    }

    pub fn start(mut self, stage: &str, attempt: u32, at: Timestamp) -> Self {
        let config = json!({"command": format!("make {stage}"), "environment": {"TOKEN": "***"}, "timeout": 600});
        self.push(at, EventKind::AttemptStarted { stage: StageId::new(stage), attempt, config, child: None, unstarted: false });
        self
    }

    pub fn ok(mut self, stage: &str, attempt: u32, at: Timestamp, output: Value) -> Self {
        let outcome = Outcome::succeeded(output);
        self.push(at, EventKind::AttemptFinished { stage: StageId::new(stage), attempt, outcome, next: Next::Settle });
        self
    }

    pub fn fail(mut self, stage: &str, attempt: u32, at: Timestamp, message: &str, next: Next) -> Self {
        let error = StageError::new(ErrorKind::Execution, message).caused_by("exit code 2");
        self.push(at, EventKind::AttemptFinished { stage: StageId::new(stage), attempt, outcome: Outcome::failed(error), next });
        self
    }

    /// An attempt that was interrupted, and a person is asked what became of it.
    pub fn unknown(mut self, stage: &str, attempt: u32, at: Timestamp) -> Self {
        let error = StageError::new(ErrorKind::Unknown, "the engine went away");
        let outcome = Outcome::ended(Ending::Unknown, error, Value::Null);
        self.push(at, EventKind::AttemptFinished { stage: StageId::new(stage), attempt, outcome, next: Next::Ask });
        self
    }

    /// Begins a part of an enclosing stage's work.
    pub fn phase(mut self, stage: &str, phase: &str, round: u32, total: Option<u64>, at: Timestamp) -> Self {
        let (stage, phase) = (StageId::new(stage), phase.to_owned());
        let (stages, error, verdict) = (Vec::new(), None, None);
        self.push(at, EventKind::PhaseStarted { stage, attempt: 1, phase, round, total, stages, error, verdict });
        self
    }

    /// Starts an attempt that another run does.
    pub fn start_child(mut self, stage: &str, child: &str, at: Timestamp) -> Self {
        let (stage, child) = (StageId::new(stage), Some(RunId::from_text(child)));
        self.push(at, EventKind::AttemptStarted { stage, attempt: 1, config: Value::Null, child, unstarted: false });
        self
    }

    pub fn skip(mut self, stage: &str, at: Timestamp, reason: &str) -> Self {
        self.push(at, EventKind::StageSkipped { stage: StageId::new(stage), reason: reason.to_owned() });
        self
    }

    pub fn note(mut self, stage: &str, at: Timestamp, message: &str) -> Self {
        let stage = Some(StageId::new(stage));
        self.push(at, EventKind::Noted { stage, level: NoteLevel::Info, message: message.to_owned() });
        self
    }

    pub fn end(mut self, status: RunStatus, at: Timestamp, error: Option<(&str, &str)>) -> Self {
        let error = error.map(|(stage, message)| {
            let mut error = StageError::new(ErrorKind::Execution, message);
            error.stage = Some(StageId::new(stage));
            error
        });
        self.push(at, EventKind::RunFinished { status, output: Value::Null, error });
        self
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub fn run(&self) -> Run {
        Run::fold(&self.events).expect("begins with its creation")
    }
}

const DEPLOY: &[(&str, &str, &[&str])] = &[
    ("checkout", "shell", &[]),
    ("build", "shell", &["checkout"]),
    ("unit-tests", "shell", &["checkout"]),
    ("lint", "shell", &["checkout"]),
    ("package", "json-transform", &["build", "unit-tests", "lint"]),
    ("deploy-staging", "shell", &["package"]),
    ("smoke", "http-request", &["deploy-staging"]),
    ("announce", "logger", &["smoke", "package"]),
];

/// The document of every run, with a stage that has a config of its own.
pub const DOCUMENT: &str = "\
id: deploy
input_schema:
  type: object
  properties:
    version: {type: string}
    targets: {type: array}
stages:
  - {id: checkout, type: shell, config: {run: make checkout}}
  - id: unit-tests
    type: shell
    depends_on: [checkout]
    config:
      run: make unit-tests
      grace_period: 600s
";

fn papers() -> Papers {
    let pinned = Document { text: DOCUMENT.to_owned(), format: "yaml".to_owned(), included: None };
    Papers { run: RunId::from_text("any"), pinned, file: None, origin: None }
}

/// Newest first: one running, one failed, one succeeded.
pub fn scripts() -> Vec<Script> {
    let running = Script::new("1v9r8q0-aaaaa", "deploy", DEPLOY, at(60.0))
        .start("checkout", 1, at(60.1))
        .ok("checkout", 1, at(61.3), json!({"commit": "4f2a9c1"}))
        .start("build", 1, at(61.4))
        .start("unit-tests", 1, at(61.4))
        .start("lint", 1, at(61.5))
        .ok("lint", 1, at(63.0), json!({"warnings": 0}));
    let failed = Script::new("1v9r8p0-bbbbb", "deploy", DEPLOY, at(-3_600.0))
        .start("checkout", 1, at(-3_599.9))
        .ok("checkout", 1, at(-3_598.7), json!({"commit": "9d11e07"}))
        .start("build", 1, at(-3_598.6))
        .start("unit-tests", 1, at(-3_598.6))
        .start("lint", 1, at(-3_598.5))
        .ok("lint", 1, at(-3_597.0), json!({"warnings": 0}))
        .ok("build", 1, at(-3_584.2), json!({"artifact": "shop-1.5.0.tar.gz", "bytes": 4_213_551}))
        .fail("unit-tests", 1, at(-3_580.0), "tests failed", Next::Retry { at: at(-3_578.0) })
        .start("unit-tests", 2, at(-3_578.0))
        .fail("unit-tests", 2, at(-3_561.3), "tests failed", Next::Settle)
        .skip("package", at(-3_561.3), "unit-tests failed")
        .skip("deploy-staging", at(-3_561.3), "package was skipped")
        .skip("smoke", at(-3_561.3), "deploy-staging was skipped")
        .note("announce", at(-3_561.2), "deployment of 1.5.0 did not happen")
        .start("announce", 1, at(-3_561.2))
        .ok("announce", 1, at(-3_561.1), Value::Null)
        .end(RunStatus::Failed, at(-3_561.0), Some(("unit-tests", "tests failed")));
    let done = Script::new("1v9r8k0-ccccc", "ci", &[("format", "shell", &[]), ("test", "shell", &["format"])], at(-90_000.0))
        .start("format", 1, at(-89_999.0))
        .ok("format", 1, at(-89_997.6), json!({}))
        .start("test", 1, at(-89_997.5))
        .ok("test", 1, at(-89_900.0), json!({"passed": 212}))
        .end(RunStatus::Succeeded, at(-89_899.0), None);
    vec![running, failed, done]
}
