//! What a process's end means for its stage.

use serde_json::{Value, json};

use crate::language::StageSpec;
use crate::model::{Ending, ErrorKind, Outcome, StageError};
use crate::operators::fields;
use crate::process::Exit;

/// The outcome of an attempt whose process has ended: output `{exit_code, outputs, duration_ms}`.
///
/// A script that ends well but leaves out an output its stage declares has failed.
pub fn finish(stage: &StageSpec, exit: &Exit) -> Outcome {
    let ended = ended(exit);
    match missing(stage, exit).filter(|_| ended.ending == Ending::Succeeded) {
        None => ended,
        Some(names) => {
            let error = StageError::new(ErrorKind::Validation, format!("the script did not write its output {names}"));
            let details = json!({"exit_code": exit.code, "signal": exit.signal});
            Outcome::ended(Ending::Failed, error.with_details(details), ended.output)
        }
    }
}

/// The same for a program that declares no outputs.
pub(in crate::operators) fn ended(exit: &Exit) -> Outcome {
    let output = json!({"exit_code": exit.code, "outputs": exit.outputs, "duration_ms": exit.duration_ms});
    let details = json!({"exit_code": exit.code, "signal": exit.signal});
    let failed = |kind, message: String| StageError::new(kind, message).with_details(details.clone());
    if exit.cancelled {
        let error = failed(ErrorKind::Cancelled, "cancelled".to_owned());
        return Outcome::ended(Ending::Cancelled, error, output);
    }
    if exit.timed_out {
        let message = format!("did not end in time; ended after {}", spoken(exit.duration_ms));
        return Outcome::ended(Ending::TimedOut, failed(ErrorKind::Timeout, message).recoverable(), output);
    }
    let error = match (&exit.failure, exit.signal, exit.code) {
        (Some(reason), _, _) => failed(ErrorKind::Execution, reason.clone()),
        (None, Some(signal), _) => {
            failed(ErrorKind::Execution, format!("ended by signal {signal}{}", signal_name(signal))).recoverable()
        }
        (None, None, Some(0)) => return Outcome::succeeded(output),
        (None, None, Some(code @ 126)) => failed(ErrorKind::Execution, format!("exit code {code}: a command cannot be executed")),
        (None, None, Some(code @ 127)) => failed(ErrorKind::Execution, format!("exit code {code}: a command was not found")),
        (None, None, Some(code)) => failed(ErrorKind::Execution, format!("exit code {code}")).recoverable(),
        (None, None, None) => failed(ErrorKind::Execution, "ended without an exit code".to_owned()),
    };
    Outcome::ended(Ending::Failed, error, output)
}

/// Declared outputs that were not written, quoted and joined.
fn missing(stage: &StageSpec, exit: &Exit) -> Option<String> {
    let declared: Vec<&str> = match fields::raw(&stage.config, &["outputs"]) {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::Object(map)) => map.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    let missing: Vec<String> =
        declared.iter().filter(|name| !exit.outputs.contains_key(**name)).map(|name| format!("`{name}`")).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

fn spoken(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (HUP)",
        2 => " (INT)",
        3 => " (QUIT)",
        6 => " (ABRT)",
        9 => " (KILL)",
        11 => " (SEGV)",
        13 => " (PIPE)",
        15 => " (TERM)",
        _ => "",
    }
}
