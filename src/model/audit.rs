//! The audit chain: who did what, each record bound to the one before it by its hash.
//!
//! Owns the record, its hash and the proof that a chain is whole. Pure: where records lie is not known here.

mod verify;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest::{canonical, sha256_hex};
use super::{Actor, Proof, Timestamp};

pub use verify::{Break, Flaw, Place, Summary, Unreadable, Verdict, VerifyRequest, verify};

/// What a record is about: `THING.WHAT_HAPPENED`. A filter for `run` finds all of `run.…`.
pub mod action {
    pub const ENGINE_STARTED: &str = "engine.started";
    pub const ENGINE_STOPPED: &str = "engine.stopped";
    pub const RUN_CREATED: &str = "run.created";
    pub const RUN_RERUN: &str = "run.rerun";
    pub const RUN_CANCELLED: &str = "run.cancelled";
    pub const RUN_RESOLVED: &str = "run.resolved";
    pub const RUN_PROVIDED: &str = "run.provided";
    pub const POLICY_CHANGED: &str = "policy.changed";
    pub const GATE_OPENED: &str = "gate.opened";
    pub const GATE_DECIDED: &str = "gate.decided";
    pub const GATE_REFUSED: &str = "gate.refused";
    pub const GATE_APPROVED: &str = "gate.approved";
    pub const GATE_REJECTED: &str = "gate.rejected";
    pub const GATE_EXPIRED: &str = "gate.expired";
    pub const GATE_WITHDRAWN: &str = "gate.withdrawn";
    pub const GATE_SUPERSEDED: &str = "gate.superseded";
    pub const GATE_RENEWED: &str = "gate.renewed";
    pub const GATE_STARTED: &str = "gate.started";
    pub const GLASS_BROKEN: &str = "glass.broken";
    pub const GLASS_REVIEWED: &str = "glass.reviewed";
    pub const RELEASE_CREATED: &str = "release.created";
    pub const RELEASE_VERIFIED: &str = "release.verified";
    pub const RELEASE_STABLE: &str = "release.stable";
    pub const RELEASE_BAD: &str = "release.bad";
    pub const RELEASE_SUPERSEDED: &str = "release.superseded";
    pub const RELEASE_ROLLED_BACK: &str = "release.rolled_back";
    pub const RELEASE_CHECKED: &str = "release.checked";
    pub const RELEASE_GOING_BACK: &str = "release.going_back";
    pub const ENVIRONMENT_HELD: &str = "environment.held";
    pub const ENVIRONMENT_HOLD_LIFTED: &str = "environment.hold_lifted";
    pub const ARTEFACT_QUARANTINED: &str = "artefact.quarantined";
    pub const ARTEFACT_QUARANTINE_LIFTED: &str = "artefact.quarantine_lifted";
}

/// Something to be put on record. `body` holds names and hashes, never values that may be secret.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    pub at: Timestamp,
    pub actor: Actor,
    pub action: String,
    /// What it was done to: `run/1a2b3c4-5d6e7`, `gate/…`, `engine`.
    pub subject: String,
    pub body: Value,
}

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    /// Counts 1, 2, 3 … without gaps.
    pub seq: u64,
    pub at: Timestamp,
    /// Login name, as [`Actor::name`].
    pub actor: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uid: Option<u32>,
    /// What proved the actor.
    pub auth_method: Proof,
    pub action: String,
    pub subject: String,
    pub body: Value,
    /// The hash of the record before it; of the first one, [`genesis`].
    pub prev_hash: String,
    /// SHA-256 over the canonical JSON of all the other fields, lower-case hex.
    pub hash: String,
}

impl AuditRecord {
    /// The next link after a chain's end.
    pub fn after(head: &AuditHead, new: NewRecord) -> Self {
        let mut record = Self {
            seq: head.seq + 1,
            at: new.at,
            actor: new.actor.name,
            uid: new.actor.uid,
            auth_method: new.actor.proof,
            action: new.action,
            subject: new.subject,
            body: new.body,
            prev_hash: head.hash.clone(),
            hash: String::new(),
        };
        record.hash = record.digest();
        record
    }

    /// The hash that belongs to the other fields.
    pub fn digest(&self) -> String {
        sha256_hex(self.hashed().as_bytes())
    }

    /// Canonical JSON of everything but `hash`, without the detour over a table of fields: chains are long.
    fn hashed(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let uid = self.uid.map(|uid| format!(r#","uid":{uid}"#)).unwrap_or_default();
        format!(
            r#"{{"action":{},"actor":{},"at":"{}","auth_method":"{}","body":{},"prev_hash":{},"seq":{},"subject":{}{uid}}}"#,
            text(&self.action),
            text(&self.actor),
            self.at,
            self.auth_method.name(),
            canonical(&self.body),
            text(&self.prev_hash),
            self.seq,
            text(&self.subject),
        )
    }
}

/// The end of a chain: its last record, or where it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// 0 before the first record.
    pub seq: u64,
    pub hash: String,
}

impl AuditHead {
    /// Where the chain of a store begins.
    pub fn start(store: &str) -> Self {
        Self { seq: 0, hash: genesis(store) }
    }
}

impl From<&AuditRecord> for AuditHead {
    fn from(record: &AuditRecord) -> Self {
        Self { seq: record.seq, hash: record.hash.clone() }
    }
}

/// What the first record follows: the identity of its store, so that no chain can be carried over from another one.
pub fn genesis(store: &str) -> String {
    sha256_hex(format!("flowdeck audit of store {store}").as_bytes())
}

/// Which records a listing shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// An action, or the part before its dot.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// Not those before this time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    /// Oldest first, from the record after this one; without it, newest first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<u64>,
    /// Only those before this record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<u64>,
    /// Rows at most; 100 when absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u32>,
}

#[cfg(test)]
pub(crate) mod tests;
