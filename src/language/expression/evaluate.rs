//! A tree and a scope to a value. What is only read is borrowed, so one field of a large output costs one field.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::ast::{Arguments, Comparison, Comprehension, Expr, Operator, Piece, Shape, Step, View};
use super::functions::{self, Given};
use super::number::{Num, calculate};
use super::{EvalError, EvalErrorKind, compare, methods, truthy};
use crate::language::limits::{BYTES, STEPS, VALUE_DEPTH, deeper_than};
use crate::language::scope::{Scope, StageView};
use crate::language::suggest::did_you_mean;
use crate::language::template;

/// What an evaluation may still spend, and the number of `uuid()` calls so far.
#[derive(Debug)]
pub struct Budget {
    steps: u64,
    bytes: u64,
    pub uuids: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: STEPS, bytes: BYTES, uuids: 0 }
    }
}

impl Budget {
    pub fn step(&mut self, count: u64) -> Result<(), EvalError> {
        self.steps = self.steps.checked_sub(count).ok_or_else(|| EvalError::limit("the expression takes too many steps"))?;
        Ok(())
    }

    /// Accounts for `count` bytes before they are made.
    pub fn grow(&mut self, count: usize) -> Result<(), EvalError> {
        let left = self.bytes.checked_sub(count as u64);
        self.bytes = left.ok_or_else(|| EvalError::limit("the expression makes too much data"))?;
        Ok(())
    }

    /// Accounts for a copy of `value`.
    pub fn copy(&mut self, value: &Value) -> Result<(), EvalError> {
        self.step(1)?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.grow(8),
            Value::String(text) => self.grow(24 + text.len()),
            Value::Array(items) => {
                self.grow(24 + 32 * items.len())?;
                items.iter().try_for_each(|item| self.copy(item))
            }
            Value::Object(map) => {
                self.grow(48 + 96 * map.len())?;
                map.iter().try_for_each(|(key, item)| self.grow(key.len()).and_then(|()| self.copy(item)))
            }
        }
    }
}

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

/// Something that fields can be read of; not every one is a value by itself.
enum Place<'a> {
    Value(Val<'a>),
    Map(&'a Map<String, Value>),
    Stage(StageView<'a>, View),
    Stages(View),
    Context,
    Env,
    Secrets,
}

pub struct Evaluator<'a, 'b> {
    scope: &'a dyn Scope,
    pub budget: &'b mut Budget,
    bound: Vec<(&'a str, Val<'a>)>,
}

const ROOTS: &[&str] = &["input", "upstream", "stages", "env", "secrets", "context", "variables"];

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

    fn postfix(&mut self, base: &'a Expr, steps: &'a [Step]) -> Result<Val<'a>, EvalError> {
        let (mut place, mut done) = (self.shared_item(base, steps)?, 0);
        if let Some((_, taken)) = &place {
            done = *taken;
        }
        let mut place = match place.take() {
            Some((value, _)) => Place::Value(Cow::Owned(value)),
            None => self.place(base)?,
        };
        for step in &steps[done..] {
            self.budget.step(1)?;
            place = self.step(place, step)?;
        }
        self.value(place)
    }

    /// Reading fields of a bound value that a comprehension owns: only the field is copied.
    fn shared_item(&mut self, base: &Expr, steps: &[Step]) -> Result<Option<(Value, usize)>, EvalError> {
        let Expr::Name { name, .. } = base else { return Ok(None) };
        let Some((_, Cow::Owned(value))) = self.bound.iter().rev().find(|(known, _)| known == name) else { return Ok(None) };
        let (mut value, mut taken) = (value, 0);
        while let (Some(Step::Field { name, .. }), Value::Object(map)) = (steps.get(taken), value)
            && let Some(inner) = map.get(name)
        {
            (value, taken) = (inner, taken + 1);
        }
        self.budget.copy(value)?;
        Ok(Some((value.clone(), taken)))
    }

    fn place(&mut self, base: &'a Expr) -> Result<Place<'a>, EvalError> {
        match base {
            Expr::Name { name, offset } => self.name(name).map_err(|error| error.at(*offset)),
            Expr::Stage { id, view, offset } => self.stage(id, *view).map_err(|error| error.at(*offset)),
            other => self.eval(other).map(Place::Value),
        }
    }

    fn name(&self, name: &str) -> Result<Place<'a>, EvalError> {
        if let Some((_, Cow::Borrowed(value))) = self.bound.iter().rev().find(|(known, _)| *known == name) {
            return Ok(Place::Value(Cow::Borrowed(value)));
        }
        if let Some(value) = self.scope.local(name) {
            return Ok(Place::Value(Cow::Borrowed(value)));
        }
        match name {
            "input" => Ok(Place::Value(Cow::Borrowed(self.scope.input()))),
            "upstream" => Ok(Place::Stages(View::Upstream)),
            "stages" => Ok(Place::Stages(View::Whole)),
            "env" => Ok(Place::Env),
            "secrets" => Ok(Place::Secrets),
            "context" => Ok(Place::Context),
            "variables" => Ok(Place::Map(self.scope.variables())),
            _ => match self.scope.stage(name) {
                Some(stage) => Ok(Place::Stage(stage, View::Whole)),
                None => {
                    let known = ROOTS.iter().copied().chain(self.bound.iter().map(|(known, _)| *known));
                    let hint = did_you_mean(name, known).map_or(String::new(), |hint| format!("; {hint}"));
                    Err(EvalError::new(EvalErrorKind::UnknownName, format!("`{name}` is not known here{hint}")))
                }
            },
        }
    }

    fn stage(&self, id: &str, view: View) -> Result<Place<'a>, EvalError> {
        match self.scope.stage(id) {
            Some(stage) => Ok(Place::Stage(stage, view)),
            None => Err(EvalError::new(EvalErrorKind::MissingStage, format!("the pipeline has no stage `{id}`"))),
        }
    }

    fn step(&mut self, place: Place<'a>, step: &'a Step) -> Result<Place<'a>, EvalError> {
        match step {
            Step::Field { name, offset } => self.field(place, name).map_err(|error| error.at(*offset)),
            Step::Index { index, offset } => self.index(place, index).map_err(|error| error.at(*offset)),
            Step::Slice { start, end, step, offset } => {
                let bounds = [self.bound_of(start.as_ref())?, self.bound_of(end.as_ref())?, self.bound_of(step.as_ref())?];
                let value = self.value(place)?;
                methods::slice(&value, bounds, self.budget)
                    .map(|value| Place::Value(Cow::Owned(value)))
                    .map_err(|error| error.at(*offset))
            }
            Step::Method { name, arguments, offset } => self.method(place, name, arguments).map_err(|error| error.at(*offset)),
        }
    }

    fn method(&mut self, place: Place<'a>, name: &str, arguments: &'a Arguments) -> Result<Place<'a>, EvalError> {
        let given = self.given(arguments)?;
        if let (Place::Env | Place::Secrets, "get", Some(Value::String(wanted))) =
            (&place, name, given.positional.first().map(|v| &**v))
        {
            let found = if matches!(place, Place::Env) { self.scope.env(wanted) } else { self.scope.secret(wanted) };
            let value = match found {
                Some(text) => Cow::Owned(Value::String(text.into_owned())),
                None => given.positional.get(1).cloned().unwrap_or(Cow::Owned(Value::Null)),
            };
            return Ok(Place::Value(value));
        }
        let value = self.value(place)?;
        methods::call(value, name, given, self.budget).map(Place::Value)
    }

    fn bound_of(&mut self, expr: Option<&'a Expr>) -> Result<Option<i64>, EvalError> {
        let Some(expr) = expr else { return Ok(None) };
        match &*self.eval(expr)? {
            Value::Null => Ok(None),
            value => value.as_i64().map(Some).ok_or_else(|| EvalError::value("a slice is bounded by integers")),
        }
    }

    fn index(&mut self, place: Place<'a>, index: &'a Expr) -> Result<Place<'a>, EvalError> {
        let index = self.eval(index)?;
        if let Value::String(name) = &*index {
            let text = matches!(&place, Place::Value(value) if matches!(**value, Value::Array(_) | Value::String(_)));
            if !text {
                return self.field(place, name);
            }
        }
        let value = self.value(place)?;
        match methods::at(value, &index)? {
            Some(value) => Ok(Place::Value(value)),
            None => self.missing("this index"),
        }
    }

    fn field(&mut self, place: Place<'a>, name: &str) -> Result<Place<'a>, EvalError> {
        let found = match place {
            Place::Value(Cow::Borrowed(Value::Object(map))) | Place::Map(map) => map.get(name).map(Cow::Borrowed),
            Place::Value(Cow::Owned(Value::Object(mut map))) => map.swap_remove(name).map(Cow::Owned),
            Place::Value(_) => None,
            Place::Stage(stage, view) => stage_field(&stage, view, name),
            Place::Stages(view) => return self.stage(name, view),
            Place::Context => self
                .scope
                .context()
                .get(name)
                .or_else(|| self.scope.local(name))
                .or_else(|| self.scope.variables().get(name))
                .map(Cow::Borrowed),
            Place::Env => Some(external(self.scope.env(name), "environment value", name)?),
            Place::Secrets => Some(external(self.scope.secret(name), "secret", name)?),
        };
        match found {
            Some(value) => Ok(Place::Value(value)),
            None => self.missing(&format!("the field `{name}`")),
        }
    }

    fn missing(&self, what: &str) -> Result<Place<'a>, EvalError> {
        if self.scope.strict() {
            return Err(EvalError::new(EvalErrorKind::MissingField, format!("{what} is not there (strict_templates)")));
        }
        Ok(Place::Value(Cow::Owned(Value::Null)))
    }

    fn value(&mut self, place: Place<'a>) -> Result<Val<'a>, EvalError> {
        let by_name = |root: &str, example: &str| EvalError::value(format!("`{root}` is read by name: `{root}.{example}`"));
        match place {
            Place::Value(value) => Ok(value),
            Place::Stage(stage, View::Upstream) => Ok(Cow::Borrowed(stage.output)),
            Place::Stage(stage, View::Whole) => {
                self.budget.copy(stage.output)?;
                let names = ["output", "status", "error", "error_type"];
                let fields =
                    names.map(|name| (name.to_owned(), stage_field(&stage, View::Whole, name).unwrap_or_default().into_owned()));
                Ok(Cow::Owned(Value::Object(fields.into_iter().collect())))
            }
            Place::Map(map) => self.whole_map(map),
            Place::Context => self.whole_map(self.scope.context()),
            Place::Stages(View::Upstream) => Err(by_name("upstream", "<stage>")),
            Place::Stages(View::Whole) => Err(by_name("stages", "<stage>")),
            Place::Env => Err(by_name("env", "NAME")),
            Place::Secrets => Err(by_name("secrets", "NAME")),
        }
    }

    fn whole_map(&mut self, map: &Map<String, Value>) -> Result<Val<'a>, EvalError> {
        map.values().try_for_each(|value| self.budget.copy(value))?;
        Ok(Cow::Owned(Value::Object(map.clone())))
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

fn external<'a>(found: Option<Cow<'_, str>>, what: &str, name: &str) -> Result<Val<'a>, EvalError> {
    match found {
        Some(text) => Ok(Cow::Owned(Value::String(text.into_owned()))),
        None => {
            let error = EvalError::new(EvalErrorKind::MissingEnvironment, format!("the {what} `{name}` is missing"));
            Err(EvalError { missing: Some(name.to_owned()), ..error })
        }
    }
}

fn stage_field<'a>(stage: &StageView<'a>, view: View, name: &str) -> Option<Val<'a>> {
    let own = || match name {
        "output" => Some(Cow::Borrowed(stage.output)),
        "status" => Some(Cow::Owned(Value::String(stage.status.name().to_owned()))),
        "error" => Some(Cow::Owned(stage.error.map_or(Value::Null, |error| serde_json::to_value(error).unwrap_or_default()))),
        "error_type" => Some(Cow::Owned(stage.error.map_or(Value::Null, |error| error.kind.name().into()))),
        _ => None,
    };
    let output = || stage.output.get(name).map(Cow::Borrowed);
    match view {
        View::Upstream => output().or_else(own),
        View::Whole => own().or_else(output),
    }
}
