//! Templates: `{{ … }}` inside texts, and whole values full of them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::expression::{self, Budget, EvalError, EvalErrorKind, Evaluator};
use super::limits::{VALUE_DEPTH, deeper_than};
use super::scope::Scope;

/// A piece of a text. A template that is never closed comes as one whose expression begins with its own `{{`, which no
/// expression does, so evaluating it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'t> {
    Text(&'t str),
    Template {
        expression: &'t str,
        /// Where `expression` begins in the text, in bytes.
        offset: usize,
    },
}

/// Cuts a text at its templates. Braces, brackets and quotes inside a template are respected: `{{data.x or {}}}` is one.
pub fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = memchr::memmem::find(&text.as_bytes()[at..], b"{{").map(|open| at + open) {
        if open > at {
            found.push(Segment::Text(&text[at..open]));
        }
        let Some(length) = template_length(&text[open..]) else {
            found.push(Segment::Template { expression: &text[open..], offset: open });
            return found;
        };
        found.push(Segment::Template { expression: &text[open + 2..open + length - 2], offset: open + 2 });
        at = open + length;
    }
    if at < text.len() {
        found.push(Segment::Text(&text[at..]));
    }
    found
}

/// True when the text holds a template.
pub fn has_template(text: &str) -> bool {
    text.contains("{{")
}

/// The expression, when the text is exactly one template.
pub fn sole(text: &str) -> Option<&str> {
    let length = text.starts_with("{{").then(|| template_length(text))??;
    (length == text.len()).then(|| &text[2..length - 2])
}

/// The length of the template that `text` begins with, both pairs of braces included; `None` when it is never closed.
pub(super) fn template_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut nesting) = (2, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' if nesting == 0 => return (bytes.get(at + 1) == Some(&b'}')).then_some(at + 2),
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            b'\'' | b'"' => {
                at += 1;
                while *bytes.get(at)? != byte {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Replaces the braces of templates outside quotes by parentheses of the same length, so that places stay where they were.
pub(super) fn unwrap_outside_quotes(source: &str) -> Cow<'_, str> {
    if !has_template(source) {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len());
    let (mut at, mut quote, mut broken) = (0, None, false);
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        let mut length = c.len_utf8();
        if !broken && rest.starts_with("{{") {
            // What is never closed is not looked for again: the time stays linear.
            length = template_length(rest).unwrap_or(length);
            broken = length == 1;
        }
        match quote {
            None if length > 1 && c == '{' => {
                out.push_str(" (");
                out.push_str(&rest[2..length - 2]);
                out.push_str(") ");
                at += length;
                continue;
            }
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(open) if c == open => quote = None,
            Some(_) if c == '\\' => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        out.push_str(&rest[..length]);
        at += length;
    }
    Cow::Owned(out)
}

/// A value inside mixed text: null is empty, a string is itself, anything else compact JSON.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Renders every template in `value`, in texts and keys, recursively. A text that is exactly one template keeps the type of
/// its value. All templates share one set of limits, and one count of `uuid()`.
///
/// # Errors
/// The first template that has no value, with the path it stands at.
pub fn render(value: &Value, scope: &dyn Scope) -> Result<Value, EvalError> {
    if deeper_than(value, VALUE_DEPTH) {
        return Err(too_deep());
    }
    let mut renderer = Renderer { scope, budget: Budget::default(), path: Vec::new() };
    let rendered = renderer.value(value)?;
    if deeper_than(&rendered, VALUE_DEPTH) {
        return Err(too_deep());
    }
    Ok(rendered)
}

fn too_deep() -> EvalError {
    EvalError::new(EvalErrorKind::Limit, format!("a value nested deeper than {VALUE_DEPTH} levels"))
}

struct Renderer<'a> {
    scope: &'a dyn Scope,
    budget: Budget,
    path: Vec<String>,
}

impl Renderer<'_> {
    fn value(&mut self, value: &Value) -> Result<Value, EvalError> {
        match value {
            Value::String(text) => self.text(text).map_err(|error| self.placed(error)),
            Value::Array(items) => {
                let mut rendered = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    self.path.push(format!("[{at}]"));
                    rendered.push(self.value(item)?);
                    self.path.pop();
                }
                Ok(Value::Array(rendered))
            }
            Value::Object(map) => self.map(map),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
        }
    }

    fn map(&mut self, map: &Map<String, Value>) -> Result<Value, EvalError> {
        let mut rendered = Map::with_capacity(map.len());
        for (key, item) in map {
            self.path.push(if self.path.is_empty() { key.clone() } else { format!(".{key}") });
            let name =
                if has_template(key) { to_text(&self.text(key).map_err(|error| self.placed(error))?) } else { key.clone() };
            let item = self.value(item)?;
            if rendered.insert(name, item).is_some() {
                let error = EvalError::new(EvalErrorKind::Value, "two keys have the same text once they are rendered");
                return Err(self.placed(error));
            }
            self.path.pop();
        }
        Ok(Value::Object(rendered))
    }

    fn text(&mut self, text: &str) -> Result<Value, EvalError> {
        if !has_template(text) {
            return Ok(Value::String(text.to_owned()));
        }
        if let Some(source) = sole(text) {
            return self.expression(source, 2);
        }
        let mut rendered = String::new();
        for segment in segments(text) {
            match segment {
                Segment::Text(text) => rendered.push_str(text),
                Segment::Template { expression, offset } => rendered.push_str(&to_text(&self.expression(expression, offset)?)),
            }
        }
        Ok(Value::String(rendered))
    }

    fn expression(&mut self, source: &str, offset: usize) -> Result<Value, EvalError> {
        let parsed = expression::compile(source, self.scope).map_err(|error| error.moved(offset))?;
        let value = Evaluator::new(self.scope, &mut self.budget).run(&parsed.root);
        value.map(Cow::into_owned).map_err(|error| error.moved(offset))
    }

    fn placed(&self, mut error: EvalError) -> EvalError {
        if !self.path.is_empty() {
            error.message = format!("in `{}`: {}", self.path.concat(), error.message);
        }
        error
    }
}
