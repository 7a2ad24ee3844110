//! Where in a POSIX-like script a place lies: in a bare word, in quotes, in a here-document, in a substitution.
//!
//! Knows just enough of the shell's grammar to say how a value must be written at a place. Where shells disagree, or
//! the grammar is out of reach (`case` inside `$(…)`), it says that it is in doubt, and nothing is spliced after that.

mod expansion;
mod line;

use super::heredoc::Body;

/// Which shell's words are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// `sh`, whichever shell that is here: only what all of them agree on.
    Sh,
    /// `bash` and its like, which know `$'…'` and `<<<`.
    Bash,
}

impl Flavour {
    /// The quoting rules of an interpreter; `None` when they are not a POSIX shell's.
    pub fn of(interpreter: &[String]) -> Option<Self> {
        let mut words = interpreter.iter().map(|word| base(word)).skip_while(|word| matches!(*word, "env" | "busybox"));
        Self::named(words.next()?)
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "sh" | "dash" | "ash" => Some(Self::Sh),
            "bash" | "zsh" | "ksh" | "mksh" => Some(Self::Bash),
            _ => None,
        }
    }
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
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
        // Quotes inside these do not quote as they do elsewhere.
        let mut around = self.frames.iter().rev().take_while(|frame| !matches!(frame, Frame::Code(_)));
        match around.find(|frame| matches!(frame, Frame::Arithmetic { .. } | Frame::Parameter { .. })) {
            Some(Frame::Arithmetic { .. }) => return Ok(Place::Arithmetic),
            Some(_) => return Err("it stands inside ${…}"),
            None => {}
        }
        match self.frames.last() {
            Some(Frame::Code(code)) if code.in_subscript() => Ok(Place::Subscript),
            Some(Frame::Code(_)) | None => Ok(Place::Word),
            Some(Frame::Single) => Ok(Place::Single),
            Some(Frame::AnsiC) => Ok(Place::AnsiC),
            Some(Frame::Double) => Ok(Place::Double { after_name }),
            Some(Frame::Parameter { .. } | Frame::Arithmetic { .. }) => Err("it stands where quotes do not quote"),
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
