//! The thorough examination behind `flowdeck doctor`: pages, sequence, checksums, read model against journal,
//! and the audit chain.

use rusqlite::{Connection, OptionalExtension};

use super::error::Fault;
use super::project::fold;
use super::read::{SUMMARIES, SUMMARY, StageRow, stage_rows, summary};
use super::row::{decode, integer, millis};
use super::{bound, facts, ledger};
use crate::model::{AuditVerdict, Flaw, Run, RunId, StageStatus};

/// Complaints after which nobody reads on.
const ENOUGH: usize = 100;

/// Everything wrong with the store, in words; empty when it is sound. Reads all of it from one snapshot.
pub(super) fn check(conn: &Connection) -> Result<Vec<String>, Fault> {
    let tx = conn.unchecked_transaction()?;
    let mut wrong = pages(&tx)?;
    if wrong.is_empty() {
        journal(&tx, &mut wrong)?;
        runs(&tx, &mut wrong)?;
        definitions(&tx, &mut wrong)?;
        facts::check(&tx, &mut wrong, ENOUGH)?;
        audit(&tx, &mut wrong)?;
        bindings(&tx, &mut wrong)?;
    }
    Ok(wrong)
}

fn audit(conn: &Connection, wrong: &mut Vec<String>) -> Result<(), Fault> {
    if let AuditVerdict::Broken(broken) = ledger::verify(conn, &[])? {
        wrong.push(format!("the audit chain is broken: {broken}"));
    }
    Ok(())
}

/// Facts beside the chain. One that cannot be read has been told of.
fn bindings(conn: &Connection, wrong: &mut Vec<String>) -> Result<(), Fault> {
    if let Some(broken) = bound::check(conn)?.filter(|broken| !matches!(broken.flaw, Flaw::Unreadable { .. })) {
        wrong.push(format!("what the audit chain answers for was changed: {broken}"));
    }
    Ok(())
}

fn pages(conn: &Connection) -> Result<Vec<String>, Fault> {
    let mut query = conn.prepare(&format!("PRAGMA integrity_check({ENOUGH})"))?;
    let said = query.query_map([], |row| row.get::<_, String>(0))?;
    let mut said = said.collect::<rusqlite::Result<Vec<_>>>()?;
    said.retain(|line| line != "ok");
    Ok(said)
}

fn journal(conn: &Connection, wrong: &mut Vec<String>) -> Result<(), Fault> {
    let mut query = conn.prepare(
        "SELECT e.seq, e.at, coalesce(r.id, ''), e.body, e.sum FROM events e LEFT JOIN runs r ON r.key = e.run ORDER BY e.seq",
    )?;
    let mut rows = query.query([])?;
    let mut expected: i64 = 1;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        if seq != expected {
            wrong.push(format!("events {expected} to {} are missing", seq - 1));
        }
        expected = seq + 1;
        note(wrong, decode(row))?;
        if wrong.len() >= ENOUGH {
            break;
        }
    }
    Ok(())
}

fn runs(conn: &Connection, wrong: &mut Vec<String>) -> Result<(), Fault> {
    let mut query = conn.prepare(&format!("SELECT {SUMMARY}, r.key FROM {SUMMARIES} ORDER BY r.key"))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(13)?;
        let id: String = row.get(0)?;
        let id = RunId::from_text(&id);
        let Some(run) = note(wrong, fold(conn, key, &id))? else { continue };
        let Some(row) = note(wrong, summary(row))? else { continue };
        if row != run.summary() {
            wrong.push(format!("the listing of run {id} differs from its journal"));
        }
        if stage_rows(conn, key)? != expected_stages(&run) {
            wrong.push(format!("the stages of run {id} differ from its journal"));
        }
        if wrong.len() >= ENOUGH {
            break;
        }
    }
    Ok(())
}

fn expected_stages(run: &Run) -> Vec<StageRow> {
    let happened = run.stages.values().filter(|stage| stage.status != StageStatus::Pending);
    let mut rows: Vec<StageRow> = happened
        .map(|stage| {
            let attempts = integer(stage.attempts.len() as u64);
            let (status, times) = (stage.status.name().to_owned(), (millis(stage.started_at), millis(stage.finished_at)));
            (stage.id.as_str().to_owned(), stage.component.to_string(), status, attempts, times.0, times.1)
        })
        .collect();
    rows.sort();
    rows
}

fn definitions(conn: &Connection, wrong: &mut Vec<String>) -> Result<(), Fault> {
    let mut query = conn.prepare("SELECT id FROM runs WHERE definition NOT IN (SELECT hash FROM definitions) LIMIT 1")?;
    if let Some(run) = query.query_row([], |row| row.get::<_, String>(0)).optional()? {
        wrong.push(format!("the pipeline text of run {run} is missing"));
    }
    Ok(())
}

/// Damage becomes a complaint and the examination goes on; any other fault ends it.
fn note<T>(wrong: &mut Vec<String>, outcome: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(Fault::Damage(detail)) => {
            wrong.push(detail);
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}
