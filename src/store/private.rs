//! Small files that are made once and belong to the engine's user alone: keys.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::StoreError;

/// The bytes in a file; made now where there is none. Of two who make it at once both get the same.
///
/// # Errors
/// `Io` or `Full` when the file can be neither read nor made.
pub(super) fn kept(path: &Path, make: impl FnOnce() -> io::Result<Vec<u8>>) -> Result<Vec<u8>, StoreError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return found.map_err(|error| StoreError::io("read", path, error)),
    }
    let io = |error| StoreError::io("create", path, error);
    let bytes = make().map_err(io)?;
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    let written = write(&partial, &bytes).and_then(|()| fs::hard_link(&partial, path));
    let _ = fs::remove_file(&partial);
    match written {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::read(path).map_err(io),
        Err(error) => Err(io(error)),
    }
}

/// 32 random bytes that stay the same for as long as the state directory does.
///
/// # Errors
/// As `kept`; `Corrupt` when the file has another length.
pub fn key(dir: &Path, name: &str) -> Result<[u8; 32], StoreError> {
    let path = dir.join(name);
    let bytes = kept(&path, || {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
        Ok(bytes.to_vec())
    })?;
    let detail = || format!("it holds {} bytes, not 32", bytes.len());
    bytes.as_slice().try_into().map_err(|_| StoreError::Corrupt { path, detail: detail() })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
