//! The graph as a list: one row for every stage, with what a box tells and more words.

use ratatui::layout::Rect;

use super::Dag;
use super::facts::Scene;
use crate::model::StageId;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;

impl Dag {
    pub(super) fn draw_list(&self, paint: &mut Paint<'_>, area: Rect, scene: &Scene<'_>) {
        let written = || scene.run.stages.values().take(self.board.written());
        let name = written().map(|stage| stage.title().len() + 2).max().unwrap_or(0).clamp(8, 32);
        let name = u16::try_from(name).unwrap_or(20);
        let top = usize::try_from(self.scroll.1).unwrap_or(0);
        for (line, at) in (0..area.height).zip(self.listed().into_iter().skip(top)) {
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
            (true, _) => stage.id.as_str().to_owned(),
            (false, true) => stage.title().to_owned(),
            (false, false) => format!("{} {}", charset.fold(self.unfolded.contains(&at)), stage.title()),
        };
        let indent = 2 * u16::from(stage.enclosure.is_some()) + 2 * u16::from(stage.id.is_instance());
        let indent = indent.min(name / 2);
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
