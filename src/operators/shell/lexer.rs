//! Where in a POSIX-like script a place lies: in a bare word, in quotes, in a here-document, in a substitution.
//!
//! Knows just enough of the shell's grammar to say how a value must be written at a place. Where shells disagree, or
//! the grammar is out of reach (`case` inside `$(…)`), it says that it is in doubt, and nothing is spliced after that.

use super::heredoc::{self, Body, Line};

/// Which shell's words are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// `sh`, whichever shell that is here: only what all of them agree on.
    Sh,
    /// `bash` and its like, which know `$'…'` and `<<<`.
    Bash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Script,
    Paren,
    Backtick,
}

/// Commands: the script itself or a substitution.
#[derive(Debug)]
struct Code {
    end: End,
    /// Open parentheses inside.
    depth: usize,
    /// What has been read of the current word, quoted parts as `"`; empty between words.
    word: String,
    /// Between `[[` and `]]`.
    brackets: bool,
    /// Here-documents whose bodies start after this line.
    waiting: Vec<Body>,
}

#[derive(Debug)]
enum Frame {
    Code(Code),
    Single,
    AnsiC,
    Double,
    /// `${…}`, and whether it stands where double quotes rule.
    Parameter {
        quoted: bool,
    },
    /// `$((…))`, or the command `((…))`.
    Arithmetic {
        depth: usize,
        command: bool,
    },
    Comment,
    Heredoc(Body),
}

/// How a value must be written at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Word,
    /// The index of `name[…]`, which some shells compute.
    Subscript,
    Single,
    AnsiC,
    /// In double quotes; `after_name` directly after `$name`.
    Double {
        after_name: bool,
    },
    Arithmetic,
    Comment,
    Heredoc {
        quoted: bool,
        after_name: bool,
    },
}

/// Reads a script piece by piece.
#[derive(Debug)]
pub(super) struct Lexer {
    flavour: Flavour,
    frames: Vec<Frame>,
    /// Why nothing may be spliced any more.
    doubt: Option<&'static str>,
    /// Why a value spliced already would not arrive.
    broken: Option<&'static str>,
    /// What the last piece ended with that would change the meaning of the next character.
    hanging: Option<&'static str>,
    after_name: bool,
    backslash_in_backticks: bool,
}

impl Lexer {
    pub(super) fn new(flavour: Flavour) -> Self {
        let frames = vec![Frame::Code(Code::new(End::Script))];
        Self { flavour, frames, doubt: None, broken: None, hanging: None, after_name: false, backslash_in_backticks: false }
    }

    /// Reads text that the author wrote.
    pub(super) fn literal(&mut self, text: &str) {
        self.hanging = None;
        self.after_name = false;
        let mut rest = text;
        while !rest.is_empty() {
            let used = self.step(rest);
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// How a value has to be written here, or why it cannot be.
    pub(super) fn place(&self) -> Result<Place, &'static str> {
        if let Some(reason) = self.doubt.or(self.hanging) {
            return Err(reason);
        }
        if self.in_backticks() {
            if self.backslash_in_backticks {
                return Err("a backslash stands before it inside backquotes; use $(…)");
            }
            if self.frames.iter().filter(|frame| matches!(frame, Frame::Double)).count() > 1 {
                return Err("it stands in double quotes inside backquotes inside double quotes; use $(…)");
            }
        }
        let after_name = self.after_name;
        match self.frames.last() {
            Some(Frame::Code(code)) if code.in_subscript() => Ok(Place::Subscript),
            Some(Frame::Code(_)) | None => Ok(Place::Word),
            Some(Frame::Single) => Ok(Place::Single),
            Some(Frame::AnsiC) => Ok(Place::AnsiC),
            Some(Frame::Double) => Ok(Place::Double { after_name }),
            Some(Frame::Parameter { .. }) => Err("it stands inside ${…}"),
            Some(Frame::Arithmetic { .. }) => Ok(Place::Arithmetic),
            Some(Frame::Comment) => Ok(Place::Comment),
            Some(Frame::Heredoc(body)) if self.closes_early(body) => Err("the line starts with the here-document's marker"),
            Some(Frame::Heredoc(body)) => Ok(Place::Heredoc { quoted: body.quoted, after_name }),
        }
    }

    /// Whether backslashes are read once more because a backquote is open.
    pub(super) fn in_backticks(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Code(Code { end: End::Backtick, .. })))
    }

    /// Whether the place lies in `[[ … ]]`, which computes some of its words.
    pub(super) fn in_brackets(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Code(Code { brackets: true, .. })))
    }

    /// Takes note of a value that was written at this place.
    pub(super) fn value(&mut self, text: &str) -> Result<(), &'static str> {
        self.after_name = false;
        match self.frames.last_mut() {
            Some(Frame::Code(code)) => code.word.push('"'),
            Some(Frame::Heredoc(body)) => body.splice(text)?,
            _ => {}
        }
        Ok(())
    }

    /// Whether every value arrives, now that the script is complete.
    pub(super) fn finish(&self) -> Result<(), &'static str> {
        let last = match self.frames.last() {
            Some(Frame::Heredoc(body)) => body.is_spliced_marker(),
            _ => false,
        };
        match self.broken {
            Some(reason) => Err(reason),
            None if last => Err("its value ends the here-document"),
            None => Ok(()),
        }
    }

    /// Reads one token that starts `rest` and says how many bytes it has.
    fn step(&mut self, rest: &str) -> usize {
        let Some(c) = rest.chars().next() else { return 0 };
        if c == '\n' {
            self.check_newline();
        }
        if c == '\\' && self.in_backticks() {
            self.backslash_in_backticks = true;
        }
        if c == '`' && self.in_backticks() {
            return self.backtick();
        }
        match self.frames.last_mut() {
            None | Some(Frame::Code(_)) => self.code(c, rest),
            Some(Frame::Single) => self.until(c, '\''),
            Some(Frame::AnsiC) if c == '\\' => self.escape(rest),
            Some(Frame::AnsiC) => self.until(c, '\''),
            Some(Frame::Double) if c == '"' => self.until(c, '"'),
            Some(Frame::Double) => self.quoted(c, rest, true),
            Some(Frame::Parameter { quoted }) => {
                let quoted = *quoted;
                self.parameter(c, rest, quoted)
            }
            Some(Frame::Arithmetic { .. }) => self.arithmetic(c, rest),
            Some(Frame::Comment) => self.comment(c, rest),
            Some(Frame::Heredoc(_)) => self.heredoc(c, rest),
        }
    }

    fn until(&mut self, c: char, end: char) -> usize {
        if c == end {
            self.frames.pop();
        }
        c.len_utf8()
    }

    /// A backslash and what it escapes.
    fn escape(&mut self, rest: &str) -> usize {
        match rest.chars().nth(1) {
            Some(next) => 1 + next.len_utf8(),
            None => {
                self.hanging = Some("a backslash stands directly before it");
                1
            }
        }
    }

    fn comment(&mut self, c: char, rest: &str) -> usize {
        match c {
            '\n' => {
                self.frames.pop();
                self.step(rest)
            }
            _ => c.len_utf8(),
        }
    }

    fn code(&mut self, c: char, rest: &str) -> usize {
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

    /// Characters where double quotes rule: double quotes themselves, here-documents, arithmetic.
    fn quoted(&mut self, c: char, rest: &str, quoted: bool) -> usize {
        match c {
            '\\' => self.escape(rest),
            '`' => self.backtick(),
            '$' => self.dollar(rest, quoted),
            _ => c.len_utf8(),
        }
    }

    fn parameter(&mut self, c: char, rest: &str, quoted: bool) -> usize {
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

    fn arithmetic(&mut self, c: char, rest: &str) -> usize {
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

    fn heredoc(&mut self, c: char, rest: &str) -> usize {
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
    fn closes_early(&self, body: &Body) -> bool {
        let nested = self.frames.iter().any(|frame| matches!(frame, Frame::Code(code) if code.end != End::Script));
        nested && body.begins_with_marker()
    }

    /// `$` and what it introduces. `quoted`: double quotes rule here.
    fn dollar(&mut self, rest: &str, quoted: bool) -> usize {
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

    fn backtick(&mut self) -> usize {
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
    fn check_newline(&mut self) {
        let Some((_, below)) = self.frames.split_last() else { return };
        let open = below.iter().any(|frame| matches!(frame, Frame::Heredoc(_)));
        let waiting = below.iter().any(|frame| matches!(frame, Frame::Code(code) if !code.waiting.is_empty()));
        let top_is_line = matches!(self.frames.last(), Some(Frame::Heredoc(_) | Frame::Comment));
        if open || waiting && !top_is_line {
            self.doubt = Some("a line ends inside a substitution or quote of a here-document before it");
        }
    }

    /// A substitution that ends before the here-documents it announced.
    fn check_waiting(&mut self) {
        if self.code_frame().is_some_and(|code| !code.waiting.is_empty()) {
            self.doubt = Some("a substitution ends before its here-document before it");
        }
    }

    fn open(&mut self, frame: Frame, used: usize) -> usize {
        if !matches!(frame, Frame::Comment | Frame::Arithmetic { command: true, .. }) {
            self.grow_word('"');
        }
        self.frames.push(frame);
        used
    }

    fn code_frame(&self) -> Option<&Code> {
        match self.frames.last() {
            Some(Frame::Code(code)) => Some(code),
            _ => None,
        }
    }

    fn grow_word(&mut self, c: char) {
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

/// What ends a word for every shell; other white space does not.
pub(super) fn is_break(c: char) -> bool {
    " \t\n;&|()<>".contains(c)
}

impl Code {
    fn new(end: End) -> Self {
        Self { end, depth: 0, word: String::new(), brackets: false, waiting: Vec::new() }
    }

    /// Inside the brackets of `name[…`.
    fn in_subscript(&self) -> bool {
        let Some((name, index)) = self.word.rsplit_once('[') else { return false };
        !index.contains(']') && !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }
}
