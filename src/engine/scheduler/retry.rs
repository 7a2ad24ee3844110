//! What follows an attempt's end: settle, try again, or ask (pipeline-language: errors and retries).

use std::time::Duration;

use serde_json::Value;

use super::Moment;
use crate::language::{OnError, OnUnknown, Retry, StageSpec};
use crate::model::{Attempt, Ending, ErrorKind, Next, Outcome, StageError, StageStatus, Timestamp};
use crate::operators;

/// No server keeps a run waiting for longer.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// The attempts of a stage that share its retries and its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a>(pub &'a [Attempt]);

impl Turn<'_> {
    /// When the first of them began.
    pub fn began(self) -> Option<Timestamp> {
        self.0.first().map(|first| first.started_at)
    }

    /// Those that ended badly before the current one. Interrupted ones do not count.
    fn failures(self) -> u32 {
        let bad = |status| matches!(status, StageStatus::Failed | StageStatus::TimedOut);
        u32::try_from(self.0.iter().filter(|attempt| bad(attempt.status)).count()).unwrap_or(u32::MAX)
    }
}

/// The outcome as it will be recorded, and what follows it. `halted`: nothing new may start, so nothing is retried.
pub(super) fn decide(spec: &StageSpec, turn: Turn<'_>, outcome: Outcome, halted: bool, moment: Moment) -> (Outcome, Next) {
    match outcome.ending {
        Ending::Succeeded => (outcome, Next::Settle),
        Ending::Cancelled => (settle(spec, outcome), Next::Settle),
        Ending::Unknown => unknown(spec, outcome, halted, moment),
        Ending::TimedOut | Ending::Failed => match delay(spec, turn, &outcome, moment) {
            Some(at) if !halted => (outcome, Next::Retry { at }),
            Some(_) | None => (settle(spec, exhausted(spec, turn, outcome)), Next::Settle),
        },
    }
}

fn unknown(spec: &StageSpec, outcome: Outcome, halted: bool, moment: Moment) -> (Outcome, Next) {
    if halted {
        return (fail(spec, outcome), Next::Settle);
    }
    match spec.on_unknown {
        _ if operators::is_idempotent(spec) => (outcome, Next::Retry { at: moment.now }),
        OnUnknown::Retry => (outcome, Next::Retry { at: moment.now }),
        OnUnknown::Ask => (outcome, Next::Ask),
        OnUnknown::Fail => (fail(spec, outcome), Next::Settle),
    }
}

fn fail(spec: &StageSpec, outcome: Outcome) -> Outcome {
    settle(spec, Outcome { ending: Ending::Failed, ..outcome })
}

/// A stage that may fail publishes its fallback instead of what it saw.
pub(super) fn settle(spec: &StageSpec, mut outcome: Outcome) -> Outcome {
    if spec.on_error == OnError::Continue {
        outcome.output = spec.fallback_output.clone().unwrap_or(Value::Null);
    }
    outcome
}

/// When the next attempt starts; `None` when there is none.
fn delay(spec: &StageSpec, turn: Turn<'_>, outcome: &Outcome, moment: Moment) -> Option<Timestamp> {
    let retries = turn.failures();
    let recoverable = outcome.error.as_ref().is_some_and(|error| error.recoverable);
    let wait = match &spec.retry {
        Retry::Never => return None,
        Retry::Backoff { max_retries, initial, multiplier, max } => {
            if retries >= *max_retries || !recoverable {
                return None;
            }
            let exponent = i32::try_from(retries).unwrap_or(i32::MAX);
            let grown = initial.as_secs_f64() * multiplier.powi(exponent);
            let capped = if grown.is_finite() { grown.min(max.as_secs_f64()) } else { max.as_secs_f64() };
            Duration::from_secs_f64(capped.max(0.0) * moment.jitter.clamp(0.0, 1.0))
        }
        Retry::Fixed { max_retries, delay, .. } => {
            if retries >= *max_retries {
                return None;
            }
            *delay
        }
    };
    let at = moment.now.after(wait.max(asked_for(outcome)));
    let budget = spec.timeout.zip(turn.began()).map(|(budget, started)| started.after(budget));
    budget.is_none_or(|end| at < end).then_some(at)
}

/// How long the other side wants to be left alone (`Retry-After`): at least so long the next attempt waits.
fn asked_for(outcome: &Outcome) -> Duration {
    let details = outcome.error.as_ref().map(|error| &error.details);
    let ms = details.and_then(|details| details.get("retry_after_ms")).and_then(Value::as_u64);
    Duration::from_millis(ms.unwrap_or(0)).min(LONGEST_ASKED)
}

/// After at least one retry the error says that trying again did not help; the last error is its cause.
fn exhausted(spec: &StageSpec, turn: Turn<'_>, outcome: Outcome) -> Outcome {
    let retries = turn.failures();
    if retries == 0 || spec.retry == Retry::Never {
        return outcome;
    }
    let last = outcome.error.unwrap_or_else(|| StageError::new(ErrorKind::Unknown, "no error was given"));
    let message = format!("gave up after {} attempts: {}", retries + 1, last.message);
    let mut error = StageError::new(ErrorKind::RetryExhausted, message).caused_by(&last).with_details(last.details);
    error.stage = last.stage;
    Outcome { error: Some(error), ..outcome }
}
