//! One text and one number for a JSON value: what is hashed must not depend on the order of keys or the spelling of numbers.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Whole numbers up to here are exact as floats, so `1.0` may be written as `1`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// SHA-256, lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Canonical JSON: keys sorted by code point, no white space, one spelling per number.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Documents are of bounded depth, so the recursion is too.
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
        Value::Number(number) => number_into(number, out),
        Value::Null | Value::Bool(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Floats that are whole numbers are written like integers: the numbers are equal.
fn number_into(number: &Number, out: &mut String) {
    let _ = match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => write!(out, "{}", float as i64),
        Some(_) | None => write!(out, "{number}"),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
    use serde_json::{Map, Value, json};

    use super::{canonical, sha256_hex};

    #[test]
    fn equal_numbers_have_one_spelling() {
        for spelling in ["1", "1.0", "1e0", "10e-1"] {
            assert_eq!(canonical(&serde_json::from_str(spelling).expect("a number")), "1", "{spelling}");
        }
        assert_eq!(canonical(&json!([-0.0, 0.5, 1e300, u64::MAX])), "[0,0.5,1e+300,18446744073709551615]");
    }

    #[test]
    fn the_hash_is_sha256_in_lower_case_hex() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(|n| json!(n)),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                Value::Object(map.iter().rev().map(|(key, item)| (key.clone(), reversed(item))).collect::<Map<_, _>>())
            }
            Value::Array(items) => items.iter().map(reversed).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    proptest! {
        #[test]
        fn the_order_of_keys_does_not_count_and_canonical_text_is_json_of_itself(value in values()) {
            let text = canonical(&value);
            prop_assert_eq!(&text, &canonical(&reversed(&value)));
            let back: Value = serde_json::from_str(&text).expect("canonical text is JSON");
            prop_assert_eq!(canonical(&back), text);
        }
    }
}
