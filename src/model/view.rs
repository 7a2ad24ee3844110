//! Views of logs: one log or all of a run in the order of time, filtered or not, read from any place in either direction.

use serde::{Deserialize, Serialize};

use super::{StageId, Stream, Timestamp};

/// The log of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogName {
    pub stage: StageId,
    pub attempt: u32,
}

/// Logs read as one, and which of their lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    /// One attempt's log; without it all logs of the run, in the order of time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<LogName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filter: Option<LineFilter>,
    /// Only what had been written at this moment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
}

/// Which lines are kept. Colours do not count as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFilter {
    /// A regular expression.
    pub pattern: String,
    /// Keep the lines that do not match.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub inverse: bool,
}

/// A place between two lines of a view: how many lines of each log lie before it. Logs that are not named: none.
///
/// While logs grow, a line of one may come to stand before lines of another that were read already. Going on from a place
/// neither loses it nor shows another one twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogPlace(pub Vec<(LogName, u64)>);

impl LogPlace {
    /// Lines before it, whether they pass the filter or not.
    pub fn line(&self) -> u64 {
        self.0.iter().map(|(_, lines)| lines).sum()
    }
}

/// Where a reading of a view begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStart {
    End,
    /// Before this line of the view, counted from zero and without the filter.
    Line(u64),
    Place(LogPlace),
}

/// Which lines of a view are wanted: those after the start, or before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewQuery {
    pub view: LogView,
    /// A further regular expression that lines have to match.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub matching: Option<String>,
    pub from: LogStart,
    #[serde(default)]
    pub backwards: bool,
    /// How many lines at most. Fewer come when a long stretch has no line that passes: then go on from where it ended.
    pub count: u64,
    /// Bytes of each line that are wanted.
    pub clip: usize,
}

/// One line of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewLine {
    /// Zero-based number in the view, without the filter.
    pub number: u64,
    /// The log it is from, in a view of several, and its number there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of: Option<(StageId, u64)>,
    pub at: Timestamp,
    pub stream: Stream,
    /// As in `LogLine`, up to the query's `clip`.
    pub text: String,
    /// Bytes that were left out.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub cut: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub partial: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Lines of a view, in its order, and the places before the first and after the last line that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewWindow {
    pub lines: Vec<ViewLine>,
    pub from: LogPlace,
    pub to: LogPlace,
    /// Lines of all logs of the view, without the filter.
    pub total: u64,
    /// How many of these are continued by another one: a very long line comes in parts. `total - parts` is what a person
    /// would count.
    #[serde(default)]
    pub parts: u64,
    pub bytes: u64,
    /// What is wrong with the files of a log, if anything is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub damage: Option<String>,
}

/// A count over a whole view from a place on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanQuery {
    pub view: LogView,
    /// What is searched for among the lines that pass the filter.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pattern: Option<String>,
    pub from: LogPlace,
}

/// A stretch of a view that was scanned. The last one has the place to go on from when the logs have grown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPiece {
    /// Lines of the stretch.
    #[serde(default)]
    pub looked: u64,
    /// Those of them that pass the filter, and of these the ones that match.
    pub passed: u64,
    pub count: u64,
    /// The first ones that match.
    pub hits: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<LogPlace>,
}
