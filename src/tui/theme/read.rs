//! The text of a theme file: `inherits = "dark"` and a `[styles]` table with a line per role, such as
//! `failure = "#e06c75 bold"` or `selection = "on #2c323c"`. A colour is `#rrggbb`, a palette name (`red`,
//! `bright-red`, `default`) or 0 to 255.

use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};

use super::{Role, Theme};
use crate::config::{Node, Problem, Reader, document, suggest};

impl Theme {
    /// Reads a theme. `base` gives the one that it inherits from, which has the roles it does not name; without one it
    /// has to name every role.
    ///
    /// # Errors
    /// All that is wrong, in the order of the file.
    pub fn parse(name: &str, text: &str, base: impl FnOnce(&str) -> Result<Self, String>) -> Result<Self, Vec<Problem>> {
        let document = document(text)?;
        let mut reader = Reader::new(text);
        let mut styles = vec![None; Role::ALL.len()];
        let mut inherits = None;
        let mut place = 0..0;
        for (key, value) in document.get_ref() {
            match key.get_ref().as_ref() {
                "inherits" => inherits = reader.text(value).map(|base| (base, value.span())),
                "styles" => {
                    place = key.span();
                    read_styles(&mut reader, value, &mut styles);
                }
                _ => reader.unknown("key", key, &["inherits", "styles"]),
            }
        }
        match inherits {
            Some((from, span)) => match base(&from) {
                Ok(base) => styles.iter_mut().zip(base.styles).for_each(|(style, inherited)| *style = style.or(Some(inherited))),
                Err(message) => reader.wrong(span, message),
            },
            None => missing(&mut reader, place, &styles),
        }
        let problems = reader.finish();
        let styles: Vec<Style> = styles.into_iter().flatten().collect();
        if problems.is_empty() { Ok(Self { name: name.to_owned(), styles }) } else { Err(problems) }
    }
}

fn read_styles(reader: &mut Reader<'_>, value: &Node<'_>, styles: &mut [Option<Style>]) {
    for (key, value) in reader.table(value).into_iter().flatten() {
        let Some((role, _)) = Role::ALL.iter().find(|(_, name)| name == key.get_ref()) else {
            let names: Vec<&str> = Role::ALL.iter().map(|(_, name)| *name).collect();
            reader.unknown("role", key, &names);
            continue;
        };
        // A role that is named wrongly is not missing as well.
        styles[*role as usize] = Some(Style::new());
        if let Some(words) = reader.text(value) {
            match parse_style(&words) {
                Ok(style) => styles[*role as usize] = Some(style),
                Err(wrong) => wrong.tell(reader, value.span(), &words),
            }
        }
    }
}

fn missing(reader: &mut Reader<'_>, place: Range<usize>, styles: &[Option<Style>]) {
    let named = Role::ALL.iter().zip(styles);
    let missing: Vec<&str> = named.filter(|(_, style)| style.is_none()).map(|((_, name), _)| *name).collect();
    match missing.as_slice() {
        [] => {}
        [one] => reader.wrong(place, format!("the role `{one}` has no style")),
        several => {
            let message = format!("{} roles have no style: {}", several.len(), several.join(", "));
            reader.wrong_with_help(place, message, "`inherits = \"dark\"` above takes over what is not said");
        }
    }
}

/// A word of a style that means nothing, and where it begins in the style.
struct Wrong {
    at: usize,
    word: String,
    message: String,
    help: Option<String>,
}

impl Wrong {
    /// Points at the word itself, where the style is written without escapes.
    fn tell(self, reader: &mut Reader<'_>, span: Range<usize>, words: &str) {
        let written = reader.source().get(span.clone()).unwrap_or_default();
        let quotes = written.len().checked_sub(words.len()).filter(|_| written.contains(words)).map(|quotes| quotes / 2);
        let span = quotes.map_or(span.clone(), |quotes| {
            let start = span.start + quotes + self.at;
            start..start + self.word.len()
        });
        match self.help {
            Some(help) => reader.wrong_with_help(span, self.message, help),
            None => reader.wrong(span, self.message),
        }
    }
}

const ATTRIBUTES: &[(&str, Modifier)] = &[
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

fn parse_style(words: &str) -> Result<Style, Wrong> {
    let mut style = Style::new();
    let mut ground = None;
    for word in words.split_whitespace() {
        let at = word.as_ptr().addr() - words.as_ptr().addr();
        if word == "on" {
            ground = Some(at);
        } else if let Some((_, attribute)) = ATTRIBUTES.iter().find(|(name, _)| *name == word) {
            style = style.add_modifier(*attribute);
        } else {
            let colour = parse_colour(word).ok_or_else(|| unreadable(at, word))?;
            style = if ground.take().is_some() { style.bg(colour) } else { style.fg(colour) };
        }
    }
    match ground {
        None => Ok(style),
        Some(at) => Err(Wrong { at, word: "on".to_owned(), message: "`on` needs a colour after it".to_owned(), help: None }),
    }
}

fn unreadable(at: usize, word: &str) -> Wrong {
    let known = PALETTE.iter().map(|(name, _)| *name).chain(ATTRIBUTES.iter().map(|(name, _)| *name)).chain(["on"]);
    let help = match suggest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if word.starts_with('#') => "six digits of red, green and blue, such as `#e5c07b`".to_owned(),
        None => "`#rrggbb`, 0 to 255, a name such as `red`, `bright-red` or `default`, or an attribute such as `bold`".to_owned(),
    };
    Wrong { at, word: word.to_owned(), message: format!("`{word}` is not a colour or an attribute"), help: Some(help) }
}

/// The names of colours, in the order of the palette's numbers.
pub(super) const PALETTE: &[(&str, Color)] = &[
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

fn parse_colour(word: &str) -> Option<Color> {
    if let Some(hex) = word.strip_prefix('#') {
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6 && !hex.starts_with('+'))?;
        let [_, red, green, blue] = value.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    let named = PALETTE.iter().find(|(name, _)| *name == word).map(|(_, colour)| *colour);
    named.or_else(|| word.parse().ok().map(Color::Indexed))
}
