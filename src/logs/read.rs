//! Reads windows of a log, also while it is being written, with time and memory in proportion to the window.

use std::fs::File;
use std::io;
use std::path::Path;

use super::index::{self, Entry};
use super::record::{self, Lines};
use crate::model::{LogLine, LogQuery, LogWindow, Stream, Timestamp};

/// Text of a window at most: a larger one comes back with fewer lines.
const MAX_WINDOW: usize = 16 * 1024 * 1024;

/// A log opened for reading, as it was at that moment.
#[derive(Debug)]
pub struct Log {
    file: File,
    size: u64,
    start: Timestamp,
    /// Where the first record begins.
    first: u64,
    entries: Vec<Entry>,
    total: u64,
    damage: Option<String>,
}

impl Log {
    /// Opens a log. The error of a file that is not there is the system's; one that is no log reads as empty, with damage.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut head = Lines::new(&file, 0, size.min(128));
        let start = head.next_line()?.map(record::parse_header);
        let first = head.offset();
        drop(head);
        let Some(start) = start.flatten() else {
            let damage = (size > 0).then(|| "the log does not begin as a log of this version".to_owned());
            return Ok(Self { file, size: 0, start: Timestamp(0), first: 0, entries: Vec::new(), total: 0, damage });
        };
        let (entries, damage) = index::load(&file, &index::path_of(path), first, size)?;
        let mut log = Self { file, size, start: Timestamp(start), first, entries, total: 0, damage };
        let last = log.entries.last().copied().unwrap_or(Entry { line: 0, offset: first, ms: 0 });
        log.total = last.line + Lines::new(&log.file, last.offset, size).skip(u64::MAX)?;
        Ok(log)
    }

    /// Lines in the log.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes of the log's file.
    pub fn bytes(&self) -> u64 {
        self.size
    }

    /// What is wrong with the log's files.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// At most `count` lines from line `from` on, or the last ones. Stops early when the texts get too large together.
    pub fn window(&self, from: Option<u64>, count: u64) -> io::Result<Vec<LogLine>> {
        let from = from.unwrap_or_else(|| self.total.saturating_sub(count));
        let mut found = Vec::new();
        let mut size = 0;
        self.each(from, |line| {
            size += line.text.len();
            if found.len() as u64 >= count || (size > MAX_WINDOW && !found.is_empty()) {
                return false;
            }
            found.push(line.into_line());
            true
        })?;
        Ok(found)
    }

    /// Goes through the lines from line `from` on until `visit` says false.
    pub(super) fn each(&self, from: u64, mut visit: impl FnMut(RawLine<'_>) -> bool) -> io::Result<()> {
        let mut number = from;
        let mut lines = self.seek(from)?;
        while number < self.total {
            let Some(line) = lines.next_line()? else { break };
            let raw = match record::parse(line) {
                Some(record) => RawLine {
                    number,
                    at: Timestamp(self.start.as_millis().saturating_add(i64::try_from(record.ms).unwrap_or(i64::MAX))),
                    stream: record.stream,
                    partial: record.continued,
                    text: record.text,
                },
                // Somebody changed the file: show the line as it stands there.
                None => RawLine { number, at: self.start, stream: Stream::Stderr, partial: false, text: line },
            };
            if !visit(raw) {
                break;
            }
            number += 1;
        }
        Ok(())
    }

    fn seek(&self, line: u64) -> io::Result<Lines<'_>> {
        let before = self.entries.partition_point(|entry| entry.line <= line).checked_sub(1);
        let near = before.map_or(Entry { line: 0, offset: self.first, ms: 0 }, |at| self.entries[at]);
        let mut lines = Lines::new(&self.file, near.offset, self.size);
        lines.skip(line - near.line)?;
        Ok(lines)
    }
}

/// A line before its text is copied.
pub(super) struct RawLine<'a> {
    pub number: u64,
    pub at: Timestamp,
    pub stream: Stream,
    pub partial: bool,
    pub text: &'a [u8],
}

impl RawLine<'_> {
    fn into_line(self) -> LogLine {
        let text = String::from_utf8_lossy(self.text).into_owned();
        LogLine { number: self.number, at: self.at, stream: self.stream, text, partial: self.partial }
    }
}

/// Answers a query about one attempt's log. A log that is not there has no lines;
/// `expected` says how many there should be, when the attempt has ended.
pub fn window(run_dir: &Path, query: &LogQuery, attempt: u32, expected: Option<u64>) -> io::Result<LogWindow> {
    let mut answer = LogWindow { stage: query.stage.clone(), attempt, total: 0, bytes: 0, lines: Vec::new(), damage: None };
    let log = match Log::open(&super::log_path(run_dir, &query.stage, attempt)) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            answer.damage =
                expected.filter(|lines| *lines > 0).map(|lines| format!("the log file with {lines} lines is missing"));
            return Ok(answer);
        }
        Err(error) => return Err(error),
    };
    answer.lines = log.window(query.from, query.count)?;
    answer.total = log.total;
    answer.bytes = log.size;
    let short = expected.filter(|lines| *lines > log.total);
    answer.damage = log.damage.or_else(|| short.map(|lines| format!("{} of {lines} lines are missing", lines - log.total)));
    Ok(answer)
}

#[cfg(test)]
mod tests;
