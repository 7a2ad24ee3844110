//! Matches of a regular expression over a whole log, as they stream in.

use std::collections::BTreeMap;

use crate::model::SearchHit;

/// Hits beyond this are counted but not kept.
const MOST_HITS: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    pub pattern: String,
    hits: BTreeMap<u64, Vec<(usize, usize)>>,
    pub count: u64,
    pub done: bool,
}

impl Search {
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), ..Self::default() }
    }

    /// Takes more hits.
    pub fn extend(&mut self, hits: Vec<SearchHit>, done: bool) {
        self.count += hits.len() as u64;
        self.done |= done;
        let room = MOST_HITS.saturating_sub(self.hits.len());
        self.hits.extend(hits.into_iter().take(room).map(|hit| (hit.number, hit.ranges)));
    }

    /// The next line with a match after (or before) `from`, going round at the end; `inclusive` counts `from` itself.
    pub fn next(&self, from: u64, backwards: bool, inclusive: bool) -> Option<u64> {
        let found = match (backwards, inclusive) {
            (true, true) => self.hits.range(..=from).next_back(),
            (true, false) => self.hits.range(..from).next_back(),
            (false, true) => self.hits.range(from..).next(),
            (false, false) => self.hits.range(from.saturating_add(1)..).next(),
        };
        let around = || if backwards { self.hits.last_key_value() } else { self.hits.first_key_value() };
        found.or_else(around).map(|(number, _)| *number)
    }

    /// Byte ranges of the matches in a line.
    pub fn ranges(&self, number: u64) -> &[(usize, usize)] {
        self.hits.get(&number).map_or(&[], Vec::as_slice)
    }

    /// The place of a line among the hits, from 1.
    pub fn ordinal(&self, number: u64) -> Option<usize> {
        self.hits.contains_key(&number).then(|| self.hits.range(..=number).count())
    }

    /// True when a line of `from..to` has a match.
    pub fn any_in(&self, from: u64, to: u64) -> bool {
        from < to && self.hits.range(from..to).next().is_some()
    }
}

impl super::LogPane {
    /// Starts a search. `None` drops the present one.
    pub fn set_search(&mut self, pattern: Option<&str>) {
        self.search = pattern.map(Search::new);
    }

    /// Takes hits of the present search; the first ones move the cursor to the nearest match.
    pub fn hits(&mut self, pattern: &str, hits: Vec<SearchHit>, done: bool) {
        let Some(search) = self.search.as_mut().filter(|search| search.pattern == pattern) else { return };
        let first = search.count == 0 && !hits.is_empty();
        search.extend(hits, done);
        if first {
            self.jump(self.follow, true);
        }
    }

    /// Moves to the next match; false when there is none.
    pub fn jump(&mut self, backwards: bool, inclusive: bool) -> bool {
        let found = self.search.as_ref().and_then(|search| search.next(self.cursor, backwards, inclusive));
        if let Some(number) = found {
            self.go(number);
        }
        found.is_some()
    }

    /// `3/17`, `0` or `12…` while it is still searching.
    pub fn search_state(&self) -> Option<String> {
        let search = self.search.as_ref()?;
        let place = search.ordinal(self.cursor).map_or(String::new(), |at| format!("{at}/"));
        let more = if search.done { "" } else { "+" };
        Some(format!("{place}{}{more}", search.count))
    }
}
