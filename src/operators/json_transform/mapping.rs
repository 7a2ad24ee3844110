//! `mapping`: target field to where its value is.
//!
//! A text is a path, or a JMESPath expression when it is no path; a text with a template is that template's value; an
//! object maps further down; anything else is itself.

use serde_json::{Map, Value};

use super::{Mapped, failed, query};
use crate::language::template::has_template;
use crate::model::StageError;
use crate::operators::fields::{self, kind};
use crate::operators::locals::Locals;
use crate::operators::path::Path;

pub(super) fn apply(mapping: &Value, source: &Value, scope: &Locals) -> Result<Mapped, StageError> {
    let map = mapping.as_object().ok_or_else(|| failed(format!("`mapping` must be an object, not {}", kind(mapping))))?;
    let mut seen = Seen { source, scope, mapped: 0, missing: Vec::new() };
    let value = Value::Object(seen.object(map, "")?);
    Ok(Mapped { value, mapped: seen.mapped, missing: seen.missing })
}

struct Seen<'a> {
    source: &'a Value,
    scope: &'a Locals<'a>,
    mapped: usize,
    missing: Vec<String>,
}

impl Seen<'_> {
    fn object(&mut self, mapping: &Map<String, Value>, prefix: &str) -> Result<Map<String, Value>, StageError> {
        let mut result = Map::new();
        for (target, from) in mapping {
            let name = format!("{prefix}{target}");
            let found = match from {
                Value::Object(inner) => Some(Value::Object(self.object(inner, &format!("{name}."))?)),
                Value::String(text) => self.field(text, from, &name)?,
                literal => {
                    self.mapped += 1;
                    Some(literal.clone())
                }
            };
            if let Some(value) = found {
                result.insert(target.clone(), value);
            }
        }
        Ok(result)
    }

    fn field(&mut self, text: &str, from: &Value, name: &str) -> Result<Option<Value>, StageError> {
        let found = if has_template(text) {
            Some(fields::render(&format!("mapping.{name}"), from, self.scope)?)
        } else if let Some(path) = Path::parse(text) {
            path.find(self.source)
        } else {
            Some(query::search(text, self.source)?).filter(|value| !value.is_null())
        };
        match found {
            Some(_) => self.mapped += 1,
            None => self.missing.push(name.to_owned()),
        }
        Ok(found)
    }
}
