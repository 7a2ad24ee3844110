//! One engine per state directory: whoever holds the lock file is it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use super::{ConfigError, Paths};

/// Held for as long as the engine lives; the system frees it however the engine ends.
#[derive(Debug)]
pub struct EngineLock {
    _file: File,
}

impl EngineLock {
    /// Takes the lock and writes our process id into it.
    ///
    /// # Errors
    /// `EngineRuns` with the process that holds it.
    pub fn acquire(paths: &Paths) -> Result<Self, ConfigError> {
        let path = paths.engine_lock();
        let mut file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The id only helps people; an unreadable one is left out.
                let _ = file.read_to_string(&mut pid);
                return Err(ConfigError::EngineRuns { pid: pid.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(ConfigError::io("lock", &path, error)),
        }
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        written.map_err(|error| ConfigError::io("write", &path, error))?;
        Ok(Self { _file: file })
    }

    /// Comes back when no engine holds the lock.
    ///
    /// # Errors
    /// `EngineRuns` when one still does after `limit`.
    pub async fn wait_until_free(paths: &Paths, limit: Duration) -> Result<(), ConfigError> {
        let path = paths.engine_lock();
        let file = open(&path)?;
        let waiting = tokio::task::spawn_blocking(move || file.lock());
        match tokio::time::timeout(limit, waiting).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(ConfigError::io("lock", &path, error)),
            Ok(Err(_)) | Err(_) => Err(ConfigError::EngineRuns { pid: String::new() }),
        }
    }
}

fn open(path: &Path) -> Result<File, ConfigError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    opened.map_err(|error| ConfigError::io("open", path, error))
}
