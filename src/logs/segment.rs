//! Writes an attempt's log: both streams in one file, in the order of arrival, and the index beside it.
//!
//! Gets bytes that are masked already. Creates no file before there is something to write.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use super::{index, record};
use crate::model::{Stream, Timestamp};

/// The log of one attempt while it is being written.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    file: Option<File>,
    index: index::Writer,
    start: Timestamp,
    /// Records that are not written yet.
    batch: Vec<u8>,
    /// Bytes of the file, without the batch.
    written: u64,
    indexed: u64,
    lines: u64,
    /// Records that another one continues.
    parts: u64,
    stdout: Half,
    stderr: Half,
    prefix: Prefix,
}

/// What a stream has of a line whose end has not come.
#[derive(Debug, Default)]
struct Half {
    text: Vec<u8>,
}

/// The record prefix, rendered once per millisecond.
#[derive(Debug)]
struct Prefix {
    ms: u64,
    digits: [u8; 16],
    from: usize,
}

impl Prefix {
    fn new() -> Self {
        let mut prefix = Self { ms: 1, digits: [0; 16], from: 16 };
        prefix.set(0);
        prefix
    }

    fn set(&mut self, ms: u64) {
        if self.ms == ms {
            return;
        }
        self.ms = ms;
        self.from = 16;
        let mut rest = ms;
        loop {
            self.from -= 1;
            self.digits[self.from] = b"0123456789abcdef"[usize::from(rest as u8 & 15)];
            rest >>= 4;
            if rest == 0 {
                break;
            }
        }
    }

    fn digits(&self) -> &[u8] {
        &self.digits[self.from..]
    }
}

impl Segment {
    /// A log at `path`, of an attempt that started at `start`. Touches no file yet.
    pub fn new(path: PathBuf, start: Timestamp) -> Self {
        let index = index::Writer::new(index::path_of(&path));
        Self {
            path,
            file: None,
            index,
            start,
            batch: Vec::new(),
            written: 0,
            indexed: 0,
            lines: 0,
            parts: 0,
            stdout: Half::default(),
            stderr: Half::default(),
            prefix: Prefix::new(),
        }
    }

    /// Records in the log, the batch included.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Bytes of the log file, the batch included.
    pub fn bytes(&self) -> u64 {
        self.written + self.batch.len() as u64
    }

    /// Takes what a stream wrote at `ms` after the start. Whole lines become records; the rest waits.
    pub fn push(&mut self, stream: Stream, ms: u64, bytes: &[u8]) {
        self.prefix.set(ms);
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let half = self.half(stream);
            if half.text.is_empty() && end <= record::MAX_TEXT {
                self.record(stream, false, &rest[..end]);
            } else {
                half.text.extend_from_slice(&rest[..end]);
                self.end_line(stream);
            }
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.half(stream).text.extend_from_slice(rest);
            self.split(stream);
        }
    }

    /// True when a line is waiting for its end.
    pub fn has_partial(&self) -> bool {
        !self.stdout.text.is_empty() || !self.stderr.text.is_empty()
    }

    /// The streams have been quiet: unfinished lines (a prompt) become continued records, to be seen now.
    pub fn settle(&mut self, ms: u64) {
        self.prefix.set(ms);
        for stream in [Stream::Stdout, Stream::Stderr] {
            let half = self.half(stream);
            let whole = whole_characters(&half.text, half.text.len());
            if whole > 0 {
                let text = std::mem::take(&mut half.text);
                self.record(stream, true, &text[..whole]);
                self.half(stream).text.extend_from_slice(&text[whole..]);
            }
        }
    }

    /// The output is over: unfinished lines become records. Write after it.
    pub fn finish(&mut self, ms: u64) {
        self.prefix.set(ms);
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !self.half(stream).text.is_empty() {
                self.end_line(stream);
            }
        }
    }

    /// Writes everything that waits with one call, then the index.
    pub fn write(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(&self.path)?),
        };
        file.write_all(&self.batch)?;
        self.written += self.batch.len() as u64;
        self.batch.clear();
        self.index.write()
    }

    /// Forgets what waits to be written: the disk does not take it. The log ends here; push nothing more.
    pub fn give_up(&mut self) {
        self.batch.clear();
        self.stdout.text.clear();
        self.stderr.text.clear();
    }

    fn half(&mut self, stream: Stream) -> &mut Half {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Turns what is beyond one record's size into continued records.
    fn split(&mut self, stream: Stream) {
        if self.half(stream).text.len() <= record::MAX_TEXT {
            return;
        }
        let text = std::mem::take(&mut self.half(stream).text);
        let mut rest = &text[..];
        while rest.len() > record::MAX_TEXT {
            let cut = whole_characters(rest, record::MAX_TEXT);
            self.record(stream, true, &rest[..cut]);
            rest = &rest[cut..];
        }
        let half = self.half(stream);
        half.text.extend_from_slice(rest);
    }

    /// Ends the waiting line.
    fn end_line(&mut self, stream: Stream) {
        self.split(stream);
        let text = std::mem::take(&mut self.half(stream).text);
        self.record(stream, false, &text);
        let half = self.half(stream);
        half.text = text;
        half.text.clear();
    }

    fn record(&mut self, stream: Stream, continued: bool, text: &[u8]) {
        if self.lines == 0 && self.written == 0 && self.batch.is_empty() {
            self.batch.extend_from_slice(record::header(self.start.as_millis()).as_bytes());
            self.indexed = self.batch.len() as u64;
        }
        let offset = self.bytes();
        if offset - self.indexed >= index::STRIDE {
            self.index.push(index::Entry { line: self.lines, offset, ms: self.prefix.ms, parts: self.parts });
            self.indexed = offset;
        }
        self.batch.extend_from_slice(self.prefix.digits());
        self.batch.extend_from_slice(&[b' ', record::letter(stream, continued), b' ']);
        self.batch.extend_from_slice(text);
        self.batch.push(b'\n');
        self.lines += 1;
        self.parts += u64::from(continued);
    }
}

/// Creates the file and its directories, for their owner only.
fn create(path: &std::path::Path) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match (open(), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            open()
        }
        (other, _) => other,
    }
}

/// The longest start of `text[..limit]` that does not end inside a UTF-8 character. Bytes that are no UTF-8 are left as they are.
fn whole_characters(text: &[u8], limit: usize) -> usize {
    let text = &text[..limit];
    let tail = text.len().saturating_sub(3);
    for (at, byte) in text.iter().enumerate().skip(tail).rev() {
        let needs = match byte {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return text.len(),
        };
        return if at + needs > text.len() { at } else { text.len() };
    }
    text.len()
}
