//! Paints the inspector.

use ratatui::layout::Rect;
use ratatui::style::Modifier;
use serde_json::Value;

use super::{HEAD, Inspector, Subject, Tab, child};
use crate::tui::theme::Role;
use crate::tui::widget::compare;
use crate::tui::widget::paint::Paint;

impl Inspector {
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, of: Subject<'_>, focused: bool) {
        if area.x > 0 {
            let (line, style) = (paint.look.charset.frame()[5], paint.style(Role::Border));
            for y in area.top()..area.bottom() {
                paint.symbol(area.x, y, line, style);
            }
        }
        let inside = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
        self.draw_head(paint, inside, of, focused);
        let body = Rect { y: inside.y + HEAD.min(inside.height), height: inside.height.saturating_sub(HEAD), ..inside };
        if self.tab == Tab::Changes {
            return self.draw_changes(paint, body, of);
        }
        if self.is_comparing(of.stage) {
            if let Some((left, right)) = self.sides(of) {
                let rows = compare::rows(&left, &right);
                compare::draw(paint, body, (&left, &right), &rows, self.top, focused.then_some(self.cursor));
            }
            return;
        }
        let value = self.value(of);
        match self.nothing(&value, of) {
            Some(text) => {
                paint.row(body, 0).role(text, Role::Dim);
            }
            None => self.tree.draw(paint, body, &value, focused, self.search.as_ref().map(|(pattern, _)| pattern)),
        }
    }

    fn draw_head(&self, paint: &mut Paint<'_>, inside: Rect, of: Subject<'_>, focused: bool) {
        let mut row = paint.row(inside, 0);
        for (tab, name) in Self::tabs(of) {
            if *tab == self.tab {
                let style = row.style(if focused { Role::Accent } else { Role::Title });
                row.put(name, style.add_modifier(Modifier::UNDERLINED));
            } else {
                let bad = *tab == Tab::Error && of.stage.error.is_some();
                row.role(name, if bad { Role::Failure } else { Role::Dim });
            }
            row.gap(2);
        }
        let mut row = paint.row(inside, 1);
        if let Some((pattern, place)) = &self.search {
            let pattern = pattern.as_str().trim_start_matches("(?i)");
            let place = place.map_or_else(|| "no match".to_owned(), |(number, count)| format!("{number}/{count}"));
            row.role("/", Role::Dim).role(&pattern.chars().take(24).collect::<String>(), Role::Accent).gap(1);
            row.role(&place, Role::Dim).gap(2);
        }
        if let Some(run) = child(of.stage) {
            row.role("runs as ", Role::Dim).role(run.as_str(), Role::Text);
        }
    }

    fn draw_changes(&self, paint: &mut Paint<'_>, body: Rect, of: Subject<'_>) {
        let Some(lines) = Self::changes(of) else {
            paint.row(body, 0).role("reading the run that this one was made from", Role::Dim);
            return;
        };
        if lines.is_empty() {
            paint.row(body, 0).role("nothing: the same pipeline, the same inputs", Role::Dim);
        }
        for (row, line) in (0..body.height).zip(lines.iter().skip(self.top)) {
            line.draw(paint, body, row);
        }
    }

    /// What to say when there is nothing to show.
    fn nothing(&self, value: &Value, of: Subject<'_>) -> Option<&'static str> {
        let empty = match value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        empty.then_some(match self.tab {
            Tab::Config if of.stage.attempts.is_empty() => "the config is rendered when the stage starts",
            Tab::Config => "this kind of stage keeps no rendered config",
            Tab::Inputs => "the run has no inputs",
            Tab::Output => "no output",
            Tab::Error => "no error",
            Tab::Attempts | Tab::Changes => "not started",
        })
    }
}
