//! An order about what is protected, typed in full: a reason, the environment's name, and what else tells that the person
//! means exactly this: the beginning of a digest, a version.
//!
//! Whatever touches a protected environment goes through here. It opens disarmed, takes no paste and nothing that was
//! typed before it was seen, has no button that a key alone could press, and goes away when what it is about changes.

mod arm;
mod draw;
mod gate;
mod promote;
mod rollback;
mod standing;
mod subject;

use crossterm::event::{KeyCode, KeyEvent};
use tui_textarea::TextArea;

use super::Outcome;
use crate::model::Timestamp;
use crate::tui::action::Action;
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::Look;
use crate::tui::world::{Link, World};
use arm::{Arm, Press};
pub use promote::Promotion;
pub use standing::Standing;
pub use subject::{Subject, Word};

/// Hex digits of a digest that are typed.
pub const TYPED_DIGITS: usize = 8;

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Reason,
    /// One of the words to type, from 0.
    Word(usize),
}

#[derive(Debug, Clone)]
pub struct Confirm {
    /// As it is shown: this is what is ordered.
    subject: Subject,
    /// Where one goes on record.
    reason: Option<TextArea<'static>>,
    /// The words to type, and what was typed of each.
    words: Vec<(Word, Input)>,
    field: Field,
    arm: Arm,
    note: Option<&'static str>,
}

impl Confirm {
    pub fn new(subject: Subject, look: &Look) -> Self {
        let area = || {
            let mut reason = TextArea::default();
            reason.set_style(look.style(Role::Text));
            reason.set_cursor_line_style(look.style(Role::Text));
            reason.set_selection_style(look.style(Role::Match));
            reason
        };
        let reason = subject.takes_reason().then(area);
        let words = subject.words().into_iter().map(|word| (word, Input::default())).collect();
        let field = if reason.is_some() { Field::Reason } else { Field::Word(0) };
        Self { subject, reason, words, field, arm: Arm::default(), note: None }
    }

    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The terminal has shown the dialog as it is.
    pub fn seen(&mut self, now: Timestamp) {
        self.arm.seen(now);
    }

    /// What is on the terminal is not known any more.
    pub fn unsee(&mut self) {
        self.arm = Arm::default();
    }

    pub fn is_unseen(&self) -> bool {
        self.arm.is_unseen()
    }

    /// Why the question is not to be answered any more: what it is about is not what is shown here.
    pub fn obsolete(&self, world: &World) -> Option<String> {
        self.subject.obsolete(world)
    }

    pub fn key(&mut self, key: &KeyEvent, action: Option<Action>, world: &World) -> Outcome {
        self.note = None;
        match self.arm.press(world.now) {
            Press::Typed => {}
            Press::TooEarly => {
                self.note = Some("typed before this was on the screen: not taken");
                return Outcome::Stay;
            }
            Press::AllAtOnce => return self.refuse_paste(),
        }
        match (key.code, self.field) {
            (KeyCode::Tab, field) => self.field = self.beside(field, 1),
            (KeyCode::BackTab, field) => self.field = self.beside(field, -1),
            (_, Field::Reason) => {
                if let Some(reason) = &mut self.reason {
                    reason.input(*key);
                }
            }
            (_, Field::Word(at)) if action == Some(Action::Accept) => {
                if at + 1 == self.words.len() {
                    return self.order(world);
                }
                self.field = Field::Word(at + 1);
            }
            (_, Field::Word(at)) => {
                if let Some((_, input)) = self.words.get_mut(at) {
                    input.key(key);
                }
            }
        }
        Outcome::Stay
    }

    /// Nothing here is pasted, neither by a terminal that says so nor by one that does not.
    pub fn refuse_paste(&mut self) -> Outcome {
        self.words.iter_mut().for_each(|(_, input)| *input = Input::default());
        self.note = Some("a paste is not taken: type it");
        Outcome::Stay
    }

    /// The next field (1) or the one before (-1), round and round.
    fn beside(&self, field: Field, by: isize) -> Field {
        let reason = self.reason.is_some().then_some(Field::Reason);
        let fields: Vec<Field> = reason.into_iter().chain((0..self.words.len()).map(Field::Word)).collect();
        let at = fields.iter().position(|other| *other == field).unwrap_or(0);
        let next = at.checked_add_signed(by).unwrap_or(fields.len().saturating_sub(1));
        fields.get(next % fields.len().max(1)).copied().unwrap_or(field)
    }

    fn reason(&self) -> String {
        self.reason.as_ref().map(|reason| reason.lines().join("\n").trim().to_owned()).unwrap_or_default()
    }

    /// What is missing, and where.
    fn missing(&self) -> Option<(Field, &'static str)> {
        if self.reason.is_some() && self.reason().is_empty() {
            return Some((Field::Reason, "a reason is needed: it goes on record"));
        }
        let wrong = self.words.iter().position(|(word, input)| !word.is(&input.text))?;
        self.words.get(wrong).map(|(word, _)| (Field::Word(wrong), word.otherwise))
    }

    fn order(&mut self, world: &World) -> Outcome {
        if let Some((field, note)) = self.missing() {
            (self.field, self.note) = (field, Some(note));
            return Outcome::Stay;
        }
        if !matches!(world.link, Link::Connected(_)) {
            self.note = Some("the engine does not answer: nobody knows whether this is still so");
            return Outcome::Stay;
        }
        Outcome::Then(vec![Intent::Ask(self.subject.order(self.reason()))])
    }
}
