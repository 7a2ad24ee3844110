//! A small value that fits a schema, always the same: what stands in for a model's answer when nobody is asked.

use serde_json::{Map, Value, json};

/// How deep values are made up; beyond it null stands.
const DEEPEST: usize = 8;

/// A value of the schema's shape. It fits the common schemas, not every one.
pub(super) fn sample(schema: &Value) -> Value {
    made_up(schema, DEEPEST)
}

fn made_up(schema: &Value, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    let listed = || schema["enum"].get(0).or_else(|| schema["examples"].get(0));
    if let Some(value) = schema.get("const").or_else(|| schema.get("default")).or_else(listed) {
        return value.clone();
    }
    let variants = ["oneOf", "anyOf"].iter().find_map(|name| schema[*name].get(0));
    if let Some(variant) = variants {
        return made_up(variant, depth - 1);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("string") => text(schema),
        Some("integer") => json!(schema["minimum"].as_f64().map_or(0, |least| least.ceil() as i64)),
        Some("number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
        Some("boolean") => json!(false),
        Some("null") => Value::Null,
        Some("array") => {
            let count = schema["minItems"].as_u64().unwrap_or(0).min(100);
            (0..count).map(|_| made_up(&schema["items"], depth - 1)).collect()
        }
        Some("object") | None if schema.get("properties").is_some() || kind.is_some() => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let values = properties.map(|(name, schema)| (name.clone(), made_up(schema, depth - 1)));
            Value::Object(values.collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

fn text(schema: &Value) -> Value {
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or(0)).unwrap_or(0).min(10_000);
    let most = schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let mut text = "offline answer".to_owned();
    while text.chars().count() < least {
        text.push('.');
    }
    Value::String(text.chars().take(most).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sample;
    use crate::language::json_schema::Compiled;

    #[test]
    fn what_is_made_up_fits_its_schema() {
        let schema = json!({"type": "object", "required": ["a", "b", "c", "d", "e"], "properties": {
            "a": {"type": "string", "minLength": 20}, "b": {"type": "array", "minItems": 2, "items": {"type": "integer", "minimum": 3}},
            "c": {"enum": ["x", "y"]}, "d": {"type": ["number", "null"], "minimum": 0.5}, "e": {"anyOf": [{"type": "boolean"}]},
        }});
        let value = sample(&schema);
        assert_eq!(Compiled::new(&schema).unwrap().check(&value), [], "{value}");
        assert_eq!(value, sample(&schema));
    }
}
