//! The outside of the pty: types, sends signals, and judges by what a terminal would show.

#![allow(dead_code, clippy::allow_attributes, reason = "shared by tests and benches, each using a part")]

use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use pty_process::blocking::Command;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::termios::{LocalModes, Termios, tcgetattr};

/// Longer than anything takes on a busy machine; only a hung console waits for it.
const LONG: Duration = Duration::from_secs(60);

/// Means nothing to a terminal.
const MARK: &[u8] = b"\x1b_end\x1b\\";

/// A line between the console and its terminal: bytes a second from the console, and the time each way takes.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub rate: u32,
    pub way: Duration,
}

type Chunks = Receiver<(Instant, Vec<u8>)>;

pub struct Console {
    input: Option<std::fs::File>,
    /// Kept open, so that the terminal's settings can be read when the console is gone.
    terminal: Option<pty_process::blocking::Pts>,
    control: Option<OwnedFd>,
    chunks: Option<Chunks>,
    line: Option<Line>,
    seen: Vec<u8>,
    parser: vt100::Parser,
    before: Termios,
    child: std::process::Child,
    gone: bool,
}

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("not zero")
}

impl Console {
    /// Starts a command in a pty of this size.
    pub fn spawn(command: Command, width: u16, height: u16) -> Self {
        Self::spawn_behind(command, width, height, None)
    }

    /// The same with a slow line in between.
    pub fn spawn_behind(mut command: Command, width: u16, height: u16, line: Option<Line>) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a pty");
        pty.resize(pty_process::Size::new(height, width)).expect("a size");
        let before = tcgetattr(&pty).expect("settings");
        let child = command.spawn_borrowed(&pts).expect("the console starts");
        let copy = || pty.as_fd().try_clone_to_owned().expect("a copy");
        let (input, control, mut output) = (std::fs::File::from(copy()), copy(), std::fs::File::from(copy()));
        let (send, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            let most = if line.is_some() { 256 } else { buffer.len() };
            while let Ok(count @ 1..) = output.read(&mut buffer[..most]) {
                let mut arrives = Instant::now();
                if let Some(line) = line {
                    let count = u32::try_from(count).expect("small");
                    std::thread::sleep(Duration::from_secs(1) * count / line.rate);
                    arrives = Instant::now() + line.way;
                }
                if send.send((arrives, buffer[..count].to_vec())).is_err() {
                    return;
                }
            }
        });
        Self {
            input: Some(input),
            terminal: Some(pts),
            control: Some(control),
            chunks: Some(chunks),
            line,
            seen: Vec::new(),
            parser: vt100::Parser::new(size(height), size(width), 0),
            before,
            child,
            gone: false,
        }
    }

    /// Types a key again and again until one stays unread: whoever listens has heard of one and does not listen any more.
    pub fn type_until_unread(&mut self, key: &str) {
        self.wait("a key that nobody reads", |console| {
            let unread = || rustix::io::ioctl_fionread(console.terminal.as_ref().expect("kept")).expect("a terminal");
            unread() > 0 || {
                console.input.as_ref().expect("open").write_all(key.as_bytes()).expect("typed");
                false
            }
        });
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Takes what the terminal was sent, for at most `patience`; false when nothing came.
    pub fn read(&mut self, patience: Duration) -> bool {
        let Some(chunks) = &self.chunks else { return false };
        match chunks.recv_timeout(patience) {
            Ok((arrives, bytes)) => {
                std::thread::sleep(arrives.saturating_duration_since(Instant::now()));
                self.parser.process(&bytes);
                self.seen.extend(bytes);
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    pub fn wait(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + LONG;
        while !done(self) {
            assert!(Instant::now() < end, "{what} did not come:\n{}", self.screen());
            self.read(Duration::from_millis(20));
        }
    }

    pub fn wait_for(&mut self, text: &str) {
        self.wait(text, |console| console.screen().contains(text));
    }

    pub fn wait_until_gone(&mut self, text: &str) {
        self.wait(&format!("the end of `{text}`"), |console| !console.screen().contains(text));
    }

    pub fn wait_for_bytes(&mut self, bytes: &[u8]) {
        self.wait("a sequence", |console| console.holds(bytes));
    }

    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    /// What the terminal was sent since the start, or since `forget_bytes`.
    pub fn bytes(&self) -> &[u8] {
        &self.seen
    }

    pub fn parsed(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.count(bytes) > 0
    }

    pub fn count(&self, bytes: &[u8]) -> usize {
        self.seen.windows(bytes.len()).filter(|window| *window == bytes).count()
    }

    /// Bytes after the first `from` and before the last `to`.
    pub fn bytes_between(&self, from: &[u8], to: &[u8]) -> usize {
        let start = self.seen.windows(from.len()).position(|window| window == from).expect("entered");
        let end = self.seen.windows(to.len()).rposition(|window| window == to).expect("left");
        end - start
    }

    pub fn forget_bytes(&mut self) {
        while self.read(Duration::ZERO) {}
        self.seen.clear();
        let (height, width) = (self.parser.screen().size().0, self.parser.screen().size().1);
        self.parser = vt100::Parser::new(height, width, 0);
    }

    pub fn type_keys(&mut self, keys: &str) {
        self.type_bytes(keys.as_bytes());
    }

    pub fn type_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("open");
        if let Some(line) = self.line {
            let (mut input, bytes) = (input.try_clone().expect("a copy"), bytes.to_vec());
            std::thread::spawn(move || {
                std::thread::sleep(line.way);
                // The console may be gone by then.
                let _ = input.write_all(&bytes);
            });
            return;
        }
        input.write_all(bytes).expect("the terminal takes keys");
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is there");
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        let winsize = rustix::termios::Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(self.control.as_ref().expect("open"), winsize).expect("a size");
        self.read(Duration::ZERO);
        self.parser.screen_mut().set_size(size(height), size(width));
    }

    pub fn is_raw(&self) -> bool {
        let now = tcgetattr(self.terminal.as_ref().expect("open")).expect("settings");
        !now.local_modes.contains(LocalModes::ICANON)
    }

    /// The line settings are what they were before the console started.
    pub fn assert_restored(&self) {
        let now = tcgetattr(self.terminal.as_ref().expect("open")).expect("settings");
        // All of it: modes, special characters, speeds.
        assert_eq!(format!("{now:?}"), format!("{:?}", self.before));
    }

    pub fn wait_until_stopped(&mut self) {
        let pid = self.pid();
        self.wait("the stop", |_| state(pid) == Some('T'));
        while self.read(Duration::from_millis(20)) {}
    }

    /// Waits until the terminal has no room for what the console has to say, and gets none for a while.
    pub fn wait_until_full(&mut self) {
        self.wait("a full terminal", |console| {
            let mut asked = [PollFd::new(console.terminal.as_ref().expect("kept"), PollFlags::OUT)];
            let a_while = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
            rustix::event::poll(&mut asked, Some(&a_while)).expect("a terminal") == 0
        });
    }

    /// Nothing more is read from the terminal: its buffer fills up.
    pub fn stop_reading(&mut self) {
        self.chunks = None;
    }

    /// Closes the terminal as a lost connection does.
    pub fn hang_up(&mut self) {
        self.input = None;
        self.control = None;
        self.terminal = None;
        kill_process(self.pid(), Signal::HUP).expect("it is there");
    }

    pub fn wait_for_exit(&mut self) {
        let pid = self.pid();
        self.wait("the end", |_| matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(Some(_)) | Err(_)));
        self.gone = true;
        self.read_to_the_end();
    }

    /// What was written before is read when a mark that is written now has come.
    fn read_to_the_end(&mut self) {
        let Some(terminal) = self.terminal.as_ref().filter(|_| self.chunks.is_some()) else {
            while self.read(Duration::from_millis(50)) {}
            return;
        };
        assert_eq!(rustix::io::write(terminal, MARK).expect("the terminal takes a mark"), MARK.len());
        self.wait("the last bytes", |console| console.seen.ends_with(MARK));
        self.seen.truncate(self.seen.len() - MARK.len());
    }

    /// No byte, no processor time and no wake-up of any thread for a while; a busy machine gets a few tries to settle.
    pub fn assert_idle(&mut self, window: Duration) {
        for _ in 0..20 {
            while self.read(Duration::from_millis(50)) {}
            let work = |pid| (switches(pid), processor_time(pid));
            let before = work(self.child.id());
            if !self.read(window) && work(self.child.id()) == before {
                return;
            }
        }
        panic!("it never was idle");
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if !self.gone {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// Voluntary context switches of all threads: every wake-up ends in one.
fn switches(pid: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
    let count = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    tasks.filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok()).filter_map(count).sum()
}

/// User and system time of all threads, in the kernel's ticks.
pub fn processor_time(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}
