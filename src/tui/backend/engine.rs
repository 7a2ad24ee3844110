//! The backend over a real engine: every request in a task of its own, standing questions answered again on change.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::logs::Logs;
use super::papers::{names_in, papers};
use super::probe::{Target, look};
use super::{Order, Reply, Request, RerunFrom, Sheet};
use super::{deployments, gates};
use crate::client::{Client, ClientError, Revive, Subscription, Update};
use crate::model::{self, Document, EventKind, LogQuery, NewRun, Rerun, Run, RunId, Signal, Values, VerifyRequest};

/// How many runs a listing shows when nobody asked for a number.
const LISTED: usize = 200;

/// Gives the values that a run was started with, as this user has them now.
pub type ValuesOf = Arc<dyn Fn(&Run) -> Values + Send + Sync>;

/// Is told which run is shown from now on, if any.
pub type Followed = Arc<dyn Fn(Option<&RunId>) + Send + Sync>;

/// Reads the file that a run's pipeline came from, with what it includes; `None` when it is the pinned text, or when there
/// is no file. Blocks.
pub type FileOf = Arc<dyn Fn(&Run) -> Option<Result<Document, String>> + Send + Sync>;

/// Does something with files of the workspace; the error is a report of what is wrong.
pub type Work<A, T> = Arc<dyn Fn(&A) -> Result<T, String> + Send + Sync>;

/// The workspace's pipelines: which there are, one of them by its name, and what starts it. All of it blocks; what is
/// wrong is told as a report.
#[derive(Clone)]
pub struct Pipelines {
    pub names: Arc<dyn Fn() -> Result<Vec<String>, String> + Send + Sync>,
    pub open: Work<str, Sheet>,
    pub order: Work<Order, NewRun>,
}

/// What the backend is made of.
#[derive(Clone)]
pub struct Engine {
    pub client: Client,
    pub revive: Revive,
    pub values: ValuesOf,
    pub file: FileOf,
    pub pipelines: Pipelines,
    pub services: Vec<Target>,
    /// Where copied text goes that is too long for a clipboard.
    pub copies: PathBuf,
    pub followed: Followed,
}

impl Engine {
    /// Answers requests until the console lets go of its end.
    pub async fn serve(self, mut requests: mpsc::Receiver<Request>, replies: mpsc::Sender<Reply>) {
        let logs = Logs::new(self.client.clone(), replies.clone(), self.copies.clone());
        let mut server = Server {
            engine: self,
            replies,
            changed: Changed::default(),
            standing: Vec::new(),
            followed: None,
            logs,
            limit: LISTED,
        };
        while let Some(request) = requests.recv().await {
            server.answer(request);
        }
        let tasks = server.standing.iter().chain(&server.followed);
        tasks.for_each(JoinHandle::abort);
    }
}

struct Server {
    engine: Engine,
    replies: mpsc::Sender<Reply>,
    /// Rung when the answer may have changed.
    changed: Changed,
    standing: Vec<JoinHandle<()>>,
    followed: Option<JoinHandle<()>>,
    logs: Logs,
    limit: usize,
}

impl Server {
    fn answer(&mut self, request: Request) {
        match request {
            Request::Overview | Request::Services => self.watch(),
            Request::Gates => self.changed.gates.notify_one(),
            Request::Decide { gate, decided } => self.once("decide", move |engine: Engine| gates::decide(engine, gate, decided)),
            Request::Deployments => self.changed.deployments.notify_one(),
            Request::RollbackPlan(aim) => {
                self.once("plan the rollback", |engine: Engine| async move { Ok(deployments::plan(&engine, aim).await) });
            }
            Request::RollBack(order) => self.once("roll back", |engine| deployments::roll_back(engine, *order)),
            Request::Promote(order) => self.once("promote", |engine| deployments::promote(engine, *order)),
            Request::ChangeStanding { environment, request } => {
                let changed = Arc::clone(&self.changed.deployments);
                self.once("change what is let in", |engine| deployments::change_standing(engine, environment, request, changed));
            }
            Request::Evidence(run) => self.once("read the run", move |engine: Engine| async move {
                Ok(Reply::Evidence(Box::new(engine.client.run(run.as_str()).await?)))
            }),
            Request::Audit(query) => self.once("read the audit chain", move |engine: Engine| async move {
                Ok(Reply::Audit { records: engine.client.audit(&query).await?, query })
            }),
            Request::VerifyAudit => self.once("verify the audit chain", move |engine: Engine| async move {
                Ok(Reply::Verified(engine.client.verify_audit(&VerifyRequest::default()).await?))
            }),
            Request::ListRuns { limit } => {
                self.limit = limit;
                self.watch();
            }
            Request::Follow(run) => {
                (self.engine.followed)(Some(&run));
                let task = tokio::spawn(follow(self.engine.clone(), run, self.replies.clone()));
                self.replace_followed(Some(task));
            }
            Request::Unfollow => {
                (self.engine.followed)(None);
                self.replace_followed(None);
                self.logs.stop();
            }
            Request::StageDetail(run, stage) => self.once("show the stage", move |engine: Engine| async move {
                let stage = Box::new(engine.client.stage(&run, &stage).await?);
                Ok(Reply::StageDetail { run, stage })
            }),
            Request::Lines(run, query) => self.logs.lines(run, query),
            Request::Scan(run, query) => self.logs.scan(run, query),
            Request::Find(run, query) => self.logs.find(run, query),
            Request::Culprit(run, log) => self.logs.culprit(run, log),
            Request::StopScan => self.logs.stop(),
            Request::CopyLines { run, view, from, to } => self.logs.copy(run, view, from, to),
            Request::Cancel { run, force } => self.once("cancel the run", move |engine: Engine| async move {
                engine.client.cancel(run.as_str(), force).await?;
                Ok(Reply::Done { what: format!("cancelling {run}") })
            }),
            Request::Resolve { run, stage, resolution } => self.once("resolve the stage", move |engine: Engine| async move {
                engine.client.resolve(run.as_str(), &stage, resolution).await?;
                Ok(Reply::Done { what: format!("answered for {stage}") })
            }),
            Request::Rerun { run, from, inputs, document } => self.once("run again", move |engine: Engine| async move {
                let mut old = engine.client.run(run.as_str()).await?;
                old.environment_names.extend(document.iter().flat_map(names_in));
                let rerun = Rerun { from: from.into(), inputs, document, values: (engine.values)(&old) };
                Ok(Reply::RunCreated(engine.client.rerun(run.as_str(), &rerun).await?))
            }),
            Request::RunsBelow(of) => self.once("list the runs below", |engine: Engine| async move {
                let runs = engine.client.runs_of(of.as_str(), LISTED, None).await?;
                Ok(Reply::RunsBelow { of, runs })
            }),
            Request::Papers(run) => {
                self.once("read the pipeline of the run", move |engine: Engine| async move { papers(&engine, &run).await });
            }
            Request::Pipelines => self.once("list the pipelines", |engine: Engine| async move {
                let names = beside(move || (engine.pipelines.names)()).await;
                Ok(names.map_or_else(|error| failed_because("list the pipelines", error), Reply::Pipelines))
            }),
            Request::OpenPipeline(name) => self.once("open the pipeline", |engine: Engine| async move {
                let (open, pipeline) = (engine.pipelines.open, name.clone());
                let opened = beside(move || open(&name)).await;
                Ok(opened.map_or_else(|report| Reply::Refused { pipeline, report }, |sheet| Reply::Opened(Box::new(sheet))))
            }),
            Request::Start(order) => self.once("start the pipeline", |engine: Engine| async move {
                let (prepare, pipeline) = (engine.pipelines.order, order.name.clone());
                match beside(move || prepare(&order)).await {
                    Ok(new) => Ok(Reply::RunCreated(engine.client.create(&new).await?)),
                    Err(report) => Ok(Reply::Refused { pipeline, report }),
                }
            }),
            Request::Journal(run) => self.journal(run),
            Request::LogTail { run, stage, attempt, lines } => self.once("read the log", move |engine: Engine| async move {
                let query = LogQuery { stage, attempt: Some(attempt), from: None, count: lines };
                let window = engine.client.log(run.as_str(), &query).await?;
                Ok(Reply::LogTail { run, window })
            }),
        }
    }

    /// Does one thing beside everything else and says how it went.
    fn once<F>(&self, what: &'static str, work: impl FnOnce(Engine) -> F)
    where
        F: Future<Output = Result<Reply, ClientError>> + Send + 'static,
    {
        let (work, replies) = (work(self.engine.clone()), self.replies.clone());
        tokio::spawn(async move {
            let reply = work.await.unwrap_or_else(|error| failed(what, &error));
            let _ = replies.send(reply).await;
        });
    }

    /// Sends every event of a run, a page at a time.
    fn journal(&self, run: RunId) {
        let (client, replies) = (self.engine.client.clone(), self.replies.clone());
        tokio::spawn(async move {
            let mut after = 0;
            loop {
                let reply = match client.journal(&run, after).await {
                    Ok(events) => Reply::Journal { run: run.clone(), done: events.is_empty(), events },
                    Err(error) => failed("read the events of the run", &error),
                };
                let more = match &reply {
                    Reply::Journal { events, .. } => events.last().map(|event| event.seq),
                    _ => None,
                };
                if replies.send(reply).await.is_err() {
                    return;
                }
                match more {
                    Some(last) => after = last,
                    None => return,
                }
            }
        });
    }

    fn replace_followed(&mut self, task: Option<JoinHandle<()>>) {
        if let Some(old) = std::mem::replace(&mut self.followed, task) {
            old.abort();
        }
    }

    /// Sets the standing questions up the first time, and asks them again.
    fn watch(&mut self) {
        if self.standing.is_empty() {
            let Changed { runs, services, gates, deployments } = self.changed.clone();
            let (client, replies) = (&self.engine.client, &self.replies);
            self.standing = vec![
                tokio::spawn(listen(self.engine.clone(), self.changed.clone(), replies.clone())),
                tokio::spawn(gates::list(client.clone(), gates, replies.clone())),
                tokio::spawn(deployments::list(client.clone(), deployments, replies.clone())),
                tokio::spawn(list(client.clone(), self.limit, runs, replies.clone())),
                tokio::spawn(probe(self.engine.services.clone(), services, replies.clone())),
            ];
        }
        self.changed.services.notify_one();
        self.changed.all_of_the_engine();
    }
}

/// Does what blocks on a thread of its own.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

fn failed_because(what: &str, error: String) -> Reply {
    Reply::Failed { what: what.to_owned(), error }
}

/// Rung by whoever hears that an answer may have changed.
#[derive(Clone, Default)]
struct Changed {
    runs: Arc<Notify>,
    services: Arc<Notify>,
    gates: Arc<Notify>,
    deployments: Arc<Notify>,
}

impl Changed {
    /// Everything that the engine is asked for.
    fn all_of_the_engine(&self) {
        [&self.runs, &self.gates, &self.deployments].into_iter().for_each(|question| question.notify_one());
    }
}

pub(super) fn failed(what: &str, error: &ClientError) -> Reply {
    Reply::Failed { what: what.to_owned(), error: error.to_string() }
}

/// Listens to everything, to know when to ask again.
async fn listen(engine: Engine, changed: Changed, replies: mpsc::Sender<Reply>) {
    let everything = Subscription { run: None, after: None, revive: Some(engine.revive.clone()) };
    let mut updates = engine.client.subscribe(everything);
    while let Some(update) = updates.recv().await {
        match update {
            Update::Connected => {
                if let Ok(status) = engine.client.status().await {
                    let _ = replies.send(Reply::Connected(status)).await;
                }
                if let Ok(me) = engine.client.whoami().await {
                    let _ = replies.send(Reply::Me(Box::new(me))).await;
                }
                changed.all_of_the_engine();
            }
            Update::Disconnected(why) => {
                let _ = replies.send(Reply::Disconnected(why)).await;
            }
            Update::Event(event) => {
                changed.runs.notify_one();
                changed.gates.notify_one();
                if matches!(event.kind, EventKind::AttemptFinished { .. } | EventKind::RunFinished { .. }) {
                    changed.services.notify_one();
                }
                // An environment's lock goes with its run.
                if matches!(event.kind, EventKind::RunFinished { .. }) {
                    changed.deployments.notify_one();
                }
            }
            Update::Lagged => changed.all_of_the_engine(),
            Update::Signal(Signal::GateChanged { .. }) => {
                changed.gates.notify_one();
                changed.deployments.notify_one();
            }
            Update::Signal(Signal::ReleaseChanged { .. }) => changed.deployments.notify_one(),
            Update::Snapshot(_) | Update::Signal(_) => {}
        }
    }
}

/// Sends the listing whenever it may have changed; changes during a request make one more.
async fn list(client: Client, limit: usize, changed: Arc<Notify>, replies: mpsc::Sender<Reply>) {
    let mut last = None;
    loop {
        changed.notified().await;
        let Ok(runs) = client.runs(limit, None).await else { continue };
        if last.as_ref() != Some(&runs) {
            last = Some(runs.clone());
            if replies.send(Reply::Runs(runs)).await.is_err() {
                return;
            }
        }
    }
}

async fn probe(targets: Vec<Target>, changed: Arc<Notify>, replies: mpsc::Sender<Reply>) {
    loop {
        changed.notified().await;
        let services = futures_util::future::join_all(targets.iter().map(look)).await;
        if replies.send(Reply::Services(services)).await.is_err() {
            return;
        }
    }
}

/// Tells everything about one run until the task is aborted.
async fn follow(engine: Engine, run: RunId, replies: mpsc::Sender<Reply>) {
    let subscription = Subscription { run: Some(run.clone()), after: None, revive: Some(engine.revive.clone()) };
    let mut updates = engine.client.subscribe(subscription);
    while let Some(update) = updates.recv().await {
        let reply = match update {
            Update::Snapshot(run) => {
                provide(&engine, &run).await;
                Reply::RunSnapshot(run)
            }
            Update::Event(event) => {
                if matches!(event.kind, EventKind::RunPaused { .. })
                    && let Ok(run) = engine.client.run(run.as_str()).await
                {
                    provide(&engine, &run).await;
                }
                Reply::RunEvent(event)
            }
            Update::Signal(Signal::LogGrew { run, stage, attempt, lines, bytes }) => {
                Reply::LogGrew { run, stage, attempt, lines, bytes }
            }
            Update::Signal(Signal::Trouble { message, .. }) => {
                Reply::Failed { what: "record the run".to_owned(), error: message }
            }
            Update::Signal(Signal::GateChanged { .. } | Signal::ReleaseChanged { .. }) => continue,
            Update::Disconnected(why) => Reply::Disconnected(why),
            Update::Connected | Update::Lagged => match engine.client.status().await {
                Ok(status) => Reply::Connected(status),
                Err(_) => continue,
            },
        };
        if replies.send(reply).await.is_err() {
            return;
        }
    }
}

/// A restarted engine may have lost the run's values; this user may still have them.
async fn provide(engine: &Engine, run: &Run) {
    if !run.needs.is_empty() {
        let values = (engine.values)(run);
        // What is still missing shows as the run's own note.
        let _ = engine.client.provide(run.id.as_str(), &values).await;
    }
}

impl From<RerunFrom> for model::RerunFrom {
    fn from(from: RerunFrom) -> Self {
        match from {
            RerunFrom::Start => Self::Start,
            RerunFrom::Failed => Self::Failed,
            RerunFrom::Stage(stage) => Self::Stage(stage),
        }
    }
}
