//! The run screen as the console sees it: keys, news and sizes come in here and go to the panes.

use std::time::Duration;

use ratatui::layout::Rect;

use super::gate::gate_of;
use super::inspector::Inspector;
use super::replay::{Opening, shown};
use super::{Focus, RunScreen, Wanted, parts};
use crate::model::{EventKind, Run, RunId, StageId};
use crate::tui::action::{Action, Context};
use crate::tui::backend::{Reply, Request};
use crate::tui::popup::{Popup, Purpose};
use crate::tui::screen::{Intent, Tone, View};
use crate::tui::widget::dag::{Picture, wants_attention};
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;

impl View for RunScreen {
    fn open(world: &World) -> Result<Self, &'static str> {
        let newest = || world.runs.as_ref()?.first().map(|run| &run.id);
        let run = world.last_run.as_ref().or(world.selected_run.as_ref()).or_else(newest).ok_or("there is no run yet")?;
        Ok(Self::new(run.clone(), world.look.charset))
    }

    fn run_id(&self) -> Option<&RunId> {
        Some(&self.id)
    }

    fn focus(&self) -> Vec<Context> {
        let pane = match self.focus {
            Focus::Graph => Context::Graph,
            Focus::Log => Context::Log,
            Focus::Inspector => Context::Inspector,
        };
        self.player.is_some().then_some(Context::Replay).into_iter().chain([pane]).collect()
    }

    fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        // Whoever moves on by hand is not moved.
        self.hunt = None;
        self.share.loosen();
        match action {
            Action::Inspect => return self.toggle_inspector(),
            Action::FocusNext => self.focus_next(),
            Action::CriticalPath => self.dag.toggle_critical(),
            Action::Zoom => self.dag.cycle_zoom(self.parts.graph.width, self.parts.most),
            Action::OpenBelow => return self.open_below(),
            Action::ToApproval => return self.to_approval(world),
            Action::RollBack => return self.roll_back(world),
            Action::Cancel | Action::Rerun | Action::EditInputs | Action::EditConfig | Action::Resolve
                if self.player.is_some() =>
            {
                return Intent::say(Tone::Plain, "this is a replay: esc leaves it, orders go to the run itself");
            }
            Action::Cancel | Action::Rerun | Action::EditInputs | Action::EditConfig | Action::Resolve => {
                return self.order(action, world);
            }
            Action::Replay if self.player.is_some() => return self.stop_replay(world),
            Action::Replay => return self.replay(Opening::default()),
            Action::Play
            | Action::StepAhead
            | Action::StepBack
            | Action::TimeAhead
            | Action::TimeBack
            | Action::Faster
            | Action::Slower
            | Action::ReplayStart
            | Action::ReplayEnd
            | Action::ReplayFailure => return self.act_on_replay(action, world),
            Action::Search if self.focus == Focus::Inspector => {
                let before = self.inspector.as_ref().map_or("", Inspector::pattern).trim_start_matches("(?i)");
                return vec![Intent::Open(Box::new(Popup::prompt(Purpose::Find, before)))];
            }
            Action::Search | Action::Keep | Action::Leave => return self.ask_for_pattern(action),
            Action::Merge => return self.toggle_merged(),
            _ => {
                return match self.focus {
                    Focus::Graph => self.act_on_graph(action),
                    Focus::Log => self.act_on_log(action),
                    Focus::Inspector => self.act_on_inspector(action, world),
                };
            }
        }
        Vec::new()
    }

    /// Whether this key would do something now.
    fn is_of_use(&self, action: Action) -> bool {
        let Some(run) = self.shown() else { return true };
        match action {
            Action::Cancel | Action::Rerun | Action::EditInputs | Action::EditConfig | Action::Resolve
                if self.player.is_some() =>
            {
                false
            }
            Action::Replay => self.player.is_none() && run.status.is_final(),
            Action::Cancel => !run.status.is_final(),
            Action::Rerun | Action::EditInputs | Action::EditConfig => run.status.is_final(),
            Action::NextFailed => run.stages.values().any(|stage| wants_attention(stage.status)),
            Action::FirstError => run.stages.values().any(|stage| stage.status.is_failure()),
            Action::OpenBelow => self.child().is_some(),
            Action::ToApproval => self.has_gate(),
            Action::RollBack => self.player.is_none() && self.deployed,
            Action::Resolve => self.unresolved().is_some(),
            Action::NextHit => self.log.search.is_some(),
            _ => true,
        }
    }

    /// A run that waits for an answer offers to give it.
    fn offers_first(&self, world: &World) -> Option<Action> {
        (self.player.is_none() && !world.read_only && self.unresolved().is_some()).then_some(Action::Resolve)
    }

    /// Drops a selection, a search, a filter or the other stages, closes the inspector, goes back to the graph, leaves a
    /// replay: one step at a time.
    fn back(&mut self, world: &mut World) -> Option<Vec<Intent>> {
        if self.focus == Focus::Log && self.back_in_log() {
            return Some(self.after_change());
        }
        if self.focus == Focus::Inspector && self.inspector.as_mut().is_some_and(Inspector::drop_search) {
            return Some(Vec::new());
        }
        if self.focus == Focus::Inspector || self.focus == Focus::Graph && self.inspector.is_some() {
            self.inspector = None;
            self.focus = Focus::Graph;
            return Some(Vec::new());
        }
        if self.focus == Focus::Log {
            self.focus = Focus::Graph;
            return Some(Vec::new());
        }
        self.player.is_some().then(|| self.stop_replay(world))
    }

    fn typed(&mut self, purpose: Purpose, text: &str, accepted: bool, _world: &mut World) -> Vec<Intent> {
        match purpose {
            Purpose::Find if accepted => self.find(text),
            Purpose::Search | Purpose::Keep | Purpose::Leave if accepted => self.take_pattern(purpose, text),
            Purpose::Find | Purpose::Search | Purpose::Keep | Purpose::Leave | Purpose::Filter => Vec::new(),
        }
    }

    fn hear(&mut self, reply: Reply, world: &World) -> Vec<Intent> {
        match reply {
            Reply::RunSnapshot(run) if run.id == self.id => {
                self.run = Some(run);
                let mut intents = self.changed(world);
                intents.extend(self.resume_triage());
                intents
            }
            Reply::RunEvent(event) if event.run == self.id => {
                let ends = matches!(event.kind, EventKind::RunFinished { .. });
                if ends {
                    self.share.loosen();
                }
                if let EventKind::AttemptFinished { stage, attempt, .. } = &event.kind
                    && (self.merged || self.log.source() == Some((stage, *attempt)))
                {
                    self.log.may_have_grown();
                }
                if let EventKind::CancelRequested { .. } = event.kind {
                    self.cancel_at = Some(event.at);
                }
                match &mut self.run {
                    Some(run) => run.apply(&event),
                    None => self.run = Run::created(&event).map(Box::new),
                }
                let mut intents = self.changed(world);
                intents.extend(ends.then_some(Intent::Bell));
                intents
            }
            Reply::LogTail { run, window } if run == self.id => {
                if let Some(inspector) = &mut self.inspector {
                    inspector.take_tail(window);
                }
                Vec::new()
            }
            Reply::Papers(papers) if papers.run == self.id => self.take_papers(*papers, world),
            Reply::Journal { run, events, done } if run == self.id => self.take_events(events, done, world),
            // A run that is replayed is as it was.
            Reply::LogGrew { .. } if self.player.is_some() => Vec::new(),
            Reply::StageDetail { run, stage } if run == self.id => {
                self.detail = Some(stage);
                Vec::new()
            }
            Reply::Failed { .. } => {
                self.log.failed();
                (self.reading, self.meant, self.hunt) = (None, None, None);
                Vec::new()
            }
            Reply::Connected(_) => {
                self.log.retry();
                vec![Intent::Ask(Request::Follow(self.id.clone()))]
            }
            Reply::Culprit { run, log, line, total } if run == self.id => self.take_culprit(&log, line, total),
            reply => self.hear_of_log(reply),
        }
    }

    fn take_picture(&mut self, picture: Box<Picture>) {
        self.dag.accept(picture);
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        self.paint(paint, area, world);
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        let mut intents = self.advance(world);
        self.deployed = world.deployments.of_run(&self.id).is_some();
        let Some(run) = shown(&self.run, &self.player) else { return intents };
        let stage = run.stages.get_index(self.dag.selected()).map(|(_, stage)| stage);
        let subject = self.log_subject(run, stage);
        self.log.show(subject);
        self.log.show_until(self.player.as_ref().map(|player| player.time()));
        let needed = self.log_needs(run, stage);
        let known = !self.log.is_awaited();
        let wanted = Wanted {
            log: self.share.settle(area, needed, known),
            bar: self.player.is_some(),
            error: !self.merged && stage.is_some_and(|stage| stage.error.is_some() || gate_of(stage).is_some()),
            inspector: self.inspector.is_some(),
            wide: stage.is_some_and(|stage| self.inspector.as_ref().is_some_and(|inspector| inspector.is_comparing(stage))),
        };
        self.parts = parts(area, &self.dag, wanted);
        let now = self.player.as_ref().map_or(world.now, |player| player.time());
        self.dag.fit(self.parts.graph, self.parts.most, run, now);
        self.log.fit(self.parts.log.width, self.parts.log.height);
        intents.extend(self.ask_for_log());
        intents.extend(self.fit_inspector(world.now));
        intents.extend(self.fit_result());
        intents
    }

    fn show_stage(&mut self, stage: &StageId) -> Vec<Intent> {
        if let Some(at) = self.shown().and_then(|run| run.stages.get_index_of(stage)) {
            self.dag.select(at);
        }
        Vec::new()
    }

    /// A second, or less while a replay moves on.
    fn tick(&self, _world: &World) -> Option<Duration> {
        match &self.player {
            Some(player) => player.is_playing().then_some(Duration::from_millis(100)),
            None => self.is_going().then_some(Duration::from_secs(1)),
        }
    }

    /// Scrolls the log, whatever has the focus.
    fn wheel(&mut self, lines: i64) -> bool {
        self.log.step(lines);
        true
    }
}
