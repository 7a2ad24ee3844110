//! What the worker does to the world: moving traffic and measuring, each within its own time.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use super::plan::{Action, Probe};
use super::reading::{Found, line, samples};
use super::worker::say_bytes;
use crate::operators::ask::Ask;
use crate::operators::http::Http;
use crate::process::{self, Spec, group};

/// More of what a program prints is not read as its answer.
const LONGEST: usize = 64 * 1024;
/// After a program has ended: how long its background processes may keep its output open.
const LINGER: Duration = Duration::from_millis(500);

/// How a program ended.
#[derive(Debug)]
struct Ran {
    /// Absent when a signal ended it.
    code: Option<i32>,
    printed: Vec<u8>,
}

/// Moves traffic.
///
/// # Errors
/// Why it was not moved, or not surely, in a lower-case sentence.
pub(super) async fn act(action: &Action, http: &Http) -> Result<(), String> {
    match action {
        Action::Request(ask) => match ask.send(http).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("the server answered {}", answer.status)),
            Err(error) => Err(said(&error)),
        },
        Action::Program(spec) => match run(spec, false).await?.code {
            Some(0) => Ok(()),
            Some(code) => Err(format!("exit code {code}")),
            None => Err("ended by a signal".to_owned()),
        },
    }
}

/// Measures.
///
/// # Errors
/// Why nothing could be measured, in a lower-case sentence.
pub(super) async fn measure(probe: &Probe, http: &Http) -> Result<Found, String> {
    let ask = |ask: Ask| async move { ask.send(http).await.map_err(|error| said(&error)) };
    match probe {
        Probe::Http(question) => {
            let answer = ask(question.clone()).await?;
            let (status, is_good) = (Some(i64::from(answer.status)), (200..400).contains(&answer.status));
            Ok(Found { result: answer.body.clone(), status, body: answer.body, is_good })
        }
        Probe::Prometheus(question) => {
            let answer = ask(question.clone()).await?;
            let result = samples(answer.status, &answer.body)?;
            Ok(Found { result, status: Some(i64::from(answer.status)), body: answer.body, is_good: true })
        }
        Probe::Command(spec) => {
            let ran = run(spec, true).await?;
            let code = ran.code.ok_or("ended by a signal")?;
            let text = String::from_utf8_lossy(&ran.printed).trim().to_owned();
            let result = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
            Ok(Found { result, status: Some(i64::from(code)), body: Value::String(text), is_good: code == 0 })
        }
    }
}

fn said(error: &crate::model::StageError) -> String {
    let cause = error.cause.as_deref().map(|cause| format!(": {cause}")).unwrap_or_default();
    line(&format!("{}{cause}", error.message))
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

/// Runs a program to its end. What it prints goes to the log, or, when it is kept, what it says on standard error.
async fn run(spec: &Spec, keep: bool) -> Result<Ran, String> {
    let plain = |error: std::io::Error| process::spawn::plain(&error);
    let started = process::spawn(spec, &[]).map_err(|error| error.to_string())?;
    let limit = Duration::from_millis(spec.timeout_ms.unwrap_or(u64::MAX));
    let (child, mut group, mut printed) = (started.child, Group(None), Vec::new());
    group.0 = Some(child.pid);
    let late = {
        let output = async {
            let kept = keep.then_some(&mut printed);
            // A pipe that breaks has nothing more to say.
            let _ = tokio::join!(pass_on(started.stdout, kept), pass_on(started.stderr, None));
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
    Ok(Ran { code: status.and_then(|status| status.code), printed })
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

/// Reads a program's output to its end, into the log or into `kept`.
async fn pass_on(from: OwnedFd, mut kept: Option<&mut Vec<u8>>) -> std::io::Result<()> {
    let mut from = Receiver::from_owned_fd(from)?;
    let mut piece = vec![0; 8192];
    loop {
        let length = from.read(&mut piece).await?;
        match &mut kept {
            _ if length == 0 => return Ok(()),
            Some(kept) => {
                let room = LONGEST.saturating_sub(kept.len()).min(length);
                kept.extend_from_slice(&piece[..room]);
            }
            None => say_bytes(&piece[..length]),
        }
    }
}
