//! A run as it was at any moment: its events, folded as far as one wants to see.
//!
//! Going back does not begin at the beginning: snapshots are kept on the way, a bounded number of them however long the
//! run was. Must not know clocks: who plays says what the time is.

use super::{Ending, Event, EventKind, Next, Run, RunStatus, Timestamp};

/// Events between two snapshots, as long as there are few of them.
const SPACING: usize = 256;
/// Snapshots at most, and the stages, attempts and notes they may have together.
const MOST_FRAMES: usize = 64;
const MOST_WEIGHT: usize = 200_000;

/// All events of a run, and the run after some of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    events: Vec<Event>,
    /// When each of them happened; a clock that was set back does not go back here.
    times: Vec<Timestamp>,
    run: Run,
    /// Events folded in; at least the first.
    position: usize,
    /// The run after this many events, in their order; every one a multiple of `spacing`.
    frames: Vec<(usize, Run)>,
    spacing: usize,
}

impl Replay {
    /// At the first event. `None` when the events do not begin with a run's creation.
    pub fn new(events: Vec<Event>) -> Option<Self> {
        let run = Run::created(events.first()?)?;
        let mut latest = run.created_at;
        let times = events.iter().map(|event| {
            latest = latest.max(event.at);
            latest
        });
        Some(Self { times: times.collect(), events, run, position: 1, frames: Vec::new(), spacing: SPACING })
    }

    /// The run at this position.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// How many events are folded in: from 1 to `len`.
    pub fn position(&self) -> usize {
        self.position
    }

    #[expect(clippy::len_without_is_empty, reason = "there is always the run's creation")]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The event that led here.
    pub fn event(&self) -> &Event {
        &self.events[self.position - 1]
    }

    /// When the event at a position happened.
    pub fn time_of(&self, position: usize) -> Timestamp {
        self.times[position.clamp(1, self.len()) - 1]
    }

    pub fn begin(&self) -> Timestamp {
        self.time_of(1)
    }

    pub fn end(&self) -> Timestamp {
        self.time_of(self.len())
    }

    /// The position at a moment: everything that had happened by then.
    pub fn position_at(&self, at: Timestamp) -> usize {
        self.times.partition_point(|time| *time <= at).max(1)
    }

    /// The position of the first failure that nothing was tried against, if there is one.
    pub fn first_failure(&self) -> Option<usize> {
        let fails = |event: &Event| match &event.kind {
            EventKind::AttemptFinished { outcome, next, .. } => {
                let badly = matches!(outcome.ending, Ending::Failed | Ending::TimedOut | Ending::Unknown);
                badly && !matches!(next, Next::Retry { .. })
            }
            EventKind::RunFinished { status, .. } => *status == RunStatus::Failed,
            _ => false,
        };
        self.events.iter().position(fails).map(|at| at + 1)
    }

    /// Goes to a position; one outside the run means its nearest end.
    pub fn go(&mut self, position: usize) {
        let position = position.clamp(1, self.len());
        if position < self.position {
            let frame = self.frames.iter().rev().find(|(at, _)| *at <= position);
            match (frame, Run::created(&self.events[0])) {
                (Some((at, run)), _) => (self.position, self.run) = (*at, run.clone()),
                (None, Some(run)) => (self.position, self.run) = (1, run),
                (None, None) => return,
            }
        } else if let Some((at, run)) = self.frames.iter().rev().find(|(at, _)| (self.position..=position).contains(at)) {
            (self.position, self.run) = (*at, run.clone());
        }
        while self.position < position {
            self.run.apply(&self.events[self.position]);
            self.position += 1;
            self.keep();
        }
    }

    /// Keeps a snapshot where one belongs. With too many of them every second one is dropped.
    fn keep(&mut self) {
        let last = self.frames.last().map_or(0, |(at, _)| *at);
        if !self.position.is_multiple_of(self.spacing) || last >= self.position {
            return;
        }
        self.frames.push((self.position, self.run.clone()));
        let most = (MOST_WEIGHT / weight(&self.run)).clamp(4, MOST_FRAMES);
        if self.frames.len() > most {
            self.spacing *= 2;
            let spacing = self.spacing;
            self.frames.retain(|(at, _)| at.is_multiple_of(spacing));
        }
    }
}

fn weight(run: &Run) -> usize {
    let attempts: usize = run.stages.values().map(|stage| 1 + stage.attempts.len()).sum();
    1 + attempts + run.notes.len()
}

#[cfg(test)]
mod tests;
