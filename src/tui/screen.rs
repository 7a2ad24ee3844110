//! The screens. Each is one file with its state, what keys do to it and how it is painted; a new one is a file, a
//! variant here and an action that opens it.

pub mod overview;
pub mod run;
pub mod runs;
pub mod table;

use ratatui::layout::Rect;

use super::action::{Action, Context};
use super::backend::{Reply, Request};
use super::message::LayoutJob;
use super::popup::{Popup, Purpose, edit::check::Job};
use super::widget::dag::Picture;
use super::widget::paint::Paint;
use super::world::World;
use crate::model::RunId;

/// The screen being looked at.
#[derive(Debug, Clone)]
pub enum Screen {
    Overview(overview::Overview),
    Runs(runs::Runs),
    Run(Box<run::RunScreen>),
}

/// How a remark is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Plain,
    Bad,
}

/// What a screen or popup wants to happen outside itself.
#[derive(Debug)]
pub enum Intent {
    Ask(Request),
    LayOut(Box<LayoutJob>),
    /// Put text into the clipboard, and say what it was.
    Copy {
        text: String,
        what: String,
    },
    OpenRun(RunId),
    /// Open a run and play it again.
    Replay(RunId, run::Opening),
    Open(Box<Popup>),
    /// Check a text that is being edited, beside the loop.
    Check(Box<Job>),
    Say(Tone, String),
    /// Something the user waits for has happened.
    Bell,
}

impl Intent {
    pub fn say(tone: Tone, text: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(tone, text.into())]
    }
}

impl Screen {
    /// The title in the top line.
    pub fn number(&self) -> usize {
        match self {
            Self::Overview(_) => 1,
            Self::Runs(_) => 2,
            Self::Run(_) => 3,
        }
    }

    /// Where keys are looked up, the nearest first.
    pub fn contexts(&self) -> Vec<Context> {
        match self {
            Self::Overview(_) => vec![Context::List, Context::Global],
            Self::Runs(_) => vec![Context::Runs, Context::List, Context::Global],
            Self::Run(run) => run.contexts(),
        }
    }

    pub fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        match self {
            Self::Overview(screen) => screen.act(action, world),
            Self::Runs(screen) => screen.act(action, world),
            Self::Run(screen) => screen.act(action, world),
        }
    }

    /// Backs out one step inside the screen; false when there was nothing to back out of.
    pub fn back(&mut self, world: &mut World) -> Option<Vec<Intent>> {
        match self {
            Self::Overview(_) => None,
            Self::Runs(screen) => screen.back(world),
            Self::Run(screen) => screen.back(world),
        }
    }

    /// Takes text from a prompt: while typing, or when it was accepted.
    pub fn typed(&mut self, purpose: Purpose, text: &str, accepted: bool, world: &mut World) -> Vec<Intent> {
        match (self, purpose) {
            (Self::Runs(screen), Purpose::Filter) => screen.set_filter(text, world),
            (Self::Run(screen), Purpose::Search | Purpose::Keep | Purpose::Leave) if accepted => screen.typed(purpose, text),
            (Self::Run(screen), Purpose::Find) if accepted => screen.find(text),
            (
                Self::Overview(_) | Self::Runs(_) | Self::Run(_),
                Purpose::Filter | Purpose::Search | Purpose::Keep | Purpose::Leave | Purpose::Find,
            ) => Vec::new(),
        }
    }

    /// Takes news that `World` does not keep for everybody.
    pub fn hear(&mut self, reply: Reply, world: &World) -> Vec<Intent> {
        match self {
            Self::Overview(_) | Self::Runs(_) => Vec::new(),
            Self::Run(screen) => screen.hear(reply, world),
        }
    }

    pub fn take_picture(&mut self, picture: Box<Picture>) {
        if let Self::Run(screen) = self {
            screen.dag.accept(picture);
        }
    }

    /// Makes scroll and selection consistent with the size and the data; asks for what is missing.
    pub fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        match self {
            Self::Overview(screen) => screen.fit(area, world),
            Self::Runs(screen) => screen.fit(area, world),
            Self::Run(screen) => screen.fit(area, world),
        }
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        match self {
            Self::Overview(screen) => screen.draw(paint, area, world),
            Self::Runs(screen) => screen.draw(paint, area, world),
            Self::Run(screen) => screen.draw(paint, area, world),
        }
    }

    /// True while something on screen shows a duration that grows, so that a message a second is worth its while.
    pub fn is_ticking(&self, world: &World) -> bool {
        match self {
            Self::Overview(_) | Self::Runs(_) => {
                world.runs.iter().flatten().any(|run| run.started_at.is_some() && !run.status.is_final())
            }
            Self::Run(screen) => screen.is_ticking(),
        }
    }
}
