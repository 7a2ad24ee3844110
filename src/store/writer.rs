//! The one thread that writes. It takes everything that waits, commits it once and answers everybody after the fsync.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::Definition;
#[cfg(debug_assertions)]
use super::crash_point::{self, CrashPoint};
use super::error::{Fault, StoreError};
use super::project::Projection;
use super::reserve::Reserve;
use super::row::{Entry, checksum, integer, seq_of};

/// Events in one transaction, unless a single request has more.
const LARGEST_BATCH: usize = 4096;

/// What a caller wants recorded: all of it or nothing.
#[derive(Debug)]
pub(super) struct Request {
    pub definitions: Vec<Definition>,
    pub entries: Vec<Entry>,
    /// Gets the sequence number of the first entry.
    pub reply: oneshot::Sender<Result<u64, StoreError>>,
}

pub(super) enum Message {
    Append(Request),
    /// Finish what came before, then stop.
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer {
    conn: Connection,
    path: PathBuf,
    next_seq: u64,
    last_seq: Arc<AtomicU64>,
    projection: Projection,
    reserve: Arc<Reserve>,
    #[cfg(debug_assertions)]
    crash: Option<CrashPoint>,
}

impl Writer {
    pub(super) fn new(conn: Connection, path: PathBuf, reserve: Arc<Reserve>) -> Result<Self, StoreError> {
        let last = conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).map_err(Fault::from);
        let last = last.and_then(seq_of).map_err(|fault| fault.at(&path))?;
        let last_seq = Arc::new(AtomicU64::new(last));
        Ok(Self {
            conn,
            path,
            next_seq: last + 1,
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

    /// Works until it is told to stop or nobody can ask any more.
    pub(super) fn work(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(message) = queue.blocking_recv() else { break };
            let mut batch = Vec::new();
            let mut events = 0;
            let mut waiting = Some(message);
            while let Some(message) = waiting.take() {
                match message {
                    Message::Append(request) => {
                        events += request.entries.len();
                        batch.push(request);
                    }
                    Message::Close(reply) => {
                        closing = Some(reply);
                        break;
                    }
                }
                if events < LARGEST_BATCH {
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
    fn commit(&mut self, batch: &[Request]) -> Result<Vec<Result<u64, StoreError>>, Fault> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        #[cfg(debug_assertions)]
        self.pass(crash_point::Moment::Before, batch);
        let mut seq = self.next_seq;
        match write_all(&mut self.conn, &mut self.projection, &mut seq, batch) {
            Ok(answers) => {
                #[cfg(debug_assertions)]
                self.pass(crash_point::Moment::After, batch);
                self.next_seq = seq;
                self.last_seq.store(seq - 1, Ordering::Release);
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
        let events: usize = batch.iter().map(|request| request.entries.len()).sum();
        if let Some(crash) = self.crash.as_ref().filter(|_| events > 0) {
            crash.pass(moment, &(self.next_seq..=self.next_seq + events as u64 - 1));
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
    seq: &mut u64,
    batch: &[Request],
) -> Result<Vec<Result<u64, StoreError>>, Fault> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(batch.len());
    for request in batch {
        match projection.admit(&tx, &request.entries) {
            Ok(()) => {}
            Err(Fault::Refused(error)) => {
                answers.push(Err(error));
                continue;
            }
            Err(fault) => return Err(fault),
        }
        answers.push(Ok(*seq));
        for definition in &request.definitions {
            tx.prepare_cached("INSERT INTO definitions (hash, format, text) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO NOTHING")?
                .execute(params![definition.hash, definition.format, definition.text])?;
        }
        let mut insert = tx.prepare_cached("INSERT INTO events (seq, at, run, body, sum) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for entry in &request.entries {
            let key = projection.apply(&tx, *seq, entry)?;
            let at = entry.at.as_millis();
            let sum = checksum(*seq, at, entry.run.as_str(), &entry.body);
            insert.execute(params![integer(*seq), at, key, entry.body, sum])?;
            *seq += 1;
        }
    }
    projection.flush(&tx)?;
    tx.commit()?;
    Ok(answers)
}
