//! A question with choices. The first choice is always the one that does nothing, and it is selected.

use ratatui::layout::Rect;

use super::{Outcome, Popup, centred, window};
use crate::tui::action::Action;
use crate::tui::backend::Request;
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::text;
use crate::tui::world::World;

#[derive(Debug, Clone)]
pub struct Choose {
    title: String,
    lines: Vec<String>,
    choices: Vec<(String, Next)>,
    selected: usize,
}

/// What a choice leads to.
#[derive(Debug, Clone)]
enum Next {
    Nothing,
    Ask(Box<Request>),
    Open(Box<Popup>),
}

impl Choose {
    /// `refuse` is the words for doing nothing; the others each send a request.
    pub fn new(title: impl Into<String>, lines: Vec<String>, refuse: &str, choices: Vec<(String, Request)>) -> Self {
        let choices = choices.into_iter().map(|(words, request)| (words, Next::Ask(Box::new(request))));
        Self::of(title.into(), lines, refuse, choices)
    }

    /// Every choice but the first opens another question.
    pub fn opening(title: impl Into<String>, lines: Vec<String>, refuse: &str, choices: Vec<(String, Popup)>) -> Self {
        let choices = choices.into_iter().map(|(words, popup)| (words, Next::Open(Box::new(popup))));
        Self::of(title.into(), lines, refuse, choices)
    }

    fn of(title: String, lines: Vec<String>, refuse: &str, choices: impl Iterator<Item = (String, Next)>) -> Self {
        let choices = std::iter::once((refuse.to_owned(), Next::Nothing)).chain(choices).collect();
        Self { title, lines, choices, selected: 0 }
    }

    pub fn act(&mut self, action: Option<Action>) -> Outcome {
        let count = self.choices.len();
        match action {
            Some(Action::Accept) => match self.choices.get(self.selected) {
                Some((_, Next::Ask(request))) => Outcome::Then(vec![Intent::Ask(request.as_ref().clone())]),
                Some((_, Next::Open(popup))) => Outcome::Then(vec![Intent::Open(popup.clone())]),
                Some((_, Next::Nothing)) | None => Outcome::Close,
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

    /// Why a question that this one leads to makes no sense any more.
    pub fn obsolete(&self, world: &World) -> Option<String> {
        self.choices.iter().find_map(|(_, next)| match next {
            Next::Open(popup) => popup.obsolete(world),
            Next::Nothing | Next::Ask(_) => None,
        })
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
