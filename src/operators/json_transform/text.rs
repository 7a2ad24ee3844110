//! JSON that arrives as text: whole, or in a Markdown code fence.

use serde_json::Value;

/// The value a text holds, when the value is such a text; an object or list only, so that a version `1.0` stays a text.
pub(super) fn parse_top(value: Value) -> Value {
    match value {
        Value::String(text) => parse(&text).unwrap_or(Value::String(text)),
        other => other,
    }
}

/// The same for every text inside the value.
pub(super) fn parse_deep(value: Value) -> Value {
    match parse_top(value) {
        Value::Array(list) => list.into_iter().map(parse_deep).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, parse_deep(value))).collect(),
        other => other,
    }
}

fn parse(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    structure(trimmed).or_else(|| fences(trimmed).find_map(structure))
}

fn structure(text: &str) -> Option<Value> {
    let text = text.trim();
    text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten()
}

/// The bodies of ``` fences, without their language word.
fn fences(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").skip(1).step_by(2).map(|body| {
        let word = body.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(0);
        &body[word..]
    })
}
