//! A death at a chosen commit, for the tests that kill an engine at every point of a journal. Not in release builds.
//!
//! `FLOWDECK_DIE=before:17:FILE` ends this process, as `kill -9` does, right before the commit that holds event 17;
//! `after:17:FILE` once that commit is durable and before anybody learns of it; `before:audit17:FILE` means the record of the audit
//! chain with that number. Dying, it writes the first and the last of the commit's events, or records, into FILE: whoever
//! asked for the death can tell that it came, and where.

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

/// What a commit is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Event,
    Record,
}

/// Where this process is to die.
#[derive(Debug)]
pub(super) struct CrashPoint {
    moment: Moment,
    row: Row,
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
        let place = parts.next()?;
        let (row, seq) = place.strip_prefix("audit").map_or((Row::Event, place), |seq| (Row::Record, seq));
        Some(Self { moment, row, seq: seq.parse().ok()?, note: parts.next()?.into() })
    }

    /// Does not come back when this is the moment and one of the commit's rows is the chosen one.
    pub fn pass(&self, moment: Moment, row: Row, rows: &RangeInclusive<u64>) {
        if (moment, row) == (self.moment, self.row) && rows.contains(&self.seq) {
            let _ = std::fs::write(&self.note, format!("{} {}", rows.start(), rows.end()));
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}
