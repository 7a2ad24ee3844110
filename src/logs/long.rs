//! Lines that are stored in parts: puts their text together again and says in which parts a match begins.
//!
//! A part is judged by the whole line as far as that has a sane length. Of a longer one by at least `AHEAD` bytes that
//! follow, so that what this holds has a bound, whatever the line. Ordinary lines never come here.

use std::io;
use std::ops::Range;

use super::filter::{self, Filter};
use super::read::{Log, RawLine};
use super::walk::{Lines, Piece, Source};
use crate::model::Stream;

/// Text of a line from a part on that is put together at once, about.
const MOST: usize = 2 * 1024 * 1024;
/// Text beyond a part that is looked at with it, or half of what is put together where many small parts make less of it.
const AHEAD: usize = 256 * 1024;
/// Text before a part that is looked at with it: a character and the colours around it.
const BEHIND: usize = 128;
/// Records before a part among which the earlier ones of its line are looked for.
const BACK: u64 = 64;
/// Records of both streams that are read for one stretch: a line may come in very many small parts.
const RECORDS: usize = 8_192;
/// Text of the other stream that is read for one stretch.
const BETWEEN: usize = 4 * 1024 * 1024;
/// Bytes times parts of one stretch: what a pattern that matches everywhere to the end costs.
const WORK: usize = 64 * 1024 * 1024;
/// Stretches that are remembered, of different logs or streams.
const STRETCHES: usize = 16;

/// What is to be known of a line: whether the view keeps it, and whether it is one of those searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Verdict {
    pub kept: bool,
    pub wanted: bool,
}

/// Judges the lines of a walk by a filter and a search inside it.
pub(super) struct Judge<'v, 'f> {
    filter: &'f Filter,
    wanted: Option<&'f Filter>,
    back: bool,
    stretches: Vec<Stretch<'v>>,
}

/// Parts of one line that were judged together.
struct Stretch<'v> {
    source: &'v Source,
    stream: Stream,
    parts: Vec<(u64, Verdict)>,
}

impl Stretch<'_> {
    fn verdict(&self, number: u64) -> Option<Verdict> {
        let at = self.parts.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(self.parts[at].1)
    }
}

impl<'v, 'f> Judge<'v, 'f> {
    /// `back` says in which direction the lines come.
    pub fn new(filter: &'f Filter, wanted: Option<&'f Filter>, back: bool) -> Self {
        Self { filter, wanted, back, stretches: Vec::new() }
    }

    /// Parts of lines matter to it.
    pub fn sees_parts(&self) -> bool {
        !self.filter.is_empty() || self.wanted.is_some()
    }

    /// Judges a line.
    pub fn look(&mut self, source: &'v Source, line: &RawLine<'_>, piece: Piece) -> io::Result<Verdict> {
        match (piece, &source.lines) {
            (Piece::Whole, _) | (_, Lines::Told(_)) => {
                let kept = self.filter.keeps(line.text);
                Ok(Verdict { kept, wanted: kept && self.wanted.is_some_and(|wanted| wanted.keeps(line.text)) })
            }
            (_, Lines::File(log)) => self.look_at_part(source, log, line, piece),
        }
    }

    fn look_at_part(&mut self, source: &'v Source, log: &Log, line: &RawLine<'_>, piece: Piece) -> io::Result<Verdict> {
        let (number, stream) = (line.number, line.stream);
        let same = |stretch: &Stretch<'_>| std::ptr::eq(stretch.source, source) && stretch.stream == stream;
        let known = self.stretches.iter().position(same);
        if let Some(verdict) = known.and_then(|at| self.stretches[at].verdict(number)) {
            return Ok(verdict);
        }
        let before = known.map(|at| self.stretches.remove(at)).filter(|_| !self.back && piece == Piece::Further);
        let from = match (piece, before.and_then(|stretch| stretch.parts.last().map(|(last, _)| *last))) {
            (Piece::First, _) => number,
            (_, Some(last)) if last < number => last,
            _ => number.saturating_sub(BACK),
        };
        let text = Text::read(log, line, from, log.total(), MOST)?;
        let parts = text.judged(self.filter, self.wanted);
        if self.stretches.len() == STRETCHES {
            self.stretches.remove(0);
        }
        let stretch = Stretch { source, stream, parts };
        let verdict = stretch.verdict(number).unwrap_or_default();
        self.stretches.push(stretch);
        Ok(verdict)
    }

    /// Whether what came after line `end - 1` makes a hit of it that it was not without: it is a part.
    pub fn became_wanted(&self, source: &Source, end: u64) -> io::Result<bool> {
        let (Lines::File(log), Some(number)) = (&source.lines, end.checked_sub(1)) else { return Ok(false) };
        let Some(last) = log.line(number)?.filter(|line| line.partial) else { return Ok(false) };
        let part = RawLine { number, at: last.at, stream: last.stream, partial: true, text: last.text.as_bytes() };
        let mut wanted = [false; 2];
        for (wanted, end) in wanted.iter_mut().zip([end, log.total()]) {
            let text = Text::read(log, &part, number.saturating_sub(BACK), end, AHEAD)?;
            let judged = text.judged(self.filter, self.wanted);
            *wanted = judged.iter().any(|(of, verdict)| *of == number && verdict.wanted);
        }
        Ok(wanted == [false, true])
    }
}

/// Text of one line, as far as it was read, and where its parts end in it.
struct Text {
    bytes: Vec<u8>,
    /// What stands before the first part.
    behind: usize,
    parts: Vec<(u64, usize)>,
    /// The line ends here.
    whole: bool,
    /// No more was to be read.
    full: bool,
    number: u64,
}

impl Text {
    /// Reads the parts around `line` from record `from` on, before record `end`, up to `ahead` bytes behind its start.
    fn read(log: &Log, line: &RawLine<'_>, from: u64, end: u64, ahead: usize) -> io::Result<Self> {
        let (number, stream) = (line.number, line.stream);
        let mut text = Self { bytes: Vec::new(), behind: 0, parts: Vec::new(), whole: false, full: false, number };
        // Of what comes before the first known start of a line nobody knows whether it is one.
        let mut begun = from == number || from == 0;
        let (mut start, mut records, mut between) = (None, 0, 0);
        log.each(from, |record| {
            if record.number >= end {
                text.whole = true;
                return false;
            }
            records += 1;
            if record.stream != stream {
                between += record.text.len();
                text.full = records > RECORDS || between > BETWEEN;
                return !text.full || record.number < number;
            }
            if begun {
                text.push(record.number, record.text);
            } else if record.number < number {
                text.stand_behind(&record.text[record.text.len().saturating_sub(BEHIND)..]);
            } else {
                // What comes before is too far away: not the start of a line.
                text.stand_behind(b" ");
                text.push(record.number, record.text);
            }
            begun = true;
            if record.number >= number {
                let start = *start.get_or_insert(text.bytes.len() - record.text.len());
                text.whole = !record.partial;
                let work = text.bytes.len().saturating_mul(text.parts.len());
                text.full = text.bytes.len() - start >= ahead || records > RECORDS || work > WORK;
                return !text.whole && !text.full;
            }
            if !record.partial {
                // Another line begins after it.
                text.clear();
            }
            true
        })?;
        text.whole |= !text.full;
        Ok(text)
    }

    fn push(&mut self, number: u64, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.parts.push((number, self.bytes.len()));
    }

    fn stand_behind(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.behind = text.len();
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
        self.behind = 0;
    }

    /// Judges the parts of which enough is known.
    fn judged(&self, filter: &Filter, wanted: Option<&Filter>) -> Vec<(u64, Verdict)> {
        let mut ends: Vec<usize> = std::iter::once(self.behind).chain(self.parts.iter().map(|(_, end)| *end)).collect();
        let ahead = AHEAD.min(self.bytes.len() / 2);
        let decided = |(number, end): &&(u64, usize)| self.whole || *number <= self.number || end + ahead <= self.bytes.len();
        let count = self.parts.iter().take_while(decided).count();
        let plain = filter::without_colours(&self.bytes, &mut ends);
        let ranges: Vec<Range<usize>> = ends.windows(2).take(count).map(|ends| ends[0]..ends[1]).collect();
        let kept = filter.keeps_parts(&plain, &ranges);
        let wanted = wanted.map(|wanted| wanted.keeps_parts(&plain, &ranges));
        let verdict =
            |at: usize| Verdict { kept: kept[at], wanted: kept[at] && wanted.as_ref().is_some_and(|wanted| wanted[at]) };
        self.parts[..count].iter().enumerate().map(|(at, (number, _))| (*number, verdict(at))).collect()
    }
}
