//! Answers that have to be JSON of a certain shape: how they are asked for, found in the text, and checked.

use serde_json::Value;

use super::answer::excerpt;
use crate::language::json_schema::Compiled;
use crate::model::{ErrorKind, StageError};
use crate::operators::fields::wrong;

/// A JSON Schema that an answer has to fit.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    schema: Value,
    compiled: Compiled,
}

impl Shape {
    /// # Errors
    /// CONFIGURATION when this is no JSON Schema.
    pub(super) fn new(schema: Value) -> Result<Self, StageError> {
        let compiled = Compiled::new(&schema)
            .map_err(|reason| wrong("the schema of the answer is not a usable JSON Schema").caused_by(reason))?;
        Ok(Self { schema, compiled })
    }

    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Whether every answer that fits is an object.
    pub(super) fn is_object(&self) -> bool {
        self.schema["type"] == "object"
    }

    /// What the model is told.
    pub(super) fn instruction(&self) -> String {
        format!("Answer with JSON only, without any text around it. The JSON has to fit this JSON Schema:\n{}", self.schema)
    }

    /// The value in the text.
    ///
    /// # Errors
    /// A lower-case sentence on what does not fit.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        let value = find(text).ok_or_else(|| "it holds no JSON".to_owned())?;
        let wrong = self.compiled.check(&value);
        let Some(first) = wrong.first() else { return Ok(value) };
        let place = if first.path.is_empty() { "the value" } else { &first.path };
        let more = if wrong.len() > 1 { format!(" (and {} more)", wrong.len() - 1) } else { String::new() };
        Err(format!("{place}: {}{more}", first.message))
    }
}

/// What is said to a model whose answer does not fit.
pub(super) fn complaint(mismatch: &str) -> String {
    format!("That answer cannot be used: {mismatch}. Answer again, with nothing but JSON that fits the schema.")
}

/// The error after the second answer that does not fit.
pub(super) fn misfit(mismatch: &str, text: &str, cut_off: bool) -> StageError {
    let why = if cut_off { " (it was cut off at `max_tokens`)" } else { "" };
    let message = format!("the model's answer does not fit its schema, asked twice: {mismatch}{why}");
    StageError::new(ErrorKind::Validation, message).with_details(serde_json::json!({"answer": excerpt(text)}))
}

/// JSON that is the whole text, stands in a code fence, or lies between other words.
pub fn find(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if let Ok(value) = serde_json::from_str(trimmed) {
        return Some(value);
    }
    let fenced = trimmed.split("```").skip(1).step_by(2).map(|block| {
        let (first, rest) = block.split_once('\n').unwrap_or(("", block));
        // The language's name stands behind the opening fence.
        if first.trim().chars().all(char::is_alphanumeric) { rest } else { block }
    });
    if let Some(value) = fenced.filter_map(|block| serde_json::from_str(block.trim()).ok()).next() {
        return Some(value);
    }
    let start = trimmed.find(['{', '['])?;
    let value = serde_json::Deserializer::from_str(&trimmed[start..]).into_iter::<Value>().next();
    value.and_then(Result::ok)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Shape, find};

    #[test]
    fn json_is_found_among_words_and_fences() {
        for text in
            ["{\"a\": 1}", " \n{\"a\":1}\n", "Sure!\n```json\n{\"a\": 1}\n```\nDone.", "```\n{\"a\": 1}```", "It is {\"a\": 1}."]
        {
            assert_eq!(find(text), Some(json!({"a": 1})), "{text}");
        }
        assert_eq!(find("no json here"), None);
        assert_eq!(find("{broken"), None);
        assert_eq!(find(&"[".repeat(100_000)), None, "deep nesting is no way to crash us");
    }

    #[test]
    fn a_misfit_is_named_with_its_place() {
        let shape = Shape::new(json!({"type": "object", "properties": {"n": {"type": "integer"}}})).unwrap();
        assert_eq!(shape.read("{\"n\": 2}"), Ok(json!({"n": 2})));
        assert!(shape.read("{\"n\": \"two\"}").unwrap_err().starts_with("/n: "));
        assert_eq!(shape.read("two"), Err("it holds no JSON".to_owned()));
        assert!(Shape::new(Value::from(3)).is_err());
    }
}
