//! A process group and the children in it: signals and reaping.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpgid, waitpid};

/// Signals every member of the group. False when the group has no member.
pub fn signal(group: Pid, signal: Signal) -> bool {
    kill_process_group(group, signal) != Err(Errno::SRCH)
}

/// Signals one process; one that is gone already is no error.
pub fn signal_one(pid: Pid, signal: Signal) {
    // Nobody to signal, or a set-uid program that we may not signal: either way there is nothing more to do.
    kill_process(pid, signal).ok();
}

/// Reaps the group's members that have ended and whose parent we are by now.
/// Never call it before the leader was waited for: it would take the leader's status.
pub fn reap(group: Pid) {
    while let Ok(Some(_)) | Err(Errno::INTR) = waitpgid(group, WaitOptions::NOHANG) {}
}

/// Reaps one process if it is a child of ours that has ended.
pub fn reap_one(pid: Pid) {
    while waitpid(Some(pid), WaitOptions::NOHANG).is_err_and(|error| error == Errno::INTR) {}
}
