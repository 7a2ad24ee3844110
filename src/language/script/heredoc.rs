//! Here-documents: the marker, and the lines of a body until the marker comes again.

use super::lexer::is_break;

/// A here-document, while it waits for its body and while the body is read.
#[derive(Debug)]
pub(super) struct Body {
    marker: String,
    /// The marker was quoted: nothing in the body is expanded.
    pub(super) quoted: bool,
    /// `<<-`: tabs at the start of lines are dropped.
    strip_tabs: bool,
    line: String,
    /// A value is part of the line.
    spliced: bool,
    /// The line continues an earlier one that ended in a backslash.
    joined: bool,
}

/// How a line came to be the marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Written,
    /// Over a backslash at a line end, where shells disagree.
    Joined,
    /// With a value in it.
    Spliced,
}

/// Reads `<<MARKER` or `<<-'MARKER'` at the start of `rest`; `None` when the marker is not made of plain characters.
pub(super) fn parse(rest: &str) -> Option<(Body, usize)> {
    let mut at = 2;
    let strip_tabs = rest[at..].starts_with('-');
    at += usize::from(strip_tabs);
    at += rest[at..].len() - rest[at..].trim_start_matches([' ', '\t']).len();
    let (mut marker, mut quoted, mut quote) = (String::new(), false, None);
    let mut chars = rest[at..].char_indices();
    let mut used = rest.len();
    while let Some((offset, c)) = chars.next() {
        match (c, quote) {
            ('\n', Some(_)) => return None,
            (_, Some(mark)) if c == mark => quote = None,
            ('\\' | '$' | '`', Some('"')) | ('$' | '`', None) => return None,
            (_, Some(_)) => marker.push(c),
            ('\'' | '"', None) => (quote, quoted) = (Some(c), true),
            ('\\', None) => {
                quoted = true;
                marker.push(chars.next().map(|(_, next)| next).filter(|next| *next != '\n')?);
            }
            (_, None) if is_break(c) => {
                used = at + offset;
                break;
            }
            (_, None) => marker.push(c),
        }
    }
    let unfinished = quote.is_some() || marker.is_empty() && !quoted;
    let body = Body { marker, quoted, strip_tabs, line: String::new(), spliced: false, joined: false };
    (!unfinished || used == rest.len()).then_some((body, used))
}

impl Body {
    pub(super) fn push(&mut self, c: char) {
        self.line.push(c);
    }

    /// A backslash at the end of the line.
    pub(super) fn join(&mut self) {
        self.joined = true;
    }

    /// Ends the line; says how it came to be the marker, when it is.
    pub(super) fn end_line(&mut self) -> Option<Line> {
        let how = match (self.spliced, self.joined) {
            (true, _) => Line::Spliced,
            (false, true) => Line::Joined,
            (false, false) => Line::Written,
        };
        let ended = self.is_marker().then_some(how);
        self.line.clear();
        self.joined = false;
        self.spliced = false;
        ended
    }

    pub(super) fn is_spliced_marker(&self) -> bool {
        self.spliced && self.is_marker()
    }

    pub(super) fn begins_with_marker(&self) -> bool {
        let line = self.trimmed();
        line.len() > self.marker.len() && line.starts_with(&self.marker)
    }

    /// Takes note of a value in the body, or says why it would not arrive as it is.
    pub(super) fn splice(&mut self, text: &str) -> Result<(), &'static str> {
        const MARKER: &str = "its value has a line that ends the here-document";
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                if self.is_marker() {
                    return Err(MARKER);
                }
                self.line.clear();
                self.joined = false;
            }
            if self.strip_tabs && line.starts_with('\t') && self.trimmed().is_empty() {
                return Err("its value has a line that starts with a tab, which <<- drops");
            }
            self.line.push_str(line);
            self.spliced = true;
        }
        Ok(())
    }

    fn is_marker(&self) -> bool {
        self.trimmed() == self.marker
    }

    fn trimmed(&self) -> &str {
        if self.strip_tabs { self.line.trim_start_matches('\t') } else { &self.line }
    }
}
