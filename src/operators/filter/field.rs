//! `field_conditions`: a field must equal a value, or stand a comparison.
//!
//! `{"status": "open", "score": {"gte": 0.8, "lt": 1}}`, or a list of `{field, operator, value}`. All must hold.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use crate::language::template::to_text;
use crate::model::StageError;
use crate::operators::fields::{kind, wrong};
use crate::operators::path::Path;

/// The first condition that `data` does not meet, in words; `None` when it meets all.
pub(super) fn unmet(conditions: &Value, data: &Value, pass_if_missing: bool) -> Result<Option<String>, StageError> {
    match conditions {
        Value::Object(map) => first(map.iter().map(|(field, wanted)| one(field, wanted, data, pass_if_missing))),
        Value::Array(list) => first(list.iter().map(|condition| listed(condition, data, pass_if_missing))),
        other => Err(wrong(format!("`field_conditions` must be an object or a list, not {}", kind(other)))),
    }
}

fn first(mut checks: impl Iterator<Item = Result<Option<String>, StageError>>) -> Result<Option<String>, StageError> {
    checks.find_map(Result::transpose).transpose()
}

fn listed(condition: &Value, data: &Value, pass_if_missing: bool) -> Result<Option<String>, StageError> {
    let field = condition.get("field").and_then(Value::as_str);
    let field = field.ok_or_else(|| wrong("each of `field_conditions` needs a `field`"))?;
    let operator = condition.get("operator").or_else(|| condition.get("op")).and_then(Value::as_str).unwrap_or("eq");
    check(field, operator, condition.get("value").unwrap_or(&Value::Null), data, pass_if_missing)
}

fn one(field: &str, wanted: &Value, data: &Value, pass_if_missing: bool) -> Result<Option<String>, StageError> {
    match wanted {
        Value::Object(map) if !map.is_empty() && map.keys().all(|key| is_operator(key)) => {
            first(map.iter().map(|(operator, value)| check(field, operator, value, data, pass_if_missing)))
        }
        _ => check(field, "eq", wanted, data, pass_if_missing),
    }
}

/// Canonical name of an operator under any of its spellings.
fn canonical(operator: &str) -> Option<&'static str> {
    Some(match operator.trim_start_matches('$') {
        "eq" | "equals" | "==" | "=" => "eq",
        "ne" | "not_equals" | "neq" | "!=" => "ne",
        "gt" | ">" | "greater_than" => "gt",
        "gte" | "ge" | ">=" | "min" => "gte",
        "lt" | "<" | "less_than" => "lt",
        "lte" | "le" | "<=" | "max" => "lte",
        "in" => "in",
        "not_in" | "nin" => "not_in",
        "contains" => "contains",
        "not_contains" => "not_contains",
        "starts_with" | "startswith" => "starts_with",
        "ends_with" | "endswith" => "ends_with",
        "matches" | "regex" | "pattern" => "matches",
        "exists" => "exists",
        _ => return None,
    })
}

fn is_operator(text: &str) -> bool {
    canonical(text).is_some()
}

fn check(field: &str, operator: &str, wanted: &Value, data: &Value, pass_if_missing: bool) -> Result<Option<String>, StageError> {
    let path = Path::parse(field).ok_or_else(|| wrong(format!("`field_conditions`: `{field}` is not a path")))?;
    let name = canonical(operator).ok_or_else(|| wrong(format!("`field_conditions`: unknown operator `{operator}`")))?;
    let found = path.find(data);
    if name == "exists" {
        let should = wanted.as_bool().unwrap_or(true);
        let unmet = found.is_some() != should;
        return Ok(unmet.then(|| format!("`{field}` {}", if should { "is missing" } else { "is there" })));
    }
    let Some(found) = found else {
        return Ok((!pass_if_missing).then(|| format!("`{field}` is missing")));
    };
    let holds = compare(name, &found, wanted)?;
    Ok((!holds).then(|| format!("`{field}` is {found}, wanted {name} {wanted}")))
}

fn compare(operator: &str, found: &Value, wanted: &Value) -> Result<bool, StageError> {
    Ok(match operator {
        "eq" => same(found, wanted),
        "ne" => !same(found, wanted),
        "gt" => order(found, wanted)? == Ordering::Greater,
        "gte" => order(found, wanted)? != Ordering::Less,
        "lt" => order(found, wanted)? == Ordering::Less,
        "lte" => order(found, wanted)? != Ordering::Greater,
        "in" => holds(wanted, found),
        "not_in" => !holds(wanted, found),
        "contains" => holds(found, wanted),
        "not_contains" => !holds(found, wanted),
        "starts_with" => to_text(found).starts_with(&to_text(wanted)),
        "ends_with" => to_text(found).ends_with(&to_text(wanted)),
        _ => {
            let pattern = to_text(wanted);
            let regex = Regex::new(&pattern).map_err(|_| wrong(format!("`field_conditions`: `{pattern}` is not a pattern")))?;
            regex.is_match(&to_text(found))
        }
    })
}

/// Equal, where 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|a| b.as_f64() == Some(a))
}

fn holds(container: &Value, item: &Value) -> bool {
    match container {
        Value::Array(list) => list.iter().any(|each| same(each, item)),
        Value::Object(map) => item.as_str().is_some_and(|key| map.contains_key(key)),
        Value::String(text) => item.as_str().is_some_and(|part| text.contains(part)),
        _ => false,
    }
}

fn order(a: &Value, b: &Value) -> Result<Ordering, StageError> {
    let order = match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b)),
        _ => None,
    };
    order.ok_or_else(|| wrong(format!("`field_conditions`: cannot compare {} with {}", kind(a), kind(b))))
}
