//! What the console asks of the engine and what it hears back. The console knows no other way to the outside.
//!
//! Whoever serves these (the client at run time, a script in tests) answers each request in its own time; the console
//! never waits. `Overview`, `ListRuns` and `Services` are standing questions: after the first one the server sends a new
//! `Runs` or `Services` whenever the answer has changed.

mod engine;
mod probe;

use serde_json::Value;

pub use engine::{Engine, FileOf, ValuesOf};
pub use probe::Target;

use crate::model::{
    Document, EngineStatus, Event, LogMoment, LogQuery, LogWindow, Run, RunId, RunSummary, SearchHit, Stage, StageId, Timestamp,
};

/// A question or an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// `Connected`, `Runs` and `Services`, now and on change.
    Overview,
    ListRuns {
        limit: usize,
    },
    /// A `RunSnapshot`, then `RunEvent`s and `LogGrew`s of this run until another `Follow` or `Unfollow`.
    Follow(RunId),
    Unfollow,
    /// The stage with its full output and configs, for the inspector.
    StageDetail(RunId, StageId),
    LogWindow(RunId, LogQuery),
    /// A regular expression over a whole log. Hits stream in; a new search replaces the old one.
    SearchLog {
        run: RunId,
        stage: StageId,
        attempt: Option<u32>,
        pattern: String,
    },
    CancelSearch,
    Cancel {
        run: RunId,
        /// End the stages now instead of after their grace period.
        force: bool,
    },
    Rerun {
        run: RunId,
        from: RerunFrom,
        /// Other inputs than the run had.
        inputs: Option<Value>,
        /// Another pipeline than the one pinned for the run.
        document: Option<Document>,
    },
    /// The `Papers` of a run: what was pinned for it, and what has changed since or changed before.
    Papers(RunId),
    /// Every event of a run that has ended, in pages.
    Journal(RunId),
    /// How far a log had come at a moment.
    LogMoment {
        run: RunId,
        stage: StageId,
        attempt: u32,
        at: Timestamp,
    },
    /// The last lines of an attempt's log, apart from the log on screen.
    LogTail {
        run: RunId,
        stage: StageId,
        attempt: u32,
        lines: u64,
    },
    Services,
}

/// Where a rerun begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RerunFrom {
    Start,
    /// Stages that succeeded are taken over.
    Failed,
    /// This stage and all that follow it run again.
    Stage(StageId),
}

/// News from the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Connected(EngineStatus),
    /// The connection is lost and being made anew; says why.
    Disconnected(String),
    /// Newest first.
    Runs(Vec<RunSummary>),
    RunSnapshot(Box<Run>),
    RunEvent(Box<Event>),
    /// The log of an attempt now has this many lines and bytes.
    LogGrew {
        run: RunId,
        stage: StageId,
        attempt: u32,
        lines: u64,
        bytes: u64,
    },
    LogWindow {
        run: RunId,
        window: LogWindow,
    },
    SearchHits {
        run: RunId,
        stage: StageId,
        pattern: String,
        /// Further hits, in line order.
        hits: Vec<SearchHit>,
        done: bool,
    },
    StageDetail {
        run: RunId,
        stage: Box<Stage>,
    },
    Papers(Box<Papers>),
    /// A page of a run's events, oldest first.
    Journal {
        run: RunId,
        events: Vec<Event>,
        done: bool,
    },
    LogMoment {
        run: RunId,
        moment: LogMoment,
    },
    LogTail {
        run: RunId,
        window: LogWindow,
    },
    Services(Vec<Service>),
    /// An order was carried out; a short sentence for people.
    Done {
        what: String,
    },
    /// A request could not be answered: what was asked, and why not.
    Failed {
        what: String,
        error: String,
    },
    RunCreated(RunId),
}

/// The documents around a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Papers {
    pub run: RunId,
    /// What was pinned for it.
    pub pinned: Document,
    /// Its file as it is now, where that is another text; or why the file cannot be used.
    pub file: Option<Result<Document, String>>,
    /// The run that it was made from.
    pub origin: Option<Origin>,
}

/// What a rerun was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    pub run: RunId,
    pub inputs: Value,
    /// Its pinned document.
    pub text: String,
}

/// A service the workspace knows, as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub environment: String,
    pub version: Option<String>,
    pub status: ServiceStatus,
    pub latency_ms: Option<u64>,
    pub url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceStatus {
    Healthy,
    Unhealthy,
    Unknown,
}
