//! Equality and order of values, as Python has them: `1 == 1.0`, `True == 1`, lists element by element.

use std::cmp::Ordering;

use serde_json::Value;

use super::EvalError;
use super::ast::Comparison;
use super::budget::Budget;
use super::evaluate::type_name;
use super::number::Num;

pub fn compare(comparison: Comparison, a: &Value, b: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    let ordered = |budget: &mut Budget, wanted: fn(Ordering) -> bool| Ok(wanted(order(a, b, budget)?));
    match comparison {
        Comparison::Equal => equal(a, b, budget),
        Comparison::NotEqual => Ok(!equal(a, b, budget)?),
        Comparison::Less => ordered(budget, Ordering::is_lt),
        Comparison::LessOrEqual => ordered(budget, Ordering::is_le),
        Comparison::Greater => ordered(budget, Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(budget, Ordering::is_ge),
        Comparison::In => contains(b, a, budget),
        Comparison::NotIn => Ok(!contains(b, a, budget)?),
        Comparison::Is => same(a, b, budget),
        Comparison::IsNot => Ok(!same(a, b, budget)?),
    }
}

pub fn equal(a: &Value, b: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    budget.step(1)?;
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b) {
                if !equal(a, b, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(a), Value::Object(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, a) in a {
                match b.get(key) {
                    Some(b) if equal(a, b, budget)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        _ => match (Num::of(a), Num::of(b)) {
            (Some(a), Some(b)) => a.order(b) == Some(Ordering::Equal),
            _ => false,
        },
    })
}

/// `is`: the same type and equal, so that `1 is True` does not hold.
fn same(a: &Value, b: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    Ok(type_name(a) == type_name(b) && equal(a, b, budget)?)
}

pub fn order(a: &Value, b: &Value, budget: &mut Budget) -> Result<Ordering, EvalError> {
    budget.step(1)?;
    if let (Value::String(a), Value::String(b)) = (a, b) {
        return Ok(a.cmp(b));
    }
    if let (Value::Array(a), Value::Array(b)) = (a, b) {
        for (a, b) in a.iter().zip(b) {
            if !equal(a, b, budget)? {
                return order(a, b, budget);
            }
        }
        return Ok(a.len().cmp(&b.len()));
    }
    let numbers = Num::of(a).zip(Num::of(b));
    numbers
        .and_then(|(a, b)| a.order(b))
        .ok_or_else(|| EvalError::value(format!("{} and {} have no order", type_name(a), type_name(b))))
}

pub fn contains(container: &Value, item: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    match (container, item) {
        (Value::String(text), Value::String(part)) => {
            budget.step(text.len() as u64 / 64)?;
            Ok(text.contains(part.as_str()))
        }
        (Value::Array(items), _) => {
            for candidate in items {
                if equal(candidate, item, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Object(map), Value::String(key)) => Ok(map.contains_key(key)),
        (Value::Object(map), Value::Number(_) | Value::Bool(_)) => Ok(map.contains_key(&item.to_string())),
        (Value::Object(_), _) => Ok(false),
        (Value::String(_), _) => Err(EvalError::value(format!("a string cannot contain {}", type_name(item)))),
        _ => {
            Err(EvalError::value(format!("{} contains nothing; `in` needs a list, an object or a string", type_name(container))))
        }
    }
}
