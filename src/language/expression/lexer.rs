//! Text to tokens. After `upstream.` and `stages.` the longest known stage id is one token.

use serde_json::Number;

use super::EvalError;
use super::parser::Ids;
use crate::language::stage_ids::{ends_word, is_id_byte};
use crate::language::template;

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Name(String),
    /// A stage id after `upstream.` or `stages.`, or before `.output`.
    Stage(String),
    Number(Number),
    Text(String),
    /// A quoted text that holds templates, as written; only in conditions.
    Spliced(String),
    Symbol(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: Kind,
    pub offset: usize,
}

/// Longest first.
const SYMBOLS: &[&str] = &[
    "**", "//", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ",", ":", ".", "+", "-", "*", "/", "%", "<",
    ">", "=", "!", "?", "&", "|", "^", "~", "@", ";",
];

pub fn tokens(source: &str, ids: &Ids<'_>, spliced: bool) -> Result<Vec<Token>, EvalError> {
    Lexer { source, at: 0, ids, spliced, broken: false, tokens: Vec::new() }.run()
}

struct Lexer<'s, 'i> {
    source: &'s str,
    at: usize,
    ids: &'i Ids<'i>,
    spliced: bool,
    /// A template that is never closed was met; the search is not repeated.
    broken: bool,
    tokens: Vec<Token>,
}

impl Lexer<'_, '_> {
    fn run(mut self) -> Result<Vec<Token>, EvalError> {
        loop {
            let rest = &self.source[self.at..];
            let Some(next) = rest.chars().next() else { break };
            if next.is_whitespace() {
                self.at += next.len_utf8();
            } else if self.stage_follows() {
                self.stage(rest);
            } else if next.is_ascii_digit() || (next == '.' && self.fraction_follows(rest)) {
                self.number(rest)?;
            } else if next.is_alphabetic() || next == '_' || self.bare_stage(rest).is_some() {
                self.word(rest);
            } else if next == '\'' || next == '"' {
                self.text(next)?;
            } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                self.push(Kind::Symbol(symbol), symbol.len());
            } else {
                return Err(EvalError::syntax(self.at, format!("unexpected character `{}`", next.escape_debug())));
            }
        }
        self.push(Kind::End, 0);
        Ok(self.tokens)
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, offset: self.at });
        self.at += length;
    }

    fn before(&self, back: usize) -> Option<&Kind> {
        self.tokens.len().checked_sub(back).map(|at| &self.tokens[at].kind)
    }

    /// True right after a root `upstream.` or `stages.`.
    fn stage_follows(&self) -> bool {
        let root = |name: &str| name == "upstream" || name == "stages";
        matches!(self.before(1), Some(Kind::Symbol(".")))
            && matches!(self.before(2), Some(Kind::Name(name)) if root(name))
            && !matches!(self.before(3), Some(Kind::Symbol(".")))
    }

    fn stage(&mut self, rest: &str) {
        let known = (self.ids)(rest).filter(|length| *length > 0 && ends_word(rest, *length));
        let word = |c: char| c.is_alphanumeric() || c == '_';
        match known {
            Some(length) => self.push(Kind::Stage(rest[..length].to_owned()), length),
            None => {
                // Not known: the whole run is what the author meant, so that the error can name it.
                let run = rest.bytes().take_while(|byte| is_id_byte(*byte)).count();
                let run = rest[..run].trim_end_matches('-').len();
                match rest.chars().next() {
                    Some(first) if run == 0 && word(first) => self.word(rest),
                    Some(first) if run == 0 => self.push(Kind::Symbol("?"), first.len_utf8()),
                    _ => self.push(Kind::Stage(rest[..run].to_owned()), run),
                }
            }
        }
    }

    /// The length of a stage id that stands bare before `.output`, `.status`, `.error` or `.error_type`.
    fn bare_stage(&self, rest: &str) -> Option<usize> {
        if matches!(self.before(1), Some(Kind::Symbol("."))) {
            return None;
        }
        let length = (self.ids)(rest).filter(|length| *length > 0)?;
        let field = rest[length..].strip_prefix('.')?;
        let word = field.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        matches!(word, "output" | "status" | "error" | "error_type").then_some(length)
    }

    fn word(&mut self, rest: &str) {
        let plain = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        match self.bare_stage(rest) {
            // A plain word may be a bound variable as well: the parser's names decide that later.
            Some(length) if length > plain || !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                self.push(Kind::Stage(rest[..length].to_owned()), length);
            }
            _ => self.push(Kind::Name(rest[..plain].to_owned()), plain),
        }
    }

    /// `.5`, but not the `.5` of `items.5`.
    fn fraction_follows(&self, rest: &str) -> bool {
        let value_before = matches!(
            self.before(1),
            Some(Kind::Name(_) | Kind::Stage(_) | Kind::Text(_) | Kind::Number(_) | Kind::Symbol(")" | "]" | "}"))
        );
        !value_before && rest[1..].starts_with(|c: char| c.is_ascii_digit())
    }

    fn number(&mut self, rest: &str) -> Result<(), EvalError> {
        let bytes = rest.as_bytes();
        let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count();
        let mut end = digits(0);
        let after_dot = matches!(self.before(1), Some(Kind::Symbol(".")));
        if !after_dot {
            if bytes.get(end) == Some(&b'.') {
                end = digits(end + 1);
            }
            if matches!(bytes.get(end), Some(b'e' | b'E')) {
                let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
                if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                    end = digits(end + 1 + sign);
                }
            }
        }
        if let Some(next) = rest[end..].chars().next()
            && (next.is_alphanumeric() || next == '_')
        {
            return Err(EvalError::syntax(self.at, "a number runs into a word"));
        }
        let text = rest[..end].replace('_', "");
        let number = match text.parse::<u64>() {
            Ok(whole) => Number::from(whole),
            Err(_) => {
                let float = text.parse::<f64>().ok().and_then(Number::from_f64);
                float.ok_or_else(|| EvalError::syntax(self.at, "this number is out of range"))?
            }
        };
        self.push(Kind::Number(number), end);
        Ok(())
    }

    fn text(&mut self, quote: char) -> Result<(), EvalError> {
        let start = self.at;
        let body = &self.source[start + 1..];
        let mut text = String::new();
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                let raw = &body[..at];
                let kind = if self.spliced && raw.contains("{{") { Kind::Spliced(raw.to_owned()) } else { Kind::Text(text) };
                self.push(kind, at + 2);
                return Ok(());
            }
            if self.spliced && c == '{' && body[at..].starts_with("{{") {
                let found = if self.broken { None } else { template::template_length(&body[at..]) };
                self.broken = found.is_none();
                let length = found.unwrap_or(2);
                while chars.clone().next().is_some_and(|(next, _)| next < at + length) {
                    chars.next();
                }
            } else if c == '\\' {
                let Some((_, escaped)) = chars.next() else { break };
                unescape(escaped, &mut chars, &mut text).map_err(|message| EvalError::syntax(start + 1 + at, message))?;
            } else {
                text.push(c);
            }
        }
        Err(EvalError::syntax(start, "this quote is never closed"))
    }
}

fn unescape(escaped: char, chars: &mut std::str::CharIndices<'_>, into: &mut String) -> Result<(), &'static str> {
    let plain = match escaped {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        '0' => Some('\0'),
        '\\' | '\'' | '"' => Some(escaped),
        _ => None,
    };
    into.extend(plain);
    let digits = match escaped {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '\n' => return Ok(()),
        _ => {
            into.extend(['\\', escaped].into_iter().filter(|_| plain.is_none()));
            return Ok(());
        }
    };
    let mut code = 0_u32;
    for _ in 0..digits {
        let digit = chars.next().and_then(|(_, c)| c.to_digit(16)).ok_or("this escape needs more hexadecimal digits")?;
        code = code.wrapping_mul(16).wrapping_add(digit);
    }
    into.push(char::from_u32(code).ok_or("this escape is no character")?);
    Ok(())
}

/// The characters of a quoted text as written, with escapes resolved; what is no valid escape stays.
pub fn unescaped(raw: &str) -> String {
    let mut text = String::new();
    let mut chars = raw.char_indices();
    while let Some((_, c)) = chars.next() {
        if c == '\\'
            && let Some((_, escaped)) = chars.next()
        {
            let _ = unescape(escaped, &mut chars, &mut text);
        } else {
            text.push(c);
        }
    }
    text
}
