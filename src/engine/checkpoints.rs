//! Checkpoints of the audit chain that an engine makes by itself: after so many records, and at its end.
//!
//! Owns when one is due. Must not know what is in the chain.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Engine, clock};
use crate::config;
use crate::model::{AuditVerdict, Checkpoint, Sealed, VerifyRequest, checkpoint};
use crate::store::{Signer, StoreError, checkpoints};

/// Where checkpoints go, and how far the chain is covered.
#[derive(Debug)]
pub struct Checkpoints {
    /// The file, and after how many records it gets a line.
    file: Option<(PathBuf, u64)>,
    /// The last record that is signed for.
    covered: Mutex<u64>,
    /// Why the last one could not be written.
    trouble: Mutex<Option<String>>,
}

impl Checkpoints {
    /// As `[audit]` says.
    pub fn new(settings: &config::Audit) -> Self {
        let file = settings.checkpoint.clone().map(|path| (path, u64::from(settings.every)));
        let covered = file.as_ref().map_or(0, |(path, _)| last_covered(path));
        Self { file, covered: Mutex::new(covered), trouble: Mutex::default() }
    }

    /// What keeps checkpoints from being written, for `doctor`.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The record that the last whole line is about; the line is not believed, only counted from.
fn last_covered(path: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let last = text.lines().rev().find_map(|line| serde_json::from_str::<Checkpoint>(line).ok());
    last.map_or(0, |last| last.seq)
}

impl Engine {
    /// Signs the end of the audit chain as it is now.
    ///
    /// # Errors
    /// When there is no key and none can be made.
    pub async fn checkpoint(&self) -> Result<Sealed, StoreError> {
        let dir = self.shared.paths.state_dir().to_owned();
        let signer = tokio::task::spawn_blocking(move || Signer::open(&dir)).await.unwrap_or(Err(StoreError::Closed))?;
        let head = self.shared.store.audit_head().borrow().clone();
        let checkpoint = signer.checkpoint(head, clock::now(), self.shared.store.identity());
        Ok(Sealed { checkpoint, public: signer.public() })
    }

    /// Follows the chain and adds a line to the file whenever one is due. Ends with the store.
    pub(super) fn keep_checkpoints(&self) {
        let Some((_, every)) = self.shared.checkpoints.file else { return };
        let mut head = self.shared.store.audit_head();
        // Must not keep the engine alive.
        let shared = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            while let Some(shared) = shared.upgrade() {
                Self { shared }.sign_after(every).await;
                if head.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// Adds a line if at least so many records are not covered yet.
    pub(super) async fn sign_after(&self, every: u64) {
        let Checkpoints { file, covered, trouble } = &self.shared.checkpoints;
        let Some((path, _)) = file.clone() else { return };
        let seq = self.shared.store.audit_head().borrow().seq;
        let known = *covered.lock().unwrap_or_else(PoisonError::into_inner);
        // Fewer records than were signed for: somebody cut the chain off, and that is to be seen, not smoothed over.
        if seq.abs_diff(known) < every {
            return;
        }
        let written = match self.checkpoint().await {
            Ok(Sealed { checkpoint, public }) => {
                let seq = checkpoint.seq;
                let work = tokio::task::spawn_blocking(move || checkpoints::append(&path, &checkpoint, &public));
                work.await.unwrap_or(Err(StoreError::Closed)).map(|()| seq)
            }
            Err(error) => Err(error),
        };
        match &written {
            Ok(seq) => *covered.lock().unwrap_or_else(PoisonError::into_inner) = *seq,
            Err(error) => tracing::error!(%error, "the checkpoint of the audit chain could not be written"),
        }
        *trouble.lock().unwrap_or_else(PoisonError::into_inner) =
            written.err().map(|error| format!("[audit] checkpoint: {error}"));
    }

    /// Compares the whole chain with checkpoints and says whether it is whole.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verify_audit(&self, request: &VerifyRequest) -> Result<AuditVerdict, StoreError> {
        match checkpoint::read(&request.checkpoints, &request.keys) {
            Ok(signed) => self.shared.store.verify_audit(signed).await,
            Err(broken) => Ok(AuditVerdict::Broken(broken)),
        }
    }
}
