//! The answer to a request that waits for people, typed in full: a reason, the environment's name and the beginning of the
//! digest.
//!
//! Whatever touches a protected environment goes through here. It opens disarmed, takes no paste and nothing that was
//! typed before it was seen, has no button that a key alone could press, and goes away when the request changes.

mod arm;
mod draw;

use crossterm::event::{KeyCode, KeyEvent};
use tui_textarea::TextArea;

use super::Outcome;
use crate::model::{Answer, Decided, GateView, Timestamp};
use crate::tui::action::Action;
use crate::tui::backend::Request;
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::Look;
use crate::tui::world::{Link, World};
use arm::{Arm, Press};

/// Hex digits of the digest that are typed.
pub const TYPED_DIGITS: usize = 8;

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Reason,
    Environment,
    Digest,
}

#[derive(Debug, Clone)]
pub struct Confirm {
    answer: Answer,
    /// As it is shown: this is what is decided about.
    gate: GateView,
    reason: TextArea<'static>,
    environment: Input,
    digest: Input,
    field: Field,
    arm: Arm,
    note: Option<&'static str>,
}

impl Confirm {
    pub fn new(answer: Answer, gate: GateView, look: &Look) -> Self {
        let mut reason = TextArea::default();
        reason.set_style(look.style(Role::Text));
        reason.set_cursor_line_style(look.style(Role::Text));
        reason.set_selection_style(look.style(Role::Match));
        let (environment, digest) = (Input::default(), Input::default());
        Self { answer, gate, reason, environment, digest, field: Field::Reason, arm: Arm::default(), note: None }
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

    /// Why the question is not to be answered any more: the request is not what is shown here.
    pub fn obsolete(&self, world: &World) -> Option<String> {
        let Some(now) = world.gates.get(&self.gate.id) else {
            return Some("the request is over: somebody was faster, or its run ended".to_owned());
        };
        if (now.generation, &now.digest) != (self.gate.generation, &self.gate.digest) {
            return Some("the request has changed under the question: look at it again".to_owned());
        }
        now.objection(self.answer).map(|why| format!("you cannot answer this any more: {why}"))
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
            (KeyCode::Tab, _) => self.field = self.field.next(),
            (KeyCode::BackTab, _) => self.field = self.field.next().next(),
            (_, Field::Reason) => {
                self.reason.input(*key);
            }
            (_, Field::Environment) if action == Some(Action::Accept) => self.field = Field::Digest,
            (_, Field::Digest) if action == Some(Action::Accept) => return self.decide(world),
            (_, Field::Environment) => {
                self.environment.key(key);
            }
            (_, Field::Digest) => {
                self.digest.key(key);
            }
        }
        Outcome::Stay
    }

    /// Nothing here is pasted, neither by a terminal that says so nor by one that does not.
    pub fn refuse_paste(&mut self) -> Outcome {
        self.environment = Input::default();
        self.digest = Input::default();
        self.note = Some("a paste is not taken: type it");
        Outcome::Stay
    }

    fn reason(&self) -> String {
        self.reason.lines().join("\n").trim().to_owned()
    }

    fn digits(&self) -> &str {
        self.gate.digest.get(..TYPED_DIGITS).unwrap_or(&self.gate.digest)
    }

    fn has_environment(&self) -> bool {
        self.environment.text == self.gate.environment
    }

    fn has_digest(&self) -> bool {
        self.digest.text == self.digits()
    }

    /// What is missing, and where.
    fn missing(&self) -> Option<(Field, &'static str)> {
        if self.reason().is_empty() {
            return Some((Field::Reason, "a reason is needed: it goes on record"));
        }
        if !self.has_environment() {
            return Some((Field::Environment, "that is not the environment's name"));
        }
        (!self.has_digest()).then_some((Field::Digest, "those are not the first digits of the digest"))
    }

    fn decide(&mut self, world: &World) -> Outcome {
        if let Some((field, note)) = self.missing() {
            (self.field, self.note) = (field, Some(note));
            return Outcome::Stay;
        }
        if !matches!(world.link, Link::Connected(_)) {
            self.note = Some("the engine does not answer: nobody knows whether this is still the request");
            return Outcome::Stay;
        }
        let (generation, digest) = (Some(self.gate.generation), self.gate.digest.clone());
        let decided = Decided { answer: self.answer, generation, digest, reason: self.reason() };
        Outcome::Then(vec![Intent::Ask(Request::Decide { gate: self.gate.id.clone(), decided })])
    }
}

impl Field {
    fn next(self) -> Self {
        match self {
            Self::Reason => Self::Environment,
            Self::Environment => Self::Digest,
            Self::Digest => Self::Reason,
        }
    }
}
