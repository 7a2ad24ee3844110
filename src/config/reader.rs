//! Reads values out of a TOML document and remembers every mistake instead of stopping at the first. The workspace
//! file is read so, and so are the files of the console: themes and keys.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::suggest;

/// A value with its place in the text.
pub type Node<'a> = Spanned<DeValue<'a>>;

/// Parses a document.
///
/// # Errors
/// What is no TOML, in the order of the text.
pub fn document(text: &str) -> Result<Spanned<DeTable<'_>>, Vec<Problem>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(document);
    }
    let problem = |error: &toml::de::Error| Problem::new(text, error.span().unwrap_or(0..0), error.message(), None);
    let mut problems: Vec<Problem> = errors.iter().map(problem).collect();
    problems.sort_by_key(|problem| problem.span.start);
    Err(problems)
}

/// Collects problems while the caller walks the document.
#[derive(Debug)]
pub struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, problems: Vec::new() }
    }

    /// All problems, in the order of the document.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.span.start);
        self.problems
    }

    pub fn wrong(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::new(self.text, span, message, None));
    }

    pub fn wrong_with_help(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(self.text, span, message, Some(help.into())));
    }

    /// A key that is none of those known here.
    pub fn unknown(&mut self, what: &str, key: &Spanned<std::borrow::Cow<'_, str>>, known: &[&str]) {
        let help = match suggest(key.get_ref(), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        self.wrong_with_help(key.span(), format!("unknown {what} `{}`", key.get_ref()), help);
    }

    fn expected(&mut self, value: &Node<'_>, wanted: &str) {
        self.wrong(value.span(), format!("expected {wanted}, found {}", name_of(value.get_ref())));
    }

    /// The text that is read.
    pub fn source(&self) -> &'t str {
        self.text
    }

    pub fn table<'a, 'i>(&mut self, value: &'a Node<'i>) -> Option<&'a DeTable<'i>> {
        let found = value.get_ref().as_table();
        if found.is_none() {
            self.expected(value, "a table");
        }
        found
    }

    pub fn list<'a, 'i>(&mut self, value: &'a Node<'i>, of: &str) -> Vec<&'a Node<'i>> {
        if let Some(items) = value.get_ref().as_array() {
            return items.iter().collect();
        }
        self.expected(value, of);
        Vec::new()
    }

    pub fn text(&mut self, value: &Node<'_>) -> Option<String> {
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

    pub fn texts(&mut self, value: &Node<'_>) -> Vec<String> {
        let items = self.list(value, "a list of strings");
        items.into_iter().filter_map(|item| self.text(item)).collect()
    }

    pub fn flag(&mut self, value: &Node<'_>) -> Option<bool> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.expected(value, "true or false");
        }
        found
    }

    /// A list of strings in which none is there twice.
    pub fn names(&mut self, value: &Node<'_>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for item in self.list(value, "a list of names") {
            if let Some(name) = self.text(item)
                && let Some(again) = names.replace(name)
            {
                self.wrong(item.span(), format!("{again:?} is there twice"));
            }
        }
        names
    }

    /// A whole number of at least 0.
    pub fn number(&mut self, value: &Node<'_>) -> Option<u32> {
        let found = whole(value);
        if found.is_none() {
            self.expected(value, "a whole number from 0");
        }
        found
    }

    /// A whole number of at least 1.
    pub fn count(&mut self, value: &Node<'_>) -> Option<u32> {
        let found = whole(value).filter(|n| *n > 0);
        if found.is_none() {
            self.expected(value, "a whole number from 1");
        }
        found
    }

    /// A string that `parse` understands; its complaint becomes the problem.
    pub fn parsed<T>(&mut self, value: &Node<'_>, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(value)?;
        parse(&text).map_err(|message| self.wrong(value.span(), message)).ok()
    }
}

fn whole(value: &Node<'_>) -> Option<u32> {
    value.get_ref().as_integer().and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok())
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
