//! News from the engine: what everybody needs goes to the world, the rest to the screen on top.

use super::{App, LISTED_RUNS};
use crate::model::GateView;
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
                self.world.news += 1;
                self.ask_screen(|view, _| view.listed())
            }
            Reply::Me(me) => {
                self.world.gates.me = Some(me);
                Vec::new()
            }
            Reply::Gates(gates) => self.take_gates(gates),
            Reply::Deployments(deployments) => {
                self.world.deployments.take(deployments);
                self.world.news += 1;
                self.drop_obsolete();
                Vec::new()
            }
            Reply::Plan { aim, plan } => {
                if let Some(Popup::RollBack(panel)) = self.popups.last_mut() {
                    panel.take(&aim, plan);
                }
                Vec::new()
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
            | Reply::Evidence(_)
            | Reply::Audit { .. }
            | Reply::Verified(_)
            | Reply::StageDetail { .. }) => self.hear(reply),
        }
    }

    /// Takes the gates that wait.
    fn take_gates(&mut self, gates: Vec<GateView>) -> Vec<Effect> {
        let is_news = self.world.gates.take(gates);
        self.world.news += 1;
        self.drop_obsolete();
        is_news.then_some(Effect::Bell).into_iter().collect()
    }

    /// A question about what is not as it was when it was asked goes away, with a word.
    fn drop_obsolete(&mut self) {
        let Self { world, popups, .. } = self;
        if let Some(at) = popups.iter().position(|popup| popup.obsolete(world).is_some()) {
            let why = popups[at].obsolete(world).unwrap_or_default();
            popups.truncate(at);
            self.messages.say(self.world.now, Tone::Bad, &why);
        }
    }

    /// Whether something on top takes no keys before the terminal has shown it.
    pub fn waits_to_be_seen(&self) -> bool {
        !self.is_too_small() && self.popups.last().is_some_and(Popup::is_unseen)
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
