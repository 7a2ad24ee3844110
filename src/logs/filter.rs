//! Which lines of a log are wanted: regular expressions over the text as it is read, without colours.

use std::borrow::Cow;

use regex::bytes::Regex;

use crate::model::LineFilter;

/// Expressions that a line has to match, or must not.
#[derive(Debug, Clone, Default)]
pub struct Filter(Vec<(Regex, bool)>);

impl Filter {
    /// The filter of a view and a further pattern.
    ///
    /// # Errors
    /// What is wrong with a pattern.
    pub fn new(filter: Option<&LineFilter>, matching: Option<&str>) -> Result<Self, regex::Error> {
        let kept = filter.map(|filter| (filter.pattern.as_str(), filter.inverse));
        let all = kept.into_iter().chain(matching.map(|pattern| (pattern, false)));
        all.map(|(pattern, inverse)| Ok((Regex::new(pattern)?, inverse))).collect::<Result<_, _>>().map(Self)
    }

    /// True when the line is wanted.
    pub fn keeps(&self, text: &[u8]) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let text = without_colours(text);
        self.0.iter().all(|(regex, inverse)| regex.is_match(&text) != *inverse)
    }
}

/// The text without sequences that choose colours and weights.
fn without_colours(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = colour(rest).unwrap_or(0);
        if length == 0 {
            plain.push(0x1b);
        }
        rest = &rest[length.max(1)..];
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// The length of `ESC [` parameters `m`.
fn colour(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"\x1b[")?;
    let end = rest.iter().take(80).position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (rest[end] == b'm').then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::{Filter, without_colours};
    use crate::model::LineFilter;

    #[test]
    fn a_line_has_to_pass_every_pattern() {
        let not = LineFilter { pattern: "debug".to_owned(), inverse: true };
        let filter = Filter::new(Some(&not), Some("^order")).unwrap();
        let kept = |text: &str| filter.keeps(text.as_bytes());
        assert!(kept("order 1") && !kept("order 1 debug") && !kept("an order"));
        assert!(Filter::default().keeps(b"\xff"));
        assert!(Filter::new(None, Some("(")).is_err());
    }

    #[test]
    fn colours_are_no_text_and_everything_else_is() {
        let filter = Filter::new(None, Some("^error$")).unwrap();
        assert!(filter.keeps(b"\x1b[1;31mer\x1b[0mror\x1b[m"));
        assert_eq!(&*without_colours(b"a\x1b[2Jb\x1b[\x1b"), b"a\x1b[2Jb\x1b[\x1b");
    }
}
