//! The audit chain on disk: how a record is added, read and proven.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};

use super::error::{Fault, StoreError};
use super::row::{integer, seq_of, text_of};
use crate::model::digest::canonical;
use crate::model::{
    AuditHead, AuditQuery, AuditRecord, AuditVerdict, Break, NewRecord, Proof, SignedHead, Timestamp, Unreadable, audit,
};

/// The version of the store that brought the chain.
pub(super) const SINCE: u32 = 3;
/// Rows of a listing that does not say how many.
const PAGE: u32 = 100;
/// Rows of a listing at most.
const LARGEST_PAGE: u32 = 10_000;

const COLUMNS: &str = "seq, at, actor, uid, auth_method, action, subject, body, prev_hash, hash";

/// The identity of the store.
pub(super) fn identity(conn: &Connection) -> Result<String, Fault> {
    let found = conn.query_row("SELECT store FROM identity", [], |row| row.get(0)).optional()?;
    found.ok_or_else(|| Fault::Damage("the store has lost its identity".to_owned()))
}

/// The end of the chain.
pub(super) fn head(conn: &Connection) -> Result<AuditHead, Fault> {
    let mut last = conn.prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?;
    let last = last.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match last {
        Some((seq, hash)) => Ok(AuditHead { seq: seq_of(seq)?, hash }),
        None => Ok(AuditHead::start(&identity(conn)?)),
    }
}

/// Says whether a record can be kept and read again.
pub(super) fn admit(new: &NewRecord) -> Result<(), StoreError> {
    text_of(&new.body, || format!("the audit record of {} {}", new.action, new.subject)).map(drop)
}

/// Adds the next link, and moves the head on.
pub(super) fn append(tx: &Transaction<'_>, head: &mut AuditHead, new: NewRecord) -> Result<AuditRecord, Fault> {
    let record = AuditRecord::after(head, new);
    let mut insert =
        tx.prepare_cached(&format!("INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"))?;
    insert.execute(params![
        integer(record.seq),
        record.at.as_millis(),
        record.actor,
        record.uid,
        record.auth_method.name(),
        record.action,
        record.subject,
        canonical(&record.body),
        record.prev_hash,
        record.hash
    ])?;
    *head = AuditHead::from(&record);
    Ok(record)
}

/// Reads a row of `COLUMNS`. What it is worth, only `verify` knows.
fn decode(row: &Row<'_>) -> Result<AuditRecord, Unreadable> {
    let proof: String = row.get(4).map_err(unreadable)?;
    let body: String = row.get(7).map_err(unreadable)?;
    let value = serde_json::from_str(&body).map_err(|error| Unreadable(format!("its body: {error}")))?;
    if canonical(&value) != body {
        return Err(Unreadable("its body is not as it is written here".to_owned()));
    }
    let record = || {
        Ok(AuditRecord {
            seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
            at: Timestamp(row.get(1)?),
            actor: row.get(2)?,
            uid: row.get(3)?,
            auth_method: Proof::Engine,
            action: row.get(5)?,
            subject: row.get(6)?,
            body: value,
            prev_hash: row.get(8)?,
            hash: row.get(9)?,
        })
    };
    let record: AuditRecord = record().map_err(unreadable)?;
    let auth_method = Proof::from_name(&proof).ok_or_else(|| Unreadable(format!("it knows no proof {proof:?}")))?;
    Ok(AuditRecord { auth_method, ..record })
}

fn unreadable(error: rusqlite::Error) -> Unreadable {
    Unreadable(error.to_string())
}

/// Records as a listing shows them.
pub(super) fn page(conn: &Connection, query: &AuditQuery) -> Result<Vec<AuditRecord>, Fault> {
    let mut sql = format!("SELECT {COLUMNS} FROM audit WHERE true");
    let mut values: Vec<Value> = Vec::new();
    if let Some(action) = &query.action {
        values.push(action.clone().into());
        sql.push_str(&format!(" AND (action = ?{0} OR substr(action, 1, length(?{0}) + 1) = ?{0} || '.')", values.len()));
    }
    if let Some(actor) = &query.actor {
        values.push(actor.clone().into());
        sql.push_str(&format!(" AND actor = ?{}", values.len()));
    }
    if let Some(since) = query.since {
        values.push(since.as_millis().into());
        sql.push_str(&format!(" AND at >= ?{}", values.len()));
    }
    if let Some(before) = query.before {
        values.push(integer(before).into());
        sql.push_str(&format!(" AND seq < ?{}", values.len()));
    }
    match query.after {
        Some(after) => {
            values.push(integer(after).into());
            sql.push_str(&format!(" AND seq > ?{} ORDER BY seq", values.len()));
        }
        None => sql.push_str(" ORDER BY seq DESC"),
    }
    sql.push_str(&format!(" LIMIT {}", query.limit.unwrap_or(PAGE).min(LARGEST_PAGE)));
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let damage = |Unreadable(detail)| Fault::Damage(format!("audit record {}: {detail}", row.get(0).unwrap_or(0_i64)));
        found.push(decode(row).map_err(damage)?);
    }
    Ok(found)
}

/// Records that carry the hash of a fact, oldest first: number, stream, hash. Subjects begin like this.
pub(super) fn bound(conn: &Connection, prefix: &str) -> Result<Vec<(u64, String, String)>, Fault> {
    let mut select = conn.prepare_cached(
        "SELECT seq, subject, body FROM audit WHERE subject >= ?1 AND subject < ?1 || char(1114111) ORDER BY seq",
    )?;
    let mut rows = select.query([prefix])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (subject, body): (String, String) = (row.get(1)?, row.get(2)?);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        if let Some(hash) = body["fact"].as_str() {
            found.push((seq_of(row.get(0)?)?, subject, hash.to_owned()));
        }
    }
    Ok(found)
}

/// Goes through the whole chain, one record in memory, from one snapshot.
pub(super) fn verify(conn: &Connection, checkpoints: &[SignedHead]) -> Result<AuditVerdict, Fault> {
    let store = identity(conn)?;
    let mut select = conn.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
    let rows = select.query_map([], |row| Ok(decode(row)))?;
    let mut trouble = None;
    let records = rows.map_while(|row| row.map_err(|error| trouble = Some(error)).ok());
    let verdict: Result<_, Break> = audit::verify(records, Some(&store), checkpoints);
    match trouble {
        Some(error) => Err(error.into()),
        None => Ok(verdict.into()),
    }
}
