//! When the next frame that no key asked for may go out, and how much of it.
//!
//! A fast terminal gets thirty a second. On a slow line frames go in slices with as much quiet time between them, so that
//! little stands before the frame of a key. How slow it is shows when writes block; through SSH, whose buffers hide
//! that for long, a slow line is taken for granted. Must not know what is in a frame.

use std::time::Duration;

use tokio::time::Instant;

/// Time between frames that no key asked for, on average.
const FRAME: Duration = Duration::from_millis(33);
/// Frames that may follow each other at once after a quiet time: the first news of a start are not held back.
const BURST: u32 = 3;
/// What is taken for the rate of a line through SSH, in bytes a second.
const REMOTE: f64 = 32_000.0;
/// Slower than this no line is believed to be, and this fast is every one that never showed a limit.
const SLOWEST: f64 = 2_000.0;
/// How long a slice occupies the line.
const SLICE: f64 = 0.06;
/// The part of the line that frames without a key may take.
const SHARE: f64 = 0.5;
/// A write that took this long has met a full buffer; one much longer, a terminal that was stopped.
const BLOCKED: Duration = Duration::from_millis(8);
const STOPPED: Duration = Duration::from_secs(2);
/// What is kept for a terminal, at most, before a write blocks.
const BUFFER: f64 = 16_000.0;
/// Writes smaller than this say little about the rate.
const TELLING: usize = 1_000;
/// Between blocked writes as close as this the line has had no rest.
const BUSY: Duration = Duration::from_secs(2);
/// After this long without a blocked write a line is taken for fast again.
const FORGIVEN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Pace {
    /// Up to here the frames that were made use their time up; it lies in the past while a burst is saved up.
    paid: Instant,
    /// What counts, in bytes a second; none while nothing has shown a limit.
    rate: Option<f64>,
    /// What was seen last.
    known: Option<f64>,
    remote: bool,
    under_way: Option<(Instant, usize)>,
    /// When a blocked write last came through, and the bytes sent since: the buffer was full then.
    full: Option<(Instant, usize)>,
}

impl Pace {
    pub fn new(now: Instant, remote: bool) -> Self {
        let rate = remote.then_some(REMOTE);
        Self { paid: quiet_since(now), rate, known: rate, remote, under_way: None, full: None }
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
        let free = if self.rate.is_some() { now } else { quiet_since(now) };
        self.paid = self.paid.max(free) + cost.max(FRAME);
        if let Some((_, sent)) = &mut self.full {
            *sent += bytes;
        }
        self.under_way = Some((now, bytes));
    }

    /// The terminal has taken it.
    pub fn drained(&mut self, now: Instant) {
        let Some((since, bytes)) = self.under_way.take() else { return };
        let took = now.saturating_duration_since(since);
        if took < BLOCKED {
            let forgiven = self.full.is_none_or(|(full, _)| now.saturating_duration_since(full) >= FORGIVEN);
            if forgiven && !self.remote {
                self.rate = None;
            }
            return;
        }
        if took < STOPPED && bytes >= TELLING {
            // A part of the write found room at once: no line is faster than this.
            let most = length(bytes) / took.as_secs_f64();
            let rate = self.between(now).or(self.known).unwrap_or(most / 2.0).min(most).max(SLOWEST);
            (self.rate, self.known) = (Some(rate), Some(rate));
        }
        self.full = Some((now, 0));
        if let Some(rate) = self.rate.or(self.known) {
            // All of the buffer stands before whatever comes next.
            self.paid = self.paid.max(now + seconds(BUFFER / rate));
        }
    }

    /// The rate between two moments at which the buffer was full: exactly what went in has come out.
    fn between(&self, now: Instant) -> Option<f64> {
        let (full, sent) = self.full?;
        let time = now.saturating_duration_since(full);
        (time < BUSY).then(|| length(sent) / time.as_secs_f64())
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
