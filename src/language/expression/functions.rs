//! The functions of the language, one table.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::evaluate::{Evaluator, Val, key_text, type_name};
use super::number::{Num, calculate, round, whole};
use super::{EvalError, EvalErrorKind, compare, python, truthy};
use crate::language::expression::ast::Operator;
use crate::language::suggest::did_you_mean;

/// Evaluated arguments.
pub struct Given<'a> {
    pub positional: Vec<Val<'a>>,
    pub named: Vec<(&'a str, Val<'a>)>,
}

impl<'a> Given<'a> {
    /// Checks the number of positional arguments and the names of the others.
    pub fn check(&self, function: &str, least: usize, most: usize, names: &[&str]) -> Result<(), EvalError> {
        let count = self.positional.len();
        if count < least || count > most {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Err(EvalError::value(format!("{function}() takes {wanted} arguments, {count} are given")));
        }
        match self.named.iter().find(|(name, _)| !names.contains(name)) {
            Some((name, _)) => Err(EvalError::value(format!("{function}() has no argument `{name}`"))),
            None => Ok(()),
        }
    }

    pub fn take(&mut self, at: usize) -> Val<'a> {
        self.positional.get_mut(at).map(std::mem::take).unwrap_or_default()
    }

    /// The positional argument at `at`, or the one of that name.
    fn either(&self, at: usize, name: &str) -> Option<&Value> {
        self.positional
            .get(at)
            .or_else(|| self.named.iter().find(|(known, _)| *known == name).map(|(_, value)| value))
            .map(|value| &**value)
    }
}

/// Every function's name.
pub const NAMES: &[&str] = &[
    "len",
    "str",
    "int",
    "float",
    "bool",
    "list",
    "dict",
    "set",
    "tuple",
    "abs",
    "min",
    "max",
    "sum",
    "round",
    "range",
    "sorted",
    "reversed",
    "any",
    "all",
    "enumerate",
    "zip",
    "now",
    "uuid",
    "hash",
    "env_or",
    "raw",
];

/// An error for a function that does not exist.
pub fn known(name: &str, offset: usize) -> Result<(), EvalError> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let hint = did_you_mean(name, NAMES.iter().copied()).map_or(String::new(), |hint| format!("; {hint}"));
    Err(EvalError::new(EvalErrorKind::Syntax, format!("there is no function `{name}`{hint}")).at(offset))
}

pub fn call<'a>(evaluator: &mut Evaluator<'a, '_>, name: &str, mut given: Given<'a>) -> Result<Val<'a>, EvalError> {
    let value = match name {
        "now" => {
            given.check(name, 0, 0, &[])?;
            Value::String(evaluator.scope().now().to_string())
        }
        "uuid" => {
            given.check(name, 0, 0, &[])?;
            let nth = evaluator.budget.uuids;
            evaluator.budget.uuids = nth.saturating_add(1);
            Value::String(evaluator.scope().uuid(nth))
        }
        "env_or" => {
            given.check(name, 2, 2, &["default"])?;
            let fallback = given.take(1);
            let Value::String(wanted) = &*given.take(0) else {
                return Err(EvalError::value("env_or() takes a name and a default"));
            };
            match evaluator.scope().env(wanted) {
                Some(text) => Value::String(text.into_owned()),
                None => return Ok(fallback),
            }
        }
        "raw" => {
            given.check(name, 1, 1, &[])?;
            return Ok(given.take(0));
        }
        "min" | "max" => return extreme(name, given, evaluator.budget),
        _ => plain(name, given, evaluator.budget)?,
    };
    Ok(Cow::Owned(value))
}

fn plain(name: &str, mut given: Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    match name {
        "len" => {
            given.check(name, 1, 1, &[])?;
            length(&given.take(0)).map(Value::from)
        }
        "str" => {
            given.check(name, 0, 1, &[])?;
            let value = if given.positional.is_empty() { Cow::Owned(Value::String(String::new())) } else { given.take(0) };
            budget.copy(&value)?;
            Ok(Value::String(python::text(&value)))
        }
        "int" => {
            given.check(name, 0, 1, &[])?;
            integer(given.positional.first().map(|value| &**value))
        }
        "float" => {
            given.check(name, 0, 1, &[])?;
            float(given.positional.first().map(|value| &**value))
        }
        "bool" => {
            given.check(name, 0, 1, &[])?;
            Ok(Value::Bool(truthy(&given.take(0))))
        }
        "abs" => {
            given.check(name, 1, 1, &[])?;
            match number(name, &given.take(0))? {
                Num::Int(int) => Num::Int(int.abs()).value(),
                Num::Float(float) => Num::Float(float.abs()).value(),
            }
        }
        "round" => {
            given.check(name, 1, 2, &["ndigits"])?;
            let digits = match given.either(1, "ndigits") {
                None | Some(Value::Null) => None,
                Some(digits) => {
                    Some(i128::from(digits.as_i64().ok_or_else(|| EvalError::value("round() takes a whole number of digits"))?))
                }
            };
            round(number(name, &given.take(0))?, digits)?.value()
        }
        "hash" => {
            given.check(name, 1, 1, &[])?;
            Ok(Value::String(digest(&given.take(0))))
        }
        _ => collections(name, given, budget),
    }
}

fn collections(name: &str, mut given: Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    match name {
        "list" | "tuple" | "set" => {
            given.check(name, 0, 1, &[])?;
            let all = if given.positional.is_empty() { Vec::new() } else { owned_items(given.take(0), budget)? };
            if name == "set" { distinct(Value::Array(all), budget) } else { Ok(Value::Array(all)) }
        }
        "dict" => dict(given, budget),
        "range" => range(&given, budget),
        "sum" => {
            given.check(name, 1, 2, &["start"])?;
            let mut total = number(name, given.either(1, "start").unwrap_or(&Value::from(0)))?;
            for item in items(given.take(0), budget)? {
                total = calculate(Operator::Add, total, number(name, &item)?)?;
            }
            total.value()
        }
        "sorted" => {
            given.check(name, 1, 1, &["reverse"])?;
            let reverse = given.either(1, "reverse").is_some_and(truthy);
            let all = owned_items(given.take(0), budget)?;
            sorted(all, reverse, budget).map(Value::Array)
        }
        "reversed" => {
            given.check(name, 1, 1, &[])?;
            let mut all = owned_items(given.take(0), budget)?;
            all.reverse();
            Ok(Value::Array(all))
        }
        "any" | "all" => {
            given.check(name, 1, 1, &[])?;
            let all = items(given.take(0), budget)?;
            Ok(Value::Bool(if name == "any" { all.iter().any(|item| truthy(item)) } else { all.iter().all(|item| truthy(item)) }))
        }
        "enumerate" => {
            given.check(name, 1, 2, &["start"])?;
            let start = given
                .either(1, "start")
                .map_or(Some(0), Value::as_i64)
                .ok_or_else(|| EvalError::value("enumerate() starts at a whole number"))?;
            let all = owned_items(given.take(0), budget)?;
            budget.grow(80 * all.len())?;
            Ok((start..).zip(all).map(|(at, item)| Value::Array(vec![at.into(), item])).collect())
        }
        "zip" => {
            given.check(name, 0, 16, &[])?;
            let mut columns = Vec::new();
            for column in given.positional {
                columns.push(owned_items(column, budget)?.into_iter());
            }
            let rows = columns.iter().map(ExactSizeIterator::len).min().unwrap_or(0);
            budget.grow(rows * (24 + 32 * columns.len()))?;
            Ok((0..rows).map(|_| Value::Array(columns.iter_mut().filter_map(Iterator::next).collect())).collect())
        }
        other => known(other, 0).map(|()| Value::Null),
    }
}

/// What a loop over `value` sees: elements, keys, characters.
pub fn items<'a>(value: Val<'a>, budget: &mut Budget) -> Result<Vec<Val<'a>>, EvalError> {
    let all: Vec<Val<'a>> = match value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Owned(Value::Array(items)) => items.into_iter().map(Cow::Owned).collect(),
        other => match &*other {
            Value::Object(map) => {
                map.keys().try_for_each(|key| budget.grow(24 + key.len()))?;
                map.keys().map(|key| Cow::Owned(Value::String(key.clone()))).collect()
            }
            Value::String(text) => {
                budget.grow(text.len().saturating_mul(32))?;
                text.chars().map(|c| Cow::Owned(Value::String(c.into()))).collect()
            }
            value => return Err(EvalError::value(format!("{} holds nothing to go through; a list is needed", type_name(value)))),
        },
    };
    budget.step(all.len() as u64)?;
    Ok(all)
}

fn owned_items(value: Val<'_>, budget: &mut Budget) -> Result<Vec<Value>, EvalError> {
    let all = items(value, budget)?;
    let mut owned = Vec::with_capacity(all.len());
    for item in all {
        if let Cow::Borrowed(item) = item {
            budget.copy(item)?;
        }
        owned.push(item.into_owned());
    }
    Ok(owned)
}

/// The list without repetitions, in the order of first appearance.
pub fn distinct(list: Value, budget: &mut Budget) -> Result<Value, EvalError> {
    let Value::Array(items) = list else { return Ok(list) };
    let mut kept: Vec<Value> = Vec::new();
    let mut texts = std::collections::HashSet::new();
    for item in items {
        budget.step(1)?;
        let mut repeated = false;
        if let Value::String(text) = &item {
            repeated = !texts.insert(text.clone());
        } else {
            for known in &kept {
                repeated = repeated || compare::equal(known, &item, budget)?;
            }
        }
        if !repeated {
            kept.push(item);
        }
    }
    Ok(Value::Array(kept))
}

fn length(value: &Value) -> Result<u64, EvalError> {
    match value {
        Value::String(text) => Ok(text.chars().count() as u64),
        Value::Array(items) => Ok(items.len() as u64),
        Value::Object(map) => Ok(map.len() as u64),
        Value::Null | Value::Bool(_) | Value::Number(_) => Err(EvalError::value(format!("{} has no length", type_name(value)))),
    }
}

fn number(function: &str, value: &Value) -> Result<Num, EvalError> {
    Num::of(value).ok_or_else(|| EvalError::value(format!("{function}() needs a number, not {}", type_name(value))))
}

fn integer(value: Option<&Value>) -> Result<Value, EvalError> {
    match value {
        None => Ok(0.into()),
        Some(Value::String(text)) => {
            let text = text.trim().replace('_', "");
            let parsed = text.parse::<i128>().map_err(|_| EvalError::value("int() cannot read this text as a whole number"))?;
            Num::Int(parsed).value()
        }
        Some(value) => match number("int", value)? {
            Num::Int(int) => Num::Int(int).value(),
            Num::Float(float) => whole(float)?.value(),
        },
    }
}

fn float(value: Option<&Value>) -> Result<Value, EvalError> {
    match value {
        None => Num::Float(0.0).value(),
        Some(Value::String(text)) => {
            let parsed = text.trim().replace('_', "").parse::<f64>();
            Num::Float(parsed.map_err(|_| EvalError::value("float() cannot read this text as a number"))?).value()
        }
        Some(value) => Num::Float(number("float", value)?.float()).value(),
    }
}

/// SHA-256 of a text, or of the compact JSON of anything else, in lower-case hex.
fn digest(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    crate::model::digest::sha256_hex(text.as_bytes())
}

fn dict(mut given: Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    let mut map = match given.positional.len() {
        0 => Map::new(),
        1 => match given.take(0) {
            value if value.is_object() => {
                budget.copy(&value)?;
                let Value::Object(map) = value.into_owned() else { return Ok(Value::Null) };
                map
            }
            pairs => {
                let mut map = Map::new();
                for pair in owned_items(pairs, budget)? {
                    let pair = owned_items(Cow::Owned(pair), budget)?;
                    let [key, value] = <[Value; 2]>::try_from(pair).map_err(|_| EvalError::value("dict() takes pairs"))?;
                    budget.grow(96)?;
                    map.insert(key_text(&key)?, value);
                }
                map
            }
        },
        _ => return Err(EvalError::value("dict() takes one object or list of pairs, and named values")),
    };
    for (name, value) in given.named {
        budget.copy(&value)?;
        map.insert(name.to_owned(), value.into_owned());
    }
    Ok(Value::Object(map))
}

fn range(given: &Given<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
    given.check("range", 1, 3, &[])?;
    let bounds: Option<Vec<i64>> = given.positional.iter().map(|value| value.as_i64()).collect();
    let (start, end, step) = match bounds.as_deref() {
        Some([end]) => (0, *end, 1),
        Some([start, end]) => (*start, *end, 1),
        Some([start, end, step]) if *step != 0 => (*start, *end, *step),
        _ => return Err(EvalError::value("range() takes whole numbers, and a step that is not 0")),
    };
    let distance = if step > 0 { i128::from(end) - i128::from(start) } else { i128::from(start) - i128::from(end) };
    let stride = i128::from(step).abs();
    let count = usize::try_from(((distance + stride - 1) / stride).max(0)).unwrap_or(usize::MAX);
    budget.grow(count.saturating_mul(32))?;
    budget.step(count as u64)?;
    let count = i64::try_from(count).unwrap_or(0);
    Ok((0..count).map(|nth| Value::from(start + nth * step)).collect())
}

/// A stable merge sort of our own: an order that can fail must not reach the library's, which may panic on it.
fn sorted(mut all: Vec<Value>, reverse: bool, budget: &mut Budget) -> Result<Vec<Value>, EvalError> {
    let mut width = 1;
    while width < all.len() {
        let mut merged = Vec::with_capacity(all.len());
        let mut rest = all.into_iter();
        loop {
            let mut left = rest.by_ref().take(width).collect::<Vec<_>>().into_iter().peekable();
            let mut right = rest.by_ref().take(width).collect::<Vec<_>>().into_iter().peekable();
            if left.peek().is_none() {
                break;
            }
            while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                let order = compare::order(a, b, budget)?;
                let take_right = if reverse { order == Ordering::Less } else { order == Ordering::Greater };
                merged.extend(if take_right { right.next() } else { left.next() });
            }
            merged.extend(left);
            merged.extend(right);
        }
        all = merged;
        width *= 2;
    }
    Ok(all)
}

/// `min` and `max`, of a list or of the arguments; the first of equals wins.
fn extreme<'a>(name: &str, mut given: Given<'a>, budget: &mut Budget) -> Result<Val<'a>, EvalError> {
    given.check(name, 1, usize::MAX, &["default"])?;
    let default = given.named.pop().map(|(_, value)| value);
    let all = if given.positional.len() == 1 { items(given.take(0), budget)? } else { given.positional };
    let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
    let mut best: Option<Val<'a>> = None;
    for item in all {
        let better = match &best {
            Some(best) => compare::order(&item, best, budget)? == wanted,
            None => true,
        };
        if better {
            best = Some(item);
        }
    }
    best.or(default).ok_or_else(|| EvalError::value(format!("{name}() of nothing; give it a default=")))
}
