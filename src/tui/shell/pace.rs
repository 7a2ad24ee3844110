//! When the next frame that no key asked for may go out, and how much of it.
//!
//! A fast terminal gets thirty a second. On a slow line frames go in slices with as much quiet time between them, so that
//! little stands before the frame of a key. How slow it is shows when a write blocks; through SSH, whose buffers hide
//! that for long, a slow line is taken for granted. Must not know what is in a frame.

use std::time::Duration;

use tokio::time::Instant;

/// Time between frames that no key asked for, on average.
const FRAME: Duration = Duration::from_millis(33);
/// Frames that may follow each other at once after a quiet time: the first news of a start are not held back.
const BURST: u32 = 3;
/// What is taken for the rate of a line through SSH, in bytes a second.
const REMOTE: f64 = 32_000.0;
/// Slower than this no line is believed to be, faster than that none is held back.
const SLOWEST: f64 = 2_000.0;
const FASTEST: f64 = 1_000_000.0;
/// How long a slice occupies the line.
const SLICE: f64 = 0.06;
/// The part of the line that frames without a key may take.
const SHARE: f64 = 0.5;
/// A write that took this long has met a full buffer; one much longer, a terminal that was stopped.
const BLOCKED: Duration = Duration::from_millis(8);
const STOPPED: Duration = Duration::from_secs(2);
/// What the kernel keeps for a terminal before a write blocks.
const BUFFER: f64 = 12_000.0;
/// Writes smaller than this say little about the rate.
const TELLING: usize = 1_000;
/// By how much the rate is believed to be higher for every second without a blocked write.
const GROWTH: f64 = 1.04;

#[derive(Debug)]
pub struct Pace {
    /// Up to here the frames that were made use their time up; it lies in the past while a burst is saved up.
    paid: Instant,
    /// Bytes a second; none while nothing has shown a limit.
    rate: Option<f64>,
    ceiling: Option<f64>,
    under_way: Option<(Instant, usize)>,
    believed: Instant,
}

impl Pace {
    pub fn new(now: Instant, remote: bool) -> Self {
        let rate = remote.then_some(REMOTE);
        Self { paid: quiet_since(now), rate, ceiling: rate, under_way: None, believed: now }
    }

    /// No frame that nobody asked for before this.
    pub fn next(&self) -> Instant {
        self.paid
    }

    /// The most bytes of such a frame; none on a line that is fast enough.
    pub fn limit(&self) -> Option<usize> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        self.rate.map(|rate| (rate * SLICE) as usize)
    }

    /// A frame goes out.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        let cost = self.rate.map_or(Duration::ZERO, |rate| seconds(length(bytes) / (rate * SHARE)));
        self.paid = self.paid.max(quiet_since(now)).max(if self.rate.is_some() { now } else { self.paid }) + cost.max(FRAME);
        self.under_way = Some((now, bytes));
    }

    /// The terminal has taken it.
    pub fn drained(&mut self, now: Instant) {
        let Some((since, bytes)) = self.under_way.take() else { return };
        let took = now.saturating_duration_since(since);
        if took < BLOCKED {
            self.grow(now);
            return;
        }
        self.believed = now;
        if took < STOPPED && bytes >= TELLING {
            let seen = (length(bytes) / took.as_secs_f64()).clamp(SLOWEST, FASTEST);
            self.rate = Some(self.rate.map_or(seen, |rate| rate.min(seen).max(seen * 0.7)));
        }
        if let Some(rate) = self.rate {
            // All of the buffer stands before whatever comes next.
            self.paid = self.paid.max(now + seconds(BUFFER / rate));
        }
    }

    fn grow(&mut self, now: Instant) {
        let quiet = now.saturating_duration_since(self.believed).as_secs_f64();
        let Some(rate) = self.rate.filter(|_| quiet >= 1.0) else { return };
        self.believed = now;
        let rate = rate * GROWTH.powf(quiet);
        self.rate = match self.ceiling {
            Some(ceiling) => Some(rate.min(ceiling)),
            None => Some(rate).filter(|rate| *rate < FASTEST),
        };
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[expect(clippy::cast_precision_loss, reason = "the size of a frame")]
fn length(bytes: usize) -> f64 {
    bytes as f64
}

/// The longest quiet time that counts, as the moment when it began.
fn quiet_since(now: Instant) -> Instant {
    now.checked_sub(FRAME * BURST).unwrap_or(now)
}
