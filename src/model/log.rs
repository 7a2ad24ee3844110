//! Stage output as clients ask for it and get it.

use serde::{Deserialize, Serialize};

use super::{StageId, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One line of output. Very long lines come in parts: `partial` says that the next line of the same stream continues it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Zero-based line number in the attempt's log.
    pub number: u64,
    pub at: Timestamp,
    pub stream: Stream,
    /// The bytes as text, invalid UTF-8 replaced, without the newline. Not yet sanitised for a terminal.
    pub text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub partial: bool,
}

/// Which window of a log is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    pub stage: StageId,
    /// The attempt; the last one without it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt: Option<u32>,
    /// First line wanted; without it the window is the last `count` lines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<u64>,
    /// How many lines at most.
    pub count: u64,
}

/// A window of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWindow {
    pub stage: StageId,
    pub attempt: u32,
    /// Lines in the log when the window was read.
    pub total: u64,
    pub bytes: u64,
    pub lines: Vec<LogLine>,
    /// What is wrong with the log's files, if anything is (a corrupt index, a missing segment).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub damage: Option<String>,
}

/// How far the log of an attempt had come at a moment. It is the same at every moment from `since` to before `next`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMoment {
    pub stage: StageId,
    pub attempt: u32,
    pub at: Timestamp,
    /// Lines written by then.
    pub lines: u64,
    /// When the last of them was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    /// When the next one was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<Timestamp>,
}

impl LogMoment {
    /// True when it says how far this log had come at that moment, too.
    pub fn holds(&self, stage: &StageId, attempt: u32, at: Timestamp) -> bool {
        let between = self.since.is_none_or(|since| since <= at) && self.next.is_none_or(|next| at < next);
        // Lines whose clock was set back may not be in order; what was asked for is answered all the same.
        self.stage == *stage && self.attempt == attempt && (between || self.at == at)
    }
}

/// A match of a search over a whole log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    pub number: u64,
    /// Byte ranges of the matches inside the line's text.
    pub ranges: Vec<(usize, usize)>,
}
