//! Screen 9: how often and how fast each pipeline succeeds, over the runs that are listed.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::layout::Rect;

use super::{Intent, View, table};
use crate::model::{RunId, RunStatus, RunSummary};
use crate::tui::action::Action;
use crate::tui::figures;
use crate::tui::glyph::Charset;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::{format, text};
use crate::tui::world::World;

/// Cells of the line of bars.
const BARS: usize = 20;
/// Cells of the pipeline's name at least, and of everything beside it.
const NAME: u16 = 24;
const BESIDE: u16 = 34 + 20;

#[derive(Debug, Clone, Default)]
pub struct Metrics {
    cursor: table::Cursor,
}

/// What the runs of one pipeline say together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Summary {
    pipeline: String,
    newest: RunId,
    runs: usize,
    succeeded: usize,
    failed: usize,
    /// Of the runs that ended by themselves, in milliseconds, oldest first.
    durations: Vec<u64>,
}

impl View for Metrics {
    fn open(_world: &World) -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        if action == Action::Open {
            let chosen = summaries(world.runs.as_deref().unwrap_or_default()).into_iter().nth(self.cursor.selected);
            return chosen.map(|summary| Intent::OpenRun(summary.newest)).into_iter().collect();
        }
        self.cursor.act(action);
        Vec::new()
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        let rows = summaries(world.runs.as_deref().unwrap_or_default()).len();
        self.cursor.fit(area.height.saturating_sub(2), rows);
        Vec::new()
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let mut row = paint.row(area, 0);
        row.gap(1).role("Metrics", Role::Title).gap(2);
        let Some(runs) = world.runs.as_deref() else {
            row.role("reading the runs", Role::Dim);
            return;
        };
        row.role(&format!("over the last {}, slowest first", format::plural(runs.len(), "run", "runs")), Role::Dim);
        let (dim, charset) = (paint.style(Role::Dim), paint.look.charset);
        let summaries = summaries(runs);
        let longest = summaries.iter().map(|summary| text::width(&summary.pipeline, charset)).max().unwrap_or(0);
        let name = longest.min(area.width.saturating_sub(BESIDE)).max(NAME);
        let mut row = paint.row(area, 1);
        row.gap(1).column(name, "pipeline", dim).gap(1).number(5, "runs", dim).gap(1).number(9, "succeeded", dim);
        row.gap(1).number(7, "median", dim).gap(1).number(7, "p95", dim).gap(2).put("took, newest right", dim);
        for (line, (at, summary)) in (2..area.height).zip(summaries.iter().enumerate().skip(self.cursor.top)) {
            summary.draw(paint, area, line, name);
            if at == self.cursor.selected {
                table::draw_selection(paint, area, line);
            }
        }
    }
}

/// One for each pipeline, the slowest first; those of which nothing is known come last.
fn summaries(runs: &[RunSummary]) -> Vec<Summary> {
    let mut known: BTreeMap<&str, Summary> = BTreeMap::new();
    for run in runs.iter().rev() {
        let summary = known.entry(&run.pipeline_name).or_insert_with(|| Summary::of(run));
        summary.newest = run.id.clone();
        summary.runs += 1;
        summary.succeeded += usize::from(run.status == RunStatus::Succeeded);
        summary.failed += usize::from(run.status == RunStatus::Failed);
        if let (Some(start), Some(end), RunStatus::Succeeded | RunStatus::Failed) = (run.started_at, run.finished_at, run.status)
        {
            summary.durations.push(u64::try_from(end.since(start).as_millis()).unwrap_or(u64::MAX));
        }
    }
    let mut summaries: Vec<Summary> = known.into_values().collect();
    summaries.sort_by_key(|summary| std::cmp::Reverse(figures::percentile(&summary.durations, 50)));
    summaries
}

impl Summary {
    fn of(run: &RunSummary) -> Self {
        let (pipeline, newest) = (run.pipeline_name.clone(), run.id.clone());
        Self { pipeline, newest, runs: 0, succeeded: 0, failed: 0, durations: Vec::new() }
    }

    fn took(&self, percent: usize) -> String {
        let millis = figures::percentile(&self.durations, percent);
        millis.map_or_else(|| "n/a".to_owned(), |millis| format::duration(Duration::from_millis(millis)))
    }

    fn trend(&self, charset: Charset) -> String {
        let last = self.durations.iter().skip(self.durations.len().saturating_sub(BARS));
        figures::bars(last.map(|millis| Some(*millis)), charset)
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, line: u16, name: u16) {
        let (text, dim) = (paint.style(Role::Text), paint.style(Role::Dim));
        let rate = paint.style(if self.failed > 0 { Role::Warning } else { Role::Text });
        let trend = self.trend(paint.look.charset);
        let mut row = paint.row(area, line);
        row.gap(1).column(name, &self.pipeline, text).gap(1).number(5, &format::count(self.runs as u64), text);
        row.gap(1).number(9, &figures::share(self.succeeded, self.succeeded + self.failed), rate);
        row.gap(1).number(7, &self.took(50), text).gap(1).number(7, &self.took(95), text).gap(2).put(&trend, dim);
    }
}
