//! Screen 2: every run the engine knows, filtered by status and by what is typed; the runs that a run started below it.

mod filter;

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::layout::Rect;

use super::run::Opening;
use super::table::{Entry, Marks};
use super::{Intent, Tone, View, table};
use crate::model::{RunId, RunStatus, RunSummary};
use crate::tui::action::Action;
use crate::tui::backend::{Reply, Request};
use crate::tui::popup::{Popup, Purpose};
use crate::tui::theme::Role;
use crate::tui::widget::format;
use crate::tui::widget::paint::Paint;
use crate::tui::world::{Link, World};

/// Which runs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Status {
    #[default]
    All,
    Active,
    Failed,
    Succeeded,
}

/// A row of the list.
#[derive(Debug, Clone)]
struct Row {
    place: Place,
    depth: usize,
    marks: Option<Marks>,
}

/// Where the run of a row is.
#[derive(Debug, Clone)]
enum Place {
    /// Among the world's runs.
    Listed(usize),
    /// Among those below a run.
    Below(RunId, usize),
}

#[derive(Debug, Clone, Default)]
pub struct Runs {
    filter: String,
    status: Status,
    /// Made new whenever the runs or the filter change.
    shown: Vec<Row>,
    /// The runs below each run that is unfolded.
    below: BTreeMap<RunId, Vec<RunSummary>>,
    /// Asked for by a key, to be unfolded.
    asked: Option<RunId>,
    selected: usize,
    top: usize,
    height: u16,
}

impl View for Runs {
    fn open(_world: &World) -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        let last = self.shown.len().saturating_sub(1);
        let page = usize::from(self.height.max(2)) - 1;
        match action {
            Action::ListDown => self.selected = (self.selected + 1).min(last),
            Action::ListUp => self.selected = self.selected.saturating_sub(1),
            Action::ListPageDown => self.selected = (self.selected + page).min(last),
            Action::ListPageUp => self.selected = self.selected.saturating_sub(page),
            Action::ListTop => self.selected = 0,
            Action::ListEnd => self.selected = last,
            Action::Open => return self.current(world).map(|run| Intent::OpenRun(run.id.clone())).into_iter().collect(),
            Action::Replay => {
                let replay = |run: &RunSummary| Intent::Replay(run.id.clone(), Opening::default());
                return self.current(world).map(replay).into_iter().collect();
            }
            Action::Filter => return vec![Intent::Open(Box::new(Popup::prompt(Purpose::Filter, &self.filter)))],
            Action::UnfoldRun => return self.unfold(world),
            Action::FoldRun => self.fold(world),
            Action::ToggleRun if self.current(world).is_some_and(|run| self.below.contains_key(&run.id)) => self.fold(world),
            Action::ToggleRun => return self.unfold(world),
            Action::StatusFilter => {
                self.status = match self.status {
                    Status::All => Status::Active,
                    Status::Active => Status::Failed,
                    Status::Failed => Status::Succeeded,
                    Status::Succeeded => Status::All,
                };
                self.refresh(world);
            }
            _ => return Vec::new(),
        }
        world.selected_run = self.current(world).map(|run| run.id.clone());
        Vec::new()
    }

    /// Drops the filter.
    fn back(&mut self, world: &mut World) -> Option<Vec<Intent>> {
        if self.filter.is_empty() && self.status == Status::All {
            return None;
        }
        self.filter.clear();
        self.status = Status::All;
        self.refresh(world);
        Some(Vec::new())
    }

    fn typed(&mut self, purpose: Purpose, text: &str, _accepted: bool, world: &mut World) -> Vec<Intent> {
        if purpose == Purpose::Filter {
            self.set_filter(text, world);
        }
        Vec::new()
    }

    fn offers_first(&self, world: &World) -> Option<Action> {
        world.failed_run().map(|_| Action::FirstError)
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        self.refresh(world);
        let is_selected = |row: &Row| self.run_of(row, world).is_some_and(|run| world.selected_run.as_ref() == Some(&run.id));
        let place = self.shown.iter().position(is_selected);
        self.selected = place.unwrap_or(self.selected).min(self.shown.len().saturating_sub(1));
        self.height = area.height.saturating_sub(2);
        self.top = table::scroll(self.top, self.selected, self.height, self.shown.len());
        Vec::new()
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let Some(runs) = world.runs.as_deref() else {
            let text = match &world.link {
                Link::Lost(why) => format!("the engine does not answer: {why}"),
                Link::Connecting | Link::Connected(_) => "reading the runs".to_owned(),
            };
            paint.row(area, 1).gap(3).role(&text, Role::Dim);
            return;
        };
        self.draw_title(paint, area, runs.len());
        let entries = self.shown.iter().enumerate().filter_map(|(at, row)| self.entry(at, row, world));
        let columns = table::Columns::of(entries, area.width, paint.look.charset);
        table::draw_heading(paint, area, 1, columns);
        if self.shown.is_empty() {
            let text = if runs.is_empty() { "no run yet: start one with `flowdeck run PIPELINE`" } else { "no run matches" };
            paint.row(area, 3).gap(3).role(text, Role::Dim);
        }
        for (line, (at, row)) in (2..area.height).zip(self.shown.iter().enumerate().skip(self.top)) {
            if let Some(entry) = self.entry(at, row, world) {
                table::draw_run(paint, area, line, entry, world.now, columns);
            }
        }
    }

    fn hear(&mut self, reply: Reply, world: &World) -> Vec<Intent> {
        let Reply::RunsBelow { of, runs } = reply else { return Vec::new() };
        let asked = self.asked.take_if(|asked| *asked == of).is_some();
        if runs.is_empty() && asked {
            return Intent::say(Tone::Plain, "this run has started no other run");
        }
        if asked || self.below.contains_key(&of) {
            self.below.insert(of, runs);
            self.refresh(world);
        }
        Vec::new()
    }

    /// Those that are unfolded may have changed, too.
    fn listed(&mut self) -> Vec<Intent> {
        self.below.keys().map(|run| Intent::Ask(Request::RunsBelow(run.clone()))).collect()
    }

    fn tick(&self, world: &World) -> Option<Duration> {
        world.has_running().then_some(Duration::from_secs(1))
    }
}

impl Runs {
    fn set_filter(&mut self, text: &str, world: &mut World) {
        text.clone_into(&mut self.filter);
        self.refresh(world);
        self.selected = 0;
        world.selected_run = self.current(world).map(|run| run.id.clone());
    }

    fn current<'w>(&'w self, world: &'w World) -> Option<&'w RunSummary> {
        self.run_of(self.shown.get(self.selected)?, world)
    }

    fn run_of<'w>(&'w self, row: &Row, world: &'w World) -> Option<&'w RunSummary> {
        match &row.place {
            Place::Listed(at) => world.runs.as_ref()?.get(*at),
            Place::Below(above, at) => self.below.get(above)?.get(*at),
        }
    }

    fn entry<'w>(&'w self, at: usize, row: &'w Row, world: &'w World) -> Option<Entry<'w>> {
        let run = self.run_of(row, world)?;
        let unfolded = self.below.contains_key(&run.id);
        Some(Entry { marks: row.marks.as_ref(), depth: row.depth, unfolded, ..Entry::of(run, at == self.selected) })
    }

    /// Asks for the runs below the selected one.
    fn unfold(&mut self, world: &World) -> Vec<Intent> {
        self.asked = self.current(world).map(|run| run.id.clone()).filter(|run| !self.below.contains_key(run));
        self.asked.iter().map(|run| Intent::Ask(Request::RunsBelow(run.clone()))).collect()
    }

    /// Hides the runs below the selected one; where there are none, goes to the run above it.
    fn fold(&mut self, world: &World) {
        let Some(run) = self.current(world).map(|run| run.id.clone()) else { return };
        if self.below.remove(&run).is_none() {
            let depth = self.shown.get(self.selected).map_or(0, |row| row.depth);
            let above = |at: &usize| self.shown[*at].depth < depth;
            self.selected = (0..self.selected).rev().find(above).unwrap_or(self.selected);
        }
        self.refresh(world);
    }

    /// A row, and below it those of the runs that it started.
    fn rows(&self, row: Row, world: &World, into: &mut Vec<Row>) {
        let run = self.run_of(&row, world).map(|run| run.id.clone());
        let depth = row.depth + 1;
        into.push(row);
        let Some(run) = run else { return };
        for at in 0..self.below.get(&run).map_or(0, Vec::len) {
            self.rows(Row { place: Place::Below(run.clone(), at), depth, marks: None }, world, into);
        }
    }

    /// Finds the runs to show: newest first, or best match first while a filter is typed.
    fn refresh(&mut self, world: &World) {
        let runs = world.runs.as_deref().unwrap_or_default();
        let wanted = |run: &RunSummary| match self.status {
            Status::All => true,
            Status::Active => !run.status.is_final(),
            Status::Failed => matches!(run.status, RunStatus::Failed | RunStatus::Cancelled),
            Status::Succeeded => run.status == RunStatus::Succeeded,
        };
        let candidates = runs.iter().enumerate().filter(|(_, run)| wanted(run));
        let found: Vec<(usize, Option<Marks>)> = if self.filter.is_empty() {
            candidates.map(|(at, _)| (at, None)).collect()
        } else {
            filter::find(candidates, &self.filter).into_iter().map(|(at, marks)| (at, Some(marks))).collect()
        };
        let mut rows = Vec::with_capacity(found.len());
        for (at, marks) in found {
            self.rows(Row { place: Place::Listed(at), depth: 0, marks }, world, &mut rows);
        }
        self.shown = rows;
    }

    fn draw_title(&self, paint: &mut Paint<'_>, area: Rect, total: usize) {
        let dot = paint.look.charset.dot();
        let mut row = paint.row(area, 0);
        row.gap(1).role("Runs", Role::Title).gap(2);
        let listed = self.shown.iter().filter(|row| row.depth == 0).count();
        let count = if listed == total {
            format::count(total as u64)
        } else {
            format!("{} of {}", format::count(listed as u64), format::count(total as u64))
        };
        row.role(&count, Role::Dim);
        let status = match self.status {
            Status::All => "",
            Status::Active => "active only",
            Status::Failed => "failed and cancelled only",
            Status::Succeeded => "succeeded only",
        };
        for (label, value) in [("", status), ("filter ", self.filter.as_str())] {
            if !value.is_empty() {
                row.gap(1).role(dot, Role::Border).gap(1).role(label, Role::Dim).role(value, Role::Accent);
            }
        }
    }
}
