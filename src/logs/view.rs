//! Windows into a view: one log, or several in the order of time, filtered or not.
//!
//! What a window costs depends on how many lines it looks at, never on how long the logs are.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::filter::Filter;
use super::long::Judge;
use super::read::RawLine;
use super::walk::Walk;
pub use super::walk::{Lines, Source};
use crate::model::{LogPlace, LogStart, Timestamp, ViewLine, ViewQuery, ViewWindow};

/// Bytes of logs that are read for one window, about; with a filter it may come back before it is full.
pub const MOST_READ: u64 = 16 * 1024 * 1024;
/// Text of a window at most, about: a larger one comes back with fewer lines.
const MOST_TEXT: usize = 1024 * 1024;
/// Bytes that are given of one line at most: every record fits.
const LONGEST_LINE: usize = 64 * 1024;

/// Logs to be read as one, as long as they were when they were opened.
#[derive(Debug, Default)]
pub struct View {
    pub(super) sources: Vec<Source>,
    /// True when lines say which log they are from.
    merged: bool,
    damage: Option<String>,
}

impl View {
    /// One log.
    pub fn of(source: Option<Source>) -> Self {
        Self { damage: source.as_ref().and_then(damage), sources: source.into_iter().collect(), merged: false }
    }

    /// Several logs in the order of time. Their order here decides within a millisecond.
    pub fn merged(sources: Vec<Source>) -> Self {
        let bad = sources.iter().find_map(|source| Some(format!("{}: {}", source.name.stage, damage(source)?)));
        Self { sources, merged: true, damage: bad }
    }

    /// The same as it was at a moment.
    pub fn until(mut self, at: Timestamp) -> io::Result<Self> {
        self.sources.iter_mut().try_for_each(|source| source.end_at(at))?;
        Ok(self)
    }

    /// Lines of all logs.
    pub fn total(&self) -> u64 {
        self.sources.iter().map(Source::total).sum()
    }

    /// Reads the lines that a query wants; gives the bytes read, too. Comes back early when `cancelled` is set.
    pub fn window(&self, query: &ViewQuery, filter: &Filter, cancelled: &AtomicBool) -> io::Result<(ViewWindow, u64)> {
        let start = match &query.from {
            LogStart::End => self.sources.iter().map(Source::total).collect(),
            LogStart::Line(line) => self.seek(*line)?,
            LogStart::Place(place) => self.numbers(place),
        };
        let mut judge = Judge::new(filter, None, query.backwards);
        let mut walk = Walk::new(&self.sources, &start, query.backwards, judge.sees_parts());
        let mut number: u64 = start.iter().sum();
        let mut lines = Vec::new();
        let mut text = 0;
        while (lines.len() as u64) < query.count && text < MOST_TEXT && !cancelled.load(Ordering::Relaxed) {
            if walk.read > MOST_READ {
                break;
            }
            let Some((source, line, piece)) = walk.step()? else { break };
            number = if query.backwards { number.saturating_sub(1) } else { number };
            if judge.look(source, &line, piece)?.kept {
                let mut shown = clipped(&line, number, query.clip);
                text += shown.text.len();
                shown.of = self.merged.then(|| (source.name.stage.clone(), line.number));
                lines.push(shown);
            }
            number = if query.backwards { number } else { number + 1 };
        }
        let (read, end) = (walk.read, walk.place());
        let (from, to) = if query.backwards { (end, start) } else { (start, end) };
        if query.backwards {
            lines.reverse();
        }
        let bytes = self.sources.iter().map(Source::bytes).sum();
        let parts = self.sources.iter().map(Source::parts).sum();
        let (from, to) = (self.place(&from), self.place(&to));
        Ok((ViewWindow { lines, from, to, total: self.total(), parts, bytes, damage: self.damage.clone() }, read))
    }

    /// The place before a line of the view.
    fn seek(&self, line: u64) -> io::Result<Vec<u64>> {
        if let [only] = &self.sources[..] {
            return Ok(vec![line.min(only.total())]);
        }
        let spans = self.sources.iter().filter(|source| source.total() > 0).map(Source::span);
        let Some((first, last)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
            return Ok(vec![0; self.sources.len()]);
        };
        let before = |at: i64| self.sources.iter().map(|source| source.line_at(Timestamp(at))).collect::<io::Result<Vec<_>>>();
        // The last moment before which there are at most as many lines.
        let (mut from, mut to) = (first.as_millis(), last.as_millis().saturating_add(1));
        while from + 1 < to {
            let middle = from + (to - from) / 2;
            if before(middle)?.iter().sum::<u64>() <= line { from = middle } else { to = middle }
        }
        let place = before(from)?;
        let mut walk = Walk::new(&self.sources, &place, false, false);
        for _ in place.iter().sum()..line {
            if walk.step()?.is_none() {
                break;
            }
        }
        Ok(walk.place())
    }

    pub(super) fn numbers(&self, place: &LogPlace) -> Vec<u64> {
        let known = |source: &Source| place.0.iter().find(|(name, _)| *name == source.name).map_or(0, |(_, lines)| *lines);
        self.sources.iter().map(|source| known(source).min(source.total())).collect()
    }

    pub(super) fn place(&self, numbers: &[u64]) -> LogPlace {
        let named = self.sources.iter().zip(numbers).filter(|(_, lines)| **lines > 0);
        LogPlace(named.map(|(source, lines)| (source.name.clone(), *lines)).collect())
    }
}

fn damage(source: &Source) -> Option<String> {
    match &source.lines {
        Lines::File(log) => log.damage().map(str::to_owned),
        Lines::Told(_) => None,
    }
}

fn clipped(line: &RawLine<'_>, number: u64, clip: usize) -> ViewLine {
    let most = clip.min(LONGEST_LINE).min(line.text.len());
    // A character that would be cut in half is left out.
    let most =
        (most.saturating_sub(3)..=most).rev().find(|at| most == line.text.len() || is_border(line.text, *at)).unwrap_or(most);
    let text = String::from_utf8_lossy(&line.text[..most]).into_owned();
    ViewLine { number, of: None, at: line.at, stream: line.stream, text, cut: line.text.len() - most, partial: line.partial }
}

fn is_border(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

#[cfg(test)]
mod tests;
