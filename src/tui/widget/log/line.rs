//! A line as it is shown: its text without the sequences that colour it, stretches of one ink, and how many rows it takes.

use std::cell::Cell;
use std::ops::Range;

use ratatui::style::Style;

use crate::model::{StageId, Stream, Timestamp, ViewLine};
use crate::tui::glyph::Charset;
use crate::tui::theme::Role;
use crate::tui::widget::ansi::pieces;
use crate::tui::widget::text;

/// How a stretch of text is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ink {
    /// As the line itself says.
    Own(Style),
    Role(Role),
}

/// A stretch of the shown text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub range: Range<usize>,
    pub ink: Ink,
}

/// Text with its inks, ready to be drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Text {
    pub text: String,
    pub spans: Vec<Span>,
    /// Every byte is one cell: places need no counting.
    plain: bool,
}

impl Text {
    pub fn push(&mut self, text: &str, ink: Ink) {
        if !text.is_empty() {
            let start = self.text.len();
            self.text.push_str(text);
            self.spans.push(Span { range: start..self.text.len(), ink });
        }
    }

    pub fn finished(mut self) -> Self {
        self.plain = self.text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        self.text.shrink_to_fit();
        self
    }

    /// The text of a line of output.
    pub fn of(raw: &str) -> Self {
        let mut shown = Self::default();
        for piece in pieces(raw) {
            shown.push(&raw[piece.range], Ink::Own(piece.style));
        }
        shown.finished()
    }

    /// The cells from `column` on, each with the column it starts at, its offset in the text and its ink.
    pub fn cells(&self, column: u32, charset: Charset) -> impl Iterator<Item = (u32, usize, text::Cell<'_>, Ink)> {
        let skipped = if self.plain { column } else { 0 };
        let mut at = skipped;
        let mut hidden = usize::try_from(skipped).unwrap_or(usize::MAX);
        let spans = self.spans.iter().filter_map(move |span| {
            let gone = hidden.min(span.range.len());
            hidden -= gone;
            (gone < span.range.len()).then(|| (span.range.start + gone..span.range.end, span.ink))
        });
        let cells = spans.flat_map(move |(range, ink)| {
            text::expand(&self.text[range.clone()], charset).map(move |cell| (range.start + cell.start, cell, ink))
        });
        cells.map(move |(offset, cell, ink)| {
            let column = at;
            at += u32::from(cell.width);
            (column, offset, cell, ink)
        })
    }
}

/// A line that is held.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub number: u64,
    /// The log it is from and its number there, in a view of several.
    pub of: Option<(StageId, u64)>,
    pub at: Timestamp,
    pub stream: Stream,
    /// As it came.
    pub raw: String,
    pub shown: Text,
    /// Bytes that did not come.
    pub cut: usize,
    /// The next line is a part of this one.
    pub partial: bool,
    /// Rows it takes when wrapped to a width.
    rows: Cell<(u16, u32)>,
}

impl Line {
    pub fn new(from: ViewLine) -> Self {
        let shown = Text::of(&from.text);
        let ViewLine { number, of, at, stream, text: raw, cut, partial } = from;
        Self { number, of, at, stream, raw, shown, cut, partial, rows: Cell::default() }
    }

    /// Shows another text for it.
    pub fn show(&mut self, text: Text) {
        self.shown = text;
        self.rows.set((0, 0));
    }

    /// Shows its own text again.
    pub fn show_as_it_came(&mut self) {
        self.show(Text::of(&self.raw));
    }

    /// The column at which each row but the first begins, when the text is wrapped.
    pub fn breaks(&self, width: u16, charset: Charset) -> impl Iterator<Item = u32> {
        let mut start = 0u32;
        let cells = self.shown.cells(0, charset);
        cells.filter_map(move |(column, _, cell, _)| {
            let over = column + u32::from(cell.width) - start > u32::from(width);
            over.then(|| {
                start = column;
                column
            })
        })
    }

    /// Rows it takes at this width.
    pub fn rows(&self, width: u16, charset: Charset) -> usize {
        let (known, rows) = self.rows.get();
        if known == width {
            return rows as usize;
        }
        let rows = if self.shown.plain {
            self.shown.text.len().div_ceil(usize::from(width.max(1))).max(1)
        } else {
            1 + self.breaks(width, charset).count()
        };
        self.rows.set((width, u32::try_from(rows).unwrap_or(u32::MAX)));
        rows
    }

    /// The column at which row `row` begins.
    pub fn row_start(&self, row: usize, width: u16, charset: Charset) -> u32 {
        if self.shown.plain {
            return u32::try_from(row).unwrap_or(u32::MAX).saturating_mul(u32::from(width));
        }
        row.checked_sub(1).and_then(|before| self.breaks(width, charset).nth(before)).unwrap_or(0)
    }
}
