//! Programs and requests inside the config of a rollout, rendered: what moves traffic, and what measures by a command.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::plan::Action;
use crate::language::duration::Unit;
use crate::language::template::{self, to_text};
use crate::model::StageError;
use crate::operators::Context;
use crate::operators::ask::{self, Ask};
use crate::operators::fields::{Fields, in_field, mismatch, wrong};
use crate::operators::shell::{self, interpreter, script};
use crate::process::{Program, Spec};

/// The fields of a program.
pub(super) const PROGRAM: &[&str] = &["run", "script", "command", "shell", "env", "cwd", "timeout"];
const KEYS: &[&str] = &["run", "script", "command", "shell", "env", "cwd", "timeout", "request"];
/// A move of traffic that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A program that is out of time gets this long between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);

/// `set_weight` at one weight, which templates read as `weight` and programs as `$FLOWDECK_WEIGHT`.
///
/// # Errors
/// CONFIGURATION, VALIDATION for a value that cannot be quoted where it stands, SECURITY for a host that may not be called.
pub(super) fn read(context: &Context, written: &Value, weight: u8) -> Result<Action, StageError> {
    let place = "set_weight";
    let written = match written {
        Value::String(_) => json!({"run": written}),
        Value::Array(_) => json!({"command": written}),
        other => other.clone(),
    };
    let Some(request) = written.get("request") else {
        let spec = program(context, &written, place, KEYS, TIMEOUT)?;
        let env = spec.env.into_iter().chain([("FLOWDECK_WEIGHT".to_owned(), weight.to_string())]).collect();
        return Ok(Action::Program(Spec { env, ..spec }));
    };
    if PROGRAM.iter().any(|name| *name != "timeout" && written.get(name).is_some()) {
        return Err(wrong("`set_weight` needs exactly one of `run`, `command` and `request`"));
    }
    let mut outer = Fields::within(place, written.clone(), KEYS)?;
    let timeout = outer.timeout(Unit::Seconds)?.unwrap_or(TIMEOUT);
    let place = "set_weight.request";
    let mut request = template::render(request, context.scope).map_err(|error| in_field(place, error.into()))?;
    if let Value::Object(map) = &mut request {
        // Whoever moves something does not do it by asking.
        map.entry("method").or_insert_with(|| json!("POST"));
    }
    Ask::read(context, Fields::within(place, request, ask::KEYS)?, place, timeout).map(Action::Request)
}

/// A script or a command; its process inherits the environment of the worker.
///
/// # Errors
/// As [`read`].
pub(super) fn program(
    context: &Context,
    written: &Value,
    place: &str,
    known: &[&str],
    timeout: Duration,
) -> Result<Spec, StageError> {
    let Value::Object(written) = written else { return Err(mismatch(&[place], "an object, a script or a list", written)) };
    let is_script = |name: &str| matches!(name, "run" | "script");
    let others: Map<String, Value> =
        written.iter().filter(|(name, _)| !is_script(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    let rendered = template::render(&Value::Object(others), context.scope).map_err(|error| in_field(place, error.into()))?;
    let mut fields = Fields::within(place, rendered, known)?;
    let scripts: Vec<&Value> = written.iter().filter(|(name, _)| is_script(name)).map(|(_, value)| value).collect();
    let shell = fields.take(&["shell"]);
    let program = match (scripts.as_slice(), fields.take(&["command"])) {
        ([text], None) => {
            let interpreter = interpreter::read(shell.as_ref())?;
            let script = script::render(text, context, &interpreter);
            let script::Script { text, secret, .. } = script.map_err(|error| in_field(place, error))?;
            Program::Script { interpreter, text, secret }
        }
        ([], Some(command)) => shell::direct(context, &command).map_err(|error| in_field(place, error))?,
        _ => return Err(wrong(format!("`{place}` needs exactly one of `run`, a script, and `command`, a list"))),
    };
    let env = fields.object(&["env"])?.unwrap_or_default();
    Ok(Spec {
        program,
        cwd: shell::directory(context.workspace, fields.text(&["cwd"])?.as_deref())?,
        env: env.iter().map(|(name, value)| variable(place, name, value)).collect::<Result<_, _>>()?,
        stdin: None,
        timeout_ms: Some(shell::whole_millis(fields.timeout(Unit::Seconds)?.unwrap_or(timeout))),
        grace_ms: shell::whole_millis(GRACE),
    })
}

fn variable(place: &str, name: &str, value: &Value) -> Result<(String, String), StageError> {
    let value = to_text(value);
    if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        return Err(wrong(format!("`{place}.env`: `{}` cannot be given to a program", name.escape_debug())));
    }
    Ok((name.to_owned(), value))
}
