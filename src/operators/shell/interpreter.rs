//! Which program reads a script.

use serde_json::Value;

use crate::language::script::{self, Flavour};
use crate::model::StageError;
use crate::operators::fields::{mismatch, wrong};

/// The interpreter and its arguments: `sh -e` unless `shell` says otherwise. A bare shell's name gets the options
/// that end a script at its first failing command.
pub(in crate::operators) fn read(shell: Option<&Value>) -> Result<Vec<String>, StageError> {
    let Some(words) = script::interpreter(shell) else {
        return Err(match shell {
            Some(other) if !other.is_string() && !other.is_array() => mismatch(&["shell"], "a name or a list", other),
            _ => wrong("`shell` must name a program"),
        });
    };
    let options: &[&str] = match Flavour::of(&words) {
        _ if shell.is_some_and(Value::is_array) || words.len() > 1 => &[],
        Some(Flavour::Bash) => &["-e", "-o", "pipefail"],
        Some(Flavour::Sh) => &["-e"],
        None => &[],
    };
    Ok(words.into_iter().chain(options.iter().map(|option| (*option).to_owned())).collect())
}
