//! The key that signs checkpoints: made on first use, kept in the state directory for the engine's user alone.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::error::StoreError;
use super::private;
use crate::model::digest::hex;
use crate::model::{AuditHead, Checkpoint, Timestamp};

const FILE: &str = "audit.key";

/// Signs what the audit chain has come to.
#[derive(Debug)]
pub struct Signer {
    pair: Ed25519KeyPair,
}

impl Signer {
    /// The key in a state directory; a new one where there is none.
    ///
    /// # Errors
    /// `Io` or `Full` when the file cannot be read or made, `Corrupt` when it holds no key.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let document = private::kept(&path, || {
            let document = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1());
            document.map(|document| document.as_ref().to_vec()).map_err(|_| std::io::Error::other("no random numbers"))
        })?;
        Self::of(&path, &document)
    }

    fn of(path: &Path, document: &[u8]) -> Result<Self, StoreError> {
        let pair = Ed25519KeyPair::from_pkcs8(document);
        let pair =
            pair.map_err(|error| StoreError::Corrupt { path: path.to_owned(), detail: format!("it holds no key: {error}") })?;
        Ok(Self { pair })
    }

    /// The public key in hex, to be kept where the checkpoints are.
    pub fn public(&self) -> String {
        hex(self.pair.public_key().as_ref())
    }

    /// Signs the end of a chain.
    pub fn checkpoint(&self, head: AuditHead, at: Timestamp, store: &str) -> Checkpoint {
        Checkpoint::seal(head, at, store, self.pair.public_key().as_ref(), |text| self.pair.sign(text).as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::Signer;
    use crate::store::StoreError;

    #[test]
    fn the_key_is_made_once_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Signer::open(dir.path()).unwrap().public();
        assert_eq!(Signer::open(dir.path()).unwrap().public(), first);
        let mode = std::fs::metadata(dir.path().join("audit.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Signer::open(other.path()).unwrap().public(), first);
    }

    #[test]
    fn a_file_without_a_key_is_told_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("audit.key"), "garbage").unwrap();
        let error = Signer::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert_eq!(std::fs::read(dir.path().join("audit.key")).unwrap(), b"garbage");
    }
}
