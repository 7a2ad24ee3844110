//! Rows of runs, the same in every list.

use ratatui::layout::Rect;

use crate::model::{RunSummary, Timestamp};
use crate::tui::theme::Role;
use crate::tui::widget::format;
use crate::tui::widget::paint::Paint;

/// How long a run took or has taken.
pub fn took(run: &RunSummary, now: Timestamp) -> String {
    match (run.started_at, run.finished_at) {
        (Some(start), Some(end)) => format::duration(end.since(start)),
        (Some(start), None) => format::running(now.since(start)),
        (None, _) => String::new(),
    }
}

/// The heading over run rows.
pub fn draw_heading(paint: &mut Paint<'_>, area: Rect, line: u16) {
    let dim = paint.style(Role::Dim);
    let wide = area.width >= 100;
    let mut row = paint.row(area, line);
    row.gap(3).column(10, "status", dim).gap(1).column(if wide { 24 } else { 18 }, "pipeline", dim).gap(1);
    row.column(13, "run", dim)
        .gap(1)
        .number(7, "stages", dim)
        .gap(1)
        .number(6, "took", dim)
        .gap(2)
        .column(8, "started", dim)
        .gap(1);
    if wide {
        row.column(10, "by", dim).gap(1);
    }
    row.put("", dim);
}

/// One run in one line.
pub fn draw_run(paint: &mut Paint<'_>, area: Rect, line: u16, run: &RunSummary, now: Timestamp, selected: bool) {
    let theme = &paint.look.theme;
    let status = theme.run(run.status);
    let (text, dim, bad) = (paint.style(Role::Text), paint.style(Role::Dim), paint.style(Role::Failure));
    let glyph = paint.look.charset.run(run.status);
    let wide = area.width >= 100;
    let mut row = paint.row(area, line);
    row.gap(1).put(glyph, status).gap(1).column(10, run.status.name(), status).gap(1);
    row.column(if wide { 24 } else { 18 }, &run.pipeline_name, text).gap(1).column(13, run.id.as_str(), dim).gap(1);
    row.number(7, &format!("{}/{}", run.stages_done, run.stages_total), text).gap(1);
    row.number(6, &took(run, now), text).gap(2).column(8, &format::ago(run.created_at, now), dim).gap(1);
    if wide {
        row.column(10, &run.actor, dim).gap(1);
    }
    if let Some(failure) = &run.failure {
        let room = row.room();
        row.column(room, failure, bad.remove_modifier(ratatui::style::Modifier::BOLD));
    }
    if selected {
        let style = paint.style(Role::Selection);
        let y = area.y + line;
        paint.shade(Rect { y, height: 1, ..area }, style);
        let pointer = paint.look.charset.pointer();
        let accent = paint.style(Role::Accent);
        paint.symbol(area.x, y, pointer, accent);
    }
}

/// The first row to show so that the selected one is in view.
pub fn scroll(top: usize, selected: usize, height: u16, rows: usize) -> usize {
    let height = usize::from(height.max(1));
    let most = rows.saturating_sub(height);
    top.clamp((selected + 1).saturating_sub(height), selected.max((selected + 1).saturating_sub(height))).min(most)
}
