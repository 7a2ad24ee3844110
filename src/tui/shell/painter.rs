//! Decides what the next bytes for the terminal are: the change of a key at once, everything else when the line has
//! room for it.
//!
//! Time is an argument. Must not know the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::time::Instant;

use super::pace::Pace;
use crate::tui::app::{App, Scene};
use crate::tui::terminal::{Abilities, Encoder, Stall};

/// Pictures that go out whole after another screen or popup was opened: what it shows comes after it.
const WHOLE: u8 = 3;

pub struct Painter {
    encoder: Encoder,
    pace: Pace,
    /// The core may look different from what was drawn last.
    dirty: bool,
    /// A person waits for the next frame.
    asked: bool,
    /// On a slow line: the core as it was before the keys that wait for their frame.
    before: Option<Buffer>,
    /// What the last picture was of, and how many more of it go out in one piece.
    scene: Option<Scene>,
    whole: u8,
}

impl Painter {
    pub fn new(abilities: Abilities, now: Instant) -> Self {
        let (encoder, pace) = (Encoder::new(abilities), Pace::new(now, abilities.remote));
        Self { encoder, pace, dirty: true, asked: true, before: None, scene: None, whole: 0 }
    }

    /// What is on the terminal is not known any more.
    pub fn forget(&mut self) {
        self.encoder.forget();
        self.changed();
    }

    /// The core has been told something.
    pub fn changed(&mut self) {
        self.dirty = true;
    }

    /// The core is about to be told something that a person did.
    pub fn expect_key(&mut self, app: &App) {
        if self.pace.limit().is_some() && !self.asked {
            self.before = Some(draw(app));
        }
        self.asked = true;
    }

    /// When there will be something to send, as far as is known.
    pub fn next(&self) -> Option<Instant> {
        let waiting = self.dirty || self.asked || !self.encoder.is_whole();
        waiting.then(|| self.pace.next())
    }

    /// What to send now; often nothing. Only while no frame is under way.
    pub fn bytes(&mut self, now: Instant, app: &App) -> Vec<u8> {
        self.pace.forgive(now);
        // Also a frame without bytes has cost a drawing.
        if std::mem::take(&mut self.asked) {
            let bytes = self.answer(app);
            self.pace.sent_for_key(now, bytes.len());
            bytes
        } else if self.next().is_some_and(|next| now >= next) {
            self.unasked(now, app)
        } else {
            Vec::new()
        }
    }

    /// Everything, or on a slow line only what the keys have changed of a screen that stays.
    fn answer(&mut self, app: &App) -> Vec<u8> {
        let after = draw(app);
        let scene = Some(app.scene());
        let opened = std::mem::replace(&mut self.scene, scene.clone()) != scene;
        self.whole = if opened { WHOLE } else { self.whole };
        match self.before.take() {
            Some(before) if !opened && self.pace.limit().is_some() => self.encoder.urgent(before, after),
            _ => {
                self.dirty = false;
                self.encoder.frame(after)
            }
        }
    }

    /// What the line has room for, but all of a screen that has just been opened.
    fn unasked(&mut self, now: Instant, app: &App) -> Vec<u8> {
        let limit = self.pace.limit().unwrap_or(usize::MAX);
        let starts = self.encoder.is_whole();
        if starts {
            self.dirty = false;
            self.encoder.aim(draw(app));
        }
        if starts && self.whole > 0 {
            let bytes = self.encoder.slice(usize::MAX);
            self.whole -= u8::from(bytes.len() > limit);
            self.pace.sent_for_key(now, bytes.len());
            return bytes;
        }
        let bytes = self.encoder.slice(limit);
        self.pace.sent(now, bytes.len());
        bytes
    }

    /// The terminal has taken what was sent, but had no room for it for a while.
    pub fn refused(&mut self, stall: &Stall) {
        self.pace.refused(stall);
    }
}

fn draw(app: &App) -> Buffer {
    let (width, height) = app.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    app.draw(&mut buffer);
    buffer
}
