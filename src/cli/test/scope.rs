//! What the assertions of a test read: the run and its stages after the end, as plain values.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::language::scope::{Scope, StageView};
use crate::language::{Pipeline, StageIds};
use crate::model::{Run, Stage, StageStatus, Timestamp};

/// A run that is over, seen by its test.
pub struct Outcome<'r> {
    run: &'r Run,
    ids: &'r StageIds,
    stages: HashMap<&'r str, Value>,
    whole: Value,
    nothing: Map<String, Value>,
}

impl<'r> Outcome<'r> {
    pub fn new(pipeline: &'r Pipeline, run: &'r Run) -> Self {
        let stages = pipeline.stages.iter().map(|spec| (spec.id.as_str(), facts(run, spec.id.as_str()))).collect();
        let whole = json!({"status": run.status, "output": run.output, "error": run.error, "notes": run.notes});
        Self { run, ids: pipeline.stage_ids(), stages, whole, nothing: Map::new() }
    }
}

/// Everything of a stage that a test may speak of; `calls` are its rendered configs, attempt by attempt, round by round.
pub fn facts(run: &Run, id: &str) -> Value {
    let (own, rounds) = (run.stages.get(id), rounds(run, id));
    let tries = || own.into_iter().chain(rounds.iter().copied()).flat_map(|stage| &stage.attempts);
    let calls: Vec<&Value> = tries().map(|attempt| &attempt.config).filter(|config| !config.is_null()).collect();
    let error = own.and_then(|stage| stage.error.as_ref());
    json!({
        "status": own.map_or(StageStatus::Pending, |stage| stage.status),
        "output": own.map(|stage| &stage.output),
        "error": error,
        "error_type": error.map(|error| error.kind.name()),
        "reason": own.and_then(|stage| stage.reason.as_ref()),
        "attempts": tries().count(),
        "iterations": rounds.iter().filter(|stage| !stage.attempts.is_empty()).count(),
        "calls": calls,
        "not_run": tries().next().is_none(),
    })
}

/// The stage's instances inside loops, in the order of their items.
fn rounds<'r>(run: &'r Run, id: &str) -> Vec<&'r Stage> {
    let mut rounds: Vec<&Stage> =
        run.stages.values().filter(|stage| stage.id.is_instance() && stage.id.written() == id).collect();
    rounds.sort_by_key(|stage| stage.id.path());
    rounds
}

impl Scope for Outcome<'_> {
    fn input(&self) -> &Value {
        &self.run.inputs
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        let stage = self.run.stages.get(id)?;
        Some(StageView { status: stage.status, output: &stage.output, error: stage.error.as_deref() })
    }

    fn whole_stage(&self, id: &str) -> Option<&Value> {
        self.stages.get(id)
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        self.ids.longest_prefix(text)
    }

    fn env(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn secret(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn context(&self) -> &Map<String, Value> {
        &self.nothing
    }

    fn variables(&self) -> &Map<String, Value> {
        &self.nothing
    }

    fn local(&self, name: &str) -> Option<&Value> {
        match name {
            "run" => Some(&self.whole),
            "output" => Some(&self.run.output),
            _ => None,
        }
    }

    fn now(&self) -> Timestamp {
        self.run.finished_at.unwrap_or_default()
    }

    fn uuid(&self, _: u32) -> String {
        String::new()
    }

    fn strict(&self) -> bool {
        false
    }
}
