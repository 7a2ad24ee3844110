//! The runner's main thread: the engine's connection, one at a time, and the decision when to leave.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FlockOperation;

use super::crew::Crew;
use super::identity::{Identity, socket_path};
use super::protocol::{Command, MAX_LINE, Message};
use super::stop::Cancel;
use super::table::{Entry, Key, Shared};
use super::{attempt, committer, link::Link};
use crate::process::Spec;

/// With no engine and nothing to do, the runner leaves after this.
const IDLE: Duration = Duration::from_secs(60);
/// A connection must say who it is within this.
const HELLO: Duration = Duration::from_secs(5);
const STACK: usize = 512 * 1024;

/// What the runner tells its starter through standard output.
pub(super) const READY: &str = "ready\n";
pub(super) const TAKEN: &str = "taken\n";

/// The runner process for the run in `dir`. Returns when the run needs it no longer.
pub fn main(dir: &Path) -> ExitCode {
    match serve(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the run's `runner.log`.
            writeln!(io::stderr(), "runner: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn serve(dir: &Path) -> io::Result<()> {
    crate::process::inherited::close_all()?;
    // The terminal and its signals are none of ours. Fails when we lead a group, and then we were started detached.
    rustix::process::setsid().ok();
    let dir = dir.canonicalize()?;
    let lock = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join("runner.lock"))?;
    if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return say(TAKEN);
    }
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let identity = Identity::own()?;
    let listener = listen(&dir)?;
    identity.write(&dir)?;
    let shared = Arc::new(Shared::new(dir)?);
    let for_committer = Arc::clone(&shared);
    std::thread::Builder::new().name("results".to_owned()).stack_size(STACK).spawn(move || committer::run(&for_committer))?;
    // A starter that died in between does not matter: the next engine finds this runner by its identity.
    say(READY).ok();
    Server { shared: &shared, listener: &listener, cookie: identity.cookie, crew: Arc::default() }.run()?;
    std::fs::remove_file(socket_path(&shared.dir)).ok();
    // Everything it was told to start has a result by now. Whatever else the journal means to have begun never did.
    Identity::remove(&shared.dir);
    drop(lock);
    Ok(())
}

/// Tells the starter, and lets go of its pipe.
fn say(word: &str) -> io::Result<()> {
    io::stdout().write_all(word.as_bytes())?;
    io::stdout().flush()?;
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(())
}

fn listen(dir: &Path) -> io::Result<UnixListener> {
    let path = socket_path(dir);
    if let Some(parent) = path.parent().filter(|parent| *parent != dir) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    // We hold the lock: a socket that is there belongs to a runner that is dead.
    std::fs::remove_file(&path).ok();
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

struct Server<'a> {
    shared: &'a Arc<Shared>,
    listener: &'a UnixListener,
    cookie: String,
    crew: Arc<Crew>,
}

/// What there is to do.
struct Events {
    /// A new connection, or something to read on the one there is.
    input: bool,
    /// The engine takes bytes again.
    writable: bool,
    /// Nothing happened for the whole time.
    timed_out: bool,
}

impl Server<'_> {
    fn run(&self) -> io::Result<()> {
        let mut timed_out = false;
        while !self.may_leave(timed_out) {
            let events = self.wait(None, false)?;
            timed_out = events.timed_out;
            if events.input {
                match self.listener.accept() {
                    Ok((stream, _)) if self.converse(&stream) => return Ok(()),
                    Ok(_) => {}
                    // No descriptors left: the stages go on, and the next try comes when some of them have ended.
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            }
        }
        Ok(())
    }

    /// Without an engine: leave when the run is over, or when there was nothing to do for long.
    fn may_leave(&self, timed_out: bool) -> bool {
        let table = self.shared.table();
        // Without its directory there is nobody to keep results for.
        let forsaken = timed_out && !table.is_running() && !self.shared.dir.exists();
        forsaken || (table.is_idle() && (table.leaving || timed_out))
    }

    /// Waits for the connection, or for a new one when there is none.
    fn wait(&self, stream: Option<&UnixStream>, behind: bool) -> io::Result<Events> {
        let idle = stream.is_none() && self.shared.table().is_idle();
        let input = stream.map_or(self.listener.as_fd(), AsFd::as_fd);
        let interest = if behind { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut fds = [PollFd::from_borrowed_fd(input, interest), PollFd::new(&self.shared.waker, PollFlags::IN)];
        let timeout = idle.then(|| Timespec { tv_sec: IDLE.as_secs().cast_signed(), tv_nsec: 0 });
        let ready = rustix::io::retry_on_intr(|| poll(&mut fds, timeout.as_ref()))?;
        let flags = fds[0].revents();
        if !fds[1].revents().is_empty() {
            rustix::io::read(&self.shared.waker, &mut [0_u8; 8]).ok();
        }
        Ok(Events {
            input: flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR),
            writable: flags.contains(PollFlags::OUT),
            timed_out: ready == 0,
        })
    }

    /// One engine, from its first line to the end of its connection. True when the runner shall leave.
    /// Whatever is wrong with a connection ends only the connection.
    fn converse(&self, stream: &UnixStream) -> bool {
        let left = self.greet(stream).and_then(|lines| lines.map_or(Ok(false), |mut lines| self.obey(stream, &mut lines)));
        self.shared.table().link = None;
        // What the engine did not acknowledge goes to disk now.
        self.shared.finished.notify_one();
        left.unwrap_or(false)
    }

    /// Exchanges hello and welcome. None when the other end is not our engine.
    fn greet(&self, stream: &UnixStream) -> io::Result<Option<CommandLines>> {
        let mut lines = CommandLines::new(stream.try_clone()?);
        stream.set_read_timeout(Some(HELLO))?;
        match lines.first() {
            Some(Command::Hello { cookie, masks, environment }) if cookie == self.cookie => {
                let mut table = self.shared.table();
                table.learn(masks, environment);
                let welcome = Message::Welcome(table.welcome());
                table.link = Some(Link::new(stream.try_clone()?));
                self.shared.send(&mut table, &welcome);
            }
            _ => return Ok(None),
        }
        stream.set_read_timeout(None)?;
        Ok(Some(lines))
    }

    fn obey(&self, stream: &UnixStream, lines: &mut CommandLines) -> io::Result<bool> {
        loop {
            while let Some(command) = lines.next_buffered()? {
                self.handle(command);
            }
            let table = self.shared.table();
            let behind = table.link.as_ref().is_some_and(Link::has_backlog);
            if table.is_over() && !behind {
                return Ok(true);
            }
            drop(table);
            let events = self.wait(Some(stream), behind)?;
            if events.writable
                && let Some(link) = &mut self.shared.table().link
            {
                link.flush();
            }
            if events.input && !lines.read()? {
                return Ok(false);
            }
        }
    }

    fn handle(&self, command: Command) {
        match command {
            Command::Hello { masks, environment, .. } => self.shared.table().learn(masks, environment),
            Command::Start { stage, attempt, spec } => self.start((stage, attempt), spec),
            Command::Cancel { stage, attempt, force } => {
                if let Some(Entry::Running { cancel, .. }) = self.shared.table().attempts.get(&(stage, attempt)) {
                    cancel.ask(force);
                }
            }
            Command::Ack { stage, attempt } => self.shared.table().acknowledged(&(stage, attempt)),
            Command::Shutdown => self.shared.table().leaving = true,
        }
    }

    fn start(&self, key: Key, spec: Box<Spec>) {
        let mut table = self.shared.table();
        if table.settled.contains(&key) {
            return;
        }
        if let Some(entry) = table.attempts.get(&key) {
            let message = match entry {
                Entry::Running { pid: None, .. } => return,
                Entry::Running { pid: Some(pid), .. } => Message::Started { stage: key.0, attempt: key.1, pid: *pid },
                Entry::Finished { exit, .. } => Message::Finished { stage: key.0, attempt: key.1, exit: exit.clone() },
            };
            return self.shared.send(&mut table, &message);
        }
        let cancel = match Cancel::new() {
            Ok(cancel) => Arc::new(cancel),
            Err(error) => {
                drop(table);
                return self.shared.ended(&key, attempt::failed(format!("could not prepare the attempt: {error}")));
            }
        };
        let masker = table.masker.clone();
        table.attempts.insert(key.clone(), Entry::Running { pid: None, cancel: Arc::clone(&cancel) });
        drop(table);
        let (shared, name) = (Arc::clone(self.shared), key.clone());
        let body = move || attempt::run(&shared, &name, &spec, &cancel, &masker);
        if let Err(error) = self.crew.run(STACK, Box::new(body)) {
            self.shared.ended(&key, attempt::failed(format!("could not start a thread for the attempt: {error}")));
        }
    }
}

/// The commands of one connection.
struct CommandLines {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// Where the unread bytes of `buffer` begin.
    from: usize,
}

impl CommandLines {
    fn new(stream: UnixStream) -> Self {
        Self { stream, buffer: Vec::new(), from: 0 }
    }

    /// The first command, waiting for it. None when the connection does not speak our language.
    fn first(&mut self) -> Option<Command> {
        loop {
            if let Some(command) = self.next_buffered().ok()? {
                return Some(command);
            }
            if !self.read().ok()? {
                return None;
            }
        }
    }

    /// The next command that has arrived completely.
    fn next_buffered(&mut self) -> io::Result<Option<Command>> {
        let unread = &self.buffer[self.from..];
        let Some(end) = memchr::memchr(b'\n', unread) else {
            self.buffer.drain(..self.from);
            self.from = 0;
            return if self.buffer.len() > MAX_LINE { Err(io::Error::other("a command is too long")) } else { Ok(None) };
        };
        let command = serde_json::from_slice(&unread[..end])?;
        self.from += end + 1;
        Ok(Some(command))
    }

    /// Reads once; false at the end of the connection.
    fn read(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let read = self.stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(read > 0)
    }
}
