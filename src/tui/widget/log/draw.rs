//! Paints the lines in view: times, colours, matches, selection, scroll bar.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Line, LogPane, Times};
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::{format, text};

impl LogPane {
    /// `area` is what `fit` was told.
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, focused: bool) {
        let mut at = Rect { width: area.width.saturating_sub(1), ..area };
        let mut skip = self.skip;
        for number in self.top..self.total {
            if at.height == 0 {
                break;
            }
            let used = match self.line(number) {
                Some(line) => self.draw_line(paint, at, line, skip, focused),
                None => {
                    paint.row(at, 0).gap(1).role(paint_dots(self.waiting), Role::Dim);
                    1
                }
            };
            let used = used.clamp(1, at.height);
            at = Rect { y: at.y + used, height: at.height - used, ..at };
            skip = 0;
        }
        self.draw_bar(paint, area);
    }

    /// Paints a line from wrapped row `skip` on and returns the rows used.
    fn draw_line(&self, paint: &mut Paint<'_>, area: Rect, line: &Line, skip: usize, focused: bool) -> u16 {
        let charset = paint.look.charset;
        let left = area.x + 1 + self.times_width();
        let width = self.text_width();
        let base = paint.style(Role::Text);
        let marks = self.search.as_ref().map_or(&[][..], |search| search.ranges(line.number));
        let (plain_match, current_match) = (paint.style(Role::Match), paint.style(Role::MatchCurrent));
        let matched = if line.number == self.cursor { current_match } else { plain_match };
        let (mut row, mut column) = (0usize, 0u32);
        let hidden = if self.wrap { 0 } else { u32::from(self.column) };
        'text: for piece in &line.pieces {
            let style = base.patch(piece.style);
            for cell in text::expand(&line.text[piece.range.clone()], charset) {
                if self.wrap && column + u32::from(cell.width) > u32::from(width) {
                    row += 1;
                    column = 0;
                }
                if row >= skip + usize::from(area.height) || (!self.wrap && column >= hidden + u32::from(width)) {
                    break 'text;
                }
                let offset = piece.range.start + cell.start;
                let style = if marks.iter().any(|(from, to)| (*from..*to).contains(&offset)) { matched } else { style };
                let shown = column.checked_sub(hidden).and_then(|x| u16::try_from(x).ok());
                if let (Some(x), Some(y)) = (shown, row.checked_sub(skip).and_then(|y| u16::try_from(y).ok()))
                    && x + cell.width <= width
                {
                    let style = if cell.inert { paint.style(Role::Dim) } else { style };
                    paint.cell(left + x, area.y + y, &cell, style);
                }
                column += u32::from(cell.width);
            }
        }
        let rows = u16::try_from(row + 1 - skip.min(row)).unwrap_or(1).clamp(1, area.height);
        self.draw_margin(paint, Rect { height: rows, ..area }, line, skip == 0, focused);
        if line.cut > 0 {
            let note = format!(" {} more ", format::bytes(line.cut as u64));
            let room = text::width(&note, charset).min(width);
            paint.text(left + width - room, area.y + rows - 1, room, &note, plain_match);
        }
        rows
    }

    fn draw_margin(&self, paint: &mut Paint<'_>, rows: Rect, line: &Line, first: bool, focused: bool) {
        let dim = paint.style(Role::Dim);
        if first {
            let time = match self.times {
                Times::Off => String::new(),
                Times::Relative => format!("{:>8}", format::duration(line.at.since(self.start))),
                Times::Absolute => format::time_of_day(line.at),
            };
            paint.text(rows.x + 1, rows.y, self.times_width(), &time, dim);
        }
        let (from, to) = self.selection();
        if self.mark.is_some() && (from..=to).contains(&line.number) {
            let selection: Style = paint.style(Role::Selection);
            paint.shade(rows, selection);
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
            if self.search.as_ref().is_some_and(|search| search.any_in(from, to)) {
                paint.symbol(x, y, hit, marked);
            } else if (start..start + size).contains(&row) {
                paint.symbol(x, y, thumb, plain);
            }
        }
    }
}

fn paint_dots(waiting: bool) -> &'static str {
    if waiting { "reading" } else { "" }
}
