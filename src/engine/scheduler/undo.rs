//! Undoing: when a run does not succeed and nothing of it is at work any more, what began is undone, the last first.
//!
//! A stage's recorded start is the intent, so everything here follows from the fold alone, also after a crash. Each
//! compensation runs once for its stage; one that fails waits for a person, and the run does not end before the answer.

use serde_json::{Value, json};

use super::node::{Phase, Settled};
use super::{Effect, Moment, Scheduler};
use crate::language::OnError;
use crate::model::{Attempt, Ending, ErrorKind, RunStatus, StageError, StageStatus};

impl Scheduler {
    /// A stage that runs only to undo another.
    pub fn is_reserved(&self, stage: usize) -> bool {
        self.spec(stage).undoes.is_some()
    }

    /// What a compensation is told to tell its own repetitions by: the run, the stage that it undoes, and that stage's attempt.
    /// The same for all attempts of the compensation.
    pub fn idempotency_key(&self, stage: usize) -> Option<String> {
        let undoes = self.spec(stage).undoes.as_ref()?;
        let attempt = self.run.stages.get(undoes)?.attempts.iter().rev().find(|attempt| !attempt.unstarted)?.number;
        Some(format!("{}/{undoes}/{attempt}", self.run.id))
    }

    /// The names that a compensation reads beside those of every stage.
    pub(super) fn undoing_names(&self, stage: usize) -> Vec<(String, Value)> {
        let undoes = self.spec(stage).undoes.as_ref().map(|id| ("compensates".to_owned(), json!(id)));
        let key = self.idempotency_key(stage).map(|key| ("idempotency_key".to_owned(), json!(key)));
        undoes.into_iter().chain(key).collect()
    }

    /// Goes on undoing. False when nothing is left to undo.
    pub(super) fn undo(&mut self, moment: Moment) -> bool {
        if self.run.given_up {
            return false;
        }
        for compensation in self.to_undo() {
            if self.nodes[compensation].phase == Phase::Blocked {
                self.begin_undoing(compensation, moment);
            }
            if self.nodes[compensation].phase != Phase::Settled {
                return true;
            }
        }
        false
    }

    /// The compensations of every stage that began, in the order in which they run. A stage begins after all that it depends
    /// on, inside a guard after those before it in the list: the reverse of their beginnings is a reverse order of the graph.
    fn to_undo(&self) -> Vec<usize> {
        let began = |stage: usize| {
            let first = |attempt: &&Attempt| !attempt.unstarted;
            Some((self.stage(stage)?.attempts.iter().find(first)?.began, stage))
        };
        let named = (0..self.pipeline.stages.len()).filter(|stage| !self.spec(*stage).compensate.is_empty());
        let mut begun: Vec<(u64, usize)> = named.filter_map(began).collect();
        begun.sort_unstable_by(|a, b| b.cmp(a));
        let compensations = begun.into_iter().flat_map(|(_, stage)| &self.spec(stage).compensate);
        compensations.filter_map(|id| self.by_id.get(id).copied()).collect()
    }

    fn begin_undoing(&mut self, stage: usize, moment: Moment) {
        if self.spec(stage).enabled {
            self.make_due(stage);
        } else {
            self.skip(stage, "disabled".to_owned(), Settled::Skipped, moment);
        }
    }

    /// Makes a compensation ready. Its condition is asked as long as nothing of it has begun.
    pub(super) fn make_due(&mut self, stage: usize) {
        let begun = self.stage(stage).is_some_and(|stage| stage.has_begun());
        if self.spec(stage).when.is_some() && !begun {
            self.nodes[stage].phase = Phase::Evaluating;
            self.effects.push(Effect::Evaluate { stage });
        } else {
            self.make_ready(stage);
        }
    }

    /// A compensation that failed for good waits for a person, unless its failure is forgiven.
    pub(super) fn has_to_ask(&self, stage: usize, ending: Ending) -> bool {
        let failed = matches!(ending, Ending::Failed | Ending::TimedOut);
        failed && self.is_reserved(stage) && !self.run.given_up && self.spec(stage).on_error == OnError::Propagate
    }

    /// Nobody is waited for any more: what is not undone by now stays.
    pub(super) fn give_up_undoing(&mut self) {
        for stage in (0..self.nodes.len()).filter(|stage| self.is_reserved(*stage)).collect::<Vec<_>>() {
            if self.nodes[stage].phase != Phase::Running {
                self.ready.remove(&stage);
                self.nodes[stage].phase = Phase::Settled;
            }
        }
    }

    /// The run's error, with what is not undone and should be.
    pub(super) fn with_remains(&self, status: RunStatus, error: Option<StageError>) -> Option<StageError> {
        if status == RunStatus::Succeeded {
            return error;
        }
        let remains: Vec<(usize, String)> =
            self.to_undo().into_iter().filter_map(|stage| Some((stage, self.remains(stage)?))).collect();
        if remains.is_empty() {
            return error;
        }
        let undoes = |stage: usize| self.spec(stage).undoes.as_ref().map(ToString::to_string).unwrap_or_default();
        let said = remains.iter().map(|(stage, why)| format!("{} ({}: {why})", undoes(*stage), self.id(*stage)));
        let said = said.collect::<Vec<_>>().join(", ");
        let told =
            remains.iter().map(|(stage, why)| json!({"stage": undoes(*stage), "compensation": self.id(*stage), "why": why}));
        let told = Value::Array(told.collect());
        let mut error = error.unwrap_or_else(|| StageError::new(ErrorKind::Cancelled, "cancelled"));
        error.message = format!("{}; not undone: {said}", error.message);
        match &mut error.details {
            Value::Object(details) => drop(details.insert("not_undone".to_owned(), told)),
            details => *details = json!({"not_undone": told}),
        }
        Some(error)
    }

    /// Why a compensation did not do its work; `None` when it did, or nobody minds.
    fn remains(&self, stage: usize) -> Option<String> {
        let state = self.stage(stage)?;
        match state.status {
            StageStatus::Succeeded | StageStatus::Skipped => None,
            _ if self.spec(stage).on_error == OnError::Continue => None,
            status => Some(state.error.as_ref().map_or_else(
                || if state.has_begun() { status.to_string() } else { "did not run".to_owned() },
                |error| error.message.clone(),
            )),
        }
    }
}
