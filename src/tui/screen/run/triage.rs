//! From a failed run to the line that says why: which stage, and where in its log.

use super::replay::shown;
use super::{Focus, RunScreen};
use crate::model::LogName;
use crate::tui::backend::Request;
use crate::tui::screen::{Intent, Tone};

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hunt {
    /// The run, to know what failed.
    Run,
    /// The line in this log.
    Line(LogName),
}

impl RunScreen {
    /// Shows what the run failed with.
    pub fn triage(&mut self) -> Vec<Intent> {
        self.blamed = None;
        self.triage_on()
    }

    /// Shows what the run failed with, or the next failure where that is shown already.
    pub fn triage_on(&mut self) -> Vec<Intent> {
        let Some(run) = shown(&self.run, &self.player) else {
            self.hunt = Some(Hunt::Run);
            return Vec::new();
        };
        let Some(first) = self.dag.first_failed(run) else { return Intent::say(Tone::Plain, "no stage has failed") };
        let before = self.dag.selected();
        let goes_on = run.stages.get_index(before).is_some_and(|(id, _)| self.blamed.as_ref() == Some(id));
        if goes_on {
            self.dag.next_failed(run, false);
        } else {
            self.dag.select(first);
        }
        self.blamed = self.stage().map(|stage| stage.id.clone());
        if let Some(child) = self.child() {
            return vec![Intent::Triage(child.clone())];
        }
        (self.inspector, self.focus) = (None, Focus::Log);
        let mut intents = self.hunt();
        if goes_on && self.dag.selected() == before {
            intents.extend(Intent::say(Tone::Plain, "no other stage has failed"));
        }
        intents
    }

    /// Goes on where a run was asked for that has come now.
    pub(super) fn resume_triage(&mut self) -> Vec<Intent> {
        if self.hunt.take_if(|hunt| *hunt == Hunt::Run).is_some() { self.triage() } else { Vec::new() }
    }

    /// Asks for the line that says what went wrong in the stage selected.
    pub(super) fn hunt(&mut self) -> Vec<Intent> {
        self.merged = false;
        self.attempt = None;
        self.log.set_filter(None);
        // The engine looks for one line at a time.
        self.log.stop_finding();
        let log = self.stage().and_then(|stage| {
            let attempt = stage.attempts.last()?.number;
            Some(LogName { stage: stage.id.clone(), attempt })
        });
        self.hunt = log.clone().map(Hunt::Line);
        log.map(|log| Intent::Ask(Request::Culprit(self.id.clone(), log))).into_iter().collect()
    }

    /// Shows the line that was asked for, among those around it.
    pub(super) fn take_culprit(&mut self, log: &LogName, line: Option<u64>, total: u64) -> Vec<Intent> {
        let wanted = self.hunt.take_if(|hunt| matches!(hunt, Hunt::Line(wanted) if wanted == log)).is_some();
        if !wanted || self.log.source() != Some((&log.stage, log.attempt)) {
            return Vec::new();
        }
        match line {
            Some(line) => self.log.go_among(line, total),
            None if total > 0 && self.focus == Focus::Log => {
                self.log.end();
                return Intent::say(Tone::Plain, "no line of this log looks like an error: its end is shown");
            }
            None => {}
        }
        Vec::new()
    }
}
