//! Screen 6: the services of the workspace, as seen since the console opened.

use ratatui::layout::Rect;

use super::{Intent, View, table};
use crate::tui::action::Action;
use crate::tui::backend::{Request, Service};
use crate::tui::theme::Role;
use crate::tui::widget::paint::{Paint, Row};
use crate::tui::widget::{format, text};
use crate::tui::world::World;
use crate::tui::{figures, glyph};

/// Cells of the line of bars.
const BARS: u16 = 16;

#[derive(Debug, Clone, Default)]
pub struct Health {
    cursor: table::Cursor,
}

impl View for Health {
    fn open(_world: &World) -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    fn act(&mut self, action: Action, _world: &mut World) -> Vec<Intent> {
        if action == Action::Probe {
            return vec![Intent::Ask(Request::Services)];
        }
        self.cursor.act(action);
        Vec::new()
    }

    fn is_of_use(&self, action: Action) -> bool {
        action != Action::Open
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        self.cursor.fit(area.height.saturating_sub(4), services(world).len());
        Vec::new()
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let services = services(world);
        let mut row = paint.row(area, 0);
        row.gap(1).role("Health", Role::Title).gap(2);
        if services.is_empty() {
            let words = if world.services.is_some() { "the workspace names no service" } else { "asking the services" };
            row.role(words, Role::Dim);
            return;
        }
        row.role("as seen since the console opened", Role::Dim);
        let widths = Widths::of(services, paint);
        widths.draw_heading(&mut paint.row(area, 1));
        let bottom = area.height.saturating_sub(2);
        for (line, (at, service)) in (2..bottom).zip(services.iter().enumerate().skip(self.cursor.top)) {
            widths.draw_service(&mut paint.row(area, line), service, world);
            if at == self.cursor.selected {
                table::draw_selection(paint, area, line);
            }
        }
        if let (Some(service), Some(line)) = (services.get(self.cursor.selected), area.height.checked_sub(1)) {
            let version = service.version.as_deref().unwrap_or("unknown");
            let mut row = paint.row(area, line);
            row.gap(1).role("version ", Role::Dim).role(version, Role::Text).gap(3).role(&service.url, Role::Dim);
        }
    }
}

fn services(world: &World) -> &[Service] {
    world.services.as_deref().unwrap_or_default()
}

/// Columns as wide as what is in them.
#[derive(Debug, Clone, Copy)]
struct Widths {
    name: u16,
    place: u16,
}

impl Widths {
    fn of(services: &[Service], paint: &Paint<'_>) -> Self {
        let charset = paint.look.charset;
        let widest = |words: fn(&Service) -> &str, least: u16, most: u16| {
            services.iter().map(|service| text::width(words(service), charset)).max().unwrap_or(0).clamp(least, most)
        };
        Self { name: widest(|service| &service.name, 7, 20), place: widest(|service| &service.environment, 11, 14) }
    }

    fn draw_heading(self, row: &mut Row<'_, '_>) {
        let dim = row.style(Role::Dim);
        row.gap(3).column(10, "status", dim).gap(1).column(self.name, "service", dim).gap(1);
        row.column(self.place, "environment", dim).gap(1).number(6, "uptime", dim);
        for name in ["latency", "p50", "p95", "p99"] {
            row.gap(1).number(if name == "latency" { 8 } else { 6 }, name, dim);
        }
        row.gap(2).column(BARS, "newest right", dim);
    }

    fn draw_service(self, row: &mut Row<'_, '_>, service: &Service, world: &World) {
        let charset = world.look.charset;
        let (text, dim) = (row.style(Role::Text), row.style(Role::Dim));
        let status = row.style(table::service_role(service.status));
        row.gap(1).put(charset.service(service.status), status).gap(1);
        row.column(10, glyph::service_word(service.status), status).gap(1);
        row.column(self.name, &service.name, text).gap(1).column(self.place, &service.environment, text).gap(1);
        let track = world.history.of(service);
        row.number(6, &track.map_or_else(|| "n/a".to_owned(), |track| track.uptime()), text);
        row.gap(1).number(8, &known(service.latency_ms), text);
        for percent in [50, 95, 99] {
            row.gap(1).number(6, &known(track.and_then(|track| track.latency(percent))), dim);
        }
        let bars = track.map(|track| figures::bars(track.latencies(usize::from(BARS)), charset)).unwrap_or_default();
        row.gap(2).number(BARS, &bars, status);
    }
}

fn known(millis: Option<u64>) -> String {
    millis.map_or_else(|| "n/a".to_owned(), format::count)
}
