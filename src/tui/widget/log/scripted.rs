//! An engine with one log of any length, for tests.

use regex::Regex;

use crate::model::{
    LogName, LogPlace, LogStart, LogView, ScanPiece, ScanQuery, StageId, Stream, Timestamp, ViewLine, ViewQuery, ViewWindow,
};

/// Lines of the log as a function of their number.
pub struct Scripted<T> {
    pub total: u64,
    pub text: T,
    /// Milliseconds since the epoch of the first line; each comes 20 ms after the one before.
    pub start: i64,
    /// Lines that are looked at for one window.
    pub most: u64,
}

impl<T: Fn(u64) -> String> Scripted<T> {
    pub fn new(total: u64, text: T) -> Self {
        Self { total, text, start: 0, most: 100_000 }
    }

    /// Which lines are wanted.
    fn kept(&self, view: &LogView, matching: Option<&str>) -> impl Fn(u64) -> bool {
        let regex = |pattern: &str| Regex::new(pattern).expect("a pattern");
        let filter = view.filter.as_ref().map(|filter| (regex(&filter.pattern), filter.inverse));
        let all: Vec<_> = filter.into_iter().chain(matching.map(|pattern| (regex(pattern), false))).collect();
        move |number| all.is_empty() || all.iter().all(|(regex, inverse)| regex.is_match(&(self.text)(number)) != *inverse)
    }

    /// Lines that a view has.
    fn ends(&self, view: &LogView) -> u64 {
        let written = |until: Timestamp| u64::try_from((until.0 - self.start).div_euclid(20) + 1).unwrap_or(0);
        view.until.map_or(self.total, |until| written(until).min(self.total))
    }

    pub fn lines(&self, query: &ViewQuery) -> ViewWindow {
        let total = self.ends(&query.view);
        let start = match &query.from {
            LogStart::End => total,
            LogStart::Line(line) => (*line).min(total),
            LogStart::Place(place) => place.line().min(total),
        };
        let kept = self.kept(&query.view, query.matching.as_deref());
        let (mut at, mut lines) = (start, Vec::new());
        while (lines.len() as u64) < query.count && at.abs_diff(start) < self.most {
            let number = if query.backwards { at.checked_sub(1) } else { Some(at).filter(|at| *at < total) };
            let Some(number) = number else { break };
            if kept(number) {
                lines.push(self.line(query, number));
            }
            at = if query.backwards { number } else { number + 1 };
        }
        if query.backwards {
            lines.reverse();
        }
        let (from, to) = if query.backwards { (at, start) } else { (start, at) };
        let (from, to) = (place(query.view.log.as_ref(), from), place(query.view.log.as_ref(), to));
        ViewWindow { lines, from, to, total, parts: 0, bytes: total * 61, damage: None }
    }

    fn line(&self, query: &ViewQuery, number: u64) -> ViewLine {
        let mut text = (self.text)(number);
        let whole = text.len();
        text.truncate(text.floor_char_boundary(query.clip));
        let stage = if number.is_multiple_of(2) { "build" } else { "unit-tests" };
        let of = query.view.log.is_none().then(|| (StageId::new(stage), number / 2));
        let at = Timestamp(self.start + i64::try_from(number * 20).expect("small"));
        ViewLine { number, of, at, stream: Stream::Stdout, cut: whole - text.len(), text, partial: false }
    }

    /// Everything in one piece.
    pub fn scan(&self, query: &ScanQuery) -> ScanPiece {
        let total = self.ends(&query.view);
        let (kept, wanted) = (self.kept(&query.view, None), self.kept(&query.view, query.pattern.as_deref()));
        let passed: Vec<u64> = (query.from.line()..total).filter(|number| kept(*number)).collect();
        let hits: Vec<u64> = passed.iter().copied().filter(|number| query.pattern.is_some() && wanted(*number)).collect();
        let end = Some(place(query.view.log.as_ref(), total));
        let looked = total.saturating_sub(query.from.line());
        ScanPiece { looked, passed: passed.len() as u64, count: hits.len() as u64, hits, end }
    }

    /// The number of the line that a find comes to.
    pub fn find(&self, query: &ViewQuery) -> Option<u64> {
        let around = if query.backwards { LogStart::End } else { LogStart::Line(0) };
        let again = ViewQuery { from: around, ..query.clone() };
        let found = [query, &again].into_iter().find_map(|query| self.lines(query).lines.into_iter().next());
        found.map(|line| line.number)
    }
}

fn place(log: Option<&LogName>, line: u64) -> LogPlace {
    let name = log.cloned().unwrap_or(LogName { stage: StageId::new("build"), attempt: 1 });
    LogPlace(if line == 0 { Vec::new() } else { vec![(name, line)] })
}
