//! Moving in the log: cursor, scroll and follow. Everything is said in line numbers of the view, so that lines that come
//! or go elsewhere move nothing.

use super::{LogPane, Times};
use crate::tui::widget::text;

impl LogPane {
    /// Keeps cursor and scroll inside the log and the pane.
    pub fn fit(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        self.reveal();
        self.reach();
        self.cursor = if self.follow { self.last() } else { self.settled(self.cursor) };
        if self.cursor < self.top {
            (self.top, self.skip) = (self.cursor, 0);
        } else if self.filter.is_some() {
            self.top = self.settled(self.top);
        }
        let rows = usize::from(height.max(1));
        if self.follow || self.rows_between(self.top, self.cursor).saturating_sub(self.skip) > rows {
            self.align_bottom(self.cursor, rows);
        } else if self.filter.is_some() && self.is_at_end() && self.rows_between(self.top, self.last()) < rows {
            self.align_bottom(self.last(), rows);
        }
    }

    /// The last line that is shown.
    fn last(&self) -> u64 {
        match &self.filter {
            Some(_) => self.held.lines.back().map_or(0, |line| line.number),
            None => self.total.saturating_sub(1),
        }
    }

    /// The number, or of a filtered view the nearest one that is shown, as far as that is known.
    fn settled(&self, number: u64) -> u64 {
        let number = number.min(self.total.saturating_sub(1));
        let (from, to) = self.held.span();
        if self.filter.is_none() || number < from || (number >= to && to < self.total) {
            return number;
        }
        let at = self.held.position(number).min(self.held.lines.len().saturating_sub(1));
        self.held.lines.get(at).map_or(number, |line| line.number)
    }

    fn is_at_end(&self) -> bool {
        !self.held.is_empty() && self.held.span().1 >= self.total
    }

    /// The shown line so many lines further, as far as it is known.
    fn shifted(&self, number: u64, by: i64) -> u64 {
        if self.filter.is_none() {
            return number.saturating_add_signed(by).min(self.total.saturating_sub(1));
        }
        let by = isize::try_from(by).unwrap_or(0);
        let at = self.held.position(number).saturating_add_signed(by).min(self.held.lines.len().saturating_sub(1));
        self.held.lines.get(at).map_or(number, |line| line.number)
    }

    /// Puts `bottom` on the last row.
    fn align_bottom(&mut self, bottom: u64, rows: usize) {
        let (mut at, mut filled) = (bottom, self.rows_of(bottom));
        while filled < rows {
            let before = self.shifted(at, -1);
            if before >= at {
                break;
            }
            at = before;
            filled += self.rows_of(at);
        }
        (self.top, self.skip) = (at, filled.saturating_sub(rows));
    }

    /// Rows from line `from` to line `to`, both included; stops counting far beyond any screen.
    fn rows_between(&self, from: u64, to: u64) -> usize {
        if to < from {
            return 0;
        }
        if self.filter.is_some() {
            let shown = self.held.position(from)..self.held.position(to.saturating_add(1));
            return self.held.lines.range(shown).map(|line| self.rows_of_line(line)).sum();
        }
        let lines = (to - from).saturating_add(1);
        if !self.wrap || lines > 2_000 {
            return usize::try_from(lines).unwrap_or(usize::MAX);
        }
        (from..=to).map(|line| self.rows_of(line)).sum()
    }

    fn rows_of(&self, number: u64) -> usize {
        self.held.line(number).map_or(1, |line| self.rows_of_line(line))
    }

    pub(super) fn rows_of_line(&self, line: &super::line::Line) -> usize {
        if self.wrap { line.rows(self.text_width(), self.charset) } else { 1 }
    }

    /// Moves the cursor by lines. Reaching the last line does not resume following; `end` does.
    pub fn step(&mut self, by: i64) {
        self.anchor();
        self.cursor = self.shifted(self.cursor, by);
    }

    /// Moves by a share of the pane: 2 is a page, 1 half a page.
    pub fn page(&mut self, halves: i64) {
        self.anchor();
        let by = (i64::from(self.size.1) * halves / 2).clamp(-10_000, 10_000);
        let by = if by == 0 { halves } else { by };
        let lowest = self.shifted(self.last(), 1 - i64::from(self.size.1));
        self.top = self.shifted(self.top, by).min(lowest);
        self.skip = 0;
        self.cursor = self.shifted(self.cursor, by);
    }

    /// Stops following without moving.
    pub(super) fn anchor(&mut self) {
        self.refused = false;
        if std::mem::take(&mut self.follow) {
            self.seen = self.total;
            self.mark_seen();
        }
    }

    pub fn top(&mut self) {
        self.anchor();
        (self.cursor, self.top, self.skip) = (0, 0, 0);
    }

    /// Goes to the last line and follows what comes; a selection is only extended to there.
    pub fn end(&mut self) {
        self.refused = false;
        if self.mark.is_some() {
            self.cursor = self.total.saturating_sub(1);
        } else {
            self.follow = true;
        }
    }

    /// Goes to a line and shows some of what came before it.
    pub fn go(&mut self, number: u64) {
        self.anchor();
        self.cursor = number.min(self.total.saturating_sub(1));
        let visible = self.cursor >= self.top && self.rows_between(self.top, self.cursor) <= usize::from(self.size.1);
        if !visible {
            (self.top, self.skip) = (self.cursor.saturating_sub(u64::from(self.size.1 / 3)), 0);
        }
    }

    /// Goes to a line of a log that has so many, with lines before and after it in view.
    pub fn go_among(&mut self, number: u64, total: u64) {
        self.grew(total, 0);
        self.anchor();
        self.cursor = number.min(self.total.saturating_sub(1));
        let lowest = self.total.saturating_sub(u64::from(self.size.1));
        (self.top, self.skip) = (self.cursor.saturating_sub(u64::from(self.size.1 / 3)).min(lowest), 0);
    }

    pub fn scroll_sideways(&mut self, by: i16) {
        if !self.wrap {
            self.column = self.column.saturating_add_signed(by).min(60_000);
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

    /// The first and the last line selected; without a selection the line under the cursor.
    pub fn selection(&self) -> (u64, u64) {
        let mark = self.mark.unwrap_or(self.cursor);
        (mark.min(self.cursor), mark.max(self.cursor))
    }

    /// A selection with all parts of its first and its last line, as far as they are held.
    pub fn whole(&self, (mut from, mut to): (u64, u64)) -> (u64, u64) {
        let goes_on = |number: u64| self.held.line(number).is_some_and(|line| line.partial);
        while from.checked_sub(1).is_some_and(goes_on) {
            from -= 1;
        }
        while goes_on(to) {
            to += 1;
        }
        (from, to)
    }

    /// Cells for text: what stands before it and the scroll bar are taken away.
    pub(super) fn text_width(&self) -> u16 {
        self.size.0.saturating_sub(2 + self.number_width() + self.times_width() + self.stage_width()).max(1)
    }

    /// Cells of the line numbers, which a filtered view shows.
    pub(super) fn number_width(&self) -> u16 {
        if self.filter.is_none() {
            return 0;
        }
        u16::try_from(self.total.max(1).ilog10()).unwrap_or(0) + 2
    }

    pub(super) fn times_width(&self) -> u16 {
        match self.times {
            Times::Off => 0,
            Times::Relative => 10,
            Times::Absolute => 13,
        }
    }

    /// Cells of the stage's name, which a view of several logs shows.
    pub(super) fn stage_width(&self) -> u16 {
        if !self.is_merged() {
            return 0;
        }
        let names = self.held.lines.iter().filter_map(|line| line.of.as_ref());
        let widest = names.map(|(stage, _)| text::width(stage.as_str(), self.charset)).max().unwrap_or(0);
        widest.min(self.size.0 / 4).min(20) + 1
    }
}
