//! The engine's one place that asks the time and rolls dice.

use std::time::{SystemTime, UNIX_EPOCH};

use super::scheduler::Moment;
use crate::model::Timestamp;

/// Now, in milliseconds since the epoch.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 32 random bits.
pub fn random() -> u32 {
    // A version 7 id ends in random bytes.
    let bytes = uuid::Uuid::now_v7().into_bytes();
    u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]])
}

/// The moment an input came in.
pub fn moment() -> Moment {
    Moment { now: now(), jitter: f64::from(random()) / f64::from(u32::MAX) }
}

/// When this machine was started; the beginning of time where the system does not say.
pub fn booted_at() -> Timestamp {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds: Option<f64> = uptime.split(' ').next().and_then(|first| first.parse().ok());
    let up = seconds.and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default();
    Timestamp(now().as_millis() - i64::try_from(up.as_millis()).unwrap_or(0))
}
