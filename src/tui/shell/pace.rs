//! When the next frame that no key asked for may go out, and how much of it.
//!
//! A fast terminal gets thirty a second. On a slow line frames go in slices with as much quiet time between them, so that
//! little stands before the frame of a key. How slow it is shows when the terminal refuses bytes: by how fast it takes
//! those that had to wait. Time that this process itself lost says nothing. Through SSH, whose buffers hide all that
//! for long, a slow line is taken for granted. Must not know what is in a frame.

use std::time::Duration;

use tokio::time::Instant;

use crate::tui::terminal::Stall;

/// Time between frames that no key asked for, on average.
const FRAME: Duration = Duration::from_millis(33);
/// Frames that may follow each other at once after a quiet time: the first news of a start are not held back.
const BURST: u32 = 3;
/// What is taken for the rate of a line through SSH, in bytes a second.
const REMOTE: f64 = 32_000.0;
/// Slower than this no line is believed to be, and from here on a line is as good as any.
const SLOWEST: f64 = 2_000.0;
const FAST: f64 = 1_000_000.0;
/// How long a slice occupies the line.
const SLICE: f64 = 0.06;
/// The part of the line that frames without a key may take.
const SHARE: f64 = 0.5;
/// What is kept for a terminal, at most, before it refuses bytes.
const BUFFER: f64 = 16_000.0;
/// Fewer bytes than this say little about the rate.
const TELLING: usize = 1_000;
/// No time is measured finer than this.
const GRAIN: Duration = Duration::from_millis(1);
/// Between refusals as close as this the line has had no rest.
const BUSY: Duration = Duration::from_secs(2);
/// Bytes that were taken one after the other for as long as this show a slow line and not a terminal that was late.
const STEADY: Duration = Duration::from_millis(30);
/// After this long without a refusal a line is taken for what it was before: a terminal that was late, and a slow line.
const FORGIVEN: Duration = Duration::from_secs(4);
const FORGOTTEN: Duration = Duration::from_secs(60);
/// A line may be so many times as fast as it seems: what is measured is not exact.
const MARGIN: f64 = 1.25;

#[derive(Debug)]
pub struct Pace {
    /// Up to here the frames that were made use their time up; it lies in the past while a burst is saved up.
    paid: Instant,
    /// What counts, in bytes a second; none while nothing has shown a limit.
    rate: Option<f64>,
    /// What counts where nothing was measured.
    granted: Option<f64>,
    full: Option<Full>,
}

/// The terminal had no room.
#[derive(Debug)]
struct Full {
    /// Up to here, and the bytes sent since.
    until: Instant,
    sent: usize,
    /// It showed a slow line.
    steady: bool,
    /// What would stand in line at a moment, were the line somewhat faster than it seems.
    queue: (Instant, f64),
}

impl Pace {
    pub fn new(now: Instant, remote: bool) -> Self {
        let granted = remote.then_some(REMOTE);
        Self { paid: quiet_since(now), rate: granted, granted, full: None }
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

    /// Forgets a refusal that is long ago, or since when more has gone through than can have. Only while no frame is under
    /// way.
    pub fn forgive(&mut self, now: Instant) {
        let Some(full) = &mut self.full else { return };
        let patience = if full.steady { FORGOTTEN } else { FORGIVEN };
        if let Some(rate) = self.rate {
            let (since, queue) = full.queue;
            full.queue = (now, (queue - MARGIN * rate * now.saturating_duration_since(since).as_secs_f64()).max(0.0));
        }
        if full.queue.1 > BUFFER || now.saturating_duration_since(full.until) >= patience {
            (self.rate, self.full) = (self.granted, None);
            self.paid = self.paid.min(now);
        }
    }

    /// A frame goes out; `share` is the part of the line that it may take.
    fn pay(&mut self, now: Instant, bytes: usize, share: f64) {
        let cost = self.rate.map_or(Duration::ZERO, |rate| seconds(length(bytes) / (rate * share)));
        let free = if self.rate.is_some() { now } else { quiet_since(now) };
        self.paid = self.paid.max(free) + cost.max(FRAME);
        if let Some(full) = &mut self.full {
            full.sent += bytes;
            full.queue.1 += length(bytes);
        }
    }

    /// A frame goes out that nobody asked for.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        self.pay(now, bytes, SHARE);
    }

    /// A frame goes out that a person waits for: the line may be full of it.
    pub fn sent_for_key(&mut self, now: Instant, bytes: usize) {
        self.pay(now, bytes, 1.0);
    }

    /// The terminal has taken it all, but had no room for a while.
    pub fn refused(&mut self, stall: &Stall) {
        let took = stall.until.saturating_duration_since(stall.resumed).max(GRAIN);
        // Before it took something again it may have been stopped, or its program had no processor: how long says nothing.
        let telling = stall.left >= TELLING;
        let measured = telling.then(|| length(stall.left) / took.as_secs_f64());
        if let Some(rate) = measured.or_else(|| self.between(stall.until)) {
            let believed = rate.max(SLOWEST);
            self.rate = if believed < FAST { Some(believed) } else { self.granted };
        }
        let steady = (telling && took >= STEADY) || self.full.as_ref().is_some_and(|full| full.steady);
        self.full = Some(Full { until: stall.until, sent: 0, steady, queue: (stall.until, BUFFER / 2.0) });
        if let Some(rate) = self.rate {
            // All of the buffer stands before whatever comes next.
            self.paid = self.paid.max(stall.until + seconds(BUFFER / rate));
        }
    }

    /// The rate between two moments at which the buffer was full: exactly what went in has come out.
    fn between(&self, now: Instant) -> Option<f64> {
        let full = self.full.as_ref()?;
        let time = now.saturating_duration_since(full.until);
        (time < BUSY && !time.is_zero() && full.sent >= TELLING).then(|| length(full.sent) / time.as_secs_f64())
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
