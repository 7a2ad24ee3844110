//! What goes into the console's core and what comes out of it. The core itself has no clock and does no I/O.

use crossterm::event::{KeyEvent, MouseEvent};

use super::backend::{Reply, Request};
use super::layout::Graph;
use super::popup::edit::check::{Checked, Job};
use super::widget::dag::Picture;

/// Everything that can happen to the console. Each comes with the time it happened at.
#[derive(Debug, Clone)]
pub enum Message {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    Resize {
        width: u16,
        height: u16,
    },
    Reply(Box<Reply>),
    /// What became of a copy.
    Copied(Result<String, String>),
    /// A layout that was asked for is done.
    Layout(Box<Picture>),
    /// A text that was to be checked is.
    Checked(Box<Checked>),
    /// All of what is on screen now has reached the terminal.
    Seen,
    /// A second has passed while something with a running duration is on screen; less while a replay is.
    Second,
}

/// What the shell has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Ask(Request),
    /// Lay these graphs out off the loop: boxes and lines of the same run.
    LayOut(Box<LayoutJob>),
    /// Check an edited text off the loop.
    Check(Box<Job>),
    /// Bring this text where it can be pasted from, and say how it went; `what` says what it is.
    Copy {
        text: String,
        what: String,
    },
    /// Ring the terminal's bell, once.
    Bell,
    /// Paint everything again.
    Repaint,
    Mouse(bool),
    Suspend,
    Quit,
}

/// A graph to be laid out at every zoom level. `key` comes back with the result.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutJob {
    pub key: u64,
    pub boxes: Graph,
    /// Boxes only as wide as their titles need.
    pub narrow: Graph,
    /// Lines that tell times too.
    pub long: Graph,
    pub lines: Graph,
}
