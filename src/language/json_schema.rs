//! JSON Schema checks: compiled once, never loading anything from files or the network.

use std::fmt;
use std::sync::Arc;

use boon::{Compiler, Draft, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

/// One place where a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mismatch {
    /// A JSON pointer, empty for the value itself.
    pub path: String,
    pub message: String,
}

/// A compiled schema, Draft 4 to 2020-12; 2019-09 where the schema does not say.
#[derive(Clone)]
pub struct Compiled(Arc<(Schemas, SchemaIndex)>);

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
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2019_09);
        compiler.enable_format_assertions();
        compiler.use_loader(Box::new(Refused));
        compiler.add_resource(LOCATION, schema.clone()).map_err(|error| describe(&error))?;
        let index = compiler.compile(LOCATION, &mut schemas).map_err(|error| describe(&error))?;
        Ok(Self(Arc::new((schemas, index))))
    }

    /// Every place where `value` does not fit; empty when it is valid.
    pub fn check(&self, value: &Value) -> Vec<Mismatch> {
        let (schemas, index) = &*self.0;
        let mut found = Vec::new();
        if let Err(error) = schemas.validate(value, *index) {
            leaves(&error, &mut found);
        }
        found
    }
}

fn describe(error: &boon::CompileError) -> String {
    let text = format!("{error:#}").replace(LOCATION, "");
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

fn leaves(error: &ValidationError<'_, '_>, into: &mut Vec<Mismatch>) {
    if error.causes.is_empty() {
        let mismatch = Mismatch { path: error.instance_location.to_string(), message: error.kind.to_string() };
        if !into.contains(&mismatch) {
            into.push(mismatch);
        }
    }
    error.causes.iter().for_each(|cause| leaves(cause, into));
}
