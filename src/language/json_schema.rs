//! JSON Schema checks: compiled once, never loading anything from files or the network.

use std::fmt;
use std::sync::Arc;

use boon::{Compiler, Draft, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use super::limits::{REFERRED_DEPTH, SCHEMA_DEPTH, VALUE_DEPTH, deeper_than};

/// One place where a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mismatch {
    /// A JSON pointer, empty for the value itself.
    pub path: String,
    pub message: String,
}

/// A compiled schema, Draft 4 to 2020-12; 2019-09 where the schema does not say.
#[derive(Clone)]
pub struct Compiled(Arc<Inner>);

struct Inner {
    schemas: Schemas,
    index: SchemaIndex,
    /// It holds references, so a value may lead deeper than the schema is.
    refers: bool,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

/// A reference outside the schema is refused instead of followed.
struct Refused;

impl UrlLoader for Refused {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err(format!("`{url}` lies outside the schema, and nothing is loaded from elsewhere").into())
    }
}

const LOCATION: &str = "schema:///pipeline";

impl Compiled {
    /// # Errors
    /// A lower-case sentence on why this is no schema.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let mut refers = false;
        if levels(schema, &mut refers) > SCHEMA_DEPTH {
            return Err(format!("schemas inside schemas, deeper than {SCHEMA_DEPTH} levels"));
        }
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2019_09);
        compiler.enable_format_assertions();
        compiler.use_loader(Box::new(Refused));
        compiler.add_resource(LOCATION, schema.clone()).map_err(|error| describe(&error))?;
        let index = compiler.compile(LOCATION, &mut schemas).map_err(|error| describe(&error))?;
        Ok(Self(Arc::new(Inner { schemas, index, refers })))
    }

    /// Every place where `value` does not fit; empty when it is valid.
    pub fn check(&self, value: &Value) -> Vec<Mismatch> {
        let limit = if self.0.refers { REFERRED_DEPTH } else { VALUE_DEPTH };
        if deeper_than(value, limit) {
            return vec![Mismatch {
                path: String::new(),
                message: format!("nested deeper than {limit} levels, too deep to be checked"),
            }];
        }
        let mut found = Vec::new();
        if let Err(error) = self.0.schemas.validate(value, self.0.index) {
            leaves(&error, &mut found);
        }
        found
    }
}

/// How deep schemas lie inside schemas; maps of named schemas are no level of their own, example values none at all.
fn levels(schema: &Value, refers: &mut bool) -> usize {
    let mut deepest = |values: &mut dyn Iterator<Item = &Value>| values.map(|value| levels(value, refers)).max().unwrap_or(0);
    match schema {
        Value::Object(map) => {
            let mut inner = 0;
            for (key, value) in map {
                let below = match (key.as_str(), value) {
                    ("default" | "const" | "enum" | "example" | "examples", _) => 0,
                    ("properties" | "patternProperties" | "definitions" | "$defs" | "dependentSchemas", Value::Object(named)) => {
                        deepest(&mut named.values())
                    }
                    _ => deepest(&mut std::iter::once(value)),
                };
                inner = inner.max(below);
            }
            *refers = *refers || ["$ref", "$recursiveRef", "$dynamicRef"].iter().any(|key| map.contains_key(*key));
            inner + 1
        }
        Value::Array(items) => deepest(&mut items.iter()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Mismatches listed; a long list of wrong items would repeat itself.
const SHOWN: usize = 200;

fn describe(error: &boon::CompileError) -> String {
    let text = format!("{error:#}").replace(LOCATION, "");
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

fn leaves(error: &ValidationError<'_, '_>, into: &mut Vec<Mismatch>) {
    let place = error.instance_location.to_string();
    let mut push = |path: String, message: String| {
        let mismatch = Mismatch { path, message };
        if into.len() < SHOWN && !into.contains(&mismatch) {
            into.push(mismatch);
        }
    };
    match &error.kind {
        // Each property has its own path.
        ErrorKind::Required { want } => want.iter().for_each(|name| push(below(&place, name), "is required".to_owned())),
        ErrorKind::AdditionalProperties { got } => {
            got.iter().for_each(|name| push(below(&place, name), "is not allowed here".to_owned()));
        }
        kind if error.causes.is_empty() => push(place, kind.to_string()),
        _ => {}
    }
    error.causes.iter().for_each(|cause| leaves(cause, into));
}

/// The JSON pointer of a property.
fn below(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}
