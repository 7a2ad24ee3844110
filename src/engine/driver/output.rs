//! The log of work inside the engine: masked, written as it comes, told to whoever listens.
//!
//! The same file as a process's log; only who writes it differs.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Driver;
use crate::engine::clock;
use crate::logs;
use crate::logs::mask::MaskStream;
use crate::logs::segment::Segment;
use crate::model::{Signal, Stream};

/// An unfinished line is shown when nothing came for so long.
const QUIET: Duration = Duration::from_millis(100);
/// Listeners are told at most so often.
const PROGRESS: Duration = Duration::from_millis(50);

struct Output {
    segment: Segment,
    mask: MaskStream,
    began: Instant,
    told_at: Option<Instant>,
    /// Lines that listeners know of.
    told: u64,
    broken: bool,
}

impl Driver {
    /// Writes the pieces into the attempt's log until there are no more.
    pub(super) fn keep_output(
        &self,
        stage: usize,
        attempt: u32,
        mut pieces: mpsc::Receiver<String>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (run, stage) = (self.id.clone(), self.scheduler.id(stage).clone());
        let path = logs::log_path(&self.dir, &stage, attempt);
        let segment = Segment::new(path, clock::now());
        let mask = self.masks.stream();
        let mut output = Output { segment, mask, began: Instant::now(), told_at: None, told: 0, broken: false };
        let shared = self.shared.clone();
        let tell = move |output: &Output| {
            let (lines, bytes) = (output.segment.lines(), output.segment.bytes());
            shared.hub.signal(Signal::LogGrew { run: run.clone(), stage: stage.clone(), attempt, lines, bytes });
        };
        async move {
            loop {
                tokio::select! {
                    piece = pieces.recv() => match piece {
                        Some(piece) => output.take(piece.as_bytes()),
                        None => break,
                    },
                    () = tokio::time::sleep(QUIET), if output.is_unsettled() => output.settle(),
                }
                if output.is_news() {
                    tell(&output);
                }
            }
            output.finish();
            tell(&output);
        }
    }
}

impl Output {
    fn take(&mut self, piece: &[u8]) {
        let mut safe = Vec::new();
        self.mask.push(piece, &mut safe);
        self.segment.push(Stream::Stdout, self.ms(), &safe);
        self.write();
    }

    /// True when something is not written, or not told, that quiet will bring about.
    fn is_unsettled(&self) -> bool {
        !self.broken && (self.segment.has_partial() || self.segment.lines() > self.told)
    }

    fn settle(&mut self) {
        self.segment.settle(self.ms());
        self.write();
    }

    fn finish(&mut self) {
        let mut rest = Vec::new();
        self.mask.finish(&mut rest);
        self.segment.push(Stream::Stdout, self.ms(), &rest);
        self.segment.finish(self.ms());
        self.write();
    }

    /// True when listeners do not know all lines and may be told again.
    fn is_news(&mut self) -> bool {
        let now = Instant::now();
        let news = self.segment.lines() > self.told && self.told_at.is_none_or(|at| now >= at + PROGRESS);
        if news {
            self.told = self.segment.lines();
            self.told_at = Some(now);
        }
        news
    }

    /// A few lines into the page cache. The work goes on without its log when the disk takes none: its result is what counts.
    fn write(&mut self) {
        if self.broken {
            return self.segment.give_up();
        }
        if let Err(error) = self.segment.write() {
            tracing::warn!(%error, "the log of a stage cannot be written");
            self.broken = true;
            self.segment.give_up();
        }
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
