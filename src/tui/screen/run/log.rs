//! The log pane on the run's screen: what its keys do, what it asks of the engine and what it hears.

use super::{Focus, RunScreen};
use crate::model::{LineFilter, LogName, Run, Stage, Timestamp, ViewQuery};
use crate::tui::action::Action;
use crate::tui::backend::{Reply, Request};
use crate::tui::popup::{Popup, Purpose};
use crate::tui::screen::{Intent, Tone};
use crate::tui::widget::log::Subject;

impl RunScreen {
    pub(super) fn act_on_log(&mut self, action: Action) -> Vec<Intent> {
        match action {
            Action::LogDown => self.log.step(1),
            Action::LogUp => self.log.step(-1),
            Action::LogPageDown => self.log.page(2),
            Action::LogPageUp => self.log.page(-2),
            Action::LogHalfDown => self.log.page(1),
            Action::LogHalfUp => self.log.page(-1),
            Action::LogTop => self.log.top(),
            Action::LogEnd => self.log.end(),
            Action::LogLeft => self.log.scroll_sideways(-8),
            Action::LogRight => self.log.scroll_sideways(8),
            Action::Wrap => self.log.toggle_wrap(),
            Action::Columns => self.log.toggle_columns(),
            Action::Timestamps => self.log.cycle_times(),
            Action::Mark => self.log.toggle_mark(),
            Action::AttemptPrevious => return self.turn_attempt(-1),
            Action::AttemptNext => return self.turn_attempt(1),
            Action::NextHit | Action::PreviousHit => {
                let found = self.log.find_next(action == Action::PreviousHit);
                return self.ask_to_find(found);
            }
            Action::Copy => return self.copy(),
            _ => {}
        }
        Vec::new()
    }

    /// What the log pane looks at: all stages, or the attempt that is shown of the selected one.
    pub(super) fn log_subject(&self, run: &Run, stage: Option<&Stage>) -> Option<Subject> {
        if self.merged {
            return Some(Subject { log: None, start: run.started_at.unwrap_or(Timestamp(0)) });
        }
        let stage = stage?;
        let shown = self.attempt(stage)?;
        let log = LogName { stage: stage.id.clone(), attempt: shown.number };
        Some(Subject { log: Some(log), start: shown.started_at })
    }

    pub(super) fn ask_for_pattern(&self, action: Action) -> Vec<Intent> {
        let filter = |inverse| self.log.filter.as_ref().filter(|filter| filter.inverse == inverse);
        let (purpose, before) = match action {
            Action::Keep => (Purpose::Keep, filter(false).map(|filter| &filter.pattern)),
            Action::Leave => (Purpose::Leave, filter(true).map(|filter| &filter.pattern)),
            _ => (Purpose::Search, self.log.search.as_ref().map(|search| &search.pattern)),
        };
        vec![Intent::Open(Box::new(Popup::prompt(purpose, before.map_or("", String::as_str))))]
    }

    /// Takes a pattern that was asked for; an empty one drops what there is.
    pub(super) fn take_pattern(&mut self, purpose: Purpose, pattern: &str) -> Vec<Intent> {
        if !self.log.has_subject() {
            return Intent::say(Tone::Plain, "this stage has no log yet");
        }
        self.focus = Focus::Log;
        let some = (!pattern.is_empty()).then(|| pattern.to_owned());
        match purpose {
            Purpose::Filter | Purpose::Find => return Vec::new(),
            Purpose::Keep => self.log.set_filter(some.map(|pattern| LineFilter { pattern, inverse: false })),
            Purpose::Leave => self.log.set_filter(some.map(|pattern| LineFilter { pattern, inverse: true })),
            Purpose::Search => {
                self.log.set_search(some.as_deref());
                let backwards = self.log.follow;
                let found = self.log.find(backwards, true);
                return self.after_change().into_iter().chain(self.ask_to_find(found)).collect();
            }
        }
        self.after_change()
    }

    /// Stops what the engine does for a search or filter that is gone; what is needed now is asked for anew.
    pub(super) fn after_change(&self) -> Vec<Intent> {
        if self.log.is_scanning() { Vec::new() } else { vec![Intent::Ask(Request::StopScan)] }
    }

    /// Drops a selection, the search, the filter, the other stages: the first of them that there is.
    pub(super) fn back_in_log(&mut self) -> bool {
        if self.log.drop_mark() {
            return true;
        }
        if self.log.search.is_some() {
            self.log.set_search(None);
        } else if self.log.filter.is_some() {
            self.log.set_filter(None);
        } else {
            return std::mem::take(&mut self.merged);
        }
        true
    }

    pub(super) fn toggle_merged(&mut self) -> Vec<Intent> {
        self.merged = !self.merged;
        self.focus = if self.merged { Focus::Log } else { self.focus };
        Vec::new()
    }

    fn ask_to_find(&self, found: Option<ViewQuery>) -> Vec<Intent> {
        found.map(|query| Intent::Ask(Request::Find(self.id.clone(), Box::new(query)))).into_iter().collect()
    }

    fn copy(&mut self) -> Vec<Intent> {
        let (Some(view), false) = (self.log.view(), self.log.is_empty()) else {
            return Intent::say(Tone::Plain, "nothing to copy");
        };
        let (from, to) = self.log.whole(self.log.selection());
        self.log.drop_mark();
        vec![Intent::Ask(Request::CopyLines { run: self.id.clone(), view, from, to })]
    }

    /// The lines and the scan that the pane needs next.
    pub(super) fn ask_for_log(&mut self) -> Vec<Intent> {
        let run = || self.id.clone();
        let lines = self.log.wants().map(|query| Request::Lines(run(), Box::new(query)));
        // While a replay plays, its log is another at every moment: it is counted when it stands still.
        let scan = if self.is_playing() { None } else { self.log.wants_scan() };
        let scan = scan.map(|query| Request::Scan(run(), Box::new(query)));
        lines.into_iter().chain(scan).map(Intent::Ask).collect()
    }

    /// Takes news of logs.
    pub(super) fn hear_of_log(&mut self, reply: Reply) -> Vec<Intent> {
        match reply {
            Reply::LogGrew { run, stage, attempt, lines, bytes } if run == self.id => {
                if self.merged {
                    self.log.may_have_grown();
                } else if self.log.source() == Some((&stage, attempt)) {
                    self.log.grew(lines, bytes);
                }
            }
            Reply::Lines { run, query, window } if run == self.id => self.log.take(&query, window),
            Reply::Scanned { run, query, piece } if run == self.id => self.log.scanned(&query, piece),
            Reply::Found { run, query, line } if run == self.id => {
                let words = self.log.found(&query, line);
                let next = self.log.find_on();
                let said = words.map_or_else(Vec::new, |words| Intent::say(Tone::Plain, words));
                return said.into_iter().chain(self.ask_to_find(next)).collect();
            }
            _ => {}
        }
        Vec::new()
    }
}
