//! What is searched for and which lines are kept: over the whole log, counted by the engine as it streams in.

use std::ops::Range;

use regex::Regex;

use super::LogPane;
use super::line::Line;
use crate::model::{LineFilter, LogName, LogPlace, LogStart, LogView, ScanPiece, ScanQuery, ViewQuery};
use crate::tui::glyph::Charset;
use crate::tui::widget::format;

/// Presses of a key that are remembered while a match is on its way.
const MOST_AHEAD: i64 = 50;

/// A regular expression that is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    pub pattern: String,
    /// None when this console does not understand it: then the engine refuses it, too.
    regex: Option<Regex>,
}

/// The pattern that is meant: written without a capital letter it means any case.
fn meant(pattern: &str) -> String {
    // What stands after a backslash is a class of characters (`\S`), not a letter.
    let mut escaped = false;
    let has_capital = pattern.chars().any(|c| {
        let class = escaped;
        escaped = c == '\\' && !class;
        !class && c.is_uppercase()
    });
    if has_capital { pattern.to_owned() } else { format!("(?i){pattern}") }
}

impl Search {
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), regex: Regex::new(&meant(pattern)).ok() }
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
    /// Lines that were looked at.
    looked: u64,
    /// Lines that passed before following stopped.
    seen: Option<u64>,
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

/// The column of a line at which a match begins, and the one after it.
fn columns(hit: &Range<usize>, line: &Line, charset: Charset) -> Option<Range<u32>> {
    let cells = line.shown.cells(0, charset).filter(|(_, offset, ..)| hit.contains(offset));
    let ends = cells.map(|(column, _, cell, _)| (column, column + u32::from(cell.width)));
    ends.reduce(|first, last| (first.0, last.1)).map(|(from, to)| from..to)
}

impl LogPane {
    /// The view that is looked at.
    pub fn view(&self) -> Option<LogView> {
        let log = self.subject.as_ref()?.log.clone();
        let filter = self.filter.as_ref().map(|filter| LineFilter { pattern: meant(&filter.pattern), ..filter.clone() });
        Some(LogView { log, filter, until: self.until })
    }

    /// Starts a search. `None` drops the present one.
    pub fn set_search(&mut self, pattern: Option<&str>) {
        self.search = pattern.map(Search::new);
        self.stop_finding();
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
        self.stop_finding();
        if !self.follow {
            self.top = self.cursor.saturating_sub(u64::from(self.size.1 / 3));
        }
        self.forget();
    }

    /// The next match from the cursor on. While one is on its way: notes that another one is wanted after it.
    pub fn find_next(&mut self, backwards: bool) -> Option<ViewQuery> {
        if self.finding.is_none() {
            return self.find(backwards, false);
        }
        self.ahead = (self.ahead + if backwards { -1 } else { 1 }).clamp(-MOST_AHEAD, MOST_AHEAD);
        None
    }

    /// The match that was wanted after the one that has come.
    pub fn find_on(&mut self) -> Option<ViewQuery> {
        let by = self.ahead.signum();
        if by == 0 || self.finding.is_some() {
            return None;
        }
        let query = self.find(by < 0, false);
        self.ahead -= by;
        query
    }

    /// The next line with a match: after the cursor or before it, going round at the end. The answer comes with `found`.
    pub fn find(&mut self, backwards: bool, inclusive: bool) -> Option<ViewQuery> {
        let matching = Some(meant(&self.search.as_ref()?.pattern));
        let line = self.cursor + u64::from(backwards == inclusive);
        let from = if self.follow && inclusive { LogStart::End } else { LogStart::Line(line) };
        let query = ViewQuery { view: self.view()?, matching, from, backwards, count: 1, clip: 0 };
        self.finding = Some(query.clone());
        Some(query)
    }

    /// No match is waited for any more.
    pub fn stop_finding(&mut self) {
        (self.finding, self.ahead) = (None, 0);
    }

    /// Goes to a line that was searched for; says what is to be said about it.
    pub fn found(&mut self, query: &ViewQuery, line: Option<u64>) -> Option<&'static str> {
        if self.finding.as_ref() != Some(query) {
            return None;
        }
        self.finding = None;
        let Some(line) = line else {
            self.ahead = 0;
            return Some("no match");
        };
        self.go(line);
        self.reveal = Some(line);
        match (&query.from, query.backwards) {
            (LogStart::Line(from), false) if line < *from => Some("went on from the start of the log"),
            (LogStart::Line(from), true) if line >= *from => Some("went on from the end of the log"),
            _ => None,
        }
    }

    /// Scrolls sideways to the match that was gone to, once its line is there.
    pub(super) fn reveal(&mut self) {
        let Some(line) = self.reveal.and_then(|number| self.held.line(number)) else { return };
        let width = u32::from(self.text_width());
        let hits = self.marks(line);
        // The one that begins in this part rather than what is left of one before.
        let hit = hits.iter().find(|hit| hit.start > 0).or(hits.first());
        let Some(hit) = hit.and_then(|hit| columns(hit, line, self.charset)) else {
            // Not in what is held of the line: as much of it as there can be is asked for, once.
            if line.cut == 0 || self.clip == super::LONGEST {
                self.reveal = None;
            } else {
                (self.clip, self.stale) = (super::LONGEST, true);
            }
            return;
        };
        self.reveal = None;
        let column = u32::from(self.column);
        // The outermost cells are for the marks of what is cut off.
        let in_view = hit.start >= column + u32::from(column > 0) && hit.end.min(hit.start + width / 2) < column + width;
        if !self.wrap && !in_view {
            let column = if hit.end < width { 0 } else { hit.start.saturating_sub(width / 3) };
            self.column = u16::try_from(column).unwrap_or(u16::MAX);
        }
    }

    /// The scan needed next: of everything after a change, of what is new when the log has grown.
    pub fn wants_scan(&mut self) -> Option<ScanQuery> {
        let pattern = self.search.as_ref().map(|search| meant(&search.pattern));
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
        self.tally.looked += piece.looked;
        self.tally.count += piece.count;
        self.tally.hits.extend(piece.hits);
        if piece.end.is_some() {
            self.tally.end = piece.end;
            self.tally.asked = None;
            let passed = self.tally.passed;
            self.tally.seen.get_or_insert(passed);
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
        self.stop_finding();
    }

    pub(super) fn scan_again(&mut self) {
        if self.tally.asked.is_some() || self.tally.refused {
            self.tally = Tally::default();
        }
        self.stop_finding();
    }

    /// Lines that pass the filter and came since following stopped; none while the first count is under way.
    pub(super) fn unseen_kept(&self) -> u64 {
        self.tally.seen.map_or(0, |seen| self.tally.passed.saturating_sub(seen))
    }

    /// What has passed so far has been seen.
    pub(super) fn mark_seen(&mut self) {
        self.tally.seen = self.tally.end.as_ref().map(|_| self.tally.passed);
    }

    /// How much of the log has been looked at, while that is not all of it.
    fn more(&self) -> String {
        if self.tally.asked.is_none() && self.tally.end.is_some() {
            return String::new();
        }
        let percent = (self.tally.looked * 100).checked_div(self.total).unwrap_or(0).min(99);
        let ellipsis = self.charset.ellipsis();
        if self.tally.looked == 0 { ellipsis.to_owned() } else { format!("{ellipsis} {percent}%") }
    }

    /// `3/17`, `0`, or `12… 40%` while it is still searching.
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
