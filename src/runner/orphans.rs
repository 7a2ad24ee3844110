//! After a runner's violent death: ending the processes it left behind.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use super::identity::{Identity, attempt_mark};
use crate::model::StageId;
use crate::process::{group, kin};

/// How long a runner whose connection broke may take to be gone.
const DYING: Duration = Duration::from_secs(2);
/// Longer than this nobody waits for the kernel.
const LIMIT: Duration = Duration::from_secs(10);

/// Ends every process of these attempts, with their descendants, and returns how many there were. Blocks until they
/// are gone. Processes of attempts that had ended (a service that was deployed) are left alone. `just_died` says that the
/// runner was seen alive by this engine: then its session is searched as well, which later could mean somebody else by
/// the same number.
///
/// # Errors
/// When the runner is alive, or the directory cannot be read.
pub fn end_orphans(dir: &Path, attempts: &[(StageId, u32)], just_died: bool) -> io::Result<usize> {
    let Some(identity) = Identity::read(dir)? else { return Ok(0) };
    // A killed process lets go of its socket a moment before it is gone.
    if identity.is_alive() && !dies_within(&identity, DYING)? {
        return Err(io::Error::other("the runner is alive"));
    }
    let dir = dir.canonicalize()?;
    let marks: Vec<String> = attempts.iter().map(|(stage, attempt)| attempt_mark(&dir, stage, *attempt)).collect();
    let began = Instant::now();
    let mut ended = std::collections::HashSet::new();
    while began.elapsed() < LIMIT {
        let found = kin::of_marks(&marks, |stat| just_died && stat.session == identity.pid)?;
        if found.is_empty() {
            break;
        }
        let mut watched = Vec::new();
        for pid in found.iter().filter_map(|stat| Pid::from_raw(stat.pid)) {
            // Opened first: then the signal cannot hit a later process of the same number.
            if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) {
                rustix::process::pidfd_send_signal(&pidfd, Signal::KILL).ok();
                watched.push((pid, pidfd));
            }
        }
        ended.extend(found.iter().map(|stat| (stat.pid, stat.start_time)));
        for (pid, pidfd) in &watched {
            let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec { tv_sec: 1, tv_nsec: 0 }))?;
            group::reap_one(*pid);
        }
    }
    Ok(ended.len())
}

fn dies_within(identity: &Identity, limit: Duration) -> io::Result<bool> {
    let Some(pid) = Pid::from_raw(identity.pid) else { return Ok(true) };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(true) };
    // Opened after the question, so the number may mean another process by now.
    if !identity.is_alive() {
        return Ok(true);
    }
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    Ok(poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit))? > 0)
}
