//! What is hashed and how: one canonical text per JSON value, one SHA-256 of it. Pure.

use std::fmt::Write as _;

use serde_json::Value;

/// SHA-256, lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Bytes from hex; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// JSON with sorted keys and no white space. Values are of bounded depth wherever they come from, so the recursion is too.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, item)) in fields.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                write(item, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, from_hex, hex};

    #[test]
    fn the_order_of_keys_does_not_count_and_that_of_lists_does() {
        let text = |json: &str| canonical(&serde_json::from_str(json).unwrap());
        assert_eq!(text(r#"{"b": [1, {"z": null, "a": "é\n"}], "a": 1.50}"#), r#"{"a":1.5,"b":[1,{"a":"é\n","z":null}]}"#);
        assert_ne!(text("[1,2]"), text("[2,1]"));
    }

    #[test]
    fn hex_is_read_back_and_nothing_else_is_hex() {
        assert_eq!(from_hex(&hex(&[0, 255, 16])), Some(vec![0, 255, 16]));
        for text in ["0", "0g", "+1", "é0", "0x"] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }
}
