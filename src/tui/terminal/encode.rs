//! Turns the difference between two frames into as few bytes as is simple: cursor moves, styles, symbols.

use std::io::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    Mono,
    Palette,
    #[default]
    Indexed,
    True,
}

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Remembers what the terminal shows and writes what has to change.
#[derive(Debug, Default)]
pub struct Encoder {
    shown: Buffer,
    depth: Depth,
    clear: bool,
}

impl Encoder {
    pub fn new(depth: Depth) -> Self {
        Self { shown: Buffer::default(), depth, clear: true }
    }

    /// What is on the terminal is not known any more (a resize, another program): the next frame paints everything.
    pub fn forget(&mut self) {
        self.clear = true;
    }

    /// The bytes that make the terminal show `next`; empty when it already does. The terminal must be given them.
    pub fn frame(&mut self, mut next: Buffer) -> Vec<u8> {
        part_halves(&mut next);
        let mut out = BEGIN.to_vec();
        if self.clear || self.shown.area != next.area {
            out.extend_from_slice(b"\x1b[m\x1b[2J");
            self.shown = Buffer::empty(next.area);
            self.clear = false;
        }
        let mut pen = Pen { out, at: None, ink: Ink::default(), depth: self.depth };
        let start = pen.out.len();
        for (x, y, cell) in self.shown.diff(&next) {
            pen.go(x, y);
            pen.wear(Ink { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
            pen.write(cell.symbol(), next.area.width);
        }
        if pen.out.len() == start && start == BEGIN.len() {
            return Vec::new();
        }
        if pen.ink != Ink::default() {
            pen.out.extend_from_slice(b"\x1b[m");
        }
        pen.out.extend_from_slice(END);
        self.shown = next;
        pen.out
    }
}

/// A wide glyph whose second half was painted over cannot be shown; it becomes a blank.
fn part_halves(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width);
    for at in 0..buffer.content.len() {
        let wide = buffer.content[at].symbol().len() > 1 && buffer.content[at].symbol().width() > 1;
        let last = (at + 1) % width.max(1) == 0;
        if wide && (last || buffer.content.get(at + 1).is_some_and(|half| half.symbol() != " ")) {
            buffer.content[at].set_symbol(" ");
        }
    }
}

/// How the terminal writes at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ink {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

struct Pen {
    out: Vec<u8>,
    at: Option<(u16, u16)>,
    ink: Ink,
    depth: Depth,
}

impl Pen {
    fn say(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.out.write_fmt(text);
    }

    fn go(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (x, y) => {}
            Some((from, row)) if row == y && x > from && x - from < 10 => self.say(format_args!("\x1b[{}C", x - from)),
            Some((_, row)) if x == 0 && y == row + 1 => self.out.extend_from_slice(b"\r\n"),
            _ if x == 0 => self.say(format_args!("\x1b[{}H", y + 1)),
            _ => self.say(format_args!("\x1b[{};{}H", y + 1, x + 1)),
        }
        self.at = Some((x, y));
    }

    /// The last defence: whatever got into the buffer, no control byte leaves it.
    fn write(&mut self, symbol: &str, width: u16) {
        let symbol = if symbol.chars().any(char::is_control) { "?" } else { symbol };
        self.out.extend_from_slice(symbol.as_bytes());
        let cells = u16::try_from(symbol.width()).unwrap_or(1).max(1);
        // At the right edge terminals differ in where the cursor is.
        self.at = self.at.map(|(x, y)| (x + cells, y)).filter(|(x, _)| *x < width);
    }

    fn wear(&mut self, new: Ink) {
        if new == self.ink {
            return;
        }
        let mut codes: Vec<u8> = Vec::with_capacity(24);
        let mut known = self.ink;
        if !(known.modifier - new.modifier).is_empty() {
            codes.extend_from_slice(b";0");
            known = Ink::default();
        }
        for (modifier, code) in MODIFIERS {
            if (new.modifier - known.modifier).contains(*modifier) {
                codes.extend_from_slice(code);
            }
        }
        if new.fg != known.fg {
            colour(&mut codes, new.fg, false, self.depth);
        }
        if new.bg != known.bg {
            colour(&mut codes, new.bg, true, self.depth);
        }
        if !codes.is_empty() {
            self.out.extend_from_slice(b"\x1b[");
            self.out.extend_from_slice(&codes[1..]);
            self.out.push(b'm');
        }
        self.ink = new;
    }
}

const MODIFIERS: &[(Modifier, &[u8])] = &[
    (Modifier::BOLD, b";1"),
    (Modifier::DIM, b";2"),
    (Modifier::ITALIC, b";3"),
    (Modifier::UNDERLINED, b";4"),
    (Modifier::REVERSED, b";7"),
    (Modifier::CROSSED_OUT, b";9"),
];

/// Writes `;code` for a colour, at the depth the terminal has.
fn colour(codes: &mut Vec<u8>, colour: Color, ground: bool, depth: Depth) {
    if depth == Depth::Mono {
        return;
    }
    let base = if ground { 40 } else { 30 };
    let mut say = |text: std::fmt::Arguments<'_>| {
        let _ = codes.write_fmt(text);
    };
    match (colour, depth) {
        (Color::Reset, _) => say(format_args!(";{}", base + 9)),
        (Color::Rgb(red, green, blue), Depth::True) => say(format_args!(";{};2;{red};{green};{blue}", base + 8)),
        (Color::Rgb(red, green, blue), Depth::Palette) => palette(&mut say, base, nearest_of_sixteen(red, green, blue)),
        (Color::Rgb(red, green, blue), _) => say(format_args!(";{};5;{}", base + 8, nearest_of_cube(red, green, blue))),
        (Color::Indexed(number), Depth::Palette) if number >= 16 => {
            let (red, green, blue) = cube_colour(number);
            palette(&mut say, base, nearest_of_sixteen(red, green, blue));
        }
        (Color::Indexed(number), _) => say(format_args!(";{};5;{number}", base + 8)),
        (named, _) => palette(&mut say, base, number_of(named)),
    }
}

fn palette(say: &mut impl FnMut(std::fmt::Arguments<'_>), base: u16, number: u16) {
    let code = if number < 8 { base + number } else { base + 60 + number - 8 };
    say(format_args!(";{code}"));
}

fn number_of(colour: Color) -> u16 {
    match colour {
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Black | Color::Reset | Color::Rgb(..) | Color::Indexed(_) => 0,
    }
}

/// The nearest of the 6×6×6 cube and the greys.
fn nearest_of_cube(red: u8, green: u8, blue: u8) -> u8 {
    let target = (red, green, blue);
    (16..=255).min_by_key(|number| distance(cube_colour(*number), target)).unwrap_or(15)
}

fn cube_colour(number: u8) -> (u8, u8, u8) {
    match number {
        0..=15 => SIXTEEN[usize::from(number)],
        232..=255 => {
            let grey = 8 + (number - 232) * 10;
            (grey, grey, grey)
        }
        16..=231 => {
            let part = |index: u8| if index == 0 { 0 } else { 55 + index * 40 };
            let number = number - 16;
            (part(number / 36), part(number / 6 % 6), part(number % 6))
        }
    }
}

/// The usual colours of the palette; the real ones are the terminal's business.
pub const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

fn nearest_of_sixteen(red: u8, green: u8, blue: u8) -> u16 {
    let found = (0u16..).zip(SIXTEEN).min_by_key(|(_, known)| distance(*known, (red, green, blue)));
    found.map_or(7, |(number, _)| number)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    [(a.0, b.0), (a.1, b.1), (a.2, b.2)].iter().map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier, Style};

    use super::{Depth, Encoder};

    fn size(cells: u16) -> std::num::NonZero<u16> {
        std::num::NonZero::new(cells).expect("not zero")
    }

    fn page(text: &str) -> Buffer {
        Buffer::with_lines(text.lines().map(|line| format!("{line:<20}")).collect::<Vec<_>>())
    }

    #[test]
    fn an_unchanged_frame_writes_nothing() {
        let mut encoder = Encoder::new(Depth::True);
        let first = page("hello\nworld");
        assert!(!encoder.frame(first.clone()).is_empty());
        assert_eq!(encoder.frame(first), b"");
    }

    #[test]
    fn a_wide_glyph_that_was_half_painted_over_becomes_a_blank() {
        let mut buffer = page("x");
        buffer.set_string(3, 0, "日", Style::new());
        buffer.set_string(4, 0, "|", Style::new());
        let mut encoder = Encoder::new(Depth::True);
        let bytes = String::from_utf8(encoder.frame(buffer)).expect("text");
        assert!(bytes.contains('|') && !bytes.contains('日'), "{bytes:?}");
    }

    #[test]
    fn a_small_change_writes_a_few_bytes() {
        let mut encoder = Encoder::new(Depth::True);
        encoder.frame(page("hello\nworld"));
        assert_eq!(encoder.frame(page("hello\nwurld")), b"\x1b[?2026h\x1b[2;2Hu\x1b[?2026l");
    }

    #[test]
    fn a_control_character_in_the_buffer_does_not_leave_it() {
        let mut buffer = page("x");
        buffer[(0, 0)].set_symbol("\x1b[2J");
        let mut encoder = Encoder::new(Depth::True);
        encoder.frame(page("y"));
        assert_eq!(encoder.frame(buffer), b"\x1b[?2026h\x1b[1H?\x1b[?2026l");
    }

    #[test]
    fn colours_come_down_to_what_the_terminal_has() {
        let shown = |depth| {
            let mut encoder = Encoder::new(depth);
            encoder.frame(page("x"));
            let mut next = page("x");
            next.set_style(Rect::new(0, 0, 1, 1), Style::new().fg(Color::Rgb(255, 0, 0)).add_modifier(Modifier::BOLD));
            String::from_utf8(encoder.frame(next)).expect("ascii")
        };
        assert!(shown(Depth::True).contains("\x1b[1;38;2;255;0;0mx"));
        assert!(shown(Depth::Indexed).contains("\x1b[1;38;5;196mx"));
        assert!(shown(Depth::Palette).contains("\x1b[1;91mx"));
        assert!(shown(Depth::Mono).contains("\x1b[1mx"));
    }

    proptest! {
        /// The terminal itself is the judge: after every frame it shows what the buffer says, in text and style.
        #[test]
        fn the_terminal_shows_every_frame(frames in prop::collection::vec(
            prop::collection::vec((0u16..30, 0u16..8, "[a-zA-Z日本é ]", 0u8..9, any::<bool>()), 0..60), 1..8)) {
            let mut encoder = Encoder::new(Depth::True);
            let mut parser = vt100::Parser::new(size(8), size(30), 0);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 8));
            for frame in frames {
                for (x, y, symbol, colour, bold) in frame {
                    let style = Style::new().fg(if colour < 8 { Color::Indexed(colour) } else { Color::Reset });
                    let style = if bold { style.add_modifier(Modifier::BOLD) } else { style.remove_modifier(Modifier::BOLD) };
                    buffer.set_string(x, y, &symbol, style);
                }
                super::part_halves(&mut buffer);
                parser.process(&encoder.frame(buffer.clone()));
                for y in 0..8u16 {
                    let mut x = 0;
                    while x < 30 {
                        let cell = parser.screen().cell(y, x).expect("on screen");
                        let wanted = &buffer[(x, y)];
                        let got = if cell.contents().is_empty() { " " } else { cell.contents() };
                        prop_assert_eq!(got, wanted.symbol(), "at {},{}", x, y);
                        prop_assert!(got == " " || cell.bold() == wanted.modifier.contains(Modifier::BOLD));
                        x += if cell.is_wide() { 2 } else { 1 };
                    }
                }
            }
        }
    }
}
