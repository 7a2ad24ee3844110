//! From a directory to a connection that can be trusted: permissions, identity, version, soundness.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{Fault, StoreError};
use super::migrate::{self, Migration};

/// The store's file in its state directory.
pub(super) const FILE: &str = "flowdeck.db";
/// After an unclean end, stores up to this size are checked page by page; larger ones by `Store::check`.
const CHECKED_AT_OPEN: u64 = 8 * 1024 * 1024;
const STATEMENTS: usize = 64;

/// Opens or creates the store in `dir`, which is made private when it is new.
pub(super) fn open(dir: &Path, migrations: &[Migration]) -> Result<Connection, StoreError> {
    let path = dir.join(FILE);
    let fresh_dir = prepare_dir(dir)?;
    let size = length(&path)?;
    let unclean = length(&log_path(&path))? > 0;
    if size == 0 && unclean {
        let detail = format!("the store is empty, yet its log {} is not", log_path(&path).display());
        return Err(StoreError::Corrupt { path, detail });
    }
    if size == 0 {
        create(&path)?;
    }
    restrict(&path, 0o600)?;
    let check = unclean && size <= CHECKED_AT_OPEN;
    let conn = connect(&path, migrations, check).map_err(|fault| fault.at(&path))?;
    if size == 0 {
        sync_dir(dir)?;
    }
    if let (true, Some(parent)) = (fresh_dir, dir.parent()) {
        sync_dir(parent)?;
    }
    Ok(conn)
}

fn connect(path: &Path, migrations: &[Migration], check: bool) -> Result<Connection, Fault> {
    let mut conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    let version = migrate::identify(&conn, path, migrations)?;
    if check {
        quick_check(&conn)?;
    }
    configure(&conn)?;
    migrate::migrate(&mut conn, path, version, migrations)?;
    Ok(conn)
}

fn configure(conn: &Connection) -> Result<(), Fault> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::Damage(format!("this file system cannot hold a write-ahead log (journal mode {mode})")));
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;",
    )?;
    conn.pragma_update_and_check(None, "journal_size_limit", 16 * 1024 * 1024, |_| Ok(()))?;
    Ok(())
}

/// A second connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, Fault> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(conn)
}

/// Looks at every page; the first complaint is the error.
pub(super) fn quick_check(conn: &Connection) -> Result<(), Fault> {
    let said: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(Fault::Damage(said.replace('\n', " "))) }
}

fn log_path(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

/// The file's length; a missing file has none.
fn length(path: &Path) -> Result<u64, StoreError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(found.len()),
        Ok(_) => Err(StoreError::Foreign { path: path.to_owned(), detail: "it is not a file".to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

/// Makes the directory private when it is new or empty; one that others use already is not ours to close.
fn prepare_dir(dir: &Path) -> Result<bool, StoreError> {
    let missing = !dir.exists();
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| StoreError::io("create", dir, error))?;
    let mut entries = fs::read_dir(dir).map_err(|error| StoreError::io("read", dir, error))?;
    if entries.next().is_none() {
        restrict(dir, 0o700)?;
    }
    Ok(missing)
}

fn create(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map(drop).map_err(|error| StoreError::io("create", path, error))
}

fn restrict(path: &Path, mode: u32) -> Result<(), StoreError> {
    let found = fs::metadata(path).map_err(|error| StoreError::io("read", path, error))?;
    if found.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|error| StoreError::io("make private", path, error))
}

fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| StoreError::io("write", dir, error))
}
