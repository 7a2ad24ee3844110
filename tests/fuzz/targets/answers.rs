//! JSON that comes inside other text, as models answer.

use flowdeck::language::template::has_template;
use flowdeck::operators::{Work, find_json};
use serde_json::{Value, json};

use super::scripts::{stage, work};

pub const WORDS: &[&str] = &[
    "```",
    "```json\n",
    "\n```",
    "``",
    "{",
    "}",
    "[",
    "]",
    "\"a\": ",
    "1.0",
    "1e999",
    "\\u0000",
    "\\ud800",
    ",",
    "Sure!",
    "\n",
    "é統",
    "null",
];

/// Finds the value, in an answer and in `parse_json_strings`.
pub fn fence(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(value) = find_json(&text) {
        let printed = value.to_string();
        assert_eq!(find_json(&printed), Some(value), "{text:?}");
    }
    if has_template(&text) {
        return;
    }
    let stage = stage(json!({"data": text, "parse_json_strings": true}), "json-transform");
    let Some(Work::Done(done)) = work(&stage) else { panic!("{text:?} is refused") };
    if let Ok(Value::Object(_) | Value::Array(_)) = serde_json::from_str(&text) {
        let found = &done.outcome.output["result"];
        assert!(found.is_object() || found.is_array(), "{text:?} became {found}");
    }
}
