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
