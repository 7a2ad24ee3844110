//! Screen 4: what is live where, what is on its way there, and the history of it; the way to a rollback, a promotion, a
//! hold or a quarantine.
//!
//! Opens questions and never orders anything itself.

mod detail;
mod draw;
mod rows;
mod verbs;

use ratatui::layout::Rect;

use super::{Intent, Tone, View, table};
use crate::model::{EnvironmentView, Release, ReleaseId, ServiceView};
use crate::tui::action::Action;
use crate::tui::backend::{Reply, Request};
use crate::tui::deployments::{Place, Spot};
use crate::tui::glyph::Charset;
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;

#[derive(Debug, Clone, Default)]
pub struct Deployments {
    cursor: table::Cursor,
    /// The row of what is said of the selected service that the keys are on.
    line: usize,
    /// The first row of it that is in view.
    top: usize,
    /// What `line` was chosen for.
    shown: Option<Spot>,
    /// The release that the keys are on and the row of it, kept while others come.
    on: Option<(ReleaseId, usize)>,
    /// The rows that the keys go through, and what they were made of.
    lines: Vec<detail::Line>,
    made_of: Option<MadeOf>,
    parts: Parts,
    /// Asks anew: what ends by the clock alone, as a freeze, nobody tells.
    stale: bool,
    /// Verbs that would only be answered with a reason.
    idle: Vec<Action>,
}

/// What rows are made of: as long as it is the same, so are they.
#[derive(Debug, Clone, PartialEq)]
struct MadeOf {
    spot: Option<Spot>,
    news: u64,
    width: u16,
    theme: String,
    charset: Charset,
    /// Clocks name the day when it is another one; days begin at quarters of an hour, wherever.
    quarter: i64,
}

/// How the rows of the screen are shared out.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    list: Rect,
    /// What is said of the environment, where it stands beside the history; else it is the history's beginning.
    facts: Option<Rect>,
    history: Rect,
    verbs: Rect,
}

impl View for Deployments {
    fn open(_world: &World) -> Result<Self, &'static str> {
        Ok(Self { stale: true, ..Self::default() })
    }

    fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        match action {
            Action::RollBack | Action::Promote | Action::Hold | Action::Quarantine | Action::Lift => {
                return self.ask(action, world);
            }
            Action::Open => {
                return match self.release(world) {
                    Some(release) => vec![Intent::OpenRun(release.record.run.clone())],
                    None => Intent::say(Tone::Plain, "nothing was ever deployed here"),
                };
            }
            Action::HistoryDown => (self.line, self.on) = (self.line + 1, None),
            Action::HistoryUp => (self.line, self.on) = (self.line.saturating_sub(1), None),
            _ => {
                self.cursor.act(action);
                let places = world.deployments.places();
                self.cursor.selected = self.cursor.selected.min(places.len().saturating_sub(1));
                let spot = places.get(self.cursor.selected).copied().map(Spot::of);
                world.selected_spot = spot;
            }
        }
        Vec::new()
    }

    fn is_of_use(&self, action: Action) -> bool {
        !self.idle.contains(&action)
    }

    fn hear(&mut self, reply: Reply, _world: &World) -> Vec<Intent> {
        self.stale |= matches!(reply, Reply::Connected(_));
        Vec::new()
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        let places = world.deployments.places();
        // The selection stays on its service when others come and go.
        let kept = world.selected_spot.as_ref().and_then(|spot| places.iter().position(|place| Spot::of(*place) == *spot));
        self.cursor.selected = kept.unwrap_or(self.cursor.selected);
        self.parts = parts(area, places.len());
        self.cursor.fit(self.parts.list.height.saturating_sub(2), places.len());
        let spot = places.get(self.cursor.selected).copied().map(Spot::of);
        world.selected_spot.clone_from(&spot);
        self.refresh(&spot, world);
        self.follow(spot, world);
        self.top = table::scroll(self.top, self.line, self.parts.history.height, self.lines.len());
        self.idle = verbs::ALL.into_iter().filter(|verb| self.refusal(*verb, world).is_some()).collect();
        std::mem::take(&mut self.stale).then_some(Intent::Ask(Request::Deployments)).into_iter().collect()
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        self.paint(paint, area, world);
    }
}

impl Deployments {
    fn current<'w>(&self, world: &'w World) -> Option<Place<'w>> {
        let places = world.deployments.places();
        let kept = world.selected_spot.as_ref().and_then(|spot| places.iter().find(|place| Spot::of(**place) == *spot));
        kept.or_else(|| places.get(self.cursor.selected)).copied()
    }

    fn service<'w>(&self, world: &'w World) -> Option<(&'w EnvironmentView, &'w ServiceView)> {
        let (environment, service) = self.current(world)?;
        service.map(|service| (environment, service))
    }

    /// The release that the keys are on, else the one that is live, else the newest.
    fn release<'w>(&self, world: &'w World) -> Option<&'w Release> {
        let (_, service) = self.service(world)?;
        let chosen = self.lines.get(self.line).and_then(|line| service.releases.get(line.release?));
        chosen.or_else(|| service.live()).or(service.releases.first())
    }

    /// Keeps the keys on their release while others come and go; on another service they begin at the newest.
    fn follow(&mut self, spot: Option<Spot>, world: &World) {
        let lines = &self.lines;
        let first = |wanted| lines.iter().position(|line| line.release == Some(wanted));
        let releases = self.service(world).map(|(_, service)| service.releases.as_slice()).unwrap_or_default();
        let place = |id: &ReleaseId| releases.iter().position(|release| release.record.id == *id);
        let kept = self.on.as_ref().and_then(|(id, row)| Some(first(place(id)?)? + row));
        let (line, top) = if self.shown == spot { (kept.unwrap_or(self.line), self.top) } else { (first(0).unwrap_or(0), 0) };
        let line = line.min(lines.len().saturating_sub(1));
        let on = lines.get(line).and_then(|line| line.release);
        let on = on.and_then(|at| Some((releases.get(at)?.record.id.clone(), line - first(at)?)));
        (self.shown, self.line, self.top, self.on) = (spot, line, top, on);
    }

    fn refresh(&mut self, spot: &Option<Spot>, world: &World) {
        let made_of = MadeOf {
            spot: spot.clone(),
            news: world.news,
            width: self.parts.history.width,
            theme: world.look.theme.name.clone(),
            charset: world.look.charset,
            quarter: world.now.as_millis() / (15 * 60 * 1_000),
        };
        if self.made_of.as_ref() != Some(&made_of) {
            (self.lines, self.made_of) = (self.rows(world), Some(made_of));
        }
    }

    /// What the rows that the keys go through say.
    fn rows(&self, world: &World) -> Vec<detail::Line> {
        let Some(place) = self.current(world) else { return Vec::new() };
        let width = self.parts.history.width;
        let history = detail::history(place, world, width);
        match self.parts.facts {
            Some(_) => history,
            None => detail::facts(place, world, width).into_iter().chain(history).collect(),
        }
    }
}

/// From this width on facts and history stand beside each other.
const SIDE_BY_SIDE: u16 = 110;

fn parts(area: Rect, places: usize) -> Parts {
    let verbs = u16::try_from(verbs::ALL.len() + 1).unwrap_or(u16::MAX).min(area.height / 3);
    let wanted = u16::try_from(places).unwrap_or(u16::MAX).saturating_add(2);
    let list = wanted.min((area.height / 3).max(3)).min(area.height);
    let below = area.height.saturating_sub(list + verbs);
    let air = u16::from(below > 3 && area.height >= 30);
    let detail = Rect { y: area.y + list + air, height: below - air, ..area };
    let verbs = Rect { y: area.bottom() - verbs, height: verbs, ..area };
    let list = Rect { height: list, ..area };
    if area.width < SIDE_BY_SIDE {
        return Parts { list, facts: None, history: detail, verbs };
    }
    let side = area.width * 2 / 5;
    let history = Rect { width: area.width - side, ..detail };
    Parts { list, facts: Some(Rect { x: history.right(), width: side, ..detail }), history, verbs }
}
