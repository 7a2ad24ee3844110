//! Lines of output: secrets are hidden however they come, colours are read, and nothing reaches the terminal.

use std::sync::LazyLock;

use flowdeck::logs::mask::Masker;
use flowdeck::logs::record;
use flowdeck::tui::glyph::Charset;
use flowdeck::tui::widget::ansi::pieces;
use flowdeck::tui::widget::text::{cells, expand, plain};

pub const WORDS: &[&str] = &[
    "\u{1b}[31m",
    "\u{1b}[38;5;208m",
    "\u{1b}[38:2::1:2:3m",
    "\u{1b}]8;;http://x\u{1b}\\",
    "\u{1b}]0;t\u{7}",
    "\u{1b}[2J",
    "\u{9b}31m",
    "\u{1b}P",
    "\u{1b}\\",
    "hunter2",
    "aHVudGVyMg==",
    "hunt",
    "er2",
    "\t",
    "\r",
    "\u{202e}",
    "\u{301}",
    "👩‍👩‍👧‍👦",
    "日本",
    "\0",
    "1f4 o ",
    "9c4 E ",
    "flowdeck-log 1 17",
];

const SECRETS: &[&str] = &["hunter2", "two\nlines", "aaaa", "é統é統"];

/// Making one takes longer than using it.
static MASKER: LazyLock<Masker> = LazyLock::new(|| Masker::new(SECRETS));

/// A line as it comes from a process.
pub fn line(data: &[u8]) {
    let mut whole = Vec::new();
    let mut stream = MASKER.stream();
    stream.push(data, &mut whole);
    stream.finish(&mut whole);
    let step = data.first().map_or(1, |byte| usize::from(*byte % 7) + 1);
    let (mut cut, mut stream) = (Vec::new(), MASKER.stream());
    data.chunks(step).for_each(|piece| stream.push(piece, &mut cut));
    stream.finish(&mut cut);
    assert_eq!(whole, cut, "hiding depends on how the bytes are cut");
    for secret in SECRETS {
        let shown = memchr::memmem::find(&whole, secret.as_bytes());
        assert_eq!(shown, None, "{secret:?} shows in {:?}", String::from_utf8_lossy(&whole));
    }
    record::parse_header(data);
    if let Some(found) = record::parse(data) {
        let letter = record::letter(found.stream, found.continued);
        assert!(data.ends_with(found.text) && data.contains(&letter));
    }
    draw(&String::from_utf8_lossy(data));
}

fn draw(text: &str) {
    let mut end = 0;
    for piece in pieces(text) {
        assert!(piece.range.start >= end, "pieces overlap in {text:?}");
        assert!(text.get(piece.range.clone()).is_some_and(|part| !part.is_empty()), "{piece:?} of {text:?}");
        end = piece.range.end;
    }
    for charset in [Charset::Unicode, Charset::Ascii] {
        assert!(!plain(text, charset).chars().any(char::is_control), "{text:?}");
        assert!(cells(text, charset).all(|cell| cell.width == 1 || cell.width == 2), "{text:?}");
        assert!(expand(text, charset).count() >= cells(text, charset).count(), "{text:?}");
    }
}
