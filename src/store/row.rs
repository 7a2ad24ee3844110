//! Between events and rows: bodies, checksums and the small conversions SQLite needs.

use rusqlite::Row;
use serde::Serialize;

use super::NewEvent;
use super::error::{Fault, StoreError};
use super::project::outline;
use crate::model::{Event, EventKind, RunId, Timestamp};

/// A body larger than this is not a fact but a mistake.
const LARGEST_BODY: usize = 256 * 1024 * 1024;
/// Deeper values could be written but not read again (the parser stops at 128), also where a body is part of more.
const DEEPEST_BODY: usize = 100;

/// An event on its way into the journal; its values stay with the caller, only the text travels.
#[derive(Debug)]
pub(super) struct Entry {
    pub at: Timestamp,
    pub run: RunId,
    pub body: String,
    /// What the read model needs of it; `None` when it changes nothing there.
    pub outline: Option<EventKind>,
}

impl Entry {
    pub fn of(event: &NewEvent) -> Result<Self, StoreError> {
        let body = text_of(&event.kind, || format!("an event of run {}", event.run))?;
        Ok(Self { at: event.at, run: event.run.clone(), body, outline: outline(&event.kind) })
    }
}

/// A body as compact JSON that can be read again; `what` names it in a refusal.
pub(super) fn text_of<T: Serialize>(body: &T, what: impl Fn() -> String) -> Result<String, StoreError> {
    let refuse = |detail: String| StoreError::Unrecordable { what: what(), detail };
    let body = serde_json::to_string(body).map_err(|error| refuse(error.to_string()))?;
    if body.len() > LARGEST_BODY {
        return Err(refuse(format!("it has {} bytes, and {LARGEST_BODY} are allowed", body.len())));
    }
    if depth(&body) > DEEPEST_BODY {
        return Err(refuse(format!("its values are nested more than {DEEPEST_BODY} deep")));
    }
    Ok(body)
}

/// How deeply lists and tables lie in each other, in valid JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut quoted) = (0_usize, 0, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' => drop(bytes.next()),
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    deepest
}

/// Reads `seq, at, run id, body, sum`, in this order, and believes the row only when the sum is right.
pub(super) fn decode(row: &Row<'_>) -> Result<Event, Fault> {
    let seq = seq_of(row.get(0)?)?;
    let at: i64 = row.get(1)?;
    let run = row.get_ref(2)?.as_str().map_err(|error| damaged(seq, &error))?;
    let body = row.get_ref(3)?.as_str().map_err(|error| damaged(seq, &error))?;
    let sum: i64 = row.get(4)?;
    if checksum(seq, at, run, body) != sum {
        return Err(damaged(seq, &"its checksum is wrong"));
    }
    let kind = serde_json::from_str(body).map_err(|error| damaged(seq, &error))?;
    Ok(Event { seq, at: Timestamp(at), run: RunId::from_text(run), kind })
}

fn damaged(seq: u64, detail: &dyn std::fmt::Display) -> Fault {
    Fault::Damage(format!("event {seq}: {detail}"))
}

/// FNV-1a over the row; `owner` is its run or stream. Finds any changed byte; it is no protection against a person.
pub(super) fn checksum(seq: u64, at: i64, owner: &str, body: &str) -> i64 {
    let seq = seq.to_le_bytes();
    let at = at.to_le_bytes();
    let bytes = seq.iter().chain(&at).chain(owner.as_bytes()).chain(body.as_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)).cast_signed()
}

/// SQLite's integers are signed; ours never reach the difference.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn seq_of(value: i64) -> Result<u64, Fault> {
    u64::try_from(value).map_err(|_| Fault::Damage(format!("sequence number {value} is negative")))
}

pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}
