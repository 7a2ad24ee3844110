//! Inputs of a run against the pipeline's `input_schema`: defaults first, then the check.

use serde_json::{Map, Value};

use super::json_schema::Mismatch;
use super::limits::{DOCUMENT_DEPTH, deeper_than};
use super::pipeline::Pipeline;

/// Subschemas looked at for defaults; references can multiply without end.
const EFFORT: usize = 200_000;

/// One input that does not fit; `path` is a JSON pointer.
pub type InputProblem = Mismatch;

/// Applies defaults and checks; null counts as no inputs. Returns what the run should get.
///
/// # Errors
/// Every input that is missing or does not fit, with its path.
pub fn check(pipeline: &Pipeline, given: Value) -> Result<Value, Vec<InputProblem>> {
    let mut inputs = if given.is_null() { Value::Object(Map::new()) } else { given };
    if deeper_than(&inputs, DOCUMENT_DEPTH) {
        let message = format!("nested deeper than {DOCUMENT_DEPTH} levels");
        return Err(vec![InputProblem { path: String::new(), message }]);
    }
    if let Some(schema) = &pipeline.input_schema {
        let mut effort = EFFORT;
        apply_defaults(schema, schema, &mut inputs, &mut effort, 0);
    }
    let problems = pipeline.compiled_inputs.as_ref().map(|schema| schema.check(&inputs)).unwrap_or_default();
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}

/// Fills what is missing from `default`s, through `properties`, `items`, `allOf` and references inside the schema.
fn apply_defaults(root: &Value, schema: &Value, value: &mut Value, effort: &mut usize, depth: usize) {
    if depth > 32 || *effort == 0 {
        return;
    }
    *effort -= 1;
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| root.pointer(path.strip_prefix('#')?)) {
        apply_defaults(root, target, value, effort, depth + 1);
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        apply_defaults(root, part, value, effort, depth + 1);
    }
    match value {
        Value::Object(map) => {
            for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if let Some(default) = property.get("default")
                    && !map.contains_key(name)
                {
                    map.insert(name.clone(), default.clone());
                }
                if let Some(inner) = map.get_mut(name) {
                    apply_defaults(root, property, inner, effort, depth + 1);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items").filter(|schema| schema.is_object()) {
                items.iter_mut().for_each(|item| apply_defaults(root, schema, item, effort, depth + 1));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
