//! A text area for JSON, checked while it is typed.

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use serde_json::Value;
use tui_textarea::TextArea;

use super::choose::Choose;
use super::{Outcome, Popup, centred, window};
use crate::model::RunId;
use crate::tui::action::Action;
use crate::tui::backend::{Request, RerunFrom};
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{Look, Paint};

/// The inputs of a run, edited for a rerun from the start.
#[derive(Debug, Clone)]
pub struct Edit {
    run: RunId,
    title: String,
    area: TextArea<'static>,
    before: Value,
    checked: Result<Value, String>,
}

impl Edit {
    pub fn new(run: RunId, title: String, inputs: &Value, look: &Look) -> Self {
        let text = serde_json::to_string_pretty(inputs).unwrap_or_default();
        let mut area = TextArea::new(text.lines().map(str::to_owned).collect());
        area.set_style(look.style(Role::Text));
        area.set_cursor_line_style(look.style(Role::Text));
        area.set_selection_style(look.style(Role::Match));
        area.set_tab_length(2);
        Self { run, title, area, before: inputs.clone(), checked: Ok(inputs.clone()) }
    }

    pub fn key(&mut self, key: &KeyEvent, action: Option<Action>) -> Outcome {
        if action == Some(Action::Save) {
            return match &self.checked {
                Ok(inputs) => Outcome::Then(vec![Intent::Open(Box::new(self.question(inputs)))]),
                Err(_) => Outcome::Stay,
            };
        }
        self.area.input(*key);
        self.check();
        Outcome::Stay
    }

    pub fn paste(&mut self, text: &str) -> Outcome {
        self.area.insert_str(text);
        self.check();
        Outcome::Stay
    }

    fn check(&mut self) {
        let text = self.area.lines().join("\n");
        self.checked = match serde_json::from_str::<Value>(&text) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err("inputs are an object: { … }".to_owned()),
            Err(error) => Err(error.to_string()),
        };
    }

    /// Names of the inputs that differ from the run's.
    fn changed(&self, inputs: &Value) -> Vec<String> {
        let empty = serde_json::Map::new();
        let (before, after) = (self.before.as_object().unwrap_or(&empty), inputs.as_object().unwrap_or(&empty));
        let mut names: Vec<String> =
            after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name.clone()).collect();
        names.extend(before.keys().filter(|name| !after.contains_key(*name)).map(|name| format!("{name} (removed)")));
        names
    }

    fn question(&self, inputs: &Value) -> Popup {
        let changed = self.changed(inputs);
        let what =
            if changed.is_empty() { "No input was changed.".to_owned() } else { format!("Changed: {}", changed.join(", ")) };
        let request = Request::Rerun { run: self.run.clone(), from: RerunFrom::Start, inputs: Some(inputs.clone()), document: None };
        let choices = vec![("Yes, start a new run".to_owned(), request)];
        Popup::Choose(Choose::new("Run with these inputs?", vec![what], "No", choices))
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let lines = u16::try_from(self.area.lines().len()).unwrap_or(u16::MAX);
        let area = centred(area, 90, lines.saturating_add(5).max(12));
        let inside = window(paint, area, &self.title);
        let text = Rect { height: inside.height.saturating_sub(2), ..inside };
        if text.height > 0 && text.width > 0 {
            (&self.area).render(text, paint.buffer);
        }
        let Some(last) = inside.height.checked_sub(1) else { return };
        let mut row = paint.row(inside, last);
        match &self.checked {
            Ok(inputs) => {
                let count = self.changed(inputs).len();
                row.role("valid JSON", Role::Success).gap(2);
                if count > 0 {
                    row.role(&format!("{count} changed"), Role::Warning);
                }
            }
            Err(problem) => {
                row.role(problem, Role::Failure);
            }
        }
    }
}
