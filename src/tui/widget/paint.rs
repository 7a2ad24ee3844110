//! Painting into a frame: positions, clipping and the current look. Text goes through `text::cells` and nowhere else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::text;
use crate::tui::glyph::{Charset, Frame};
use crate::tui::theme::{Role, Theme};

/// Theme and charset, chosen at the start and changed by the user.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub theme: Theme,
    pub charset: Charset,
}

impl Look {
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }
}

/// A frame being painted.
pub struct Paint<'a> {
    pub buffer: &'a mut Buffer,
    pub look: &'a Look,
}

impl<'a> Paint<'a> {
    pub fn new(buffer: &'a mut Buffer, look: &'a Look) -> Self {
        Self { buffer, look }
    }

    pub fn style(&self, role: Role) -> Style {
        self.look.style(role)
    }

    /// Sets one prepared symbol (of our own glyphs), if the cell is on screen.
    pub fn symbol(&mut self, x: u16, y: u16, symbol: &str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            // Attributes are replaced, colours laid over: a dim frame does not dim the title written into it.
            cell.modifier = Modifier::empty();
            cell.set_symbol(symbol).set_style(style);
        }
    }

    /// Writes foreign text from `x`, at most `room` cells, and returns the cells used. What does not fit ends in an ellipsis.
    pub fn text(&mut self, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
        let charset = self.look.charset;
        let area = *self.buffer.area();
        let room = room.min(area.right().saturating_sub(x));
        if room == 0 || y >= area.bottom() {
            return 0;
        }
        // Only as much of a long text is measured as can be seen.
        let mut used = 0u16;
        for cell in text::cells(text, charset) {
            if used + cell.width > room {
                self.symbol(x + used.min(room - 1), y, charset.ellipsis(), style);
                if used == room {
                    self.cut_before(x + room - 1, y);
                }
                return room;
            }
            self.cell(x + used, y, &cell, style);
            used += cell.width;
        }
        used
    }

    /// A wide glyph whose second half was just painted over becomes a blank.
    fn cut_before(&mut self, x: u16, y: u16) {
        use unicode_width::UnicodeWidthStr;
        let before = x.checked_sub(1).and_then(|x| self.buffer.cell_mut((x, y)));
        if let Some(cell) = before.filter(|cell| cell.symbol().width() > 1) {
            cell.set_symbol(" ");
        }
    }

    /// Sets one cell of text; the second half of a wide glyph is blanked.
    pub fn cell(&mut self, x: u16, y: u16, cell: &text::Cell<'_>, style: Style) {
        if cell.width == 2 && cell.inert {
            self.symbol(x, y, "?", style);
            self.symbol(x + 1, y, "?", style);
            return;
        }
        if cell.width == 2 {
            if x + 1 >= self.buffer.area().right() {
                return self.symbol(x, y, " ", style);
            }
            self.symbol(x + 1, y, " ", style);
        }
        self.symbol(x, y, cell.symbol, style);
    }

    /// Lays a style over an area, keeping what is written there.
    pub fn shade(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area, style);
    }

    /// Shows that an area is selected. What has a ground of its own, as matches have, keeps it: its ink is made for it.
    pub fn select(&mut self, area: Rect) {
        let (selection, ground) = (self.style(Role::Selection), self.style(Role::Text).bg.unwrap_or_default());
        for position in area.intersection(*self.buffer.area()).positions() {
            if let Some(cell) = self.buffer.cell_mut(position).filter(|cell| cell.bg == ground) {
                cell.set_style(selection);
            }
        }
    }

    /// Blanks an area in the text's style.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(*self.buffer.area());
        let style = self.style(Role::Text);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// A frame around an area, with a title in its top edge.
    pub fn frame(&mut self, area: Rect, shape: Frame, style: Style) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.left() + 1..right {
            self.symbol(x, area.y, shape[4], style);
            self.symbol(x, bottom, shape[4], style);
        }
        for y in area.top() + 1..bottom {
            self.symbol(area.x, y, shape[5], style);
            self.symbol(right, y, shape[5], style);
        }
        self.symbol(area.x, area.y, shape[0], style);
        self.symbol(right, area.y, shape[1], style);
        self.symbol(area.x, bottom, shape[2], style);
        self.symbol(right, bottom, shape[3], style);
    }

    /// Starts writing a row from left to right inside `area`'s row `line`.
    pub fn row<'p>(&'p mut self, area: Rect, line: u16) -> Row<'p, 'a> {
        let end = if line < area.height { area.right() } else { area.x };
        Row { y: area.y + line, x: area.x, end, paint: self }
    }
}

/// A row being written from left to right.
pub struct Row<'p, 'a> {
    paint: &'p mut Paint<'a>,
    y: u16,
    x: u16,
    end: u16,
}

impl Row<'_, '_> {
    /// Cells still free.
    pub fn room(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// Where the next cell goes.
    pub fn x(&self) -> u16 {
        self.x
    }

    pub fn style(&self, role: Role) -> Style {
        self.paint.style(role)
    }

    pub fn put(&mut self, text: &str, style: Style) -> &mut Self {
        self.x += self.paint.text(self.x, self.y, self.room(), text, style);
        self
    }

    pub fn role(&mut self, text: &str, role: Role) -> &mut Self {
        let style = self.paint.style(role);
        self.put(text, style)
    }

    pub fn gap(&mut self, cells: u16) -> &mut Self {
        self.x = (self.x + cells).min(self.end);
        self
    }

    /// A column of fixed width: cut with an ellipsis, filled with blanks.
    pub fn column(&mut self, width: u16, text: &str, style: Style) -> &mut Self {
        let width = width.min(self.room());
        self.paint.text(self.x, self.y, width, text, style);
        self.x += width;
        self
    }

    /// A column of fixed width with its text at the right side.
    pub fn number(&mut self, width: u16, text: &str, style: Style) -> &mut Self {
        let width = width.min(self.room());
        let used = text::width(text, self.paint.look.charset).min(width);
        self.paint.text(self.x + width - used, self.y, used, text, style);
        self.x += width;
        self
    }

    /// Writes pieces at the row's right end and takes their room (and one cell before them) away from the rest.
    pub fn right(&mut self, pieces: &[(&str, Style)]) -> &mut Self {
        let charset = self.paint.look.charset;
        let wanted: u16 = pieces.iter().map(|(text, _)| text::width(text, charset)).sum();
        if wanted == 0 || wanted > self.room() {
            return self;
        }
        let mut x = self.end - wanted;
        self.end = x.saturating_sub(1).max(self.x);
        for (text, style) in pieces {
            x += self.paint.text(x, self.y, wanted, text, *style);
        }
        self
    }

    /// Fills the rest with a line.
    pub fn rule(&mut self, style: Style) -> &mut Self {
        let symbol = self.paint.look.charset.horizontal();
        while self.x < self.end {
            self.paint.symbol(self.x, self.y, symbol, style);
            self.x += 1;
        }
        self
    }
}
