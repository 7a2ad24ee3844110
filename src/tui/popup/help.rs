//! What the keys do here, straight from the action list and the present key map.

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::{Outcome, centred, window};
use crate::tui::action::{ALL, Action, Context, Facts};
use crate::tui::keymap::Key;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;

#[derive(Debug, Clone)]
pub struct Help {
    contexts: Vec<Context>,
    /// Only rows with these words are shown.
    wanted: Input,
    typing: bool,
    top: usize,
    height: usize,
}

enum Line {
    Blank,
    Heading(&'static str),
    Entry(String, &'static str),
}

impl Help {
    pub fn new(contexts: Vec<Context>) -> Self {
        Self { contexts, wanted: Input::default(), typing: false, top: 0, height: 1 }
    }

    /// Words are being typed.
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    pub fn key(&mut self, key: &KeyEvent, action: Option<Action>, world: &World) -> Outcome {
        if !self.typing {
            return self.act(action, Key::of(key), world);
        }
        if action == Some(Action::Accept) {
            self.typing = false;
        } else if self.wanted.key(key) {
            self.top = 0;
        }
        Outcome::Stay
    }

    pub fn paste(&mut self, text: &str) -> Outcome {
        if self.typing {
            self.wanted.paste(text);
            self.top = 0;
        }
        Outcome::Stay
    }

    /// Shows every row again, or closes.
    pub fn back(&mut self) -> Outcome {
        if !self.typing && self.wanted.text.is_empty() {
            return Outcome::Close;
        }
        (self.typing, self.top) = (false, 0);
        self.wanted.text.clear();
        Outcome::Stay
    }

    fn act(&mut self, action: Option<Action>, pressed: Key, world: &World) -> Outcome {
        let page = self.height.max(2) - 1;
        match action {
            Some(Action::ListDown) => self.top += 1,
            Some(Action::ListUp) => self.top = self.top.saturating_sub(1),
            Some(Action::ListPageDown) => self.top += page,
            Some(Action::ListPageUp) => self.top = self.top.saturating_sub(page),
            Some(Action::ListTop) => self.top = 0,
            Some(Action::ListEnd) => self.top = usize::MAX / 2,
            Some(Action::Accept) => return Outcome::Close,
            _ if world.keys.find(pressed, &[Context::Log]) == Some(Action::Search) => self.typing = true,
            _ => {
                let global = world.keys.find(pressed, &[Context::Global]);
                return if matches!(global, Some(Action::Help | Action::Quit)) { Outcome::Close } else { Outcome::Stay };
            }
        }
        Outcome::Stay
    }

    /// Whether a row has every word that is wanted.
    fn is_wanted(&self, keys: &str, facts: &Facts) -> bool {
        let row = format!("{keys} {} {}", facts.name, facts.description).to_lowercase();
        self.wanted.text.to_lowercase().split_whitespace().all(|word| row.contains(word))
    }

    fn lines(&self, world: &World) -> Vec<Line> {
        let mut lines = Vec::new();
        for context in &self.contexts {
            let entries: Vec<_> = (ALL.iter().filter(|facts| facts.contexts.contains(context)))
                .map(|facts| {
                    let keys = world.keys.keys(facts.action).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                    (if keys.is_empty() { format!(":{}", facts.name) } else { keys }, facts)
                })
                .filter(|(keys, facts)| self.is_wanted(keys, facts))
                .collect();
            if entries.is_empty() {
                continue;
            }
            if !lines.is_empty() {
                lines.push(Line::Blank);
            }
            lines.push(Line::Heading(context.title()));
            lines.extend(entries.into_iter().map(|(keys, facts)| Line::Entry(keys, facts.description)));
        }
        lines
    }

    /// Rows of the words that are wanted.
    fn search_rows(&self) -> u16 {
        u16::from(self.typing || !self.wanted.text.is_empty())
    }

    pub fn fit(&mut self, area: Rect, world: &World) {
        self.height = usize::from(area.height.saturating_sub(2 + self.search_rows()));
        self.top = self.top.min(self.lines(world).len().saturating_sub(self.height));
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let lines = self.lines(world);
        let search = self.search_rows();
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).saturating_add(search);
        let area = centred(area, 76, height);
        let inside = window(paint, area, "Help");
        if search > 0 {
            let mut row = paint.row(inside, 0);
            row.role("/", Role::Accent);
            if self.typing {
                self.wanted.draw(&mut row);
            } else {
                row.role(&self.wanted.text, Role::Text);
            }
        }
        let inside = Rect { y: inside.y + search.min(inside.height), height: inside.height.saturating_sub(search), ..inside };
        for (line, entry) in (0..inside.height).zip(lines.iter().skip(self.top)) {
            let key = paint.style(Role::Key);
            let mut row = paint.row(inside, line);
            match entry {
                Line::Blank => {}
                Line::Heading(title) => {
                    row.role(title, Role::Title);
                }
                Line::Entry(keys, description) => {
                    row.gap(1).column(22, keys, key).gap(1).role(description, Role::Text);
                }
            }
        }
        let [_, _, up, down] = paint.look.charset.more();
        let style = paint.style(Role::Accent);
        if self.top > 0 {
            paint.symbol(area.right().saturating_sub(2), inside.y, up, style);
        }
        if self.top + usize::from(inside.height) < lines.len() {
            paint.symbol(area.right().saturating_sub(2), inside.bottom().saturating_sub(1), down, style);
        }
    }
}
