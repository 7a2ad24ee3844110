//! Lines of commands: words, parentheses, comments, and the here-documents that follow them.

use super::super::heredoc::{self, Body, Line};
use super::{End, Flavour, Frame, Lexer, is_break};

impl Lexer {
    pub(super) fn comment(&mut self, c: char, rest: &str) -> usize {
        match c {
            '\n' => {
                self.frames.pop();
                self.step(rest)
            }
            _ => c.len_utf8(),
        }
    }

    pub(super) fn code(&mut self, c: char, rest: &str) -> usize {
        let starts_word = self.code_frame().is_none_or(|code| code.word.is_empty());
        if is_break(c) {
            self.end_word();
        }
        match c {
            '\n' => self.start_heredocs(),
            '\\' => {
                if !rest.starts_with("\\\n") {
                    self.grow_word('\\');
                }
                return self.escape(rest);
            }
            '\'' => return self.open(Frame::Single, 1),
            '"' => return self.open(Frame::Double, 1),
            '`' => return self.backtick(),
            '$' => return self.dollar(rest, false),
            '#' if starts_word => return self.open(Frame::Comment, 1),
            '(' if rest.starts_with("((") && starts_word => return self.open(Frame::Arithmetic { depth: 0, command: true }, 2),
            '(' | ')' => self.paren(c),
            '<' if rest.starts_with("<<") => return self.redirect(rest),
            _ if is_break(c) => {}
            _ => self.grow_word(c),
        }
        c.len_utf8()
    }

    pub(super) fn heredoc(&mut self, c: char, rest: &str) -> usize {
        let Some(Frame::Heredoc(body)) = self.frames.last_mut() else { return c.len_utf8() };
        if c == '\n' {
            let ended = body.end_line();
            match ended {
                Some(Line::Spliced) => self.broken = Some("its value completes a line that ends the here-document"),
                Some(Line::Joined) => self.doubt = Some("a line of a here-document before it turned into its marker"),
                Some(Line::Written) | None => {}
            }
            if ended.is_some() {
                self.frames.pop();
                self.start_heredocs();
            }
            return 1;
        }
        let used = if body.quoted {
            body.push(c);
            c.len_utf8()
        } else if rest.starts_with("\\\n") {
            body.join();
            2
        } else {
            body.push(c);
            self.quoted(c, rest, true)
        };
        if let Some(Frame::Heredoc(body)) = self.frames.last()
            && self.closes_early(body)
        {
            self.doubt = Some("a line before it starts with the here-document's marker");
        }
        used
    }

    /// A marker followed by something, inside `$(…)`: some shells end the document there.
    pub(super) fn closes_early(&self, body: &Body) -> bool {
        let nested = self.frames.iter().any(|frame| matches!(frame, Frame::Code(code) if code.end != End::Script));
        nested && body.begins_with_marker()
    }

    fn paren(&mut self, c: char) {
        let Some(Frame::Code(code)) = self.frames.last_mut() else { return };
        match (c, code.depth) {
            ('(', _) => code.depth += 1,
            (_, 0) if code.end == End::Paren => {
                self.check_waiting();
                self.frames.pop();
            }
            (_, depth) => code.depth = depth.saturating_sub(1),
        }
    }

    fn redirect(&mut self, rest: &str) -> usize {
        if rest.starts_with("<<<") {
            if self.flavour == Flavour::Sh {
                self.doubt = Some("a <<<, which not every sh knows, stands before it");
            }
            return 3;
        }
        let Some((body, used)) = heredoc::parse(rest) else {
            self.doubt = Some("a here-document whose marker is not a plain word stands before it");
            return 2;
        };
        if used == rest.len() {
            self.hanging = Some("it stands in the marker of a here-document");
        }
        if let Some(Frame::Code(code)) = self.frames.last_mut() {
            code.waiting.push(body);
        }
        used
    }

    fn start_heredocs(&mut self) {
        if let Some(Frame::Code(code)) = self.frames.last_mut()
            && !code.waiting.is_empty()
        {
            let body = code.waiting.remove(0);
            self.frames.push(Frame::Heredoc(body));
        }
    }

    /// A line end where shells disagree about the here-documents that are open or waiting.
    pub(super) fn check_newline(&mut self) {
        let Some((_, below)) = self.frames.split_last() else { return };
        let open = below.iter().any(|frame| matches!(frame, Frame::Heredoc(_)));
        let waiting = below.iter().any(|frame| matches!(frame, Frame::Code(code) if !code.waiting.is_empty()));
        let top_is_line = matches!(self.frames.last(), Some(Frame::Heredoc(_) | Frame::Comment));
        if open || waiting && !top_is_line {
            self.doubt = Some("a line ends inside a substitution or quote of a here-document before it");
        }
    }

    /// A substitution that ends before the here-documents it announced.
    pub(super) fn check_waiting(&mut self) {
        if self.code_frame().is_some_and(|code| !code.waiting.is_empty()) {
            self.doubt = Some("a substitution ends before its here-document before it");
        }
    }

    pub(super) fn grow_word(&mut self, c: char) {
        if let Some(Frame::Code(code)) = self.frames.last_mut() {
            code.word.push(c);
        }
    }

    /// A `case` in parentheses: its patterns close parentheses that were never opened.
    fn end_word(&mut self) {
        if let Some(Frame::Code(code)) = self.frames.last_mut() {
            if code.end == End::Paren && code.word == "case" {
                self.doubt = Some("a `case` stands inside $(…) before it");
            }
            match code.word.as_str() {
                "[[" => code.brackets = true,
                "]]" => code.brackets = false,
                _ => {}
            }
            code.word.clear();
        }
    }
}
