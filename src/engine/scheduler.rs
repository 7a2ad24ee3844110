//! Which stage starts when, what follows an attempt's end, and when a run is over.
//!
//! Owns the decisions about one run as a pure state machine: an input and the moment it came in give effects.
//! Must not know clocks, I/O, rendering or operators; the driver records, publishes and acts.

mod enclose;
mod flow;
mod frame;
mod guards;
mod hold;
mod loops;
mod node;
mod orders;
mod release;
mod reopen;
mod restore;
mod retry;
mod start;
mod undo;
mod verdict;
mod winding;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::language::{Component, OnError, Pipeline, StageSpec};
use crate::model::{
    Actor, ErrorKind, Event, EventKind, Next, Outcome, Resolution, Run, RunStatus, Stage, StageError, StageId, Timestamp,
};
use crate::operators;
use frame::Live;
use node::{Node, Phase, Settled};
use verdict::out_of_time;

/// How many stages of a run are at work at once when the pipeline does not say.
pub const DEFAULT_CONCURRENCY: usize = 10;

/// When an input came in, and the randomness it may use (`0.0..1.0`, for jitter).
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: Timestamp,
    pub jitter: f64,
}

/// What can happen to a run from outside the scheduler. Stages are named by their index in the pipeline.
#[derive(Debug, Clone)]
pub enum Input {
    /// The run was created, or the engine took it up again.
    Begin,
    Ended {
        stage: usize,
        attempt: u32,
        outcome: Outcome,
    },
    /// The answer to `Effect::Evaluate`.
    Condition {
        stage: usize,
        holds: Result<bool, StageError>,
    },
    /// A timer went off; a stale epoch is ignored.
    Woken {
        stage: usize,
        epoch: u32,
    },
    Cancel {
        actor: Actor,
        force: bool,
        reason: Option<String>,
    },
    /// The run's own time is up.
    TimeUp,
    Resolve {
        stage: StageId,
        resolution: Resolution,
        actor: Actor,
    },
    /// Something became of the gate that a held stage waits at.
    GateMoved {
        stage: usize,
    },
    /// A ready stage will not be let through.
    Barred {
        stage: usize,
        error: StageError,
    },
}

/// What the driver has to do, in this order.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "the large one is the common one, and lives for one call")]
pub enum Effect {
    Record(EventKind),
    /// Evaluate the stage's `when` and answer with `Input::Condition`.
    Evaluate {
        stage: usize,
    },
    Wake {
        stage: usize,
        at: Timestamp,
        epoch: u32,
    },
    /// End a running attempt.
    Stop {
        stage: usize,
        attempt: u32,
        force: bool,
    },
}

/// Why nothing new is started any more.
#[derive(Debug, Clone, PartialEq)]
enum Halt {
    Failing(StageError),
    Cancelling,
    /// A `return` stage ended it with this output, or with this error.
    Returned(Value, Option<StageError>),
}

/// The state of one run: the fold of its events and the indexes that make every decision cheap.
#[derive(Debug)]
pub struct Scheduler {
    pipeline: Arc<Pipeline>,
    run: Run,
    nodes: Vec<Node>,
    by_id: HashMap<StageId, usize>,
    /// Enclosing stages at work, by their node.
    frames: HashMap<usize, Live>,
    /// The instances inside loops, by their place in the pipeline.
    instances: Vec<Vec<usize>>,
    /// Stages inside a frame that ended, with the failure that counts.
    ended_inside: VecDeque<(usize, Option<StageError>)>,
    ready: BTreeSet<usize>,
    running: usize,
    /// Stages that have not settled.
    open: usize,
    limit: usize,
    halt: Option<Halt>,
    /// The last stage that succeeded: its output is the run's when the pipeline names no other.
    last_succeeded: Option<usize>,
    /// Stages whose settling has not yet reached their dependants.
    settling: Vec<usize>,
    effects: Vec<Effect>,
}

impl Scheduler {
    /// The run as decided so far, ahead of what is durable by at most the effects not yet recorded.
    pub fn run(&self) -> &Run {
        &self.run
    }

    pub fn spec(&self, stage: usize) -> &StageSpec {
        &self.pipeline.stages[self.nodes[stage].spec]
    }

    /// The stage as it is named in this run: inside a loop with its places.
    pub fn id(&self, stage: usize) -> &StageId {
        &self.nodes[stage].id
    }

    /// The stage of this name, if it exists (yet).
    pub fn find(&self, id: &StageId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The loops and guards at work around a stage, innermost first.
    pub fn around(&self, stage: usize) -> Vec<usize> {
        let frame = |stage: &usize| self.nodes[*stage].inside.map(|inside| inside.frame);
        std::iter::successors(frame(&stage), frame).collect()
    }

    /// Its places in loops, outermost first.
    pub fn path(&self, stage: usize) -> &[usize] {
        &self.nodes[stage].path
    }

    /// How many stages enclose this one, for taking up outer ones first.
    pub fn depth(&self, stage: usize) -> usize {
        let owners = |stage: usize| self.spec(stage).owners.iter().filter_map(|id| self.pipeline.index_of(id.as_str()));
        let (mut depth, mut at) = (self.path(stage).len(), self.nodes[stage].spec);
        while let Some(owner) = owners(at).find(|owner| *owner != at) {
            depth += 1;
            at = owner;
            if depth > self.pipeline.stages.len() {
                break;
            }
        }
        depth
    }

    /// Stages of which an attempt is at work, enclosing ones included.
    pub fn at_work(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|stage| self.is_at_work(*stage)).collect()
    }

    /// Whether an attempt of the stage is at work.
    pub fn is_at_work(&self, stage: usize) -> bool {
        self.nodes[stage].phase == Phase::Running
    }

    /// What happened to the stage so far; nothing for one that has not begun inside a loop.
    pub fn stage(&self, stage: usize) -> Option<&Stage> {
        self.run.stages.get(&self.nodes[stage].id)
    }

    /// Stages at work.
    pub fn running(&self) -> usize {
        self.running
    }

    pub fn is_finished(&self) -> bool {
        self.run.status.is_final()
    }

    /// The next stage that may start now, in document order, within the run's concurrency.
    pub fn next_ready(&self) -> Option<usize> {
        let waits = self.halt.is_none() && !self.run.needs.is_empty();
        if waits || self.running >= self.limit {
            return None;
        }
        let may = |stage: &&usize| self.halt.is_none() || self.nodes[**stage].finally;
        self.ready.iter().find(may).copied()
    }

    /// What is left of the stage's budget over all attempts at `now`; `None` when it has none.
    pub fn remaining(&self, stage: usize, now: Timestamp) -> Option<Duration> {
        let budget = self.spec(stage).timeout?;
        let spent = self.turn(stage).began().map_or(Duration::ZERO, |began| now.since(began));
        Some(budget.saturating_sub(spent))
    }

    /// Records what the driver itself has to say about the run: a note, a pause, its end.
    pub fn remark(&mut self, kind: EventKind, moment: Moment) -> Vec<Effect> {
        self.record(moment, kind);
        std::mem::take(&mut self.effects)
    }

    /// Decides what follows an input.
    pub fn handle(&mut self, input: Input, moment: Moment) -> Vec<Effect> {
        if !self.is_finished() {
            self.dispatch(input, moment);
            self.settle_all(moment);
            self.finish_if_over(moment);
        }
        std::mem::take(&mut self.effects)
    }

    fn dispatch(&mut self, input: Input, moment: Moment) {
        match input {
            Input::Begin => self.begin(moment),
            Input::Ended { stage, attempt, outcome } => self.on_ended(stage, attempt, outcome, moment),
            Input::Condition { stage, holds } => self.on_condition(stage, holds, moment),
            Input::Woken { stage, epoch } => {
                self.on_woken(stage, epoch, moment);
            }
            Input::Cancel { actor, force, reason } => self.on_cancel(actor, force, reason, moment),
            Input::TimeUp => {
                self.halt.get_or_insert(Halt::Failing(out_of_time(self.run.timeout_ms.unwrap_or(0))));
                self.stop_running(false);
                self.wind_down(moment);
            }
            Input::GateMoved { stage } => self.on_gate_moved(stage),
            Input::Barred { stage, error } => self.on_barred(stage, error, moment),
            Input::Resolve { stage, resolution, actor } => {
                if let Some(stage) = self.find(&stage) {
                    self.on_resolve(stage, resolution, actor, moment);
                }
            }
        }
    }

    /// Applies an event to the fold and hands it to the driver for the journal.
    fn record(&mut self, moment: Moment, kind: EventKind) {
        let event = Event { seq: 0, at: moment.now, run: self.run.id.clone(), kind };
        self.run.apply(&event);
        self.effects.push(Effect::Record(event.kind));
    }

    fn begin(&mut self, moment: Moment) {
        if self.run.status == RunStatus::Queued {
            self.record(moment, EventKind::RunStarted);
        }
        for stage in 0..self.nodes.len() {
            match self.nodes[stage].phase {
                // Instances inside loops are begun by their frame.
                Phase::Blocked if self.nodes[stage].path.is_empty() => self.decide(stage, moment),
                Phase::Backoff => self.wake_again(stage, moment),
                Phase::Blocked
                | Phase::Evaluating
                | Phase::Ready
                | Phase::Held
                | Phase::Running
                | Phase::Asked
                | Phase::Settled => {}
            }
        }
        // What was being ended when the engine died is ended still.
        if let Some(halt) = &self.halt {
            if *halt == Halt::Cancelling {
                self.stop_running(false);
            }
            self.wind_down(moment);
        }
    }

    fn wake_again(&mut self, stage: usize, moment: Moment) {
        let at = self.stage(stage).and_then(|stage| stage.retry_at).unwrap_or(moment.now);
        let epoch = self.nodes[stage].epoch;
        self.effects.push(Effect::Wake { stage, at, epoch });
    }

    fn make_ready(&mut self, stage: usize) {
        self.nodes[stage].phase = Phase::Ready;
        self.ready.insert(stage);
    }

    fn on_ended(&mut self, stage: usize, attempt: u32, outcome: Outcome, moment: Moment) {
        let current = self.last_attempt(stage);
        if self.nodes[stage].phase != Phase::Running || current != Some(attempt) {
            return;
        }
        let reserved = self.is_reserved(stage);
        let halted = if reserved { self.run.given_up } else { self.halt.is_some() && !self.nodes[stage].finally };
        let asks = self.has_to_ask(stage, outcome.ending);
        let (outcome, next) = retry::decide(self.spec(stage), self.turn(stage), outcome, halted, moment);
        let next = if asks && next == Next::Settle { Next::Ask } else { next };
        self.conclude(stage, attempt, outcome, next, moment);
    }

    /// Records an attempt's end and what follows it.
    fn conclude(&mut self, stage: usize, attempt: u32, outcome: Outcome, next: Next, moment: Moment) {
        if self.frames.remove(&stage).is_none() {
            self.running -= 1;
        }
        let outcome = if outcome.ending.is_success() { self.told_by(stage, outcome) } else { outcome };
        let failed = (next == Next::Settle && !outcome.ending.is_success()).then(|| self.blame(stage, &outcome));
        let id = self.id(stage).clone();
        self.record(moment, EventKind::AttemptFinished { stage: id, attempt, outcome, next });
        match next {
            Next::Settle => self.settled(stage, failed, moment),
            Next::Retry { at } => {
                self.nodes[stage].phase = Phase::Backoff;
                self.nodes[stage].epoch += 1;
                let epoch = self.nodes[stage].epoch;
                self.effects.push(Effect::Wake { stage, at, epoch });
            }
            Next::Ask => self.nodes[stage].phase = Phase::Asked,
        }
    }

    /// What a stage gives, which for a deployment begins with what was deployed.
    fn told_by(&self, stage: usize, outcome: Outcome) -> Outcome {
        let config = self.stage(stage).and_then(|stage| stage.attempts.last()).map(|last| &last.config);
        match config {
            Some(config) if self.spec(stage).component == Component::Deploy => {
                Outcome { output: operators::deployed(config, outcome.output), ..outcome }
            }
            _ => outcome,
        }
    }

    /// The error a failed stage brings to the run.
    fn blame(&self, stage: usize, outcome: &Outcome) -> StageError {
        let fallback = || StageError::new(ErrorKind::Unknown, "ended without saying why");
        let mut error = outcome.error.clone().unwrap_or_else(fallback);
        // A failure inside keeps the name of the stage that it began in.
        error.stage.get_or_insert_with(|| self.id(stage).clone());
        error
    }

    /// Marks a stage as over; a failure that propagates keeps anything new from starting.
    fn settled(&mut self, stage: usize, failure: Option<StageError>, moment: Moment) {
        self.nodes[stage].phase = Phase::Settled;
        self.nodes[stage].settled = Some(Settled::Ran);
        if self.is_reserved(stage) {
            // What it came to is told by the run's end.
            return;
        }
        let failure = failure.filter(|_| self.spec(stage).on_error == OnError::Propagate);
        self.release_inside(stage, moment);
        if self.nodes[stage].inside.is_some() {
            if failure.is_none() {
                self.return_early(stage, moment);
            }
            self.ended_inside.push_back((stage, failure));
            return;
        }
        if !self.nodes[stage].path.is_empty() {
            // Its loop is over already: nobody waits for it.
            return;
        }
        self.open -= 1;
        self.settling.push(stage);
        match failure {
            Some(error) => {
                self.halt.get_or_insert(Halt::Failing(error));
                self.wind_down(moment);
            }
            None => {
                self.last_succeeded = Some(stage);
                self.return_early(stage, moment);
            }
        }
    }

    fn on_condition(&mut self, stage: usize, holds: Result<bool, StageError>, moment: Moment) {
        if self.nodes[stage].phase != Phase::Evaluating {
            return;
        }
        match holds {
            Ok(true) => self.make_ready(stage),
            Ok(false) => self.skip(stage, "when".to_owned(), Settled::Skipped, moment),
            Err(error) => self.fail_unstarted(stage, error, moment),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
