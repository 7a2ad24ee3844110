//! Decides what the next bytes for the terminal are: the change of a key at once, everything else when the line has
//! room for it.
//!
//! Time is an argument. Must not know the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::time::Instant;

use super::pace::Pace;
use crate::tui::app::App;
use crate::tui::terminal::{Abilities, Encoder};

pub struct Painter {
    encoder: Encoder,
    pace: Pace,
    /// The core may look different from what was drawn last.
    dirty: bool,
    /// A person waits for the next frame.
    asked: bool,
    /// On a slow line: the core as it was before the keys that wait for their frame.
    before: Option<Buffer>,
}

impl Painter {
    pub fn new(abilities: Abilities, now: Instant) -> Self {
        let (encoder, pace) = (Encoder::new(abilities), Pace::new(now, abilities.remote));
        Self { encoder, pace, dirty: true, asked: true, before: None }
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
        let bytes = if std::mem::take(&mut self.asked) {
            self.answer(app)
        } else if self.next().is_some_and(|next| now >= next) {
            if self.encoder.is_whole() {
                self.dirty = false;
                self.encoder.aim(draw(app));
            }
            self.encoder.slice(self.pace.limit().unwrap_or(usize::MAX))
        } else {
            return Vec::new();
        };
        // Also a frame without bytes has cost a drawing.
        self.pace.sent(now, bytes.len());
        bytes
    }

    /// Everything, or on a slow line only what the keys have changed.
    fn answer(&mut self, app: &App) -> Vec<u8> {
        let after = draw(app);
        match self.before.take() {
            Some(before) => self.encoder.urgent(before, after),
            None => {
                self.dirty = false;
                self.encoder.frame(after)
            }
        }
    }

    /// The terminal has taken what was sent.
    pub fn drained(&mut self, now: Instant) {
        self.pace.drained(now);
    }
}

fn draw(app: &App) -> Buffer {
    let (width, height) = app.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    app.draw(&mut buffer);
    buffer
}
