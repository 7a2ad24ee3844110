//! Where checks put what they find, and how they find its place.

use std::ops::Range;

use crate::language::limits::PROBLEMS;
use crate::language::problem::{Problem, floor};
use crate::language::suggest::did_you_mean;

pub struct Sink<'t> {
    pub text: &'t str,
    problems: Vec<Problem>,
    errors: usize,
    dropped: usize,
    comparisons: usize,
}

/// Names compared for suggestions in one file; a document full of mistakes gets no more of them.
const COMPARISONS: usize = 50_000;

/// A piece of a text in the document, to be found only when there is something to say about it.
#[derive(Clone)]
pub struct Place<'n> {
    /// Where the whole text was written.
    pub span: Range<usize>,
    /// The text as it was read: escapes are resolved, lines are folded.
    pub content: &'n str,
    /// The template or expression in `content`.
    pub piece: Range<usize>,
}

impl<'t> Sink<'t> {
    pub fn new(text: &'t str, problems: Vec<Problem>) -> Self {
        Self { text, errors: problems.len(), problems, dropped: 0, comparisons: COMPARISONS }
    }

    pub fn push(&mut self, problem: Problem) {
        // An error always finds a place among the first ones: warnings alone must not hide it.
        let room = if problem.is_error() { self.errors < PROBLEMS } else { !self.is_full() };
        self.errors += usize::from(problem.is_error() && room);
        if room {
            self.problems.push(problem);
        } else {
            self.dropped += 1;
        }
    }

    /// No more warnings are kept; finding their places can be saved.
    pub fn is_full(&self) -> bool {
        self.problems.len() - self.errors.min(self.problems.len()) >= PROBLEMS
    }

    pub fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.span.start, problem.severity, problem.span.end));
        self.problems.dedup();
        if self.dropped > 0 {
            let end = self.text.len();
            self.problems.push(Problem::warning(
                "too-many",
                end..end,
                format!("{} further problems are not shown", self.dropped),
            ));
        }
        self.problems
    }

    /// No more errors are kept either.
    pub fn is_full_of_errors(&self) -> bool {
        self.errors >= PROBLEMS
    }

    /// "did you mean …?", as long as that stays cheap.
    pub fn did_you_mean<'a>(&mut self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let mut left = self.comparisons;
        let candidates = candidates.into_iter().take_while(|_| {
            left = left.saturating_sub(1);
            left > 0
        });
        let suggestion = did_you_mean(word, candidates);
        self.comparisons = left;
        suggestion.filter(|_| left > 0)
    }

    /// The bytes of `content[at..at + length]`; the whole text when escapes or folding keep them from being found.
    pub fn find(&self, place: &Place<'_>, at: usize, length: usize) -> Range<usize> {
        let Place { span, content, piece } = place;
        let base = floor(self.text, span.start);
        let raw = &self.text[base..floor(self.text, span.end).max(base)];
        let start = raw.find(content).map(|found| base + found + at).or_else(|| {
            let needle = content.get(piece.clone()).filter(|needle| !needle.is_empty())?;
            let nth = content[..piece.start].matches(needle).count();
            let (found, _) = raw.match_indices(needle).nth(nth)?;
            Some(base + found + at - piece.start)
        });
        match start {
            Some(start) if span.contains(&start) => {
                let start = floor(self.text, start);
                start..floor(self.text, (start + length).min(span.end)).max(start)
            }
            _ => span.clone(),
        }
    }
}
