//! Versions of the schema: which one a file has, and how an older one becomes today's.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};

use super::error::{Fault, StoreError};

/// Marks a SQLite file as ours ("flow" in ASCII).
pub(super) const APPLICATION_ID: u32 = 0x666c_6f77;

/// One numbered step from the schema before it.
pub(super) struct Migration {
    pub version: u32,
    pub sql: &'static str,
}

/// Every step, in order; the last one's number is the version this binary knows.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("migrations/001_journal.sql") },
    Migration { version: 2, sql: include_str!("migrations/002_parents.sql") },
    Migration { version: 3, sql: include_str!("migrations/003_audit.sql") },
    Migration { version: 4, sql: include_str!("migrations/004_environments.sql") },
];

fn latest(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |last| last.version)
}

/// Refuses files that are not ours or too new, without changing them. Returns the file's version, 0 for a fresh one.
pub(super) fn identify(conn: &Connection, path: &Path, migrations: &[Migration]) -> Result<u32, Fault> {
    let application: u32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: u32 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && found == 0 && tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        let detail = format!("it is a SQLite database of another program (application id {application:#010x})");
        return Err(StoreError::Foreign { path: path.to_owned(), detail }.into());
    }
    let known = latest(migrations);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known }.into());
    }
    Ok(found)
}

/// Brings the schema up to date in one transaction. A store with content is copied beside itself first.
pub(super) fn migrate(conn: &mut Connection, path: &Path, from: u32, migrations: &[Migration]) -> Result<(), Fault> {
    if from == latest(migrations) {
        return Ok(());
    }
    if from > 0 {
        back_up(conn, path, from)?;
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in migrations.iter().filter(|migration| migration.version > from) {
        tx.execute_batch(migration.sql)?;
        tx.pragma_update(None, "user_version", migration.version)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.commit()?;
    Ok(())
}

/// Where the copy of a store of this version is kept.
pub(super) fn backup_path(path: &Path, version: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}.bak"));
    PathBuf::from(name)
}

/// Copies through a temporary name, so that a file named `.bak` is always a whole store.
fn back_up(conn: &Connection, path: &Path, version: u32) -> Result<(), Fault> {
    let target = backup_path(path, version);
    let partial = target.with_extension("partial");
    let io = |action, error| StoreError::io(action, &target, error);
    let _ = fs::remove_file(&partial);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial).map_err(|error| io("create", error))?;
    {
        let mut copy = Connection::open(&partial)?;
        let finished = Backup::new(conn, &mut copy)?.step(-1)?;
        if finished != StepResult::Done {
            return Err(StoreError::io("copy the store to", &target, std::io::ErrorKind::ResourceBusy.into()).into());
        }
    }
    File::open(&partial).and_then(|file| file.sync_all()).map_err(|error| io("write", error))?;
    fs::rename(&partial, &target).map_err(|error| io("write", error))?;
    let dir = target.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| io("write", error))?;
    Ok(())
}
