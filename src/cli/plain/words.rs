//! How facts of a run are said. The wording is stable: people listen to it and scripts look for it.

use std::time::Duration;

use serde_json::Value;

use crate::model::{NoteLevel, Resolution, Stage, StageError, Timestamp};

/// `0.4 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
pub fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", length.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The time of day, UTC.
pub fn clock(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// `: TYPE: message`, or nothing.
pub fn because(error: Option<&StageError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// Why a stage was skipped, from the reason that is recorded.
pub fn skipped(reason: &str) -> String {
    match reason.split_once(':') {
        Some(("branch", owner)) => format!("stage {owner} did not choose it"),
        Some(("compensation", stage)) => format!("stage {stage} did not have to be undone"),
        Some(("gate", gate)) => format!("it is behind stage {gate}, which let nothing through"),
        _ => match reason {
            "when" => "its `when` does not hold".to_owned(),
            "disabled" => "it is disabled".to_owned(),
            "upstream_skipped" => "what it needs was skipped".to_owned(),
            "not_reached" => "the run ended before it".to_owned(),
            "cancelled" => "the run was cancelled".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// Which way a stage that chooses one has gone, and what a guard has recovered from.
pub fn chosen(component: &str, output: &Value) -> String {
    match (component, output["branch_taken"].as_str(), output["route_taken"].as_str()) {
        ("conditional", Some(branch), _) => format!("; it took the {branch} branch"),
        ("router", _, Some(route)) => format!("; it took the route {route}"),
        ("router", _, None) => "; no route fits".to_owned(),
        ("trycatch", ..) if output["status"] == "recovered" => {
            let said = |name: &str| output[name].as_str().unwrap_or_default().to_owned();
            format!("; it recovered from {}: {}", said("error_type"), said("error_message"))
        }
        ("return", ..) if output["returned"] == true => "; the run returns here".to_owned(),
        _ => String::new(),
    }
}

/// What somebody said of an interrupted stage.
pub fn answer(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Retry => "run it again",
        Resolution::Succeed => "it has succeeded",
        Resolution::Fail => "it has failed",
    }
}

/// What stands before a note.
pub fn level(level: NoteLevel) -> &'static str {
    match level {
        NoteLevel::Debug => "debug: ",
        NoteLevel::Info => "",
        NoteLevel::Warning => "warning: ",
        NoteLevel::Error => "error: ",
    }
}

/// How long a stage took up to `at`, as ` after 3.2 s`.
pub fn after(stage: Option<&Stage>, at: Timestamp) -> String {
    let elapsed = stage.and_then(|stage| stage.elapsed(at));
    elapsed.map(|elapsed| format!(" after {}", length(elapsed))).unwrap_or_default()
}

/// How long its last attempt took, without the ones before and the pauses between them.
pub fn after_attempt(stage: Option<&Stage>, at: Timestamp) -> String {
    let last = stage.and_then(|stage| stage.attempts.last());
    last.map(|last| format!(" after {}", length(at.since(last.started_at)))).unwrap_or_default()
}

/// `1 item`, `3 items`.
pub fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
