//! What can go wrong with the store, and how SQLite's codes become words.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::model::RunId;

/// Free space below which an I/O error counts as a full disk.
const NEARLY_NOTHING: u64 = 1024 * 1024;

/// A failure of the store. Every text names the file, except where only the request is at fault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Some other program's file lies where the store should be.
    #[error("{} is not a flowdeck store: {detail}; it was left as it is", path.display())]
    Foreign { path: PathBuf, detail: String },
    /// The content is damaged. Nothing was changed.
    #[error("{} is damaged: {detail}; it was left as it is", path.display())]
    Corrupt { path: PathBuf, detail: String },
    /// Written by a later version of flowdeck.
    #[error(
        "{} has store version {found}, and this flowdeck knows versions up to {known}: run the newer flowdeck, or name another --state-dir",
        path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    /// Written by an earlier version of flowdeck, and not to be changed by whoever only looks.
    #[error("{} has store version {found}, which knows no audit chain yet: `flowdeck engine start` brings it up to date", path.display())]
    Older { path: PathBuf, found: u32 },
    /// No space left; nothing of the request was recorded, and it may be repeated when there is space.
    #[error("no space left to write {}", path.display())]
    Full {
        path: PathBuf,
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The file system said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: Arc<std::io::Error>,
    },
    /// Any other answer of SQLite.
    #[error("cannot use {}", path.display())]
    Database {
        path: PathBuf,
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// An event names a run that was never created.
    #[error("run {run} is not in the store")]
    UnknownRun { run: RunId },
    /// A second `RunCreated` for one run.
    #[error("run {run} is in the store already")]
    RunExists { run: RunId },
    /// A body cannot be written as JSON, or not be read again.
    #[error("{what} cannot be recorded: {detail}")]
    Unrecordable { what: String, detail: String },
    /// Somebody else was faster: what was decided on is not how things are any more. Nothing of the request was recorded.
    #[error("{stream} has changed meanwhile: {expected} facts were known, and there are {found}")]
    Conflict { stream: String, expected: u64, found: u64 },
    /// The store was closed, or its writer is gone.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(super) fn io(action: &'static str, path: &Path, error: std::io::Error) -> Self {
        if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
            return Self::Full { path: path.to_owned(), source: Arc::new(error) };
        }
        Self::Io { action, path: path.to_owned(), source: Arc::new(error) }
    }

    /// True when repeating the request after making space can succeed.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// A failure that does not know yet which file it is about.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    Damage(String),
    Refused(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Fault {
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Damage(detail) => StoreError::Corrupt { path: path.to_owned(), detail },
            Self::Refused(error) => error,
            Self::Sql(error) => from_sqlite(path, error),
        }
    }
}

fn from_sqlite(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let full = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => return StoreError::Foreign { path, detail: error.to_string() },
        Some(ErrorCode::DatabaseCorrupt) => return StoreError::Corrupt { path, detail: error.to_string() },
        Some(ErrorCode::DiskFull) => true,
        // A quota, or a shared-memory file that cannot grow, shows up as a plain I/O error.
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => free_space(&path).is_some_and(|free| free < NEARLY_NOTHING),
        Some(_) => false,
        None if is_unreadable_value(&error) => return StoreError::Corrupt { path, detail: error.to_string() },
        None => false,
    };
    if full {
        return StoreError::Full { path, source: Arc::new(error) };
    }
    StoreError::Database { path, source: Arc::new(error) }
}

/// A column whose content is not what the schema promises.
fn is_unreadable_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

/// Bytes an ordinary user may still write on the file system of `path`.
pub(super) fn free_space(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}
