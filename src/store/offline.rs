//! The store of an engine that does not run: looked at, never changed.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::{Fault, StoreError};
use super::{bound, ledger, migrate, open};
use crate::model::{AuditHead, AuditQuery, AuditRecord, AuditVerdict, SignedHead};

/// The audit chain in a store that is only read. Every question sees the store as it is then.
#[derive(Debug)]
pub struct Offline {
    path: PathBuf,
    conn: Connection,
}

impl Offline {
    /// Opens the store in a state directory. Blocks, as everything here.
    ///
    /// # Errors
    /// `Io` when there is none; a file that is foreign, damaged, too new, or too old to have an audit chain is named.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(open::FILE);
        std::fs::metadata(&path).map_err(|error| StoreError::io("read", &path, error))?;
        let opened = open::reader(&path).and_then(|conn| {
            let found = migrate::identify(&conn, &path, migrate::MIGRATIONS)?;
            if found < ledger::SINCE {
                return Err(StoreError::Older { path: path.clone(), found }.into());
            }
            Ok(conn)
        });
        let conn = opened.map_err(|fault| fault.at(&path))?;
        Ok(Self { path, conn })
    }

    /// As `Store::audit`.
    ///
    /// # Errors
    /// `Corrupt` when a record cannot be read.
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        self.told(ledger::page(&self.conn, query))
    }

    /// As `Store::verify_audit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn verify_audit(&self, checkpoints: &[SignedHead]) -> Result<AuditVerdict, StoreError> {
        self.told(bound::verify(&self.conn, checkpoints))
    }

    /// The end of the chain, and the identity of the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn audit_head(&self) -> Result<(AuditHead, String), StoreError> {
        self.told(ledger::head(&self.conn).and_then(|head| Ok((head, ledger::identity(&self.conn)?))))
    }

    fn told<T>(&self, answer: Result<T, Fault>) -> Result<T, StoreError> {
        answer.map_err(|fault| fault.at(&self.path))
    }
}
