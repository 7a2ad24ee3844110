//! `coerce_types`: `"5"` where a number is wanted becomes 5.

use serde_json::{Map, Number, Value};

use crate::language::template::to_text;

/// How many `$ref` are followed before a cycle is assumed.
const DEPTH: usize = 64;

/// Changes values in place to the type their schema names, where that loses nothing; the rest stays for the check.
pub(super) fn coerce(schema: &Value, data: &mut Value) {
    walk(schema, schema, data, 0);
}

fn walk(root: &Value, schema: &Value, data: &mut Value, depth: usize) {
    let Value::Object(keywords) = schema else { return };
    if depth > DEPTH {
        return;
    }
    let target = keywords.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    if let Some(schema) = target.and_then(|pointer| root.pointer(pointer)) {
        walk(root, schema, data, depth + 1);
    }
    if let Some(Value::Array(all)) = keywords.get("allOf") {
        all.iter().for_each(|schema| walk(root, schema, data, depth + 1));
    }
    let wanted: Vec<&str> = match keywords.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !wanted.is_empty()
        && !wanted.iter().any(|name| is(name, data))
        && let Some(value) = wanted.iter().find_map(|name| convert(name, data))
    {
        *data = value;
    }
    match data {
        Value::Object(map) => properties(root, keywords, map, depth),
        Value::Array(list) => {
            if let Some(items) = keywords.get("items") {
                list.iter_mut().for_each(|item| walk(root, items, item, depth + 1));
            }
        }
        _ => {}
    }
}

fn properties(root: &Value, keywords: &Map<String, Value>, map: &mut Map<String, Value>, depth: usize) {
    let known = keywords.get("properties").and_then(Value::as_object);
    for (name, value) in map {
        if let Some(schema) = known.and_then(|known| known.get(name)).or_else(|| keywords.get("additionalProperties")) {
            walk(root, schema, value, depth + 1);
        }
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn convert(name: &str, value: &Value) -> Option<Value> {
    match (name, value) {
        ("string", Value::Number(_) | Value::Bool(_)) => Some(Value::String(to_text(value))),
        ("integer", Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        ("number", Value::String(text)) => number(text.trim()),
        ("boolean", Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" | "on" => Some(Value::Bool(true)),
            "false" | "no" | "0" | "off" => Some(Value::Bool(false)),
            _ => None,
        },
        ("array" | "object", Value::String(text)) => serde_json::from_str(text).ok().filter(|parsed| is(name, parsed)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number))
}
