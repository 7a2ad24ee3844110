//! `generator`: writes a text. With `output_schema` (or `schema`, or `response_format: json`) the text is JSON and `parsed` its value.

use serde_json::{Value, json};

use super::question::{Message, conversation, sections};
use super::shape::Shape;
use super::task::{Offline, Reply, Task, prepare as ask};
use crate::model::StageError;
use crate::operators::fields::{Fields, wrong};
use crate::operators::{Context, Prepared};

/// So much of the prompt an offline answer repeats, in characters.
const ECHO: usize = 200;

pub(in crate::operators) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let config = Value::Object(fields.as_map().clone());
    let (system, mut messages) = match fields.take(&["messages"]) {
        Some(given) => conversation(given)?,
        None => (Vec::new(), Vec::new()),
    };
    let prompt = fields.take(&["prompt", "task"]);
    let material = fields.take(&["context"]);
    let prompt = sections(&[("", prompt.as_ref()), ("Context", material.as_ref())]);
    if !prompt.is_empty() {
        messages.push(Message::user(prompt));
    }
    let Some(last) = messages.last() else { return Err(wrong("a generator needs a `prompt` or `messages` that say something")) };
    let shape = shape(&mut fields)?;
    let offline = match shape {
        Some(_) => Offline::Sample,
        None => Offline::Text(format!("[offline answer] {}", last.text.chars().take(ECHO).collect::<String>())),
    };
    let task = Task { role: system.join("\n\n"), messages, shape, offline, output: Box::new(output) };
    ask(context, fields, config, task)
}

fn shape(fields: &mut Fields) -> Result<Option<Shape>, StageError> {
    let format = fields.take(&["response_format"]);
    if let Some(schema) = fields.take(&["output_schema", "schema"]) {
        return Shape::new(schema).map(Some);
    }
    let Some(format) = format else { return Ok(None) };
    let kind = format.as_str().or_else(|| format["type"].as_str()).unwrap_or_default();
    match kind {
        "text" | "markdown" => Ok(None),
        "json" | "json_object" => Shape::new(json!({"type": "object"})).map(Some),
        "json_schema" => {
            let schema = format["json_schema"].get("schema").or_else(|| format.get("schema"));
            Shape::new(schema.cloned().unwrap_or_else(|| json!({"type": "object"}))).map(Some)
        }
        _ => Err(wrong("`response_format` must be text, json, or {type: json_schema, json_schema: {schema: …}}")),
    }
}

fn output(reply: Reply) -> Value {
    let mut output = json!({
        "content": reply.text,
        "tokens_used": reply.tokens,
        "finish_reason": reply.finish_reason,
        "model": reply.model,
    });
    if !reply.value.is_null() {
        output["parsed"] = reply.value;
    }
    output
}
