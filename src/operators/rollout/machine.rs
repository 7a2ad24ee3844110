//! The course of a rollout as a pure state machine: what happened goes in, what to do comes out.
//!
//! Owns the order of steps, when a step is over and what a verdict does to the traffic. Must not know how traffic is moved or
//! how anything is measured.

mod record;

use super::plan::{Check, Course};
use super::reading::Reading;
use crate::model::Timestamp;
use crate::policy::analysis::{Analysis, Limits, Verdict};
pub(super) use record::Finding;
use record::Record;

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    Begin,
    /// A move of traffic has ended.
    Moved(Result<(), String>),
    Measured {
        step: usize,
        check: usize,
        reading: Reading,
    },
    /// Something may be due.
    Time,
    /// The rollout is to end now.
    Stop,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Move(Move),
    Measure {
        step: usize,
        check: usize,
    },
    Say(String),
    /// Keep what has been reached.
    Save,
}

/// Where traffic is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Step(usize),
    Back,
}

#[derive(Debug)]
enum Phase {
    Moving,
    Baking { until: Timestamp, watches: Vec<Watch> },
    Returning,
    Over,
}

/// One check under way in one step.
#[derive(Debug)]
struct Watch {
    analysis: Analysis,
    count: u32,
    made: u32,
    asked: bool,
}

#[derive(Debug)]
pub(super) struct Machine {
    course: Course,
    phase: Phase,
    step: usize,
    stopping: bool,
    record: Record,
}

impl Machine {
    pub(super) fn new(course: Course) -> Self {
        let record = Record::new(&course);
        Self { course, phase: Phase::Moving, step: 0, stopping: false, record }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// When the next thing is due without anything happening.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let Phase::Baking { until, watches } = &self.phase else { return None };
        let asks = watches.iter().filter(|watch| !watch.asked).filter_map(|watch| watch.analysis.next_at());
        let bake = watches.iter().all(|watch| watch.analysis.verdict().is_some()).then_some(*until);
        asks.chain(bake).min()
    }

    /// What there is to tell about it so far.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    pub(super) fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Act> {
        let mut acts = Vec::new();
        match input {
            Input::Begin => {
                acts.push(Act::Say(self.course.announce()));
                self.begin_step(&mut acts);
            }
            Input::Moved(result) => self.moved(result, now, &mut acts),
            Input::Measured { step, check, reading } => self.measured(step, check, reading, now, &mut acts),
            Input::Time => {}
            Input::Stop => self.stop(&mut acts),
        }
        self.go_on(now, &mut acts);
        acts
    }

    fn begin_step(&mut self, acts: &mut Vec<Act>) {
        let (number, of) = (self.step + 1, self.course.steps.len());
        let weight = self.course.steps[self.step].weight;
        acts.push(Act::Say(format!("step {number} of {of}: moving traffic to {weight} %")));
        acts.push(Act::Move(Move::Step(self.step)));
        self.phase = Phase::Moving;
    }

    fn moved(&mut self, result: Result<(), String>, now: Timestamp, acts: &mut Vec<Act>) {
        match (&self.phase, result) {
            (Phase::Moving, Ok(())) => {
                self.record.weight = Some(self.course.steps[self.step].weight);
                acts.push(Act::Save);
                if self.stopping { self.give_up(acts) } else { self.bake(now, acts) }
            }
            (Phase::Moving, Err(why)) => {
                let weight = self.course.steps[self.step].weight;
                acts.push(Act::Say(format!("traffic could not be moved to {weight} %: {why}")));
                if !self.stopping {
                    self.record.find(Finding::of_move(weight, &why));
                }
                self.give_up(acts);
            }
            (Phase::Returning, Ok(())) => {
                (self.record.weight, self.record.rolled_back) = (Some(0), true);
                acts.push(Act::Say("traffic is back at 0 %".to_owned()));
                self.end(acts);
            }
            (Phase::Returning, Err(why)) => {
                acts.push(Act::Say(format!("traffic could not be moved back: {why}")));
                self.record.stranded(&why);
                self.end(acts);
            }
            (Phase::Baking { .. } | Phase::Over, _) => {}
        }
    }

    fn bake(&mut self, now: Timestamp, acts: &mut Vec<Act>) {
        let step = self.course.steps[self.step];
        let judged: &[Check] = if step.judged { &self.course.checks } else { &[] };
        let watches: Vec<Watch> = judged.iter().map(|check| Watch::new(check, step.bake, now)).collect();
        let names: Vec<&str> = judged.iter().map(|check| check.name.as_str()).collect();
        let watching = if names.is_empty() { String::new() } else { format!(", watching {}", names.join(", ")) };
        if !step.bake.is_zero() || !names.is_empty() {
            let bake = spoken(step.bake);
            acts.push(Act::Say(format!("traffic is at {} % for {bake}{watching}", step.weight)));
        }
        self.phase = Phase::Baking { until: now.after(step.bake), watches };
    }

    fn measured(&mut self, step: usize, check: usize, reading: Reading, now: Timestamp, acts: &mut Vec<Act>) {
        let weight = self.course.steps[self.step].weight;
        let Phase::Baking { watches, .. } = &mut self.phase else { return };
        // An answer to a question of an earlier step counts for nothing.
        let Some(watch) = watches.get_mut(check).filter(|_| step == self.step) else { return };
        watch.asked = false;
        let verdict = watch.analysis.measure(reading.outcome, now);
        if reading.outcome != crate::policy::analysis::Outcome::Error {
            watch.made += 1;
        }
        let name = self.course.checks[check].name.clone();
        acts.push(Act::Say(record::told(&name, &reading, watch.made, watch.count)));
        self.record.measured(check, weight, &reading, verdict, now);
        let Some(verdict) = verdict.filter(|verdict| *verdict != Verdict::Successful) else { return };
        let finding = Finding::of_analysis(&name, weight, verdict, &reading);
        acts.push(Act::Say(finding.message.clone()));
        self.record.find(finding);
        match verdict {
            Verdict::Failed | Verdict::Successful => self.give_up(acts),
            // Not known to be bad: where traffic goes from here is for people to say.
            Verdict::Inconclusive | Verdict::Error => {
                acts.push(Act::Say(format!("traffic stays at {weight} %: somebody has to look")));
                self.end(acts);
            }
        }
    }

    fn stop(&mut self, acts: &mut Vec<Act>) {
        if self.stopping || self.is_over() {
            return;
        }
        self.stopping = true;
        self.record.stopped = true;
        acts.push(Act::Say("told to end".to_owned()));
        // A move under way is waited for: two at once would leave nobody knowing where traffic is.
        if let Phase::Baking { .. } = self.phase {
            self.give_up(acts);
        }
    }

    fn give_up(&mut self, acts: &mut Vec<Act>) {
        if self.course.rollback {
            acts.push(Act::Say("moving traffic back to 0 %".to_owned()));
            acts.push(Act::Move(Move::Back));
            self.phase = Phase::Returning;
        } else {
            acts.push(Act::Say("traffic stays where it is (on_failure: stop)".to_owned()));
            self.end(acts);
        }
    }

    /// Everything that is due by now.
    fn go_on(&mut self, now: Timestamp, acts: &mut Vec<Act>) {
        let Phase::Baking { until, watches } = &mut self.phase else { return };
        for (check, watch) in watches.iter_mut().enumerate() {
            if !watch.asked && watch.analysis.next_at().is_some_and(|at| at <= now) {
                watch.asked = true;
                acts.push(Act::Measure { step: self.step, check });
            }
        }
        let settled = watches.iter().all(|watch| watch.analysis.verdict() == Some(Verdict::Successful));
        if !settled || *until > now {
            return;
        }
        self.step += 1;
        self.record.steps_done = self.step;
        acts.push(Act::Save);
        if self.step < self.course.steps.len() {
            self.begin_step(acts);
            return;
        }
        self.record.find(Finding::success());
        let weight = self.record.weight.unwrap_or_default();
        acts.push(Act::Say(format!("all {} steps are done, traffic is at {weight} %", self.step)));
        self.end(acts);
    }

    fn end(&mut self, acts: &mut Vec<Act>) {
        self.phase = Phase::Over;
        acts.push(Act::Save);
    }
}

impl Watch {
    fn new(check: &Check, bake: std::time::Duration, now: Timestamp) -> Self {
        let fits = || {
            let room = bake.saturating_sub(check.initial_delay).as_millis();
            u32::try_from(room / check.interval.as_millis().max(1)).unwrap_or(u32::MAX).max(1)
        };
        let count = check.count.unwrap_or_else(|| if check.interval.is_zero() { 1 } else { fits() });
        let limits = Limits {
            count,
            interval: check.interval,
            failures: check.failures,
            consecutive_errors: check.consecutive_errors,
            inconclusive: check.inconclusive,
        };
        Self { analysis: Analysis::new(limits, now.after(check.initial_delay)), count, made: 0, asked: false }
    }
}

impl Course {
    fn announce(&self) -> String {
        let step = |step: &super::plan::Step| match step.bake.is_zero() {
            true => format!("{} %", step.weight),
            false => format!("{} % for {}", step.weight, spoken(step.bake)),
        };
        let steps: Vec<String> = self.steps.iter().map(step).collect();
        format!("{}: {}", self.title, steps.join(", then "))
    }
}

/// A length of time in words: `250 ms`, `1.5 s`, `5 min`, `1 h 30 min`.
fn spoken(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 if time.subsec_millis() > 0 => format!("{:.1} s", time.as_secs_f64()),
        1..60 => format!("{seconds} s"),
        60..3600 if !seconds.is_multiple_of(60) => format!("{} min {} s", seconds / 60, seconds % 60),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests;
