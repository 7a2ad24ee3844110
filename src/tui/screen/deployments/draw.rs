//! Paints the deployments.

use ratatui::layout::Rect;

use super::rows::{Columns, draw_title};
use super::{Deployments, detail, verbs};
use crate::tui::screen::table;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::world::{Link, World};

impl Deployments {
    pub(super) fn paint(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        draw_title(paint, area, world);
        let places = world.deployments.places();
        let Some(place) = self.current(world) else {
            let words = match &world.link {
                Link::Lost(_) => "the engine does not answer",
                _ if world.deployments.is_known() => "no environment is described, and nothing was deployed",
                Link::Connecting | Link::Connected(_) => "asking the engine",
            };
            paint.row(area, 2).gap(3).role(words, Role::Dim);
            return;
        };
        let list = self.parts.list;
        let columns = Columns::of(&places, world, list.width);
        columns.draw_heading(&mut paint.row(list, 1));
        for (line, (at, place)) in (2..list.height).zip(places.iter().enumerate().skip(self.cursor.top)) {
            columns.draw_place(&mut paint.row(list, line), *place, world);
            if at == self.cursor.selected {
                table::draw_selection(paint, list, line);
            }
        }
        let hidden = places.len().saturating_sub(usize::from(list.height.saturating_sub(2)));
        if hidden > 0 {
            let dim = paint.style(Role::Dim);
            paint.row(area, 0).right(&[(&format!("{hidden} more rows"), dim), (" ", dim)]);
        }
        if let Some(facts) = self.parts.facts {
            let lines = detail::facts(place, world, facts.width);
            draw_lines(paint, facts, &lines, 0, None);
        }
        draw_lines(paint, self.parts.history, &self.lines, self.top, Some(self.line));
        self.draw_verbs(paint, world);
    }

    /// What can be asked for; what is impossible with its reason.
    fn draw_verbs(&self, paint: &mut Paint<'_>, world: &World) {
        let rule = paint.style(Role::Border);
        paint.row(self.parts.verbs, 0).rule(rule);
        for (line, action) in (1..).zip(verbs::ALL) {
            let why = self.refusal(action, world);
            let (dim, key) = (paint.style(Role::Dim), paint.style(Role::Key));
            let (key, text) = if why.is_some() { (dim, dim) } else { (key, paint.style(Role::Text)) };
            let mut row = paint.row(self.parts.verbs, line);
            row.gap(1).column(4, &world.key(action), key).column(12, action.facts().name, text);
            if let Some(why) = why {
                row.role("not now: ", Role::Dim).role(&why, Role::Dim);
            }
        }
    }
}

fn draw_lines(paint: &mut Paint<'_>, area: Rect, lines: &[detail::Line], top: usize, chosen: Option<usize>) {
    let dim = paint.style(Role::Dim);
    for (row, (at, line)) in (0..area.height).zip(lines.iter().enumerate().skip(top)) {
        let mut cells = paint.row(area, row);
        cells.gap(1).column(detail::indent(line), line.label, dim);
        if line.release.is_some() && !line.leads {
            cells.gap(1);
        }
        for (text, style) in &line.pieces {
            cells.put(text, *style);
        }
        if chosen == Some(at) {
            table::draw_selection(paint, area, row);
        }
    }
    let hidden = lines.len().saturating_sub(top + usize::from(area.height));
    if let Some(last) = area.height.checked_sub(1).filter(|_| hidden > 0) {
        paint.row(area, last).right(&[(&format!("{hidden} more"), dim), (" ", dim)]);
    }
}
