//! A terminal is the judge: whatever way the bytes go, it shows what a full repaint would show.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::{Encoder, settle};
use crate::tui::terminal::abilities::{Abilities, Depth, capabilities};

/// One of each kind, and the depths between them.
const TERMINALS: &[(&str, &str)] = &[
    ("xterm-256color", "truecolor"),
    ("xterm-256color", ""),
    ("xterm", ""),
    ("tmux-256color", ""),
    ("screen", ""),
    ("screen-256color", ""),
    ("linux", ""),
    ("vt100", ""),
    ("vt220", ""),
    ("dumb", ""),
    ("mystery", ""),
];

fn abilities(term: &str, colours: &str) -> Abilities {
    let variable = |name: &str| match name {
        "TERM" => Some(term.to_owned()),
        "COLORTERM" => Some(colours.to_owned()),
        _ => None,
    };
    capabilities(variable).0
}

fn size(cells: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(cells).expect("not zero")
}

fn page(text: &str) -> Buffer {
    Buffer::with_lines(text.lines().map(|line| format!("{line:<20}")).collect::<Vec<_>>())
}

fn encoder(depth: Depth) -> Encoder {
    Encoder::new(Abilities { depth, ..Abilities::default() })
}

#[test]
fn an_unchanged_frame_writes_nothing() {
    let mut encoder = encoder(Depth::True);
    let first = page("hello\nworld");
    assert!(!encoder.frame(first.clone()).is_empty());
    assert_eq!(encoder.frame(first), b"");
}

#[test]
fn a_wide_glyph_that_was_half_painted_over_becomes_a_blank() {
    let mut buffer = page("x");
    buffer.set_string(3, 0, "日", Style::new());
    buffer.set_string(4, 0, "|", Style::new());
    let bytes = String::from_utf8(encoder(Depth::True).frame(buffer)).expect("text");
    assert!(bytes.contains('|') && !bytes.contains('日'), "{bytes:?}");
}

#[test]
fn a_small_change_writes_a_few_bytes() {
    let mut encoder = encoder(Depth::True);
    encoder.frame(page("hello\nworld"));
    assert_eq!(encoder.frame(page("hello\nwurld")), b"\x1b[?2026h\x1b[2;2Hu\x1b[?2026l");
}

#[test]
fn a_control_character_in_the_buffer_does_not_leave_it() {
    let mut buffer = page("x");
    buffer[(0, 0)].set_symbol("\x1b[2J");
    let mut encoder = encoder(Depth::True);
    encoder.frame(page("y"));
    assert_eq!(encoder.frame(buffer), b"\x1b[?2026h\x1b[H?\x1b[?2026l");
}

#[test]
fn colours_come_down_to_what_the_terminal_has() {
    let shown = |depth| {
        let mut encoder = encoder(depth);
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

#[test]
fn the_shortest_of_all_ways_is_taken() {
    let after = |from: &str, to: &str| {
        let mut encoder = encoder(Depth::True);
        encoder.frame(page(from));
        let bytes = String::from_utf8(encoder.frame(page(to))).expect("text");
        bytes.trim_start_matches("\x1b[?2026h").trim_end_matches("\x1b[?2026l").to_owned()
    };
    assert_eq!(after("abcdef", "Abc4ef"), "\x1b[HAbc4", "two cells in between are cheaper than a jump");
    assert_eq!(after("a23456789b", "A23456789B"), "\x1b[HA\x1b[9CB".replace("9C", "8C"));
    assert_eq!(after("a\nb", "A\nB"), "\x1b[HA\x08\nB".replace("\x08\n", "\r\n"));
    assert_eq!(after("a long line of text", "a"), "\x1b[;3H\x1b[K", "what is blank is erased");
}

#[test]
fn a_line_that_comes_in_below_scrolls_the_rows_above_it() {
    let lines = |from: u64| (from..from + 20).map(|n| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let lines = |from| lines(from).collect::<Vec<_>>().join("\n");
    let mut encoder = encoder(Depth::Indexed);
    let first = format!("head\n{}\nfoot", lines(0));
    let mut parser = vt100::Parser::new(size(22), size(20), 0);
    parser.process(&encoder.frame(page(&first)));
    let next = format!("head\n{}\nfoot", lines(1));
    let bytes = encoder.frame(page(&next));
    parser.process(&bytes);
    assert_eq!(parser.screen().contents().trim_end(), next);
    let last = next.lines().nth(20).expect("a line");
    let wanted = format!("\x1b[?2026h\x1b[2;21r\x1b[21H\n\x1b[r\x1b[21H{last}\x1b[?2026l");
    assert_eq!(String::from_utf8(bytes).expect("text"), wanted);
}

#[test]
fn what_a_key_changed_goes_out_before_the_rest_of_a_picture() {
    let old = "aaaa\nbbbb\ncccc\ndddd";
    let mut encoder = encoder(Depth::Mono);
    let mut parser = vt100::Parser::new(size(4), size(20), 0);
    parser.process(&encoder.frame(page(old)));
    encoder.aim(page("AAAA\nBBBB\nCCCC\nDDDD"));
    parser.process(&encoder.slice(1));
    assert_eq!(parser.screen().contents(), "AAAA\nbbbb\ncccc\ndddd");
    assert!(!encoder.is_whole());
    // The core has gone on since; the key changes the last line only.
    parser.process(&encoder.urgent(page("1\n2\n3\n4"), page("1\n2\n3\n5")));
    assert_eq!(parser.screen().contents(), "AAAA\nbbbb\ncccc\n5ddd");
    while !encoder.is_whole() {
        parser.process(&encoder.slice(1));
    }
    assert_eq!(parser.screen().contents(), "AAAA\nBBBB\nCCCC\n5DDD");
}

const WIDTH: u16 = 30;
const HEIGHT: u16 = 9;

/// What happens to a picture between two frames.
#[derive(Debug, Clone)]
enum Change {
    Text(u16, u16, String, Style),
    /// Rows move, like those of a log.
    Roll(u16, u16, i32),
    Fill(u16, Style),
}

fn style() -> impl Strategy<Value = Style> {
    let colour = || {
        prop_oneof![
            3 => Just(Color::Reset),
            2 => (0u8..16).prop_map(Color::Indexed),
            1 => (16u8..=255).prop_map(Color::Indexed),
            1 => any::<(u8, u8, u8)>().prop_map(|(red, green, blue)| Color::Rgb(red, green, blue)),
            1 => prop::sample::select(vec![Color::Red, Color::LightBlue, Color::Gray, Color::White, Color::Black]),
        ]
    };
    let kept = prop::sample::select(vec![
        Modifier::BOLD,
        Modifier::DIM,
        Modifier::ITALIC,
        Modifier::UNDERLINED,
        Modifier::REVERSED,
        Modifier::CROSSED_OUT,
    ]);
    let modifier = prop::collection::vec(kept, 0..3).prop_map(|all| all.into_iter().fold(Modifier::empty(), |a, b| a | b));
    // The judge keeps only one of bold and dim.
    let modifier = modifier.prop_map(|all| if all.contains(Modifier::BOLD) { all - Modifier::DIM } else { all });
    (colour(), colour(), modifier).prop_map(|(fg, bg, modifier)| {
        // All others off, as a widget that paints a cell anew does.
        Style::new().fg(fg).bg(bg).add_modifier(modifier).remove_modifier(Modifier::all() - modifier)
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => (0..WIDTH, 0..HEIGHT, "[a-zA-Z日本é─ ]{1,12}", style()).prop_map(|(x, y, text, style)| Change::Text(x, y, text, style)),
        3 => (0..HEIGHT - 1, 1..HEIGHT, -3i32..4).prop_map(|(top, rows, by)| Change::Roll(top, rows, by)),
        1 => (0..HEIGHT, style()).prop_map(|(y, style)| Change::Fill(y, style)),
    ]
}

fn make(buffer: &mut Buffer, change: Change) {
    match change {
        Change::Text(x, y, text, style) => {
            buffer.set_string(x, y, text, style);
        }
        Change::Roll(top, rows, by) => {
            let bottom = (top + rows).min(HEIGHT - 1);
            super::scroll::apply(buffer, super::scroll::Move { top, bottom, by });
        }
        Change::Fill(y, style) => {
            buffer.set_string(0, y, " ".repeat(WIDTH.into()), style);
        }
    }
}

fn pictures() -> impl Strategy<Value = Vec<Vec<Change>>> {
    prop::collection::vec(prop::collection::vec(change(), 0..14), 1..9)
}

/// Every cell's text and style; a blank's are those that can be seen.
fn agree(parser: &vt100::Parser, wanted: &Buffer, depth: Depth) -> Result<(), TestCaseError> {
    for y in 0..HEIGHT {
        let mut x = 0;
        while x < WIDTH {
            let (cell, wanted) = (parser.screen().cell(y, x).expect("on screen"), &wanted[(x, y)]);
            let got = if cell.contents().is_empty() { " " } else { cell.contents() };
            prop_assert_eq!(got, wanted.symbol(), "at {},{}", x, y);
            let has = |modifier| wanted.modifier.contains(modifier);
            prop_assert_eq!(cell.underline(), has(Modifier::UNDERLINED), "underline at {},{}", x, y);
            prop_assert_eq!(cell.inverse(), has(Modifier::REVERSED), "reversed at {},{}", x, y);
            if got != " " || cell.inverse() {
                prop_assert_eq!(cell.bold(), has(Modifier::BOLD), "bold at {},{}", x, y);
                prop_assert_eq!(cell.dim(), has(Modifier::DIM), "dim at {},{}", x, y);
                prop_assert_eq!(cell.italic(), has(Modifier::ITALIC), "italic at {},{}", x, y);
                prop_assert_eq!(cell.fgcolor(), colour(wanted, false, depth), "colour at {},{}", x, y);
            }
            prop_assert_eq!(cell.bgcolor(), colour(wanted, true, depth), "ground at {},{}", x, y);
            x += if cell.is_wide() { 2 } else { 1 };
        }
    }
    Ok(())
}

/// The colour as the terminal reads our own code for it.
fn colour(cell: &Cell, ground: bool, depth: Depth) -> vt100::Color {
    let colour = if ground { cell.bg } else { cell.fg };
    let mut codes = Vec::new();
    super::colour::write(&mut codes, colour, ground, depth);
    let mut parser = vt100::Parser::new(size(1), size(3), 0);
    parser.process(format!("\x1b[{}mx", String::from_utf8(codes).expect("digits").trim_start_matches(';')).as_bytes());
    let cell = parser.screen().cell(0, 0).expect("on screen");
    if ground { cell.bgcolor() } else { cell.fgcolor() }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(160))]
    #[test]
    fn every_terminal_shows_what_a_full_repaint_would_show(pictures in pictures(), terminal in 0..TERMINALS.len()) {
        let (term, colours) = TERMINALS[terminal];
        let abilities = abilities(term, colours);
        let mut encoder = Encoder::new(abilities);
        let mut parser = vt100::Parser::new(size(HEIGHT), size(WIDTH), 0);
        let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
        for picture in pictures {
            picture.into_iter().for_each(|change| make(&mut buffer, change));
            parser.process(&encoder.frame(buffer.clone()));
            let mut wanted = buffer.clone();
            settle(&mut wanted, &abilities);
            agree(&parser, &wanted, abilities.depth)?;
            let mut whole = vt100::Parser::new(size(HEIGHT), size(WIDTH), 0);
            whole.process(&Encoder::new(abilities).frame(buffer.clone()));
            agree(&whole, &wanted, abilities.depth)?;
            prop_assert!(encoder.frame(buffer.clone()).is_empty(), "nothing changed");
        }
    }

    #[test]
    fn slices_and_keys_in_between_come_to_the_same_picture(pictures in pictures(), key in change(), limit in 1usize..200) {
        let abilities = Abilities::default();
        let mut encoder = Encoder::new(abilities);
        let mut parser = vt100::Parser::new(size(HEIGHT), size(WIDTH), 0);
        let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
        parser.process(&encoder.frame(buffer.clone()));
        for picture in pictures {
            picture.into_iter().for_each(|change| make(&mut buffer, change));
            encoder.aim(buffer.clone());
            parser.process(&encoder.slice(limit));
            let mut after = buffer.clone();
            make(&mut after, key.clone());
            parser.process(&encoder.urgent(buffer.clone(), after.clone()));
            buffer = after;
            while !encoder.is_whole() {
                parser.process(&encoder.slice(limit));
            }
            // What only settling the parts of a torn glyph together has left over is painted by the next picture.
            parser.process(&encoder.frame(buffer.clone()));
            let mut wanted = buffer.clone();
            settle(&mut wanted, &abilities);
            agree(&parser, &wanted, abilities.depth)?;
        }
    }
}
