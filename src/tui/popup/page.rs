//! Lines to be read, and nothing else. Long ones are wrapped.

use ratatui::layout::Rect;

use super::{Outcome, centred, window};
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::text;

/// Cells of a page at most, with its frame.
const WIDEST: u16 = 100;

#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    lines: Vec<(Role, String)>,
    top: usize,
    height: usize,
}

impl Page {
    pub fn new(title: impl Into<String>, lines: Vec<(Role, String)>) -> Self {
        Self { title: title.into(), lines, top: 0, height: 1 }
    }

    pub fn act(&mut self, action: Option<Action>) -> Outcome {
        let page = self.height.max(2) - 1;
        match action {
            Some(Action::ListDown) => self.top += 1,
            Some(Action::ListUp) => self.top = self.top.saturating_sub(1),
            Some(Action::ListPageDown) => self.top += page,
            Some(Action::ListPageUp) => self.top = self.top.saturating_sub(page),
            Some(Action::ListTop) => self.top = 0,
            Some(Action::ListEnd) => self.top = usize::MAX / 2,
            Some(Action::Accept) => return Outcome::Close,
            _ => {}
        }
        Outcome::Stay
    }

    /// The rows of all lines, cut where this width ends.
    fn rows(&self, width: u16, paint: &Paint<'_>) -> Vec<(Role, String)> {
        let charset = paint.look.charset;
        let cut = |(role, line): &(Role, String)| {
            let (mut rows, mut used) = (vec![String::new()], 0u16);
            for cell in text::cells(line, charset) {
                if used + cell.width > width.max(2) {
                    rows.push(String::new());
                    used = 0;
                }
                used += cell.width;
                rows.last_mut().into_iter().for_each(|row| row.push_str(cell.symbol));
            }
            rows.into_iter().map(|row| (*role, row)).collect::<Vec<_>>()
        };
        self.lines.iter().flat_map(cut).collect()
    }

    pub fn fit(&mut self, area: Rect) {
        self.height = usize::from(area.height.saturating_sub(2));
        // Wrapping makes more rows than lines: drawing stops at the last one.
        let most: usize = self.lines.iter().map(|(_, line)| 1 + line.len() / usize::from(area.width.clamp(8, WIDEST) - 4)).sum();
        self.top = self.top.min(most.saturating_sub(self.height));
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let rows = self.rows(area.width.min(WIDEST).saturating_sub(4), paint);
        let area = centred(area, WIDEST, u16::try_from(rows.len() + 2).unwrap_or(u16::MAX));
        let inside = window(paint, area, &self.title);
        let top = self.top.min(rows.len().saturating_sub(usize::from(inside.height)));
        for (line, (role, row)) in (0..inside.height).zip(rows.iter().skip(top)) {
            paint.row(inside, line).role(row, *role);
        }
        let [_, _, up, down] = paint.look.charset.more();
        let style = paint.style(Role::Accent);
        if top > 0 {
            paint.symbol(area.right().saturating_sub(2), inside.y, up, style);
        }
        if top + usize::from(inside.height) < rows.len() {
            paint.symbol(area.right().saturating_sub(2), inside.bottom().saturating_sub(1), down, style);
        }
    }
}
