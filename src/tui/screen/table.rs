//! Rows of runs, the same in every list.

use ratatui::layout::Rect;

use crate::model::{RunSummary, Timestamp};
use crate::tui::action::Action;
use crate::tui::backend::ServiceStatus;
use crate::tui::glyph::Charset;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::{format, text};

/// How long a run took or has taken.
pub fn took(run: &RunSummary, now: Timestamp) -> String {
    match (run.started_at, run.finished_at) {
        (Some(start), Some(end)) => format::duration(end.since(start)),
        (Some(start), None) => format::running(now.since(start)),
        (None, _) => String::new(),
    }
}

/// Columns of a list of runs, as wide as what is in them.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pipeline: u16,
    id: u16,
    actor: u16,
}

impl Columns {
    pub fn of<'a>(runs: impl Iterator<Item = &'a RunSummary>, width: u16, charset: Charset) -> Self {
        let (mut pipeline, mut id, mut actor) = (8, 3, 2);
        for run in runs {
            pipeline = text::width(&run.pipeline_name, charset).max(pipeline);
            id = text::width(run.id.as_str(), charset).max(id);
            actor = text::width(&run.actor, charset).max(actor);
        }
        let wide = width >= 100;
        Self { pipeline: pipeline.min(if wide { 32 } else { 20 }), id: id.min(16), actor: if wide { actor.min(12) } else { 0 } }
    }
}

/// The heading over run rows.
pub fn draw_heading(paint: &mut Paint<'_>, area: Rect, line: u16, columns: Columns) {
    let dim = paint.style(Role::Dim);
    let mut row = paint.row(area, line);
    row.gap(3).column(10, "status", dim).gap(1).column(columns.pipeline, "pipeline", dim).gap(2);
    row.column(columns.id, "run", dim).gap(1).number(7, "stages", dim).gap(1).number(6, "took", dim).gap(2);
    row.column(8, "started", dim).gap(2).column(columns.actor, "by", dim);
}

/// One run in one line.
pub fn draw_run(
    paint: &mut Paint<'_>,
    area: Rect,
    line: u16,
    run: &RunSummary,
    now: Timestamp,
    columns: Columns,
    selected: bool,
) {
    let theme = &paint.look.theme;
    let status = theme.run(run.status);
    let (text, dim, bad) = (paint.style(Role::Text), paint.style(Role::Dim), paint.style(Role::Failure));
    let glyph = paint.look.charset.run(run.status);
    let mut row = paint.row(area, line);
    row.gap(1).put(glyph, status).gap(1).column(10, run.status.name(), status).gap(1);
    row.column(columns.pipeline, &run.pipeline_name, text).gap(2).column(columns.id, run.id.as_str(), dim).gap(1);
    row.number(7, &format!("{}/{}", run.stages_done, run.stages_total), text).gap(1);
    row.number(6, &took(run, now), text).gap(2).column(8, &format::ago(run.created_at, now), dim).gap(2);
    if columns.actor > 0 {
        row.column(columns.actor, &run.actor, dim).gap(2);
    }
    if let Some(failure) = &run.failure {
        row.put(failure, bad.remove_modifier(ratatui::style::Modifier::BOLD));
    }
    if selected {
        draw_selection(paint, area, line);
    }
}

/// Marks a row as the selected one.
pub fn draw_selection(paint: &mut Paint<'_>, area: Rect, line: u16) {
    let style = paint.style(Role::Selection);
    let y = area.y + line;
    paint.shade(Rect { y, height: 1, ..area }, style);
    let (pointer, accent) = (paint.look.charset.pointer(), paint.style(Role::Accent));
    paint.symbol(area.x, y, pointer, accent);
}

/// The colour of a service's status.
pub fn service_role(status: ServiceStatus) -> Role {
    match status {
        ServiceStatus::Healthy => Role::Success,
        ServiceStatus::Unhealthy => Role::Failure,
        ServiceStatus::Unknown => Role::Waiting,
    }
}

/// The selected row of a list and the first one in view.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    pub selected: usize,
    pub top: usize,
    page: usize,
}

impl Cursor {
    /// Moves as a list's keys say; `fit` brings it back to where rows are.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::ListDown => self.selected += 1,
            Action::ListUp => self.selected = self.selected.saturating_sub(1),
            Action::ListPageDown => self.selected += self.page,
            Action::ListPageUp => self.selected = self.selected.saturating_sub(self.page),
            Action::ListTop => self.selected = 0,
            Action::ListEnd => self.selected = usize::MAX / 2,
            _ => {}
        }
    }

    /// Keeps the selection on a row and the row in view.
    pub fn fit(&mut self, height: u16, rows: usize) {
        self.page = usize::from(height.max(2)) - 1;
        self.selected = self.selected.min(rows.saturating_sub(1));
        self.top = scroll(self.top, self.selected, height, rows);
    }
}

/// The first row to show so that the selected one is in view.
pub fn scroll(top: usize, selected: usize, height: u16, rows: usize) -> usize {
    let height = usize::from(height.max(1));
    let most = rows.saturating_sub(height);
    top.clamp((selected + 1).saturating_sub(height), selected.max((selected + 1).saturating_sub(height))).min(most)
}
