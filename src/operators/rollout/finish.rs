//! What the end of the worker means for the stage. What could not be measured is for people to decide, never a success.

use serde_json::{Map, Value, json};

use crate::language::StageSpec;
use crate::model::{Ending, ErrorKind, Outcome, StageError};
use crate::process::Exit;

/// The outcome of a rollout: output `{verdict, weight, steps_done, steps_total, rolled_back, analysis}`.
pub fn finish(_: &StageSpec, exit: &Exit) -> Outcome {
    let field = |name: &str, absent: Value| exit.outputs.get(name).cloned().unwrap_or(absent);
    let verdict = field("verdict", Value::Null);
    let output = json!({
        "verdict": verdict,
        "weight": field("weight", Value::Null),
        "steps_done": field("steps_done", json!(0)),
        "steps_total": field("steps_total", json!(0)),
        "rolled_back": field("rolled_back", json!(false)),
        "analysis": field("analysis", json!([])),
    });
    let (ending, error) = match verdict.as_str() {
        _ if exit.cancelled => (Ending::Cancelled, StageError::new(ErrorKind::Cancelled, whereabouts("cancelled", &output))),
        _ if exit.timed_out => {
            (Ending::TimedOut, StageError::new(ErrorKind::Timeout, whereabouts("did not end in time", &output)))
        }
        Some("successful") => return Outcome::succeeded(output),
        Some("failed") => (Ending::Failed, error(ErrorKind::Execution, &exit.outputs, "failed")),
        Some(word) => (Ending::Unknown, error(ErrorKind::Unknown, &exit.outputs, word).recoverable()),
        None => match &exit.failure {
            // It never began.
            Some(reason) if exit.code.is_none() && exit.signal.is_none() && exit.outputs.is_empty() => {
                (Ending::Failed, StageError::new(ErrorKind::Execution, reason.clone()))
            }
            reason => {
                let message = whereabouts("the rollout was cut off", &output);
                let error = StageError::new(ErrorKind::Unknown, message).recoverable();
                let details = json!({"verdict": null, "exit_code": exit.code, "signal": exit.signal});
                (Ending::Unknown, StageError { cause: reason.clone(), ..error.with_details(details) })
            }
        },
    };
    Outcome::ended(ending, error, output)
}

/// The finding of the worker as an error.
fn error(kind: ErrorKind, outputs: &Map<String, Value>, verdict: &str) -> StageError {
    let finding = outputs.get("finding").unwrap_or(&Value::Null);
    let mut message = finding["message"].as_str().unwrap_or("the rollout did not say why").to_owned();
    if kind == ErrorKind::Execution && outputs.get("rolled_back") == Some(&json!(true)) {
        message.push_str("; traffic is back at 0 %");
    }
    let mut details = match &finding["details"] {
        Value::Object(details) => details.clone(),
        _ => Map::new(),
    };
    details.insert("verdict".to_owned(), json!(verdict));
    StageError::new(kind, message).with_details(Value::Object(details))
}

/// What happened, and where traffic is.
fn whereabouts(what: &str, output: &Value) -> String {
    match (&output["rolled_back"], &output["weight"]) {
        (Value::Bool(true), _) => format!("{what}; traffic is back at 0 %"),
        (_, Value::Number(weight)) => format!("{what}; traffic was at {weight} % last"),
        _ => format!("{what}; where traffic is, is not known"),
    }
}
