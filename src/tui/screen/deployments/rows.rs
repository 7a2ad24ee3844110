//! A row for each service in each environment: what is live, what comes, what stands in the way.

use ratatui::style::Style;

use crate::model::{EnvironmentView, ServiceView};
use crate::tui::deployments::{Place, coming, since};
use crate::tui::glyph::release_word;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{Paint, Row};
use crate::tui::widget::text;
use crate::tui::world::World;

/// From this width on the run and the reasons of marks have their place.
const WIDE: u16 = 100;

/// Columns as wide as what is in them.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    environment: u16,
    service: u16,
    version: u16,
    run: u16,
    wide: bool,
}

impl Columns {
    pub fn of(places: &[Place<'_>], world: &World, width: u16) -> Self {
        let charset = world.look.charset;
        let wide = width >= WIDE;
        let most = |narrow: u16, broad: u16| if wide { broad } else { narrow };
        let widest = |words: &dyn Fn(&Place<'_>) -> String, least: u16, most: u16| {
            places.iter().map(|place| text::width(&words(place), charset)).max().unwrap_or(0).clamp(least, most)
        };
        Self {
            environment: widest(&|(environment, _)| environment.name.clone(), 11, most(14, 20)),
            service: widest(&|(_, service)| name(*service).to_owned(), 7, most(12, 20)),
            version: widest(&|(_, service)| version(*service), 7, most(12, 24)),
            run: if wide { 13 } else { 0 },
            wide,
        }
    }

    pub fn draw_heading(self, row: &mut Row<'_, '_>) {
        let dim = row.style(Role::Dim);
        row.gap(3).column(self.environment, "environment", dim).gap(1).column(self.service, "service", dim).gap(1);
        row.column(self.version, "live", dim).gap(1).column(11, "verdict", dim).gap(1).column(12, "since", dim).gap(1);
        if self.run > 0 {
            row.column(self.run, "by run", dim).gap(1);
        }
        row.put("now", dim);
    }

    pub fn draw_place(self, row: &mut Row<'_, '_>, (environment, service): Place<'_>, world: &World) {
        let charset = world.look.charset;
        let (text, dim) = (row.style(Role::Text), row.style(Role::Dim));
        let live = service.and_then(ServiceView::live);
        let (glyph, word, style) = match live {
            Some(live) => (charset.release(live.verdict), release_word(live.verdict), world.look.theme.release(live.verdict)),
            None => (" ", "nothing", dim),
        };
        row.gap(1).put(glyph, style).gap(1).column(self.environment, &environment.name, text).gap(1);
        row.column(self.service, name(service), text).gap(1).column(self.version, &version(service), text).gap(1);
        row.column(11, word, style).gap(1);
        row.column(12, &live.map(|live| world.clock(since(live))).unwrap_or_default(), dim).gap(1);
        if self.run > 0 {
            row.column(self.run, live.map_or("", |live| live.record.run.as_str()), dim).gap(1);
        }
        let mut gap = 0;
        for (words, style) in marks(environment, service, world, self.wide) {
            row.gap(gap).put(&words, style);
            gap = 2;
        }
    }
}

fn name(service: Option<&ServiceView>) -> &str {
    service.map_or("-", |service| &service.service)
}

fn version(service: Option<&ServiceView>) -> String {
    service.and_then(ServiceView::live).map_or_else(|| "-".to_owned(), |live| live.record.version.clone())
}

/// What comes, and what stands in the way; with reasons where there is room for them.
fn marks(environment: &EnvironmentView, service: Option<&ServiceView>, world: &World, wide: bool) -> Vec<(String, Style)> {
    let style = |role| world.look.style(role);
    let said = |word: &str, why: &str| if wide { format!("{word}: {why}") } else { word.to_owned() };
    let mut marks = Vec::new();
    if let Some(release) = service.and_then(coming) {
        let glyph = world.look.charset.release(release.verdict);
        let words = if wide { " deploying" } else { "" };
        marks.push((format!("{glyph} {}{words}", release.record.version), world.look.theme.release(release.verdict)));
    }
    if let Some(stop) = &environment.hold {
        marks.push((said("held", &stop.reason), style(Role::Warning)));
    }
    if let Some(why) = &environment.frozen {
        marks.push((said("frozen", why), style(Role::Warning)));
    }
    if let Some(run) = &environment.lock {
        marks.push((said("locked", run.as_str()), style(Role::Waiting)));
    }
    if !environment.quarantined.is_empty() {
        marks.push((format!("{} in quarantine", environment.quarantined.len()), style(Role::Warning)));
    }
    marks
}

/// The line over the list.
pub fn draw_title(paint: &mut Paint<'_>, area: ratatui::layout::Rect, world: &World) {
    let environments = world.deployments.environments();
    let places = world.deployments.places();
    let coming = places.iter().filter(|(_, service)| service.is_some_and(|service| coming(service).is_some())).count();
    let count = |is: fn(&EnvironmentView) -> bool| environments.iter().filter(|environment| is(environment)).count();
    let tallies = [
        (coming, "deploying", Role::Running),
        (count(|environment| environment.hold.is_some()), "held", Role::Warning),
        (count(|environment| environment.frozen.is_some()), "frozen", Role::Warning),
        (count(|environment| environment.lock.is_some()), "locked", Role::Waiting),
    ];
    let mut row = paint.row(area, 0);
    row.gap(1).role("Deployments", Role::Title);
    for (count, word, role) in tallies.into_iter().filter(|(count, ..)| *count > 0) {
        row.gap(2).role(&format!("{count} {word}"), role);
    }
}
