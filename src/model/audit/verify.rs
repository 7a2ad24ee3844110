//! The proof that a chain is whole: one pass, one record in memory, the first bad one named.

use serde::{Deserialize, Serialize};

use super::{AuditHead, AuditRecord, genesis};
use crate::model::{SignedHead, Timestamp};

/// A record that is there and cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// What is to be compared with a chain: the text of a file of checkpoints, and the public keys that may have signed them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyRequest {
    #[serde(default)]
    pub checkpoints: String,
    /// One key a line, in hex.
    #[serde(default)]
    pub keys: String,
}

/// A chain that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub records: u64,
    /// Of the last record; of the chain's beginning when there is none.
    pub hash: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_at: Option<Timestamp>,
    /// How many checkpoints agree.
    pub checkpoints: usize,
    /// Up to this record the chain is as it was signed. Beyond it an end that was cut off would not be noticed.
    pub signed_up_to: u64,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{place}: {flaw}")]
pub struct Break {
    #[serde(flatten)]
    pub place: Place,
    #[serde(flatten)]
    pub flaw: Flaw,
}

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A sequence number.
    Record(u64),
    /// A line of the file of checkpoints, from 1.
    Checkpoint(usize),
    /// The number of a fact that a record answers for.
    Fact(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(seq) => write!(f, "record {seq}"),
            Self::Checkpoint(line) => write!(f, "checkpoint in line {line}"),
            Self::Fact(seq) => write!(f, "fact {seq}"),
        }
    }
}

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum Flaw {
    #[error("it cannot be read: {detail}")]
    Unreadable { detail: String },
    #[error("it is not there; record {found} stands in its place")]
    Missing { found: u64 },
    #[error("it is not there, and the checkpoint in line {line} was made when there were {seq} records")]
    CutOff { line: usize, seq: u64 },
    #[error("it does not begin the chain of this store")]
    Transplanted,
    #[error("it does not follow from the record before it; one of the two is not what was written")]
    Unlinked,
    #[error("it is not what was written: its hash is another")]
    Changed,
    #[error("the checkpoint in line {line} knows it with another hash: it was rewritten, or one before it")]
    Rewritten { line: usize },
    #[error("it is of the store {theirs}, and this one is {ours}")]
    OtherStore { theirs: String, ours: String },
    #[error("it is not what record {record} says of {stream}")]
    Unfit { record: u64, stream: String },
    #[error("no record says that of {stream}")]
    Unrecorded { stream: String },
    #[error("the fact of {stream} that it answers for is gone")]
    FactGone { stream: String },
    #[error("its signature is wrong")]
    Forged,
    #[error("it is signed with the key {key}, which is none of those given")]
    UnknownKey { key: String },
}

/// The answer to the question whether a chain is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Whole(Summary),
    Broken(Break),
}

impl From<Result<Summary, Break>> for Verdict {
    fn from(result: Result<Summary, Break>) -> Self {
        result.map_or_else(Self::Broken, Self::Whole)
    }
}

/// Goes through a chain, oldest record first. `store` is the identity of the store it must belong to; of an exported chain
/// it is known from its checkpoints, or not at all.
///
/// # Errors
/// The first record that is not what was written, or the first checkpoint that does not fit.
pub fn verify<I>(records: I, store: Option<&str>, checkpoints: &[SignedHead]) -> Result<Summary, Break>
where
    I: IntoIterator<Item = Result<AuditRecord, Unreadable>>,
{
    let mut chain = Chain::begin(store, checkpoints)?;
    for record in records {
        chain.take(record)?;
    }
    chain.end()
}

/// A chain as far as it is known to be whole.
struct Chain<'c> {
    /// `None` until the first record of a chain whose store is not known.
    head: Option<AuditHead>,
    last_at: Option<Timestamp>,
    /// Not reached yet, nearest first.
    ahead: Vec<&'c SignedHead>,
    checked: usize,
    signed_up_to: u64,
}

impl<'c> Chain<'c> {
    fn begin(store: Option<&str>, checkpoints: &'c [SignedHead]) -> Result<Self, Break> {
        let store = store.or_else(|| checkpoints.first().map(|first| first.store.as_str()));
        if let Some(ours) = store
            && let Some(foreign) = checkpoints.iter().find(|checkpoint| checkpoint.store != ours)
        {
            let flaw = Flaw::OtherStore { theirs: foreign.store.clone(), ours: ours.to_owned() };
            return Err(Break { place: Place::Checkpoint(foreign.line), flaw });
        }
        let mut ahead: Vec<_> = checkpoints.iter().collect();
        ahead.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.head.seq));
        let head = store.map(|store| AuditHead { seq: 0, hash: genesis(store) });
        let mut chain = Self { head, last_at: None, ahead, checked: 0, signed_up_to: 0 };
        chain.compare()?;
        Ok(chain)
    }

    fn take(&mut self, record: Result<AuditRecord, Unreadable>) -> Result<(), Break> {
        let seq = self.seq() + 1;
        let broken = |flaw| Err(Break { place: Place::Record(seq), flaw });
        let record = match record {
            Ok(record) => record,
            Err(Unreadable(detail)) => return broken(Flaw::Unreadable { detail }),
        };
        if record.seq != seq {
            return broken(Flaw::Missing { found: record.seq });
        }
        if self.head.as_ref().is_some_and(|head| head.hash != record.prev_hash) {
            return broken(if seq == 1 { Flaw::Transplanted } else { Flaw::Unlinked });
        }
        if record.digest() != record.hash {
            return broken(Flaw::Changed);
        }
        self.head = Some(AuditHead::from(&record));
        self.last_at = Some(record.at);
        self.compare()
    }

    /// Holds every checkpoint of this very place against the chain.
    fn compare(&mut self) -> Result<(), Break> {
        let Some(head) = &self.head else { return Ok(()) };
        while let Some(checkpoint) = self.ahead.pop_if(|checkpoint| checkpoint.head.seq == head.seq) {
            if checkpoint.head.hash != head.hash {
                return Err(Break { place: Place::Record(head.seq), flaw: Flaw::Rewritten { line: checkpoint.line } });
            }
            self.checked += 1;
            self.signed_up_to = head.seq;
        }
        Ok(())
    }

    fn end(self) -> Result<Summary, Break> {
        let records = self.seq();
        if let Some(checkpoint) = self.ahead.last() {
            let flaw = Flaw::CutOff { line: checkpoint.line, seq: checkpoint.head.seq };
            return Err(Break { place: Place::Record(records + 1), flaw });
        }
        let hash = self.head.map(|head| head.hash).unwrap_or_default();
        Ok(Summary { records, hash, last_at: self.last_at, checkpoints: self.checked, signed_up_to: self.signed_up_to })
    }

    fn seq(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.seq)
    }
}
