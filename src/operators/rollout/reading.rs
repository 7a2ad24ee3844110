//! What one measurement came to. Pure: it gets what was found and says what that means.

use serde_json::{Map, Value, json};

use super::plan::Check;
use crate::language::template::to_text;
use crate::operators::names::Names;
use crate::policy::analysis::Outcome;

/// More of a value is not shown or kept.
const LONGEST: usize = 200;

/// What was found where something was measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) result: Value,
    /// The status of the answer, or the exit code; none where only a number was asked for.
    pub(super) status: Option<i64>,
    pub(super) body: Value,
    /// What the status says without any condition.
    pub(super) is_good: bool,
}

/// A measurement and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) outcome: Outcome,
    /// At most a line.
    pub(super) value: Value,
    /// Why it is no success: the condition, or what went wrong.
    pub(super) why: Option<String>,
}

impl Reading {
    /// Nothing was found; the reason is a lower-case sentence.
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Error, value: Value::Null, why: Some(line(&why.into())) }
    }

    /// Judges what was found by the conditions of a check.
    ///
    /// `failure_if` goes first; with one condition alone the other outcome is its opposite; with both and neither holding it is
    /// inconclusive. An error status is no measurement where no condition asks for the status.
    pub(super) fn of(check: &Check, found: Result<Found, String>, names: &Names) -> Self {
        let found = match found {
            Ok(found) => found,
            Err(why) => return Self::failed(why),
        };
        let conditions = [check.failure_if.as_deref(), check.success_if.as_deref()];
        let value = short(&found);
        if conditions == [None, None] {
            let outcome = if found.is_good { Outcome::Success } else { Outcome::Failure };
            return Self { outcome, value, why: (!found.is_good).then(|| status_of(&found)) };
        }
        if !found.is_good && !conditions.iter().flatten().any(|text| text.contains("status")) {
            return Self { value, ..Self::failed(format!("{}, and no condition asks for `status`", status_of(&found))) };
        }
        let measured = Map::from_iter([
            ("result".to_owned(), found.result),
            ("status".to_owned(), json!(found.status)),
            ("body".to_owned(), found.body),
        ]);
        let ask = |condition: &str| names.holds(condition, &measured);
        match decide(conditions, ask) {
            Ok((outcome, why)) => Self { outcome, value, why },
            Err(why) => Self { value, ..Self::failed(why) },
        }
    }
}

fn decide(
    [failure_if, success_if]: [Option<&str>; 2],
    ask: impl Fn(&str) -> Result<bool, String>,
) -> Result<(Outcome, Option<String>), String> {
    if let Some(condition) = failure_if
        && ask(condition)?
    {
        return Ok((Outcome::Failure, Some(format!("failure_if holds: {condition}"))));
    }
    let Some(condition) = success_if else { return Ok((Outcome::Success, None)) };
    if ask(condition)? {
        return Ok((Outcome::Success, None));
    }
    let why = format!("success_if does not hold: {condition}");
    match failure_if {
        None => Ok((Outcome::Failure, Some(why))),
        Some(_) => Ok((Outcome::Inconclusive, Some(format!("{why}, and failure_if does not either")))),
    }
}

fn status_of(found: &Found) -> String {
    found.status.map_or_else(|| "no status".to_owned(), |status| format!("status {status}"))
}

/// The value as it is shown: numbers and short texts as they are, everything else as a line of text.
fn short(found: &Found) -> Value {
    match &found.result {
        Value::Null => json!(found.status),
        value @ (Value::Bool(_) | Value::Number(_)) => value.clone(),
        other => Value::String(line(&to_text(other))),
    }
}

/// The beginning of a text, on one line.
pub(super) fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The number of the first sample of an instant query's answer; all of them where there are several.
///
/// # Errors
/// Why it holds no number. No sample is no zero.
pub(super) fn samples(status: u16, body: &Value) -> Result<Value, String> {
    if body["status"] != "success" {
        let said = body["error"].as_str().map(|said| format!(": {}", line(said))).unwrap_or_default();
        return Err(format!("the server answered {status}{said}"));
    }
    let data = &body["data"];
    let pairs: Vec<&Value> = match data["resultType"].as_str() {
        Some("scalar") => vec![&data["result"]],
        _ => data["result"].as_array().into_iter().flatten().map(|sample| &sample["value"]).collect(),
    };
    let mut numbers = Vec::new();
    for pair in pairs {
        let text = pair[1].as_str().unwrap_or_default();
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        numbers.push(json!(number.ok_or_else(|| format!("a sample is no number: {:?}", line(text)))?));
    }
    match numbers.len() {
        0 => Err("the query found nothing".to_owned()),
        1 => Ok(numbers.remove(0)),
        _ => Ok(Value::Array(numbers)),
    }
}

#[cfg(test)]
mod tests;
