//! Which program reads a script, and whether its quoting is known.

use serde_json::Value;

use super::lexer::Flavour;
use crate::model::StageError;
use crate::operators::fields::{mismatch, wrong};

/// The interpreter and its arguments: `sh -e` unless `shell` says otherwise. A bare shell's name gets the options
/// that end a script at its first failing command.
pub(super) fn read(shell: Option<&Value>) -> Result<Vec<String>, StageError> {
    let words: Vec<String> = match shell {
        None => vec!["sh".to_owned()],
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(list)) => {
            let words = list.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>();
            return words.filter(|words: &Vec<String>| !words.is_empty()).ok_or_else(|| wrong("`shell` must name a program"));
        }
        Some(other) => return Err(mismatch(&["shell"], "a name or a list", other)),
    };
    let options: &[&str] = match words.as_slice() {
        [] => return Err(wrong("`shell` must name a program")),
        [only] => match base(only) {
            "bash" | "zsh" | "ksh" | "mksh" => &["-e", "-o", "pipefail"],
            name if flavour_of(name).is_some() => &["-e"],
            _ => &[],
        },
        _ => &[],
    };
    Ok(words.into_iter().chain(options.iter().map(|option| (*option).to_owned())).collect())
}

/// The quoting rules of an interpreter; `None` when they are not a POSIX shell's.
pub(super) fn flavour(interpreter: &[String]) -> Option<Flavour> {
    let mut words = interpreter.iter().map(|word| base(word)).skip_while(|word| matches!(*word, "env" | "busybox"));
    flavour_of(words.next()?)
}

fn flavour_of(name: &str) -> Option<Flavour> {
    match name {
        "sh" | "dash" | "ash" => Some(Flavour::Sh),
        "bash" | "zsh" | "ksh" | "mksh" => Some(Flavour::Bash),
        _ => None,
    }
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
