//! Checkpoints of the audit chain: its end at some moment, signed with Ed25519 and kept elsewhere, so that a chain that was cut
//! off or written anew is noticed. Pure: keys and files come from outside.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::digest::{canonical, hex, sha256_hex};
use super::{AuditHead, Break, Flaw, Place, Timestamp};

/// One line of a file of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The last record at that moment, and its hash.
    pub seq: u64,
    pub hash: String,
    pub at: Timestamp,
    /// The identity of the store.
    pub store: String,
    /// Names the public key that belongs to the signature.
    pub key: String,
    /// Ed25519, over everything else; hex.
    pub signature: String,
}

impl Checkpoint {
    /// A checkpoint signed by `sign`, whose public key is `public`.
    pub fn seal(head: AuditHead, at: Timestamp, store: &str, public: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        let mut checkpoint =
            Self { seq: head.seq, hash: head.hash, at, store: store.to_owned(), key: key_id(public), signature: String::new() };
        checkpoint.signature = hex(&sign(checkpoint.signed().as_bytes()));
        checkpoint
    }

    /// The text that is signed. Its beginning keeps the signature from meaning anything elsewhere.
    fn signed(&self) -> String {
        let Self { seq, hash, at, store, key, signature: _ } = self;
        let body = json!({"seq": seq, "hash": hash, "at": at, "store": store, "key": key});
        format!("flowdeck audit checkpoint\n{}", canonical(&body))
    }

    fn is_signed_with(&self, public: &[u8]) -> bool {
        let Some(signature) = from_hex(&self.signature) else { return false };
        UnparsedPublicKey::new(&ED25519, public).verify(self.signed().as_bytes(), &signature).is_ok()
    }
}

/// A checkpoint and the key that proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub checkpoint: Checkpoint,
    /// The public key, in hex.
    pub public: String,
}

/// A checkpoint whose signature was found right, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    pub line: usize,
    pub head: AuditHead,
    pub store: String,
}

/// The short name of a public key.
pub fn key_id(public: &[u8]) -> String {
    sha256_hex(public)[..16].to_owned()
}

/// Reads a file of checkpoints and believes none that is not signed with one of `keys` (hex, one a line).
///
/// # Errors
/// The first line that is no checkpoint, was changed, or has a strange key.
pub fn read(text: &str, keys: &str) -> Result<Vec<SignedHead>, Break> {
    let keys: Vec<Vec<u8>> = keys.lines().filter_map(|line| from_hex(line.trim())).collect();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        let line_number = at + 1;
        let broken = |flaw| Break { place: Place::Checkpoint(line_number), flaw };
        let checkpoint: Checkpoint =
            serde_json::from_str(line).map_err(|error| broken(Flaw::Unreadable { detail: error.to_string() }))?;
        let key = keys.iter().find(|key| key_id(key) == checkpoint.key);
        let key = key.ok_or_else(|| broken(Flaw::UnknownKey { key: checkpoint.key.clone() }))?;
        if !checkpoint.is_signed_with(key) {
            return Err(broken(Flaw::Forged));
        }
        let head = AuditHead { seq: checkpoint.seq, hash: checkpoint.hash };
        Ok(SignedHead { line: line_number, head, store: checkpoint.store })
    };
    lines.map(read).collect()
}

/// Bytes from hex; `None` for anything else.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
