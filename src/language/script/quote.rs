//! Splices values into a script so that each arrives as its literal text, wherever it stands.

use super::lexer::{Flavour, Lexer, Place};

/// A part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What the author wrote, or vouched for with `raw(…)`.
    Literal(String),
    /// A value to quote, and the expression it came from, for errors.
    Value { text: String, expression: String },
    /// A value that is not known yet, only shown: what stands for it is written as it is.
    Later(String),
}

impl Piece {
    /// The text, unless it is a value.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Value { .. } | Self::Later(_) => None,
        }
    }
}

/// A value that cannot be written where it stands. The value itself is not told: it may be a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the value of {{{{{expression}}}}} cannot be quoted here: {reason}")]
pub struct Unquotable {
    expression: String,
    reason: &'static str,
}

/// The whole script.
///
/// # Errors
/// The first value that cannot be written where it stands.
pub fn splice(pieces: &[Piece], flavour: Flavour) -> Result<String, Unquotable> {
    let mut lexer = Lexer::new(flavour);
    let mut script = String::new();
    let mut last = "";
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(text) => {
                // Only a whole stretch of text can be read: `$` and `(` may come in two parts.
                if !matches!(pieces.get(at.wrapping_sub(1)), Some(Piece::Literal(_))) {
                    lexer.literal(&stretch(&pieces[at..]));
                }
                script.push_str(text);
            }
            Piece::Value { text, expression } => {
                last = expression;
                let computed = lexer.in_brackets() && brackets_compute(pieces, at);
                let written =
                    if computed { whole_number(text).and_then(|_| write(&mut lexer, text)) } else { write(&mut lexer, text) };
                script.push_str(&written.map_err(|reason| Unquotable { expression: expression.clone(), reason })?);
            }
            Piece::Later(shown) => {
                last = shown;
                let noted = lexer.place().and_then(|_| lexer.value("x"));
                noted.map_err(|reason| Unquotable { expression: shown.clone(), reason })?;
                script.push_str(shown);
            }
        }
    }
    lexer.finish().map_err(|reason| Unquotable { expression: last.to_owned(), reason })?;
    Ok(script)
}

/// The literals that follow each other.
fn stretch(pieces: &[Piece]) -> String {
    pieces.iter().map_while(Piece::literal).collect()
}

/// Whether the `[[ … ]]` around a piece holds an operator that computes the words beside it, and what those name.
fn brackets_compute(pieces: &[Piece], at: usize) -> bool {
    const COMPUTING: &[&str] = &["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", "-R"];
    let text = |pieces: &[Piece]| pieces.iter().map(|piece| piece.literal().unwrap_or("x")).collect::<String>();
    let (before, after) = (text(&pieces[..at]), text(&pieces[at..]));
    let before = before.rsplit("[[").next().unwrap_or_default();
    let after = after.split("]]").next().unwrap_or_default();
    format!("{before}{after}").split_whitespace().any(|word| COMPUTING.contains(&word))
}

fn write(lexer: &mut Lexer, text: &str) -> Result<String, &'static str> {
    if text.contains('\0') {
        return Err("its value contains a NUL character, which no script can");
    }
    let place = lexer.place()?;
    let written = match place {
        Place::Word => word(text),
        Place::Subscript if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => text.to_owned(),
        Place::Subscript => return Err("it is an index in […], which some shells compute"),
        Place::Single => text.replace('\'', r"'\''"),
        Place::AnsiC => format!("'{}$'", word(text)),
        Place::Double { after_name } if after_name || !text.chars().all(is_plain) => format!("\"{}\"", word(text)),
        Place::Double { .. } => text.to_owned(),
        Place::Arithmetic => whole_number(text)?,
        Place::Comment => text.chars().map(|c| if is_plain(c) { c } else { '_' }).collect(),
        Place::Heredoc { quoted: true, .. } => text.to_owned(),
        Place::Heredoc { after_name: true, .. } => return Err("it stands directly behind a $name; write ${name}"),
        Place::Heredoc { .. } => escape(text, &['\\', '$', '`']),
    };
    lexer.value(text)?;
    Ok(if lexer.in_backticks() { escape(&written, &['\\', '`']) } else { written })
}

/// One word in single quotes, which nothing expands.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Characters without a meaning inside double quotes or a comment.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " _-./:@%+=,".contains(c)
}

/// Shells compute names they find in arithmetic, and what those hold.
fn whole_number(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("it stands where shells compute and is not a whole number");
    }
    Ok(if text.starts_with('-') { format!("({text})") } else { text.to_owned() })
}

fn escape(text: &str, special: &[char]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
