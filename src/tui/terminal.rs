//! The terminal: one guard owns every mode it changes and undoes all of them, whatever happens.
//!
//! Nothing is asked of the terminal, only told. Must not know what is on screen.

mod abilities;
mod encode;
pub mod modes;
pub mod sink;
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

pub use abilities::{Abilities, Depth, Feature, capabilities};
pub use encode::{Encoder, SIXTEEN};
pub use writer::Stall;

/// Ends whatever sequence a frame was cut off in.
const ABORT: &[u8] = b"\x18";
/// How long leaving waits for a terminal that takes no bytes.
const PATIENCE: Duration = Duration::from_millis(200);

/// What has to be given back. Only one console can own the terminal of a process.
struct Held {
    before: Termios,
    output: File,
    /// What undoes the modes.
    leave: Vec<u8>,
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
pub struct Guard {
    abilities: Abilities,
}

impl Guard {
    /// Turns raw mode on and the modes that the terminal has: alternate screen, no cursor, bracketed paste, title.
    ///
    /// # Errors
    /// When standard input or output is no terminal.
    pub fn enter(abilities: Abilities) -> io::Result<Self> {
        restore_on_panic();
        let guard = Self { abilities };
        guard.enter_again()?;
        Ok(guard)
    }

    /// Turns the modes on once more, when the process goes on after a stop. Modes that are already held stay the ones
    /// to go back to.
    ///
    /// # Errors
    /// When standard input or output is no terminal.
    pub fn enter_again(&self) -> io::Result<()> {
        let input = io::stdin();
        let before = tcgetattr(input.as_fd())?;
        let output = File::from(rustix::io::dup(io::stdout().as_fd())?);
        rustix::termios::tcgetwinsize(output.as_fd())?;
        let mut raw = before.clone();
        raw.make_raw();
        let mut held = HELD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        held.get_or_insert(Held { before, output, leave: modes::leave(&self.abilities) });
        LIVE.store(true, Ordering::SeqCst);
        drop(held);
        tcsetattr(input.as_fd(), OptionalActions::Now, &raw)?;
        write_all(&mut io::stdout().lock(), &modes::enter(&self.abilities))
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
    let Some(Held { before, output, mut leave }) = held else { return false };
    if cut_off {
        leave.splice(0..0, ABORT.iter().copied());
    }
    if takes_bytes(&output, PATIENCE) {
        send(output, leave);
    }
    let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &before);
    true
}

/// Writes from a thread that may be left behind: a terminal with room for a few bytes only would block the rest.
fn send(mut output: File, bytes: Vec<u8>) {
    let (done, written) = std::sync::mpsc::channel();
    let write = move || {
        // The terminal may be gone; there is nobody left to tell.
        let _ = write_all(&mut output, &bytes);
        let _ = done.send(());
    };
    if std::thread::Builder::new().name("farewell".to_owned()).spawn(write).is_ok() {
        let _ = written.recv_timeout(PATIENCE);
    }
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
