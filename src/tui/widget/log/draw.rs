//! Paints the lines in view: times, colours, matches, selection, scroll bar.

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::line::{Ink, Line};
use super::{LogPane, Times};
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::{format, text};

/// Colours that tell stages apart; what they are is the terminal's business.
const STAGES: [Color; 6] = [Color::Cyan, Color::Magenta, Color::Blue, Color::Yellow, Color::Green, Color::LightRed];

impl LogPane {
    /// `area` is what `fit` was told.
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, focused: bool) {
        let mut at = Rect { width: area.width.saturating_sub(1), ..area };
        let mut skip = self.skip;
        let filtered = self.filter.is_some().then(|| self.held.lines.range(self.held.position(self.top)..));
        let kept = filtered.into_iter().flatten().map(|line| (line.number, Some(line)));
        let all = if self.filter.is_none() { self.top..self.total } else { 0..0 };
        for (_, line) in kept.chain(all.map(|number| (number, self.held.line(number)))) {
            if at.height == 0 {
                break;
            }
            let used = match line {
                Some(line) => self.draw_line(paint, at, line, skip, focused),
                None => {
                    paint.row(at, 0).gap(1).role(self.waits_for(), Role::Dim);
                    1
                }
            };
            let used = used.clamp(1, at.height);
            at = Rect { y: at.y + used, height: at.height - used, ..at };
            skip = 0;
        }
        if self.filter.is_some() && at.height > 0 {
            let words =
                if self.held.lines.is_empty() && self.asked.is_none() { "no line passes the filter" } else { self.waits_for() };
            paint.row(at, 0).gap(1).role(words, Role::Dim);
        }
        self.draw_bar(paint, area);
    }

    fn waits_for(&self) -> &'static str {
        if self.asked.is_some() { "reading" } else { "" }
    }

    /// Paints a line from wrapped row `skip` on and returns the rows used.
    fn draw_line(&self, paint: &mut Paint<'_>, area: Rect, line: &Line, skip: usize, focused: bool) -> u16 {
        let charset = paint.look.charset;
        let width = self.text_width();
        let left = area.x + (area.width - (width + 1).min(area.width)) + 1;
        let base = paint.style(Role::Text);
        let marks = self.marks(line);
        let role = if line.number == self.cursor { Role::MatchCurrent } else { Role::Match };
        let matched = paint.style(role);
        let first = if self.wrap { line.row_start(skip, width, charset) } else { u32::from(self.column) };
        let (mut row, mut start) = (0u16, first);
        let mut beyond = false;
        for (column, offset, cell, ink) in line.shown.cells(first, charset) {
            let Some(mut x) = column.checked_sub(start) else { continue };
            if x + u32::from(cell.width) > u32::from(width) {
                if !self.wrap {
                    beyond |= cell.symbol != " ";
                    if beyond { break } else { continue }
                }
                row += 1;
                (start, x) = (column, 0);
                if row >= area.height {
                    break;
                }
            }
            let style = match ink {
                _ if cell.inert => paint.style(Role::Dim),
                Ink::Own(style) => base.patch(style),
                Ink::Role(role) => paint.style(role),
            };
            let hit = marks.iter().any(|range| range.contains(&offset));
            let x = u16::try_from(x).unwrap_or(u16::MAX);
            if x + cell.width <= width {
                paint.cell(left + x, area.y + row, &cell, if hit { matched } else { style });
            }
        }
        let rows = if self.wrap { (row + 1).min(area.height) } else { 1 };
        self.draw_margin(paint, Rect { height: rows, ..area }, line, skip == 0, focused);
        if !self.wrap {
            let (before, after) = charset.beyond();
            let dim = paint.style(Role::Dim);
            if self.column > 0 && !line.shown.text.is_empty() {
                paint.symbol(left, area.y, before, dim);
            }
            if beyond {
                paint.symbol(left + width - 1, area.y, after, dim);
            }
        }
        if line.cut > 0 {
            let note = format!(" {} more ", format::bytes(line.cut as u64));
            let room = text::width(&note, charset).min(width);
            paint.text(left + width - room, area.y + rows - 1, room, &note, paint.style(Role::Match));
        }
        rows
    }

    fn draw_margin(&self, paint: &mut Paint<'_>, rows: Rect, line: &Line, first: bool, focused: bool) {
        let dim = paint.style(Role::Dim);
        if first {
            let width = self.number_width();
            let mut row = paint.row(Rect { x: rows.x + 1, width: rows.width.saturating_sub(1), ..rows }, 0);
            if width > 0 {
                let number = line.of.as_ref().map_or(line.number, |(_, number)| *number);
                row.number(width - 1, &(number + 1).to_string(), dim).gap(1);
            }
            let start = self.subject.as_ref().map_or(line.at, |subject| subject.start);
            let time = match self.times {
                Times::Off => String::new(),
                Times::Relative => format!("{:>8}", format::duration(line.at.since(start))),
                Times::Absolute => format::time_of_day(line.at),
            };
            row.column(self.times_width(), &time, dim);
            if let Some((stage, _)) = &line.of {
                row.column(self.stage_width().saturating_sub(1), stage.as_str(), colour_of(stage.as_str()));
            }
        }
        let (from, to) = self.selection();
        if self.mark.is_some() && (from..=to).contains(&line.number) {
            paint.select(rows);
        }
        if first && self.part_before(line).is_some() {
            let (mark, dim) = (paint.look.charset.continues(), paint.style(Role::Dim));
            paint.symbol(rows.x, rows.y, mark, dim);
        }
        if focused && line.number == self.cursor && !self.follow {
            let style = paint.style(Role::Accent);
            let pointer = paint.look.charset.pointer();
            for y in rows.top()..rows.bottom() {
                paint.symbol(rows.x, y, pointer, style);
            }
        }
    }

    /// The scroll bar, with a mark at every row that stands for lines with a match.
    fn draw_bar(&self, paint: &mut Paint<'_>, area: Rect) {
        let height = u64::from(area.height);
        if self.total <= height || area.width < 3 {
            return;
        }
        let x = area.right() - 1;
        let (thumb, hit) = paint.look.charset.scroll();
        let size = (height * height / self.total).max(1);
        let start = (self.top * height / self.total).min(height - size);
        let (plain, marked) = (paint.style(Role::Border), paint.style(Role::Warning));
        for (row, y) in (0..height).zip(area.top()..area.bottom()) {
            let (from, to) = (row * self.total / height, (row + 1) * self.total / height);
            if self.search.is_some() && self.tally.any_in(from..to) {
                paint.symbol(x, y, hit, marked);
            } else if (start..start + size).contains(&row) {
                paint.symbol(x, y, thumb, plain);
            }
        }
    }
}

/// A stage's colour: the same wherever its name stands.
fn colour_of(stage: &str) -> Style {
    let sum = stage.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    Style::new().fg(STAGES[sum % STAGES.len()])
}
