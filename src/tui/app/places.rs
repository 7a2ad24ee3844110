//! The places that were left, so that one key goes back through them.

use super::App;
use crate::model::RunId;
use crate::tui::action::Action;
use crate::tui::message::Effect;
use crate::tui::screen::{Screen, TABS, Tone};

/// Places kept.
const KEPT: usize = 32;

/// What is needed to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Tab(Action),
    Run(RunId),
}

impl App {
    fn place(&self) -> Option<Place> {
        let screen = self.shown()?;
        match screen.view().run_id() {
            Some(run) => Some(Place::Run(run.clone())),
            None => TABS.iter().find(|tab| tab.number == screen.number()).map(|tab| Place::Tab(tab.action)),
        }
    }

    /// Remembers the place that is about to be left.
    pub(super) fn leave_mark(&mut self) {
        self.places.extend(self.place());
        let excess = self.places.len().saturating_sub(KEPT);
        self.places.drain(..excess);
    }

    /// Goes to the place that was left last.
    pub(super) fn jump_back(&mut self) -> Vec<Effect> {
        let now = self.place();
        while let Some(place) = self.places.pop() {
            if Some(&place) == now.as_ref() {
                continue;
            }
            let left = self.places.len();
            let effects = match place {
                Place::Tab(action) => self.act(action),
                Place::Run(run) => self.open_run(run),
            };
            self.places.truncate(left);
            return effects;
        }
        self.remark(Tone::Plain, "no place was left before this one")
    }

    /// The way from the overview to what is shown; empty where the number says it all.
    pub(super) fn crumbs(&self) -> Vec<String> {
        if self.stack.len() < 3 && self.shown().is_none_or(|screen| screen.as_run().is_none()) {
            return Vec::new();
        }
        self.stack.iter().skip(1).map(crumb).collect()
    }
}

fn crumb(screen: &Screen) -> String {
    match screen.as_run() {
        Some(run) => run.run.as_ref().map_or_else(|| run.id.to_string(), |run| run.pipeline.name.clone()),
        None => TABS.iter().find(|tab| tab.number == screen.number()).map(|tab| tab.title.to_owned()).unwrap_or_default(),
    }
}
