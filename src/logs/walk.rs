//! A walk over the lines of several logs in the order of time, forwards or backwards, from any place.
//!
//! Lines of the same millisecond stand in the order of the logs. Reads a block of one log at a time, and of a log only
//! when its turn may have come: a walk over a run of thousands of stages touches those that were at work then.

use std::io;

use super::read::{Block, Log, RawLine};
use crate::model::{LogLine, LogName, Stream, Timestamp};

/// Records between two parts of a line, and bytes of them, beyond which they are not taken for parts of one.
const MOST_BETWEEN: (u64, usize) = (1_000, 1024 * 1024);

/// A log of a view.
#[derive(Debug)]
pub struct Source {
    pub name: LogName,
    pub lines: Lines,
}

/// Where the lines of a log are.
#[derive(Debug)]
pub enum Lines {
    File(Log),
    /// Few, and in memory.
    Told(Vec<LogLine>),
}

impl Source {
    pub fn total(&self) -> u64 {
        match &self.lines {
            Lines::File(log) => log.total(),
            Lines::Told(lines) => lines.len() as u64,
        }
    }

    /// Lines that another one continues.
    pub fn parts(&self) -> u64 {
        match &self.lines {
            Lines::File(log) => log.parts(),
            Lines::Told(_) => 0,
        }
    }

    pub fn bytes(&self) -> u64 {
        match &self.lines {
            Lines::File(log) => log.bytes(),
            Lines::Told(lines) => lines.iter().map(|line| line.text.len() as u64 + 1).sum(),
        }
    }

    /// Forgets the lines that came after `at`.
    pub(super) fn end_at(&mut self, at: Timestamp) -> io::Result<()> {
        let end = self.line_at(Timestamp(at.as_millis().saturating_add(1)))?;
        match &mut self.lines {
            Lines::File(log) => log.end_at(end),
            Lines::Told(lines) => {
                lines.truncate(usize::try_from(end).unwrap_or(usize::MAX));
                Ok(())
            }
        }
    }

    /// No line came before the first of these times, and none after the second.
    pub(super) fn span(&self) -> (Timestamp, Timestamp) {
        match &self.lines {
            Lines::File(log) => (log.start(), log.latest()),
            Lines::Told(lines) => {
                let at = |line: Option<&LogLine>| line.map_or(Timestamp(0), |line| line.at);
                (at(lines.first()), at(lines.last()))
            }
        }
    }

    /// The first line that came at `at` or later.
    pub(super) fn line_at(&self, at: Timestamp) -> io::Result<u64> {
        match &self.lines {
            Lines::File(log) => log.line_at(at),
            Lines::Told(lines) => Ok(lines.partition_point(|line| line.at < at) as u64),
        }
    }
}

/// What a record is of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// All of it.
    Whole,
    /// The first of several parts.
    First,
    Further,
}

/// What is known of a line whose turn it is.
#[derive(Debug, Clone, Copy)]
struct Turn {
    at: Timestamp,
    stream: Stream,
    partial: bool,
}

/// Where a walk is in one log: before line `next`.
#[derive(Debug)]
struct Reader<'v> {
    source: &'v Source,
    next: u64,
    block: Option<Block>,
    /// The block before it, once what comes before a line was looked at.
    spare: Option<Block>,
    /// The line whose turn it is, once it was read.
    seen: Option<Turn>,
    /// Whether the next record of each stream continues a line, on a walk forwards, once that is known.
    open: [Option<bool>; 2],
    /// Bytes that were read beyond the lines whose turn came.
    looked: u64,
}

impl Reader<'_> {
    /// The number of the line whose turn it is.
    fn turn(&self, back: bool) -> Option<u64> {
        if back { self.next.checked_sub(1) } else { Some(self.next).filter(|next| *next < self.source.total()) }
    }

    /// A time that the line whose turn it is cannot have come before (or, backwards, after).
    fn bound(&self, back: bool) -> Timestamp {
        match (self.seen, back) {
            (Some(seen), _) => seen.at,
            (None, false) if self.next == 0 => self.source.span().0,
            (None, false) => Timestamp(i64::MIN),
            (None, true) if self.next == self.source.total() => self.source.span().1,
            (None, true) => Timestamp(i64::MAX),
        }
    }

    /// Reads up to line `number`; gives the bytes that this took.
    fn load(&mut self, number: u64) -> io::Result<u64> {
        let mut read = 0;
        if let Lines::File(log) = &self.source.lines
            && self.block.as_ref().is_none_or(|block| !block.has(number))
        {
            self.block = self.spare.take().filter(|spare| spare.has(number));
            if self.block.is_none() {
                let block = log.block(number)?;
                read = block.size() as u64;
                self.block = Some(block);
            }
        }
        // A line that is not there any more (the file was cut) ends this log.
        self.seen = self.line(number).map(|line| Turn { at: line.at, stream: line.stream, partial: line.partial });
        Ok(read)
    }

    /// What the line whose turn it is is a part of.
    fn piece(&mut self, number: u64, turn: Turn, back: bool) -> io::Result<Piece> {
        let known = if back { None } else { self.open[turn.stream as usize] };
        let continues = known.map_or_else(|| self.continues(number, turn.stream), Ok)?;
        self.open[turn.stream as usize] = Some(turn.partial);
        Ok(match (continues, turn.partial) {
            (true, _) => Piece::Further,
            (false, true) => Piece::First,
            (false, false) => Piece::Whole,
        })
    }

    /// The record before this one of the same stream goes on.
    fn continues(&mut self, number: u64, stream: Stream) -> io::Result<bool> {
        let mut bytes = 0;
        for before in (number.saturating_sub(MOST_BETWEEN.0)..number).rev() {
            let Some(line) = self.before(before)? else { break };
            if line.stream == stream {
                return Ok(line.partial);
            }
            bytes += line.text.len();
            if bytes > MOST_BETWEEN.1 {
                break;
            }
        }
        Ok(false)
    }

    /// A line before the one whose turn it is.
    fn before(&mut self, number: u64) -> io::Result<Option<RawLine<'_>>> {
        let has = |block: &Option<Block>| block.as_ref().is_some_and(|block| block.has(number));
        if let Lines::File(log) = &self.source.lines
            && !has(&self.block)
        {
            if !has(&self.spare) {
                let block = log.block(number)?;
                self.looked += block.size() as u64;
                self.spare = Some(block);
            }
            return Ok(self.spare.as_ref().and_then(|block| block.line(log, number)));
        }
        Ok(self.line(number))
    }

    fn line(&self, number: u64) -> Option<RawLine<'_>> {
        match &self.source.lines {
            Lines::File(log) => self.block.as_ref()?.line(log, number),
            Lines::Told(lines) => {
                let line = lines.get(usize::try_from(number).ok()?)?;
                let (at, stream, partial) = (line.at, line.stream, line.partial);
                Some(RawLine { number, at, stream, partial, text: line.text.as_bytes() })
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Walk<'v> {
    readers: Vec<Reader<'v>>,
    /// Readers that have lines left.
    open: Vec<usize>,
    back: bool,
    /// It matters which lines are parts.
    parts: bool,
    /// Bytes of logs that were read.
    pub read: u64,
}

impl<'v> Walk<'v> {
    /// From a place on, which has a line number for each source. Takes every line for a whole one unless `parts` matter.
    pub fn new(sources: &'v [Source], place: &[u64], back: bool, parts: bool) -> Self {
        let reader = |(source, next): (&'v Source, &u64)| {
            let open = [(*next == 0).then_some(false); 2];
            Reader { source, next: *next, block: None, spare: None, seen: None, open, looked: 0 }
        };
        let readers: Vec<_> = sources.iter().zip(place).map(reader).collect();
        let open = (0..readers.len()).filter(|at| readers[*at].turn(back).is_some()).collect();
        Self { readers, open, back, parts, read: 0 }
    }

    /// How many lines of each source lie before the place the walk has come to.
    pub fn place(&self) -> Vec<u64> {
        self.readers.iter().map(|reader| reader.next).collect()
    }

    /// The next line, the source it is from and what it is of its line.
    pub fn step(&mut self) -> io::Result<Option<(&'v Source, RawLine<'_>, Piece)>> {
        let Some(at) = self.choose()? else { return Ok(None) };
        let back = self.back;
        let reader = &mut self.readers[at];
        let Some(number) = reader.turn(back) else { return Ok(None) };
        reader.next = if back { number } else { number + 1 };
        let piece = match reader.seen.take() {
            Some(turn) if self.parts => reader.piece(number, turn, back)?,
            _ => Piece::Whole,
        };
        self.read += std::mem::take(&mut reader.looked);
        if reader.turn(back).is_none() {
            self.open.retain(|open| *open != at);
        }
        let reader = &self.readers[at];
        Ok(reader.line(number).map(|line| (reader.source, line, piece)))
    }

    /// The reader whose line comes first; its line has been read.
    fn choose(&mut self) -> io::Result<Option<usize>> {
        loop {
            let earlier = |a: &usize, b: &usize| {
                let key = |at: usize| (self.readers[at].bound(self.back), at);
                if self.back { key(*b).cmp(&key(*a)) } else { key(*a).cmp(&key(*b)) }
            };
            let first = if let [only] = self.open[..] { Some(only) } else { self.open.iter().copied().min_by(earlier) };
            let Some(first) = first else { return Ok(None) };
            let reader = &mut self.readers[first];
            let Some(number) = reader.turn(self.back).filter(|_| reader.seen.is_none()) else { return Ok(Some(first)) };
            self.read += reader.load(number)?;
            if reader.seen.is_none() {
                self.open.retain(|open| *open != first);
            }
        }
    }
}
