//! The console's core: routes each message to the popup or screen it is for and collects what is to be done.
//!
//! Pure: the same messages give the same effects and the same picture. Must not know a terminal, a clock or a channel.

mod bar;
pub mod farewell;
mod messages;
mod news;
mod places;
#[cfg(test)]
pub mod tests;

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::{Action, Context};
use super::backend::Request;
use super::keymap::Key;
use super::message::{Effect, Message};
use super::popup::{Outcome, Popup, help::Help, palette::Palette, themes::ThemeList};
use super::screen::{Intent, Screen, Tone, View, run::Opening};
use super::theme::Role;
use super::widget::paint::Paint;
use super::world::{READ_ONLY, World};
use crate::model::{RunId, Timestamp};

/// How many runs lists ask for.
const LISTED_RUNS: usize = 500;

/// Below this size only a hint is shown.
const SMALLEST: (u16, u16) = (40, 12);

pub struct App {
    pub world: World,
    /// The screen shown is the last; `back` leaves it for the one below.
    stack: Vec<Screen>,
    popups: Vec<Popup>,
    /// What was said, the last of it last.
    messages: messages::Messages,
    /// The places left, the last one last.
    places: Vec<places::Place>,
    size: (u16, u16),
    mouse: bool,
}

/// See `App::scene`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    screen: Option<Discriminant<Screen>>,
    run: Option<RunId>,
    depth: usize,
    popups: usize,
}

impl App {
    /// Starts on the overview, or on a run. The effects are the first questions.
    pub fn new(world: World, run: Option<RunId>) -> (Self, Vec<Effect>) {
        let stack = vec![Screen::home()];
        let mut app = Self {
            world,
            stack,
            popups: Vec::new(),
            messages: messages::Messages::default(),
            places: Vec::new(),
            size: (0, 0),
            mouse: false,
        };
        let mut effects = vec![Effect::Ask(Request::Overview), Effect::Ask(Request::ListRuns { limit: LISTED_RUNS })];
        if let Some(run) = run {
            effects.extend(app.open_run(run));
        }
        (app, effects)
    }

    /// Handles one message that happened at `now`.
    pub fn update(&mut self, message: Message, now: Timestamp) -> Vec<Effect> {
        self.world.now = now;
        let mut effects = match message {
            Message::Key(key) if key.kind == KeyEventKind::Release => return Vec::new(),
            Message::Key(key) => self.key(&key),
            Message::Paste(text) => match self.popups.last_mut().map(|popup| popup.paste(&text)) {
                Some(outcome) => self.outcome(outcome),
                None => Vec::new(),
            },
            Message::Mouse(mouse) => self.mouse(mouse.kind),
            Message::Resize { width, height } => {
                self.size = (width, height);
                self.popups.iter_mut().for_each(Popup::unsee);
                Vec::new()
            }
            Message::Reply(reply) => self.reply(*reply),
            Message::Copied(Ok(said)) => self.remark(Tone::Good, &said),
            Message::Copied(Err(said)) => self.remark(Tone::Bad, &said),
            Message::Layout(picture) => {
                if let Some(view) = self.view() {
                    view.take_picture(picture);
                }
                Vec::new()
            }
            Message::Checked(checked) => match self.popups.last_mut().map(|popup| popup.checked(*checked)) {
                Some(outcome) => self.outcome(outcome),
                None => Vec::new(),
            },
            Message::Seen => {
                if let Some(popup) = self.popups.last_mut() {
                    popup.seen(now);
                }
                Vec::new()
            }
            Message::Second => Vec::new(),
        };
        effects.extend(self.fit());
        effects
    }

    fn view(&mut self) -> Option<&mut dyn View> {
        self.stack.last_mut().map(Screen::view_mut)
    }

    /// The screen on top.
    pub fn shown(&self) -> Option<&Screen> {
        self.stack.last()
    }

    fn contexts(&self) -> Vec<Context> {
        self.shown().map_or_else(|| vec![Context::Global], Screen::contexts)
    }

    fn key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        self.messages.heed();
        if self.is_esc_and_key(key) {
            let mut effects = self.key(&KeyEvent::from(KeyCode::Esc));
            effects.extend(self.key(&KeyEvent { modifiers: key.modifiers - KeyModifiers::ALT, ..*key }));
            return effects;
        }
        if let Some(popup) = self.popups.last_mut() {
            let outcome = popup.key(key, &self.world);
            return self.outcome(outcome);
        }
        match self.world.keys.find(Key::of(key), &self.contexts()) {
            Some(action) => self.act(action),
            None => Vec::new(),
        }
    }

    /// An `Esc` that reaches us together with the next key looks like Alt: it is that only where Alt means something.
    fn is_esc_and_key(&self, key: &KeyEvent) -> bool {
        let writes = matches!(self.popups.last(), Some(Popup::Edit(_) | Popup::Confirm(_)));
        let mapped = self.popups.is_empty() && self.world.keys.find(Key::of(key), &self.contexts()).is_some();
        key.modifiers.contains(KeyModifiers::ALT) && !writes && !mapped
    }

    fn outcome(&mut self, outcome: Outcome) -> Vec<Effect> {
        let intents = match outcome {
            Outcome::Stay => return Vec::new(),
            Outcome::Do(intents) => intents,
            Outcome::Close => {
                self.popups.pop();
                return Vec::new();
            }
            Outcome::Then(intents) => {
                self.popups.pop();
                intents
            }
            Outcome::Act(action) => {
                self.popups.pop();
                return self.act(action);
            }
            Outcome::SetTheme(name) => {
                self.popups.pop();
                return self.set_theme(&name);
            }
            Outcome::Wear { theme, closes } => {
                if closes {
                    self.popups.pop();
                }
                self.world.look.theme = *theme;
                return Vec::new();
            }
            Outcome::Typed { purpose, text, accepted } => {
                if accepted {
                    self.popups.pop();
                }
                return self.ask_screen(|view, world| view.typed(purpose, &text, accepted, world));
            }
        };
        self.carry_out(intents)
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => vec![Effect::Quit],
            Action::Suspend => vec![Effect::Suspend],
            Action::Redraw => vec![Effect::Repaint],
            Action::Back => self.back(),
            Action::Help => {
                let contexts = self.contexts();
                self.popups.push(Popup::Help(Help::new(contexts)));
                Vec::new()
            }
            Action::Palette => {
                self.popups.push(Popup::Palette(Palette::new(
                    &self.contexts(),
                    &self.world,
                    self.shown().and_then(Screen::as_run),
                )));
                vec![Effect::Ask(Request::Pipelines)]
            }
            Action::Messages => {
                self.popups.push(Popup::Page(self.messages.page(self.world.look.charset)));
                Vec::new()
            }
            Action::Theme => {
                self.popups.push(Popup::Themes(ThemeList::new(&self.world.themes, &self.world.look.theme)));
                Vec::new()
            }
            Action::Mouse => {
                self.mouse = !self.mouse;
                let words = if self.mouse { "the wheel scrolls here" } else { "the mouse is the terminal's again" };
                self.messages.say(self.world.now, Tone::Plain, words);
                vec![Effect::Mouse(self.mouse)]
            }
            Action::FirstError => self.first_error(),
            Action::JumpBack => self.jump_back(),
            Action::ScreenNext => self.turn_screen(1),
            Action::ScreenPrevious => self.turn_screen(-1),
            action => match Screen::opened_by(action, &self.world) {
                Some(Ok(screen)) => self.go(screen),
                Some(Err(why)) => self.remark(Tone::Plain, why),
                None => self.ask_screen(|view, world| view.act(action, world)),
            },
        }
    }

    /// Lets the screen on top do something and carries out what it wants.
    fn ask_screen(&mut self, ask: impl FnOnce(&mut dyn View, &mut World) -> Vec<Intent>) -> Vec<Effect> {
        let Self { world, stack, .. } = self;
        let intents = stack.last_mut().map_or_else(Vec::new, |screen| ask(screen.view_mut(), world));
        self.carry_out(intents)
    }

    /// Opens a run and plays it again.
    pub fn replay(&mut self, run: RunId, opening: Opening) -> Vec<Effect> {
        let mut effects = self.open_run(run);
        if let Some(Screen::Run(screen)) = self.stack.last_mut() {
            let intents = screen.replay(opening);
            effects.extend(self.carry_out(intents));
        }
        effects
    }

    /// Opens a run at the line that says what went wrong.
    fn triage(&mut self, run: RunId) -> Vec<Effect> {
        let mut effects = self.open_run(run);
        if let Some(Screen::Run(screen)) = self.stack.last_mut() {
            let intents = screen.triage();
            effects.extend(self.carry_out(intents));
        }
        effects
    }

    /// The next failure of the run on screen; where none is, the run that failed last.
    fn first_error(&mut self) -> Vec<Effect> {
        if let Some(Screen::Run(screen)) = self.stack.last_mut().filter(|screen| screen.view().is_of_use(Action::FirstError)) {
            let intents = screen.triage_on();
            return self.carry_out(intents);
        }
        match self.world.failed_run().map(|run| run.id.clone()) {
            Some(run) => self.triage(run),
            None if self.world.runs.is_none() => self.remark(Tone::Plain, "the runs are not read yet"),
            None => self.remark(Tone::Good, "no run has failed"),
        }
    }

    fn set_theme(&mut self, name: &str) -> Vec<Effect> {
        match self.world.themes.get(name) {
            Ok(theme) => self.world.look.theme = theme.clone(),
            Err(problem) => return self.remark(Tone::Bad, &problem),
        }
        self.remark(Tone::Plain, &format!("theme {name}"))
    }

    /// Says at the start what could not be used; it stays until a key is pressed.
    pub fn warn(&mut self, problem: &str) {
        self.messages.say(self.world.now, Tone::Bad, problem);
    }

    fn remark(&mut self, tone: Tone, text: &str) -> Vec<Effect> {
        self.messages.say(self.world.now, tone, text);
        Vec::new()
    }

    fn mouse(&mut self, kind: MouseEventKind) -> Vec<Effect> {
        let down = match kind {
            MouseEventKind::ScrollDown => true,
            MouseEventKind::ScrollUp => false,
            _ => return Vec::new(),
        };
        if !self.popups.is_empty() {
            return Vec::new();
        }
        if self.view().is_some_and(|view| view.wheel(if down { 3 } else { -3 })) {
            return Vec::new();
        }
        self.act(if down { Action::ListDown } else { Action::ListUp })
    }

    fn carry_out(&mut self, intents: Vec<Intent>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for intent in intents {
            match intent {
                Intent::Ask(request) if self.world.read_only && request.is_protected() => {
                    self.messages.say(self.world.now, Tone::Bad, READ_ONLY);
                }
                Intent::Ask(request) => effects.push(Effect::Ask(request)),
                Intent::LayOut(job) => effects.push(Effect::LayOut(job)),
                Intent::Copy { text, what } => effects.push(Effect::Copy { text, what }),
                Intent::OpenRun(run) => effects.extend(self.open_run(run)),
                Intent::ShowStage(stage) => {
                    effects.extend(self.ask_screen(|view, _| view.show_stage(&stage)));
                }
                Intent::Prepare(_) if self.world.read_only => {
                    effects.extend(self.remark(Tone::Bad, "this console is read-only: it starts nothing"));
                }
                Intent::Prepare(name) => effects.push(Effect::Ask(Request::OpenPipeline(name))),
                Intent::Triage(run) => effects.extend(self.triage(run)),
                Intent::Replay(run, opening) => effects.extend(self.replay(run, opening)),
                Intent::Act(action) => effects.extend(self.act(action)),
                Intent::Open(popup) => self.popups.push(*popup),
                Intent::Check(job) => effects.push(Effect::Check(job)),
                Intent::Say(tone, text) => self.messages.say(self.world.now, tone, &text),
                Intent::Bell => effects.push(Effect::Bell),
            }
        }
        effects
    }

    /// What is on screen, apart from what it shows: another scene is another screen, run or popup.
    pub fn scene(&self) -> Scene {
        let run = self.shown().and_then(Screen::as_run).map(|screen| screen.id.clone());
        Scene { screen: self.shown().map(discriminant), run, depth: self.stack.len(), popups: self.popups.len() }
    }

    /// The terminal's width and height, from the last `Resize`.
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// The screen's part of the terminal: all but the top and the bottom line, with some air where there is plenty.
    fn body(&self) -> Rect {
        let top = 1 + u16::from(self.size.1 >= 32);
        Rect::new(0, top, self.size.0, self.size.1.saturating_sub(top + 1))
    }

    fn is_too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }

    fn fit(&mut self) -> Vec<Effect> {
        if self.is_too_small() {
            return Vec::new();
        }
        let area = self.body();
        let Self { world, popups, .. } = self;
        if let Some(popup) = popups.last_mut() {
            popup.fit(area, world);
        }
        self.ask_screen(|view, world| view.fit(area, world))
    }

    /// Time between two `Second`s; `None` while nothing on screen changes by itself.
    pub fn tick(&self) -> Option<Duration> {
        if self.is_too_small() { None } else { self.shown()?.view().tick(&self.world) }
    }

    /// Paints everything. The buffer has the size of the last `Resize`.
    pub fn draw(&self, buffer: &mut Buffer) {
        let area = *buffer.area();
        let mut paint = Paint::new(buffer, &self.world.look);
        paint.clear(area);
        if self.is_too_small() || (area.width, area.height) != self.size {
            let text = format!("needs {}x{}, has {}x{}", SMALLEST.0, SMALLEST.1, area.width, area.height);
            paint.row(Rect { y: area.height / 2, ..area }, 0).role(&text, Role::Warning);
            return;
        }
        self.draw_top(&mut paint, Rect { height: 1, ..area });
        let body = self.body();
        if let Some(screen) = self.shown() {
            screen.view().draw(&mut paint, body, &self.world);
        }
        self.draw_bottom(&mut paint, Rect { y: area.height - 1, height: 1, ..area });
        let below = Rect { y: 1, height: area.height - 1, ..area };
        if let Some(popup) = self.popups.last() {
            let area = if matches!(popup, Popup::Prompt(_)) { below } else { body };
            popup.draw(&mut paint, area, &self.world);
        }
    }
}
