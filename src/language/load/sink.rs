//! Where checks put what they find, and how they find its place.

use std::ops::Range;

use crate::language::limits::PROBLEMS;
use crate::language::node::Node;
use crate::language::problem::{Problem, floor};

pub struct Sink<'t> {
    pub text: &'t str,
    problems: Vec<Problem>,
    errors: usize,
    dropped: usize,
}

impl<'t> Sink<'t> {
    pub fn new(text: &'t str, problems: Vec<Problem>) -> Self {
        Self { text, errors: problems.len(), problems, dropped: 0 }
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

    /// The bytes of `content[at..at + length]`, where `content` is the text of `node`; the whole node when escapes or
    /// folding keep the place from being found.
    pub fn place(&self, node: &Node<'_>, content: &str, piece: Range<usize>, at: usize, length: usize) -> Range<usize> {
        let raw = &self.text[floor(self.text, node.span.start)..floor(self.text, node.span.end)];
        let base = floor(self.text, node.span.start);
        let found = raw.find(content).or_else(|| {
            let needle = content.get(piece.clone()).filter(|needle| !needle.is_empty())?;
            let nth = content[..piece.start].matches(needle).count();
            let (found, _) = raw.match_indices(needle).nth(nth)?;
            found.checked_sub(piece.start).or(Some(found.wrapping_sub(piece.start)))
        });
        match found.map(|found| base.wrapping_add(found).wrapping_add(at)) {
            Some(start) if node.span.contains(&start) => {
                let start = floor(self.text, start);
                start..floor(self.text, (start + length).min(node.span.end)).max(start)
            }
            _ => node.span.clone(),
        }
    }
}
