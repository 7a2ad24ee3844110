//! A script's templates, evaluated and spliced.

use serde_json::Value;

use crate::language::expression;
use crate::language::scope::Scope;
use crate::language::script::{self, Piece, Unwritable};
use crate::language::template::{self, Segment, to_text};
use crate::model::{ErrorKind, StageError};
use crate::operators::fields::{in_field, kind, wrong};
use crate::operators::{Context, Secrets};

/// A rendered script.
#[derive(Debug)]
pub(in crate::operators) struct Script {
    /// As the interpreter will read it.
    pub(in crate::operators) text: String,
    /// The same with each secret's expression instead of its value: quoting may take a secret apart, and masking would miss it.
    pub(in crate::operators) shown: String,
    pub(in crate::operators) secret: bool,
}

/// Evaluates a script's templates and writes their values where they stand.
pub(in crate::operators) fn render(script: &Value, context: &Context, interpreter: &[String]) -> Result<Script, StageError> {
    let Value::String(source) = script else {
        return Err(wrong(format!("`run` must be a text, not {}", kind(script))));
    };
    let pieces = pieces(source, context)?;
    let text = write(&pieces, interpreter)?;
    if text.contains('\0') {
        return Err(wrong("`run` contains a NUL character"));
    }
    let hidden: Vec<Piece> = pieces.iter().map(|piece| hide(piece, context.secrets)).collect();
    let secret = hidden != pieces || context.secrets.contains_secret(&text);
    let shown = if hidden == pieces { text.clone() } else { write(&hidden, interpreter).unwrap_or_else(|_| source.clone()) };
    Ok(Script { text, shown, secret })
}

fn pieces(source: &str, context: &Context) -> Result<Vec<Piece>, StageError> {
    let piece = |segment| match segment {
        Segment::Text(text) => Ok(Piece::Literal(text.to_owned())),
        Segment::Template { expression, .. } if expression::is_raw(expression) => {
            Ok(Piece::Literal(evaluate(expression, context.scope)?))
        }
        Segment::Template { expression, .. } => {
            Ok(Piece::Value { text: evaluate(expression, context.scope)?, expression: expression.trim().to_owned() })
        }
    };
    template::segments(source).into_iter().map(piece).collect()
}

fn hide(piece: &Piece, secrets: &dyn Secrets) -> Piece {
    match piece {
        Piece::Value { text, expression } if secrets.contains_secret(text) => {
            Piece::Value { text: format!("{{{{{expression}}}}}"), expression: expression.clone() }
        }
        other => other.clone(),
    }
}

fn write(pieces: &[Piece], interpreter: &[String]) -> Result<String, StageError> {
    script::write(pieces, interpreter).map_err(|error| match error {
        Unwritable::Place(error) => StageError::new(ErrorKind::Validation, format!("`run`: {error}; pass it through `env`")),
        error @ Unwritable::Interpreter(_) => wrong(format!("`run`: {error}")),
    })
}

fn evaluate(expression: &str, scope: &dyn Scope) -> Result<String, StageError> {
    let value = expression::evaluate(expression, scope).map_err(|error| in_field("run", error.into()))?;
    Ok(to_text(&value))
}
