//! The services on the overview: those that are probed, and those that something was deployed to; with what is live.

use ratatui::layout::Rect;

use super::heading;
use crate::tui::backend::{Service, ServiceStatus};
use crate::tui::deployments::coming;
use crate::tui::glyph::{release_word, service_word};
use crate::tui::screen::table;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{Paint, Row};
use crate::tui::widget::{format, text};
use crate::tui::world::World;

/// From this width on what is live has a column.
const WIDE: u16 = 100;
/// Cells of a verdict with its glyph.
const VERDICT: u16 = 13;

/// The probed ones, then those that nobody probes.
pub(super) fn all(world: &World) -> Vec<Service> {
    let mut all = world.services.clone().unwrap_or_default();
    for (environment, service) in world.deployments.places() {
        let Some(service) = service else { continue };
        let is_it = |known: &Service| known.name == service.service && known.environment == environment.name;
        if !all.iter().any(is_it) {
            all.push(Service {
                name: service.service.clone(),
                environment: environment.name.clone(),
                version: None,
                status: ServiceStatus::Unknown,
                latency_ms: None,
                url: environment.url.clone().unwrap_or_default(),
            });
        }
    }
    all
}

/// What is live: its version, and whether it is known to be good.
fn live<'w>(service: &Service, world: &'w World) -> Option<&'w crate::model::Release> {
    world.deployments.service(&service.environment, &service.name).and_then(|(_, service)| service.live())
}

pub(super) fn draw(paint: &mut Paint<'_>, area: Rect, world: &World) {
    let services = &all(world);
    let count = |status: ServiceStatus| services.iter().filter(|service| service.status == status).count();
    let tallies = [ServiceStatus::Healthy, ServiceStatus::Unhealthy, ServiceStatus::Unknown]
        .map(|status| (count(status), service_word(status), paint.style(table::service_role(status))));
    heading(paint, area, 0, "Services", &tallies);
    let charset = paint.look.charset;
    let widest = |text: &dyn Fn(&Service) -> &str, least: u16| {
        services.iter().map(|service| text::width(text(service), charset)).max().unwrap_or(0).clamp(least, 24)
    };
    let (name, place) = (widest(&|service| &service.name, 7), widest(&|service| &service.environment, 11));
    let version = widest(&|service| service.version.as_deref().unwrap_or("-"), 7);
    let is_shown = area.width >= WIDE && services.iter().any(|service| live(service, world).is_some());
    let versions = services.iter().filter_map(|service| live(service, world)).map(|live| &live.record.version);
    let released = is_shown.then(|| versions.map(|version| text::width(version, charset)).max().unwrap_or(0).clamp(4, 24));
    let dim = paint.style(Role::Dim);
    let mut row = paint.row(area, 1);
    row.gap(3).column(10, "status", dim).gap(1).column(name, "service", dim).gap(2).column(place, "environment", dim).gap(2);
    row.column(version, "version", dim).gap(1).number(9, "latency", dim).gap(2);
    if let Some(released) = released {
        row.column(released, "live", dim).gap(1).column(VERDICT, "verdict", dim).gap(2);
    }
    row.put("address", dim);
    let room = area.height.saturating_sub(3);
    for (line, service) in (2..2 + room).zip(services) {
        let (status, text) = (paint.style(table::service_role(service.status)), paint.style(Role::Text));
        let latency = service.latency_ms.map_or_else(|| "-".to_owned(), |millis| format!("{} ms", format::count(millis)));
        let mut row = paint.row(area, line);
        row.gap(1).put(charset.service(service.status), status).gap(1).column(10, service_word(service.status), status).gap(1);
        row.column(name, &service.name, text).gap(2).column(place, &service.environment, text).gap(2);
        row.column(version, service.version.as_deref().unwrap_or("-"), text).gap(1).number(9, &latency, text).gap(2);
        if let Some(released) = released {
            draw_live(&mut row, released, service, world);
        }
        row.put(&service.url, dim);
    }
}

fn draw_live(row: &mut Row<'_, '_>, width: u16, service: &Service, world: &World) {
    let (text, dim) = (row.style(Role::Text), row.style(Role::Dim));
    match live(service, world) {
        None => row.column(width, "-", dim).gap(1).column(VERDICT, "", dim).gap(2),
        Some(live) => {
            let style = world.look.theme.release(live.verdict);
            let verdict = format!("{} {}", world.look.charset.release(live.verdict), release_word(live.verdict));
            row.column(width, &live.record.version, text).gap(1).column(VERDICT, &verdict, style).gap(2)
        }
    };
    let known = world.deployments.service(&service.environment, &service.name);
    if let Some(release) = known.and_then(|(_, service)| coming(service)) {
        let (style, glyph) = (world.look.theme.release(release.verdict), world.look.charset.release(release.verdict));
        row.put(glyph, style).gap(1).put(&release.record.version, style).gap(2);
    }
}
