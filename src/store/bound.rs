//! Facts that the audit chain answers for: the record of such a fact carries its hash, and both are one commit.
//!
//! Owns the comparison of the two. Must not know what a fact means.

use std::collections::{BTreeMap, VecDeque};

use rusqlite::Connection;

use super::error::Fault;
use super::{facts, ledger};
use crate::model::digest::{canonical, sha256_hex};
use crate::model::{AuditVerdict, Break, Flaw, Place, SignedHead};

/// Streams whose every fact has a record, under the stream's name.
const BOUND: &[&str] = &["gate/", "release/", "standing/", "glass/"];

/// Whether the chain is whole and the facts that it answers for are what it says, from one snapshot.
pub(super) fn verify(conn: &Connection, checkpoints: &[SignedHead]) -> Result<AuditVerdict, Fault> {
    let tx = conn.unchecked_transaction()?;
    let verdict = ledger::verify(&tx, checkpoints)?;
    if matches!(verdict, AuditVerdict::Broken(_)) {
        return Ok(verdict);
    }
    Ok(check(&tx)?.map_or(verdict, AuditVerdict::Broken))
}

/// The first fact that is not what its record says.
pub(super) fn check(conn: &Connection) -> Result<Option<Break>, Fault> {
    for prefix in BOUND {
        if let Some(found) = check_one(conn, prefix)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn check_one(conn: &Connection, prefix: &str) -> Result<Option<Break>, Fault> {
    let mut expected: BTreeMap<String, VecDeque<(u64, String)>> = BTreeMap::new();
    for (record, stream, hash) in ledger::bound(conn, prefix)? {
        expected.entry(stream).or_default().push_back((record, hash));
    }
    for (seq, fact) in facts::each(conn, prefix)? {
        let wrong = |flaw| Ok(Some(Break { place: Place::Fact(seq), flaw }));
        let fact = match fact {
            Ok(fact) => fact,
            Err(detail) => return wrong(Flaw::Unreadable { detail }),
        };
        match expected.get_mut(&fact.stream).and_then(VecDeque::pop_front) {
            Some((_, hash)) if hash == sha256_hex(canonical(&fact.body).as_bytes()) => {}
            Some((record, _)) => return wrong(Flaw::Unfit { record, stream: fact.stream }),
            None => return wrong(Flaw::Unrecorded { stream: fact.stream }),
        }
    }
    let left = expected.into_iter().filter_map(|(stream, mut left)| left.pop_front().map(|(record, _)| (record, stream)));
    Ok(left.min().map(|(record, stream)| Break { place: Place::Record(record), flaw: Flaw::FactGone { stream } }))
}
