//! What there is to say of one service in one environment, in rows: how things stand, and its releases, newest first.

use ratatui::style::Style;

use crate::model::{EnvironmentView, Release, ServiceView, Stop, SubjectKind};
use crate::tui::deployments::{Place, coming, reason, short, since};
use crate::tui::glyph::release_word;
use crate::tui::theme::Role;
use crate::tui::widget::text;
use crate::tui::world::World;

/// Cells of the labels.
const LABELS: u16 = 11;
/// Where the words below a release begin.
const INDENT: u16 = 5;

/// A row, in pieces.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub label: &'static str,
    pub pieces: Vec<(String, Style)>,
    /// The release that it is about, by its place in the list.
    pub release: Option<usize>,
    /// The first row of a release.
    pub leads: bool,
}

/// Rows under one label, wrapped.
fn said(label: &'static str, words: &str, style: Style, world: &World, width: u16) -> Vec<Line> {
    let rows = text::wrap(words, width.saturating_sub(LABELS + 2), world.look.charset).into_iter().enumerate();
    let line = |(at, row)| Line { label: if at == 0 { label } else { "" }, pieces: vec![(row, style)], ..Line::default() };
    rows.map(line).collect()
}

/// How things stand there.
pub fn facts((environment, service): Place<'_>, world: &World, width: u16) -> Vec<Line> {
    let style = |role| world.look.style(role);
    let mut lines = Vec::new();
    let mut say = |label, words: String, role| lines.extend(said(label, &words, style(role), world, width));
    match service.and_then(ServiceView::live) {
        Some(live) => say("live", placed(live, world), Role::Title),
        None => say("live", "nothing is recorded as live".to_owned(), Role::Dim),
    }
    if let Some(release) = service.and_then(coming) {
        say("now", format!("{} is being deployed by run {}", release.record.version, release.record.run), Role::Running);
    }
    if let Some(url) = &environment.url {
        say("at", url.clone(), Role::Dim);
    }
    if let Some(stop) = &environment.hold {
        say("held", stopped(stop, world), Role::Warning);
    }
    for (digest, stop) in &environment.quarantined {
        say("quarantine", format!("{} {}", short(digest), stopped(stop, world)), Role::Warning);
    }
    if let Some(why) = &environment.frozen {
        say("frozen", why.clone(), Role::Warning);
    }
    if let Some(run) = &environment.lock {
        say("locked", format!("by run {run}, which changes it now"), Role::Waiting);
    }
    for promotion in service.map(|service| service.promotions.as_slice()).unwrap_or_default() {
        match promotion.missing.as_slice() {
            [] => say("promote", format!("may go to {}", promotion.to), Role::Success),
            missing => missing.iter().for_each(|why| say("promote", format!("not to {}: {why}", promotion.to), Role::Dim)),
        }
    }
    lines
}

/// `1.4.2 since 09:12 by run 1v9r8k0-ccccc`
fn placed(live: &Release, world: &World) -> String {
    let words = release_word(live.verdict);
    format!("{} {words} since {} by run {}", live.record.version, world.clock(since(live)), live.record.run)
}

fn stopped(stop: &Stop, world: &World) -> String {
    format!("by {}, {}: {}", stop.by, world.clock(stop.at), stop.reason)
}

/// The releases, newest first, each with why it is what it is, and what is against going back to it.
pub fn history((environment, service): Place<'_>, world: &World, width: u16) -> Vec<Line> {
    let Some(service) = service else { return Vec::new() };
    let version = service.releases.iter().map(|release| text::width(&release.record.version, world.look.charset)).max();
    let version = version.unwrap_or(0).clamp(7, 20);
    let releases = service.releases.iter().enumerate();
    releases.flat_map(|(at, release)| of_release(environment, service, (at, release), world, (version, width))).collect()
}

fn of_release(
    environment: &EnvironmentView,
    service: &ServiceView,
    (at, release): (usize, &Release),
    world: &World,
    (version, width): (u16, u16),
) -> Vec<Line> {
    let (charset, record) = (world.look.charset, &release.record);
    let verdict = world.look.theme.release(release.verdict);
    let (text, dim, warning) = (world.look.style(Role::Text), world.look.style(Role::Dim), world.look.style(Role::Warning));
    let live = Some(&record.id) == service.live.as_ref();
    let fill = |words: &str, width: u16| {
        let used = text::width(words, charset);
        format!("{}{}", text::before(words, "", width, charset), " ".repeat(usize::from(width.saturating_sub(used))))
    };
    let by = world.runs.iter().flatten().find(|run| run.id == record.run).map(|run| format!("  {}", run.actor));
    let kind = match record.kind {
        SubjectKind::Deploy => "",
        SubjectKind::Rollback => "  rollback",
        SubjectKind::Override => "  past its guards",
    };
    let pieces = vec![
        (charset.release(release.verdict).to_owned(), verdict),
        (format!(" {} ", fill(&record.version, version)), text),
        (format!("{} ", fill(release_word(release.verdict), 11)), verdict),
        (format!("{} {}", fill(&world.clock(release.created_at), 12), record.run), dim),
        (by.unwrap_or_default(), text),
        (kind.to_owned(), warning),
        (if live { "  live".to_owned() } else { String::new() }, world.look.style(Role::Title)),
    ];
    let mut lines = vec![Line { pieces, release: Some(at), leads: true, ..Line::default() }];
    let mut below = |words: String, style| {
        for row in text::wrap(&words, width.saturating_sub(INDENT + 1), charset) {
            let pieces = vec![(format!("{}{row}", " ".repeat(usize::from(INDENT - 2))), style)];
            lines.push(Line { pieces, release: Some(at), ..Line::default() });
        }
    };
    if let Some(why) = reason(release, service) {
        below(why, dim);
    }
    for (name, digest) in &record.artefacts {
        let stopped = environment.quarantined.contains_key(digest);
        let (words, style) = if stopped { (", in quarantine", warning) } else { ("", dim) };
        below(format!("{name} {}{words}", short(digest)), style);
    }
    let target = service.targets.iter().find(|target| target.release == record.id);
    if let Some(why) = target.and_then(|target| target.objection.as_ref()) {
        below(format!("not to go back to: {why}"), dim);
    }
    lines
}

/// Cells before the words of a row.
pub fn indent(line: &Line) -> u16 {
    if line.release.is_some() { 0 } else { LABELS }
}
