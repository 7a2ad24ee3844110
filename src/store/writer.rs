//! The one thread that writes. It takes everything that waits, commits it once and answers everybody after the fsync.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot, watch};

#[cfg(debug_assertions)]
use super::crash_point::{self, CrashPoint};
use super::error::{Fault, StoreError};
use super::project::Projection;
use super::reserve::Reserve;
use super::row::{Entry, checksum, integer, seq_of};
use super::{Batch, Definition, Expected, facts, ledger};
use crate::model::{AuditHead, AuditRecord, NewRecord};

/// Rows in one transaction, unless a single request has more.
const LARGEST_BATCH: usize = 4096;

/// What a caller wants recorded: all of it or nothing.
#[derive(Debug)]
pub(super) struct Request {
    pub definitions: Vec<Definition>,
    pub entries: Vec<Entry>,
    pub expected: Vec<Expected>,
    pub facts: Vec<facts::Entry>,
    pub audit: Vec<NewRecord>,
    pub reply: oneshot::Sender<Result<Receipt, StoreError>>,
}

impl Request {
    /// Checks a batch and writes its bodies out; the values stay with the caller, who gets the answer.
    pub fn of(batch: &Batch) -> Result<(Self, oneshot::Receiver<Result<Receipt, StoreError>>), StoreError> {
        let Batch { definitions, events, expected, facts, audit } = batch;
        audit.iter().try_for_each(ledger::admit)?;
        let (reply, answer) = oneshot::channel();
        let request = Self {
            definitions: definitions.clone(),
            entries: events.iter().map(Entry::of).collect::<Result<_, _>>()?,
            expected: expected.clone(),
            facts: facts.iter().map(facts::Entry::of).collect::<Result<_, _>>()?,
            audit: audit.clone(),
            reply,
        };
        Ok((request, answer))
    }

    fn rows(&self) -> usize {
        self.entries.len() + self.facts.len() + self.audit.len()
    }
}

/// Which numbers were given to what was recorded.
#[derive(Debug)]
pub(super) struct Receipt {
    /// The sequence number of the first event.
    pub first: u64,
    /// Sequence number and place of each fact.
    pub facts: Vec<(u64, u64)>,
    pub audit: Vec<AuditRecord>,
}

pub(super) enum Message {
    Append(Request),
    /// Finish what came before, then stop.
    Close(oneshot::Sender<()>),
}

/// Where the journal and the audit chain go on.
#[derive(Debug, Clone)]
struct Ends {
    next_seq: u64,
    audit: AuditHead,
}

pub(super) struct Writer {
    conn: Connection,
    path: PathBuf,
    ends: Ends,
    last_seq: Arc<AtomicU64>,
    audit_head: watch::Sender<AuditHead>,
    projection: Projection,
    reserve: Arc<Reserve>,
    #[cfg(debug_assertions)]
    crash: Option<CrashPoint>,
}

impl Writer {
    pub(super) fn new(conn: Connection, path: PathBuf, reserve: Arc<Reserve>) -> Result<Self, StoreError> {
        let last = conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).map_err(Fault::from);
        let last = last.and_then(seq_of).map_err(|fault| fault.at(&path))?;
        let audit = ledger::head(&conn).map_err(|fault| fault.at(&path))?;
        let last_seq = Arc::new(AtomicU64::new(last));
        Ok(Self {
            conn,
            path,
            audit_head: watch::Sender::new(audit.clone()),
            ends: Ends { next_seq: last + 1, audit },
            last_seq,
            projection: Projection::default(),
            reserve,
            #[cfg(debug_assertions)]
            crash: CrashPoint::wanted(),
        })
    }

    /// The last durable sequence number, for readers.
    pub(super) fn last_seq(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.last_seq)
    }

    /// The last durable record of the audit chain, for whoever follows it.
    pub(super) fn audit_head(&self) -> watch::Receiver<AuditHead> {
        self.audit_head.subscribe()
    }

    /// Works until it is told to stop or nobody can ask any more.
    pub(super) fn work(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(message) = queue.blocking_recv() else { break };
            let mut batch = Vec::new();
            let mut rows = 0;
            let mut waiting = Some(message);
            while let Some(message) = waiting.take() {
                match message {
                    Message::Append(request) => {
                        rows += request.rows();
                        batch.push(request);
                    }
                    Message::Close(reply) => {
                        closing = Some(reply);
                        break;
                    }
                }
                if rows < LARGEST_BATCH {
                    waiting = queue.try_recv().ok();
                }
            }
            self.record(batch);
        }
        self.finish();
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    fn record(&mut self, batch: Vec<Request>) {
        match self.commit(&batch) {
            Ok(answers) => {
                for (request, answer) in batch.into_iter().zip(answers) {
                    // A caller that went away does not undo what it asked for.
                    let _ = request.reply.send(answer);
                }
                self.reserve.restore();
            }
            Err(_) if batch.len() > 1 => {
                // One request that cannot be stored must not take its neighbours down.
                for request in batch {
                    self.record(vec![request]);
                }
            }
            Err(fault) => {
                let error = fault.at(&self.path);
                for request in batch {
                    let _ = request.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// One transaction. An error means that nothing of the batch was kept; a refusal inside the list is one caller's own.
    fn commit(&mut self, batch: &[Request]) -> Result<Vec<Result<Receipt, StoreError>>, Fault> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        #[cfg(debug_assertions)]
        self.pass(crash_point::Moment::Before, batch);
        let mut ends = self.ends.clone();
        match write_all(&mut self.conn, &mut self.projection, &mut ends, batch) {
            Ok(answers) => {
                #[cfg(debug_assertions)]
                self.pass(crash_point::Moment::After, batch);
                self.last_seq.store(ends.next_seq - 1, Ordering::Release);
                self.audit_head.send_if_modified(|head| {
                    *head != ends.audit && {
                        head.clone_from(&ends.audit);
                        true
                    }
                });
                self.ends = ends;
                self.projection.settle();
                Ok(answers)
            }
            Err(fault) => {
                self.projection = Projection::default();
                Err(fault)
            }
        }
    }

    /// Dies here, if a test wants that.
    #[cfg(debug_assertions)]
    fn pass(&self, moment: crash_point::Moment, batch: &[Request]) {
        let Some(crash) = &self.crash else { return };
        let rows = [
            (crash_point::Row::Event, self.ends.next_seq, batch.iter().map(|request| request.entries.len()).sum::<usize>()),
            (crash_point::Row::Record, self.ends.audit.seq + 1, batch.iter().map(|request| request.audit.len()).sum()),
        ];
        for (row, first, count) in rows {
            // An empty range holds nothing.
            crash.pass(moment, row, &(first..=(first + count as u64).saturating_sub(1)));
        }
    }

    /// Moves the log into the store, so that the next start finds a clean end.
    fn finish(self) {
        // Without it the log stays and is read again at the next start: slower, not wrong.
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = self.conn.close();
    }
}

fn write_all(
    conn: &mut Connection,
    projection: &mut Projection,
    ends: &mut Ends,
    batch: &[Request],
) -> Result<Vec<Result<Receipt, StoreError>>, Fault> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(batch.len());
    for request in batch {
        let admitted = facts::admit(&tx, &request.expected).and_then(|()| projection.admit(&tx, &request.entries));
        match admitted {
            Ok(()) => answers.push(Ok(write(&tx, projection, ends, request)?)),
            Err(Fault::Refused(error)) => answers.push(Err(error)),
            Err(fault) => return Err(fault),
        }
    }
    projection.flush(&tx)?;
    tx.commit()?;
    Ok(answers)
}

/// Everything of one request that was admitted.
fn write(tx: &Transaction<'_>, projection: &mut Projection, ends: &mut Ends, request: &Request) -> Result<Receipt, Fault> {
    for definition in &request.definitions {
        tx.prepare_cached("INSERT INTO definitions (hash, format, text) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO NOTHING")?
            .execute(params![definition.hash, definition.format, definition.text])?;
    }
    let first = ends.next_seq;
    let mut insert = tx.prepare_cached("INSERT INTO events (seq, at, run, body, sum) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for entry in &request.entries {
        let seq = ends.next_seq;
        let key = projection.apply(tx, seq, entry)?;
        let at = entry.at.as_millis();
        let sum = checksum(seq, at, entry.run.as_str(), &entry.body);
        insert.execute(params![integer(seq), at, key, entry.body, sum])?;
        ends.next_seq += 1;
    }
    let facts = request.facts.iter().map(|fact| facts::append(tx, fact)).collect::<Result<_, _>>()?;
    let audit = request.audit.iter().map(|new| ledger::append(tx, &mut ends.audit, new.clone())).collect::<Result<_, _>>()?;
    Ok(Receipt { first, facts, audit })
}
