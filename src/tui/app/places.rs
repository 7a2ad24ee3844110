//! Going from screen to screen: what lies under what, which run is followed, and which places were left.

use super::App;
use crate::model::RunId;
use crate::tui::action::Action;
use crate::tui::backend::Request;
use crate::tui::message::Effect;
use crate::tui::screen::{Screen, TABS, Tone, run::RunScreen};

/// Places kept.
const KEPT: usize = 32;

/// What is needed to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Tab(Action),
    Run(RunId),
}

impl App {
    pub(super) fn back(&mut self) -> Vec<Effect> {
        let Self { world, stack, .. } = self;
        if let Some(intents) = stack.last_mut().and_then(|screen| screen.view_mut().back(world)) {
            return self.carry_out(intents);
        }
        if self.stack.len() > 1 {
            let left = self.followed();
            self.leave_mark();
            self.stack.pop();
            return self.moved(left.as_ref());
        }
        Vec::new()
    }

    /// The next screen (1) or the one before (-1), round and round. The one of a run has panes to go through and is passed by.
    pub(super) fn turn_screen(&mut self, by: isize) -> Vec<Effect> {
        let round: Vec<_> = TABS.iter().filter(|tab| tab.action != Action::GoRun).collect();
        let now = self.shown().map_or(0, Screen::number);
        let at = round.iter().rposition(|tab| tab.number <= now).unwrap_or(0);
        let next = at.checked_add_signed(by).unwrap_or(round.len() - 1) % round.len();
        self.act(round[next].action)
    }

    /// Opens a screen: a run over what is shown, anything else over the overview.
    pub(super) fn go(&mut self, screen: Screen) -> Vec<Effect> {
        if let Screen::Run(run) = screen {
            return self.open_run(run.id);
        }
        let left = self.followed();
        self.leave_mark();
        self.stack = vec![Screen::home()];
        if screen.number() != Screen::home().number() {
            self.stack.push(screen);
        }
        self.moved(left.as_ref())
    }

    /// Shows a run; one that is open already is gone back to.
    pub(super) fn open_run(&mut self, run: RunId) -> Vec<Effect> {
        let is_it = |screen: &Screen| screen.view().run_id() == Some(&run);
        if self.shown().is_some_and(is_it) {
            return Vec::new();
        }
        let left = self.followed();
        self.leave_mark();
        match self.stack.iter().position(is_it) {
            Some(at) => self.stack.truncate(at + 1),
            None => self.stack.push(Screen::Run(Box::new(RunScreen::new(run.clone(), self.world.look.charset)))),
        }
        self.world.selected_run = Some(run);
        self.moved(left.as_ref())
    }

    /// The run on top: the engine tells everything about it.
    pub(super) fn followed(&self) -> Option<RunId> {
        self.shown().and_then(|screen| screen.view().run_id()).cloned()
    }

    /// Follows the run of the screen now on top; one that was left is not followed any more.
    pub(super) fn moved(&mut self, left: Option<&RunId>) -> Vec<Effect> {
        let now = self.followed();
        if now.as_ref() == left {
            return Vec::new();
        }
        self.world.last_run = now.clone().or(self.world.last_run.take());
        vec![Effect::Ask(now.map_or(Request::Unfollow, Request::Follow))]
    }

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
        let mut crumbs = Vec::new();
        for (below, screen) in self.stack.iter().zip(self.stack.iter().skip(1)) {
            crumbs.extend(self.crumb_of_parent(screen, below));
            crumbs.push((crumb(screen), screen.as_run().map(|run| run.id.clone())));
        }
        let is_alone = |name: &String| crumbs.iter().filter(|(other, _)| other == name).count() == 1;
        // Of several runs of one pipeline the name says nothing.
        let told = |(name, run): &(String, Option<RunId>)| match run {
            Some(run) if !is_alone(name) => run.to_string(),
            _ => name.clone(),
        };
        crumbs.iter().map(told).collect()
    }
}

impl App {
    /// The run that started the one on screen, where one did not come from there.
    fn crumb_of_parent(&self, screen: &Screen, below: &Screen) -> Option<(String, Option<RunId>)> {
        let parent = &screen.as_run()?.run.as_ref()?.parent.as_ref()?.run;
        let known = self.world.runs.iter().flatten().find(|run| run.id == *parent);
        let name = known.map_or_else(|| parent.to_string(), |run| run.pipeline_name.clone());
        (below.view().run_id() != Some(parent)).then(|| (name, Some(parent.clone())))
    }
}

fn crumb(screen: &Screen) -> String {
    match screen.as_run() {
        Some(run) => run.run.as_ref().map_or_else(|| run.id.to_string(), |run| run.pipeline.name.clone()),
        None => TABS.iter().find(|tab| tab.number == screen.number()).map(|tab| tab.title.to_owned()).unwrap_or_default(),
    }
}
