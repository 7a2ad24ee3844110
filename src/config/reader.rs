//! Reads values out of a TOML document and remembers every mistake instead of stopping at the first.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::suggest;

pub(super) type Node<'a> = Spanned<DeValue<'a>>;

/// Collects problems while the caller walks the document.
pub(super) struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: Vec::new() }
    }

    /// All problems, in the order of the document.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.span.start);
        self.problems
    }

    pub(super) fn wrong(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::new(self.text, span, message, None));
    }

    pub(super) fn unknown(&mut self, what: &str, key: &Spanned<std::borrow::Cow<'_, str>>, known: &[&str]) {
        let help = match suggest(key.get_ref(), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        self.problems.push(Problem::new(self.text, key.span(), format!("unknown {what} `{}`", key.get_ref()), Some(help)));
    }

    fn expected(&mut self, value: &Node<'_>, wanted: &str) {
        self.wrong(value.span(), format!("expected {wanted}, found {}", name_of(value.get_ref())));
    }

    pub(super) fn table<'a, 'i>(&mut self, value: &'a Node<'i>) -> Option<&'a DeTable<'i>> {
        let found = value.get_ref().as_table();
        if found.is_none() {
            self.expected(value, "a table");
        }
        found
    }

    pub(super) fn list<'a, 'i>(&mut self, value: &'a Node<'i>, of: &str) -> Vec<&'a Node<'i>> {
        if let Some(items) = value.get_ref().as_array() {
            return items.iter().collect();
        }
        self.expected(value, of);
        Vec::new()
    }

    pub(super) fn text(&mut self, value: &Node<'_>) -> Option<String> {
        match value.get_ref().as_str() {
            Some("") => {
                self.wrong(value.span(), "expected some text, found an empty string");
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.expected(value, "a string");
                None
            }
        }
    }

    pub(super) fn texts(&mut self, value: &Node<'_>) -> Vec<String> {
        let items = self.list(value, "a list of strings");
        items.into_iter().filter_map(|item| self.text(item)).collect()
    }

    pub(super) fn flag(&mut self, value: &Node<'_>) -> Option<bool> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.expected(value, "true or false");
        }
        found
    }

    /// A whole number of at least 1.
    pub(super) fn count(&mut self, value: &Node<'_>) -> Option<u32> {
        let number = value.get_ref().as_integer().and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        let found = number.filter(|n| *n > 0);
        if found.is_none() {
            self.expected(value, "a whole number from 1");
        }
        found
    }

    /// A string that `parse` understands; its complaint becomes the problem.
    pub(super) fn parsed<T>(&mut self, value: &Node<'_>, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(value)?;
        parse(&text).map_err(|message| self.wrong(value.span(), message)).ok()
    }
}

fn name_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
