//! The sparse index beside a log: every 64 KiB an entry says which line begins where.
//!
//! It only saves time. Whatever is wrong with it is found by its checksums, named, and made up for by reading the log;
//! the file itself is left as it is.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::record::Lines;

/// Bytes of log between two entries, about.
pub const STRIDE: u64 = 64 * 1024;
const MAGIC: &[u8; 8] = b"fdindex2";
const ENTRY: usize = 40;
/// The version before, whose entries do not know of parts.
const OLD_MAGIC: &[u8; 8] = b"fdindex1";
const OLD_ENTRY: usize = 32;
/// The writer adds entries right after the bytes they cover, so the index never lags by more than this.
const MAX_LAG: u64 = 1024 * 1024;
/// Entries of an index that is read as a whole: of a log up to 64 MiB.
const MOST_KNOWN: u64 = 1024;

/// `line` (zero-based) begins at byte `offset` of the log, `ms` after the start; `parts` of the records before it are
/// continued by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub line: u64,
    pub offset: u64,
    pub ms: u64,
    pub parts: u64,
}

impl Entry {
    fn encode(self, position: u64) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[0..8].copy_from_slice(&self.line.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.ms.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.parts.to_le_bytes());
        let sum = checksum(&bytes[0..32], position);
        bytes[32..40].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads an entry of either version; none when its checksum is wrong.
    fn decode(bytes: &[u8], position: u64) -> Option<Self> {
        let word = |at: usize| bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map(u64::from_le_bytes);
        let sum = bytes.len().checked_sub(8)?;
        if word(sum)? != checksum(bytes.get(..sum)?, position) {
            return None;
        }
        let parts = if sum > 24 { word(24)? } else { 0 };
        Some(Self { line: word(0)?, offset: word(8)?, ms: word(16)?, parts })
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

/// Where lines begin, without reading more of the index than a question needs.
#[derive(Debug)]
pub struct Index {
    entries: Entries,
    /// Where the first record begins.
    first: u64,
    /// Bytes of an entry in the file.
    width: usize,
}

#[derive(Debug)]
enum Entries {
    /// All of them: of a short log, or found by reading one whose index is spoilt.
    Known(Vec<Entry>),
    /// So many in a file, looked up there.
    Stored { path: PathBuf, count: u64 },
}

impl Default for Index {
    fn default() -> Self {
        Self { entries: Entries::Known(Vec::new()), first: 0, width: ENTRY }
    }
}

impl Index {
    /// Opens the index of a log of `size` bytes whose first record begins at `first`; says what is wrong with it.
    /// A short index is checked whole, of a long one what is looked at.
    pub fn open(log: &File, index: &Path, first: u64, size: u64) -> io::Result<(Self, Option<String>)> {
        let rebuilt = |damage: &str| {
            let (entries, damage) = rebuilt(log, first, size, damage)?;
            Ok((Self { entries: Entries::Known(entries), first, width: ENTRY }, Some(damage)))
        };
        let file = match File::open(index) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && size <= MAX_LAG => {
                return Ok((Self { first, ..Self::default() }, None));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return rebuilt("the log index is missing"),
            Err(error) => return rebuilt(&format!("the log index cannot be read ({})", error.kind())),
        };
        // A writer that is at work may have written a part of the last entry: what is no whole entry does not count yet.
        let mut magic = [0; MAGIC.len()];
        let width = match (file.read_exact_at(&mut magic, 0), &magic) {
            (Ok(()), MAGIC) => ENTRY,
            (Ok(()), OLD_MAGIC) => OLD_ENTRY,
            _ => return rebuilt("the log index is not an index of this version"),
        };
        let count = file.metadata()?.len().saturating_sub(MAGIC.len() as u64) / width as u64;
        let entries = if count <= MOST_KNOWN {
            match load(&file, width, count, first)? {
                Ok(entries) => Entries::Known(entries),
                Err(position) => return rebuilt(&format!("the log index is corrupt at entry {position}")),
            }
        } else {
            Entries::Stored { path: index.to_owned(), count }
        };
        let index = Self { entries, first, width };
        let Some(last) = index.last()? else { return rebuilt(&format!("the log index is corrupt at entry {}", count - 1)) };
        if last.offset > size {
            return rebuilt("the log is shorter than its index says");
        }
        if size - last.offset > MAX_LAG {
            return rebuilt("the log index ends before the log does");
        }
        Ok((index, None))
    }

    /// Where the log begins, for a place before every entry.
    fn origin(&self) -> Entry {
        Entry { line: 0, offset: self.first, ms: 0, parts: 0 }
    }

    /// The entries count the records that are continued.
    pub fn knows_parts(&self) -> bool {
        self.width == ENTRY
    }

    /// The last place that is known; none when it cannot be trusted.
    pub fn last(&self) -> io::Result<Option<Entry>> {
        match &self.entries {
            Entries::Known(entries) => Ok(Some(entries.last().copied().unwrap_or(self.origin()))),
            Entries::Stored { path, count } => read(&File::open(path)?, self.width, count - 1),
        }
    }

    /// The last place for which `before` holds (the log's beginning if for none) and the next one, if there is one.
    /// `before` must hold for the first places of a log and for none after. Entries that are damaged are passed over.
    pub fn around(&self, before: impl Fn(&Entry) -> bool) -> io::Result<(Entry, Option<Entry>)> {
        let (path, count) = match &self.entries {
            Entries::Known(entries) => {
                let at = entries.partition_point(before);
                let near = at.checked_sub(1).map_or(self.origin(), |near| entries[near]);
                return Ok((near, entries.get(at).copied()));
            }
            Entries::Stored { path, count } => (path, *count),
        };
        let file = File::open(path)?;
        let (mut near, mut next) = (self.origin(), None);
        let (mut from, mut to) = (0, count);
        while from < to {
            let middle = from + (to - from) / 2;
            // A damaged entry is replaced by the nearest good one before it in the stretch.
            let good = (from..=middle)
                .rev()
                .find_map(|at| read(&file, self.width, at).map(|entry| entry.map(|entry| (at, entry))).transpose());
            match good.transpose()? {
                Some((_, entry)) if before(&entry) => (near, from) = (entry, middle + 1),
                Some((at, entry)) => (next, to) = (Some(entry), at),
                None => from = middle + 1,
            }
        }
        Ok((near, next))
    }
}

fn read(file: &File, width: usize, position: u64) -> io::Result<Option<Entry>> {
    let mut bytes = [0; ENTRY];
    file.read_exact_at(&mut bytes[..width], MAGIC.len() as u64 + position * width as u64)?;
    Ok(Entry::decode(&bytes[..width], position))
}

/// Reads all entries; else the position of the first one that cannot be trusted.
fn load(file: &File, width: usize, count: u64, first: u64) -> io::Result<Result<Vec<Entry>, u64>> {
    let length = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(width);
    let mut body = vec![0; length];
    file.read_exact_at(&mut body, MAGIC.len() as u64)?;
    let mut entries: Vec<Entry> = Vec::with_capacity(body.len() / width);
    for (position, chunk) in (0..).zip(body.chunks_exact(width)) {
        let (line, offset) = entries.last().map_or((0, first), |entry| (entry.line, entry.offset));
        match Entry::decode(chunk, position) {
            Some(entry) if entry.line > line && entry.offset > offset => entries.push(entry),
            _ => return Ok(Err(position)),
        }
    }
    Ok(Ok(entries))
}

/// Reads the whole log instead.
fn rebuilt(log: &File, first: u64, size: u64, damage: &str) -> io::Result<(Vec<Entry>, String)> {
    let mut lines = Lines::new(log, first, size);
    let (mut entries, mut number, mut last, mut parts) = (Vec::new(), 0, first, 0);
    loop {
        let offset = lines.offset();
        let Some(line) = lines.next_line()? else { break };
        if offset - last >= STRIDE {
            let ms = super::record::parse(line).map_or(0, |record| record.ms);
            entries.push(Entry { line: number, offset, ms, parts });
            last = offset;
        }
        number += 1;
        parts += u64::from(super::record::goes_on(line));
    }
    Ok((entries, format!("{damage}; read without it")))
}
