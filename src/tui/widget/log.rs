//! The log pane: a window of a few hundred lines onto a log of any size.
//!
//! Owns the view (cursor, scroll, follow, wrap, search hits) and says which lines it needs next; it holds no more than
//! `MOST_LINES`. Must not know runs or where lines come from.

mod draw;
mod search;
#[cfg(test)]
mod tests;

use super::ansi::{Piece, pieces};
use super::text;
use crate::model::{LogLine, LogQuery, LogWindow, StageId, Timestamp};
use crate::tui::glyph::Charset;

pub use search::Search;

/// Lines asked for beyond the view on both sides, and lines kept.
const MARGIN: u64 = 120;
const MOST_LINES: usize = 900;
/// Bytes of one line that are looked at; longer ones say so. The engine sends long lines in parts anyway.
const LONGEST_LINE: usize = 32 * 1024;

/// Which times are shown before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    #[default]
    Off,
    /// Since the first line that is known of the attempt.
    Relative,
    Absolute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Check {
    #[default]
    No,
    Wanted,
    Asked,
}

#[derive(Debug, Clone, PartialEq)]
struct Line {
    number: u64,
    at: Timestamp,
    text: String,
    pieces: Vec<Piece>,
    /// Bytes that were cut off.
    cut: usize,
}

/// The log of one attempt as it is looked at.
#[derive(Debug, Clone, Default)]
pub struct LogPane {
    source: Option<(StageId, u32)>,
    /// When the attempt started; relative times count from here.
    start: Timestamp,
    total: u64,
    pub bytes: u64,
    pub damage: Option<String>,
    lines: Vec<Line>,
    waiting: bool,
    /// The last answer did not help: ask again only after something has changed.
    refused: bool,
    /// Whether there is more than was heard of is to be asked, or is being asked.
    check: Check,
    /// Lines asked for around the view; less when the server gives less at a time.
    margin: u64,
    /// Nothing has come for this source yet.
    fresh: bool,
    /// First line on screen, and how many of its wrapped rows are above it.
    top: u64,
    skip: usize,
    cursor: u64,
    pub follow: bool,
    /// Lines that were there when following stopped.
    seen: u64,
    pub wrap: bool,
    column: u16,
    pub times: Times,
    mark: Option<u64>,
    pub search: Option<Search>,
    size: (u16, u16),
    charset: Charset,
}

impl LogPane {
    pub fn new(charset: Charset) -> Self {
        Self { follow: true, margin: MARGIN, charset, ..Self::default() }
    }

    /// Looks at another attempt's log. The same one again changes nothing. View settings stay.
    pub fn show(&mut self, source: Option<(StageId, u32, Timestamp)>) -> bool {
        let start = source.as_ref().map_or(Timestamp(0), |source| source.2);
        let source = source.map(|(stage, attempt, _)| (stage, attempt));
        if source == self.source {
            return false;
        }
        let search = self.search.take().map(|search| Search::new(&search.pattern));
        *self = Self {
            source,
            start,
            fresh: true,
            margin: MARGIN,
            follow: true,
            wrap: self.wrap,
            times: self.times,
            size: self.size,
            charset: self.charset,
            search,
            ..Self::default()
        };
        true
    }

    /// The stage and attempt being looked at.
    pub fn source(&self) -> Option<(&StageId, u32)> {
        self.source.as_ref().map(|(stage, attempt)| (stage, *attempt))
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// Lines that came since following stopped.
    pub fn unseen(&self) -> u64 {
        if self.follow { 0 } else { self.total.saturating_sub(self.seen) }
    }

    /// No line has come, and none is on its way.
    pub fn is_empty(&self) -> bool {
        self.total == 0 && !self.fresh
    }

    /// The log is now this long.
    pub fn grew(&mut self, lines: u64, bytes: u64) {
        self.refused &= lines <= self.total;
        self.total = self.total.max(lines);
        self.bytes = self.bytes.max(bytes);
        self.fresh &= self.total == 0;
    }

    /// Shows the log as it was when it had no more lines than this.
    pub fn rewind(&mut self, total: u64) {
        (self.total, self.bytes, self.refused, self.skip) = (total, 0, false, 0);
        self.lines.retain(|line| line.number < total);
        self.top = self.top.min(total.saturating_sub(u64::from(self.size.1)));
    }

    /// Takes a window that was asked for.
    pub fn take(&mut self, window: LogWindow) {
        if self.source.as_ref().is_none_or(|(stage, attempt)| *stage != window.stage || *attempt != window.attempt) {
            return;
        }
        (self.waiting, self.fresh) = (false, false);
        self.total = self.total.max(window.total);
        self.bytes = self.bytes.max(window.bytes);
        self.damage = window.damage;
        let checked = self.check == Check::Asked;
        if checked {
            self.check = Check::No;
        }
        let joins =
            self.lines.last().is_some_and(|last| window.lines.first().is_some_and(|first| first.number == last.number + 1));
        if checked && !joins {
            return;
        }
        if !joins {
            self.lines.clear();
        }
        // A server may give less than was asked for; what is in view comes first then, and a useless answer is the last.
        let helps = joins || self.follow || window.total == 0 || window.lines.iter().any(|line| line.number == self.top);
        self.refused = (!helps && self.margin == 0) || (window.lines.is_empty() && window.total > 0);
        self.margin = if helps { MARGIN } else { 0 };
        self.lines.extend(window.lines.into_iter().map(line));
        let surplus = self.lines.len().saturating_sub(MOST_LINES);
        self.lines.drain(..surplus);
    }

    /// The attempt has ended: make sure that its last lines are here, even if nobody told of them.
    pub fn ended(&mut self) {
        self.check = Check::Wanted;
    }

    /// A window could not be read: ask again when something changes.
    pub fn failed(&mut self) {
        self.refused |= self.waiting;
        (self.waiting, self.fresh, self.check) = (false, false, Check::No);
    }

    /// The answer waited for will not come (the connection was lost): ask again.
    pub fn retry(&mut self) {
        (self.waiting, self.refused, self.fresh) = (false, false, self.lines.is_empty());
        self.check = Check::Wanted;
    }

    /// The lines needed next, if any are missing. One question at a time: a flood of output cannot become one of requests.
    pub fn wants(&mut self) -> Option<LogQuery> {
        let (stage, attempt) = self.source.clone()?;
        if self.waiting || self.refused || self.size.1 == 0 {
            return None;
        }
        let query = |from, count| Some(LogQuery { stage, attempt: Some(attempt), from, count });
        let height = u64::from(self.size.1);
        let wanted = if self.fresh {
            query(None, height + MARGIN)
        } else if self.check == Check::Wanted {
            self.check = Check::Asked;
            query(Some(self.total), MARGIN)
        } else {
            let (from, to) = (self.top, (self.top + height).min(self.total));
            let have = self.lines.first().map_or(0, |line| line.number)..self.lines.last().map_or(0, |line| line.number + 1);
            if from >= to || (have.contains(&from) && have.end >= to) {
                None
            } else if have.contains(&from) {
                query(Some(have.end), (to - have.end + MARGIN).min(self.total - have.end))
            } else {
                query(Some(from.saturating_sub(self.margin)), height + 2 * self.margin)
            }
        };
        self.waiting = wanted.is_some();
        wanted
    }

    /// Keeps cursor and scroll inside the log and the pane.
    pub fn fit(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        let last = self.total.saturating_sub(1);
        self.cursor = if self.follow { last } else { self.cursor.min(last) };
        if self.cursor < self.top {
            (self.top, self.skip) = (self.cursor, 0);
        }
        let rows = usize::from(height.max(1));
        if self.follow || self.rows_between(self.top, self.cursor).saturating_sub(self.skip) > rows {
            self.align_bottom(self.cursor, rows);
        }
    }

    /// Puts `bottom` on the last row.
    fn align_bottom(&mut self, bottom: u64, rows: usize) {
        let (mut at, mut filled) = (bottom, self.rows_of(bottom));
        while filled < rows && at > 0 {
            at -= 1;
            filled += self.rows_of(at);
        }
        (self.top, self.skip) = (at, filled.saturating_sub(rows));
    }

    /// Rows from line `from` to line `to`, both included; stops counting far beyond any screen.
    fn rows_between(&self, from: u64, to: u64) -> usize {
        let lines = to.saturating_sub(from).saturating_add(1);
        if !self.wrap || lines > 2_000 {
            return usize::try_from(lines).unwrap_or(usize::MAX);
        }
        (from..=to).map(|line| self.rows_of(line)).sum()
    }

    fn rows_of(&self, number: u64) -> usize {
        match self.line(number) {
            Some(line) if self.wrap => self.wrapped_rows(line),
            _ => 1,
        }
    }

    fn wrapped_rows(&self, line: &Line) -> usize {
        let width = self.text_width();
        let (mut rows, mut column) = (1, 0u16);
        for piece in &line.pieces {
            for cell in text::expand(&line.text[piece.range.clone()], self.charset) {
                if column + cell.width > width {
                    rows += 1;
                    column = 0;
                }
                column += cell.width;
            }
        }
        rows
    }

    fn line(&self, number: u64) -> Option<&Line> {
        let first = self.lines.first()?.number;
        usize::try_from(number.checked_sub(first)?).ok().and_then(|at| self.lines.get(at))
    }

    /// Moves the cursor by lines. Reaching the last line does not resume following; `end` does.
    pub fn step(&mut self, by: i64) {
        self.anchor();
        self.cursor = self.cursor.saturating_add_signed(by).min(self.total.saturating_sub(1));
    }

    /// Moves by a share of the pane: 2 is a page, 1 half a page.
    pub fn page(&mut self, halves: i64) {
        self.anchor();
        let by = (i64::from(self.size.1) * halves / 2).clamp(-10_000, 10_000);
        let by = if by == 0 { halves } else { by };
        self.top = self.top.saturating_add_signed(by).min(self.total.saturating_sub(u64::from(self.size.1)));
        self.skip = 0;
        self.cursor = self.cursor.saturating_add_signed(by).min(self.total.saturating_sub(1));
    }

    /// Stops following without moving.
    fn anchor(&mut self) {
        self.refused = false;
        if std::mem::take(&mut self.follow) {
            self.seen = self.total;
        }
    }

    pub fn top(&mut self) {
        self.anchor();
        (self.cursor, self.top, self.skip) = (0, 0, 0);
    }

    /// Goes to the last line and follows what comes.
    pub fn end(&mut self) {
        (self.follow, self.refused) = (true, false);
        self.mark = None;
    }

    /// Goes to a line and shows some of what came before it.
    pub fn go(&mut self, number: u64) {
        self.anchor();
        self.cursor = number.min(self.total.saturating_sub(1));
        let visible = self.cursor >= self.top && self.cursor < self.top + u64::from(self.size.1);
        if !visible {
            (self.top, self.skip) = (self.cursor.saturating_sub(u64::from(self.size.1 / 3)), 0);
        }
    }

    pub fn scroll_sideways(&mut self, by: i16) {
        if !self.wrap {
            self.column = self.column.saturating_add_signed(by).min(20_000);
        }
    }

    pub fn toggle_wrap(&mut self) {
        self.wrap = !self.wrap;
        (self.column, self.skip) = (0, 0);
    }

    pub fn cycle_times(&mut self) {
        self.times = match self.times {
            Times::Off => Times::Relative,
            Times::Relative => Times::Absolute,
            Times::Absolute => Times::Off,
        };
    }

    pub fn toggle_mark(&mut self) {
        self.anchor();
        self.mark = if self.mark.is_some() { None } else { Some(self.cursor) };
    }

    /// Drops the selection; false when there was none.
    pub fn drop_mark(&mut self) -> bool {
        self.mark.take().is_some()
    }

    /// The raw text under the cursor or of the selection, with the number of lines it has and the number selected.
    pub fn copied(&mut self) -> Option<(String, usize, u64)> {
        let (from, to) = self.selection();
        self.mark = None;
        let lines: Vec<&str> = (from..=to).filter_map(|number| self.line(number)).map(|line| line.text.as_str()).collect();
        let count = lines.len();
        (count > 0).then(|| (lines.join("\n"), count, to - from + 1))
    }

    fn selection(&self) -> (u64, u64) {
        let mark = self.mark.unwrap_or(self.cursor);
        (mark.min(self.cursor), mark.max(self.cursor))
    }

    /// The last lines that are known, newest last, for the lines left behind after exit.
    pub fn tail(&self, count: usize) -> Vec<&str> {
        self.lines[self.lines.len().saturating_sub(count)..].iter().map(|line| line.text.as_str()).collect()
    }

    /// Cells for text: the cursor's gutter, times and the scroll bar are taken away.
    fn text_width(&self) -> u16 {
        self.size.0.saturating_sub(2 + self.times_width()).max(1)
    }

    fn times_width(&self) -> u16 {
        match self.times {
            Times::Off => 0,
            Times::Relative => 10,
            Times::Absolute => 13,
        }
    }
}

fn line(from: LogLine) -> Line {
    let LogLine { number, at, mut text, .. } = from;
    let whole = text.len();
    text.truncate(text.floor_char_boundary(LONGEST_LINE));
    text.shrink_to_fit();
    let pieces = pieces(&text);
    Line { number, at, cut: whole - text.len(), text, pieces }
}
