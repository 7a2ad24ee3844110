//! Queries. They run on connections that cannot write, beside the writer and never in its way.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::Value};

use super::error::{Fault, StoreError};
use super::row::{decode, integer};
use super::{Definition, Family, RunFilter, open};
use crate::model::{Actor, Event, EventKind, Run, RunId, RunStatus, RunSummary, Timestamp};

/// Idle connections kept for the next question.
const KEPT: usize = 4;
/// Candidates named for an ambiguous run.
const CANDIDATES: i64 = 20;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `work` on a connection of its own. Blocks: not for an async thread.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let answer = self.borrow().and_then(|conn| {
            let answer = work(&conn)?;
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(conn);
            }
            Ok(answer)
        });
        answer.map_err(|fault| fault.at(&self.path))
    }

    fn borrow(&self) -> Result<Connection, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| open::reader(&self.path), Ok)
    }

    /// Closes what is idle, so that the writer is the last to leave the file.
    pub(super) fn clear(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(super) fn definition(conn: &Connection, hash: &str) -> Result<Option<Definition>, Fault> {
    let mut find = conn.prepare_cached("SELECT format, text FROM definitions WHERE hash = ?1")?;
    let found = find.query_row([hash], |row| Ok(Definition { hash: hash.to_owned(), format: row.get(0)?, text: row.get(1)? }));
    Ok(found.optional()?)
}

pub(super) fn unfinished_runs(conn: &Connection) -> Result<Vec<RunId>, Fault> {
    ids(conn, "SELECT id FROM runs WHERE status NOT IN ('succeeded', 'failed', 'cancelled') ORDER BY key", &[])
}

/// Every event of a run, oldest first.
const JOURNAL: &str =
    "SELECT e.seq, e.at, r.id, e.body, e.sum FROM runs r JOIN events e ON e.run = r.key WHERE r.id = ?1 ORDER BY e.seq";

pub(super) fn journal(conn: &Connection, run: &RunId) -> Result<Vec<Event>, Fault> {
    events(conn, JOURNAL, &[Value::from(run.as_str().to_owned())])
}

/// Of a run and all runs below it, whatever a person may have had a hand in. Names of runs below go on with a hyphen, and a
/// full stop is the sign after that.
const HANDS: &str = "SELECT e.seq, e.at, r.id, e.body, e.sum FROM runs r JOIN events e ON e.run = r.key
    WHERE (r.id = ?1 OR (r.id > ?1 || '-' AND r.id < ?1 || '.'))
    AND (instr(e.body, '\"attempt_resolved\"') OR instr(e.body, '\"run_resumed\"')) ORDER BY e.seq";

pub(super) fn hands(conn: &Connection, root: &RunId) -> Result<Vec<Actor>, Fault> {
    let of = |event: Event| match event.kind {
        EventKind::AttemptResolved { actor, .. } => vec![actor],
        EventKind::RunResumed { by } => by,
        _ => Vec::new(),
    };
    let found = events(conn, HANDS, &[Value::from(root.as_str().to_owned())])?;
    Ok(found.into_iter().flat_map(of).collect())
}

/// Folds a journal event by event: it may be much larger than the run it tells.
pub(super) fn run(conn: &Connection, id: &RunId) -> Result<Option<Run>, Fault> {
    let mut query = conn.prepare_cached(JOURNAL)?;
    let mut rows = query.query([id.as_str()])?;
    let Some(first) = rows.next()? else { return Ok(None) };
    let Some(mut run) = Run::created(&decode(first)?) else { return Ok(None) };
    while let Some(row) = rows.next()? {
        run.apply(&decode(row)?);
    }
    Ok(Some(run))
}

pub(super) fn events_after(conn: &Connection, after: u64, run: Option<&RunId>, limit: usize) -> Result<Vec<Event>, Fault> {
    let mut values = vec![Value::from(integer(after)), Value::from(integer(limit as u64))];
    let Some(run) = run else {
        return events(
            conn,
            "SELECT e.seq, e.at, r.id, e.body, e.sum FROM events e JOIN runs r ON r.key = e.run
             WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
            &values,
        );
    };
    values.push(Value::from(run.as_str().to_owned()));
    events(
        conn,
        "SELECT e.seq, e.at, r.id, e.body, e.sum FROM runs r JOIN events e ON e.run = r.key
         WHERE r.id = ?3 AND e.seq > ?1 ORDER BY e.seq LIMIT ?2",
        &values,
    )
}

fn events(conn: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Event>, Fault> {
    let mut query = conn.prepare_cached(sql)?;
    let mut rows = query.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(decode(row)?);
    }
    Ok(found)
}

pub(super) fn runs(conn: &Connection, filter: &RunFilter) -> Result<Vec<RunSummary>, Fault> {
    let mut sql = format!("SELECT {SUMMARY} FROM {SUMMARIES} WHERE true");
    let mut values = Vec::new();
    let mut add = |sql: &mut String, condition: &str, value: String| {
        values.push(Value::from(value));
        sql.push_str(&condition.replace("??", &format!("?{}", values.len())));
    };
    if let Some(status) = filter.status {
        add(&mut sql, " AND r.status = ??", status.name().to_owned());
    }
    if let Some(pipeline) = &filter.pipeline {
        add(&mut sql, " AND (r.pipeline_id = ?? OR r.pipeline_name = ??)", pipeline.clone());
    }
    if let Some(before) = &filter.before {
        add(&mut sql, " AND r.key < (SELECT key FROM runs WHERE id = ??)", before.as_str().to_owned());
    }
    match &filter.family {
        Family::Started => sql.push_str(" AND r.parent IS NULL"),
        Family::ChildrenOf(run) => {
            add(&mut sql, " AND r.parent = (SELECT key FROM runs WHERE id = ??)", run.as_str().to_owned());
        }
        Family::All => {}
    }
    sql.push_str(&format!(" ORDER BY r.key DESC LIMIT {}", filter.limit));
    let mut query = conn.prepare_cached(&sql)?;
    let mut rows = query.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(summary(row)?);
    }
    Ok(found)
}

/// The columns `summary` reads.
pub(super) const SUMMARY: &str = "r.id, r.pipeline_id, r.pipeline_name, r.status, r.actor, r.created_at, r.started_at, \
     r.finished_at, r.stages_total, r.stages_done, r.failure, parent.id, r.environment";

/// Where `SUMMARY` reads them.
pub(super) const SUMMARIES: &str = "runs r LEFT JOIN runs parent ON parent.key = r.parent";

pub(super) fn summary(row: &Row<'_>) -> Result<RunSummary, Fault> {
    let id = RunId::from_text(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
    let status: String = row.get(3)?;
    let Some(status) = RunStatus::from_name(&status) else {
        return Err(Fault::Damage(format!("run {id} has the unknown status {status:?}")));
    };
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    Ok(RunSummary {
        id,
        pipeline_id: row.get(1)?,
        pipeline_name: row.get(2)?,
        status,
        actor: row.get(4)?,
        created_at: Timestamp(row.get(5)?),
        started_at: row.get::<_, Option<i64>>(6)?.map(Timestamp),
        finished_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        stages_total: count(row.get(8)?),
        stages_done: count(row.get(9)?),
        failure: row.get(10)?,
        parent: row.get::<_, Option<String>>(11)?.map(|id| RunId::from_text(&id)),
        environment: row.get(12)?,
    })
}

/// An exact id, `last`, a unique beginning, a unique end; otherwise every candidate, newest first. Runs that other runs
/// started have longer names: only the whole name, or its end, means one of them.
pub(super) fn find_run(conn: &Connection, text: &str) -> Result<Vec<RunId>, Fault> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if matches!(text, "last" | "latest") {
        return ids(conn, "SELECT id FROM runs WHERE parent IS NULL ORDER BY key DESC LIMIT 1", &[]);
    }
    let exact = ids(conn, "SELECT id FROM runs WHERE id = ?1", &[&text])?;
    if !exact.is_empty() {
        return Ok(exact);
    }
    let typed = text.to_ascii_lowercase();
    let matching = |sql: &str| ids(conn, sql, &[&typed, &CANDIDATES]);
    let begin = matching(
        "SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || char(1114111) AND parent IS NULL ORDER BY key DESC LIMIT ?2",
    )?;
    if begin.len() == 1 {
        return Ok(begin);
    }
    let end = matching("SELECT id FROM runs WHERE substr(id, -length(?1)) = ?1 ORDER BY key DESC LIMIT ?2")?;
    if end.len() == 1 || begin.is_empty() {
        return Ok(end);
    }
    Ok(begin)
}

fn ids(conn: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<RunId>, Fault> {
    let mut query = conn.prepare_cached(sql)?;
    let found = query.query_map(values, |row| Ok(RunId::from_text(row.get_ref(0)?.as_str()?)))?;
    Ok(found.collect::<rusqlite::Result<Vec<_>>>()?)
}

/// Stage rows as `(stage, component, status, attempts, started, finished)`, for the comparison with the fold.
pub(super) fn stage_rows(conn: &Connection, key: i64) -> Result<Vec<StageRow>, Fault> {
    let mut query = conn.prepare_cached(
        "SELECT stage, component, status, attempts, started_at, finished_at FROM stages WHERE run = ?1 ORDER BY stage",
    )?;
    let rows = query
        .query_map(params![key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)))?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
}

pub(super) type StageRow = (String, String, String, i64, Option<i64>, Option<i64>);
