//! A stage's rendered config, read field by field under any of a field's spellings.
//!
//! Must not know what a field means.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Context;
use crate::language::duration::{self, Unit};
use crate::language::scope::Scope;
use crate::language::template;
use crate::model::{ErrorKind, StageError, StageId};

/// The fields not yet taken.
#[derive(Debug, Default)]
pub(super) struct Fields {
    map: Map<String, Value>,
    /// Where they stand, when that is inside a field of the config.
    within: Option<String>,
}

/// A CONFIGURATION error.
pub(super) fn wrong(message: impl Into<String>) -> StageError {
    StageError::new(ErrorKind::Configuration, message)
}

/// Renders one config value; an error says which field it came from.
pub(super) fn render(name: &str, value: &Value, scope: &dyn Scope) -> Result<Value, StageError> {
    template::render(value, scope).map_err(|error| in_field(name, error.into()))
}

/// The error with the field it came from in front of its message.
pub(super) fn in_field(name: &str, mut error: StageError) -> StageError {
    error.message = format!("in `{name}`: {}", error.message);
    error
}

/// The raw config value under the first spelling that is present and not null.
pub(super) fn raw<'a>(config: &'a Value, names: &[&str]) -> Option<&'a Value> {
    asked_for(names);
    names.iter().filter_map(|name| config.get(name)).find(|value| !value.is_null())
}

/// The stages that a list in the config names, or the one stage; names are never templates.
pub(super) fn stage_ids(config: &Value, names: &[&str]) -> Vec<StageId> {
    raw(config, names).map(listed_ids).unwrap_or_default()
}

/// The stages that a list names. An id written as a number is one, too.
pub(super) fn listed_ids(list: &Value) -> Vec<StageId> {
    let id =
        |value: &Value| matches!(value, Value::String(_) | Value::Number(_)).then(|| StageId::new(&template::to_text(value)));
    match list {
        Value::Array(ids) => ids.iter().filter_map(id).collect(),
        single => id(single).into_iter().collect(),
    }
}

/// Tells the test of the component table which keys an operator reads.
#[cfg(test)]
fn asked_for(names: &[&str]) {
    super::tests::asked_for(names);
}

#[cfg(not(test))]
fn asked_for(_: &[&str]) {}

impl Fields {
    /// Renders every field except those that the operator reads as they are written.
    pub(super) fn render(context: &Context) -> Result<Self, StageError> {
        let Some(config) = context.stage.config.as_object() else { return Ok(Self::default()) };
        let is_deferred = |name: &String| context.stage.component.is_deferred(name);
        let rendered = if config.keys().any(is_deferred) {
            let rest = config.iter().filter(|(name, _)| !is_deferred(name)).map(|(name, value)| (name.clone(), value.clone()));
            template::render(&Value::Object(rest.collect()), context.scope)
        } else {
            template::render(&context.stage.config, context.scope)
        };
        match rendered.map_err(Into::<StageError>::into)? {
            Value::Object(fields) => Ok(fields.into()),
            _ => Ok(Self::default()),
        }
    }

    /// The fields of a value inside the config, rendered; `place` is where that is, for errors.
    ///
    /// # Errors
    /// A value that is no object, or has a field that is none of `known`: a typing error must not pass for a default.
    pub(super) fn within(place: &str, value: Value, known: &[&str]) -> Result<Self, StageError> {
        let Value::Object(map) = value else { return Err(mismatch(&[place], "an object", &value)) };
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(stranger) => Err(wrong(format!("`{place}` has no `{stranger}`; it has {}", known.join(", ")))),
            None => Ok(Self { map, within: Some(place.to_owned()) }),
        }
    }

    #[cfg(test)]
    pub(super) fn from_value(value: Value) -> Self {
        match value {
            Value::Object(map) => map.into(),
            _ => Self::default(),
        }
    }

    fn mismatch(&self, names: &[&str], wanted: &str, found: &Value) -> StageError {
        self.placed(mismatch(names, wanted, found))
    }

    fn asked_for(&self, names: &[&str]) {
        if self.within.is_none() {
            asked_for(names);
        }
    }

    /// The error says where the fields stand.
    fn placed(&self, error: StageError) -> StageError {
        match &self.within {
            Some(place) => in_field(place, error),
            None => error,
        }
    }

    /// All fields, for showing.
    pub(super) fn as_map(&self) -> &Map<String, Value> {
        &self.map
    }

    /// Takes the value under the first spelling that is present, even when it is null.
    pub(super) fn take_nullable(&mut self, names: &[&str]) -> Option<Value> {
        self.asked_for(names);
        let name = names.iter().find(|name| self.map.contains_key(**name))?;
        self.map.get_mut(*name).map(Value::take)
    }

    /// Takes the value under the first spelling that is present; null counts as absent.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Value> {
        self.asked_for(names);
        let present = |name: &&&str| self.map.get(**name).is_some_and(|value| !value.is_null());
        let name = names.iter().find(present)?;
        self.map.get_mut(*name).map(Value::take)
    }

    /// A text; numbers and booleans count as the text they are written as.
    pub(super) fn text(&mut self, names: &[&str]) -> Result<Option<String>, StageError> {
        match self.take(names) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(template::to_text(&value))),
            Some(other) => Err(self.mismatch(names, "a text", &other)),
        }
    }

    /// A truth value; the words `true` and `false` count too.
    pub(super) fn flag(&mut self, names: &[&str], default: bool) -> Result<bool, StageError> {
        Ok(self.chosen(names)?.unwrap_or(default))
    }

    /// The same where leaving it out means something of its own.
    pub(super) fn chosen(&mut self, names: &[&str]) -> Result<Option<bool>, StageError> {
        match self.take(names) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(self.mismatch(names, "true or false", &other)),
        }
    }

    /// A whole number that is not negative; digits in a text count too.
    pub(super) fn count(&mut self, names: &[&str]) -> Result<Option<u64>, StageError> {
        let Some(value) = self.take(names) else { return Ok(None) };
        let number = match &value {
            Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.mismatch(names, "a whole number", &value))
    }

    /// A duration: a text with units, or a number of `unit`s.
    pub(super) fn duration(&mut self, names: &[&str], unit: Unit) -> Result<Option<Duration>, StageError> {
        let Some(value) = self.take(names) else { return Ok(None) };
        let found = duration::of(&value, unit);
        found.map(Some).ok_or_else(|| {
            self.placed(wrong(format!("`{}` must be a duration such as 30 or \"30s\"", names.first().unwrap_or(&""))))
        })
    }

    /// How long one attempt may take: `timeout` in `unit`s, or `timeout_ms`.
    pub(super) fn timeout(&mut self, unit: Unit) -> Result<Option<Duration>, StageError> {
        let given = match self.duration(&["timeout"], unit)? {
            None => self.duration(&["timeout_ms"], Unit::Milliseconds)?,
            given => given,
        };
        if given == Some(Duration::ZERO) { Err(self.placed(wrong("`timeout` must be more than zero"))) } else { Ok(given) }
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn names(&mut self, names: &[&str]) -> Result<Vec<String>, StageError> {
        match self.take(names) {
            None => Ok(Vec::new()),
            Some(Value::String(name)) => Ok(vec![name]),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => Ok(list.into_iter().filter_map(into_text).collect()),
            Some(other) => Err(self.mismatch(names, "a list of names", &other)),
        }
    }

    /// An object.
    pub(super) fn object(&mut self, names: &[&str]) -> Result<Option<Map<String, Value>>, StageError> {
        match self.take(names) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(self.mismatch(names, "an object", &other)),
        }
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(fields: Map<String, Value>) -> Self {
        Self { map: fields, within: None }
    }
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn whole(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..9e15).contains(&number);
    fits.then(|| format!("{number:.0}").parse().ok()).flatten()
}

/// The error for a field of the wrong kind. It names the kind found, not the value, which may be a secret.
pub(super) fn mismatch(names: &[&str], wanted: &str, found: &Value) -> StageError {
    let name = names.first().copied().unwrap_or_default();
    wrong(format!("`{name}` must be {wanted}, not {}", kind(found)))
}

/// What people call a value of this kind.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Duration, Fields, Unit};

    #[test]
    fn the_first_spelling_present_is_read() {
        let mut fields = Fields::from_value(json!({"query_params": {"a": 1}, "method": null}));
        assert!(fields.object(&["params", "query_params"]).unwrap().is_some());
        assert_eq!(fields.text(&["method"]).unwrap(), None);
    }

    #[test]
    fn durations_come_in_numbers_and_in_words() {
        let read = |value| Fields::from_value(json!({"timeout": value})).duration(&["timeout"], Unit::Seconds);
        assert_eq!(read(json!(1.5)).unwrap(), Some(Duration::from_millis(1500)));
        assert_eq!(read(json!("1m30s")).unwrap(), Some(Duration::from_secs(90)));
        assert_eq!(read(json!("soon")).unwrap_err().message, "`timeout` must be a duration such as 30 or \"30s\"");
    }

    #[test]
    fn a_timeout_goes_before_one_in_milliseconds_and_is_never_nothing() {
        let read = |config| Fields::from_value(config).timeout(Unit::Seconds);
        assert_eq!(read(json!({"timeout": 2, "timeout_ms": 5})).unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(read(json!({"timeout_ms": 5})).unwrap(), Some(Duration::from_millis(5)));
        assert_eq!(read(json!({})).unwrap(), None);
        assert!(read(json!({"timeout": 0})).unwrap_err().message.contains("more than zero"));
    }

    #[test]
    fn a_wrong_kind_is_named_without_the_value() {
        let error = Fields::from_value(json!({"url": {"token": "hunter2"}})).text(&["url"]).unwrap_err();
        assert_eq!(error.message, "`url` must be a text, not an object");
    }

    #[test]
    fn whole_numbers_may_be_written_as_text_or_with_a_point() {
        let mut fields = Fields::from_value(json!({"a": "12", "b": 3.0, "c": 3.5}));
        assert_eq!(fields.count(&["a"]).unwrap(), Some(12));
        assert_eq!(fields.count(&["b"]).unwrap(), Some(3));
        assert!(fields.count(&["c"]).is_err());
    }
}
