//! The loop around the core: one `select!` over keys, signals, replies, finished layouts and the terminal.
//!
//! Owns clock, channels and timers. A frame is made only when something changed and the terminal has taken the one
//! before: at once after a key, at most thirty a second otherwise. With nothing going on it sleeps without a timer.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_stream::StreamExt;

use super::app::{App, farewell::Farewell};
use super::backend::{Reply, Request};
use super::glyph::Charset;
use super::keymap::Keymap;
use super::message::{Effect, Message};
use super::popup::edit::check::{Checked, check};
use super::screen::run::Opening;
use super::terminal::{self, Depth, Encoder, Guard, writer::Writer};
use super::theme::Theme;
use super::widget::dag::Picture;
use super::widget::paint::Look;
use super::world::World;
use crate::model::{RunId, Timestamp};

/// Time between frames that no key asked for, on average.
const PACE: Duration = Duration::from_millis(33);
/// Frames that may follow each other at once after a quiet time: the first news of a start are not held back.
const BURST: u32 = 3;
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
    pub keys: Keymap,
    pub charset: Charset,
    pub depth: Depth,
    /// Orders are refused.
    pub read_only: bool,
    /// What the workspace is called in the top line.
    pub workspace: String,
}

/// How a terminal says what it can, without being asked: `NO_COLOR`, `TERM`, `COLORTERM`, `LC_ALL`, `LC_CTYPE`, `LANG`.
pub fn capabilities(variable: impl Fn(&str) -> Option<String>) -> (Depth, Charset) {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    let depth = if set("NO_COLOR").is_some() || term == "dumb" || term.starts_with("vt1") || term.ends_with("-m") {
        Depth::Mono
    } else if matches!(set("COLORTERM").as_deref(), Some("truecolor" | "24bit")) || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256") {
        Depth::Indexed
    } else {
        Depth::Palette
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    let unicode = (locale.contains("utf-8") || locale.contains("utf8")) && term != "dumb";
    (depth, if unicode { Charset::Unicode } else { Charset::Ascii })
}

/// Runs the console until the user leaves it, the terminal hangs up or a signal ends it. Runs are never touched by that.
/// The farewell is empty when the terminal takes no more bytes: printing to it would block.
///
/// # Errors
/// When standard input or output is no terminal, or when the terminal can no longer be read or written.
pub async fn run(options: Options, requests: mpsc::Sender<Request>, mut replies: mpsc::Receiver<Reply>) -> io::Result<Farewell> {
    let guard = Guard::enter()?;
    let mut shell = Shell::new(options, requests)?;
    let end = shell.turn(&guard, &mut replies).await;
    let farewell = shell.app.farewell();
    let drained = shell.writer.finish(PATIENCE).await;
    guard.leave();
    end.map(|()| if drained { farewell } else { Farewell::default() })
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
    encoder: Encoder,
    writer: Writer,
    requests: mpsc::Sender<Request>,
    waiting: VecDeque<Request>,
    /// Bytes that go out before the next frame: clipboard, mouse modes.
    extra: Vec<u8>,
    layouts: (mpsc::Sender<Picture>, mpsc::Receiver<Picture>),
    checks: (mpsc::Sender<Checked>, mpsc::Receiver<Checked>),
    dirty: bool,
    /// No frame before this.
    next_frame: Instant,
    /// Up to here the frames that were made use their time up; it lies in the past while a burst is saved up.
    paid: Instant,
    next_second: Instant,
    quit: bool,
    suspend: bool,
    mouse: bool,
}

impl Shell {
    fn new(options: Options, requests: mpsc::Sender<Request>) -> io::Result<Self> {
        let look = Look { theme: options.theme, charset: options.charset };
        let Options { keys, read_only, workspace, start, depth, .. } = options;
        let world = World { look, keys, read_only, workspace, now: now(), ..World::default() };
        let (run, opening) = match start {
            Start::Overview => (None, None),
            Start::Run(run) => (Some(run), None),
            Start::Replay(run, opening) => (None, Some((run, opening))),
        };
        let (mut app, mut effects) = App::new(world, run);
        if let Some((run, opening)) = opening {
            effects.extend(app.replay(run, opening));
        }
        let output = std::fs::File::from(rustix::io::dup(io::stdout())?);
        let mut shell = Self {
            app,
            encoder: Encoder::new(depth),
            writer: Writer::start(output, terminal::is_live)?,
            requests,
            waiting: VecDeque::new(),
            extra: Vec::new(),
            layouts: mpsc::channel(4),
            checks: mpsc::channel(4),
            dirty: true,
            next_frame: Instant::now(),
            paid: quiet_since(Instant::now()),
            next_second: Instant::now(),
            quit: false,
            suspend: false,
            mouse: false,
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
        self.dirty = true;
        self.carry_out(effects);
    }

    /// A message that a person waits for: its frame is not held back.
    fn tell_now(&mut self, message: Message) {
        self.tell(message);
        self.next_frame = Instant::now();
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
                Effect::Check(job) => {
                    let done = self.checks.0.clone();
                    tokio::task::spawn_blocking(move || {
                        // Without a console there is nobody to show it to.
                        let _ = done.blocking_send(check(&job));
                    });
                }
                Effect::Copy(text) => self.copy(&text),
                Effect::Bell => self.extra.push(0x07),
                Effect::Repaint => self.encoder.forget(),
                Effect::Mouse(on) => {
                    self.mouse = on;
                    self.extra.extend_from_slice(if on { terminal::MOUSE_ON } else { terminal::MOUSE_OFF });
                }
                Effect::Suspend => self.suspend = true,
                Effect::Quit => self.quit = true,
            }
        }
    }

    fn ask(&mut self, request: Request) {
        if matches!(request, Request::LogWindow(..)) {
            self.waiting.retain(|waiting| !matches!(waiting, Request::LogWindow(..)));
        }
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(request);
        } else {
            self.app.update(Message::Reply(Box::new(busy())), now());
        }
    }

    /// The clipboard by OSC 52, which works through SSH.
    fn copy(&mut self, text: &str) {
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        self.extra.extend_from_slice(b"\x1b]52;c;");
        self.extra.extend_from_slice(encoded.as_bytes());
        self.extra.extend_from_slice(b"\x07");
    }

    async fn turn(&mut self, guard: &Guard, replies: &mut mpsc::Receiver<Reply>) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let mut keys = EventStream::new();
        let mut heard = Vec::with_capacity(64);
        let mut open = true;
        let requests = self.requests.clone();
        loop {
            if self.quit {
                return Ok(());
            }
            if std::mem::take(&mut self.suspend) {
                self.stop(guard).await?;
            }
            self.paint();
            let ticking = self.app.is_ticking();
            self.next_second = self.next_second.min(Instant::now() + self.app.tick());
            tokio::select! {
                biased;
                () = terminal::panicked().notified() => return Err(io::Error::other("a part of the console failed")),
                _ = signals.hang_up.recv() => return Ok(()),
                _ = signals.terminate.recv() => return Ok(()),
                _ = signals.interrupt.recv() => return Ok(()),
                _ = signals.stop.recv() => self.suspend = true,
                _ = signals.resume.recv() => self.resume()?,
                event = keys.next() => match event {
                    Some(event) => self.terminal_event(event?)?,
                    None => return Ok(()),
                },
                drained = self.writer.drained() => drained?,
                () = sleep_until(self.next_frame), if self.dirty && !self.writer.is_busy() => {}
                Some(picture) = self.layouts.1.recv() => self.tell(Message::Layout(Box::new(picture))),
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
                () = sleep_until(self.next_second), if ticking => {
                    self.next_second = Instant::now() + self.app.tick();
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

    /// Sends the next frame if it is due and the terminal has taken the one before.
    fn paint(&mut self) {
        let due = self.dirty && Instant::now() >= self.next_frame;
        if self.writer.is_busy() || !due && self.extra.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.extra);
        if due {
            let (width, height) = self.app.size();
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            self.app.draw(&mut buffer);
            bytes.extend(self.encoder.frame(buffer));
            self.dirty = false;
            // Quiet time is saved up to a burst.
            self.paid = self.paid.max(quiet_since(Instant::now())) + PACE;
            self.next_frame = self.paid;
        }
        self.writer.send(bytes);
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

    fn resume(&mut self) -> io::Result<()> {
        terminal::enter_again()?;
        if self.mouse {
            self.extra.extend_from_slice(terminal::MOUSE_ON);
        }
        self.encoder.forget();
        self.resize()
    }
}

/// The longest quiet time that counts, as the moment when it began.
fn quiet_since(now: Instant) -> Instant {
    now.checked_sub(PACE * BURST).unwrap_or(now)
}

fn busy() -> Reply {
    Reply::Failed { what: "this request".to_owned(), error: "too many are waiting for the engine".to_owned() }
}

/// The only clock of the console.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::capabilities;
    use crate::tui::glyph::Charset;
    use crate::tui::terminal::Depth;

    fn of(variables: &[(&str, &str)]) -> (Depth, Charset) {
        capabilities(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_says_what_the_terminal_can() {
        assert_eq!(of(&[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")]), (Depth::Indexed, Charset::Unicode));
        assert_eq!(of(&[("TERM", "xterm"), ("COLORTERM", "truecolor"), ("LANG", "de_DE.utf8")]), (Depth::True, Charset::Unicode));
        assert_eq!(of(&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("LANG", "C")]), (Depth::Mono, Charset::Ascii));
        assert_eq!(of(&[("TERM", "linux"), ("LC_ALL", "C"), ("LANG", "C.UTF-8")]), (Depth::Palette, Charset::Ascii));
        assert_eq!(of(&[("TERM", "dumb"), ("LANG", "C.UTF-8")]), (Depth::Mono, Charset::Ascii));
        assert_eq!(of(&[("TERM", "vt100")]), (Depth::Mono, Charset::Ascii));
    }
}
