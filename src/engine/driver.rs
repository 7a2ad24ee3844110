//! One task per run: takes what happened, lets the scheduler decide, and then records, publishes and acts, in that order.
//!
//! Owns the run's mailbox, its runner and its timers. Must not decide anything itself: that is the scheduler's.

mod act;
mod adopt;
mod children;
mod fail;
mod gated;
mod output;
mod prepare;
mod scope;
mod under;
mod values;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::child::{Order, Stop};
use super::clock;
use super::gates::concerns;
use super::scheduler::{Effect, Input, Scheduler};
use super::shared::Shared;
use crate::language::Pipeline;
use crate::model::{Actor, Environment, EventKind, Outcome, RunId, Signal, StageId, Timestamp, Values};
use crate::operators::Settings;
use crate::process::Spec;
use crate::runner;
use crate::store::{Batch, NewEvent, StoreError};
pub use values::Masks;

/// How many letters may wait for a run; senders wait when it is full.
const MAILBOX: usize = 1024;
/// How many events one commit of one run takes at most before it is written.
const BATCH: usize = 512;

/// What reaches a run's driver.
#[derive(Debug)]
pub enum Mail {
    Input(Input),
    /// In-engine work is over.
    Ended {
        stage: usize,
        attempt: u32,
        outcome: Outcome,
    },
    /// Values the run waited for, and who brought them, where that was a person.
    Values {
        values: Values,
        by: Option<Actor>,
    },
    /// Something became of a gate that a stage waits at, or of a lock.
    GateMoved,
    /// A run below this one waits for somebody.
    Waits {
        run: RunId,
        why: String,
    },
    /// A question that is answered when everything before it is durable.
    Flush(oneshot::Sender<()>),
}

/// What to do once the events before it are durable.
enum Act {
    Process {
        stage: usize,
        attempt: u32,
        spec: Box<Spec>,
    },
    Call {
        stage: usize,
        attempt: u32,
        call: crate::operators::Call,
    },
    Child {
        stage: usize,
        attempt: u32,
        order: Box<Order>,
    },
    Wake {
        stage: usize,
        at: Timestamp,
        epoch: u32,
    },
    /// Asks at the gate again when time may have changed something.
    AtGate {
        stage: usize,
        at: Timestamp,
    },
    Stop {
        stage: usize,
        attempt: u32,
        force: bool,
    },
    Ack {
        stage: StageId,
        attempt: u32,
    },
    Answer(oneshot::Sender<()>),
    /// The connection to the runner broke: find out whether it lives.
    Reattach,
    /// The runner has to hide further values from now on.
    Learn,
}

/// Where a stage acts that was let through.
#[derive(Debug, Clone)]
struct Aim {
    environment: Environment,
    /// Of the environment's lock.
    fence: Option<u64>,
}

/// A running attempt, as the driver has to know it to end it.
enum Work {
    Process { attempt: u32 },
    Call { cancel: CancellationToken },
    Child { stop: watch::Sender<Stop> },
}

pub struct Driver {
    shared: Arc<Shared>,
    /// As they were when the run began.
    settings: Arc<Settings>,
    id: RunId,
    /// The run's own directory.
    dir: PathBuf,
    pipeline: Arc<Pipeline>,
    scheduler: Scheduler,
    masks: Masks,
    variables: Map<String, Value>,
    mailbox: mpsc::Sender<Mail>,
    inbox: mpsc::Receiver<Mail>,
    runner: Option<runner::Handle>,
    reports: Option<mpsc::Receiver<runner::Report>>,
    work: HashMap<usize, Work>,
    permits: HashMap<usize, OwnedSemaphorePermit>,
    /// What stages that passed a gate act on.
    aims: HashMap<usize, Aim>,
    /// Stages whose start was recorded before a crash, for values that are others now.
    changed_values: HashSet<usize>,
    /// Secrets that only stages read which act in these environments, as the policy has it.
    bound_secrets: BTreeMap<String, BTreeSet<String>>,
    /// Environments that are protected, or were in this run's time.
    guarded: BTreeSet<String>,
    /// Who brought values since the run was paused.
    providers: Vec<Actor>,
    /// A place in the engine that no stage has taken yet.
    place: Option<OwnedSemaphorePermit>,
    events: Vec<NewEvent>,
    acts: Vec<Act>,
    /// Letters that came while the run waited for values.
    held: Vec<Mail>,
    /// Runs that stages of this one have started.
    children: usize,
}

/// Why a run's driver stopped before the run was over.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error("the store does not take the run's events: {0}")]
    Store(#[from] StoreError),
}

impl Driver {
    pub fn new(
        shared: Arc<Shared>,
        settings: Arc<Settings>,
        pipeline: Arc<Pipeline>,
        scheduler: Scheduler,
        values: Values,
    ) -> Self {
        let (mailbox, inbox) = mpsc::channel(MAILBOX);
        let id = scheduler.run().id.clone();
        let dir = shared.paths.runs_dir().join(id.as_str());
        let masks = Masks::new(values, settings.ai.keys().map(str::to_owned).collect());
        let variables = prepare::variables_at(&pipeline, scheduler.run(), u64::MAX);
        let children = children::count(scheduler.run());
        let guarded = scheduler.run().protected.iter().cloned().collect();
        Self {
            shared,
            settings,
            id,
            dir,
            pipeline,
            scheduler,
            masks,
            variables,
            mailbox,
            inbox,
            runner: None,
            reports: None,
            work: HashMap::new(),
            permits: HashMap::new(),
            aims: HashMap::new(),
            changed_values: HashSet::new(),
            bound_secrets: BTreeMap::new(),
            guarded,
            providers: Vec::new(),
            place: None,
            events: Vec::new(),
            acts: Vec::new(),
            held: Vec::new(),
            children,
        }
    }

    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Where letters to this run go.
    pub fn mailbox(&self) -> mpsc::Sender<Mail> {
        self.mailbox.clone()
    }

    /// Drives the run to its end. Comes back early only when the store does not take events any more and the
    /// failure could not be recorded either.
    pub async fn drive(mut self) -> Result<(), DriverError> {
        let result = self.run().await;
        let result = match result {
            // The engine is being stopped: the runner goes on, and the next engine takes the run up.
            Err(DriverError::Store(StoreError::Closed)) => return Err(StoreError::Closed.into()),
            Err(DriverError::Store(error)) => self.stop_unrecorded(error).await,
            done => done,
        };
        if let Some(runner) = self.runner.take() {
            runner.shutdown().await;
        }
        self.shared.ended(&self.id);
        result
    }

    async fn run(&mut self) -> Result<(), DriverError> {
        // Before anything is read, conditions included.
        self.note_bindings().await;
        self.take_up().await?;
        self.watch_deadline();
        self.feed(Input::Begin);
        for mail in std::mem::take(&mut self.held) {
            self.open(mail);
        }
        loop {
            let starved = self.start_ready().await?;
            self.commit().await?;
            let recorded = self.events.is_empty() && self.acts.is_empty();
            if recorded && self.scheduler.is_finished() && self.work.is_empty() {
                return Ok(());
            }
            let startable = self.scheduler.next_ready().is_some() && !starved;
            if !startable && recorded {
                self.receive(starved).await;
            }
        }
    }

    /// Waits for something to happen and takes in everything that has happened by then.
    async fn receive(&mut self, starved: bool) {
        let slots = self.shared.slots.clone();
        tokio::select! {
            biased;
            Some(mail) = self.inbox.recv() => self.open(mail),
            Some(report) = next_report(&mut self.reports) => self.on_report(report),
            // Kept for the stage that waits: a place given back here would go to the next run in the queue.
            Ok(place) = slots.acquire_owned(), if starved => self.place = Some(place),
        }
        while self.events.len() < BATCH {
            if let Ok(mail) = self.inbox.try_recv() {
                self.open(mail);
            } else if let Some(Ok(report)) = self.reports.as_mut().map(mpsc::Receiver::try_recv) {
                self.on_report(report);
            } else {
                return;
            }
        }
    }

    fn open(&mut self, mail: Mail) {
        match mail {
            Mail::Input(input) => self.feed(input),
            Mail::Ended { stage, attempt, outcome } => self.end(stage, attempt, outcome),
            Mail::GateMoved => self.gates_moved(),
            Mail::Values { values, by } => self.on_values(values, by),
            Mail::Waits { run, why } => self.remark_waiting(&run, &why),
            Mail::Flush(answer) => self.acts.push(Act::Answer(answer)),
        }
    }

    /// Gives an input to the scheduler and takes down what follows from it.
    fn feed(&mut self, input: Input) {
        let effects = self.scheduler.handle(input, clock::moment());
        self.take_down(effects);
    }

    fn take_down(&mut self, effects: Vec<Effect>) {
        let mut queue = VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Record(kind) => self.note_down(kind),
                Effect::Evaluate { stage } => {
                    let holds = self.evaluate_when(stage);
                    let more = self.scheduler.handle(Input::Condition { stage, holds }, clock::moment());
                    queue.extend(more);
                }
                Effect::Wake { stage, at, epoch } => self.acts.push(Act::Wake { stage, at, epoch }),
                Effect::Stop { stage, attempt, force } => self.acts.push(Act::Stop { stage, attempt, force }),
            }
        }
    }

    fn note_down(&mut self, kind: EventKind) {
        let kind = match kind {
            // What a person writes is kept for ever, here and in the audit chain.
            EventKind::CancelRequested { actor, force, reason } => {
                let reason = reason.map(|reason| self.masks.mask_text(reason));
                EventKind::CancelRequested { actor, force, reason }
            }
            other => other,
        };
        self.events.push(NewEvent { at: clock::now(), run: self.id.clone(), kind });
    }

    fn release(&mut self, stage: usize) {
        self.work.remove(&stage);
        self.permits.remove(&stage);
    }

    /// Record, publish, act.
    async fn commit(&mut self) -> Result<(), DriverError> {
        let ends = self.events.iter().any(|event| matches!(event.kind, EventKind::RunFinished { .. }));
        if ends {
            self.record_end().await?
        } else if self.events.iter().any(|event| concerns(&event.kind, &self.pipeline)) {
            self.record_releases().await?
        } else {
            self.record(Batch::default()).await?
        }
        // What an act brings about is recorded in the next round, before its own acts.
        let acts = std::mem::take(&mut self.acts);
        // The next stages start before the runner is told that the last ones are recorded.
        let (last, first): (Vec<Act>, Vec<Act>) = acts.into_iter().partition(|act| matches!(act, Act::Ack { .. }));
        for act in first.into_iter().chain(last) {
            self.act(act).await;
        }
        Ok(())
    }

    fn trouble(&self, message: String) {
        self.shared.hub.signal(Signal::Trouble { run: self.id.clone(), message });
    }
}

/// What the runner has to say next; nothing, for ever, without one.
async fn next_report(reports: &mut Option<mpsc::Receiver<runner::Report>>) -> Option<runner::Report> {
    let report = match reports {
        Some(open) => open.recv().await,
        None => std::future::pending().await,
    };
    if report.is_none() {
        // The last report was `Gone`; a closed channel has nothing more to say.
        *reports = None;
    }
    report
}
