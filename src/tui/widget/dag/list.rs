//! The graph as a list: one row for every stage, with what a box tells and more words.

use ratatui::layout::Rect;

use super::Dag;
use super::facts::Scene;
use crate::model::{Stage, StageId};
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::text;

/// Cells of what stands beside the name: status, time, attempts, remark.
const FACTS: u16 = 54;
/// Cells of the component after them, kept while names have this many.
const KIND: u16 = 15;
const LEAST_NAME: u16 = 26;

/// How far a stage inside a loop or a guard stands to the right.
fn indent(stage: &Stage) -> u16 {
    2 * u16::from(stage.enclosure.is_some()) + 2 * u16::from(stage.id.is_instance())
}

impl Dag {
    pub(super) fn draw_list(&self, paint: &mut Paint<'_>, area: Rect, scene: &Scene<'_>) {
        let (listed, charset) = (self.listed(), paint.look.charset);
        let wanted = listed.iter().map(|at| {
            let stage = &scene.run.stages[*at];
            let title = if stage.id.is_instance() { stage.id.as_str() } else { stage.title() };
            let fold = if self.board.instances(*at).is_empty() { 0 } else { 2 };
            indent(stage) + fold + text::width(title, charset)
        });
        let free = area.width.saturating_sub(FACTS);
        let most = free.saturating_sub(KIND).max(free.min(LEAST_NAME)).max(8);
        let name = wanted.max().unwrap_or(0).clamp(8, most);
        let top = usize::try_from(self.scroll.1).unwrap_or(0);
        for (line, at) in (0..area.height).zip(listed.into_iter().skip(top)) {
            self.draw_row(paint, area, line, (at, name), scene);
            if at == self.selected {
                let row = Rect { y: area.y + line, height: 1, ..area };
                if scene.focused {
                    let style = paint.style(Role::Selection);
                    paint.shade(row, style);
                } else {
                    let (pointer, style) = (paint.look.charset.pointer(), paint.style(Role::Accent));
                    paint.symbol(area.x, row.y, pointer, style);
                }
            }
        }
    }

    fn draw_row(&self, paint: &mut Paint<'_>, area: Rect, line: u16, (at, name): (usize, u16), scene: &Scene<'_>) {
        let (stage, facts, charset) = (&scene.run.stages[at], self.facts(scene, at), paint.look.charset);
        let status = paint.look.theme.stage(facts.status);
        let (text, dim) = (paint.style(Role::Text), paint.style(Role::Dim));
        let named = if facts.critical { paint.style(Role::Title) } else { text };
        let title = match (stage.id.is_instance(), self.board.instances(at).is_empty()) {
            (true, _) => text::before(stage.id.written(), stage.id.places(), name - indent(stage).min(name / 2), charset),
            (false, true) => stage.title().to_owned(),
            (false, false) => format!("{} {}", charset.fold(self.unfolded.contains(&at)), stage.title()),
        };
        let indent = indent(stage).min(name / 2);
        let mut row = paint.row(area, line);
        if facts.critical {
            row.right(&[("critical ", named)]);
        }
        row.gap(1).put(charset.stage(facts.status), status).gap(1 + indent);
        row.column(name - indent, &title, named).gap(2);
        row.column(16, facts.word(), status).gap(1).number(6, &facts.time, text).gap(2);
        row.column(4, &facts.tries(charset), dim).gap(1).column(18, &facts.remark, text).gap(1);
        row.column(14, &stage.component, dim).gap(1);
        if let Some(enclosure) = &stage.enclosure {
            row.role(enclosure.part.name(), Role::Dim).role(" of ", Role::Dim).role(enclosure.stage.as_str(), Role::Dim).gap(2);
        }
        let owner = stage.enclosure.as_ref().map(|enclosure| &enclosure.stage);
        let after: Vec<&str> = stage.depends_on.iter().filter(|id| Some(*id) != owner).map(StageId::as_str).collect();
        if !after.is_empty() {
            row.role("after ", Role::Dim).role(&after.join(" "), Role::Dim);
        }
    }
}
