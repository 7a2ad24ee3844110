//! The file of checkpoints, outside the store: lines that are only ever added, and the public keys beside it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use crate::model::Checkpoint;

/// The longest line there is, generously.
const TAIL: u64 = 4096;

/// Where the public keys of a file of checkpoints are, one a line in hex.
pub fn keys_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Adds a checkpoint, and its public key if that is new there; durable when it returns.
///
/// # Errors
/// `Full` or `Io` when a file does not take it.
pub fn append(path: &Path, checkpoint: &Checkpoint, public: &str) -> Result<(), StoreError> {
    let keys = keys_of(path);
    add_key(&keys, public).map_err(|error| StoreError::io("write", &keys, error))?;
    let line = serde_json::to_string(checkpoint).unwrap_or_default();
    add_line(path, &line).map_err(|error| StoreError::io("write", path, error))
}

fn add_key(path: &Path, public: &str) -> std::io::Result<()> {
    match std::fs::read_to_string(path) {
        Ok(known) if known.lines().any(|line| line.trim() == public) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    add_line(path, public)
}

/// In one write, so that lines of two writers do not mix.
fn add_line(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let length = end_of_lines(&mut file)?;
    let written = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a line would pass for a forged one.
        let _ = file.set_len(length);
    }
    written
}

/// Takes away what a crash or a full disk left of a line that was never finished; gives the file's length.
fn end_of_lines(file: &mut File) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let whole = match tail.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => from + at as u64 + 1,
        // One line that is longer than any of ours is somebody else's: it stays, and ours begins after it.
        None if from > 0 => length,
        None => 0,
    };
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::{append, keys_of};
    use crate::model::{AuditHead, Timestamp, checkpoint};
    use crate::store::Signer;

    #[test]
    fn lines_are_added_and_half_a_line_is_taken_away_first() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open(dir.path()).unwrap();
        let path = dir.path().join("points.jsonl");
        let add = |seq| {
            let line = signer.checkpoint(AuditHead { seq, hash: "00".to_owned() }, Timestamp(0), "s");
            append(&path, &line, &signer.public()).unwrap();
        };
        add(1);
        add(2);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        add(3);
        let text = std::fs::read_to_string(&path).unwrap();
        let keys = std::fs::read_to_string(keys_of(&path)).unwrap();
        assert_eq!(keys, format!("{}\n", signer.public()));
        let read = checkpoint::read(&text, &keys).unwrap();
        assert_eq!(read.iter().map(|point| point.head.seq).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_place_that_takes_nothing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open(dir.path()).unwrap();
        let line = signer.checkpoint(AuditHead::start("s"), Timestamp(0), "s");
        let error = append(&dir.path().join("missing/points"), &line, &signer.public()).unwrap_err();
        assert!(error.to_string().contains("missing/points"), "{error}");
    }
}
