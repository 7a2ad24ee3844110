//! Expressions, conditions and templates: no text does harm, and the same text always gives the same.

use flowdeck::language::expression::{self, truthy};
use flowdeck::language::template::{Segment, has_template, render, segments, sole};
use serde_json::{Value, json};

use super::scope::Fixed;

pub const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{{ ",
    " }}",
    "input.",
    "upstream.",
    "stages.",
    ".output",
    "a-b",
    "health-check",
    "item",
    "env.HOME",
    "secrets.TOKEN",
    "now()",
    "uuid()",
    "len(",
    "str(",
    "int(",
    "round(",
    "range(",
    "sorted(",
    "zip(",
    "enumerate(",
    "sum(",
    "raw(",
    "hash(",
    " for x in ",
    " if ",
    " else ",
    " and ",
    " or ",
    "not ",
    " in ",
    " is ",
    "**",
    "//",
    "%",
    "<=",
    "==",
    "[::-1]",
    "[1:]",
    "[-1]",
    ".get(",
    ".split(",
    ".format(",
    ".join(",
    ".replace(",
    "{:>9}",
    "'",
    "\"",
    "\\u00e9",
    "\\x41",
    "1e308",
    "9223372036854775807",
    "-0.0",
    "0x1f",
    "é統",
    "\u{feff}",
    "None",
    "true",
    ":",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
];

/// Parses and evaluates.
pub fn expression(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let scope = Fixed::default();
    let first = expression::evaluate(&text, &scope);
    if let Err(error) = &first {
        let at = error.offset.unwrap_or(0);
        assert!(at <= text.len(), "{error:?} lies outside {text:?}");
        assert!(text.is_char_boundary(at), "{error:?} lies inside a character of {text:?}");
        assert!(text.contains("hunter2") || !error.message.contains("hunter2"), "an error tells a secret: {error:?}");
    }
    if let Ok(parsed) = expression::compile(&text, &scope) {
        parsed.references();
    }
    assert_eq!(first, expression::evaluate(&text, &scope), "{text:?}");
}

/// As `condition` and `when` do.
pub fn condition(data: &[u8]) {
    let text = json!(String::from_utf8_lossy(data));
    let scope = Fixed::default();
    let first = expression::condition(&text, &scope);
    if let Ok((value, holds)) = &first {
        assert_eq!(truthy(value), *holds, "{text}");
    }
    assert_eq!(first, expression::condition(&text, &scope), "{text}");
}

/// Scans and renders, in values and in keys.
pub fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let cut = segments(&text);
    let mut whole = String::new();
    for segment in &cut {
        match segment {
            Segment::Text(plain) => whole.push_str(plain),
            Segment::Template { expression, offset } => {
                assert_eq!(text.get(*offset..*offset + expression.len()), Some(*expression), "{text:?}");
                let unclosed = *offset == whole.len();
                whole.push_str(&if unclosed { (*expression).to_owned() } else { format!("{{{{{expression}}}}}") });
            }
        }
    }
    assert_eq!(whole, text, "the pieces are the text");
    assert_eq!(sole(&text).is_some(), matches!(cut.as_slice(), [Segment::Template { offset: 2, .. }]), "{text:?}");
    let scope = Fixed::default();
    let value = json!({"list": [text], "key": {"{{input.n}}": text}});
    let first = render(&value, &scope);
    if !has_template(&text) {
        assert_eq!(first.as_ref().map(|value| &value["list"][0]), Ok(&Value::from(&*text)));
    }
    assert_eq!(first, render(&value, &scope), "{text:?}");
}
