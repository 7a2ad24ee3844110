//! Attempts as they begin: their numbers, the intent on record, and which of them belong together.

use serde_json::Value;

use super::node::Phase;
use super::retry::{self, Turn};
use super::{Effect, Moment, Scheduler};
use crate::model::{EventKind, Next, Outcome, RunId, StageError};

impl Scheduler {
    /// Starts a stage that `next_ready` named: the intent to record before the work begins, and the attempt's number.
    pub fn start(&mut self, stage: usize, moment: Moment, config: Value, child: Option<RunId>) -> (u32, Vec<Effect>) {
        let attempt = self.begin_attempt(stage);
        let id = self.id(stage).clone();
        self.record(moment, EventKind::AttemptStarted { stage: id, attempt, config, child, unstarted: false });
        (attempt, std::mem::take(&mut self.effects))
    }

    /// The same for a stage that cannot be started: the attempt exists only to carry the error that it ends with.
    pub fn start_unable(&mut self, stage: usize, moment: Moment) -> (u32, Vec<Effect>) {
        let attempt = self.begin_attempt(stage);
        let id = self.id(stage).clone();
        self.record(moment, EventKind::AttemptStarted { stage: id, attempt, config: Value::Null, child: None, unstarted: true });
        (attempt, std::mem::take(&mut self.effects))
    }

    fn begin_attempt(&mut self, stage: usize) -> u32 {
        self.ready.remove(&stage);
        self.running += 1;
        self.nodes[stage].phase = Phase::Running;
        self.nodes[stage].epoch += 1;
        self.next_attempt(stage)
    }

    /// The number the stage's next attempt will have.
    pub fn next_attempt(&self, stage: usize) -> u32 {
        self.last_attempt(stage).map_or(1, |last| last + 1)
    }

    /// The stage's attempts that belong together: inside a loop or a guard those since its item or its try began.
    pub(super) fn turn(&self, stage: usize) -> Turn<'_> {
        let frame = self.nodes[stage].inside.and_then(|inside| self.stage(inside.frame));
        // What encloses the frame began before it.
        let since = frame.map_or(0, |frame| {
            let tried = frame.phase.as_ref().map_or(0, |phase| phase.tried);
            frame.attempts.last().map_or(0, |last| last.began).max(tried)
        });
        let attempts = self.stage(stage).map_or(&[][..], |stage| &stage.attempts);
        Turn(&attempts[attempts.partition_point(|attempt| attempt.began < since)..])
    }

    pub(super) fn last_attempt(&self, stage: usize) -> Option<u32> {
        self.stage(stage)?.attempts.last().map(|last| last.number)
    }

    /// A stage that may not start fails for good; the attempt exists only to carry the error.
    pub(super) fn fail_unstarted(&mut self, stage: usize, error: StageError, moment: Moment) {
        let (attempt, effects) = self.start_unable(stage, moment);
        self.effects = effects;
        // Never tried again: the next attempt would start without what this one lacked.
        let outcome = retry::settle(self.spec(stage), Outcome::failed(error));
        let next = if self.has_to_ask(stage, outcome.ending) { Next::Ask } else { Next::Settle };
        self.conclude(stage, attempt, outcome, next, moment);
    }
}
