//! What is asked, before any provider's dialect.

use serde_json::Value;

use crate::language::template::to_text;
use crate::model::StageError;
use crate::operators::fields::{Fields, kind, mismatch, wrong};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) role: Role,
    pub(super) text: String,
}

#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) model: String,
    pub(super) system: String,
    pub(super) messages: Vec<Message>,
    pub(super) temperature: Option<f64>,
    pub(super) max_tokens: Option<u64>,
    /// The answer is to be a JSON object.
    pub(super) object: bool,
}

impl Message {
    pub(super) fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, text: text.into() }
    }

    pub(super) fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, text: text.into() }
    }
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A conversation so far; what the system is told in it goes before everything else.
pub(super) fn conversation(given: Value) -> Result<(Vec<String>, Vec<Message>), StageError> {
    let Value::Array(list) = given else { return Err(mismatch(&["messages"], "a list", &given)) };
    let (mut system, mut messages) = (Vec::new(), Vec::new());
    for (at, item) in list.iter().enumerate() {
        let text = item.get("content").map(to_text);
        let text = text.ok_or_else(|| wrong(format!("`messages`: item {at} has no `content`")))?;
        match item.get("role").and_then(Value::as_str).unwrap_or("user") {
            "system" | "developer" => system.push(text),
            "assistant" => messages.push(Message::assistant(text)),
            "user" => messages.push(Message::user(text)),
            other => {
                return Err(wrong(format!("`messages`: item {at} has the role `{other}`; there are system, user, assistant")));
            }
        }
    }
    Ok((system, messages))
}

/// Parts of a prompt, each under its heading; absent and empty ones are left out.
pub(super) fn sections(parts: &[(&str, Option<&Value>)]) -> String {
    let present = parts.iter().filter_map(|(title, value)| {
        let text = value.map(to_text).filter(|text| !text.trim().is_empty())?;
        Some(if title.is_empty() { text } else { format!("{title}:\n{text}") })
    });
    present.collect::<Vec<_>>().join("\n\n")
}

/// A number, also one written as text.
pub(super) fn number(fields: &mut Fields, name: &str) -> Result<Option<f64>, StageError> {
    let Some(value) = fields.take(&[name]) else { return Ok(None) };
    let number = match &value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| number.is_finite());
    number.map(Some).ok_or_else(|| wrong(format!("`{name}` must be a number, not {}", kind(&value))))
}

/// A list: one as it is, an object's values, or a text that holds a JSON list. Anything else is a list of one.
pub(super) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        Value::Object(map) => map.into_iter().map(|(_, value)| value).collect(),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Array(list)) => list,
            _ => vec![Value::String(text)],
        },
        other => vec![other],
    }
}

/// The items under their numbers, counted from 0.
pub(super) fn numbered(items: &[Value]) -> String {
    items.iter().enumerate().map(|(at, item)| format!("[{at}]\n{}", to_text(item))).collect::<Vec<_>>().join("\n\n")
}
