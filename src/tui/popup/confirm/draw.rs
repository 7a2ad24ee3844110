//! Paints the dialog. Its fields have their rows at every size; the words around them give way first.

use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::{Confirm, Field, Word};
use crate::tui::popup::{centred, window};
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::text;

/// Cells of the labels, and of the dialog at most.
const LABELS: u16 = 14;
const WIDEST: u16 = 74;
/// Rows of the reason where there is room.
const REASON: u16 = 3;

impl Confirm {
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let facts = self.rows(area.width.min(WIDEST).saturating_sub(LABELS + 6), paint);
        // Rows that are always there: the words to type and what is to be done.
        let fields = u16::try_from(self.words.len()).unwrap_or(u16::MAX).saturating_add(1);
        let wanted = if self.reason.is_some() { REASON } else { 0 };
        let rows = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(wanted + fields + 2);
        let area = centred(area, WIDEST, rows.saturating_add(2));
        let inside = window(paint, area, &self.subject.title());
        let reason = wanted.min(inside.height.saturating_sub(fields)).max(wanted.min(1));
        let room = inside.height.saturating_sub(reason + fields);
        let dim = paint.style(Role::Dim);
        for (line, (label, words)) in (0..room.saturating_sub(2).max(room.min(1))).zip(&facts) {
            paint.row(inside, line).gap(2).column(LABELS, label, dim).role(words, Role::Text);
        }
        let below = Rect { y: inside.bottom().saturating_sub(reason + fields + u16::from(room > 2)), ..inside };
        if let Some(text) = &self.reason {
            self.draw_reason(paint, Rect { height: reason, ..below }, text);
        }
        for (line, (at, (word, input))) in (reason..).zip(self.words.iter().enumerate()) {
            self.draw_word(paint, Rect { y: below.y + line, height: 1, ..below }, at, word, input);
        }
        self.draw_state(paint, Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside });
    }

    /// What is shown, wrapped; a label stands once.
    fn rows(&self, width: u16, paint: &Paint<'_>) -> Vec<(&'static str, String)> {
        let charset = paint.look.charset;
        let mut last = "";
        let mut rows = Vec::new();
        for (label, words) in self.subject.facts() {
            for line in text::wrap(&words, width, charset) {
                let shown = if std::mem::replace(&mut last, label) == label { "" } else { label };
                rows.push((shown, line));
            }
        }
        rows
    }

    fn draw_label(&self, paint: &mut Paint<'_>, row: Rect, field: Field, label: &str) {
        let here = field == self.field && !self.is_unseen();
        let pointer = if here { paint.look.charset.arrow() } else { " " };
        let style = paint.style(if here { Role::Accent } else { Role::Dim });
        paint.row(row, 0).role(pointer, Role::Accent).gap(1).column(LABELS, label, style);
    }

    fn draw_reason(&self, paint: &mut Paint<'_>, area: Rect, reason: &tui_textarea::TextArea<'static>) {
        self.draw_label(paint, area, Field::Reason, "reason");
        let text = Rect { x: area.x + LABELS + 2, width: area.width.saturating_sub(LABELS + 2), ..area };
        if text.intersection(*paint.buffer.area()) == text && text.width > 0 {
            let mut reason = reason.clone();
            if self.field != Field::Reason || self.is_unseen() {
                reason.set_cursor_style(paint.style(Role::Text));
            }
            (&reason).render(text, paint.buffer);
        }
    }

    fn draw_word(&self, paint: &mut Paint<'_>, row: Rect, at: usize, word: &Word, input: &Input) {
        self.draw_label(paint, row, Field::Word(at), word.label);
        let mut row = paint.row(row, 0);
        row.gap(LABELS + 2);
        let (good, dim) = (row.style(Role::Success), row.style(Role::Dim));
        if word.is(&input.text) {
            row.right(&[("right", good), (" ", dim)]);
        } else {
            row.right(&[(&format!("type {}", word.text), dim), (" ", dim)]);
        }
        if self.field == Field::Word(at) && !self.is_unseen() {
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
            (None, None) if self.field == Field::Word(self.words.len() - 1) => {
                row.role("enter answers, esc leaves it open", Role::Accent)
            }
            (None, _) => row.role("tab goes to the next field, esc leaves it open", Role::Dim),
        };
    }
}
