//! The terminal: one guard owns every mode it changes and undoes all of them, whatever happens.
//!
//! Nothing is asked of the terminal, only told. Must not know what is on screen.

mod encode;
pub mod writer;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, OnceLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::Notify;

pub use encode::{Depth, Encoder, SIXTEEN};

/// The window title put on the terminal's own stack and set; alternate screen, cleared; no cursor; bracketed paste.
const ENTER: &[u8] = b"\x1b[22;0t\x1b]2;flowdeck\x07\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?2004h";
/// The same backwards. Mouse modes are turned off too: that is harmless when they were not on.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[m\x1b[?25h\x1b[?1049l\x1b[23;0t";
pub const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
pub const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// Ends whatever sequence a frame was cut off in.
const ABORT: &[u8] = b"\x18";

/// What has to be given back. Only one console can own the terminal of a process.
struct Held {
    before: Termios,
    output: File,
}

static HELD: Mutex<Option<Held>> = Mutex::new(None);
/// True from entering until the modes have been undone. A frame is only written while it is.
static LIVE: AtomicBool = AtomicBool::new(false);

/// Told when a panic anywhere in the process has given the terminal back; the console then ends.
pub fn panicked() -> &'static Notify {
    static PANICKED: OnceLock<Notify> = OnceLock::new();
    PANICKED.get_or_init(Notify::new)
}

/// Owns the modes from `enter` on; leaving happens once, by `leave`, by a panic in any thread, or on drop.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Turns raw mode, the alternate screen and bracketed paste on, and hides the cursor.
    ///
    /// # Errors
    /// When standard input or output is no terminal.
    pub fn enter() -> io::Result<Self> {
        restore_on_panic();
        let guard = Self(());
        enter_again()?;
        Ok(guard)
    }

    /// Undoes every mode now. A second call does nothing.
    pub fn leave(&self) {
        restore(false);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore(false);
    }
}

/// Turns the modes on, after `Guard::enter` or when the process goes on after a stop. Modes that are already held stay
/// the ones to go back to.
///
/// # Errors
/// When standard input or output is no terminal.
pub fn enter_again() -> io::Result<()> {
    let input = io::stdin();
    let before = tcgetattr(input.as_fd())?;
    let output = File::from(rustix::io::dup(io::stdout().as_fd())?);
    rustix::termios::tcgetwinsize(output.as_fd())?;
    let mut raw = before.clone();
    raw.make_raw();
    let mut held = HELD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    held.get_or_insert(Held { before, output });
    LIVE.store(true, Ordering::SeqCst);
    drop(held);
    tcsetattr(input.as_fd(), OptionalActions::Now, &raw)?;
    write_all(&mut io::stdout().lock(), ENTER)
}

/// False once the modes have been undone: nothing more may be written then.
pub fn is_live() -> bool {
    LIVE.load(Ordering::SeqCst)
}

fn write_all(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    output.write_all(bytes)?;
    output.flush()
}

/// Undoes the modes if they are on; true when this call did it. Never waits long: a terminal that takes no more bytes
/// (a hang-up, a stopped reader) gets its line settings back and nothing else.
fn restore(cut_off: bool) -> bool {
    LIVE.store(false, Ordering::SeqCst);
    let held = match HELD.try_lock() {
        Ok(mut held) => held.take(),
        Err(std::sync::TryLockError::Poisoned(held)) => held.into_inner().take(),
        Err(std::sync::TryLockError::WouldBlock) => None,
    };
    let Some(Held { before, mut output }) = held else { return false };
    let sent = if cut_off { [ABORT, LEAVE].concat() } else { LEAVE.to_vec() };
    if takes_bytes(&output, Duration::from_millis(200)) {
        // The terminal may be gone; there is nobody left to tell.
        let _ = write_all(&mut output, &sent);
    }
    let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &before);
    true
}

fn takes_bytes(output: &File, patience: Duration) -> bool {
    let mut fds = [PollFd::new(output, PollFlags::OUT)];
    let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos().into() };
    matches!(poll(&mut fds, Some(&patience)), Ok(1..)) && fds[0].revents().contains(PollFlags::OUT)
}

/// Puts the restoring hook before whatever hook is there, once per process: the message of a panic must be readable.
fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if restore(true) {
                panicked().notify_one();
            }
            before(panic);
        }));
    });
}
