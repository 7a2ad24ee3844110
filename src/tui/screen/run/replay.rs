//! A finished run played again in its own screen: position, and speed.
//!
//! Owns the moment that is shown. Must not fold: `Replay` does. Nothing moves here without a message that says what the
//! time is.

use super::RunScreen;
use crate::model::{Event, Replay, Run, Timestamp};
use crate::tui::action::Action;
use crate::tui::backend::Request;
use crate::tui::screen::{Intent, Tone};
use crate::tui::world::World;

/// Speeds that the keys step through.
const SPEEDS: [f64; 11] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1_000.0];
/// A step in time is this part of the whole run, and never less than a second.
const PARTS: i64 = 20;

/// How a replay begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opening {
    pub speed: f64,
    pub from: From,
}

/// Where a replay begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum From {
    Start,
    /// Milliseconds after the run's creation.
    After(i64),
    At(Timestamp),
}

impl Default for Opening {
    fn default() -> Self {
        Self { speed: 10.0, from: From::Start }
    }
}

/// A replay on its way: events come in pages.
#[derive(Debug, Clone)]
pub struct Reading {
    opening: Opening,
    events: Vec<Event>,
}

/// A replay under way.
#[derive(Debug, Clone)]
pub struct Player {
    tape: Replay,
    time: Timestamp,
    speed: f64,
    /// When time was last let pass; `None` while it is paused.
    playing: Option<Timestamp>,
}

/// The run to show: as it is, or as it was at the moment that is replayed.
pub fn shown<'r>(run: &'r Option<Box<Run>>, player: &'r Option<Box<Player>>) -> Option<&'r Run> {
    player.as_ref().map(|player| player.run()).or(run.as_deref())
}

impl Player {
    fn new(tape: Replay, opening: Opening, now: Timestamp) -> Self {
        let time = match opening.from {
            From::Start => tape.begin(),
            From::After(millis) => Timestamp(tape.begin().0.saturating_add(millis)),
            From::At(at) => at,
        };
        let mut player = Self { time: tape.begin(), tape, speed: opening.speed, playing: None };
        player.go_to(time);
        player.playing = (!player.is_at_end()).then_some(now);
        player
    }

    pub fn run(&self) -> &Run {
        self.tape.run()
    }

    pub fn tape(&self) -> &Replay {
        &self.tape
    }

    /// The moment that is shown.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    pub fn speed(&self) -> f64 {
        self.speed
    }

    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    fn is_at_end(&self) -> bool {
        self.tape.position() == self.tape.len()
    }

    fn go_to(&mut self, time: Timestamp) {
        self.time = time.clamp(self.tape.begin(), self.tape.end());
        self.tape.go(self.tape.position_at(self.time));
    }

    /// Goes to an event, at the time when it happened.
    fn go(&mut self, position: usize) {
        self.tape.go(position);
        self.time = self.tape.time_of(self.tape.position());
    }

    /// Lets time pass; true when events did, too.
    fn advance(&mut self, now: Timestamp) -> bool {
        let Some(last) = self.playing.replace(now) else {
            self.playing = None;
            return false;
        };
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a run, clamped to its end")]
        let passed = (now.since(last).as_secs_f64() * 1_000.0 * self.speed) as i64;
        let before = self.tape.position();
        self.time = Timestamp(self.time.0.saturating_add(passed)).min(self.tape.end());
        // Several events of one moment: the position may be ahead of what its time alone says.
        self.tape.go(self.tape.position_at(self.time).max(before));
        if self.is_at_end() {
            self.playing = None;
        }
        self.tape.position() != before
    }

    /// Carries a key out; says what there is to say.
    fn act(&mut self, action: Action, now: Timestamp) -> Option<&'static str> {
        let step = ((self.tape.end().0 - self.tape.begin().0) / PARTS).max(1_000);
        match action {
            Action::Play if self.playing.take().is_some() => {}
            Action::Play => {
                if self.is_at_end() {
                    self.go(1);
                }
                self.playing = Some(now);
            }
            Action::StepAhead | Action::StepBack => {
                self.playing = None;
                let position = self.tape.position();
                self.go(if action == Action::StepAhead { position + 1 } else { position - 1 });
            }
            Action::TimeAhead => self.go_to(Timestamp(self.time.0 + step)),
            Action::TimeBack => self.go_to(Timestamp(self.time.0 - step)),
            Action::Faster => self.speed = SPEEDS.into_iter().find(|speed| *speed > self.speed).unwrap_or(self.speed),
            Action::Slower => self.speed = SPEEDS.into_iter().rev().find(|speed| *speed < self.speed).unwrap_or(self.speed),
            Action::ReplayStart => self.go(1),
            Action::ReplayEnd => {
                self.playing = None;
                self.go(self.tape.len());
            }
            Action::ReplayFailure => {
                self.playing = None;
                match self.tape.first_failure() {
                    Some(position) => self.go(position),
                    None => return Some("nothing failed in this run"),
                }
            }
            _ => {}
        }
        None
    }
}

impl RunScreen {
    /// Asks for the events of this run, to play them.
    pub fn replay(&mut self, opening: Opening) -> Vec<Intent> {
        if self.run.as_ref().is_some_and(|run| !run.status.is_final()) {
            return Intent::say(Tone::Plain, "the run has not ended yet: there is nothing to replay");
        }
        self.reading = Some(Reading { opening, events: Vec::new() });
        vec![Intent::Ask(Request::Journal(self.id.clone()))]
    }

    pub(super) fn take_events(&mut self, events: Vec<Event>, done: bool, world: &World) -> Vec<Intent> {
        let Some(reading) = &mut self.reading else { return Vec::new() };
        reading.events.extend(events);
        if !done {
            return Vec::new();
        }
        let Some(Reading { opening, events }) = self.reading.take() else { return Vec::new() };
        let ended = events.last().is_some_and(|event| matches!(event.kind, crate::model::EventKind::RunFinished { .. }));
        match Replay::new(events).filter(|_| ended) {
            Some(tape) => self.player = Some(Box::new(Player::new(tape, opening, world.now))),
            None => return Intent::say(Tone::Plain, "the run has not ended yet: there is nothing to replay"),
        }
        self.dag.following = true;
        self.changed(world)
    }

    /// Lets a replay go on to this moment.
    pub(super) fn advance(&mut self, world: &World) -> Vec<Intent> {
        let Some(player) = &mut self.player else { return Vec::new() };
        if player.advance(world.now) { self.changed(world) } else { Vec::new() }
    }

    pub(super) fn act_on_replay(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let Some(player) = &mut self.player else { return Vec::new() };
        if let Some(words) = player.act(action, world.now) {
            return Intent::say(Tone::Plain, words);
        }
        if action == Action::ReplayFailure
            && let Some(run) = self.player.as_ref().map(|player| player.run().clone())
        {
            self.dag.next_failed(&run, false);
        }
        self.changed(world)
    }

    /// Ends a replay: the run is shown as it ended.
    pub(super) fn stop_replay(&mut self, world: &World) -> Vec<Intent> {
        (self.player, self.reading) = (None, None);
        self.changed(world)
    }
}
