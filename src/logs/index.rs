//! The sparse index beside a log: every 64 KiB an entry says which line begins where.
//!
//! It only saves time. Whatever is wrong with it is found by its checksums, named, and made up for by reading the log;
//! the file itself is left as it is.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::record::Lines;

/// Bytes of log between two entries, about.
pub const STRIDE: u64 = 64 * 1024;
const MAGIC: &[u8; 8] = b"fdindex1";
const ENTRY: usize = 32;
/// The writer adds entries right after the bytes they cover, so the index never lags by more than this.
const MAX_LAG: u64 = 1024 * 1024;

/// `line` (zero-based) begins at byte `offset` of the log, `ms` after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub line: u64,
    pub offset: u64,
    pub ms: u64,
}

impl Entry {
    fn encode(self, position: u64) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[0..8].copy_from_slice(&self.line.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.ms.to_le_bytes());
        let sum = checksum(&bytes[0..24], position);
        bytes[24..32].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8], position: u64) -> Option<Self> {
        let word = |at: usize| bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map(u64::from_le_bytes);
        if word(24)? != checksum(bytes.get(0..24)?, position) {
            return None;
        }
        Some(Self { line: word(0)?, offset: word(8)?, ms: word(16)? })
    }
}

/// FNV-1a over the entry and its place in the file, so that a moved entry is wrong too.
fn checksum(bytes: &[u8], position: u64) -> u64 {
    let hash = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    position.to_le_bytes().iter().chain(bytes).fold(0xcbf2_9ce4_8422_2325, hash)
}

/// The index file of a log file.
pub fn path_of(log: &Path) -> PathBuf {
    log.with_extension("idx")
}

/// Collects entries and appends them to the file, which is created by the first one.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: Option<File>,
    waiting: Vec<u8>,
    count: u64,
}

impl Writer {
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, waiting: Vec::new(), count: 0 }
    }

    pub fn push(&mut self, entry: Entry) {
        self.waiting.extend_from_slice(&entry.encode(self.count));
        self.count += 1;
    }

    /// Call it after the log's own bytes were written: the index never points beyond the log.
    pub fn write(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?;
                file.write_all(MAGIC)?;
                none.insert(file)
            }
        };
        file.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

/// Reads the index of a log of `size` bytes whose first record begins at `first`.
/// Returns the entries that can be trusted, and what was wrong.
pub fn load(log: &File, index: &Path, first: u64, size: u64) -> io::Result<(Vec<Entry>, Option<String>)> {
    let mut bytes = Vec::new();
    match File::open(index).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && size <= MAX_LAG => return Ok((Vec::new(), None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return rebuilt(log, first, size, "the log index is missing"),
        Err(error) => return rebuilt(log, first, size, &format!("the log index cannot be read ({})", error.kind())),
    }
    let Some(body) = bytes.strip_prefix(MAGIC) else {
        return rebuilt(log, first, size, "the log index is not an index of this version");
    };
    let mut entries = Vec::with_capacity(body.len() / ENTRY);
    // A writer that is at work may have written a part of the last entry: what is no whole entry does not count yet.
    for (position, chunk) in body.chunks_exact(ENTRY).enumerate() {
        let (line, offset) = entries.last().map_or((0, first), |entry: &Entry| (entry.line, entry.offset));
        match Entry::decode(chunk, position as u64) {
            Some(entry) if entry.line > line && entry.offset > offset => entries.push(entry),
            _ => return rebuilt(log, first, size, &format!("the log index is corrupt at entry {position}")),
        }
    }
    let last = entries.last().map_or(first, |entry| entry.offset);
    if last > size {
        return rebuilt(log, first, size, "the log is shorter than its index says");
    }
    if size - last > MAX_LAG {
        return rebuilt(log, first, size, "the log index ends before the log does");
    }
    Ok((entries, None))
}

/// Reads the whole log instead.
fn rebuilt(log: &File, first: u64, size: u64, damage: &str) -> io::Result<(Vec<Entry>, Option<String>)> {
    let mut lines = Lines::new(log, first, size);
    let (mut entries, mut number, mut last) = (Vec::new(), 0, first);
    loop {
        let offset = lines.offset();
        let Some(line) = lines.next_line()? else { break };
        if offset - last >= STRIDE {
            let ms = super::record::parse(line).map_or(0, |record| record.ms);
            entries.push(Entry { line: number, offset, ms });
            last = offset;
        }
        number += 1;
    }
    Ok((entries, Some(format!("{damage}; read without it"))))
}
