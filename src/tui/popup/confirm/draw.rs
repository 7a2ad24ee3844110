//! Paints the dialog. Its fields have their rows at every size; the words around them give way first.

use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::{Confirm, Field};
use crate::model::Answer;
use crate::tui::popup::{centred, window};
use crate::tui::theme::Role;
use crate::tui::widget::format;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::Paint;

/// Cells of the labels.
const LABELS: u16 = 14;
/// Rows of the reason where there is room, and the rows that are always there: two fields and what is to be done.
const REASON: u16 = 3;
const FIELDS: u16 = 3;

impl Confirm {
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let facts = self.facts();
        let rows = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(REASON + FIELDS + 2);
        let area = centred(area, 74, rows + 2);
        let inside = window(paint, area, &format!("{} in {}?", self.verb(), self.gate.environment));
        let reason = REASON.min(inside.height.saturating_sub(FIELDS)).max(1);
        let room = inside.height.saturating_sub(reason + FIELDS);
        let dim = paint.style(Role::Dim);
        for (line, (label, words)) in (0..room.saturating_sub(2).max(room.min(1))).zip(&facts) {
            paint.row(inside, line).gap(2).column(LABELS, label, dim).role(words, Role::Text);
        }
        let below = Rect { y: inside.bottom().saturating_sub(reason + FIELDS + u16::from(room > 2)), ..inside };
        self.draw_reason(paint, Rect { height: reason, ..below });
        let environment = format!("type {}", self.gate.environment);
        let digest = format!("type {}", self.digits());
        let field = |line: u16| Rect { y: below.y + reason + line, height: 1, ..below };
        self.draw_field(paint, field(0), Field::Environment, &self.environment, self.has_environment(), &environment);
        self.draw_field(paint, field(1), Field::Digest, &self.digest, self.has_digest(), &digest);
        self.draw_state(paint, Rect { y: inside.bottom() - 1, height: 1, ..inside });
    }

    fn verb(&self) -> &'static str {
        match self.answer {
            Answer::Approve => "Approve the start",
            Answer::Reject => "Reject the start",
            Answer::Withdraw => "Withdraw the request to start",
        }
    }

    /// What is decided about, the most telling first.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let gate = &self.gate;
        let service = gate.service.as_ref().map(|service| format!("{service} by ")).unwrap_or_default();
        let digest = gate.digest.get(..12).unwrap_or(&gate.digest);
        vec![
            ("what", format!("{service}stage {} of run {}", gate.stage, gate.run_id)),
            ("digest", format!("{digest}, generation {}", gate.generation)),
            (
                "live now",
                gate.subject.live_release.as_ref().map_or_else(|| "nothing is recorded".to_owned(), ToString::to_string),
            ),
            ("asked by", gate.requested_by.clone()),
            ("expires", format::utc_clock(gate.expires_at, gate.opened_at)),
        ]
    }

    fn draw_label(&self, paint: &mut Paint<'_>, row: Rect, field: Field, label: &str) {
        let here = field == self.field && !self.is_unseen();
        let pointer = if here { paint.look.charset.arrow() } else { " " };
        let style = paint.style(if here { Role::Accent } else { Role::Dim });
        paint.row(row, 0).role(pointer, Role::Accent).gap(1).column(LABELS, label, style);
    }

    fn draw_reason(&self, paint: &mut Paint<'_>, area: Rect) {
        self.draw_label(paint, area, Field::Reason, "reason");
        let text = Rect { x: area.x + LABELS + 2, width: area.width.saturating_sub(LABELS + 2), ..area };
        if text.intersection(*paint.buffer.area()) == text && text.width > 0 {
            let mut reason = self.reason.clone();
            if self.field != Field::Reason || self.is_unseen() {
                reason.set_cursor_style(paint.style(Role::Text));
            }
            (&reason).render(text, paint.buffer);
        }
    }

    fn draw_field(&self, paint: &mut Paint<'_>, row: Rect, field: Field, input: &Input, right: bool, hint: &str) {
        self.draw_label(paint, row, field, if field == Field::Environment { "environment" } else { "digest" });
        let mut row = paint.row(row, 0);
        row.gap(LABELS + 2);
        let (good, dim) = (row.style(Role::Success), row.style(Role::Dim));
        if right {
            row.right(&[("right", good), (" ", dim)]);
        } else {
            row.right(&[(hint, dim), (" ", dim)]);
        }
        if self.field == field && !self.is_unseen() {
            input.draw(&mut row);
        } else {
            row.role(&input.text, Role::Text);
        }
    }

    fn draw_state(&self, paint: &mut Paint<'_>, row: Rect) {
        let mut row = paint.row(row, 0);
        row.gap(2);
        match (self.note, self.missing()) {
            (Some(note), _) => row.role(note, Role::Warning),
            (None, _) if self.is_unseen() => row.role("not armed yet", Role::Dim),
            (None, None) if self.field == Field::Digest => row.role("enter answers, esc leaves it open", Role::Accent),
            (None, _) => row.role("tab goes to the next field, esc leaves it open", Role::Dim),
        };
    }
}
