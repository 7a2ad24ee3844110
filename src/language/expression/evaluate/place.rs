//! Names, stages, fields, indices: reading along a path without copying what is only passed through.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Evaluator, Val};
use crate::language::expression::ast::{Arguments, Expr, Step, View};
use crate::language::expression::{EvalError, EvalErrorKind, methods};
use crate::language::scope::StageView;
use crate::language::suggest::did_you_mean;

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

/// What a bare name means when nothing bound has the name.
pub const ROOTS: &[&str] = &["input", "upstream", "stages", "env", "secrets", "context", "variables"];

impl<'a> Evaluator<'a, '_> {
    pub(super) fn postfix(&mut self, base: &'a Expr, steps: &'a [Step]) -> Result<Val<'a>, EvalError> {
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
        if view == View::Whole
            && let Some(whole) = self.scope.whole_stage(id)
        {
            return Ok(Place::Value(Cow::Borrowed(whole)));
        }
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
