//! A question with choices. The first choice is always the one that does nothing, and it is selected.

use ratatui::layout::Rect;

use super::{Outcome, centred, window};
use crate::tui::action::Action;
use crate::tui::backend::Request;
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::text;

#[derive(Debug, Clone)]
pub struct Choose {
    title: String,
    lines: Vec<String>,
    choices: Vec<(String, Option<Request>)>,
    selected: usize,
}

impl Choose {
    /// `refuse` is the words for doing nothing; the others each send a request.
    pub fn new(title: impl Into<String>, lines: Vec<String>, refuse: &str, choices: Vec<(String, Request)>) -> Self {
        let first = (refuse.to_owned(), None);
        let choices = std::iter::once(first).chain(choices.into_iter().map(|(words, request)| (words, Some(request)))).collect();
        Self { title: title.into(), lines, choices, selected: 0 }
    }

    pub fn act(&mut self, action: Option<Action>) -> Outcome {
        let count = self.choices.len();
        match action {
            Some(Action::Accept) => match self.choices.get(self.selected) {
                Some((_, Some(request))) => Outcome::Then(vec![Intent::Ask(request.clone())]),
                _ => Outcome::Close,
            },
            Some(Action::ListDown | Action::Other) => {
                self.selected = (self.selected + 1) % count;
                Outcome::Stay
            }
            Some(Action::ListUp) => {
                self.selected = (self.selected + count - 1) % count;
                Outcome::Stay
            }
            Some(Action::Back) => Outcome::Close,
            _ => Outcome::Stay,
        }
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let charset = paint.look.charset;
        let widest = self.lines.iter().map(|line| text::width(line, charset));
        let widest = widest.chain(self.choices.iter().map(|(words, _)| text::width(words, charset) + 2)).max().unwrap_or(0);
        let rows = self.lines.len() + self.choices.len() + 3;
        let area = centred(area, widest.max(34) + 4, u16::try_from(rows).unwrap_or(u16::MAX));
        let inside = window(paint, area, &self.title);
        for (line, text) in (0..inside.height).zip(&self.lines) {
            paint.row(inside, line).role(text, Role::Text);
        }
        let first = u16::try_from(self.lines.len() + 1).unwrap_or(u16::MAX);
        for (line, (at, (words, _))) in (first..inside.height).zip(self.choices.iter().enumerate()) {
            let chosen = at == self.selected;
            let pointer = if chosen { charset.arrow() } else { " " };
            let role = if chosen { Role::Accent } else { Role::Text };
            paint.row(inside, line).role(pointer, Role::Accent).gap(1).role(words, role);
            if chosen {
                let style = paint.style(Role::Selection);
                paint.shade(Rect { y: inside.y + line, height: 1, ..inside }, style);
            }
        }
    }
}
