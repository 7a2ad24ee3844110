//! The map of a graph that does not fit its pane: below it a row with a shape for every stage, or for every layer, and
//! brackets around what is in view; beside it a column with what is above and below.

use ratatui::layout::Rect;

use super::draw::View;
use crate::model::StageStatus;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;

/// Cells at the right end for the marks that say which ways the picture goes on, and for the brackets.
const ENDS: u16 = 9;

/// What a map shows at one place: a shape with the status it stands for, or part of its drawing.
enum Mark {
    Status(StageStatus, bool),
    Line,
    Open,
    Close,
}

impl View<'_> {
    /// Paints the row, with the selected stage (or its layer) marked.
    pub(super) fn draw_strip(&self, paint: &mut Paint<'_>, row: Rect, status: &dyn Fn(usize) -> StageStatus) {
        let [open, close] = paint.look.charset.brackets();
        let (edge, accent) = (paint.style(Role::Edge), paint.style(Role::Accent));
        for (x, mark) in (row.x + 1..row.right()).zip(self.marks(usize::from(row.width.saturating_sub(ENDS)), status)) {
            match mark {
                Mark::Status(status, true) => {
                    paint.symbol(x, row.y, paint.look.charset.stage(status), paint.style(Role::Selection));
                }
                Mark::Status(status, false) => {
                    paint.symbol(x, row.y, paint.look.charset.stage(status), paint.look.theme.stage(status));
                }
                Mark::Line => paint.symbol(x, row.y, paint.look.charset.horizontal(), edge),
                Mark::Open => paint.symbol(x, row.y, open, accent),
                Mark::Close => paint.symbol(x, row.y, close, accent),
            }
        }
        self.draw_ways(paint, row);
    }

    fn marks(&self, room: usize, status: &dyn Fn(usize) -> StageStatus) -> Vec<Mark> {
        let layers = &self.layout.layers;
        let stages: usize = layers.iter().map(|layer| layer.nodes.len()).sum();
        let at = self.layout.places.get(self.selected).map_or(0, |place| place.layer as usize);
        let each = stages + layers.len() <= room;
        let first = if each { 0 } else { at.saturating_sub(room / 2).min(layers.len().saturating_sub(room)) };
        let count = if each { layers.len() } else { room };
        let view = (self.scroll.0, self.scroll.0 + i32::from(self.area.width));
        let seen =
            |number: usize| layers.get(number).is_some_and(|layer| layer.x < view.1 && layer.x + i32::from(layer.width) > view.0);
        let mut marks = Vec::with_capacity(room);
        for (number, layer) in layers.iter().enumerate().skip(first).take(count) {
            match (seen(number), number.checked_sub(1).is_some_and(seen)) {
                (true, false) => marks.push(Mark::Open),
                (false, true) => marks.push(Mark::Close),
                _ if each && number > 0 => marks.push(Mark::Line),
                _ => {}
            }
            let nodes = layer.nodes.iter().map(|node| *node as usize);
            if each {
                marks.extend(nodes.map(|node| Mark::Status(status(node), node == self.selected)));
            } else {
                marks.extend(
                    nodes.map(status).max_by_key(|status| weight(*status)).map(|worst| Mark::Status(worst, number == at)),
                );
            }
        }
        if seen((first + count).min(layers.len()).saturating_sub(1)) {
            marks.push(Mark::Close);
        }
        marks
    }

    /// Marks at the end of the row: which ways the picture goes on.
    fn draw_ways(&self, paint: &mut Paint<'_>, row: Rect) {
        let [left, right, up, down] = paint.look.charset.more();
        let (width, height) = (i32::from(self.area.width), i32::from(self.area.height));
        let ways = [
            (left, self.scroll.0 > 0),
            (up, self.scroll.1 > 0),
            (down, self.scroll.1 + height < self.layout.height),
            (right, self.scroll.0 + width < self.layout.width),
        ];
        let marks: String = ways.iter().filter(|(_, open)| *open).map(|(mark, _)| *mark).collect();
        let style = paint.style(Role::Accent);
        paint.row(row, 0).right(&[(&marks, style), (" ", style)]);
    }

    /// Paints the column: a thumb where the view is, and a shape where something failed, waits or runs.
    pub(super) fn draw_side(&self, paint: &mut Paint<'_>, column: Rect, status: &dyn Fn(usize) -> StageStatus) {
        let (rows, height) = (i32::from(column.height), self.layout.height.max(1));
        let mut worst: Vec<Option<StageStatus>> = vec![None; usize::from(column.height)];
        for (node, place) in self.layout.places.iter().enumerate() {
            let status = status(node);
            let at = usize::try_from(place.y * rows / height).ok().and_then(|at| worst.get_mut(at));
            if let Some(slot) = at.filter(|slot| {
                weight(status) >= weight(StageStatus::Running) && slot.is_none_or(|other| weight(other) < weight(status))
            }) {
                *slot = Some(status);
            }
        }
        let (thumb, rail) = paint.look.charset.scroll();
        let (from, to) = (self.scroll.1 * rows / height, (self.scroll.1 + i32::from(self.area.height)) * rows / height);
        for (line, worst) in (0i32..).zip(worst) {
            let Ok(y) = u16::try_from(line).map(|line| column.y + line) else { continue };
            let inside = line >= from && line < to.max(from + 1);
            match worst {
                Some(status) => paint.symbol(column.x, y, paint.look.charset.stage(status), paint.look.theme.stage(status)),
                None if inside => paint.symbol(column.x, y, thumb, paint.style(Role::Accent)),
                None => paint.symbol(column.x, y, rail, paint.style(Role::Edge)),
            }
        }
    }
}

/// Which of several stages speaks for all: what went wrong first, then what goes on, then what is left to do.
fn weight(status: StageStatus) -> u8 {
    match status {
        StageStatus::Failed | StageStatus::TimedOut => 9,
        StageStatus::Unknown => 8,
        StageStatus::WaitingApproval => 7,
        StageStatus::Retrying => 6,
        StageStatus::Running => 5,
        StageStatus::Ready => 4,
        StageStatus::Pending => 3,
        StageStatus::Cancelled => 2,
        StageStatus::Succeeded => 1,
        StageStatus::Skipped => 0,
    }
}
