//! What is searched for and which lines are kept: over the whole log, counted by the engine as it streams in.

use std::ops::Range;

use regex::Regex;

use super::LogPane;
use crate::model::{LineFilter, LogName, LogPlace, LogStart, LogView, ScanPiece, ScanQuery, ViewQuery};
use crate::tui::widget::format;

/// A regular expression that is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    pub pattern: String,
    /// None when this console does not understand it: then the engine refuses it, too.
    regex: Option<Regex>,
}

impl Search {
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), regex: Regex::new(pattern).ok() }
    }

    /// Where a shown text matches.
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let found = self.regex.iter().flat_map(|regex| regex.find_iter(text));
        found.filter(|hit| !hit.is_empty()).map(|hit| hit.range()).collect()
    }
}

/// What the engine has counted so far: lines that pass the filter, lines that match the search.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    passed: u64,
    count: u64,
    /// Numbers of matching lines, at least of every stretch that has any.
    hits: Vec<u64>,
    /// The scan under way.
    asked: Option<ScanQuery>,
    /// Where the last scan ended.
    end: Option<LogPlace>,
    /// The engine could not do it: ask again only after something has changed.
    refused: bool,
}

impl Tally {
    /// The place of a line among all hits, from 1, while every one of them is known.
    fn ordinal(&self, number: u64) -> Option<usize> {
        let all = self.hits.len() as u64 == self.count;
        self.hits.binary_search(&number).ok().filter(|_| all).map(|at| at + 1)
    }

    pub fn any_in(&self, lines: Range<u64>) -> bool {
        self.hits.get(self.hits.partition_point(|hit| *hit < lines.start)).is_some_and(|hit| *hit < lines.end)
    }
}

impl LogPane {
    /// The view that is looked at.
    pub fn view(&self) -> Option<LogView> {
        let log = self.subject.as_ref()?.log.clone();
        Some(LogView { log, filter: self.filter.clone(), until: self.until })
    }

    /// Starts a search. `None` drops the present one.
    pub fn set_search(&mut self, pattern: Option<&str>) {
        self.search = pattern.map(Search::new);
        self.finding = None;
        self.tally = Tally::default();
    }

    /// Shows only the lines that pass, around where one is. `None` shows all again.
    pub fn set_filter(&mut self, filter: Option<LineFilter>) {
        if self.filter == filter {
            return;
        }
        self.filter = filter;
        self.tally = Tally::default();
        self.mark = None;
        self.finding = None;
        if !self.follow {
            self.top = self.cursor.saturating_sub(u64::from(self.size.1 / 3));
        }
        self.forget();
    }

    /// The next line with a match: after the cursor or before it, going round at the end. The answer comes with `found`.
    pub fn find(&mut self, backwards: bool, inclusive: bool) -> Option<ViewQuery> {
        let matching = Some(self.search.as_ref()?.pattern.clone());
        let line = self.cursor + u64::from(backwards == inclusive);
        let from = if self.follow && inclusive { LogStart::End } else { LogStart::Line(line) };
        let query = ViewQuery { view: self.view()?, matching, from, backwards, count: 1, clip: 0 };
        self.finding = Some(query.clone());
        Some(query)
    }

    /// Goes to a line that was searched for; true when there is none.
    pub fn found(&mut self, query: &ViewQuery, line: Option<u64>) -> bool {
        if self.finding.as_ref() != Some(query) {
            return false;
        }
        self.finding = None;
        if let Some(line) = line {
            self.go(line);
        }
        line.is_none()
    }

    /// The scan needed next: of everything after a change, of what is new when the log has grown.
    pub fn wants_scan(&mut self) -> Option<ScanQuery> {
        let pattern = self.search.as_ref().map(|search| search.pattern.clone());
        if pattern.is_none() && self.filter.is_none() || self.tally.asked.is_some() || self.tally.refused {
            return None;
        }
        let from = self.tally.end.clone().unwrap_or_default();
        if self.tally.end.is_some() && from.line() >= self.total {
            return None;
        }
        self.tally.asked = Some(ScanQuery { view: self.view()?, pattern, from });
        self.tally.asked.clone()
    }

    /// Takes what the scan under way has found.
    pub fn scanned(&mut self, query: &ScanQuery, piece: ScanPiece) {
        if self.tally.asked.as_ref() != Some(query) {
            return;
        }
        self.tally.passed += piece.passed;
        self.tally.count += piece.count;
        self.tally.hits.extend(piece.hits);
        if piece.end.is_some() {
            self.tally.end = piece.end;
            self.tally.asked = None;
        }
    }

    /// A scan is under way that nothing on screen needs.
    pub fn is_scanning(&self) -> bool {
        self.tally.asked.is_some()
    }

    pub(super) fn scan_failed(&mut self) {
        if self.tally.asked.is_some() {
            self.tally = Tally { refused: true, ..Tally::default() };
        }
        self.finding = None;
    }

    pub(super) fn scan_again(&mut self) {
        if self.tally.asked.is_some() || self.tally.refused {
            self.tally = Tally::default();
        }
        self.finding = None;
    }

    fn more(&self) -> &'static str {
        if self.tally.asked.is_some() || self.tally.end.is_none() { self.charset.ellipsis() } else { "" }
    }

    /// `3/17`, `0`, or `12…` while it is still searching.
    pub fn search_state(&self) -> Option<String> {
        self.search.as_ref()?;
        let place = self.tally.ordinal(self.cursor).map_or(String::new(), |at| format!("{at}/"));
        Some(format!("{place}{}{}", format::count(self.tally.count), self.more()))
    }

    /// `&pattern 1,204`: what is kept and how many lines that is so far.
    pub fn filter_state(&self) -> Option<String> {
        let filter = self.filter.as_ref()?;
        let sign = if filter.inverse { "!" } else { "&" };
        let pattern: String = filter.pattern.chars().take(24).collect();
        Some(format!("{sign}{pattern} {}{}", format::count(self.tally.passed), self.more()))
    }

    pub(super) fn name(&self) -> Option<&LogName> {
        self.subject.as_ref()?.log.as_ref()
    }
}
