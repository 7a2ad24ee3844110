//! Reads windows of a log, also while it is being written, with time and memory in proportion to the window.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::index::{self, Entry, Index};
use super::record::{self, Lines};
use crate::model::{LogLine, LogQuery, LogWindow, Stream, Timestamp};

/// Text of a window at most: a larger one comes back with fewer lines.
const MAX_WINDOW: usize = 16 * 1024 * 1024;

/// A log to read, as long as it was when it was opened. Holds no open file: there may be thousands of logs in a run.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    size: u64,
    start: Timestamp,
    /// No line came later than this, by the file's own time.
    latest: Timestamp,
    index: Index,
    total: u64,
    /// Records that another one continues.
    parts: u64,
    damage: Option<String>,
}

/// How much later than the clock of the file system the clock of a line may be.
const SLACK: i64 = 1_000;

impl Log {
    /// Opens a log. The error of a file that is not there is the system's; one that is no log reads as empty, with damage.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let size = metadata.len();
        let mut head = Lines::new(&file, 0, size.min(128));
        let start = head.next_line()?.map(record::parse_header);
        let first = head.offset();
        let latest = Timestamp(metadata.mtime().saturating_add(1).saturating_mul(1_000).saturating_add(SLACK));
        let Some(start) = start.flatten() else {
            let damage = (size > 0).then(|| "the log does not begin as a log of this version".to_owned());
            let index = Index::default();
            let (path, start) = (path.to_owned(), Timestamp(0));
            return Ok(Self { path, size: 0, start, latest, index, total: 0, parts: 0, damage });
        };
        let (index, damage) = Index::open(&file, &index::path_of(path), first, size)?;
        let last = index.last()?.unwrap_or(Entry { line: 0, offset: first, ms: 0, parts: 0 });
        let (lines, parts) = count(&mut Lines::new(&file, last.offset, size), u64::MAX)?;
        let (total, parts) = (last.line + lines, if index.knows_parts() { last.parts + parts } else { 0 });
        Ok(Self { path: path.to_owned(), size, start: Timestamp(start), latest, index, total, parts, damage })
    }

    /// Forgets the lines from this one on.
    pub(super) fn end_at(&mut self, line: u64) -> io::Result<()> {
        if line >= self.total {
            return Ok(());
        }
        if self.parts > 0 {
            let (near, _) = self.index.around(|entry| entry.line <= line)?;
            let file = File::open(&self.path)?;
            self.parts = near.parts + count(&mut Lines::new(&file, near.offset, self.size), line - near.line)?.1;
        }
        self.total = line;
        Ok(())
    }

    /// Lines in the log.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many of these are continued by another one.
    pub fn parts(&self) -> u64 {
        self.parts
    }

    /// Bytes of the log's file.
    pub fn bytes(&self) -> u64 {
        self.size
    }

    /// When the attempt began.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// No line came later than this.
    pub fn latest(&self) -> Timestamp {
        self.latest
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

    /// One line.
    pub(super) fn line(&self, number: u64) -> io::Result<Option<LogLine>> {
        Ok(self.window(Some(number), 1)?.pop())
    }

    /// Goes through the lines from line `from` on until `visit` says false.
    pub(super) fn each(&self, from: u64, mut visit: impl FnMut(RawLine<'_>) -> bool) -> io::Result<()> {
        let file = File::open(&self.path)?;
        let (near, _) = self.index.around(|entry| entry.line <= from)?;
        let mut lines = Lines::new(&file, near.offset, self.size);
        lines.skip(from - near.line)?;
        let mut number = from;
        while number < self.total {
            let Some(line) = lines.next_line()? else { break };
            if !visit(self.raw(number, line)) {
                break;
            }
            number += 1;
        }
        Ok(())
    }

    fn raw<'l>(&self, number: u64, line: &'l [u8]) -> RawLine<'l> {
        match record::parse(line) {
            Some(record) => RawLine {
                number,
                at: Timestamp(self.start.as_millis().saturating_add(i64::try_from(record.ms).unwrap_or(i64::MAX))),
                stream: record.stream,
                partial: record.continued,
                text: record.text,
            },
            // Somebody changed the file: show the line as it stands there.
            None => RawLine { number, at: self.start, stream: Stream::Stderr, partial: false, text: line },
        }
    }

    /// The stretch between two entries of the index that has line `number`, which must be below the total.
    pub(super) fn block(&self, number: u64) -> io::Result<Block> {
        self.block_around(|entry| entry.line <= number)
    }

    /// The first line that came at `at` or later.
    pub(super) fn line_at(&self, at: Timestamp) -> io::Result<u64> {
        let ms = u64::try_from(at.as_millis().saturating_sub(self.start.as_millis())).unwrap_or(0);
        if ms == 0 || self.total == 0 {
            return Ok(0);
        }
        if at > self.latest {
            return Ok(self.total);
        }
        let block = self.block_around(|entry| entry.ms < ms)?;
        let later = |line: &u64| block.line(self, *line).is_none_or(|line| line.at >= at);
        Ok((block.first..block.end()).find(later).unwrap_or(block.end()).min(self.total))
    }

    fn block_around(&self, before: impl Fn(&Entry) -> bool) -> io::Result<Block> {
        let (near, next) = self.index.around(before)?;
        let end = next.map_or(self.size, |next| next.offset);
        let file = File::open(&self.path)?;
        let mut lines = Lines::new(&file, near.offset, end);
        let mut block = Block { first: near.line, bytes: Vec::new(), ends: Vec::new() };
        while let Some(line) = lines.next_line()? {
            block.bytes.extend_from_slice(line);
            block.ends.push(block.bytes.len());
        }
        Ok(block)
    }
}

/// Counts at most so many lines, and those of them that another one continues. The last one does not count as such:
/// nothing continues it yet.
fn count(lines: &mut Lines<'_>, most: u64) -> io::Result<(u64, u64)> {
    let (mut counted, mut parts, mut last) = (0, 0, false);
    while counted < most
        && let Some(line) = lines.next_line()?
    {
        counted += 1;
        parts += u64::from(std::mem::replace(&mut last, record::goes_on(line)));
    }
    Ok((counted, parts))
}

/// Some lines of a log in memory, one after the other.
#[derive(Debug)]
pub(super) struct Block {
    first: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Block {
    fn end(&self) -> u64 {
        self.first + self.ends.len() as u64
    }

    pub fn has(&self, number: u64) -> bool {
        (self.first..self.end()).contains(&number)
    }

    /// Bytes that were read for it.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// A line of it, which is one of `log`'s.
    pub fn line<'b>(&'b self, log: &Log, number: u64) -> Option<RawLine<'b>> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(log.raw(number, &self.bytes[start..end]))
    }
}

/// A line before its text is copied.
#[derive(Debug, Clone, Copy)]
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
