//! A death at a chosen event, for the tests that kill an engine at every point of a journal. Not in release builds.
//!
//! `FLOWDECK_DIE=before:17:FILE` ends this process, as `kill -9` does, right before the commit that holds event 17;
//! `after:17:FILE` once that commit is durable and before anybody learns of it. Dying, it writes the first and the last
//! event of the commit into FILE: whoever asked for the death can tell that it came, and where.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use rustix::process::{Signal, getpid, kill_process};

const VARIABLE: &str = "FLOWDECK_DIE";

/// On which side of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

/// Where this process is to die.
#[derive(Debug)]
pub(super) struct CrashPoint {
    moment: Moment,
    seq: u64,
    note: PathBuf,
}

impl CrashPoint {
    /// The one that the environment asks for.
    pub fn wanted() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        let mut parts = text.splitn(3, ':');
        let moment = match parts.next()? {
            "before" => Moment::Before,
            "after" => Moment::After,
            _ => return None,
        };
        Some(Self { moment, seq: parts.next()?.parse().ok()?, note: parts.next()?.into() })
    }

    /// Does not come back when this is the moment and one of the events is the chosen one.
    pub fn pass(&self, moment: Moment, events: &RangeInclusive<u64>) {
        if moment == self.moment && events.contains(&self.seq) {
            let _ = std::fs::write(&self.note, format!("{} {}", events.start(), events.end()));
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}
