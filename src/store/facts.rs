//! Streams of facts: what happened to gates, releases, locks and the like, kept in order and read back whole.
//!
//! Owns the order within a stream and the check that nobody was faster. Must not know what a fact means: the fold is the model's.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::error::{Fault, StoreError};
use super::row::{checksum, integer, seq_of, text_of};
use crate::model::Timestamp;

/// Facts of the streams whose names begin like this.
const UNDER: &str = "SELECT seq, at, stream, body, sum, place FROM facts
    WHERE stream >= ?1 AND stream < ?1 || char(1114111) ORDER BY seq";

/// A fact that is not recorded yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFact {
    /// What it is about, parts separated by `/`: `gate/ID`, `release/production/api`.
    pub stream: String,
    pub at: Timestamp,
    pub body: serde_json::Value,
}

/// A recorded fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The order of all facts.
    pub seq: u64,
    pub stream: String,
    /// The order within the stream: 1, 2, 3 …
    pub place: u64,
    pub at: Timestamp,
    pub body: serde_json::Value,
}

/// A fact, or why it cannot be read.
pub(super) type Reading = Result<Fact, String>;

/// How many facts a stream had when a decision was made. One more by now, and the decision has to be made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub stream: String,
    pub length: u64,
}

/// A fact on its way into the store, checked and written out.
#[derive(Debug)]
pub(super) struct Entry {
    pub stream: String,
    pub at: Timestamp,
    pub body: String,
}

impl Entry {
    pub fn of(fact: &NewFact) -> Result<Self, StoreError> {
        let body = text_of(&fact.body, || format!("a fact of {}", fact.stream))?;
        Ok(Self { stream: fact.stream.clone(), at: fact.at, body })
    }
}

/// Refuses when a stream has grown or shrunk since somebody looked.
pub(super) fn admit(conn: &Connection, expected: &[Expected]) -> Result<(), Fault> {
    for Expected { stream, length } in expected {
        let found = self::length(conn, stream)?;
        if found != *length {
            return Err(StoreError::Conflict { stream: stream.clone(), expected: *length, found }.into());
        }
    }
    Ok(())
}

/// Adds a fact to the end of its stream; gives its sequence number and its place.
pub(super) fn append(tx: &Transaction<'_>, entry: &Entry) -> Result<(u64, u64), Fault> {
    let place = length(tx, &entry.stream)? + 1;
    let mut last = tx.prepare_cached("SELECT coalesce(max(seq), 0) FROM facts")?;
    let seq = seq_of(last.query_row([], |row| row.get(0))?)? + 1;
    let at = entry.at.as_millis();
    let sum = checksum(seq, at, &entry.stream, &entry.body);
    let mut insert =
        tx.prepare_cached("INSERT INTO facts (seq, stream, place, at, body, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    insert.execute(params![integer(seq), entry.stream, integer(place), at, entry.body, sum])?;
    Ok((seq, place))
}

fn length(conn: &Connection, stream: &str) -> Result<u64, Fault> {
    let mut last = conn.prepare_cached("SELECT place FROM facts WHERE stream = ?1 ORDER BY place DESC LIMIT 1")?;
    last.query_row([stream], |row| row.get(0)).optional()?.map_or(Ok(0), seq_of)
}

/// One stream, oldest first.
pub(super) fn stream(conn: &Connection, stream: &str) -> Result<Vec<Fact>, Fault> {
    select(conn, "SELECT seq, at, stream, body, sum, place FROM facts WHERE stream = ?1 ORDER BY place", stream)
}

/// Every stream whose name begins like this, oldest fact first.
pub(super) fn under(conn: &Connection, prefix: &str) -> Result<Vec<Fact>, Fault> {
    select(conn, UNDER, prefix)
}

/// As `under`, with the number of each; one that cannot be read is why not.
pub(super) fn each(conn: &Connection, prefix: &str) -> Result<Vec<(u64, Reading)>, Fault> {
    let mut query = conn.prepare_cached(UNDER)?;
    let mut rows = query.query([prefix])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let fact = match decode(row) {
            Err(Fault::Damage(detail)) => Err(detail),
            decoded => Ok(decoded?),
        };
        found.push((seq_of(row.get(0)?)?, fact));
    }
    Ok(found)
}

fn select(conn: &Connection, sql: &str, name: &str) -> Result<Vec<Fact>, Fault> {
    let mut query = conn.prepare_cached(sql)?;
    let mut rows = query.query([name])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(decode(row)?);
    }
    Ok(found)
}

fn decode(row: &Row<'_>) -> Result<Fact, Fault> {
    let (seq, at): (u64, i64) = (seq_of(row.get(0)?)?, row.get(1)?);
    let (stream, body): (String, String) = (row.get(2)?, row.get(3)?);
    let damaged = |detail: &dyn std::fmt::Display| Fault::Damage(format!("fact {seq} of {stream}: {detail}"));
    if checksum(seq, at, &stream, &body) != row.get::<_, i64>(4)? {
        return Err(damaged(&"its checksum is wrong"));
    }
    let value = serde_json::from_str(&body).map_err(|error| damaged(&error))?;
    Ok(Fact { seq, place: seq_of(row.get(5)?)?, at: Timestamp(at), body: value, stream })
}

/// What is wrong with the streams: facts that changed, and facts that are gone.
pub(super) fn check(conn: &Connection, wrong: &mut Vec<String>, enough: usize) -> Result<(), Fault> {
    let mut query = conn.prepare("SELECT seq, at, stream, body, sum, place FROM facts ORDER BY stream, place")?;
    let mut rows = query.query([])?;
    let (mut current, mut expected) = (String::new(), 1);
    while let Some(row) = rows.next()? {
        if wrong.len() >= enough {
            break;
        }
        match decode(row) {
            Ok(fact) => {
                if fact.stream != current {
                    (current, expected) = (fact.stream, 1);
                }
                if fact.place != expected {
                    wrong.push(format!("facts {expected} to {} of {current} are missing", fact.place.saturating_sub(1)));
                }
                expected = fact.place + 1;
            }
            Err(Fault::Damage(detail)) => {
                wrong.push(detail);
                expected += 1;
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}
