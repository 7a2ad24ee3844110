//! Scenarios: a pipeline, what happens to it in words, and what is expected of it in words.

mod contract;
mod crashes;
mod frames;
mod held;
mod laws;
mod scenarios;
mod undo;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Effect, Input, Moment, Scheduler};
use crate::language::{Component, Format, Pipeline, load};
use crate::model::{
    Actor, Ending, ErrorKind, Event, EventKind, GateId, Outcome, PipelineRef, Resolution, Run, RunId, RunStatus, StageError,
    StageId, StageStatus, Timestamp,
};
use crate::operators::{Foreach, Frame, TryCatch};

pub(in crate::engine) fn pipeline(text: &str) -> Arc<Pipeline> {
    let loaded = load(text, Format::Yaml);
    let problems: Vec<_> = loaded.problems.iter().map(|problem| problem.message.clone()).collect();
    Arc::new(loaded.pipeline.unwrap_or_else(|| panic!("{problems:?}")))
}

pub(in crate::engine) fn created(pipeline: &Pipeline) -> Event {
    let reference = PipelineRef {
        id: pipeline.id.clone(),
        name: pipeline.name.clone(),
        hash: pipeline.hash.clone(),
        ..PipelineRef::default()
    };
    let kind = EventKind::RunCreated {
        pipeline: reference,
        stages: pipeline.outlines(),
        inputs: Value::Null,
        actor: Actor::engine(),
        workspace: "/".to_owned(),
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
    Event { seq: 1, at: Timestamp(0), run: RunId::from_text("r"), kind }
}

/// A run on a virtual clock: every stage that may start is started at once.
pub(super) struct World {
    pub pipeline: Arc<Pipeline>,
    pub scheduler: Scheduler,
    pub journal: Vec<Event>,
    pub now: Timestamp,
    /// Timers by stage: when and in which epoch.
    pub timers: BTreeMap<usize, (Timestamp, u32)>,
    pub stopped: Vec<(usize, bool)>,
    /// Answers to `when` conditions by stage; the others hold.
    pub conditions: BTreeMap<usize, bool>,
    pub started: Vec<String>,
    /// Stages with an environment that have been let through their gate.
    pub passed: BTreeSet<String>,
    /// The randomness of every moment.
    pub jitter: f64,
}

impl World {
    pub fn new(text: &str) -> Self {
        Self::of(pipeline(text))
    }

    pub fn of(pipeline: Arc<Pipeline>) -> Self {
        let event = created(&pipeline);
        let run = Run::created(&event).unwrap();
        let scheduler = Scheduler::restore(Arc::clone(&pipeline), run).unwrap();
        let mut world = Self {
            pipeline,
            scheduler,
            journal: vec![event],
            now: Timestamp(0),
            timers: BTreeMap::new(),
            stopped: Vec::new(),
            conditions: BTreeMap::new(),
            started: Vec::new(),
            passed: BTreeSet::new(),
            jitter: 1.0,
        };
        world.give(Input::Begin);
        world
    }

    /// The same run after a crash: nothing but the journal is left.
    pub fn crash(&mut self) {
        let run = Run::fold(&self.journal).unwrap();
        self.scheduler = Scheduler::restore(Arc::clone(&self.pipeline), run).unwrap();
        self.timers.clear();
        let mut frames: Vec<usize> = self.scheduler.at_work().into_iter().filter(|stage| self.frame(*stage).is_some()).collect();
        frames.sort_by_key(|stage| self.scheduler.depth(*stage));
        for stage in frames {
            if let Some(frame) = self.frame(stage) {
                let effects = self.scheduler.reopen_frame(stage, frame, self.moment());
                self.obey(effects);
            }
        }
        self.give(Input::Begin);
    }

    pub fn moment(&self) -> Moment {
        Moment { now: self.now, jitter: self.jitter }
    }

    pub fn give(&mut self, input: Input) {
        let effects = self.scheduler.handle(input, self.moment());
        self.obey(effects);
        while let Some(stage) = self.scheduler.next_ready() {
            let id = self.scheduler.id(stage).to_string();
            if self.scheduler.spec(stage).environment.is_some() && !self.passed.contains(&id) {
                let effects = self.scheduler.hold(stage, &GateId::from(format!("r/{id}").as_str()), self.moment());
                self.obey(effects);
                continue;
            }
            let (_, effects) = self.scheduler.start(stage, self.moment(), Value::Null, None);
            self.started.push(id);
            self.obey(effects);
            self.open(stage);
        }
    }

    /// What a loop or a guard has inside, from its config as it is written.
    fn frame(&self, stage: usize) -> Option<Frame> {
        let config = &self.scheduler.spec(stage).config;
        let list = |key: &str| -> Vec<StageId> {
            config.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(StageId::new).collect()
        };
        let number = |key: &str| config.get(key).and_then(Value::as_u64).unwrap_or(0);
        match self.scheduler.spec(stage).component {
            Component::Foreach => {
                let items: Vec<(usize, Value)> =
                    config["items"].as_array().cloned().unwrap_or_default().into_iter().enumerate().collect();
                Some(Frame::Foreach(Foreach {
                    total: items.len(),
                    items,
                    body: list("loop_stages"),
                    at_once: usize::try_from(number("max_parallel")).unwrap().max(1),
                    break_on_error: config.get("break_on_error") != Some(&json!(false)),
                    item_name: "item".to_owned(),
                    index_name: "index".to_owned(),
                    collect: true,
                }))
            }
            Component::TryCatch => Some(Frame::TryCatch(TryCatch {
                body: list("try_stages"),
                catch: list("catch_stages"),
                finally: list("finally_stages"),
                propagate: config.get("error_scope") == Some(&json!("propagate")),
                forgive: false,
                only: config
                    .get("catch_error_types")
                    .map(|_| list("catch_error_types").iter().map(ToString::to_string).collect()),
                max_retries: u32::try_from(number("max_retries")).unwrap(),
                retry_delay: std::time::Duration::from_millis(number("retry_delay_ms")),
            })),
            _ => None,
        }
    }

    fn open(&mut self, stage: usize) {
        if let Some(frame) = self.frame(stage) {
            let effects = self.scheduler.open_frame(stage, frame, self.moment());
            self.obey(effects);
        }
    }

    fn obey(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Record(kind) => {
                    let seq = self.journal.len() as u64 + 1;
                    self.journal.push(Event { seq, at: self.now, run: RunId::from_text("r"), kind });
                }
                Effect::Evaluate { stage } => {
                    let holds = Ok(self.conditions.get(&stage).copied().unwrap_or(true));
                    let effects = self.scheduler.handle(Input::Condition { stage, holds }, self.moment());
                    self.obey(effects);
                }
                Effect::Wake { stage, at, epoch } => {
                    self.timers.insert(stage, (at, epoch));
                }
                Effect::Stop { stage, force, .. } => self.stopped.push((stage, force)),
            }
        }
    }

    pub fn stage(&self, id: &str) -> usize {
        self.scheduler.find(&id.into()).unwrap_or_else(|| panic!("no stage {id}"))
    }

    pub fn end(&mut self, id: &str, outcome: Outcome) {
        let stage = self.stage(id);
        let attempt = self.scheduler.next_attempt(stage) - 1;
        self.give(Input::Ended { stage, attempt, outcome });
    }

    /// One step in words: `ok build`, `ok gate {"passed": false}`, `fail test`, `unreliable test`, `timeout test`,
    /// `unknown deploy`, `after 100` (ms), `cancel`, `force`, `resolve deploy retry`, `when ship false`, `pass deploy`, `bar deploy`, `crash`.
    pub fn step(&mut self, words: &str) {
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        let (id, detail) = rest.split_once(' ').unwrap_or((rest, ""));
        let error = |kind| StageError::new(kind, "broke");
        match verb {
            "ok" => self.end(id, Outcome::succeeded(serde_json::from_str(detail).unwrap_or(json!({"from": id})))),
            "fail" => self.end(id, Outcome::failed(error(ErrorKind::Execution))),
            "unreliable" => self.end(id, Outcome::failed(error(ErrorKind::Connectivity).recoverable())),
            // `busy a 700`: the other side wants to be left alone for so many milliseconds.
            "busy" => {
                let details = json!({"retry_after_ms": detail.parse::<u64>().unwrap()});
                self.end(id, Outcome::failed(error(ErrorKind::Execution).recoverable().with_details(details)));
            }
            "timeout" => self.end(id, Outcome::ended(Ending::TimedOut, error(ErrorKind::Timeout), Value::Null)),
            "cancelled" => self.end(id, Outcome::ended(Ending::Cancelled, error(ErrorKind::Cancelled), Value::Null)),
            "unknown" => self.end(id, Outcome::ended(Ending::Unknown, error(ErrorKind::Unknown), Value::Null)),
            "after" => self.pass(rest.parse().unwrap()),
            "cancel" => self.give(Input::Cancel { actor: Actor::engine(), force: false, reason: None }),
            "force" => self.give(Input::Cancel { actor: Actor::engine(), force: true, reason: None }),
            "time-up" => self.give(Input::TimeUp),
            "when" => {
                let stage = self.stage(id);
                self.conditions.insert(stage, detail == "true");
            }
            "resolve" => {
                let resolution: Resolution = serde_json::from_value(json!(detail)).unwrap();
                self.give(Input::Resolve { stage: id.into(), resolution, actor: Actor::engine() });
            }
            // A stage with an environment waits at a gate until then.
            "pass" => {
                self.passed.insert(id.to_owned());
                let stage = self.stage(id);
                self.give(Input::GateMoved { stage });
            }
            "bar" => {
                let stage = self.stage(id);
                self.give(Input::Barred { stage, error: error(ErrorKind::Security) });
            }
            "crash" => self.crash(),
            other => panic!("no step is called {other}"),
        }
    }

    fn pass(&mut self, ms: i64) {
        self.now = Timestamp(self.now.0 + ms);
        let due: Vec<(usize, u32)> =
            self.timers.iter().filter(|(_, (at, _))| *at <= self.now).map(|(stage, (_, epoch))| (*stage, *epoch)).collect();
        for (stage, epoch) in due {
            self.timers.remove(&stage);
            self.give(Input::Woken { stage, epoch });
        }
    }

    pub fn status(&self, id: &str) -> StageStatus {
        self.scheduler.stage(self.stage(id)).map_or(StageStatus::Pending, |stage| stage.status)
    }

    pub fn run_status(&self) -> RunStatus {
        self.scheduler.run().status
    }
}
