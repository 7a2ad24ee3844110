//! Screen 2: every run the engine knows, filtered by status and by what is typed.

use std::time::Duration;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use super::run::Opening;
use super::{Intent, View, table};
use crate::model::{RunStatus, RunSummary};
use crate::tui::action::Action;
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

#[derive(Debug, Clone, Default)]
pub struct Runs {
    filter: String,
    status: Status,
    /// Indices into the world's runs; made new whenever they or the filter change.
    shown: Vec<usize>,
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
        let runs = world.runs.as_deref().unwrap_or_default();
        let place = world
            .selected_run
            .as_ref()
            .and_then(|id| self.shown.iter().position(|at| runs.get(*at).is_some_and(|run| run.id == *id)));
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
        let shown = self.shown.iter().filter_map(|at| runs.get(*at));
        let columns = table::Columns::of(shown, area.width, paint.look.charset);
        table::draw_heading(paint, area, 1, columns);
        if self.shown.is_empty() {
            let text = if runs.is_empty() { "no run yet: start one with `flowdeck run PIPELINE`" } else { "no run matches" };
            paint.row(area, 3).gap(3).role(text, Role::Dim);
        }
        for (line, (at, index)) in (2..area.height).zip(self.shown.iter().enumerate().skip(self.top)) {
            if let Some(run) = runs.get(*index) {
                table::draw_run(paint, area, line, run, world.now, columns, at == self.selected);
            }
        }
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

    fn current<'w>(&self, world: &'w World) -> Option<&'w RunSummary> {
        world.runs.as_ref()?.get(*self.shown.get(self.selected)?)
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
        if self.filter.is_empty() {
            self.shown = candidates.map(|(at, _)| at).collect();
            return;
        }
        let pattern = Pattern::parse(&self.filter, CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = candidates
            .filter_map(|(at, run)| {
                let text = format!(
                    "{} {} {} {} {}",
                    run.pipeline_name,
                    run.id,
                    run.status,
                    run.actor,
                    run.failure.as_deref().unwrap_or("")
                );
                pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher).map(|score| (score, at))
            })
            .collect();
        scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        self.shown = scored.into_iter().map(|(_, at)| at).collect();
    }

    fn draw_title(&self, paint: &mut Paint<'_>, area: Rect, total: usize) {
        let dot = paint.look.charset.dot();
        let mut row = paint.row(area, 0);
        row.gap(1).role("Runs", Role::Title).gap(2);
        let count = if self.shown.len() == total {
            format::count(total as u64)
        } else {
            format!("{} of {}", format::count(self.shown.len() as u64), format::count(total as u64))
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
