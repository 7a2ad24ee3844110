//! Text as cells: the one place where foreign text becomes something a terminal may see.
//!
//! Every string passes `cells` on its way into the buffer. Control characters, direction marks and whatever has no
//! width of its own become inert, so no field of ours can carry a sequence to the terminal or break the grid.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::text::{LONGEST_CLUSTER, turns_direction};
use crate::tui::glyph::Charset;

/// A piece of text that fills one or two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    pub symbol: &'a str,
    /// 1 or 2.
    pub width: u16,
    /// Where the piece starts in the text, in bytes.
    pub start: usize,
    /// True when the symbol stands for something that must not be shown.
    pub inert: bool,
}

/// Splits text into cells. A tab counts as one cell here; `expand` gives it its width.
pub fn cells(text: &str, charset: Charset) -> impl Iterator<Item = Cell<'_>> {
    text.grapheme_indices(true).filter_map(move |(start, cluster)| {
        let (symbol, width, inert) = settle(cluster, charset)?;
        Some(Cell { symbol, width, start, inert })
    })
}

/// As much of a text as fits before an end that is never cut, such as `verify-every-ho…[12]`.
pub fn before(text: &str, end: &str, room: u16, charset: Charset) -> String {
    let room = room.saturating_sub(width(end, charset));
    if width(text, charset) <= room {
        return format!("{text}{end}");
    }
    let mut left = room.saturating_sub(1);
    let fits = |cell: &Cell<'_>| {
        let fits = cell.width <= left;
        left = left.saturating_sub(cell.width);
        fits
    };
    let kept: String = cells(text, charset).take_while(fits).map(|cell| cell.symbol).collect();
    format!("{kept}{}{end}", charset.ellipsis())
}

/// The rows of a text that is shown whole: broken between words where there are some, at the latest where the width ends.
pub fn wrap(text: &str, width: u16, charset: Charset) -> Vec<String> {
    let width = width.max(2);
    let mut rows = Vec::new();
    for line in text.lines() {
        let (mut row, mut used) = (String::new(), 0);
        for word in line.split_inclusive(' ') {
            // A blank at the end of a row may hang over.
            if used > 0 && used + self::width(word.trim_end(), charset) > width {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            let whole = u16::try_from(word.len()).unwrap_or(u16::MAX);
            if used.saturating_add(whole) <= width && is_plain(word) {
                row.push_str(word);
                used += whole;
                continue;
            }
            for cell in cells(word, charset) {
                if used + cell.width > width && cell.symbol != " " {
                    rows.push(std::mem::take(&mut row));
                    used = 0;
                }
                row.push_str(cell.symbol);
                used += cell.width;
            }
        }
        rows.push(row);
    }
    rows
}

fn settle(cluster: &str, charset: Charset) -> Option<(&str, u16, bool)> {
    let first = cluster.chars().next()?;
    if cluster.len() == 1 && (' '..='~').contains(&first) {
        return Some((cluster, 1, false));
    }
    if cluster.chars().any(|c| c.is_control() || turns_direction(c)) {
        return Some((stand_in(first, charset), 1, true));
    }
    if charset == Charset::Ascii {
        let width = if cluster.width() >= 2 { 2 } else { 1 };
        return (cluster.width() > 0).then_some((if width == 2 { "??" } else { "?" }, width, true));
    }
    // Terminals that know no clusters add up the widths of the characters: only what is as wide for both is shown whole.
    let parts: usize = cluster.chars().filter_map(UnicodeWidthChar::width).sum();
    let whole = cluster.len() <= LONGEST_CLUSTER && parts == cluster.width();
    let shown = if whole { cluster } else { &cluster[..first.len_utf8()] };
    match shown.width() {
        0 => None,
        1 => Some((shown, 1, false)),
        2 => Some((shown, 2, false)),
        _ => Some(("\u{fffd}", 1, true)),
    }
}

fn stand_in(c: char, charset: Charset) -> &'static str {
    match (charset, c) {
        (_, '\t') => " ",
        (Charset::Ascii, _) => "?",
        (_, '\u{1b}') => "␛",
        (_, '\r') => "␍",
        (_, '\n') => "␊",
        (_, '\u{8}') => "␈",
        (_, '\u{7}') => "␇",
        (_, '\0') => "␀",
        (_, '\u{7f}') => "␡",
        _ => "·",
    }
}

/// Like `cells`, with tabs filling up to the next multiple of eight columns.
pub fn expand(text: &str, charset: Charset) -> impl Iterator<Item = Cell<'_>> {
    let mut column = 0u64;
    cells(text, charset).flat_map(move |cell| {
        let tab = text.as_bytes().get(cell.start) == Some(&b'\t');
        let count = if tab { 8 - column % 8 } else { 1 };
        column += count * u64::from(cell.width);
        let cell = if tab { Cell { inert: false, ..cell } } else { cell };
        std::iter::repeat_n(cell, usize::try_from(count).unwrap_or(1))
    })
}

/// Whether every byte is a cell of its own: what most text is, and what needs no look at clusters.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control())
}

/// Cells the text takes.
pub fn width(text: &str, charset: Charset) -> u16 {
    if is_plain(text) {
        return u16::try_from(text.len()).unwrap_or(u16::MAX);
    }
    cells(text, charset).fold(0u16, |sum, cell| sum.saturating_add(cell.width))
}

/// Text with everything inert replaced, for places outside the buffer (the window title, the lines after exit).
pub fn plain(text: &str, charset: Charset) -> String {
    cells(text, charset).map(|cell| cell.symbol).collect()
}

#[cfg(test)]
mod tests {
    use super::{cells, expand, plain, width, wrap};
    use crate::tui::glyph::Charset;

    #[test]
    fn control_characters_never_come_out() {
        let hostile: String = (0u32..0x3000).filter_map(char::from_u32).collect();
        for charset in [Charset::Unicode, Charset::Ascii] {
            let out = plain(&hostile, charset);
            assert!(!out.chars().any(char::is_control), "{charset:?}");
            assert!(charset == Charset::Unicode || out.is_ascii());
        }
    }

    #[test]
    fn an_escape_sequence_is_shown_and_does_nothing() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n", Charset::Unicode), "a␛[2Jb␍");
        assert_eq!(plain("a\u{1b}[2Jb", Charset::Ascii), "a?[2Jb");
        assert_eq!(plain("abc\u{202e}def", Charset::Unicode), "abc·def");
    }

    #[test]
    fn wide_and_combining_text_keeps_the_grid() {
        assert_eq!(width("日本", Charset::Unicode), 4);
        assert_eq!(width("e\u{301}", Charset::Unicode), 1);
        assert_eq!(width("👩‍👩‍👧‍👦", Charset::Unicode), 2);
        assert_eq!(width("日本", Charset::Ascii), 4);
        assert_eq!(plain("👩‍👩‍👧‍👦|☺\u{fe0f}|👍🏽|🇩🇪|e\u{301}", Charset::Unicode), "👩|☺|👍|🇩🇪|e\u{301}");
        let pile = format!("e{}", "\u{301}".repeat(500));
        assert_eq!(plain(&pile, Charset::Unicode), "e");
        assert_eq!(cells("\u{301}", Charset::Unicode).count(), 0);
    }

    #[test]
    fn a_wrapped_text_is_whole_and_breaks_between_words_where_it_can() {
        let rows = |text| wrap(text, 10, Charset::Unicode);
        assert_eq!(rows("one two three four"), ["one two ", "three four"]);
        assert_eq!(rows("0123456789abcdef\nend"), ["0123456789", "abcdef", "end"]);
        assert_eq!(rows("日本語日本語 x"), ["日本語日本", "語 x"]);
        assert_eq!(rows("a\u{1b}[2Jb"), ["a␛[2Jb"]);
        assert_eq!(rows("exactly 10 and"), ["exactly 10 ", "and"]);
        assert!(rows("").is_empty());
    }

    #[test]
    fn a_tab_reaches_the_next_eighth_column() {
        assert_eq!(expand("ab\tc", Charset::Unicode).count(), 9);
        assert_eq!(expand("日\tc", Charset::Unicode).count(), 8);
    }
}
