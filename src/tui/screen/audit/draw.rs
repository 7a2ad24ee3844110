//! Paints the audit screen.

use ratatui::layout::Rect;

use super::{Audit, FAMILIES, Parts};
use crate::model::AuditRecord;
use crate::tui::screen::table;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{Paint, Row};
use crate::tui::widget::{format, text};
use crate::tui::world::World;

/// Rows over the tree: the line above it and what every record has.
pub const HEAD: u16 = 3;
/// From this width on the record stands beside the list.
const SIDE_BY_SIDE: u16 = 140;

/// `verdict`: a row under the title is taken.
pub fn parts(area: Rect, verdict: bool) -> Parts {
    let above = u16::from(verdict).min(area.height);
    let area = Rect { y: area.y + above, height: area.height - above, ..area };
    if area.width >= SIDE_BY_SIDE {
        let side = area.width * 2 / 5;
        let list = Rect { width: area.width - side, ..area };
        let body = Rect { x: list.right(), y: area.y + 1, width: side, height: area.height.saturating_sub(1) };
        return Parts { list, body };
    }
    let below = area.height * 2 / 5;
    let list = Rect { height: area.height - below, ..area };
    Parts { list, body: Rect { y: list.bottom(), height: below, ..area } }
}

impl Audit {
    pub(super) fn paint(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        self.draw_title(paint, area);
        if self.has_verdict() {
            self.draw_verdict(paint, area);
        }
        let widths = Widths::of(self.rows.iter().filter_map(|at| self.page.get(*at)), paint);
        widths.draw_heading(&mut paint.row(self.parts.list, 1));
        if self.rows.is_empty() {
            let words = if self.shown.is_none() { "reading the chain" } else { "no record on this page matches" };
            paint.row(self.parts.list, 2).gap(3).role(words, Role::Dim);
        }
        for (line, (at, index)) in (2..self.parts.list.height).zip(self.rows.iter().enumerate().skip(self.cursor.top)) {
            if let Some(record) = self.page.get(*index) {
                widths.draw_record(&mut paint.row(self.parts.list, line), record, world);
            }
            if at == self.cursor.selected {
                table::draw_selection(paint, self.parts.list, line);
            }
        }
        if let Some(record) = self.current() {
            self.draw_record(paint, record);
        }
    }

    fn draw_title(&self, paint: &mut Paint<'_>, area: Rect) {
        let mut row = paint.row(area, 0);
        row.gap(1).role("Audit", Role::Title).gap(2).role(FAMILIES[self.family].unwrap_or("all"), Role::Text);
        if let (Some(first), Some(last)) = (self.page.first(), self.page.last()) {
            row.gap(2).role(&format!("records {} to {}", format::count(first.seq), format::count(last.seq)), Role::Dim);
        }
        if !self.filter.is_empty() {
            row.gap(2).role(&format!("/{}", self.filter), Role::Accent);
            row.gap(1).role(&format!("{} of {}", self.rows.len(), self.page.len()), Role::Dim);
        }
    }

    /// What a look at the whole chain came to, in the line under the title.
    fn draw_verdict(&self, paint: &mut Paint<'_>, area: Rect) {
        let mut row = paint.row(area, 1);
        match self.verdict() {
            Some((true, words)) => row.gap(1).role(&words, Role::Success),
            Some((false, words)) => row.gap(1).role(&words, Role::Failure),
            None => row.gap(1).role("verifying", Role::Dim),
        };
    }

    fn draw_record(&self, paint: &mut Paint<'_>, record: &AuditRecord) {
        let area = self.parts.body;
        let line = paint.style(Role::Border);
        let mut row = paint.row(area, 0);
        row.gap(1);
        row.role(&format!("record {}", record.seq), if self.reading { Role::Accent } else { Role::Title }).gap(2);
        row.role(&record.at.to_string(), Role::Dim).gap(1).rule(line);
        let mut row = paint.row(area, 1);
        row.gap(1).role("by ", Role::Dim).role(&record.actor, Role::Text);
        if let Some(uid) = record.uid {
            row.role(&format!(", uid {uid}"), Role::Dim);
        }
        row.role(&format!(", proved by {}", record.auth_method.name()), Role::Dim);
        let hash = record.hash.get(..16).unwrap_or(&record.hash);
        let before = record.prev_hash.get(..16).unwrap_or(&record.prev_hash);
        paint
            .row(area, 2)
            .gap(1)
            .role("hash ", Role::Dim)
            .role(hash, Role::Text)
            .role(" after ", Role::Dim)
            .role(before, Role::Text);
        let tree = Rect {
            x: area.x + 1,
            y: area.y + HEAD.min(area.height),
            width: area.width.saturating_sub(1),
            height: area.height.saturating_sub(HEAD),
        };
        self.tree.draw(paint, tree, &record.body, self.reading, None);
    }
}

/// Columns as wide as what is in them.
#[derive(Debug, Clone, Copy)]
struct Widths {
    seq: u16,
    actor: u16,
    action: u16,
}

impl Widths {
    fn of<'a>(records: impl Iterator<Item = &'a AuditRecord>, paint: &Paint<'_>) -> Self {
        let charset = paint.look.charset;
        let (mut seq, mut actor, mut action) = (3, 5, 6);
        for record in records {
            seq = text::width(&record.seq.to_string(), charset).max(seq);
            actor = text::width(&record.actor, charset).max(actor);
            action = text::width(&record.action, charset).max(action);
        }
        Self { seq, actor: actor.min(14), action: action.min(18) }
    }

    fn draw_heading(self, row: &mut Row<'_, '_>) {
        let dim = row.style(Role::Dim);
        row.gap(1).number(self.seq, "seq", dim).gap(2).column(15, "at", dim).gap(2).column(self.actor, "actor", dim);
        row.gap(2).column(self.action, "action", dim).gap(2).put("subject", dim);
    }

    fn draw_record(self, row: &mut Row<'_, '_>, record: &AuditRecord, world: &World) {
        let (text, dim) = (row.style(Role::Text), row.style(Role::Dim));
        row.gap(1).number(self.seq, &record.seq.to_string(), dim).gap(2);
        row.column(15, &format::utc_clock(record.at, world.now), dim).gap(2).column(self.actor, &record.actor, text).gap(2);
        let action = row.style(role(&record.action));
        row.column(self.action, &record.action, action).gap(2).put(&record.subject, text);
    }
}

/// What went against somebody stands out.
fn role(action: &str) -> Role {
    use crate::model::audit::action::{GATE_APPROVED, GATE_REFUSED, GATE_REJECTED, RUN_CANCELLED};
    match action {
        GATE_REFUSED | GATE_REJECTED => Role::Failure,
        GATE_APPROVED => Role::Success,
        RUN_CANCELLED => Role::Warning,
        _ => Role::Text,
    }
}
