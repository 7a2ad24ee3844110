//! How many rows the log leaves to the graph, and when that may change: when the user has done something, the size is
//! another one or the run has ended. Never by a log that grows or a stage that ends.

use ratatui::layout::Rect;

use super::RunScreen;
use crate::model::{Run, Stage};

/// The fewest rows that a log keeps.
const LEAST: u16 = 4;
/// What a stage without a log keeps for its notes and its result.
const RESULT: u16 = 12;

/// The rows of the log in force.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    log: Option<u16>,
    area: Rect,
    /// They may change at the next chance.
    loose: bool,
}

impl Default for Share {
    fn default() -> Self {
        Self { log: None, area: Rect::default(), loose: true }
    }
}

impl Share {
    /// Lets the rows change once more.
    pub fn loosen(&mut self) {
        self.loose = true;
    }

    /// The rows for the log: those needed now if they may change, else those that it had. They stay loose until it is known
    /// how long the log is.
    pub fn settle(&mut self, area: Rect, needed: Option<u16>, known: bool) -> Option<u16> {
        self.loose |= area != self.area;
        self.area = area;
        if self.loose && known {
            (self.log, self.loose) = (needed, false);
        }
        self.log
    }
}

impl RunScreen {
    /// Rows that the log needs and will go on needing; nothing while it may grow or other panes share its place.
    pub(super) fn log_needs(&self, run: &Run, stage: Option<&Stage>) -> Option<u16> {
        let over = run.status.is_final() || !self.merged && stage?.has_ended();
        if !over || self.player.is_some() || self.inspector.is_some() || self.log.wrap {
            return None;
        }
        let lines = u16::try_from(self.log.total()).unwrap_or(u16::MAX);
        let error = u16::from(stage.is_some_and(|stage| stage.error.is_some()));
        Some(if lines == 0 { RESULT } else { lines.saturating_add(error).max(LEAST) })
    }
}
