//! Nested objects and lists into one object with joined keys.

use serde_json::{Map, Value};

/// `{"a": {"b": [1]}}` becomes `{"a.b.0": 1}`. Empty objects and lists stay as they are; a bare value too.
pub(super) fn flatten(value: Value, separator: &str) -> Value {
    if !matches!(value, Value::Object(_) | Value::Array(_)) {
        return value;
    }
    let mut flat = Map::new();
    into(&mut flat, String::new(), value, separator);
    Value::Object(flat)
}

fn into(flat: &mut Map<String, Value>, key: String, value: Value, separator: &str) {
    let join = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}{separator}{name}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.into_iter().for_each(|(name, value)| into(flat, join(&name), value, separator))
        }
        Value::Array(list) if !list.is_empty() => {
            list.into_iter().enumerate().for_each(|(at, value)| into(flat, join(&at.to_string()), value, separator));
        }
        leaf if key.is_empty() && (leaf.is_object() || leaf.is_array()) => {}
        leaf => drop(flat.insert(key, leaf)),
    }
}
