//! The read model: rows of `runs` and `stages` that always say what a fold of the journal says.
//!
//! It does not decide anything about runs: a run's outline is folded by `Run::apply` itself and then written down.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::error::{Fault, StoreError};
use super::row::{Entry, decode, integer, millis};
use crate::model::{Event, EventKind, Outcome, Run, RunId, Stage, StageId, StageOutline, StageStatus};

/// Runs kept in memory at most; any other is folded again from the journal when something happens to it.
const KEPT: usize = 512;

/// The event reduced to what the read model shows: no inputs, outputs or configs. `None` when nothing is left.
pub(super) fn outline(kind: &EventKind) -> Option<EventKind> {
    let mut kind = match kind {
        EventKind::Noted { .. } => return None,
        EventKind::RunCreated { pipeline, stages, actor, reused, parent, environment, .. } => EventKind::RunCreated {
            pipeline: pipeline.clone(),
            stages: stages
                .iter()
                .map(|stage| StageOutline { depends_on: Vec::new(), enclosure: None, ..stage.clone() })
                .collect(),
            inputs: Value::Null,
            actor: actor.clone(),
            workspace: String::new(),
            rerun_of: None,
            environment: environment.clone(),
            environment_names: Vec::new(),
            timeout_ms: None,
            reused: reused.iter().map(|(stage, _)| (stage.clone(), Value::Null)).collect(),
            parent: parent.clone(),
            includes: Vec::new(),
            protected: Vec::new(),
            rollback: None,
        },
        EventKind::AttemptStarted { stage, attempt, unstarted, .. } => EventKind::AttemptStarted {
            stage: stage.clone(),
            attempt: *attempt,
            config: Value::Null,
            child: None,
            unstarted: *unstarted,
        },
        EventKind::AttemptFinished { stage, attempt, outcome, next } => EventKind::AttemptFinished {
            stage: stage.clone(),
            attempt: *attempt,
            outcome: Outcome { ending: outcome.ending, output: Value::Null, error: None },
            next: *next,
        },
        EventKind::RunFinished { status, error, .. } => {
            EventKind::RunFinished { status: *status, output: Value::Null, error: error.clone() }
        }
        EventKind::StageSettled { stage, status, .. } => {
            EventKind::StageSettled { stage: stage.clone(), status: *status, output: Value::Null }
        }
        other => other.clone(),
    };
    if let EventKind::RunFinished { error: Some(error), .. } = &mut kind {
        error.details = Value::Null;
    }
    Some(kind)
}

fn stage_of(kind: &EventKind) -> Option<&StageId> {
    match kind {
        EventKind::AttemptStarted { stage, .. }
        | EventKind::AttemptFinished { stage, .. }
        | EventKind::StageSkipped { stage, .. }
        | EventKind::PhaseStarted { stage, .. }
        | EventKind::StageHeld { stage, .. }
        | EventKind::StageSettled { stage, .. }
        | EventKind::AttemptResolved { stage, .. } => Some(stage),
        EventKind::RunCreated { .. }
        | EventKind::RunStarted
        | EventKind::CancelRequested { .. }
        | EventKind::RunPaused { .. }
        | EventKind::RunResumed { .. }
        | EventKind::Noted { .. }
        | EventKind::RunFinished { .. } => None,
    }
}

struct Folded {
    key: i64,
    run: Run,
    done: u64,
    row_changed: bool,
    stages_changed: IndexSet<StageId>,
}

impl Folded {
    fn new(key: i64, run: Run) -> Self {
        let done = run.summary().stages_done;
        let stages_changed = run.stages.values().filter(|stage| stage.reused).map(|stage| stage.id.clone()).collect();
        Self { key, run, done, row_changed: false, stages_changed }
    }

    fn apply(&mut self, event: &Event) {
        let stage = stage_of(&event.kind);
        // Instances inside a loop have rows of their own, but the run counts the stages that are written.
        let counted = stage.filter(|id| !id.is_instance());
        let has_ended = |run: &Run| counted.and_then(|id| run.stages.get(id)).is_some_and(Stage::has_ended);
        let (before, status) = (has_ended(&self.run), self.run.status);
        match &event.kind {
            EventKind::RunFinished { .. } => return self.finish(event),
            EventKind::PhaseStarted { stages, .. } => self.begin_anew(stages),
            _ => {}
        }
        self.run.apply(event);
        self.run.notes.clear();
        let after = has_ended(&self.run);
        self.done = (self.done + u64::from(after)).saturating_sub(u64::from(before));
        self.row_changed |= stage.is_none() || before != after || status != self.run.status;
        if let Some(id) = stage.filter(|id| self.run.stages.contains_key(*id)) {
            self.stages_changed.insert(id.clone());
        }
    }

    /// Stages that a new try resets.
    fn begin_anew(&mut self, stages: &[StageId]) {
        let ended = |id: &&StageId| !id.is_instance() && self.run.stages.get(*id).is_some_and(Stage::has_ended);
        let ended = stages.iter().filter(ended).count() as u64;
        self.done = self.done.saturating_sub(ended);
        self.row_changed |= ended > 0;
        self.stages_changed.extend(stages.iter().filter(|id| self.run.stages.contains_key(*id)).cloned());
    }

    /// The run's end settles what it overtook, so any stage may change with it.
    fn finish(&mut self, event: &Event) {
        let before: Vec<StageStatus> = self.run.stages.values().map(|stage| stage.status).collect();
        self.run.apply(event);
        let changed = self.run.stages.values().zip(before).filter(|(stage, before)| stage.status != *before);
        self.stages_changed.extend(changed.map(|(stage, _)| stage.id.clone()));
        self.done = self.run.summary().stages_done;
        self.row_changed = true;
    }

    fn write(&mut self, conn: &Connection) -> Result<(), Fault> {
        if std::mem::take(&mut self.row_changed) {
            let run = &self.run;
            conn.prepare_cached(
                "UPDATE runs SET status = ?2, started_at = ?3, finished_at = ?4, stages_done = ?5, failure = ?6 WHERE key = ?1",
            )?
            .execute(params![
                self.key,
                run.status.name(),
                millis(run.started_at),
                millis(run.finished_at),
                integer(self.done),
                run.failure_line()
            ])?;
        }
        let mut upsert = conn.prepare_cached(
            "INSERT INTO stages (run, stage, component, status, attempts, started_at, finished_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (run, stage) DO UPDATE SET
                 status = excluded.status, attempts = excluded.attempts,
                 started_at = excluded.started_at, finished_at = excluded.finished_at",
        )?;
        for stage in self.stages_changed.drain(..).filter_map(|id| self.run.stages.get(&id)) {
            upsert.execute(params![
                self.key,
                stage.id.as_str(),
                stage.component,
                stage.status.name(),
                integer(stage.attempts.len() as u64),
                millis(stage.started_at),
                millis(stage.finished_at)
            ])?;
        }
        Ok(())
    }
}

/// Folds of the runs that something is happening to. Forget it when a transaction was rolled back.
#[derive(Default)]
pub(super) struct Projection {
    runs: HashMap<RunId, Folded>,
    touched: HashSet<RunId>,
}

impl Projection {
    /// Says whether these entries may be recorded, before any of them is.
    pub(super) fn admit(&mut self, conn: &Connection, entries: &[Entry]) -> Result<(), Fault> {
        let mut created: HashSet<&RunId> = HashSet::new();
        for entry in entries {
            let known = created.contains(&entry.run) || self.load(conn, &entry.run)?;
            match (&entry.outline, known) {
                (Some(EventKind::RunCreated { .. }), true) => return Err(StoreError::RunExists { run: entry.run.clone() }.into()),
                (Some(EventKind::RunCreated { .. }), false) => {
                    created.insert(&entry.run);
                }
                (_, true) => {}
                (_, false) => return Err(StoreError::UnknownRun { run: entry.run.clone() }.into()),
            }
        }
        Ok(())
    }

    /// Folds one entry in and returns the key of its run. Entries must have been admitted.
    pub(super) fn apply(&mut self, conn: &Connection, seq: u64, entry: &Entry) -> Result<i64, Fault> {
        let Some(kind) = &entry.outline else { return self.key(&entry.run) };
        let event = Event { seq, at: entry.at, run: entry.run.clone(), kind: kind.clone() };
        if let Some(run) = Run::created(&event) {
            let folded = Folded::new(insert_run(conn, &run)?, run);
            let key = folded.key;
            self.touched.insert(entry.run.clone());
            self.runs.insert(entry.run.clone(), folded);
            return Ok(key);
        }
        let Some(folded) = self.runs.get_mut(&entry.run) else { return self.key(&entry.run) };
        folded.apply(&event);
        if !self.touched.contains(&entry.run) {
            self.touched.insert(entry.run.clone());
        }
        Ok(folded.key)
    }

    /// Writes every changed row, each once however many events changed it.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<(), Fault> {
        for run in self.touched.drain() {
            if let Some(folded) = self.runs.get_mut(&run) {
                folded.write(conn)?;
            }
        }
        Ok(())
    }

    /// Lets go of what is over, after a commit.
    pub(super) fn settle(&mut self) {
        if self.runs.len() > KEPT {
            self.runs.clear();
        }
        self.runs.retain(|_, folded| !folded.run.status.is_final());
    }

    fn key(&self, run: &RunId) -> Result<i64, Fault> {
        let folded = self.runs.get(run).ok_or_else(|| StoreError::UnknownRun { run: run.clone() })?;
        Ok(folded.key)
    }

    fn load(&mut self, conn: &Connection, run: &RunId) -> Result<bool, Fault> {
        if self.runs.contains_key(run) {
            return Ok(true);
        }
        let mut find = conn.prepare_cached("SELECT key FROM runs WHERE id = ?1")?;
        let Some(key) = find.query_row([run.as_str()], |row| row.get(0)).optional()? else { return Ok(false) };
        let folded = fold(conn, key, run)?;
        let mut folded = Folded::new(key, folded);
        folded.stages_changed.clear();
        self.runs.insert(run.clone(), folded);
        Ok(true)
    }
}

/// The outline of a run, from its journal.
pub(super) fn fold(conn: &Connection, key: i64, run: &RunId) -> Result<Run, Fault> {
    let mut events = conn.prepare_cached("SELECT seq, at, ?2, body, sum FROM events WHERE run = ?1 ORDER BY seq")?;
    let mut rows = events.query(params![key, run.as_str()])?;
    let mut folded: Option<Run> = None;
    while let Some(row) = rows.next()? {
        let mut event = decode(row)?;
        let Some(kind) = outline(&event.kind) else { continue };
        event.kind = kind;
        match &mut folded {
            Some(run) => run.apply(&event),
            None => folded = Run::created(&event),
        }
        if folded.is_none() {
            break;
        }
    }
    folded.ok_or_else(|| Fault::Damage(format!("the journal of run {run} does not begin with its creation")))
}

fn insert_run(conn: &Connection, run: &Run) -> Result<i64, Fault> {
    let summary = run.summary();
    let mut insert = conn.prepare_cached(
        "INSERT INTO runs (id, pipeline_id, pipeline_name, definition, status, actor, created_at, stages_total, stages_done,
                           parent, environment)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (SELECT key FROM runs WHERE id = ?10), ?11)",
    )?;
    let key = insert.insert(params![
        summary.id.as_str(),
        summary.pipeline_id,
        summary.pipeline_name,
        run.pipeline.hash,
        summary.status.name(),
        summary.actor,
        summary.created_at.as_millis(),
        integer(summary.stages_total),
        integer(summary.stages_done),
        summary.parent.as_ref().map(RunId::as_str),
        summary.environment
    ])?;
    Ok(key)
}
