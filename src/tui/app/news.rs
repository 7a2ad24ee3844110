//! News from the engine: what everybody needs goes to the world, the rest to the screen on top.

use super::{App, LISTED_RUNS};
use crate::tui::backend::{Reply, Request};
use crate::tui::clipboard;
use crate::tui::message::Effect;
use crate::tui::popup::{Popup, start};
use crate::tui::screen::{Screen, Tone};
use crate::tui::widget::format;
use crate::tui::world::Link;

impl App {
    pub(super) fn reply(&mut self, reply: Reply) -> Vec<Effect> {
        match reply {
            Reply::Connected(status) => {
                let again = matches!(self.world.link, Link::Lost(_));
                self.world.link = Link::Connected(status.clone());
                if !again {
                    return Vec::new();
                }
                let heard = self.hear(Reply::Connected(status));
                let mut effects = vec![Effect::Ask(Request::Overview), Effect::Ask(Request::ListRuns { limit: LISTED_RUNS })];
                effects.extend(heard);
                effects
            }
            Reply::Disconnected(why) => {
                self.world.link = Link::Lost(why);
                Vec::new()
            }
            Reply::Runs(runs) => {
                self.world.runs = Some(runs);
                self.ask_screen(|view, _| view.listed())
            }
            Reply::Services(services) => {
                self.world.history.keep(&services);
                self.world.services = Some(services);
                Vec::new()
            }
            Reply::Pipelines(names) => {
                self.world.pipelines = names;
                if let Some(Popup::Palette(palette)) = self.popups.last_mut() {
                    palette.offer_pipelines(&self.world);
                }
                Vec::new()
            }
            Reply::Opened(sheet) => self.carry_out(start::open(*sheet, &self.world.look)),
            Reply::Refused { pipeline, report } => {
                self.messages.say(self.world.now, Tone::Bad, &format!("{pipeline} cannot be started"));
                self.popups.push(Popup::Page(start::refusal(&pipeline, &report)));
                Vec::new()
            }
            Reply::RunCreated(run) => self.open_run(run),
            Reply::Done { what } => self.remark(Tone::Good, &what),
            Reply::Failed { what, error } => {
                let effects = self.hear(Reply::Failed { what: what.clone(), error: error.clone() });
                self.messages.say(self.world.now, Tone::Bad, &format!("{what}: {error}"));
                effects
            }
            Reply::RunEvent(event) => {
                let effects = self.hear(Reply::RunEvent(event));
                self.summarise();
                effects
            }
            Reply::RunSnapshot(run) => {
                let effects = self.hear(Reply::RunSnapshot(run));
                self.summarise();
                effects
            }
            Reply::Copied { text, lines } => vec![Effect::Copy { text, what: format::lines(lines) }],
            Reply::Saved { path, lines, bytes } => {
                self.remark(Tone::Good, &clipboard::in_file(&format::lines(lines), &format::bytes(bytes), &path))
            }
            reply @ (Reply::LogGrew { .. }
            | Reply::Lines { .. }
            | Reply::Scanned { .. }
            | Reply::Found { .. }
            | Reply::RunsBelow { .. }
            | Reply::Culprit { .. }
            | Reply::LogTail { .. }
            | Reply::Papers(_)
            | Reply::Journal { .. }
            | Reply::StageDetail { .. }) => self.hear(reply),
        }
    }

    fn hear(&mut self, reply: Reply) -> Vec<Effect> {
        self.ask_screen(|view, world| view.hear(reply, world))
    }

    /// The list shows the followed run as new as the run's own screen does.
    fn summarise(&mut self) {
        let Some(screen) = self.stack.last().and_then(Screen::as_run) else { return };
        let (Some(run), Some(runs)) = (screen.run.as_ref(), self.world.runs.as_mut()) else { return };
        if let Some(summary) = runs.iter_mut().find(|summary| summary.id == run.id) {
            *summary = run.summary();
        }
    }
}
