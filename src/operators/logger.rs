//! `logger`: a line in the stage's log and in the run's.

use serde_json::{Value, json};

use super::fields::{Fields, wrong};
use super::{Context, Done, Prepared};
use crate::language::template;
use crate::model::{NoteLevel, StageError};

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let message = fields.take(&["message", "msg"]);
    let level = fields.text(&["level", "log_level"])?;
    let level = level.as_deref().map_or(Ok(NoteLevel::Info), parse_level)?;
    let data = fields.take(&["data"]);
    let tags = fields.take(&["tags"]);

    let mut line = message.as_ref().map(template::to_text).unwrap_or_default();
    if line.is_empty() && data.is_none() {
        return Err(wrong("a logger needs a `message` or `data`"));
    }
    for (name, value) in [("data", &data), ("tags", &tags)] {
        if let Some(value) = value {
            let gap = if line.is_empty() { "" } else { " " };
            line = format!("{line}{gap}{name}={}", template::to_text(value));
        }
    }
    let passthrough = data.or(message).unwrap_or(Value::Null);
    let output = json!({"logged": true, "log_id": context.scope.uuid(0), "passthrough": passthrough});
    let word = level_name(level);
    let log = line.lines().map(|part| format!("{word} {part}")).collect();
    Ok(Done { notes: vec![(level, line)], log, ..Done::with_output(output) }.into())
}

fn parse_level(text: &str) -> Result<NoteLevel, StageError> {
    match text.to_ascii_lowercase().as_str() {
        "debug" | "trace" => Ok(NoteLevel::Debug),
        "info" | "notice" => Ok(NoteLevel::Info),
        "warning" | "warn" => Ok(NoteLevel::Warning),
        "error" | "critical" | "fatal" => Ok(NoteLevel::Error),
        other => Err(wrong(format!("`level` must be debug, info, warning or error, not `{other}`"))),
    }
}

fn level_name(level: NoteLevel) -> &'static str {
    match level {
        NoteLevel::Debug => "DEBUG",
        NoteLevel::Info => "INFO",
        NoteLevel::Warning => "WARNING",
        NoteLevel::Error => "ERROR",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Stage;
    use crate::language::Component;
    use crate::model::NoteLevel;

    #[test]
    fn the_line_goes_to_both_logs_and_the_data_passes_through() {
        let config = json!({"message": "deploying {{input.version}}", "level": "warn", "data": {"by": "ann"}});
        let done = Stage::new(Component::Logger, config).input(json!({"version": "v2"})).done();
        assert_eq!(done.outcome.output["passthrough"], json!({"by": "ann"}));
        assert_eq!(done.outcome.output["logged"], true);
        assert_eq!(done.notes, [(NoteLevel::Warning, r#"deploying v2 data={"by":"ann"}"#.to_owned())]);
        assert_eq!(done.log, [r#"WARNING deploying v2 data={"by":"ann"}"#]);
    }

    #[test]
    fn an_unknown_level_is_refused() {
        let error = Stage::new(Component::Logger, json!({"message": "x", "level": "loud"})).error();
        assert_eq!(error.message, "`level` must be debug, info, warning or error, not `loud`");
    }
}
