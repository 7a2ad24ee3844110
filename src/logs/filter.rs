//! Which lines of a log are wanted: regular expressions over the text as it is read, without colours.

use std::borrow::Cow;
use std::ops::Range;

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

    /// True when every line is wanted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when the line is wanted.
    pub fn keeps(&self, text: &[u8]) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let text = without_colours(text, &mut []);
        self.0.iter().all(|(regex, inverse)| regex.is_match(&text) != *inverse)
    }

    /// Which parts of a line are wanted, of its text without colours: a part matches when a match begins in it.
    pub(super) fn keeps_parts(&self, text: &[u8], parts: &[Range<usize>]) -> Vec<bool> {
        let mut kept = vec![true; parts.len()];
        for (regex, inverse) in &self.0 {
            let matches = begins(regex, text, parts);
            kept.iter_mut().zip(matches).for_each(|(kept, matches)| *kept &= matches != *inverse);
        }
        kept
    }
}

/// In which of the parts, which follow each other, a match begins.
fn begins(regex: &Regex, text: &[u8], parts: &[Range<usize>]) -> Vec<bool> {
    // Where the next match begins, once that was looked for.
    let (mut next, mut over) = (None, false);
    let begins = |part: &Range<usize>| {
        if next.is_none_or(|next| next < part.start) {
            next = None;
            let end = if over { None } else { regex.shortest_match_at(text, part.start) };
            match end {
                None => over = true,
                // What ends inside of the part began there: where the longest match would end does not matter.
                Some(end) if end < part.end => return true,
                Some(_) => next = regex.find_at(text, part.start).map(|found| found.start()),
            }
        }
        // Only at the very end is there nothing that an empty match could stand before.
        next.is_some_and(|next| next < part.end || (next == part.end && part.end == text.len()))
    };
    parts.iter().map(begins).collect()
}

/// The text without sequences that choose colours and weights. Places in it, in order, are moved with what they stand
/// before; a place inside of a sequence comes to stand where that was.
pub(super) fn without_colours<'t>(text: &'t [u8], places: &mut [usize]) -> Cow<'t, [u8]> {
    if memchr::memchr(0x1b, text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut places = places.iter_mut().peekable();
    while let Some(at) = memchr::memchr(0x1b, rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = colour(rest).unwrap_or(0);
        let (at, kept) = (text.len() - rest.len(), plain.len());
        while let Some(place) = places.next_if(|place| **place < at + length) {
            *place = kept - at.saturating_sub(*place);
        }
        if length == 0 {
            plain.push(0x1b);
        }
        rest = &rest[length.max(1)..];
    }
    let gone = text.len() - rest.len() - plain.len();
    places.for_each(|place| *place -= gone);
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
        assert_eq!(&*without_colours(b"a\x1b[2Jb\x1b[\x1b", &mut []), b"a\x1b[2Jb\x1b[\x1b");
    }

    #[test]
    fn places_stay_before_what_they_stood_before() {
        let mut places = [0, 1, 2, 4, 6, 7, 8, 9, 10];
        let plain = without_colours(b"ab\x1b[1mcd\x1be", &mut places);
        assert_eq!((&*plain, places), (&b"abcd\x1be"[..], [0, 1, 2, 2, 2, 3, 4, 5, 6]));
    }
}
