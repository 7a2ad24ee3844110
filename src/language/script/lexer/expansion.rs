//! What `$` and backquotes introduce, and the characters inside it.

use super::{Code, End, Flavour, Frame, Lexer};

impl Lexer {
    /// Characters where double quotes rule: double quotes themselves, here-documents, arithmetic.
    pub(super) fn quoted(&mut self, c: char, rest: &str, quoted: bool) -> usize {
        match c {
            '\\' => self.escape(rest),
            '`' => self.backtick(),
            '$' => self.dollar(rest, quoted),
            _ => c.len_utf8(),
        }
    }

    pub(super) fn parameter(&mut self, c: char, rest: &str, quoted: bool) -> usize {
        match c {
            '}' => self.until(c, '}'),
            '\'' | '"' if quoted => {
                self.doubt = Some("quotes stand inside a quoted ${…} before it");
                1
            }
            '\'' => self.open(Frame::Single, 1),
            '"' => self.open(Frame::Double, 1),
            _ => self.quoted(c, rest, quoted),
        }
    }

    pub(super) fn arithmetic(&mut self, c: char, rest: &str) -> usize {
        let Some(Frame::Arithmetic { depth, command }) = self.frames.last_mut() else { return c.len_utf8() };
        match c {
            '(' => *depth += 1,
            ')' if *depth > 0 => *depth -= 1,
            ')' => {
                self.frames.pop();
                if rest.starts_with("))") {
                    return 2;
                }
                self.doubt = Some("an ((…)) before it does not end in ))");
            }
            '\'' => self.doubt = Some("a quote stands inside ((…)) before it"),
            '#' => self.doubt = Some("a # stands inside ((…)) before it"),
            '<' if *command && rest.starts_with("<<") => self.doubt = Some("a << stands inside ((…)) before it"),
            '"' => return self.open(Frame::Double, 1),
            _ => return self.quoted(c, rest, true),
        }
        1
    }

    /// `$` and what it introduces. `quoted`: double quotes rule here.
    pub(super) fn dollar(&mut self, rest: &str, quoted: bool) -> usize {
        let after = rest.get(1..).unwrap_or_default();
        if !quoted {
            self.grow_word('$');
        }
        match after.chars().next() {
            None => {
                self.hanging = Some("a dollar sign stands directly before it; write \\$ for the sign itself");
                1
            }
            Some('(') if after.starts_with("((") => self.open(Frame::Arithmetic { depth: 0, command: false }, 3),
            Some('(') => self.open(Frame::Code(Code::new(End::Paren)), 2),
            Some('{') => {
                if after.get(1..).is_some_and(|inner| inner.starts_with(|c: char| c.is_whitespace() || c == '|')) {
                    self.doubt = Some("a ${ …} with commands stands before it");
                }
                self.open(Frame::Parameter { quoted }, 2)
            }
            Some('[') => {
                self.doubt = Some("a $[ stands before it");
                1
            }
            Some('\'') if !quoted => self.ansi_c(after),
            Some('"') if !quoted => self.open(Frame::Double, 2),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.name(after),
            Some(c) if c.is_ascii_digit() || "#$?!@*-".contains(c) => {
                self.after_name = after.len() == 1 && c.is_ascii_digit();
                2
            }
            Some(_) => 1,
        }
    }

    /// `$name`, which a value directly behind it would make longer.
    fn name(&mut self, after: &str) -> usize {
        let len = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        self.after_name = len == after.len();
        1 + len
    }

    /// `$'…'`: an escaping quote for some shells, a dollar sign and a plain quote for others.
    fn ansi_c(&mut self, after: &str) -> usize {
        match self.flavour {
            Flavour::Bash => self.open(Frame::AnsiC, 2),
            Flavour::Sh => {
                let inside = after.get(1..).and_then(|body| body.split_once('\'')).map(|(inside, _)| inside);
                if inside.is_none_or(|inside| inside.contains('\\')) {
                    self.doubt = Some("a $'…', which not every sh knows, stands before or around it");
                }
                self.open(Frame::Single, 2)
            }
        }
    }

    pub(super) fn backtick(&mut self) -> usize {
        let opened = self.frames.iter().rposition(|frame| matches!(frame, Frame::Code(Code { end: End::Backtick, .. })));
        match opened {
            None => self.open(Frame::Code(Code::new(End::Backtick)), 1),
            Some(at) => {
                if at + 1 < self.frames.len() {
                    self.doubt = Some("a backquote stands inside quotes inside backquotes before it; use $(…)");
                }
                self.check_waiting();
                self.frames.truncate(at);
                self.backslash_in_backticks = false;
                1
            }
        }
    }
}
