//! The loop around the core: one `select!` over keys, signals, replies, finished layouts and the terminal.
//!
//! Owns clock, channels and timers. A frame is made only when something changed and the terminal has taken the one
//! before: at once after a key, as the line allows otherwise. With nothing going on it sleeps without a timer.

mod pace;
mod painter;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_stream::StreamExt;

use self::painter::Painter;
use super::app::{App, farewell::Farewell};
use super::backend::{Reply, Request};
use super::clipboard::{self, Delivery};
use super::glyph::Charset;
use super::keymap::Keymap;
use super::message::{Effect, Message};
use super::popup::edit::check::{Checked, check};
use super::screen::run::Opening;
use super::terminal::{self, Abilities, Guard, modes, sink::Tty, writer::Writer};
use super::theme::{Theme, Themes};
use super::widget::dag::Picture;
use super::widget::format::Zone;
use super::widget::paint::Look;
use super::world::World;
use crate::model::{RunId, Timestamp};

/// Requests waiting for a server that does not take them; a full queue loses its oldest log windows first.
const MOST_WAITING: usize = 64;
/// How long leaving waits for a terminal that does not drain.
const PATIENCE: Duration = Duration::from_millis(300);

/// Where the console starts.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Start {
    #[default]
    Overview,
    Run(RunId),
    /// A run that has ended, played again.
    Replay(RunId, Opening),
}

/// What the console is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub start: Start,
    pub theme: Theme,
    /// Those that can be chosen.
    pub themes: Themes,
    pub keys: Keymap,
    pub charset: Charset,
    /// What the terminal can do.
    pub abilities: Abilities,
    /// Orders are refused.
    pub read_only: bool,
    /// What the workspace is called in the top line.
    pub workspace: String,
    /// Where copied text goes that is too long for a clipboard.
    pub copies: PathBuf,
    /// The terminal is one of tmux: copies go to its buffer.
    pub in_tmux: bool,
    /// What of the user's settings could not be used; said once, on the screen.
    pub problems: Vec<String>,
}

/// Runs the console until the user leaves it, the terminal hangs up or a signal ends it. Runs are never touched by that.
/// The farewell is empty when the terminal takes no more bytes: printing to it would block.
///
/// # Errors
/// When standard input or output is no terminal, or when the terminal can no longer be read or written.
pub async fn run(options: Options, requests: mpsc::Sender<Request>, mut replies: mpsc::Receiver<Reply>) -> io::Result<Farewell> {
    let guard = Guard::enter(options.abilities)?;
    let mut shell = Shell::new(options, requests)?;
    let end = shell.turn(&guard, &mut replies).await;
    let farewell = shell.app.farewell();
    let drained = shell.writer.finish(PATIENCE).await;
    guard.leave();
    let lost = end? == End::Lost;
    Ok(Farewell { lost, ..if drained { farewell } else { Farewell::default() } })
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    /// The terminal went away.
    Lost,
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    stop: Signal,
    resume: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

struct Shell {
    app: App,
    painter: Painter,
    writer: Writer,
    requests: mpsc::Sender<Request>,
    waiting: VecDeque<Request>,
    /// Bytes that go out before the next frame: clipboard, mouse modes.
    extra: Vec<u8>,
    layouts: (mpsc::Sender<Picture>, mpsc::Receiver<Picture>),
    copies: (mpsc::Sender<Delivery>, mpsc::Receiver<Delivery>),
    copy_dir: PathBuf,
    in_tmux: bool,
    checks: (mpsc::Sender<Checked>, mpsc::Receiver<Checked>),
    next_second: Instant,
    quit: bool,
    suspend: bool,
    mouse: bool,
    abilities: Abilities,
}

impl Shell {
    fn new(options: Options, requests: mpsc::Sender<Request>) -> io::Result<Self> {
        let look = Look { theme: options.theme, charset: options.charset };
        let Options { themes, keys, read_only, workspace, start, abilities, problems, copies: copy_dir, in_tmux, .. } = options;
        let world = World { look, zone: Zone::of_machine(), themes, keys, read_only, workspace, now: now(), ..World::default() };
        let (run, opening) = match start {
            Start::Overview => (None, None),
            Start::Run(run) => (Some(run), None),
            Start::Replay(run, opening) => (None, Some((run, opening))),
        };
        let (mut app, mut effects) = App::new(world, run);
        if !problems.is_empty() {
            app.warn(&problems.join("; "));
        }
        if let Some((run, opening)) = opening {
            effects.extend(app.replay(run, opening));
        }
        let output = Tty::open(io::stdout())?;
        let mut shell = Self {
            app,
            painter: Painter::new(abilities, Instant::now()),
            writer: Writer::start(output, terminal::is_live)?,
            requests,
            waiting: VecDeque::new(),
            extra: Vec::new(),
            layouts: mpsc::channel(4),
            copies: mpsc::channel(4),
            copy_dir,
            in_tmux,
            checks: mpsc::channel(4),
            next_second: Instant::now(),
            quit: false,
            suspend: false,
            mouse: false,
            abilities,
        };
        shell.carry_out(effects);
        shell.resize()?;
        Ok(shell)
    }

    fn resize(&mut self) -> io::Result<()> {
        let size = rustix::termios::tcgetwinsize(io::stdout())?;
        self.tell(Message::Resize { width: size.ws_col.max(1), height: size.ws_row.max(1) });
        Ok(())
    }

    fn tell(&mut self, message: Message) {
        let effects = self.app.update(message, now());
        self.painter.changed();
        self.carry_out(effects);
    }

    /// A message that a person waits for: its frame is not held back.
    fn tell_now(&mut self, message: Message) {
        self.painter.expect_key(&self.app);
        self.tell(message);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(request) => self.ask(request),
                Effect::LayOut(job) => {
                    let done = self.layouts.0.clone();
                    tokio::task::spawn_blocking(move || {
                        // Without a console there is nobody to show it to.
                        let _ = done.blocking_send(Picture::of(&job));
                    });
                }
                Effect::Copy { text, what } => self.copy(text, what),
                Effect::Check(job) => {
                    let done = self.checks.0.clone();
                    tokio::task::spawn_blocking(move || {
                        // Without a console there is nobody to show it to.
                        let _ = done.blocking_send(check(&job));
                    });
                }
                Effect::Bell => self.extra.push(0x07),
                Effect::Repaint => self.painter.forget(),
                Effect::Mouse(on) => self.set_mouse(on),
                Effect::Suspend => self.suspend = true,
                Effect::Quit => self.quit = true,
            }
        }
    }

    fn ask(&mut self, request: Request) {
        if matches!(request, Request::Lines(..)) {
            self.waiting.retain(|waiting| !matches!(waiting, Request::Lines(..)));
        }
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(request);
        } else {
            self.fail("this request", "too many are waiting for the engine");
        }
    }

    fn set_mouse(&mut self, on: bool) {
        self.mouse = on;
        self.extra.extend(modes::mouse(&self.abilities, on).unwrap_or_default());
    }

    /// Brings a text into a clipboard, beside everything else.
    fn copy(&self, text: String, what: String) {
        let (done, dir, in_tmux) = (self.copies.0.clone(), self.copy_dir.clone(), self.in_tmux);
        let abilities = self.abilities;
        tokio::spawn(async move {
            let delivery = clipboard::deliver(text, what, &abilities, in_tmux, &dir).await;
            // Without a console there is nobody to tell.
            let _ = done.send(delivery).await;
        });
    }

    /// Tells the core that something did not work.
    fn fail(&mut self, what: &str, error: &str) {
        let reply = Reply::Failed { what: what.to_owned(), error: error.to_owned() };
        self.app.update(Message::Reply(Box::new(reply)), now());
    }

    async fn turn(&mut self, guard: &Guard, replies: &mut mpsc::Receiver<Reply>) -> io::Result<End> {
        let mut signals = Signals::new()?;
        let mut keys = EventStream::new();
        let mut heard = Vec::with_capacity(64);
        let mut open = true;
        let requests = self.requests.clone();
        loop {
            if self.quit {
                return Ok(End::Left);
            }
            if std::mem::take(&mut self.suspend) {
                self.stop(guard).await?;
            }
            self.paint();
            let next_frame = self.painter.next().filter(|_| !self.writer.is_busy());
            let tick = self.app.tick();
            if let Some(tick) = tick {
                self.next_second = self.next_second.min(Instant::now() + tick);
            }
            tokio::select! {
                biased;
                () = terminal::panicked().notified() => return Err(io::Error::other("a part of the console failed")),
                _ = signals.hang_up.recv() => return Ok(End::Lost),
                _ = signals.terminate.recv() => return Ok(End::Left),
                _ = signals.interrupt.recv() => return Ok(End::Left),
                _ = signals.stop.recv() => self.suspend = true,
                _ = signals.resume.recv() => self.resume(guard)?,
                event = keys.next() => match event {
                    Some(Ok(event)) => self.terminal_event(event)?,
                    Some(Err(error)) if is_gone(&error) => return Ok(End::Lost),
                    Some(Err(error)) => return Err(error),
                    None => return Ok(End::Lost),
                },
                drained = self.writer.drained() => match drained {
                    Err(error) if is_gone(&error) => return Ok(End::Lost),
                    drained => {
                        if let Some(stall) = drained? {
                            self.painter.refused(&stall);
                        }
                    }
                },
                // After the keys: what was typed before it was seen has been read by now.
                () = std::future::ready(()), if self.is_seen() => self.tell(Message::Seen),
                () = sleep_until(next_frame.unwrap_or(self.next_second)), if next_frame.is_some() => {}
                Some(picture) = self.layouts.1.recv() => self.tell(Message::Layout(Box::new(picture))),
                Some(Delivery { bytes, said }) = self.copies.1.recv() => {
                    self.extra.extend(bytes);
                    self.tell_now(Message::Copied(said));
                }
                Some(checked) = self.checks.1.recv() => self.tell_now(Message::Checked(Box::new(checked))),
                count = replies.recv_many(&mut heard, 64), if open => {
                    open = count > 0;
                    if !open {
                        heard.push(Reply::Disconnected("the connection was closed".to_owned()));
                    }
                    for reply in heard.drain(..) {
                        self.tell(Message::Reply(Box::new(reply)));
                    }
                }
                permit = requests.reserve(), if !self.waiting.is_empty() => match (permit, self.waiting.pop_front()) {
                    (Ok(permit), Some(request)) => permit.send(request),
                    _ => self.waiting.clear(),
                },
                () = sleep_until(self.next_second), if tick.is_some() => {
                    self.next_second = Instant::now() + tick.unwrap_or_default();
                    self.tell(Message::Second);
                }
            }
        }
    }

    fn terminal_event(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => {}
            Event::Key(key) => self.tell_now(Message::Key(key)),
            Event::Paste(text) => self.tell_now(Message::Paste(text)),
            Event::Mouse(mouse) => self.tell_now(Message::Mouse(mouse)),
            // The event may be old by now; the size is asked for again.
            Event::Resize(..) => self.resize()?,
            Event::FocusGained | Event::FocusLost => {}
        }
        Ok(())
    }

    /// Whether the terminal has taken everything that the core waits for to be seen.
    fn is_seen(&self) -> bool {
        self.app.waits_to_be_seen() && !self.writer.is_busy() && self.extra.is_empty() && self.painter.next().is_none()
    }

    /// Sends what the terminal is to be sent, once it has taken what came before.
    fn paint(&mut self) {
        if !self.writer.is_busy() {
            let mut bytes = std::mem::take(&mut self.extra);
            bytes.extend(self.painter.bytes(Instant::now(), &self.app));
            self.writer.send(bytes);
        }
    }

    /// Gives the terminal back and stops the process; the shell's `fg` brings `resume`.
    async fn stop(&mut self, guard: &Guard) -> io::Result<()> {
        if self.writer.is_busy() {
            let _ = tokio::time::timeout(PATIENCE, self.writer.drained()).await;
        }
        guard.leave();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        Ok(())
    }

    fn resume(&mut self, guard: &Guard) -> io::Result<()> {
        guard.enter_again()?;
        if self.mouse {
            self.set_mouse(true);
        }
        self.painter.forget();
        self.resize()
    }
}

/// What reading and writing a terminal says that nobody sits at any more.
fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// The only clock of the console.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
