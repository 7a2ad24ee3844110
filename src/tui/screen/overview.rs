//! Screen 1: the services of the workspace, what runs now, what ran last.

mod services;

use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::approvals::rows::Columns;
use super::table;
use super::{Intent, Tone, View};
use crate::model::{RunStatus, RunSummary};
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::world::{Link, World};

#[derive(Debug, Clone, Default)]
pub struct Overview {
    selected: usize,
    top: usize,
}

/// Waiting gates that are shown here; the rest is on their own screen.
const MOST_GATES: u16 = 3;

/// How the rows of the screen are shared out.
struct Parts {
    services: Rect,
    gates: Rect,
    runs: Rect,
}

impl View for Overview {
    fn open(_world: &World) -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        let rows = rows(world);
        match action {
            Action::ListDown => self.selected = (self.selected + 1).min(rows.len().saturating_sub(1)),
            Action::ListUp => self.selected = self.selected.saturating_sub(1),
            Action::ListPageDown => self.selected = (self.selected + 10).min(rows.len().saturating_sub(1)),
            Action::ListPageUp => self.selected = self.selected.saturating_sub(10),
            Action::ListTop => self.selected = 0,
            Action::ListEnd => self.selected = rows.len().saturating_sub(1),
            Action::Open => {
                return match rows.get(self.selected) {
                    Some(run) => vec![Intent::OpenRun(run.id.clone())],
                    None => Intent::say(Tone::Plain, "there is no run yet"),
                };
            }
            _ => return Vec::new(),
        }
        let chosen = rows.get(self.selected).map(|run| run.id.clone());
        world.selected_run = chosen;
        Vec::new()
    }

    fn offers_first(&self, world: &World) -> Option<Action> {
        world.failed_run().map(|_| Action::FirstError)
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        let rows = rows(world);
        // The selection stays on its run when new ones arrive above it.
        let place = world.selected_run.as_ref().and_then(|id| rows.iter().position(|run| run.id == *id));
        self.selected = place.unwrap_or(self.selected).min(rows.len().saturating_sub(1));
        let height = parts(area, world).runs.height.saturating_sub(5);
        self.top = table::scroll(self.top, self.selected, height, rows.len());
        Vec::new()
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let parts = parts(area, world);
        if parts.services.height > 0 {
            services::draw(paint, parts.services, world);
        }
        if parts.gates.height > 1 {
            draw_gates(paint, parts.gates, world);
        }
        self.draw_runs(paint, parts.runs, world);
    }

    fn tick(&self, world: &World) -> Option<Duration> {
        world.has_running().then_some(Duration::from_secs(1))
    }
}

impl Overview {
    fn draw_runs(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let (active, ended) = world.runs_by_life();
        let mut line = 0;
        if world.runs.is_none() {
            return draw_unknown(paint, area, &world.link);
        }
        if active.is_empty() && ended.is_empty() {
            heading(paint, area, 0, "Runs", &[]);
            paint.row(area, 2).gap(3).role("No run yet. Start one from a shell:", Role::Dim);
            paint.row(area, 4).gap(5).role("flowdeck run PIPELINE", Role::Accent);
            return;
        }
        let count = |status: RunStatus| world.runs.iter().flatten().filter(|run| run.status == status).count();
        let tally = |status: RunStatus, style: Style| (count(status), status.name(), style);
        let theme = &world.look.theme;
        let now = [RunStatus::Running, RunStatus::Waiting, RunStatus::Queued, RunStatus::Cancelling];
        let past = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Cancelled];
        let visible = rows(world).into_iter().enumerate().skip(self.top);
        let columns = table::Columns::of(
            world.runs.iter().flatten().map(|run| table::Entry::of(run, false)),
            area.width,
            paint.look.charset,
        );
        let mut section = None;
        for (at, run) in visible {
            let ends = run.status.is_final();
            if section != Some(ends) {
                if section.is_some() {
                    line += 1;
                }
                let (name, tallies) = if ends { ("Recent", &past[..]) } else { ("Active", &now[..]) };
                let tallies: Vec<_> = tallies.iter().map(|status| tally(*status, theme.run(*status))).collect();
                heading(paint, area, line, name, &tallies);
                line += 1;
                if section.is_none() {
                    table::draw_heading(paint, area, line, columns);
                    line += 1;
                }
                section = Some(ends);
            }
            if line >= area.height {
                break;
            }
            table::draw_run(paint, area, line, table::Entry::of(run, at == self.selected), world.now, columns);
            line += 1;
        }
    }
}

/// Active runs first, then ended ones.
fn rows(world: &World) -> Vec<&RunSummary> {
    let (mut active, ended) = world.runs_by_life();
    active.extend(ended);
    active
}

fn parts(area: Rect, world: &World) -> Parts {
    let services = services::all(world).len();
    let wanted = if services == 0 { 0 } else { u16::try_from(services).unwrap_or(u16::MAX).saturating_add(3) };
    let height = wanted.min(area.height / 2);
    let services = Rect { height, ..area };
    let waiting = u16::try_from(world.gates.list().len()).unwrap_or(u16::MAX).min(MOST_GATES);
    let rows = if waiting == 0 { 0 } else { (waiting + 2).min((area.height - height) / 3) };
    let gates = Rect { y: area.y + height, height: rows, ..area };
    let above = height + rows;
    Parts { services, gates, runs: Rect { y: area.y + above, height: area.height - above, ..area } }
}

fn heading(paint: &mut Paint<'_>, area: Rect, line: u16, name: &str, tallies: &[(usize, &str, Style)]) {
    let dot = paint.look.charset.dot();
    let mut row = paint.row(area, line);
    row.gap(1).role(name, Role::Title).gap(2);
    let mut first = true;
    for (count, word, style) in tallies.iter().filter(|(count, _, _)| *count > 0) {
        if !std::mem::take(&mut first) {
            row.gap(1).role(dot, Role::Border).gap(1);
        }
        row.put(&format!("{count} {word}"), *style);
    }
}

fn draw_unknown(paint: &mut Paint<'_>, area: Rect, link: &Link) {
    let mut row = paint.row(area, 1);
    row.gap(3);
    match link {
        Link::Connecting => row.role("connecting to the engine", Role::Dim),
        Link::Connected(_) => row.role("reading the runs", Role::Dim),
        Link::Lost(why) => row.role("the engine does not answer: ", Role::Failure).role(why, Role::Text),
    };
}

/// What waits for people, before what runs by itself.
fn draw_gates(paint: &mut Paint<'_>, area: Rect, world: &World) {
    let (waiting, mine) = world.gates.waiting();
    let (style, key) = (paint.style(Role::Waiting), world.key(Action::GoApprovals));
    heading(paint, area, 0, "Gates", &[(waiting, "waiting", paint.style(Role::Dim)), (mine, "for you", style)]);
    let columns = Columns::of(world.gates.list(), world);
    let last = area.height - 1;
    for (line, gate) in (1..last.max(2)).zip(world.gates.list()) {
        columns.draw_gate(&mut paint.row(area, line), gate, world);
    }
    let (dim, accent) = (paint.style(Role::Dim), paint.style(Role::Key));
    paint.row(area, 0).right(&[(&key, accent), (" decides", dim), (" ", dim)]);
}
