//! One line of typed text.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::paint::Row;
use crate::tui::theme::Role;

/// Text being typed; the cursor is at its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    pub text: String,
}

/// Nobody types more than this into one line; a paste is cut.
const LONGEST: usize = 2_000;

impl Input {
    /// Takes a key; true when the text changed.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        let before = self.text.len();
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Char('u'), true) => self.text.clear(),
            (KeyCode::Char('w'), true) => {
                // A blank may be wider than a byte.
                let words = self.text.trim_end();
                let word = words.rsplit(char::is_whitespace).next().unwrap_or_default();
                let kept = words.len() - word.len();
                self.text.truncate(kept);
            }
            (KeyCode::Char(c), false) => self.paste(c.encode_utf8(&mut [0; 4])),
            (KeyCode::Backspace, _) => {
                self.text.pop();
            }
            _ => return false,
        }
        self.text.len() != before
    }

    /// Adds text, without line breaks and control characters.
    pub fn paste(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.len());
        self.text.extend(text.chars().filter(|c| !c.is_control()).take(room));
    }

    /// Writes the end of the text that fits, and the cursor.
    pub fn draw(&self, row: &mut Row<'_, '_>) {
        let room = usize::from(row.room().saturating_sub(2));
        let skip = self.text.chars().count().saturating_sub(room);
        let start = self.text.char_indices().nth(skip).map_or(self.text.len(), |(at, _)| at);
        row.role(&self.text[start..], Role::Text);
        let cursor = row.style(Role::Text).add_modifier(ratatui::style::Modifier::REVERSED);
        row.put(" ", cursor);
    }
}
