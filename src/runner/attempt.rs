//! One attempt from start to end, on a thread of its own: output, deadline, cancel, and the end of its whole family.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use super::identity::attempt_mark;
use super::outputs::OutputFile;
use super::pump::Pump;
use super::stop::{Cancel, Wish};
use super::table::{Key, Shared};
use crate::logs::log_path;
use crate::logs::mask::Masker;
use crate::logs::segment::Segment;
use crate::model::Timestamp;
use crate::process::{Child, Exit, Spec, Started, Status, group, kin, spawn};

/// After the main process has ended: how long its background processes may keep the output open.
const LINGER: Duration = Duration::from_millis(500);
/// After the group is gone: how long a process that left it may keep the output open.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// The longest grace for background processes that a stage left behind.
const LEFTOVER_GRACE: Duration = Duration::from_secs(2);
/// After KILL: how long the kernel may take. Only a process stuck in the kernel takes longer.
const KILL_TIME: Duration = Duration::from_secs(5);

/// Why an attempt is being ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Cancel,
    Timeout,
    Log,
}

/// What the attempt is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The main process.
    Main,
    /// The main process has ended; its output has not.
    Output {
        until: Instant,
    },
    /// Processes of the group or family that were told to end.
    Family,
    /// The very last output.
    LastWords {
        until: Instant,
    },
    Over,
}

struct Attempt<'a> {
    shared: &'a Shared,
    key: &'a Key,
    spec: &'a Spec,
    cancel: &'a Cancel,
    child: Child,
    pump: Pump,
    mark: String,
    phase: Phase,
    status: Option<Status>,
    deadline: Option<Instant>,
    reason: Option<Reason>,
    /// When TERM turns into KILL; none before anything was told to end, or after KILL.
    kill_at: Option<Instant>,
    /// KILL was sent: since when we wait for it.
    killed: Option<Instant>,
    family: Vec<(Pid, OwnedFd)>,
}

/// Runs the attempt and reports its end.
pub fn run(shared: &Shared, key: &Key, spec: &Spec, cancel: &Arc<Cancel>, masker: &Masker) {
    // Should this thread ever panic, the engine still gets an answer, and the others go on.
    let execution = std::panic::AssertUnwindSafe(|| execute(shared, key, spec, cancel, masker));
    let exit = std::panic::catch_unwind(execution).unwrap_or_else(|_| failed("the runner failed at this attempt".to_owned()));
    if exit.lines > 0 {
        shared.progress(key, exit.lines, exit.bytes, true);
    }
    shared.ended(key, exit);
}

fn execute(shared: &Shared, key: &Key, spec: &Spec, cancel: &Cancel, masker: &Masker) -> Exit {
    let (began, start) = (Instant::now(), now());
    if cancel.take() != Wish::None {
        return Exit { cancelled: true, ..blank() };
    }
    let outputs = match OutputFile::create(&shared.dir, &key.0, key.1) {
        Ok(outputs) => outputs,
        Err(error) => return failed(format!("$FLOWDECK_OUTPUT could not be created: {}", spawn::plain(&error))),
    };
    let mark = attempt_mark(&shared.dir, &key.0, key.1);
    let output_path = outputs.path().to_string_lossy();
    let started = match crate::process::spawn(spec, &[("FLOWDECK_OUTPUT", &output_path), (kin::MARK, &mark)]) {
        Ok(started) => started,
        Err(error) => return failed(masker.mask_text(&error.to_string())),
    };
    let Started { child, stdout, stderr } = started;
    shared.started(key, child.pid.as_raw_nonzero().get());
    let segment = Segment::new(log_path(&shared.dir, &key.0, key.1), start);
    let mut attempt = Attempt {
        shared,
        key,
        spec,
        cancel,
        child,
        pump: Pump::new(stdout, stderr, segment, began, masker),
        mark,
        phase: Phase::Main,
        status: None,
        deadline: spec.timeout_ms.and_then(|ms| began.checked_add(Duration::from_millis(ms))),
        reason: None,
        kill_at: None,
        killed: None,
        family: Vec::new(),
    };
    while attempt.phase != Phase::Over {
        attempt.turn();
    }
    attempt.exit(began, &outputs, masker)
}

/// An attempt that is given up in the middle leaves no process behind.
impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.phase != Phase::Over {
            self.kill();
        }
    }
}

impl Attempt<'_> {
    /// Waits for the next thing to happen, and deals with it.
    fn turn(&mut self) {
        let ready = self.wait();
        for number in [0, 1] {
            if ready.pipes[number] {
                self.pump.read(number);
            }
        }
        if ready.pipes != [false; 2] {
            self.pump.write();
        }
        let now = Instant::now();
        if let Some((lines, bytes)) = self.pump.tick(now) {
            self.shared.progress(self.key, lines, bytes, false);
        }
        if self.phase == Phase::Main && self.pump.failure().is_some() && self.reason.is_none() {
            self.stop(Reason::Log, false);
        }
        if ready.cancel {
            match self.cancel.take() {
                Wish::None => {}
                Wish::Gently => self.stop(Reason::Cancel, false),
                Wish::AtOnce => self.stop(Reason::Cancel, true),
            }
        }
        if self.phase == Phase::Main && ready.child {
            self.main_process_ended();
        }
        self.forget_ended(&ready.family);
        self.on_time(now);
    }

    fn wait(&self) -> Ready {
        let mut fds = Vec::with_capacity(4 + self.family.len());
        fds.push(PollFd::new(&self.cancel.event, PollFlags::IN));
        let watches_child = self.phase == Phase::Main;
        if watches_child {
            fds.push(PollFd::new(&self.child.pidfd, PollFlags::IN));
        }
        let mut numbers = [None; 2];
        for (number, end) in self.pump.open() {
            numbers[number] = Some(fds.len());
            fds.push(PollFd::from_borrowed_fd(end, PollFlags::IN));
        }
        let family_from = fds.len();
        fds.extend(self.family.iter().map(|(_, pidfd)| PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)));
        let timeout = self.next_time().map(|at| timespec(at.saturating_duration_since(Instant::now())));
        let ready = poll(&mut fds, timeout.as_ref()).unwrap_or(0) > 0;
        let is_ready = |at: usize| ready && !fds[at].revents().is_empty();
        Ready {
            cancel: is_ready(0),
            child: watches_child && is_ready(1),
            pipes: numbers.map(|at| at.is_some_and(is_ready)),
            family: (family_from..fds.len()).map(is_ready).collect(),
        }
    }

    /// The earliest time at which something is due without anything happening.
    fn next_time(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Main => self.deadline.filter(|_| self.reason.is_none()),
            Phase::Output { until } | Phase::LastWords { until } => Some(until),
            Phase::Family => self.killed.map(|since| since + KILL_TIME),
            Phase::Over => None,
        };
        [phase, self.kill_at, self.pump.due()].into_iter().flatten().min()
    }

    fn on_time(&mut self, now: Instant) {
        if self.phase == Phase::Main && self.reason.is_none() && self.deadline.is_some_and(|at| at <= now) {
            self.stop(Reason::Timeout, false);
        }
        if self.kill_at.is_some_and(|at| at <= now) {
            self.kill();
        }
        match self.phase {
            Phase::Output { until } if until <= now || self.pump.is_closed() => self.end_family(),
            Phase::Family if self.killed.is_some_and(|since| since + KILL_TIME <= now) => self.last_words(now),
            Phase::LastWords { until } if until <= now || self.pump.is_closed() => self.phase = Phase::Over,
            Phase::Main | Phase::Output { .. } | Phase::Family | Phase::LastWords { .. } | Phase::Over => {}
        }
    }

    /// Ends the attempt early. What it had become by then stays as it is when the main process was through already.
    fn stop(&mut self, reason: Reason, at_once: bool) {
        if matches!(self.phase, Phase::LastWords { .. } | Phase::Over) {
            return;
        }
        if self.phase == Phase::Main {
            self.reason.get_or_insert(reason);
        }
        if at_once {
            self.kill();
        } else if self.kill_at.is_none() && self.killed.is_none() {
            self.kill_at = Instant::now().checked_add(Duration::from_millis(self.spec.grace_ms));
            self.signal(Signal::TERM);
        }
        if let Phase::Output { .. } = self.phase {
            self.end_family();
        }
    }

    fn kill(&mut self) {
        self.kill_at = None;
        self.killed.get_or_insert_with(Instant::now);
        self.signal(Signal::KILL);
    }

    /// Signals the group and, when the attempt is ended early, all that came out of it. Returns who that is.
    fn signal(&mut self, signal: Signal) -> Vec<Pid> {
        let leader = self.child.pid;
        let mut found = Vec::new();
        if group::signal(leader, signal) {
            found.extend(kin::members(leader.as_raw_nonzero().get()).unwrap_or_default());
        }
        if self.reason.is_some() {
            let kin = kin::of_marks(std::slice::from_ref(&self.mark), |stat| stat.parent == leader.as_raw_nonzero().get())
                .unwrap_or_default();
            found.extend(kin.into_iter().filter(|stat| stat.group != leader.as_raw_nonzero().get()));
        }
        let mut pids = Vec::with_capacity(found.len());
        for stat in found {
            if let Some(pid) = Pid::from_raw(stat.pid) {
                if stat.group != leader.as_raw_nonzero().get() {
                    group::signal_one(pid, signal);
                }
                pids.push(pid);
            }
        }
        pids
    }

    fn main_process_ended(&mut self) {
        match self.child.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) => self.status = Some(status),
            // Somebody else reaped it: how it ended is lost, and said so.
            Err(_) => self.status = None,
        }
        self.phase = Phase::Output { until: Instant::now() + LINGER };
        if self.reason.is_some() {
            self.end_family();
        }
    }

    /// The main process is gone: ends what is left of its group (and of its family, when it is ended early).
    fn end_family(&mut self) {
        group::reap(self.child.pid);
        let signal = if self.killed.is_some() { Signal::KILL } else { Signal::TERM };
        for pid in self.signal(signal) {
            group::reap_one(pid);
            if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) {
                self.family.push((pid, pidfd));
            }
        }
        if self.family.is_empty() {
            let was_waiting = self.phase == Phase::Family;
            self.phase = Phase::Over;
            if !self.pump.is_closed() && (was_waiting || self.reason.is_some()) {
                self.last_words(Instant::now());
            }
            return;
        }
        self.phase = Phase::Family;
        if self.kill_at.is_none() && self.killed.is_none() {
            self.kill_at = Some(Instant::now() + LEFTOVER_GRACE.min(Duration::from_millis(self.spec.grace_ms)));
        }
    }

    fn last_words(&mut self, now: Instant) {
        self.kill_at = None;
        self.phase = Phase::LastWords { until: now + LAST_WORDS };
    }

    /// Members of the family that have ended are reaped; when none is left, somebody may still have come after them.
    fn forget_ended(&mut self, ended: &[bool]) {
        let mut at = 0;
        let before = self.family.len();
        self.family.retain(|(pid, _)| {
            let gone = ended.get(at).copied().unwrap_or(false);
            at += 1;
            if gone {
                group::reap_one(*pid);
            }
            !gone
        });
        if self.phase == Phase::Family && before > 0 && self.family.is_empty() {
            self.end_family();
        }
    }

    fn exit(mut self, began: Instant, outputs: &OutputFile, masker: &Masker) -> Exit {
        let (lines, bytes) = self.pump.finish();
        let (outputs, misread) = match outputs.read() {
            Ok(outputs) => (masker.mask_map(&outputs), None),
            Err(reason) => (serde_json::Map::new(), Some(masker.mask_text(&reason))),
        };
        let lost = self.status.is_none().then(|| "how the process ended is not known".to_owned());
        Exit {
            code: self.status.and_then(|status| status.code),
            signal: self.status.and_then(|status| status.signal),
            outputs,
            duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            timed_out: self.reason == Some(Reason::Timeout),
            cancelled: self.reason == Some(Reason::Cancel),
            failure: self.pump.failure().map(str::to_owned).or(lost).or(misread),
            lines,
            bytes,
        }
    }
}

/// What `poll` found.
struct Ready {
    cancel: bool,
    child: bool,
    pipes: [bool; 2],
    family: Vec<bool>,
}

fn timespec(wait: Duration) -> Timespec {
    // An empty wait would turn in circles if a clock rounded down; a full second never overflows.
    Timespec { tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(wait.subsec_nanos()) }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn blank() -> Exit {
    Exit {
        code: None,
        signal: None,
        outputs: serde_json::Map::new(),
        duration_ms: 0,
        timed_out: false,
        cancelled: false,
        failure: None,
        lines: 0,
        bytes: 0,
    }
}

/// An attempt that never started.
pub fn failed(reason: String) -> Exit {
    Exit { failure: Some(reason), ..blank() }
}
