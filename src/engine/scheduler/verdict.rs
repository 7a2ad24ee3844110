//! How a run ends: its status, its output, its error. Decided from the fold alone, so that it is the same after a crash.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Halt, Moment, Scheduler};
use crate::language::output;
use crate::model::{ErrorKind, EventKind, RunStatus, StageError};

/// Paths that the error names; its details have all.
const NAMED: usize = 5;

impl Scheduler {
    pub(super) fn finish_if_over(&mut self, moment: Moment) {
        let at_work = self.running > 0 || !self.frames.is_empty();
        if at_work || (self.open > 0 && self.halt.is_none()) {
            return;
        }
        let (status, output, error) = match &self.halt {
            Some(Halt::Cancelling) => (RunStatus::Cancelled, Value::Null, None),
            Some(Halt::Failing(error)) => (RunStatus::Failed, Value::Null, Some(error.clone())),
            Some(Halt::Returned(output, Some(error))) => (RunStatus::Failed, output.clone(), Some(error.clone())),
            Some(Halt::Returned(output, None)) => self.succeed_with(output.clone()),
            None => self.succeed_with(self.result()),
        };
        if status != RunStatus::Succeeded && self.undo(moment) {
            return;
        }
        let error = self.with_remains(status, error);
        self.record(moment, EventKind::RunFinished { status, output, error });
    }

    fn result(&self) -> Value {
        let named = self.pipeline.output_stage.as_ref().and_then(|id| self.pipeline.index_of(id.as_str()));
        let stage = named.or(self.last_succeeded).and_then(|stage| self.stage(stage));
        stage.map_or(Value::Null, |stage| stage.output.clone())
    }

    /// A run that did everything succeeds if its output is what the pipeline promises; the output is kept either way.
    fn succeed_with(&self, output: Value) -> (RunStatus, Value, Option<StageError>) {
        let mismatches = output::check(&self.pipeline, &output);
        if mismatches.is_empty() {
            return (RunStatus::Succeeded, output, None);
        }
        let named = mismatches.iter().take(NAMED).map(|mismatch| {
            let path = if mismatch.path.is_empty() { "the output itself" } else { &mismatch.path };
            format!("{path}: {}", mismatch.message)
        });
        let named = named.collect::<Vec<_>>().join("; ");
        let more = mismatches.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let mut error =
            StageError::new(ErrorKind::Validation, format!("the run's output does not fit `output_schema`: {named}{more}"));
        error.details = json!({"errors": mismatches});
        (RunStatus::Failed, output, Some(error))
    }
}

/// The error of a run whose own time is up.
pub(super) fn out_of_time(limit_ms: u64) -> StageError {
    let limit = Duration::from_millis(limit_ms);
    StageError::new(ErrorKind::Timeout, format!("the run's time limit of {limit:?} passed"))
}
