//! What the console asks of the engine and what it hears back. The console knows no other way to the outside.
//!
//! Whoever serves these (the client at run time, a script in tests) answers each request in its own time; the console
//! never waits. `Overview`, `ListRuns`, `Services`, `Gates` and `Deployments` are standing questions: after the first one the
//! server sends a new `Runs`, `Services`, `Gates` or `Deployments` whenever the answer has changed.

mod deployments;
mod engine;
mod gates;
mod logs;
mod papers;
mod probe;

use serde_json::Value;

pub use engine::{Engine, FileOf, Followed, Pipelines, ValuesOf, Work};
pub use probe::Target;

use crate::model::{
    AuditQuery, AuditRecord, AuditVerdict, Decided, Deployments, Document, EngineStatus, Event, GateId, GateView, LogName,
    LogView, LogWindow, PromoteRequest, Resolution, RollbackPlan, RollbackRequest, Run, RunId, RunSummary, ScanPiece, ScanQuery,
    Stage, StageId, StandingRequest, ViewQuery, ViewWindow, Whoami,
};

/// A question or an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// `Connected`, `Me`, `Runs`, `Services`, `Gates` and `Deployments`, now and on change.
    Overview,
    ListRuns {
        limit: usize,
    },
    /// A `RunSnapshot`, then `RunEvent`s and `LogGrew`s of this run until another `Follow` or `Unfollow`.
    Follow(RunId),
    Unfollow,
    /// `RunsBelow`: the runs that the stages of a run started.
    RunsBelow(RunId),
    /// The stage with its full output and configs, for the inspector.
    StageDetail(RunId, StageId),
    /// `Lines` of the run's logs. A new question replaces one that was not answered yet.
    Lines(RunId, Box<ViewQuery>),
    /// `Scanned` pieces of the run's logs, to their end or until another scan.
    Scan(RunId, Box<ScanQuery>),
    /// `Found`: the first line from the start of the query on, or from the other end of the logs. Replaces the one before.
    Find(RunId, Box<ViewQuery>),
    /// `Culprit`: the line of a log that says what went wrong. Replaces a `Find`, and is replaced by one.
    Culprit(RunId, LogName),
    /// Ends a scan and a find, in the engine too.
    StopScan,
    /// The raw text of the lines of a view from one number to another, both included: `Copied`, or `Saved` when it is long.
    CopyLines {
        run: RunId,
        view: LogView,
        from: u64,
        to: u64,
    },
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
    /// The last lines of an attempt's log, apart from the log on screen.
    LogTail {
        run: RunId,
        stage: StageId,
        attempt: u32,
        lines: u64,
    },
    /// Says what became of a stage's work that was interrupted.
    Resolve {
        run: RunId,
        stage: StageId,
        resolution: Resolution,
    },
    Services,
    Gates,
    /// Answers a request that waits for people.
    Decide {
        gate: GateId,
        decided: Decided,
    },
    Deployments,
    /// `Plan`: what going back to this version would do.
    RollbackPlan(Aim),
    /// `RunCreated`: the run that goes back.
    RollBack(Box<RollBack>),
    /// `RunCreated`: the run that brings a release to the next environment.
    Promote(Box<Promote>),
    /// Holds an environment, puts an artefact in quarantine, or lifts either.
    ChangeStanding {
        environment: String,
        request: StandingRequest,
    },
    /// A run as it is now, to decide about it.
    Evidence(RunId),
    /// A page of the audit chain.
    Audit(AuditQuery),
    VerifyAudit,
    /// `Pipelines`: the names of those that can be started.
    Pipelines,
    /// `Opened` or `Refused`: a pipeline by its name, to be started.
    OpenPipeline(String),
    /// `RunCreated` or `Refused`.
    Start(Box<Order>),
}

impl Request {
    /// Whether it changes what is protected, so that nothing but a typed confirmation may send it.
    pub fn is_protected(&self) -> bool {
        matches!(self, Self::Decide { .. } | Self::RollBack(_) | Self::Promote(_) | Self::ChangeStanding { .. })
    }
}

/// A release that one might go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    pub environment: String,
    pub service: String,
    pub version: String,
}

/// The order to go back.
#[derive(Debug, Clone, PartialEq)]
pub struct RollBack {
    pub environment: String,
    pub request: RollbackRequest,
    /// The names of what its stages read, and the run that had it all before.
    pub values: Vec<String>,
    pub as_in: RunId,
}

/// The order to bring a release on.
#[derive(Debug, Clone, PartialEq)]
pub struct Promote {
    pub to: String,
    pub request: PromoteRequest,
    /// The run that brought it to where it is.
    pub as_in: RunId,
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
    RunsBelow {
        of: RunId,
        runs: Vec<RunSummary>,
    },
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
    Lines {
        run: RunId,
        /// The question, as it was asked.
        query: Box<ViewQuery>,
        window: ViewWindow,
    },
    Scanned {
        run: RunId,
        query: Box<ScanQuery>,
        piece: ScanPiece,
    },
    Found {
        run: RunId,
        query: Box<ViewQuery>,
        line: Option<u64>,
    },
    Culprit {
        run: RunId,
        log: LogName,
        /// `None` when no line looks like an error.
        line: Option<u64>,
        /// Lines of the log.
        total: u64,
    },
    /// Text that was asked for by `CopyLines`.
    Copied {
        text: String,
        lines: u64,
    },
    /// The same where it is too long for memory: it is in this file.
    Saved {
        path: String,
        lines: u64,
        bytes: u64,
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
    LogTail {
        run: RunId,
        window: LogWindow,
    },
    Services(Vec<Service>),
    /// Who this console is to the engine.
    Me(Box<Whoami>),
    /// Those that wait, oldest first.
    Gates(Vec<GateView>),
    Deployments(Deployments),
    /// What going back would do, or why nothing can be said of that.
    Plan {
        aim: Aim,
        plan: Result<Box<RollbackPlan>, String>,
    },
    Evidence(Box<Run>),
    Audit {
        /// The question, as it was asked.
        query: AuditQuery,
        records: Vec<AuditRecord>,
    },
    Verified(AuditVerdict),
    Pipelines(Vec<String>),
    Opened(Box<Sheet>),
    /// A pipeline cannot be started: the report of what is wrong, in lines.
    Refused {
        pipeline: String,
        report: String,
    },
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

/// A pipeline that can be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub name: String,
    pub path: String,
    pub document: Document,
    pub input_schema: Option<Value>,
    pub sample_input: Option<Value>,
    /// The pipeline's own.
    pub environment: Option<String>,
    /// Those to choose from, where it has none of its own.
    pub environments: Vec<String>,
}

/// To start a pipeline as it was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub name: String,
    /// Its document as it was seen.
    pub text: String,
    pub inputs: Value,
    pub environment: Option<String>,
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
