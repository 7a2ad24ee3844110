//! The log pane: a window of a few hundred lines onto a log of any size, or onto all logs of a run in the order of time.
//!
//! Owns the view (cursor, scroll, follow, wrap, search, filter) and says which lines it needs next; it holds no more
//! than `Held` lets it. Must not know runs or where lines come from.

mod draw;
mod held;
mod json;
mod line;
mod parts;
#[cfg(test)]
pub mod scripted;
mod scroll;
mod search;
#[cfg(test)]
mod tests;

use crate::model::{LineFilter, LogName, LogStart, StageId, Timestamp, ViewQuery, ViewWindow};
use crate::tui::glyph::Charset;

use held::Held;
pub use search::Search;
use search::Tally;

/// Lines asked for beyond the view.
const MARGIN: u64 = 120;
/// What is so few lines away is reached by reading on from what is held.
const NEAR: u64 = 400;
/// While following a filtered log: of up to so many new lines each is looked at, of more only the last ones.
const CATCH_UP: u64 = 20_000;
/// Bytes of each line that are asked for, at least and at most: a record has no more.
const SHORTEST: usize = 1024;
const LONGEST: usize = 64 * 1024;
/// Bytes of each line that are asked for while JSON is shown as columns.
const JSON: usize = 16 * 1024;

/// Which times are shown before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    #[default]
    Off,
    /// Since the start of the attempt, or of the run.
    Relative,
    Absolute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Check {
    #[default]
    No,
    Wanted,
    Asked,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The log of one attempt; all logs of the run without it.
    pub log: Option<LogName>,
    /// Relative times count from here.
    pub start: Timestamp,
}

/// A log as it is looked at.
#[derive(Debug, Clone, Default)]
pub struct LogPane {
    subject: Option<Subject>,
    total: u64,
    /// How many of these are continued by another one, as far as was heard.
    parts: u64,
    pub bytes: u64,
    pub damage: Option<String>,
    held: Held,
    /// The question that is not answered yet.
    asked: Option<ViewQuery>,
    /// The last answer did not help: ask again only after something has changed.
    refused: bool,
    /// Whether there is more than was heard of is to be asked, or is being asked.
    check: Check,
    /// Nothing has come for this subject yet.
    fresh: bool,
    /// What is held shows too little of its lines: replace it.
    stale: bool,
    /// The moment at which the log is looked at, when it is not now.
    until: Option<Timestamp>,
    /// It was longer than it will be found to be.
    shrinks: bool,
    /// Bytes of each line that are asked for.
    clip: usize,
    /// First line on screen, and how many of its wrapped rows are above it.
    top: u64,
    skip: usize,
    cursor: u64,
    pub follow: bool,
    /// Lines that were there when following stopped.
    seen: u64,
    pub wrap: bool,
    column: u16,
    pub times: Times,
    /// JSON is shown as columns.
    pub columns: bool,
    mark: Option<u64>,
    pub search: Option<Search>,
    pub filter: Option<LineFilter>,
    tally: Tally,
    /// A match that was asked for.
    finding: Option<ViewQuery>,
    /// Matches to go on to when that one has come: forwards, or backwards below zero.
    ahead: i64,
    /// A line whose match is to be brought into view.
    reveal: Option<u64>,
    size: (u16, u16),
    charset: Charset,
}

impl LogPane {
    pub fn new(charset: Charset) -> Self {
        Self { follow: true, clip: SHORTEST, charset, ..Self::default() }
    }

    /// Looks at something else. The same again changes nothing. Settings, search and filter stay.
    pub fn show(&mut self, subject: Option<Subject>) {
        let log = |subject: &Option<Subject>| subject.as_ref().map(|subject| subject.log.clone());
        if log(&subject) == log(&self.subject) {
            return;
        }
        *self = Self {
            subject,
            fresh: true,
            follow: true,
            wrap: self.wrap,
            times: self.times,
            columns: self.columns,
            clip: self.clip,
            size: self.size,
            charset: self.charset,
            search: self.search.take(),
            filter: self.filter.take(),
            until: self.until,
            ..Self::default()
        };
    }

    /// The stage and attempt being looked at, when it is one.
    pub fn source(&self) -> Option<(&StageId, u32)> {
        self.name().map(|name| (&name.stage, name.attempt))
    }

    /// True when there is something to look at.
    pub fn has_subject(&self) -> bool {
        self.subject.is_some()
    }

    /// All logs of the run are looked at.
    pub fn is_merged(&self) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.log.is_none())
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// Lines as a person counts them: a very long one, which comes in parts, once.
    pub fn whole_lines(&self) -> u64 {
        self.total.saturating_sub(self.parts)
    }

    /// Lines that came since following stopped, of those that are shown.
    pub fn unseen(&self) -> u64 {
        match (self.follow, &self.filter) {
            (true, _) => 0,
            (false, Some(_)) => self.unseen_kept(),
            (false, None) => self.total.saturating_sub(self.seen),
        }
    }

    /// No line has come, and none is on its way.
    pub fn is_empty(&self) -> bool {
        self.total == 0 && !self.fresh
    }

    /// There is something to look at, and nothing of it has come yet.
    pub fn is_awaited(&self) -> bool {
        self.subject.is_some() && self.fresh
    }

    /// The log looked at is now this long.
    pub fn grew(&mut self, lines: u64, bytes: u64) {
        self.refused &= lines <= self.total;
        self.total = self.total.max(lines);
        self.bytes = self.bytes.max(bytes);
        self.fresh &= self.total == 0;
    }

    /// There may be more, even if nobody told of it: an attempt has ended, or one of many logs has grown.
    pub fn may_have_grown(&mut self) {
        self.check = Check::Wanted;
        self.refused = false;
    }

    /// Shows the log as it was at a moment, or as it is. What is held stays until the lines of then have come.
    pub fn show_until(&mut self, until: Option<Timestamp>) {
        let before = std::mem::replace(&mut self.until, until);
        if before == until {
            return;
        }
        self.may_have_grown();
        // No moment is later than every one.
        let goes_back = until.is_some_and(|until| before.is_none_or(|before| until < before));
        if goes_back {
            (self.asked, self.finding, self.tally) = (None, None, Tally::default());
            (self.stale, self.shrinks, self.check) = (true, true, Check::No);
        }
    }

    /// Lets go of all lines.
    fn forget(&mut self) {
        self.held = Held::default();
        (self.asked, self.stale, self.refused) = (None, false, false);
        self.skip = 0;
    }

    /// Asks for more of each line when more is to be seen of it.
    fn reach(&mut self) {
        let wanted = match (self.wrap, self.columns) {
            (true, _) => LONGEST,
            (false, columns) => {
                let seen = (usize::from(self.column) + usize::from(self.size.0)) * 4;
                seen.next_power_of_two().clamp(if columns { JSON } else { SHORTEST }, LONGEST)
            }
        };
        if wanted > self.clip {
            self.clip = wanted;
            self.stale |= self.held.lines.iter().any(|line| line.cut > 0);
        }
    }

    /// Takes a window that was asked for.
    pub fn take(&mut self, query: &ViewQuery, window: ViewWindow) {
        if self.asked.as_ref() != Some(query) {
            return;
        }
        (self.asked, self.fresh) = (None, false);
        self.total = if std::mem::take(&mut self.shrinks) { window.total } else { self.total.max(window.total) };
        (self.parts, self.bytes) = (window.parts, window.bytes);
        self.damage.clone_from(&window.damage);
        if self.check == Check::Asked {
            self.check = Check::No;
        }
        self.refused = query.count > 0 && window.from == window.to && window.to.line() < self.total;
        let (from, to) = self.held.ends();
        let bottom = self.top + u64::from(self.size.1);
        let stale = std::mem::take(&mut self.stale);
        match (&query.from, query.backwards) {
            (_, _) if stale => self.held.replace(window),
            (LogStart::Place(place), false) if *place == to && !self.held.is_empty() => {
                let top = if self.follow { u64::MAX } else { self.top };
                self.held.append(window, top);
            }
            (LogStart::Place(place), true) if *place == from && !self.held.is_empty() => self.held.prepend(window, bottom),
            _ => self.held.replace(window),
        }
        if self.columns {
            json::align(self.held.lines.iter_mut(), self.charset);
        }
    }

    /// A question could not be answered: ask again when something changes.
    pub fn failed(&mut self) {
        self.refused |= self.asked.is_some();
        (self.asked, self.fresh, self.check) = (None, false, Check::No);
        self.scan_failed();
    }

    /// The answers waited for will not come (the connection was lost): ask again.
    pub fn retry(&mut self) {
        (self.asked, self.refused, self.fresh) = (None, false, self.held.is_empty());
        self.check = Check::Wanted;
        self.scan_again();
    }

    /// The lines needed next, if any are missing. One question at a time: a flood of output cannot become one of requests.
    pub fn wants(&mut self) -> Option<ViewQuery> {
        if self.asked.is_some() || self.refused || self.size.1 == 0 {
            return None;
        }
        let view = self.view()?;
        let (from, backwards, count) = self.missing()?;
        self.asked = Some(ViewQuery { view, matching: None, from, backwards, count, clip: self.clip });
        self.asked.clone()
    }

    fn missing(&mut self) -> Option<(LogStart, bool, u64)> {
        let height = u64::from(self.size.1);
        let at_end = Some((LogStart::End, true, height + MARGIN));
        if self.fresh || (self.stale && self.follow) {
            return at_end;
        }
        if self.stale {
            return Some((LogStart::Line(self.top), false, height + MARGIN));
        }
        let (start, end) = self.held.ends();
        let (from, to) = self.held.span();
        if self.check == Check::Wanted {
            self.check = Check::Asked;
            return Some((LogStart::Place(end), false, if self.follow { MARGIN } else { 0 }));
        }
        if self.total == 0 {
            return None;
        }
        let on = |count| Some((LogStart::Place(end.clone()), false, count));
        let back = |count| Some((LogStart::Place(start.clone()), true, count));
        if self.follow && (to < self.total || self.held.is_empty()) {
            let gap = self.total.saturating_sub(to);
            let most = if self.filter.is_some() { CATCH_UP } else { NEAR };
            return if gap <= most && !self.held.is_empty() { on(gap.min(NEAR)) } else { at_end };
        }
        if self.held.is_empty() || self.top > to + NEAR || self.top + NEAR < from {
            return Some((LogStart::Line(self.top), false, height + MARGIN));
        }
        if self.top < from {
            return back(from - self.top + MARGIN);
        }
        let before = self.held.position(self.top) as u64;
        let after = self.held.lines.len() as u64 - before;
        if after < height && to < self.total {
            return on(height + MARGIN);
        }
        let enough = if self.follow && after < height { height } else { height.min(MARGIN / 2) };
        if before < enough && from > 0 { back(height + MARGIN) } else { None }
    }

    /// Shows JSON as columns, or as it came.
    pub fn toggle_columns(&mut self) {
        self.columns = !self.columns;
        self.skip = 0;
        if self.columns {
            json::align(self.held.lines.iter_mut(), self.charset);
        } else {
            self.held.lines.iter_mut().for_each(line::Line::show_as_it_came);
        }
    }

    /// The last lines that are known, newest last, for the lines left behind after exit.
    pub fn tail(&self, count: usize) -> Vec<&str> {
        let first = self.held.lines.len().saturating_sub(count);
        self.held.lines.range(first..).map(|line| line.shown.text.as_str()).collect()
    }
}
