//! JSON text to nodes. Strict: no comments, trailing commas or other leniencies, since other tools read the file too.

use std::ops::Range;

use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::limits::DOCUMENT_DEPTH;
use super::node::{Data, Entry, Node, repeated_key};
use super::problem::Problem;

/// Parses `text`; the first syntax error ends it, repeated keys are all collected in `problems`.
pub fn parse<'t>(text: &'t str, problems: &mut Vec<Problem>) -> Option<Node<'t>> {
    let base = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[base..];
    if let Err(problem) = scan(body) {
        problems.push(moved(problem, base));
        return None;
    }
    match parse_to_ast(body, &CollectOptions::default(), &strict()) {
        Ok(result) => match result.value {
            Some(ast) => Some(Reader { base, problems }.node(ast)),
            None => {
                problems.push(Problem::error("syntax", base..text.len(), "the document is empty"));
                None
            }
        },
        Err(error) => {
            let range = error.range();
            problems.push(moved(describe(error.kind(), range.start..range.end, body), base));
            None
        }
    }
}

fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn moved(mut problem: Problem, by: usize) -> Problem {
    problem.span = problem.span.start + by..problem.span.end + by;
    problem
}

/// One pass over the bytes before any recursion: depth, strings that run over the end of a line, brackets left open.
fn scan(text: &str) -> Result<(), Problem> {
    let bytes = text.as_bytes();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at)?,
            b'[' | b'{' => {
                if open.len() == DOCUMENT_DEPTH {
                    return Err(Problem::error("too-deep", at..at + 1, format!("nested deeper than {DOCUMENT_DEPTH} levels"))
                        .helped("a pipeline is a few levels deep; this looks like damage or an attack"));
                }
                open.push(at);
            }
            b']' | b'}' => {
                let pair = open.pop().map(|start| (bytes[start], byte));
                if let Some((b'[', b'}') | (b'{', b']')) = pair {
                    let wanted = if byte == b'}' { ']' } else { '}' };
                    return Err(Problem::error("syntax", at..at + 1, "this bracket closes one of the other kind")
                        .labelled(format!("`{wanted}` is due first")));
                }
            }
            // The parser behind this would take more kinds of blanks than JSON has.
            byte if !(byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) => {
                let wide = text[at..].chars().next().map_or(1, char::len_utf8);
                return Err(Problem::error("syntax", at..at + wide, "a character that JSON has only inside strings"));
            }
            _ => {}
        }
        at += 1;
    }
    match open.last() {
        Some(&at) => Err(Problem::error("syntax", at..at + 1, "this bracket is never closed").labelled("opened here")),
        None => Ok(()),
    }
}

/// The index of the closing quote of the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, Problem> {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at),
            Some(b'\\') => at += 2,
            Some(byte) if *byte < 0x20 && *byte != b'\n' && *byte != b'\r' => {
                return Err(Problem::error("syntax", at..at + 1, "a control character inside a string")
                    .helped(if *byte == b'\t' { "write a tab as \\t" } else { "write it as a \\u escape" }));
            }
            Some(b'\n' | b'\r') | None => {
                return Err(Problem::error("syntax", start..at.min(bytes.len()), "this string is not closed on its line")
                    .helped("close it with `\"`, and write a line break as \\n"));
            }
            Some(_) => at += 1,
        }
    }
}

fn describe(kind: &ParseErrorKind, span: Range<usize>, text: &str) -> Problem {
    let help = match kind {
        ParseErrorKind::CommentsNotAllowed => {
            Some("JSON has no comments; put the text into a `description`, or write the pipeline in YAML")
        }
        ParseErrorKind::TrailingCommasNotAllowed => Some("remove the comma before the closing bracket"),
        ParseErrorKind::ExpectedComma => Some("two values stand side by side; put a comma between them"),
        ParseErrorKind::SingleQuotedStringsNotAllowed => Some("use double quotes"),
        ParseErrorKind::UnexpectedWord | ParseErrorKind::ExpectedStringObjectProperty => Some("text is written in double quotes"),
        _ => None,
    };
    let mut message = kind.to_string();
    if let Some(first) = message.get_mut(..1)
        && !message_starts_with_acronym(kind)
    {
        first.make_ascii_lowercase();
    }
    let span = if span.is_empty() && span.start == text.len() { span.start.saturating_sub(1)..span.end } else { span };
    Problem::error("syntax", span, message).maybe_helped(help.map(str::to_owned))
}

fn message_starts_with_acronym(kind: &ParseErrorKind) -> bool {
    matches!(kind, ParseErrorKind::NonFiniteNumbersNotAllowed)
}

struct Reader<'p> {
    base: usize,
    problems: &'p mut Vec<Problem>,
}

impl Reader<'_> {
    fn node<'t>(&mut self, ast: Ast<'t>) -> Node<'t> {
        let range = ast.range();
        let span = range.start + self.base..range.end + self.base;
        let data = match ast {
            Ast::StringLit(text) => Data::Text(text.value),
            Ast::NumberLit(number) => self.number(number.value, &span),
            Ast::BooleanLit(value) => Data::Bool(value.value),
            Ast::NullKeyword(_) => Data::Null,
            Ast::Array(array) => Data::List(array.elements.into_iter().map(|element| self.node(element)).collect()),
            Ast::Object(object) => {
                let entries: Vec<Entry<'t>> = object.properties.into_iter().map(|property| self.entry(property)).collect();
                if let Some(at) = repeated_key(&entries) {
                    let entry = &entries[at];
                    let message = format!("the key `{}` appears twice", entry.key);
                    self.problems.push(Problem::error("duplicate-key", entry.key_span.clone(), message));
                }
                Data::Map(entries)
            }
        };
        Node::new(span, data)
    }

    fn entry<'t>(&mut self, property: jsonc_parser::ast::ObjectProp<'t>) -> Entry<'t> {
        let range = property.name.range();
        let key = match property.name {
            ObjectPropName::String(text) => text.value,
            ObjectPropName::Word(word) => word.value.into(),
        };
        Entry { key, key_span: range.start + self.base..range.end + self.base, value: self.node(property.value) }
    }

    fn number(&mut self, text: &str, span: &Range<usize>) -> Data<'static> {
        match text.parse::<serde_json::Number>() {
            Ok(number) => Data::Number(number),
            Err(_) => {
                self.problems.push(Problem::error("syntax", span.clone(), "this number is out of range"));
                Data::Null
            }
        }
    }
}
