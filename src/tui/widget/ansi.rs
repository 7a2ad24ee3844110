//! The colours of a log line: select-graphic-rendition sequences become styles; nothing else of a line is obeyed.

use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};

/// A stretch of the line's text with one style. The bytes between pieces are the sequences that made the styles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub range: Range<usize>,
    pub style: Style,
}

/// Finds the pieces of a line. Hyperlink marks (OSC 8) are dropped around their text; any other sequence stays part of
/// the text, where its escape character is shown inert.
pub fn pieces(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut style, mut start, mut at) = (Style::new(), 0, 0);
    while let Some(found) = memchr::memchr(0x1b, &line.as_bytes()[at..]) {
        let escape = at + found;
        let rest = &line.as_bytes()[escape + 1..];
        let (length, next) = if let Some(length) = graphic_rendition(rest) {
            (length, apply(style, &line[escape + 2..escape + length]))
        } else if let Some(length) = hyperlink(rest) {
            (length, style)
        } else {
            at = escape + 1;
            continue;
        };
        push(&mut pieces, start..escape, style);
        style = next;
        at = escape + 1 + length;
        start = at;
    }
    push(&mut pieces, start..line.len(), style);
    pieces
}

fn push(pieces: &mut Vec<Piece>, range: Range<usize>, style: Style) {
    if !range.is_empty() {
        pieces.push(Piece { range, style });
    }
}

/// The length after the escape of `[` parameters `m`.
fn graphic_rendition(rest: &[u8]) -> Option<usize> {
    let end = rest.iter().take(80).position(|byte| !matches!(byte, b'[' | b'0'..=b'9' | b';' | b':'))?;
    let plain = rest.first() == Some(&b'[') && rest[end] == b'm' && !rest[1..end].contains(&b'[');
    plain.then_some(end + 1)
}

/// The length after the escape of `]8;…` up to its terminator.
fn hyperlink(rest: &[u8]) -> Option<usize> {
    let body = rest.strip_prefix(b"]8;")?;
    let end = body.iter().take(4_096).position(|byte| *byte == 0x07 || *byte == 0x1b)?;
    match (body[end], body.get(end + 1)) {
        (0x07, _) => Some(3 + end + 1),
        (_, Some(b'\\')) => Some(3 + end + 2),
        _ => None,
    }
}

/// The style after the parameters between `[` and `m`.
fn apply(mut style: Style, parameters: &str) -> Style {
    let mut groups = parameters.split(';').peekable();
    while let Some(group) = groups.next() {
        let mut parts = group.split(':');
        let code: u16 = match parts.next() {
            Some("") | None => 0,
            Some(number) => number.parse().unwrap_or(u16::MAX),
        };
        style = match code {
            0 => Style::new(),
            4 if parts.next() == Some("0") => style.remove_modifier(Modifier::UNDERLINED),
            38 | 48 | 58 => {
                let colour = if group.contains(':') { colour_of(&mut parts, true) } else { colour_of(&mut groups, false) };
                match (code, colour) {
                    (38, Some(colour)) => style.fg(colour),
                    (48, Some(colour)) => style.bg(colour),
                    _ => style,
                }
            }
            other => simple(style, other),
        };
    }
    style
}

fn simple(style: Style, code: u16) -> Style {
    match code {
        1 => style.add_modifier(Modifier::BOLD),
        2 => style.add_modifier(Modifier::DIM),
        3 => style.add_modifier(Modifier::ITALIC),
        4 | 21 => style.add_modifier(Modifier::UNDERLINED),
        7 => style.add_modifier(Modifier::REVERSED),
        9 => style.add_modifier(Modifier::CROSSED_OUT),
        22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
        23 => style.remove_modifier(Modifier::ITALIC),
        24 => style.remove_modifier(Modifier::UNDERLINED),
        27 => style.remove_modifier(Modifier::REVERSED),
        29 => style.remove_modifier(Modifier::CROSSED_OUT),
        30..=37 => style.fg(palette(code - 30)),
        39 => style.fg(Color::Reset),
        40..=47 => style.bg(palette(code - 40)),
        49 => style.bg(Color::Reset),
        90..=97 => style.fg(palette(code - 82)),
        100..=107 => style.bg(palette(code - 92)),
        _ => style,
    }
}

/// Reads `5;n`, `2;r;g;b` or the colon forms, which may have a colour space before the three parts.
fn colour_of<'a>(parts: &mut impl Iterator<Item = &'a str>, colons: bool) -> Option<Color> {
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u8>().ok());
    match parts.next()? {
        "5" => number(parts.next()).map(|n| if n < 16 { palette(u16::from(n)) } else { Color::Indexed(n) }),
        "2" if colons => {
            let rest: Vec<&str> = parts.collect();
            let rgb = rest.get(rest.len().checked_sub(3)?..)?;
            Some(Color::Rgb(rgb[0].parse().ok()?, rgb[1].parse().ok()?, rgb[2].parse().ok()?))
        }
        "2" => {
            let (red, green, blue) = (number(parts.next()), number(parts.next()), number(parts.next()));
            Some(Color::Rgb(red?, green?, blue?))
        }
        _ => None,
    }
}

fn palette(number: u16) -> Color {
    const COLOURS: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    COLOURS.get(usize::from(number)).copied().unwrap_or(Color::Reset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};
    use ratatui::style::{Color, Modifier, Style};

    use super::{Piece, pieces};

    fn shown(line: &str) -> Vec<(&str, Style)> {
        pieces(line).into_iter().map(|Piece { range, style }| (&line[range], style)).collect()
    }

    #[test]
    fn colours_and_weights_become_styles() {
        let bold_red = Style::new().add_modifier(Modifier::BOLD).fg(Color::Red);
        assert_eq!(shown("a\u{1b}[1;31mb\u{1b}[0mc"), [("a", Style::new()), ("b", bold_red), ("c", Style::new())]);
        assert_eq!(shown("\u{1b}[38;5;208mx"), [("x", Style::new().fg(Color::Indexed(208)))]);
        assert_eq!(shown("\u{1b}[48;2;1;2;3mx"), [("x", Style::new().bg(Color::Rgb(1, 2, 3)))]);
        assert_eq!(shown("\u{1b}[38:2::1:2:3mx"), [("x", Style::new().fg(Color::Rgb(1, 2, 3)))]);
        assert_eq!(shown("\u{1b}[97mx\u{1b}[my"), [("x", Style::new().fg(Color::White)), ("y", Style::new())]);
    }

    #[test]
    fn everything_but_colour_stays_text() {
        for hostile in [
            "\u{1b}[2J",
            "\u{1b}]0;title\u{7}",
            "\u{1b}[?1049l",
            "\u{1b}c",
            "\u{1b}[6n",
            "\u{1b}P1$r\u{1b}\\",
            "\u{1b}[",
            "\u{1b}",
        ] {
            assert_eq!(shown(hostile), [(hostile, Style::new())], "{hostile:?}");
        }
    }

    #[test]
    fn a_hyperlink_leaves_its_text() {
        assert_eq!(shown("\u{1b}]8;;http://x\u{1b}\\here\u{1b}]8;;\u{7}."), [("here", Style::new()), (".", Style::new())]);
    }

    proptest! {
        #[test]
        fn pieces_lie_in_order_inside_any_line(line in "(\\PC|\u{1b}\\[[0-9;:]{0,9}m|\u{1b}|\\[|é){0,40}", _n in any::<u8>()) {
            let mut end = 0;
            for piece in pieces(&line) {
                prop_assert!(piece.range.start >= end && piece.range.end <= line.len());
                prop_assert!(line.get(piece.range.clone()).is_some(), "on character borders");
                end = piece.range.end;
            }
        }
    }
}
