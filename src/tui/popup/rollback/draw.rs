//! Paints the rollback panel: targets above, what the selected one comes to below.

use ratatui::layout::Rect;

use super::Panel;
use crate::model::{Release, RollbackPlan, RollbackTarget, ServiceView};
use crate::tui::deployments::{asks, since, version_of};
use crate::tui::glyph::release_word;
use crate::tui::popup::{centred, window};
use crate::tui::screen::table;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::{format, text};
use crate::tui::world::World;

/// Cells of the panel at most, and of its labels.
const WIDEST: u16 = 100;
const LABELS: u16 = 12;
/// Targets in view at once.
const MOST_TARGETS: usize = 8;
/// Rows beside targets and plan: what is live, two blanks, and what is to be done.
const OTHER_ROWS: usize = 4;

impl Panel {
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let Some((_, service)) = world.deployments.service(&self.environment, &self.service) else { return };
        let below = self.lines(area.width.min(WIDEST).saturating_sub(LABELS + 6), world);
        let shown = service.targets.len().min(MOST_TARGETS);
        let rows = u16::try_from(shown + below.len() + OTHER_ROWS + 2).unwrap_or(u16::MAX);
        let area = centred(area, WIDEST, rows);
        let inside = window(paint, area, &format!("Roll {} back in {}", self.service, self.environment));
        let dim = paint.style(Role::Dim);
        paint.row(inside, 0).gap(2).column(LABELS, "live now", dim).role(&version_of(service.live()), Role::Text);
        // Where there is little room, the selected target stays in view.
        let room = inside.height.saturating_sub(4).min(u16::try_from(shown).unwrap_or(u16::MAX)).max(1);
        let at = self.place(&service.targets).unwrap_or(0);
        let top = table::scroll(0, at, room, service.targets.len());
        for (line, (place, target)) in (2..2 + room).zip(service.targets.iter().enumerate().skip(top)) {
            draw_target(paint, Rect { y: inside.y + line, height: 1, ..inside }, target, service, world, place == at);
        }
        let hidden = service.targets.len().saturating_sub(usize::from(room));
        if hidden > 0 {
            paint.row(inside, 1).right(&[(&format!("{hidden} more"), dim)]);
        }
        let last = inside.height.saturating_sub(1);
        for (line, (label, words, role)) in (3 + room..last).zip(&below) {
            paint.row(inside, line).gap(2).column(LABELS, label, dim).role(words, *role);
        }
        let mut row = paint.row(inside, last);
        match &self.note {
            Some(note) => row.gap(2).role(note, Role::Warning),
            None => row.gap(2).role("enter asks for a reason and to type what it is, esc does nothing", Role::Dim),
        };
    }

    /// What the selected target comes to, wrapped.
    fn lines(&self, width: u16, world: &World) -> Vec<(&'static str, String, Role)> {
        let facts = match (self.target(world).and_then(|target| target.objection.as_ref()), self.plan(world)) {
            (Some(why), _) => vec![("not now", why.clone(), Role::Warning)],
            (None, None) => vec![("", "asking what it would do".to_owned(), Role::Dim)],
            (None, Some(Err(why))) => vec![("not now", why.clone(), Role::Failure)],
            (None, Some(Ok(plan))) => facts(plan),
        };
        let wrapped = facts.into_iter().flat_map(|(label, words, role)| {
            let lines = text::wrap(&words, width, world.look.charset).into_iter();
            lines.enumerate().map(move |(at, line)| (if at == 0 { label } else { "" }, line, role)).collect::<Vec<_>>()
        });
        wrapped.collect()
    }
}

fn facts(plan: &RollbackPlan) -> Vec<(&'static str, String, Role)> {
    let stages: Vec<&str> = plan.stages.iter().map(AsRef::as_ref).collect();
    let live = plan.live.as_ref().map_or("nothing", |live| &live.record.version);
    let count = format::plural(plan.stages.len(), "stage", "stages");
    let mut facts = vec![
        ("way", format!("from {live} to {}", plan.target.record.version), Role::Title),
        (
            "runs",
            format!("{count} of pipeline {}: {}; all others are as they were", plan.pipeline, stages.join(", ")),
            Role::Text,
        ),
        ("asks", asks(plan.quorum, plan.protected).to_owned(), Role::Text),
    ];
    if !plan.values.is_empty() {
        facts.push(("reads", plan.values.join(", "), Role::Text));
    }
    let labels = std::iter::once("afterwards").chain(std::iter::repeat(""));
    facts.extend(labels.zip(&plan.afterwards).map(|(label, words)| (label, words.clone(), Role::Warning)));
    facts
}

fn draw_target(paint: &mut Paint<'_>, line: Rect, target: &RollbackTarget, service: &ServiceView, world: &World, chosen: bool) {
    let release = service.releases.iter().find(|release| release.record.id == target.release);
    let charset = paint.look.charset;
    let (text, dim) = (paint.style(Role::Text), paint.style(Role::Dim));
    let words = if target.objection.is_some() { dim } else { text };
    let mut row = paint.row(line, 0);
    row.gap(2).column(16, &target.version, words).gap(1);
    if let Some(Release { verdict, .. }) = release {
        let style = world.look.theme.release(*verdict);
        row.put(charset.release(*verdict), style).gap(1).column(11, release_word(*verdict), style).gap(1);
    }
    row.column(9, &release.map(|release| format::ago(since(release), world.now)).unwrap_or_default(), dim).gap(1);
    match &target.objection {
        Some(why) => row.put("not now: ", dim).put(why, dim),
        None => row.put("can be gone back to", text),
    };
    if chosen {
        table::draw_selection(paint, line, 0);
    }
}
