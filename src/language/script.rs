//! Values in scripts: each is written so that it arrives as its literal text, wherever it stands.
//!
//! Owns which interpreters' quoting is known and how a value is written at a place. Must not know where values come from.

mod heredoc;
mod lexer;
mod quote;

use serde_json::Value;

pub use lexer::Flavour;
pub use quote::{Piece, Unquotable, splice};

/// Why a script cannot be written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unwritable {
    #[error(transparent)]
    Place(#[from] Unquotable),
    #[error("a value cannot be quoted for `{0}`; pass it through `env`, or write {{{{raw(…)}}}} to vouch for it")]
    Interpreter(String),
}

/// The words of a `shell` setting, `sh` without one; `None` when it names no program.
pub fn interpreter(shell: Option<&Value>) -> Option<Vec<String>> {
    let words: Vec<String> = match shell {
        None => vec!["sh".to_owned()],
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(list)) => list.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => return None,
    };
    (!words.is_empty()).then_some(words)
}

/// The script as `interpreter` will read it.
///
/// # Errors
/// A value at a place where none can be written, or for an interpreter whose quoting is not known.
pub fn write(pieces: &[Piece], interpreter: &[String]) -> Result<String, Unwritable> {
    let literals: Option<String> = pieces.iter().map(Piece::literal).collect();
    match (Flavour::of(interpreter), literals) {
        (Some(flavour), _) => Ok(splice(pieces, flavour)?),
        (None, Some(literals)) => Ok(literals),
        (None, None) => Err(Unwritable::Interpreter(interpreter.first().map_or("this interpreter", String::as_str).to_owned())),
    }
}
