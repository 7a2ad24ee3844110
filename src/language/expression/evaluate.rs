//! A tree and a scope to a value. What is only read is borrowed, so one field of a large output costs one field.

mod place;

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::ast::{Arguments, Comparison, Comprehension, Expr, Operator, Piece, Shape};
use super::budget::Budget;
use super::functions::{self, Given};
use super::number::{Num, calculate};
use super::{EvalError, compare, truthy};
use crate::language::limits::{VALUE_DEPTH, deeper_than};
use crate::language::scope::Scope;
use crate::language::template;
pub use place::ROOTS;

pub type Val<'a> = Cow<'a, Value>;

/// A type with its article, for messages.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

pub struct Evaluator<'a, 'b> {
    scope: &'a dyn Scope,
    pub budget: &'b mut Budget,
    bound: Vec<(&'a str, Val<'a>)>,
}

impl<'a, 'b> Evaluator<'a, 'b> {
    pub fn new(scope: &'a dyn Scope, budget: &'b mut Budget) -> Self {
        Self { scope, budget, bound: Vec::new() }
    }

    pub fn run<'e: 'a>(&mut self, expr: &'e Expr) -> Result<Val<'a>, EvalError> {
        let value = self.eval(expr)?;
        if let Cow::Owned(made) = &value
            && deeper_than(made, VALUE_DEPTH)
        {
            return Err(EvalError::limit(format!("a value nested deeper than {VALUE_DEPTH} levels")));
        }
        if matches!(value, Cow::Borrowed(_)) {
            self.budget.copy(&value)?;
        }
        Ok(value)
    }

    pub fn scope(&self) -> &'a dyn Scope {
        self.scope
    }

    fn eval(&mut self, expr: &'a Expr) -> Result<Val<'a>, EvalError> {
        self.budget.step(1)?;
        match expr {
            Expr::Literal(value) => Ok(Cow::Borrowed(value)),
            Expr::Spliced(pieces) => self.spliced(pieces),
            Expr::Name { .. } | Expr::Stage { .. } => self.postfix(expr, &[]),
            Expr::Postfix(base, steps) => self.postfix(base, steps),
            Expr::List(items) => self.list(items),
            Expr::Set(items) => self.set(items),
            Expr::Dict(entries) => self.dict(entries),
            Expr::Not(operand) => self.not(operand),
            Expr::Sign { negative, operand, offset } => self.sign(*negative, operand, *offset),
            Expr::And(operands) => self.shortcut(operands, false),
            Expr::Or(operands) => self.shortcut(operands, true),
            Expr::Compare(first, rest) => self.compare(first, rest),
            Expr::Arithmetic(first, rest) => self.arithmetic(first, rest),
            Expr::Choice { test, yes, no } => self.choice(test, yes, no),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Call { function, arguments, offset } => self.call(function, arguments, *offset),
        }
    }

    fn spliced(&mut self, pieces: &'a [Piece]) -> Result<Val<'a>, EvalError> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(expr) => {
                    let value = self.eval(expr)?;
                    self.budget.copy(&value)?;
                    out.push_str(&template::to_text(&value));
                }
            }
        }
        Ok(Cow::Owned(Value::String(out)))
    }

    fn owned(&mut self, value: Val<'a>) -> Result<Value, EvalError> {
        if let Cow::Borrowed(value) = value {
            self.budget.copy(value)?;
        }
        Ok(value.into_owned())
    }

    fn list(&mut self, items: &'a [Expr]) -> Result<Val<'a>, EvalError> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            let value = self.eval(item)?;
            list.push(self.owned(value)?);
        }
        self.budget.grow(32 * list.len())?;
        Ok(Cow::Owned(Value::Array(list)))
    }

    fn set(&mut self, items: &'a [Expr]) -> Result<Val<'a>, EvalError> {
        let list = self.list(items)?.into_owned();
        functions::distinct(list, self.budget).map(Cow::Owned)
    }

    fn dict(&mut self, entries: &'a [(Expr, Expr)]) -> Result<Val<'a>, EvalError> {
        let mut map = Map::with_capacity(entries.len());
        for (key, value) in entries {
            let key = key_text(&*self.eval(key)?)?;
            let value = self.eval(value)?;
            map.insert(key, self.owned(value)?);
        }
        self.budget.grow(96 * map.len())?;
        Ok(Cow::Owned(Value::Object(map)))
    }

    fn not(&mut self, operand: &'a Expr) -> Result<Val<'a>, EvalError> {
        let value = self.eval(operand)?;
        Ok(Cow::Owned(Value::Bool(!truthy(&value))))
    }

    fn sign(&mut self, negative: bool, operand: &'a Expr, offset: usize) -> Result<Val<'a>, EvalError> {
        let value = self.eval(operand)?;
        let number = Num::of(&value)
            .ok_or_else(|| EvalError::value(format!("{} has no sign; a number is needed", type_name(&value))).at(offset))?;
        let number = match number {
            Num::Int(int) => Num::Int(if negative { -int } else { int }),
            Num::Float(float) => Num::Float(if negative { -float } else { float }),
        };
        number.value().map(Cow::Owned).map_err(|error| error.at(offset))
    }

    /// `and` and `or` return the operand that decided.
    fn shortcut(&mut self, operands: &'a [Expr], stop_at: bool) -> Result<Val<'a>, EvalError> {
        let mut last = Cow::Owned(Value::Null);
        for operand in operands {
            last = self.eval(operand)?;
            if truthy(&last) == stop_at {
                break;
            }
        }
        Ok(last)
    }

    fn compare(&mut self, first: &'a Expr, rest: &'a [(Comparison, usize, Expr)]) -> Result<Val<'a>, EvalError> {
        let mut left = self.eval(first)?;
        for (comparison, offset, right) in rest {
            let right = self.eval(right)?;
            if !compare::compare(*comparison, &left, &right, self.budget).map_err(|error| error.at(*offset))? {
                return Ok(Cow::Owned(Value::Bool(false)));
            }
            left = right;
        }
        Ok(Cow::Owned(Value::Bool(true)))
    }

    fn arithmetic(&mut self, first: &'a Expr, rest: &'a [(Operator, usize, Expr)]) -> Result<Val<'a>, EvalError> {
        let mut left = self.eval(first)?;
        for (operator, offset, right) in rest {
            let right = self.eval(right)?;
            left = self.operate(*operator, left, &right).map_err(|error| error.at(*offset))?;
        }
        Ok(left)
    }

    fn operate(&mut self, operator: Operator, left: Val<'a>, right: &Value) -> Result<Val<'a>, EvalError> {
        if let Some((a, b)) = Num::of(&left).zip(Num::of(right)) {
            return calculate(operator, a, b)?.value().map(Cow::Owned);
        }
        if operator == Operator::Add {
            return self.joined(left, right);
        }
        if operator == Operator::Multiply {
            let times = |value: &Value| value.as_i64().map(|times| usize::try_from(times).unwrap_or(0));
            if let Some(times) = times(right) {
                return self.repeated(&left, times);
            }
            if let Some(times) = times(&left) {
                return self.repeated(right, times);
            }
        }
        Err(mismatch(operator, &left, right))
    }

    fn joined(&mut self, left: Val<'a>, right: &Value) -> Result<Val<'a>, EvalError> {
        match (&*left, right) {
            (Value::String(_), Value::String(tail)) => {
                // The left side is often the text built so far: it is extended in place.
                self.budget.grow(tail.len())?;
                let Value::String(mut text) = self.owned(left)? else { return Ok(Cow::Owned(Value::Null)) };
                text.push_str(tail);
                Ok(Cow::Owned(Value::String(text)))
            }
            (Value::Array(_), Value::Array(tail)) => {
                self.budget.copy(right)?;
                let Value::Array(mut list) = self.owned(left)? else { return Ok(Cow::Owned(Value::Null)) };
                list.extend(tail.iter().cloned());
                Ok(Cow::Owned(Value::Array(list)))
            }
            _ => Err(mismatch(Operator::Add, &left, right)),
        }
    }

    fn repeated(&mut self, value: &Value, times: usize) -> Result<Val<'a>, EvalError> {
        let repeated = match value {
            Value::String(text) => {
                self.budget.grow(text.len().saturating_mul(times))?;
                Value::String(text.repeat(times))
            }
            Value::Array(items) => {
                self.budget.step(items.len().saturating_mul(times) as u64)?;
                let mut list = Vec::new();
                for _ in 0..if items.is_empty() { 0 } else { times } {
                    self.budget.copy(value)?;
                    list.extend(items.iter().cloned());
                }
                Value::Array(list)
            }
            _ => return Err(mismatch(Operator::Multiply, value, &Value::from(times as u64))),
        };
        Ok(Cow::Owned(repeated))
    }

    fn choice(&mut self, test: &'a Expr, yes: &'a Expr, no: &'a Expr) -> Result<Val<'a>, EvalError> {
        let holds = truthy(&*self.eval(test)?);
        self.eval(if holds { yes } else { no })
    }

    fn call(&mut self, function: &'a str, arguments: &'a Arguments, offset: usize) -> Result<Val<'a>, EvalError> {
        let given = self.given(arguments)?;
        functions::call(self, function, given).map_err(|error| error.at(offset))
    }

    fn given(&mut self, arguments: &'a Arguments) -> Result<Given<'a>, EvalError> {
        let positional = arguments.positional.iter().map(|argument| self.eval(argument)).collect::<Result<_, _>>()?;
        let named = arguments.named.iter().map(|(name, argument)| Ok((name.as_str(), self.eval(argument)?)));
        Ok(Given { positional, named: named.collect::<Result<_, EvalError>>()? })
    }

    fn comprehension(&mut self, comprehension: &'a Comprehension) -> Result<Val<'a>, EvalError> {
        let mut made = Made::default();
        let depth = self.bound.len();
        let result = self.clause(comprehension, 0, &mut made);
        self.bound.truncate(depth);
        result?;
        match comprehension.shape {
            Shape::List => Ok(Cow::Owned(Value::Array(made.list))),
            Shape::Dict => Ok(Cow::Owned(Value::Object(made.map))),
            Shape::Set => functions::distinct(Value::Array(made.list), self.budget).map(Cow::Owned),
        }
    }

    fn clause(&mut self, comprehension: &'a Comprehension, at: usize, made: &mut Made) -> Result<(), EvalError> {
        let Some(clause) = comprehension.clauses.get(at) else { return self.element(comprehension, made) };
        let items = self.eval(&clause.items)?;
        let depth = self.bound.len();
        for item in functions::items(items, self.budget).map_err(|error| error.at(clause.offset))? {
            self.budget.step(1)?;
            self.bind(&clause.targets, item).map_err(|error| error.at(clause.offset))?;
            let mut wanted = true;
            for condition in &clause.conditions {
                wanted = wanted && truthy(&*self.eval(condition)?);
            }
            if wanted {
                self.clause(comprehension, at + 1, made)?;
            }
            self.bound.truncate(depth);
        }
        Ok(())
    }

    fn bind(&mut self, targets: &'a [String], item: Val<'a>) -> Result<(), EvalError> {
        if let [target] = targets {
            self.bound.push((target, item));
            return Ok(());
        }
        let parts = functions::items(item, self.budget)?;
        if parts.len() != targets.len() {
            return Err(EvalError::value(format!("{} names for {} values", targets.len(), parts.len())));
        }
        self.bound.extend(targets.iter().map(String::as_str).zip(parts));
        Ok(())
    }

    fn element(&mut self, comprehension: &'a Comprehension, made: &mut Made) -> Result<(), EvalError> {
        let element = self.eval(&comprehension.element)?;
        match &comprehension.value {
            Some(value) => {
                let value = self.eval(value)?;
                self.budget.grow(96)?;
                made.map.insert(key_text(&element)?, self.owned(value)?);
            }
            None => {
                self.budget.grow(32)?;
                made.list.push(self.owned(element)?);
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Made {
    list: Vec<Value>,
    map: Map<String, Value>,
}

fn mismatch(operator: Operator, left: &Value, right: &Value) -> EvalError {
    let symbol = match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::FloorDivide => "//",
        Operator::Modulo => "%",
        Operator::Power => "**",
    };
    let mut message = format!("`{symbol}` does not work between {} and {}", type_name(left), type_name(right));
    if operator == Operator::Add && (left.is_string() || right.is_string()) {
        message.push_str("; str() makes text of a value");
    }
    EvalError::value(message)
}

/// A key as JSON has them: text.
pub fn key_text(key: &Value) -> Result<String, EvalError> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(key.to_string()),
        Value::Array(_) | Value::Object(_) => Err(EvalError::value(format!("{} cannot be a key", type_name(key)))),
    }
}
