//! A document as both parsers deliver it: values with their places.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value};

/// A value and the bytes it was written in.
#[derive(Debug, Clone)]
pub struct Node<'t> {
    pub span: Range<usize>,
    pub data: Data<'t>,
}

#[derive(Debug, Clone)]
pub enum Data<'t> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
}

#[derive(Debug, Clone)]
pub struct Entry<'t> {
    pub key: Cow<'t, str>,
    pub key_span: Range<usize>,
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    pub fn new(span: Range<usize>, data: Data<'t>) -> Self {
        Self { span, data }
    }

    /// The entry of that name, when this is a map.
    pub fn get(&self, key: &str) -> Option<&Entry<'t>> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry<'t>] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// What it is, with its article.
    pub fn type_name(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::Text(_) => "a string",
            Data::List(_) => "a list",
            Data::Map(_) => "an object",
        }
    }

    /// The value without its places. Documents are of bounded depth, so the recursion is too.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(number) => Value::Number(number.clone()),
            Data::Text(text) => Value::String(text.to_string()),
            Data::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_value())).collect::<Map<_, _>>())
            }
        }
    }
}

/// The first key that a map repeats, with the place of the repetition. Linear, also for huge maps.
pub fn repeated_key(entries: &[Entry<'_>]) -> Option<usize> {
    if entries.len() < 12 {
        return (1..entries.len()).find(|&at| entries[..at].iter().any(|entry| entry.key == entries[at].key));
    }
    let mut seen = std::collections::HashSet::with_capacity(entries.len());
    entries.iter().position(|entry| !seen.insert(entry.key.as_ref()))
}
