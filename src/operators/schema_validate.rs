//! `schema-validate`: checks data against a JSON Schema, Draft 4 to 2020-12. `errors` holds `{path, message}`, where `path` is a JSON pointer.

mod coerce;
mod schema;

use serde_json::{Value, json};

use super::fields::{Fields, wrong};
use super::{Context, Done, Prepared};
use crate::language::json_schema::Mismatch;
use crate::model::{Ending, ErrorKind, Outcome, StageError};

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let mut data = fields.take_nullable(&["data"]).unwrap_or(Value::Null);
    let schema = fields.take(&["schema", "json_schema"]).ok_or_else(|| wrong("schema-validate needs a `schema`"))?;
    let schema = match schema {
        Value::String(text) => serde_json::from_str(&text).map_err(|error| wrong("`schema` is not JSON").caused_by(error))?,
        other => other,
    };
    if fields.flag(&["coerce_types"], false)? {
        coerce::coerce(&schema, &mut data);
    }
    let strict = fields.flag(&["strict"], true)?;
    let mut errors = schema::check(&schema, &data)?;
    if !fields.flag(&["collect_all_errors"], true)? {
        errors.truncate(1);
    }

    let failure = failure(&errors).filter(|_| strict);
    let output = json!({"valid": errors.is_empty(), "data": data, "error_count": errors.len(), "errors": errors});
    let outcome = match failure {
        Some(error) => Outcome::ended(Ending::Failed, error, output),
        None => Outcome::succeeded(output),
    };
    Ok(Done::with_outcome(outcome).into())
}

fn failure(errors: &[Mismatch]) -> Option<StageError> {
    let (first, rest) = errors.split_first()?;
    let place = if first.path.is_empty() { "the data" } else { &first.path };
    let more = match rest.len() {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    let message = format!("{place}: {}{more}", first.message);
    let error = StageError::new(ErrorKind::Validation, message).with_details(json!({"errors": errors}));
    Some(error)
}

#[cfg(test)]
mod tests;
