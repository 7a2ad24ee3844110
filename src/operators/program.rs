//! A program that is waited for: its time, its output, and the end of its whole group.
//!
//! Must not know why it runs. Stages that are programs are the runner's; these are steps of something larger.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::process::{self, Spec, group};

/// More of what a program prints is not kept.
const LONGEST: usize = 64 * 1024;
/// After a program has ended: how long its background processes may keep its output open.
const LINGER: Duration = Duration::from_millis(500);

/// What becomes of what a program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// It goes to our own standard output.
    Shown,
    /// Standard output is kept, standard error shown.
    Kept,
    Dropped,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ran {
    /// Absent when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) printed: Vec<u8>,
}

/// A program's process group. It goes with whoever waits for it: nothing that measures outlives the rollout.
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            group::signal(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Runs a program to its end, within its time.
///
/// # Errors
/// Why it did not run to its end, in a lower-case sentence.
pub(super) async fn run(spec: &Spec, printed: Printed) -> Result<Ran, String> {
    let plain = |error: std::io::Error| process::spawn::plain(&error);
    let started = process::spawn(spec, &[]).map_err(|error| error.to_string())?;
    let limit = Duration::from_millis(spec.timeout_ms.unwrap_or(u64::MAX));
    let (child, mut kept) = (started.child, Vec::new());
    let mut group = Group(Some(child.pid));
    let late = {
        let output = async {
            let (out, err) = match printed {
                Printed::Shown => (Sink::Log, Sink::Log),
                Printed::Kept => (Sink::Keep(&mut kept), Sink::Log),
                Printed::Dropped => (Sink::Drop, Sink::Drop),
            };
            // A pipe that breaks has nothing more to say.
            let _ = tokio::join!(pass_on(started.stdout, out), pass_on(started.stderr, err));
        };
        let ended = end_within(&child, &group, limit, Duration::from_millis(spec.grace_ms));
        tokio::pin!(output, ended);
        tokio::select! {
            late = &mut ended => {
                let _ = tokio::time::timeout(LINGER, output).await;
                late
            }
            () = &mut output => ended.await,
        }
    };
    // Whatever it left behind belongs to nobody. Its number cannot be another's before it was waited for.
    group.signal(Signal::KILL);
    group.0 = None;
    let status = child.try_wait().map_err(plain)?;
    if late.map_err(plain)? {
        return Err(format!("did not end within {} ms", limit.as_millis()));
    }
    Ok(Ran { code: status.and_then(|status| status.code), printed: kept })
}

/// Waits for the end of a program, and brings it about when it is late. Gives whether it was.
async fn end_within(child: &process::Child, group: &Group, limit: Duration, grace: Duration) -> std::io::Result<bool> {
    if let Ok(end) = tokio::time::timeout(limit, end_of(child)).await {
        return end.map(|()| false);
    }
    group.signal(Signal::TERM);
    if let Ok(end) = tokio::time::timeout(grace, end_of(child)).await {
        return end.map(|()| true);
    }
    group.signal(Signal::KILL);
    end_of(child).await.map(|()| true)
}

/// Comes back when the program has ended. On a thread of its own, which the end of the program ends as well.
async fn end_of(child: &process::Child) -> std::io::Result<()> {
    let pidfd = child.pidfd.try_clone()?;
    let wait = move || {
        let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).map(drop)
    };
    let waited = tokio::task::spawn_blocking(wait).await;
    Ok(waited.map_err(std::io::Error::other)??)
}

/// Where a program's output goes.
enum Sink<'a> {
    Log,
    Keep(&'a mut Vec<u8>),
    Drop,
}

/// Reads a program's output to its end.
async fn pass_on(from: OwnedFd, mut to: Sink<'_>) -> std::io::Result<()> {
    let mut from = Receiver::from_owned_fd(from)?;
    let mut piece = vec![0; 8192];
    loop {
        let length = from.read(&mut piece).await?;
        match &mut to {
            _ if length == 0 => return Ok(()),
            Sink::Keep(kept) => {
                let room = LONGEST.saturating_sub(kept.len()).min(length);
                kept.extend_from_slice(&piece[..room]);
            }
            Sink::Log => say_bytes(&piece[..length]),
            Sink::Drop => {}
        }
    }
}

/// Writes into the log of the stage that this process is. It does not stop half-way because nobody reads what it says.
pub(super) fn say_bytes(text: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text).and_then(|()| out.flush());
}
