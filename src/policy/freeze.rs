//! Freeze windows: whether nothing may start at a moment, since when, until when and why.
//!
//! A window begins at every moment that its cron expression names on the clock of its time zone and lasts for its duration
//! of elapsed time. Where that clock is ambiguous the stricter reading holds: a beginning that the clock skips is at the
//! moment of the skip, one that it shows twice happens twice (for an expression with one fixed time of day, once, at the first).
//! Zones come from the database that is built in: the same on every machine, and no file is read.

use croner::Cron;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Zoned};

use crate::model::{Environment, Freeze, SubjectKind, Timestamp};

/// Windows that touch are followed as one, up to so many and so far ahead.
const CHAIN: usize = 400;
const HORIZON: Duration = Duration::from_secs(366 * 24 * 3600);

/// Nothing may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// When the last of the windows that hold now began.
    pub since: Timestamp,
    /// The end of the last window that touches; `None` when no end is in sight.
    pub until: Option<Timestamp>,
    pub reason: String,
}

/// Whether a freeze window is one that can be decided about. The error is a fragment for "freeze: …".
pub fn check(freeze: &Freeze) -> Result<(), String> {
    if freeze.duration.is_zero() {
        return Err("a duration of nothing freezes nothing".to_owned());
    }
    let window = Window::new(freeze)?;
    let start = window.zoned(Timestamp(0)).ok_or("the time zone has no 1970")?;
    match window.cron.find_next_occurrence(&start, true) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("the cron expression `{}` never comes true", freeze.cron)),
    }
}

/// Whether an environment is frozen for a kind of change. One window is enough; no window allows what another one denies.
pub fn frozen(environment: &Environment, kind: SubjectKind, now: Timestamp) -> Option<Frozen> {
    if kind == SubjectKind::Rollback && !environment.freeze_rollbacks {
        return None;
    }
    let mut on: Vec<Frozen> = environment.freeze.iter().filter_map(|freeze| at(freeze, now)).collect();
    // The one that lasts longest is what people need to hear of; one without an end comes last.
    on.sort_by_key(|frozen| (frozen.until.is_none(), frozen.until));
    on.pop()
}

/// One window. What cannot be read freezes without an end: a guard that is broken is closed.
fn at(freeze: &Freeze, now: Timestamp) -> Option<Frozen> {
    let window = match Window::new(freeze) {
        Ok(window) => window,
        Err(problem) => return Some(Frozen { since: Timestamp(i64::MIN), until: None, reason: problem }),
    };
    let since = window.last_start(now)?;
    let mut until = since.after(freeze.duration);
    if until <= now {
        return None;
    }
    let reason = if freeze.reason.is_empty() { format!("cron {}", freeze.cron) } else { freeze.reason.clone() };
    for _ in 0..CHAIN {
        let Some(next) = window.last_start(until).map(|start| start.after(freeze.duration)).filter(|next| *next > until) else {
            return Some(Frozen { since, until: Some(until), reason });
        };
        if next > now.after(HORIZON) {
            break;
        }
        until = next;
    }
    Some(Frozen { since, until: None, reason })
}

struct Window {
    cron: Cron,
    zone: TimeZone,
}

impl Window {
    fn new(freeze: &Freeze) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let fields = freeze.cron.split_whitespace().count();
        if fields != 5 {
            return Err(format!("the cron expression `{}` has {fields} fields, not 5", freeze.cron));
        }
        let cron = parser.parse(&freeze.cron).map_err(|error| format!("the cron expression `{}`: {error}", freeze.cron))?;
        let zone = TimeZoneDatabase::bundled()
            .get(&freeze.timezone)
            .map_err(|_| format!("there is no time zone `{}`; write an IANA name such as Europe/Berlin", freeze.timezone))?;
        Ok(Self { cron, zone })
    }

    fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        Some(jiff::Timestamp::from_millisecond(at.as_millis()).ok()?.to_zoned(self.zone.clone()))
    }

    /// The last beginning that is not after a moment.
    fn last_start(&self, moment: Timestamp) -> Option<Timestamp> {
        let here = self.zoned(moment)?;
        let exact = self.cron.find_previous_occurrence(&here, true).ok().map(|start| start.timestamp());
        let start = exact.into_iter().chain(self.skipped(&here)).max()?;
        Some(Timestamp(start.as_millisecond())).filter(|start| *start <= moment)
    }

    /// The last beginning as the clock names it, if it is a time that the clock skipped: the moment of the skip.
    fn skipped(&self, here: &Zoned) -> Option<jiff::Timestamp> {
        let named = self.cron.find_previous_occurrence(&here.datetime(), true).ok()?;
        let ambiguous = self.zone.to_ambiguous_zoned(named);
        if !matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
            return None;
        }
        let after = ambiguous.later().ok()?.timestamp().checked_add(SignedDuration::from_secs(1)).ok()?;
        self.zone.preceding(after).next().map(|transition| transition.timestamp())
    }
}

#[cfg(test)]
mod tests;
