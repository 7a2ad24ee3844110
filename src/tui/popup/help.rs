//! What the keys do here, straight from the action list and the present key map.

use ratatui::layout::Rect;

use super::{Outcome, centred, window};
use crate::tui::action::{ALL, Action, Context};
use crate::tui::keymap::Key;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;

#[derive(Debug, Clone)]
pub struct Help {
    contexts: Vec<Context>,
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
        Self { contexts, top: 0, height: 1 }
    }

    pub fn act(&mut self, action: Option<Action>, pressed: Key, world: &World) -> Outcome {
        let page = self.height.max(2) - 1;
        match action {
            Some(Action::ListDown) => self.top += 1,
            Some(Action::ListUp) => self.top = self.top.saturating_sub(1),
            Some(Action::ListPageDown) => self.top += page,
            Some(Action::ListPageUp) => self.top = self.top.saturating_sub(page),
            Some(Action::ListTop) => self.top = 0,
            Some(Action::ListEnd) => self.top = usize::MAX / 2,
            Some(Action::Accept) => return Outcome::Close,
            _ => {
                let global = world.keys.find(pressed, &[Context::Global]);
                return if matches!(global, Some(Action::Help | Action::Quit)) { Outcome::Close } else { Outcome::Stay };
            }
        }
        Outcome::Stay
    }

    fn lines(&self, world: &World) -> Vec<Line> {
        let mut lines = Vec::new();
        for context in &self.contexts {
            let entries: Vec<_> = ALL.iter().filter(|facts| facts.contexts.contains(context)).collect();
            if entries.is_empty() {
                continue;
            }
            if !lines.is_empty() {
                lines.push(Line::Blank);
            }
            lines.push(Line::Heading(context.title()));
            for facts in entries {
                let keys = world.keys.keys(facts.action).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                lines.push(Line::Entry(if keys.is_empty() { format!(":{}", facts.name) } else { keys }, facts.description));
            }
        }
        lines
    }

    pub fn fit(&mut self, area: Rect, world: &World) {
        self.height = usize::from(area.height.saturating_sub(2));
        self.top = self.top.min(self.lines(world).len().saturating_sub(self.height));
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let lines = self.lines(world);
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
        let area = centred(area, 76, height);
        let inside = window(paint, area, "Help");
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
