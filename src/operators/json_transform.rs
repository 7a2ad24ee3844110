//! `json-transform`: one JSON value into another.
//!
//! A `template` renders a tree with `data` bound and the output is that tree. Otherwise an expression, a mapping or
//! flattening gives `{result, fields_mapped, fields_missing}`.

mod flatten;
mod mapping;
mod query;
mod text;

use serde_json::{Map, Value, json};

use super::fields::{self, Fields, wrong};
use super::locals::Locals;
use super::path::Path;
use super::{Context, Done, Prepared};
use crate::model::{ErrorKind, StageError};

const TEMPLATE: &[&str] = &["template"];
const MAPPING: &[&str] = &["mapping", "mappings", "field_mapping"];

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let data = fields.take(&["data", "input"]).unwrap_or(Value::Null);
    let template = fields::raw(&context.stage.config, TEMPLATE);
    // A text cannot be mapped or queried, so a JSON text is read unless the author says otherwise.
    let data = match fields.chosen(&["parse_json_strings"])? {
        Some(true) => text::parse_deep(data),
        None if template.is_none() => text::parse_top(data),
        _ => data,
    };
    let bound = [("data", &data)];
    let scope = Locals { inner: context.scope, names: &bound, fields: None };
    if let Some(template) = template {
        return Ok(Done::with_output(fields::render("template", template, &scope)?).into());
    }
    let mapping = fields::raw(&context.stage.config, MAPPING);
    let transform = Transform::read(&mut fields)?;
    let secret = transform.expression.as_deref().is_some_and(|expression| context.secrets.contains_secret(expression));
    // What the query language says about a mistake quotes parts of it, and a part of a secret cannot be hidden.
    let result = transform.apply(&data, mapping, &scope).map_err(|error| if secret { error.without_cause() } else { error })?;
    let output = json!({"result": result.value, "fields_mapped": result.mapped, "fields_missing": result.missing});
    Ok(Done::with_output(output).into())
}

struct Transform {
    expression: Option<String>,
    defaults: Map<String, Value>,
    exclude: Vec<String>,
    /// The separator, when the result is to be flattened.
    flatten: Option<String>,
}

/// A transformed value, how many fields were found, and the names of those that were not.
struct Mapped {
    value: Value,
    mapped: usize,
    missing: Vec<String>,
}

impl Transform {
    fn read(fields: &mut Fields) -> Result<Self, StageError> {
        let separator = fields.text(&["flatten_separator", "flatten_delimiter", "separator"])?.unwrap_or_else(|| ".".to_owned());
        Ok(Self {
            expression: fields.text(&["jmespath_expression", "expression", "jmespath"])?,
            defaults: fields.object(&["defaults"])?.unwrap_or_default(),
            exclude: fields.names(&["exclude_fields", "exclude"])?,
            flatten: fields.flag(&["flatten"], false)?.then_some(separator),
        })
    }

    fn apply(self, data: &Value, mapping: Option<&Value>, scope: &Locals) -> Result<Mapped, StageError> {
        let queried = self.expression.as_deref().map(|expression| query::search(expression, data)).transpose()?;
        let source = queried.as_ref().unwrap_or(data);
        let mut result = match mapping {
            Some(mapping) => mapping::apply(mapping, source, scope)?,
            None => Mapped { value: source.clone(), mapped: source.as_object().map_or(0, Map::len), missing: Vec::new() },
        };
        if !self.defaults.is_empty() && result.value.is_null() {
            result.value = Value::Object(Map::new());
        }
        if let Value::Object(map) = &mut result.value {
            fill(map, self.defaults);
        }
        for name in &self.exclude {
            let path = Path::parse(name).ok_or_else(|| wrong(format!("`exclude_fields`: `{name}` is not a path")))?;
            path.remove(&mut result.value);
        }
        if let Some(separator) = &self.flatten {
            result.value = flatten::flatten(result.value, separator);
        }
        Ok(result)
    }
}

/// Puts a default where nothing, or null, is.
fn fill(map: &mut Map<String, Value>, defaults: Map<String, Value>) {
    for (name, default) in defaults {
        let place = map.entry(name).or_insert(Value::Null);
        if place.is_null() {
            *place = default;
        }
    }
}

/// A TRANSFORMATION error.
fn failed(message: impl Into<String>) -> StageError {
    StageError::new(ErrorKind::Transformation, message)
}

#[cfg(test)]
mod tests;
