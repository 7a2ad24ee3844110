//! Moves an attempt's output from its pipes through the masks into its log.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::logs::mask::{MaskStream, Masker};
use crate::logs::segment::Segment;
use crate::model::Stream;
use crate::process::spawn::plain;

/// A pipe holds this much by default.
const CHUNK: usize = 64 * 1024;
/// What a pipe and the buffer grow to once a process fills them.
const LARGE: usize = 256 * 1024;
/// An unfinished line is shown when its stream was quiet for so long.
const QUIET: Duration = Duration::from_millis(100);
/// Progress is reported at most so often.
const PROGRESS: Duration = Duration::from_millis(50);

/// One attempt's output.
pub struct Pump {
    pipes: [Option<Pipe>; 2],
    segment: Segment,
    began: Instant,
    buffer: Vec<u8>,
    masked: Vec<u8>,
    settle_at: Option<Instant>,
    /// When the next progress may be reported, and whether there is any.
    progress_from: Instant,
    reported: u64,
    failure: Option<String>,
}

struct Pipe {
    end: OwnedFd,
    stream: Stream,
    mask: MaskStream,
}

impl Pump {
    pub fn new(stdout: OwnedFd, stderr: OwnedFd, segment: Segment, began: Instant, masker: &Masker) -> Self {
        let pipe = |end, stream| Some(Pipe { end, stream, mask: masker.stream() });
        Self {
            pipes: [pipe(stdout, Stream::Stdout), pipe(stderr, Stream::Stderr)],
            segment,
            began,
            buffer: Vec::new(),
            masked: Vec::new(),
            settle_at: None,
            progress_from: began,
            reported: 0,
            failure: None,
        }
    }

    /// The pipes that are open, with the numbers `read` takes.
    pub fn open(&self) -> impl Iterator<Item = (usize, BorrowedFd<'_>)> {
        self.pipes.iter().enumerate().filter_map(|(number, pipe)| Some((number, pipe.as_ref()?.end.as_fd())))
    }

    /// Both streams have come to their end.
    pub fn is_closed(&self) -> bool {
        self.pipes.iter().all(Option::is_none)
    }

    /// Reads once from a pipe that has something, or is at its end. Call `write` after both were read.
    pub fn read(&mut self, number: usize) {
        let Some(mut pipe) = self.pipes[number].take() else { return };
        if self.buffer.is_empty() {
            self.buffer.resize(CHUNK, 0);
        }
        let read = match rustix::io::read(&pipe.end, &mut self.buffer[..]) {
            Ok(0) | Err(Errno::IO) => return self.end(pipe),
            Ok(read) => read,
            Err(_) => 0,
        };
        let ms = self.ms();
        if self.failure.is_some() {
            // Read and thrown away: the process must not hang on a full pipe while it is being ended.
        } else if pipe.mask.is_transparent() {
            self.segment.push(pipe.stream, ms, &self.buffer[..read]);
        } else {
            self.masked.clear();
            pipe.mask.push(&self.buffer[..read], &mut self.masked);
            self.segment.push(pipe.stream, ms, &self.masked);
        }
        if read == CHUNK && self.buffer.len() == CHUNK {
            // A process that fills its pipe gets a larger one: fewer turns for the same bytes.
            rustix::pipe::fcntl_setpipe_size(&pipe.end, LARGE).ok();
            self.buffer.resize(LARGE, 0);
        }
        self.pipes[number] = Some(pipe);
    }

    fn end(&mut self, mut pipe: Pipe) {
        if self.failure.is_some() {
            return;
        }
        self.masked.clear();
        pipe.mask.finish(&mut self.masked);
        let ms = self.ms();
        self.segment.push(pipe.stream, ms, &self.masked);
    }

    /// Writes what was read. After a failure output is still read, so that the process does not hang, but not kept.
    pub fn write(&mut self) {
        if let Err(error) = self.segment.write() {
            self.failure = Some(format!("the log could not be written: {}", plain(&error)));
            self.segment.give_up();
        }
        self.settle_at = self.segment.has_partial().then(|| Instant::now() + QUIET);
    }

    /// When `tick` wants to be called next.
    pub fn due(&self) -> Option<Instant> {
        let progress = (self.segment.lines() > self.reported).then_some(self.progress_from);
        [self.settle_at, progress].into_iter().flatten().min()
    }

    /// Does what is due. Returns the log's lines and bytes when they are to be reported.
    pub fn tick(&mut self, now: Instant) -> Option<(u64, u64)> {
        if self.settle_at.is_some_and(|at| at <= now) {
            let ms = self.ms();
            self.segment.settle(ms);
            self.write();
            // What is left is the start of a character or of a secret: it waits for the rest.
            self.settle_at = None;
        }
        if self.segment.lines() == self.reported || now < self.progress_from {
            return None;
        }
        self.reported = self.segment.lines();
        self.progress_from = now + PROGRESS;
        Some((self.segment.lines(), self.segment.bytes()))
    }

    /// Why the log could not be kept.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Closes the pipes, also if somebody still holds the other end, and the log. Returns its lines and bytes.
    pub fn finish(&mut self) -> (u64, u64) {
        for number in 0..self.pipes.len() {
            if let Some(pipe) = self.pipes[number].take() {
                self.end(pipe);
            }
        }
        let ms = self.ms();
        self.segment.finish(ms);
        self.write();
        (self.segment.lines(), self.segment.bytes())
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
