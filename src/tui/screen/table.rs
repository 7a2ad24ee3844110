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

/// Columns of a list of runs: as wide as what is in them, where the failures leave so much room.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pipeline: u16,
    id: u16,
    /// No column when no run has one, or in a narrow list.
    environment: u16,
    actor: u16,
}

/// Cells of a row that are the same in every list, the gaps included.
const FIXED: u16 = 43;
/// From this width on a list has room for more than the most needed columns.
const WIDE: u16 = 100;

impl Columns {
    pub fn of<'a>(entries: impl Iterator<Item = Entry<'a>>, width: u16, charset: Charset) -> Self {
        let (mut pipeline, mut id, mut environment, mut actor, mut failure) = (8, 3, 0, 2, 0);
        for entry in entries {
            let run = entry.run;
            pipeline = (text::width(&entry.lead(charset), charset) + text::width(&run.pipeline_name, charset)).max(pipeline);
            id = text::width(run.id.as_str(), charset).max(id);
            environment = run.environment.as_deref().map_or(0, |name| text::width(name, charset).max(11)).max(environment);
            actor = text::width(&run.actor, charset).max(actor);
            failure = run.failure.as_deref().map_or(0, |failure| text::width(failure, charset)).max(failure);
        }
        let most = if width >= WIDE { [32, 16, 12, 12] } else { [20, 16, 0, 0] };
        let wanted = [pipeline, id, environment, actor];
        let mut columns: [u16; 4] = std::array::from_fn(|at| wanted[at].min(most[at]));
        let gaps: u16 = columns[2..].iter().map(|column| if *column > 0 { 2 } else { 0 }).sum();
        let mut free = width.saturating_sub(columns.iter().sum::<u16>() + FIXED + gaps).saturating_sub(failure);
        for (column, wanted) in columns.iter_mut().zip(wanted).filter(|(column, _)| **column > 0) {
            let more = (wanted - *column).min(free);
            *column += more;
            free -= more;
        }
        let [pipeline, id, environment, actor] = columns;
        Self { pipeline, id, environment, actor }
    }
}

/// The heading over run rows.
pub fn draw_heading(paint: &mut Paint<'_>, area: Rect, line: u16, columns: Columns) {
    let dim = paint.style(Role::Dim);
    let mut row = paint.row(area, line);
    row.gap(3).column(10, "status", dim).gap(1).column(columns.pipeline, "pipeline", dim).gap(2);
    row.column(columns.id, "run", dim).gap(1).number(7, "stages", dim).gap(1).number(6, "took", dim).gap(2);
    row.column(8, "started", dim).gap(2);
    if columns.environment > 0 {
        row.column(columns.environment, "environment", dim).gap(2);
    }
    row.column(columns.actor, "by", dim);
}

/// Fields of a run that are searched: pipeline, id, status, actor, failure, environment.
pub const FIELDS: usize = 6;

/// Letters of each field that a filter found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(pub [Vec<usize>; FIELDS]);

/// A run as a row shows it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub run: &'a RunSummary,
    pub selected: bool,
    pub marks: Option<&'a Marks>,
    /// How many runs above it are listed above it.
    pub depth: usize,
    /// The runs that it started are listed below it.
    pub unfolded: bool,
}

impl<'a> Entry<'a> {
    pub fn of(run: &'a RunSummary, selected: bool) -> Self {
        Self { run, selected, marks: None, depth: 0, unfolded: false }
    }

    /// What stands before the name.
    fn lead(&self, charset: Charset) -> String {
        let fold = if self.unfolded { format!("{} ", charset.fold(true)) } else { String::new() };
        format!("{}{fold}", "  ".repeat(self.depth))
    }
}

/// One run in one line.
pub fn draw_run(paint: &mut Paint<'_>, area: Rect, line: u16, entry: Entry<'_>, now: Timestamp, columns: Columns) {
    let (theme, charset, run) = (&paint.look.theme, paint.look.charset, entry.run);
    let status = theme.run(run.status);
    let (text, dim, bad) = (paint.style(Role::Text), paint.style(Role::Dim), paint.style(Role::Failure));
    let (lead, environment) = (entry.lead(charset), run.environment.as_deref().unwrap_or_default());
    let mut row = paint.row(area, line);
    let mut starts = [0; FIELDS];
    row.gap(1).put(charset.run(run.status), status).gap(1);
    starts[2] = row.x();
    row.column(10, run.status.name(), status).gap(1);
    starts[0] = row.x() + text::width(&lead, charset);
    row.column(columns.pipeline, &format!("{lead}{}", run.pipeline_name), text).gap(2);
    starts[1] = row.x();
    row.column(columns.id, run.id.as_str(), dim).gap(1);
    row.number(7, &format!("{}/{}", run.stages_done, run.stages_total), text).gap(1);
    row.number(6, &took(run, now), text).gap(2).column(8, &format::ago(run.created_at, now), dim).gap(2);
    starts[5] = row.x();
    if columns.environment > 0 {
        row.column(columns.environment, environment, text).gap(2);
    }
    starts[3] = row.x();
    if columns.actor > 0 {
        row.column(columns.actor, &run.actor, dim).gap(2);
    }
    starts[4] = row.x();
    let failure = run.failure.as_deref().unwrap_or_default();
    row.put(failure, bad.remove_modifier(ratatui::style::Modifier::BOLD));
    if entry.selected {
        draw_selection(paint, area, line);
    }
    if let Some(marks) = entry.marks {
        let widths = [columns.pipeline, columns.id, 10, columns.actor, u16::MAX, columns.environment];
        let fields = [&run.pipeline_name, run.id.as_str(), run.status.name(), &run.actor, failure, environment];
        for (field, marked) in marks.0.iter().enumerate() {
            draw_marks(
                paint,
                Rect { x: starts[field], y: area.y + line, width: widths[field], height: 1 },
                fields[field],
                marked,
            );
        }
    }
}

/// Shows which letters of a text were found.
fn draw_marks(paint: &mut Paint<'_>, area: Rect, text: &str, marked: &[usize]) {
    let (charset, style) = (paint.look.charset, paint.style(Role::Match));
    let end = area.x.saturating_add(area.width).min(paint.buffer.area().right());
    let mut x = area.x;
    for (at, cell) in text::cells(text, charset).enumerate() {
        if x + cell.width > end {
            return;
        }
        if marked.contains(&at) {
            paint.shade(Rect { x, width: cell.width, ..area }, style);
        }
        x += cell.width;
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
