//! Methods, indices and slices of values.

use std::borrow::Cow;

use serde_json::Value;

use super::budget::Budget;
use super::evaluate::{Val, key_text, type_name};
use super::functions::Given;
use super::{EvalError, compare, python};
use crate::language::suggest::did_you_mean;

const TEXT: &[&str] = &[
    "lower",
    "upper",
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "join",
    "replace",
    "startswith",
    "endswith",
    "format",
    "count",
    "index",
];
const LIST: &[&str] = &["index", "count"];
const DICT: &[&str] = &["get", "keys", "values", "items"];

pub fn call<'a>(value: Val<'a>, name: &str, given: Given<'a>, budget: &mut Budget) -> Result<Val<'a>, EvalError> {
    budget.step(1)?;
    match &*value {
        Value::String(text) if TEXT.contains(&name) => of_text(text, name, given, budget).map(Cow::Owned),
        Value::Array(items) if LIST.contains(&name) => of_list(items, name, given, budget).map(Cow::Owned),
        Value::Object(_) if DICT.contains(&name) => of_dict(value, name, given, budget),
        other => {
            let known = match other {
                Value::String(_) => TEXT,
                Value::Array(_) => LIST,
                Value::Object(_) => DICT,
                Value::Null | Value::Bool(_) | Value::Number(_) => &[],
            };
            let hint = did_you_mean(name, known.iter().copied()).map_or(String::new(), |hint| format!("; {hint}"));
            Err(EvalError::value(format!("{} has no method `{name}`{hint}", type_name(other))))
        }
    }
}

fn of_text(text: &str, name: &str, mut given: Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    budget.step(text.len() as u64 / 64)?;
    match name {
        "lower" | "upper" => {
            given.check(name, 0, 0, &[])?;
            budget.grow(text.len() * 3)?;
            Ok(Value::String(if name == "lower" { text.to_lowercase() } else { text.to_uppercase() }))
        }
        "strip" | "lstrip" | "rstrip" => {
            given.check(name, 0, 1, &[])?;
            budget.grow(text.len())?;
            let chars = optional_text(name, &given, 0)?;
            let matches = |c: char| chars.map_or(c.is_whitespace(), |chars| chars.contains(c));
            let text = if name == "rstrip" { text } else { text.trim_start_matches(matches) };
            Ok(Value::String(if name == "lstrip" { text } else { text.trim_end_matches(matches) }.to_owned()))
        }
        "startswith" | "endswith" => {
            given.check(name, 1, 1, &[])?;
            let test = |part: &str| if name == "startswith" { text.starts_with(part) } else { text.ends_with(part) };
            match &*given.take(0) {
                Value::String(part) => Ok(Value::Bool(test(part))),
                Value::Array(parts) => Ok(Value::Bool(parts.iter().filter_map(Value::as_str).any(test))),
                other => Err(EvalError::value(format!("{name}() takes a string, not {}", type_name(other)))),
            }
        }
        "split" => split(text, &given, budget),
        "join" => join(text, &mut given, budget),
        "replace" => replace(text, &given, budget),
        "count" | "index" => {
            given.check(name, 1, 1, &[])?;
            let part = required_text(name, &given, 0)?;
            if name == "count" {
                return Ok(Value::from(
                    if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() } as u64
                ));
            }
            let at = text.find(part).ok_or_else(|| EvalError::value("index() did not find the text"))?;
            Ok(Value::from(text[..at].chars().count() as u64))
        }
        _ => {
            let positional: Vec<Value> = given.positional.iter().map(|value| (**value).clone()).collect();
            let named: Vec<(String, Value)> =
                given.named.iter().map(|(name, value)| ((*name).to_owned(), (**value).clone())).collect();
            positional.iter().chain(named.iter().map(|(_, value)| value)).try_for_each(|value| budget.copy(value))?;
            format_cost(text, &positional, &named, budget)?;
            python::format(text, &positional, &named).map(Value::String)
        }
    }
}

/// A field can repeat an argument, so each pays for the longest argument.
fn format_cost(text: &str, positional: &[Value], named: &[(String, Value)], budget: &mut Budget) -> Result<(), EvalError> {
    let fields = memchr::memchr_iter(b'{', text.as_bytes()).count();
    let longest = positional.iter().chain(named.iter().map(|(_, value)| value)).map(|value| match value {
        Value::String(text) => text.len(),
        other => other.to_string().len() * 2,
    });
    budget.grow(fields.saturating_mul(longest.max().unwrap_or(0) + 32).saturating_add(text.len()))
}

fn optional_text<'g>(method: &str, given: &'g Given<'_>, at: usize) -> Result<Option<&'g str>, EvalError> {
    match given.positional.get(at).map(|value| &**value) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(EvalError::value(format!("{method}() takes a string, not {}", type_name(other)))),
    }
}

fn required_text<'g>(method: &str, given: &'g Given<'_>, at: usize) -> Result<&'g str, EvalError> {
    optional_text(method, given, at)?.ok_or_else(|| EvalError::value(format!("{method}() takes a string, not null")))
}

fn limit_of(method: &str, given: &Given<'_>, at: usize) -> Result<usize, EvalError> {
    match given.positional.get(at).map(|value| &**value) {
        None | Some(Value::Null) => Ok(usize::MAX),
        Some(value) => match value.as_i64() {
            Some(count) => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
            None => Err(EvalError::value(format!("{method}() counts in whole numbers"))),
        },
    }
}

fn split(text: &str, given: &Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    given.check("split", 0, 2, &[])?;
    let limit = limit_of("split", given, 1)?.saturating_add(1);
    let parts: Vec<&str> = match optional_text("split", given, 0)? {
        Some("") => return Err(EvalError::value("split() by an empty text")),
        Some(separator) => text.splitn(limit, separator).collect(),
        None if limit == usize::MAX => text.split_whitespace().collect(),
        None => {
            let (mut parts, mut rest) = (Vec::new(), text.trim_start());
            while !rest.is_empty() {
                let end =
                    if parts.len() + 1 == limit { rest.len() } else { rest.find(char::is_whitespace).unwrap_or(rest.len()) };
                parts.push(&rest[..end]);
                rest = rest[end..].trim_start();
            }
            parts
        }
    };
    budget.grow(text.len() + 56 * parts.len())?;
    budget.step(parts.len() as u64)?;
    Ok(parts.into_iter().map(|part| Value::String(part.to_owned())).collect())
}

fn join(separator: &str, given: &mut Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    given.check("join", 1, 1, &[])?;
    let parts = super::functions::items(given.take(0), budget)?;
    let mut texts = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let Value::String(text) = &**part else {
            let message = format!("join() takes strings, item {at} is {}; write str(x) for x in …", type_name(part));
            return Err(EvalError::value(message));
        };
        budget.grow(text.len() + separator.len())?;
        texts.push(text.as_str());
    }
    Ok(Value::String(texts.join(separator)))
}

fn replace(text: &str, given: &Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    given.check("replace", 2, 3, &[])?;
    let (from, to) = (required_text("replace", given, 0)?, required_text("replace", given, 1)?);
    let limit = limit_of("replace", given, 2)?;
    let found = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() }.min(limit);
    budget.grow(text.len().saturating_add(found.saturating_mul(to.len())))?;
    Ok(Value::String(text.replacen(from, to, found)))
}

fn of_list(items: &[Value], name: &str, mut given: Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    given.check(name, 1, 1, &[])?;
    let wanted = given.take(0);
    let mut count = 0_u64;
    for (at, item) in items.iter().enumerate() {
        if compare::equal(item, &wanted, budget)? {
            if name == "index" {
                return Ok(Value::from(at as u64));
            }
            count += 1;
        }
    }
    if name == "index" { Err(EvalError::value("index() did not find the value")) } else { Ok(count.into()) }
}

fn of_dict<'a>(value: Val<'a>, name: &str, mut given: Given<'a>, budget: &mut Budget) -> Result<Val<'a>, EvalError> {
    if name == "get" {
        given.check(name, 1, 2, &["default"])?;
        let key = key_text(&given.take(0))?;
        let found = match value {
            Cow::Borrowed(value) => value.get(&key).map(Cow::Borrowed),
            Cow::Owned(Value::Object(mut map)) => map.swap_remove(&key).map(Cow::Owned),
            Cow::Owned(_) => None,
        };
        let default = given.named.pop().map(|(_, value)| value);
        return Ok(found.unwrap_or_else(|| if given.positional.len() > 1 { given.take(1) } else { default.unwrap_or_default() }));
    }
    given.check(name, 0, 0, &[])?;
    let Value::Object(map) = &*value else { return Ok(Cow::Owned(Value::Null)) };
    if name == "keys" {
        map.keys().try_for_each(|key| budget.grow(56 + key.len()))?;
    } else {
        budget.copy(&value)?;
        budget.grow(112 * map.len())?;
    }
    budget.step(map.len() as u64)?;
    Ok(Cow::Owned(match name {
        "keys" => map.keys().map(|key| Value::String(key.clone())).collect(),
        "values" => map.values().cloned().collect(),
        _ => map.iter().map(|(key, item)| Value::Array(vec![Value::String(key.clone()), item.clone()])).collect(),
    }))
}

/// `value[index]`; `None` when there is nothing at that place.
pub fn at<'a>(value: Val<'a>, index: &Value) -> Result<Option<Val<'a>>, EvalError> {
    if let Value::Object(_) = &*value {
        let key = key_text(index)?;
        return Ok(match value {
            Cow::Borrowed(value) => value.get(&key).map(Cow::Borrowed),
            Cow::Owned(Value::Object(mut map)) => map.swap_remove(&key).map(Cow::Owned),
            Cow::Owned(_) => None,
        });
    }
    if value.is_null() {
        return Ok(None);
    }
    let place = |length: usize| {
        let index =
            index.as_i64().ok_or_else(|| EvalError::value(format!("an index is a whole number, not {}", type_name(index))))?;
        let index = if index < 0 { index + i64::try_from(length).unwrap_or(0) } else { index };
        Ok::<_, EvalError>(usize::try_from(index).ok().filter(|at| *at < length))
    };
    match value {
        Cow::Borrowed(Value::Array(items)) => Ok(place(items.len())?.map(|at| Cow::Borrowed(&items[at]))),
        Cow::Owned(Value::Array(mut items)) => Ok(place(items.len())?.map(|at| Cow::Owned(items.swap_remove(at)))),
        other => match &*other {
            Value::String(text) => {
                let at = place(text.chars().count())?;
                Ok(at.and_then(|at| text.chars().nth(at)).map(|c| Cow::Owned(Value::String(c.into()))))
            }
            value => Err(EvalError::value(format!("{} has no elements", type_name(value)))),
        },
    }
}

/// `value[start:end:step]` of a list or a string.
pub fn slice(value: &Value, [start, end, step]: [Option<i64>; 3], budget: &mut Budget) -> Result<Value, EvalError> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(EvalError::value("a slice with step 0"));
    }
    budget.copy(value)?;
    let chosen = |length: usize| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
        let clamp = |bound: i64| if bound < 0 { bound.saturating_add(length).max(low) } else { bound.min(high) };
        let first = start.map_or(if step > 0 { low } else { high }, clamp);
        let last = end.map_or(if step > 0 { high } else { low }, clamp);
        let mut places = Vec::new();
        let mut at = first;
        while (step > 0 && at < last) || (step < 0 && at > last) {
            places.extend(usize::try_from(at));
            at = at.saturating_add(step);
        }
        places
    };
    match value {
        Value::Array(items) => Ok(chosen(items.len()).into_iter().map(|at| items[at].clone()).collect()),
        Value::String(text) => {
            let chars: Vec<char> = text.chars().collect();
            Ok(Value::String(chosen(chars.len()).into_iter().map(|at| chars[at]).collect()))
        }
        Value::Null => Ok(Value::Null),
        other => Err(EvalError::value(format!("{} cannot be sliced", type_name(other)))),
    }
}
