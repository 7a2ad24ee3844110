//! The analysis of a rollout: measurements one after the other until there is a verdict. What could not be measured is
//! never taken for a success.

use std::time::Duration;

use crate::model::Timestamp;

/// What one measurement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
    /// Neither condition held.
    Inconclusive,
    /// It could not be measured.
    Error,
}

/// What the analysis came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Successful,
    Failed,
    Inconclusive,
    Error,
}

/// How much is measured, and how much may go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Measurements that must be made; those that could not be are made again.
    pub count: u32,
    pub interval: Duration,
    /// More failures than this fail the analysis.
    pub failures: u32,
    /// More errors than this in a row end it.
    pub consecutive_errors: u32,
    pub inconclusive: u32,
}

/// An analysis under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    limits: Limits,
    successes: u32,
    failures: u32,
    inconclusive: u32,
    errors_in_a_row: u32,
    next_at: Timestamp,
    verdict: Option<Verdict>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { count: 1, interval: Duration::ZERO, failures: 0, consecutive_errors: 4, inconclusive: 0 }
    }
}

impl Analysis {
    /// An analysis whose first measurement is due at `at`.
    pub fn new(limits: Limits, at: Timestamp) -> Self {
        Self { limits, successes: 0, failures: 0, inconclusive: 0, errors_in_a_row: 0, next_at: at, verdict: None }
    }

    /// When the next measurement is due; `None` when there is a verdict.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.verdict.is_none().then_some(self.next_at)
    }

    /// The verdict, when there is one. It never changes.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Takes the measurement that was made at `at`. After the verdict nothing counts.
    pub fn measure(&mut self, outcome: Outcome, at: Timestamp) -> Option<Verdict> {
        if self.verdict.is_some() {
            return self.verdict;
        }
        let counter = match outcome {
            Outcome::Success => &mut self.successes,
            Outcome::Failure => &mut self.failures,
            Outcome::Inconclusive => &mut self.inconclusive,
            Outcome::Error => &mut self.errors_in_a_row,
        };
        *counter = counter.saturating_add(1);
        if outcome != Outcome::Error {
            self.errors_in_a_row = 0;
        }
        self.next_at = at.after(self.limits.interval);
        self.verdict = self.judge();
        self.verdict
    }

    fn judge(&self) -> Option<Verdict> {
        let limits = &self.limits;
        let made = self.successes.saturating_add(self.failures).saturating_add(self.inconclusive);
        if self.failures > limits.failures {
            Some(Verdict::Failed)
        } else if self.errors_in_a_row > limits.consecutive_errors {
            Some(Verdict::Error)
        } else if self.inconclusive > limits.inconclusive {
            Some(Verdict::Inconclusive)
        } else if made >= limits.count.max(1) {
            // However generous the limits: without one success there is nothing to go by.
            Some(if self.successes > 0 { Verdict::Successful } else { Verdict::Inconclusive })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
