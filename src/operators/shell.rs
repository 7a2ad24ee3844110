//! `shell`: a script or a command in a process of its own.
//!
//! Values spliced into a script are quoted for the place they stand in; `{{raw(x)}}` opts out.

mod finish;
pub(super) mod interpreter;
#[cfg(test)]
mod places;
pub(super) mod script;

use serde_json::{Map, Value};

use super::fields::{self, Fields, kind, wrong};
use super::{Context, Prepared, Work};
use crate::language::duration::Unit;
use crate::language::template::to_text;
use crate::model::{ErrorKind, StageError};
use crate::process::{Program, Spec};

pub(super) use finish::{ended, finish};
use script::Script;

const SCRIPT: &[&str] = &["run", "script"];
const COMMAND: &[&str] = &["command", "cmd"];
/// Between TERM and KILL, milliseconds.
const GRACE: u64 = 10_000;

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let mut shown = fields.as_map().clone();
    let timeout = [fields.timeout(Unit::Seconds)?, context.stage.timeout].into_iter().flatten().min();
    let grace = fields.duration(&["grace", "grace_period"], Unit::Seconds)?;
    let program = program(context, &mut fields, &mut shown)?;
    let spec = Spec {
        program,
        cwd: directory(context.workspace, fields.text(&["cwd", "working_directory"])?.as_deref())?,
        env: environment(context, fields.object(&["env", "environment"])?.unwrap_or_default())?,
        stdin: fields.take(&["stdin", "input"]).as_ref().map(to_text),
        timeout_ms: timeout.map(whole_millis),
        grace_ms: grace.map_or(GRACE, whole_millis),
    };
    Ok(Prepared { work: Work::Process(spec), config: Value::Object(shown) })
}

fn program(context: &Context, fields: &mut Fields, shown: &mut Map<String, Value>) -> Result<Program, StageError> {
    let shell = fields.take(&["shell", "interpreter"]);
    let command = fields.take(COMMAND);
    match (fields::raw(&context.stage.config, SCRIPT), command) {
        (Some(_), Some(_)) => Err(wrong("give either `run` or `command`, not both")),
        (None, None) => Err(wrong("a shell stage needs `run`, a script, or `command`, a list")),
        (None, Some(command)) => direct(context, &command),
        (Some(script), None) => {
            let interpreter = interpreter::read(shell.as_ref())?;
            let Script { text, shown: visible, secret } = script::render(script, context, &interpreter)?;
            shown.insert("run".to_owned(), Value::String(visible));
            Ok(Program::Script { interpreter, text, secret })
        }
    }
}

/// Arguments can be read by everybody on the machine while the process runs.
pub(super) fn direct(context: &Context, command: &Value) -> Result<Program, StageError> {
    let Value::Array(list) = command else {
        let message =
            format!("`command` must be a list such as [\"make\", \"test\"], not {}; a script goes into `run`", kind(command));
        return Err(wrong(message));
    };
    let words: Vec<String> = list.iter().map(to_text).collect();
    if words.first().is_none_or(String::is_empty) {
        return Err(wrong("`command` names no program"));
    }
    for (at, word) in words.iter().enumerate() {
        no_nul(word, &format!("`command`: argument {at}"))?;
        if context.secrets.contains_credential(word) {
            let message =
                format!("`command`: argument {at} contains a credential, which any user could read; pass it through `env`");
            return Err(StageError::new(ErrorKind::Security, message));
        }
    }
    Ok(Program::Command(words))
}

pub(super) fn directory(workspace: &str, cwd: Option<&str>) -> Result<String, StageError> {
    let cwd = cwd.unwrap_or_default();
    no_nul(cwd, "`cwd`")?;
    Ok(match cwd {
        "" | "." => workspace.to_owned(),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("{}/{relative}", workspace.trim_end_matches('/')),
    })
}

pub(super) fn environment(context: &Context, given: Map<String, Value>) -> Result<Vec<(String, String)>, StageError> {
    let mut env = vec![
        ("FLOWDECK_RUN_ID".to_owned(), context.run_id.to_string()),
        ("FLOWDECK_STAGE_ID".to_owned(), context.stage.id.to_string()),
        ("FLOWDECK_ATTEMPT".to_owned(), context.attempt.to_string()),
    ];
    if let Some(pipeline) = context.scope.context().get("pipeline_id") {
        env.push(("FLOWDECK_PIPELINE_ID".to_owned(), to_text(pipeline)));
    }
    for (name, value) in given {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(wrong(format!("`env`: `{}` is not a name", name.escape_debug())));
        }
        let value = to_text(&value);
        no_nul(&value, &format!("`env`: the value of `{name}`"))?;
        env.push((name, value));
    }
    Ok(env)
}

fn no_nul(text: &str, what: &str) -> Result<(), StageError> {
    if text.contains('\0') { Err(wrong(format!("{what} contains a NUL character"))) } else { Ok(()) }
}

pub(super) fn whole_millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
