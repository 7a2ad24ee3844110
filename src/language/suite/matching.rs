//! Whether a value is what a test expects, and where it differs.
//!
//! Two ways to compare: exactly, or by what the expectation names: further fields of objects do not matter then, and a
//! text between slashes is a regular expression.

use regex::Regex;
use serde_json::{Map, Value};

/// One place where a value is not as expected. `found` is `None` where there is nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Such as `.body.items[0]`; empty for the value itself.
    pub path: String,
    pub expected: Option<Value>,
    pub found: Option<Value>,
}

/// Where the values differ at all.
pub fn exact(expected: &Value, found: &Value) -> Vec<Difference> {
    compared(false, expected, found)
}

/// Where the value is not what `expected` names.
pub fn contains(expected: &Value, found: &Value) -> Vec<Difference> {
    compared(true, expected, found)
}

/// The pattern of a text between slashes.
pub fn pattern(text: &str) -> Option<&str> {
    text.strip_prefix('/')?.strip_suffix('/').filter(|pattern| !pattern.is_empty())
}

/// True when a text holds `wanted`, or fits it where it is a pattern.
pub fn text_contains(wanted: &str, text: &str) -> bool {
    match pattern(wanted).map(Regex::new) {
        Some(Ok(pattern)) => pattern.is_match(text),
        Some(Err(_)) | None => text.contains(wanted),
    }
}

fn compared(partial: bool, expected: &Value, found: &Value) -> Vec<Difference> {
    let mut walk = Walk { partial, path: String::new(), differences: Vec::new() };
    walk.value(expected, Some(found));
    walk.differences
}

struct Walk {
    partial: bool,
    path: String,
    differences: Vec<Difference>,
}

impl Walk {
    fn value(&mut self, expected: &Value, found: Option<&Value>) {
        match (expected, found) {
            (Value::Object(expected), Some(Value::Object(found))) => self.object(expected, found),
            (Value::Array(expected), Some(Value::Array(found))) => {
                for at in 0..expected.len().max(found.len()) {
                    self.inside(&format!("[{at}]"), expected.get(at), found.get(at));
                }
            }
            (expected, Some(found)) if self.same(expected, found) => {}
            (Value::Null, None) if self.partial => {}
            _ => self.differ(Some(expected), found),
        }
    }

    fn object(&mut self, expected: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, value) in expected {
            self.inside(&step(key), Some(value), found.get(key));
        }
        if !self.partial {
            for (key, value) in found.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                self.inside(&step(key), None, Some(value));
            }
        }
    }

    fn inside(&mut self, step: &str, expected: Option<&Value>, found: Option<&Value>) {
        let length = self.path.len();
        self.path.push_str(step);
        match expected {
            Some(expected) => self.value(expected, found),
            None => self.differ(None, found),
        }
        self.path.truncate(length);
    }

    fn same(&self, expected: &Value, found: &Value) -> bool {
        match (expected, found) {
            (Value::Number(expected), Value::Number(found)) => expected == found || expected.as_f64() == found.as_f64(),
            (Value::String(wanted), Value::String(text)) if self.partial && pattern(wanted).is_some() => {
                wanted == text || text_contains(wanted, text)
            }
            _ => expected == found,
        }
    }

    fn differ(&mut self, expected: Option<&Value>, found: Option<&Value>) {
        self.differences.push(Difference { path: self.path.clone(), expected: expected.cloned(), found: found.cloned() });
    }
}

/// A key as a step of a path.
fn step(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if plain { format!(".{key}") } else { format!("[{}]", Value::from(key)) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Difference, contains, exact, text_contains};

    fn places(differences: &[Difference]) -> Vec<&str> {
        differences.iter().map(|difference| difference.path.as_str()).collect()
    }

    #[test]
    fn an_exact_value_has_nothing_more_and_nothing_less() {
        let expected = json!({"a": 1, "b": [1, 2], "c": {"d e": "x"}});
        assert_eq!(exact(&expected, &json!({"c": {"d e": "x"}, "b": [1.0, 2], "a": 1})), []);
        let found = json!({"b": [1], "c": {"d e": "y"}, "z": null});
        assert_eq!(places(&exact(&expected, &found)), [".a", ".b[1]", ".c[\"d e\"]", ".z"]);
        assert_eq!(places(&exact(&json!("/x/"), &json!("x"))), [""]);
    }

    #[test]
    fn a_partial_value_names_what_matters() {
        let found = json!({"url": "http://h/v1.2", "body": {"n": 1, "more": true}, "list": [{"a": 1, "b": 2}]});
        assert_eq!(contains(&json!({"url": "/v\\d/", "body": {"n": 1}, "list": [{"a": 1}], "gone": null}), &found), []);
        let wrong = json!({"url": "/v9/", "body": {"gone": 1}, "list": []});
        assert_eq!(places(&contains(&wrong, &found)), [".url", ".body.gone", ".list[0]"]);
        assert_eq!(contains(&json!("/health/"), &json!("/health/")), []);
    }

    #[test]
    fn a_difference_says_what_was_there_and_what_was_not() {
        let missing = &exact(&json!({"a": 1}), &json!({}))[0];
        assert_eq!((missing.expected.as_ref(), missing.found.as_ref()), (Some(&json!(1)), None::<&Value>));
        let extra = &exact(&json!({}), &json!({"a": 1}))[0];
        assert_eq!((extra.expected.as_ref(), extra.found.as_ref()), (None, Some(&json!(1))));
    }

    #[test]
    fn a_message_is_expected_by_a_part_of_it() {
        assert!(text_contains("exit code", "ended: exit code 3"));
        assert!(text_contains("/code \\d$/", "ended: exit code 3"));
        assert!(!text_contains("/^code/", "ended: exit code 3"));
    }
}
