//! The shapes on screen, once for terminals that show Unicode and once for those that do not.

use crate::model::{ReleaseVerdict, RunStatus, StageStatus};

use super::backend::ServiceStatus;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    #[default]
    Unicode,
    Ascii,
}

/// How an edge is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Plain,
    /// On the critical path.
    Double,
    /// A way that was not taken.
    Dotted,
}

/// The corners and sides of a box: top left, top right, bottom left, bottom right, horizontal, vertical.
pub type Frame = [&'static str; 6];

impl Charset {
    fn pick<T>(self, unicode: T, ascii: T) -> T {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }

    pub fn stage(self, status: StageStatus) -> &'static str {
        match status {
            StageStatus::Pending => self.pick("○", "."),
            StageStatus::Ready => self.pick("◌", ":"),
            StageStatus::WaitingApproval => self.pick("◆", "@"),
            StageStatus::Running => self.pick("●", "*"),
            StageStatus::Retrying => self.pick("↻", "~"),
            StageStatus::Succeeded => self.pick("✓", "+"),
            StageStatus::Failed => self.pick("✗", "x"),
            StageStatus::Skipped => self.pick("–", "-"),
            StageStatus::Cancelled => self.pick("■", "#"),
            StageStatus::TimedOut => self.pick("◷", "t"),
            StageStatus::Unknown => "?",
        }
    }

    pub fn run(self, status: RunStatus) -> &'static str {
        match status {
            RunStatus::Queued => self.pick("○", "."),
            RunStatus::Running => self.pick("●", "*"),
            RunStatus::Waiting => self.pick("◆", "@"),
            RunStatus::Cancelling => self.pick("◼", "%"),
            RunStatus::Succeeded => self.pick("✓", "+"),
            RunStatus::Failed => self.pick("✗", "x"),
            RunStatus::Cancelled => self.pick("■", "#"),
        }
    }

    pub fn release(self, verdict: ReleaseVerdict) -> &'static str {
        match verdict {
            ReleaseVerdict::Deploying => self.pick("●", "*"),
            ReleaseVerdict::Baking => self.pick("◌", ":"),
            ReleaseVerdict::Stable => self.pick("✓", "+"),
            ReleaseVerdict::Bad => self.pick("✗", "x"),
            ReleaseVerdict::Superseded => self.pick("–", "-"),
            ReleaseVerdict::RolledBack => self.pick("◂", "<"),
        }
    }

    /// A replay: playing or paused.
    pub fn player(self, playing: bool) -> &'static str {
        if playing { self.pick("▶", ">") } else { self.pick("‖", "|") }
    }

    /// The line of a position bar, before and behind the knob.
    pub fn track(self) -> (&'static str, &'static str) {
        self.pick(("━", "─"), ("=", "-"))
    }

    /// Stands before what is not the same on both sides.
    pub fn differs(self) -> &'static str {
        self.pick("≠", "!")
    }

    pub fn knob(self) -> &'static str {
        self.pick("●", "O")
    }

    pub fn service(self, status: ServiceStatus) -> &'static str {
        match status {
            ServiceStatus::Healthy => self.pick("✓", "+"),
            ServiceStatus::Unhealthy => self.pick("✗", "x"),
            ServiceStatus::Unknown => "?",
        }
    }

    /// Bars of a line of values, the lowest first.
    pub fn bars(self) -> [&'static str; 8] {
        self.pick(["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"], ["_", ".", ":", "-", "=", "+", "*", "#"])
    }

    /// The frame of panes, popups and boxes.
    pub fn frame(self) -> Frame {
        self.pick(["╭", "╮", "╰", "╯", "─", "│"], ["+", "+", "+", "+", "-", "|"])
    }

    /// The frame of what is selected.
    pub fn heavy_frame(self) -> Frame {
        self.pick(["┏", "┓", "┗", "┛", "━", "┃"], ["#", "#", "#", "#", "=", "#"])
    }

    /// The frame of what is on the critical path.
    pub fn double_frame(self) -> Frame {
        self.pick(["╔", "╗", "╚", "╝", "═", "║"], ["=", "=", "=", "=", "=", "!"])
    }

    /// The frame of what runs inside a loop or a guard.
    pub fn dashed_frame(self) -> Frame {
        self.pick(["╭", "╮", "╰", "╯", "┄", "┆"], [".", ".", ".", ".", "-", ":"])
    }

    /// Around the part of a map that is in view.
    pub fn brackets(self) -> [&'static str; 2] {
        ["[", "]"]
    }

    pub fn horizontal(self) -> &'static str {
        self.pick("─", "-")
    }

    pub fn ellipsis(self) -> &'static str {
        self.pick("…", "~")
    }

    /// Stand at the left and the right end of a line of which more lies beyond it.
    pub fn beyond(self) -> (&'static str, &'static str) {
        self.pick(("‹", "›"), ("<", ">"))
    }

    /// Stands before a part that continues the line above.
    pub fn continues(self) -> &'static str {
        self.pick("↪", "\\")
    }

    pub fn arrow(self) -> &'static str {
        self.pick("▸", ">")
    }

    pub fn pointer(self) -> &'static str {
        self.pick("▌", ">")
    }

    pub fn dot(self) -> &'static str {
        self.pick("·", "|")
    }

    pub fn times(self) -> &'static str {
        self.pick("×", "x")
    }

    /// Left, right, up, down: there is more that way.
    pub fn more(self) -> [&'static str; 4] {
        self.pick(["◂", "▸", "▴", "▾"], ["<", ">", "^", "v"])
    }

    /// Closed and open fold.
    pub fn fold(self, open: bool) -> &'static str {
        if open { self.pick("▾", "-") } else { self.pick("▸", "+") }
    }

    pub fn scroll(self) -> (&'static str, &'static str) {
        self.pick(("▐", "·"), ("#", "|"))
    }

    /// An edge's cell by the sides it touches: 1 up, 2 right, 4 down, 8 left.
    pub fn edge(self, sides: u8, stroke: Stroke) -> &'static str {
        const PLAIN: [&str; 16] = [" ", "│", "─", "╰", "│", "│", "╭", "├", "─", "╯", "─", "┴", "╮", "┤", "┬", "┼"];
        const DOUBLE: [&str; 16] = [" ", "║", "═", "╚", "║", "║", "╔", "╠", "═", "╝", "═", "╩", "╗", "╣", "╦", "╬"];
        const DOTTED: [&str; 16] = [" ", "┆", "┄", "╰", "┆", "┆", "╭", "├", "┄", "╯", "┄", "┴", "╮", "┤", "┬", "┼"];
        const ASCII_PLAIN: [&str; 16] = [" ", "|", "-", "+", "|", "|", "+", "+", "-", "+", "-", "+", "+", "+", "+", "+"];
        const ASCII_DOUBLE: [&str; 16] = [" ", "!", "=", "=", "!", "!", "=", "=", "=", "=", "=", "=", "=", "=", "=", "="];
        const ASCII_DOTTED: [&str; 16] = [" ", ":", ".", ".", ":", ":", ".", ".", ".", ".", ".", ".", ".", ".", ".", "."];
        let table = match stroke {
            Stroke::Plain => self.pick(PLAIN, ASCII_PLAIN),
            Stroke::Double => self.pick(DOUBLE, ASCII_DOUBLE),
            Stroke::Dotted => self.pick(DOTTED, ASCII_DOTTED),
        };
        table[usize::from(sides & 15)]
    }
}

/// The word for a stage's status on screen.
pub fn stage_word(status: StageStatus) -> &'static str {
    match status {
        StageStatus::WaitingApproval => "waiting approval",
        StageStatus::TimedOut => "timed out",
        other => other.name(),
    }
}

/// The word for a service's status on screen.
pub fn service_word(status: ServiceStatus) -> &'static str {
    match status {
        ServiceStatus::Healthy => "healthy",
        ServiceStatus::Unhealthy => "unhealthy",
        ServiceStatus::Unknown => "unknown",
    }
}

/// The word for what is known of a release.
pub fn release_word(verdict: ReleaseVerdict) -> &'static str {
    match verdict {
        ReleaseVerdict::Deploying => "deploying",
        ReleaseVerdict::Baking => "baking",
        ReleaseVerdict::Stable => "stable",
        ReleaseVerdict::Bad => "bad",
        ReleaseVerdict::Superseded => "superseded",
        ReleaseVerdict::RolledBack => "rolled back",
    }
}

/// A word of at most five cells, where a line has no room for more.
pub fn short_word(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Pending => "todo",
        StageStatus::Ready => "ready",
        StageStatus::WaitingApproval => "gate",
        StageStatus::Running => "run",
        StageStatus::Retrying => "retry",
        StageStatus::Succeeded => "ok",
        StageStatus::Failed => "fail",
        StageStatus::Skipped => "skip",
        StageStatus::Cancelled => "stop",
        StageStatus::TimedOut => "late",
        StageStatus::Unknown => "ask",
    }
}
