//! The text form of a log: a header line, then one record per line.
//!
//! ```text
//! flowdeck-log 1 1790000000000        version, start of the attempt in milliseconds since the epoch
//! 0 o building                        milliseconds since the start (hex), stream, text
//! 1f4 e warning: unused
//! 1f5 O half a li                     upper case: the next record of the same stream continues this one
//! 9c4 o ne
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::model::Stream;

/// Text of one record at most; longer lines are split.
pub const MAX_TEXT: usize = 64 * 1024;
/// A line of the file longer than this is damage, not a record.
const MAX_LINE: usize = MAX_TEXT + 64;
const CHUNK: usize = 128 * 1024;
const MAGIC: &str = "flowdeck-log 1 ";

/// The first line of a log.
pub fn header(start_ms: i64) -> String {
    format!("{MAGIC}{start_ms}\n")
}

/// The start time out of a header line (without its newline).
pub fn parse_header(line: &[u8]) -> Option<i64> {
    std::str::from_utf8(line).ok()?.strip_prefix(MAGIC)?.parse().ok()
}

/// The letter of a record.
pub fn letter(stream: Stream, continued: bool) -> u8 {
    match (stream, continued) {
        (Stream::Stdout, false) => b'o',
        (Stream::Stdout, true) => b'O',
        (Stream::Stderr, false) => b'e',
        (Stream::Stderr, true) => b'E',
    }
}

/// A record, its text still bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Milliseconds since the attempt's start.
    pub ms: u64,
    pub stream: Stream,
    pub continued: bool,
    pub text: &'a [u8],
}

/// Reads a line of the file (without its newline); none when it is not a record.
pub fn parse(line: &[u8]) -> Option<Record<'_>> {
    let digits = line.iter().take(17).position(|byte| *byte == b' ')?;
    let (stream, continued) = match line.get(digits + 1)? {
        b'o' => (Stream::Stdout, false),
        b'O' => (Stream::Stdout, true),
        b'e' => (Stream::Stderr, false),
        b'E' => (Stream::Stderr, true),
        _ => return None,
    };
    if line.get(digits + 2) != Some(&b' ') {
        return None;
    }
    let ms = u64::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
    Some(Record { ms, stream, continued, text: &line[digits + 3..] })
}

/// True when a line of the file is a record that the next one of its stream continues. Cheaper than `parse`.
pub fn goes_on(line: &[u8]) -> bool {
    let digits = line.iter().take(17).position(|byte| *byte == b' ');
    digits.is_some_and(|digits| matches!(line.get(digits + 1), Some(b'O' | b'E')))
}

/// Walks over the lines of a file from an offset to an end, with bounded memory.
pub struct Lines<'a> {
    file: &'a File,
    buffer: Vec<u8>,
    /// Unread bytes are `buffer[from..to]`; `offset` is where `from` lies in the file.
    from: usize,
    to: usize,
    offset: u64,
    end: u64,
}

impl<'a> Lines<'a> {
    pub fn new(file: &'a File, offset: u64, end: u64) -> Self {
        Self { file, buffer: vec![0; CHUNK], from: 0, to: 0, offset, end }
    }

    /// Where the next line begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next complete line without its newline. None at the end, also before an unfinished last line.
    /// A line longer than any record comes in pieces, which are no records.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let unread = &self.buffer[self.from..self.to];
            let cut = memchr::memchr(b'\n', unread).map(|at| (at, at + 1));
            let cut = cut.or_else(|| (unread.len() > MAX_LINE).then_some((unread.len(), unread.len())));
            if let Some((length, step)) = cut {
                let start = self.from;
                self.from += step;
                self.offset += step as u64;
                return Ok(Some(&self.buffer[start..start + length]));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Skips `count` lines, or as many as there are; returns how many.
    pub fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut skipped = 0;
        while skipped < count {
            let unread = &self.buffer[self.from..self.to];
            let mut last = None;
            for at in memchr::memchr_iter(b'\n', unread) {
                last = Some(at);
                skipped += 1;
                if skipped == count {
                    break;
                }
            }
            let step = last.map_or(0, |at| at + 1);
            let overlong = last.is_none() && unread.len() > MAX_LINE;
            let step = if overlong { unread.len() } else { step };
            skipped += u64::from(overlong);
            self.from += step;
            self.offset += step as u64;
            if skipped < count && !self.fill()? {
                break;
            }
        }
        Ok(skipped)
    }

    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        let place = self.offset + self.to as u64;
        let room = usize::try_from(self.end.saturating_sub(place)).unwrap_or(usize::MAX).min(CHUNK - self.to);
        let read = loop {
            match self.file.read_at(&mut self.buffer[self.to..self.to + room], place) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.to += read;
        Ok(read > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, parse};
    use crate::model::Stream;
    use std::io::Write;

    #[test]
    fn a_record_keeps_its_text_as_it_is() {
        let record = parse(b"1f4 E  two  spaces ").unwrap();
        assert_eq!((record.ms, record.stream, record.continued), (500, Stream::Stderr, true));
        assert_eq!(record.text, b" two  spaces ");
        assert_eq!(parse(b"nonsense"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn an_unfinished_last_line_is_not_read() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\ntwo\nthr").unwrap();
        let mut lines = Lines::new(&file, 0, 11);
        assert_eq!(lines.skip(1).unwrap(), 1);
        assert_eq!(lines.next_line().unwrap(), Some(&b"two"[..]));
        assert_eq!(lines.offset(), 8);
        assert_eq!(lines.next_line().unwrap(), None);
    }
}
