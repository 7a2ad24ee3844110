//! The key that signs checkpoints: made on first use, kept in the state directory for the engine's user alone.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::error::StoreError;
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
        match fs::read(&path) {
            Ok(document) => Self::of(&path, &document),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(StoreError::io("read", &path, error)),
        }
    }

    fn of(path: &Path, document: &[u8]) -> Result<Self, StoreError> {
        let pair = Ed25519KeyPair::from_pkcs8(document);
        let pair =
            pair.map_err(|error| StoreError::Corrupt { path: path.to_owned(), detail: format!("it holds no key: {error}") })?;
        Ok(Self { pair })
    }

    /// Through a name of its own and a link, so that of two who make one at once both get the same.
    fn make(path: &Path) -> Result<Self, StoreError> {
        let unspecified = |_| StoreError::io("make a key for", path, std::io::Error::other("no random numbers"));
        let document = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(unspecified)?;
        let partial = path.with_extension(format!("{}.partial", std::process::id()));
        let io = |error| StoreError::io("create", path, error);
        let written = write_private(&partial, document.as_ref()).and_then(|()| fs::hard_link(&partial, path));
        let _ = fs::remove_file(&partial);
        match written {
            Ok(()) => Self::of(path, document.as_ref()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::of(path, &fs::read(path).map_err(io)?),
            Err(error) => Err(io(error)),
        }
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

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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
