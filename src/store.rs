//! The durable store: a journal of events, the read model that follows from it, the pinned pipeline texts, streams of facts about
//! what is no run, and the audit chain.
//!
//! Owns the SQLite file, its versions and its one writer. Must not know what events mean beyond `Run::apply`, who may
//! use the store (the engine holds the lock), or which process it lives in.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

mod bound;
mod check;
pub mod checkpoints;
#[cfg(debug_assertions)]
mod crash_point;
mod error;
mod facts;
mod ledger;
mod migrate;
mod offline;
mod open;
mod private;
mod project;
mod read;
mod reserve;
mod row;
mod signer;
mod writer;

#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use facts::{Expected, Fact, NewFact};
pub use offline::Offline;
pub use private::key;
pub use signer::Signer;

use crate::model::{
    Actor, AuditHead, AuditQuery, AuditRecord, AuditVerdict, Event, EventKind, NewRecord, Run, RunId, RunStatus, RunSummary,
    SignedHead, Timestamp,
};
use error::Fault;
use read::Readers;
use reserve::Reserve;
use writer::{Message, Request, Writer};

/// Requests that may wait for the writer; whoever comes next waits to ask.
const QUEUE: usize = 4096;

/// An event that has no sequence number yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub at: Timestamp,
    pub run: RunId,
    pub kind: EventKind,
}

/// A pipeline text, pinned under the SHA-256 of itself (lower-case hex).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub hash: String,
    /// `json` or `yaml`.
    pub format: String,
    pub text: String,
}

/// What is recorded in one transaction, all of it or nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Pipeline texts to pin.
    pub definitions: Vec<Definition>,
    pub events: Vec<NewEvent>,
    /// What the streams were like that the decision was made on, also those that it only read.
    pub expected: Vec<Expected>,
    pub facts: Vec<NewFact>,
    pub audit: Vec<NewRecord>,
}

/// What was recorded, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub events: Vec<Event>,
    pub facts: Vec<Fact>,
    pub audit: Vec<AuditRecord>,
}

/// Whose runs a listing shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Family {
    /// Those that somebody started, not a stage of another run.
    #[default]
    Started,
    /// Those that the stages of this run started.
    ChildrenOf(RunId),
    All,
}

/// Which runs a listing shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// Rows at most.
    pub limit: u32,
    pub status: Option<RunStatus>,
    /// A pipeline's id or name.
    pub pipeline: Option<String>,
    /// Only runs created before this one; the next page after its last row.
    pub before: Option<RunId>,
    pub family: Family,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self { limit: 100, status: None, pipeline: None, before: None, family: Family::Started }
    }
}

/// A handle on the open store; clones share it. When the last one goes, what was accepted is written and the file closed.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// Taken only by `drop`, so that the writer sees the end of the queue.
    queue: Option<mpsc::Sender<Message>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    last_seq: Arc<AtomicU64>,
    audit_head: watch::Receiver<AuditHead>,
    identity: String,
    readers: Readers,
    reserve: Arc<Reserve>,
}

impl Store {
    /// Opens the store in a state directory, creating or upgrading it. Blocks for a few milliseconds.
    ///
    /// # Errors
    /// A file that is foreign, damaged or too new is named and left alone.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, migrate::MIGRATIONS)
    }

    fn open_with(dir: &Path, migrations: &[migrate::Migration]) -> Result<Self, StoreError> {
        let conn = match open::open(dir, migrations) {
            // Even opening needs a little space; this is what the reserve is for.
            Err(error) if error.is_full() && std::fs::remove_file(Reserve::path_in(dir)).is_ok() => open::open(dir, migrations),
            opened => opened,
        }?;
        Self::start(dir, conn)
    }

    fn start(dir: &Path, conn: Connection) -> Result<Self, StoreError> {
        let path = dir.join(open::FILE);
        let reserve = Arc::new(Reserve::take(dir));
        let identity = ledger::identity(&conn).map_err(|fault| fault.at(&path))?;
        let writer = Writer::new(conn, path.clone(), Arc::clone(&reserve))?;
        let (last_seq, audit_head) = (writer.last_seq(), writer.audit_head());
        let (queue, requests) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread =
            thread.spawn(move || writer.work(requests)).map_err(|error| StoreError::io("start a writer for", &path, error))?;
        let readers = Readers::new(path.clone());
        let writer = Mutex::new(Some(thread));
        let queue = Some(queue);
        Ok(Self { shared: Arc::new(Shared { path, queue, writer, last_seq, audit_head, identity, readers, reserve }) })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Records events in the order given, with consecutive sequence numbers, all or none; durable when it returns.
    ///
    /// # Errors
    /// As `record`.
    pub async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, StoreError> {
        self.record(Batch { events, ..Batch::default() }).await.map(|recorded| recorded.events)
    }

    /// Records everything in a batch in the order given, all or nothing; durable when it returns.
    ///
    /// A caller that stops waiting does not take its request back.
    ///
    /// # Errors
    /// `Full` when the disk is (nothing was recorded), `Conflict` when a stream is not as expected, `UnknownRun` and `RunExists`
    /// for events that fit no run.
    pub async fn record(&self, batch: Batch) -> Result<Recorded, StoreError> {
        let (request, answer) = Request::of(&batch)?;
        self.send(Message::Append(request)).await?;
        let receipt = answer.await.map_err(|_| StoreError::Closed)??;
        let Batch { events, facts, .. } = batch;
        let numbered = (receipt.first..).zip(events);
        let events = numbered.map(|(seq, event)| Event { seq, at: event.at, run: event.run, kind: event.kind }).collect();
        let numbered = receipt.facts.into_iter().zip(facts);
        let facts = numbered.map(|((seq, place), fact)| Fact { seq, place, stream: fact.stream, at: fact.at, body: fact.body });
        Ok(Recorded { events, facts: facts.collect(), audit: receipt.audit })
    }

    async fn send(&self, message: Message) -> Result<(), StoreError> {
        let queue = self.shared.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(message).await.map_err(|_| StoreError::Closed)
    }

    /// The pipeline text pinned under this hash.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn definition(&self, hash: &str) -> Result<Option<Definition>, StoreError> {
        let hash = hash.to_owned();
        self.read(move |conn| read::definition(conn, &hash)).await
    }

    /// Runs that have not ended, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished_runs(&self) -> Result<Vec<RunId>, StoreError> {
        self.read(read::unfinished_runs).await
    }

    /// Everything recorded of one run, oldest first; empty for an unknown run.
    ///
    /// # Errors
    /// `Corrupt` when a row is not what was written.
    pub async fn journal(&self, run: &RunId) -> Result<Vec<Event>, StoreError> {
        let run = run.clone();
        self.read(move |conn| read::journal(conn, &run)).await
    }

    /// A run as its journal tells it. `None` when there is no journal, or one that does not begin with the run's creation.
    ///
    /// # Errors
    /// `Corrupt` when a row is not what was written.
    pub async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        let id = id.clone();
        self.read(move |conn| read::run(conn, &id)).await
    }

    /// Who brought values to a run or to one below it, or said what had become of a stage there.
    ///
    /// # Errors
    /// `Corrupt` when a row is not what was written.
    pub async fn hands(&self, root: &RunId) -> Result<Vec<Actor>, StoreError> {
        let root = root.clone();
        self.read(move |conn| read::hands(conn, &root)).await
    }

    /// Up to `limit` events after a sequence number, of one run or of all.
    ///
    /// # Errors
    /// `Corrupt` when a row is not what was written.
    pub async fn events_after(&self, after_seq: u64, run: Option<&RunId>, limit: usize) -> Result<Vec<Event>, StoreError> {
        let run = run.cloned();
        self.read(move |conn| read::events_after(conn, after_seq, run.as_ref(), limit)).await
    }

    /// Runs as a listing shows them, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        self.read(move |conn| read::runs(conn, &filter)).await
    }

    /// The run a person means: its id, a unique beginning or end of it, or `last`. More than one: ambiguous, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_run(&self, text: &str) -> Result<Vec<RunId>, StoreError> {
        let text = text.to_owned();
        self.read(move |conn| read::find_run(conn, &text)).await
    }

    /// Everything recorded in one stream of facts, oldest first.
    ///
    /// # Errors
    /// `Corrupt` when a row is not what was written.
    pub async fn stream(&self, name: &str) -> Result<Vec<Fact>, StoreError> {
        let name = name.to_owned();
        self.read(move |conn| facts::stream(conn, &name)).await
    }

    /// Everything recorded in the streams whose names begin with `prefix` (`gate/`), in the order of recording.
    ///
    /// # Errors
    /// `Corrupt` when a row is not what was written.
    pub async fn facts(&self, prefix: &str) -> Result<Vec<Fact>, StoreError> {
        let prefix = prefix.to_owned();
        self.read(move |conn| facts::under(conn, &prefix)).await
    }

    /// Records of the audit chain that a query asks for. What they are worth, `verify_audit` says.
    ///
    /// # Errors
    /// `Corrupt` when a record cannot be read.
    pub async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        self.read(move |conn| ledger::page(conn, &query)).await
    }

    /// Goes through the whole audit chain, compares it with checkpoints, and with the facts that it answers for.
    ///
    /// # Errors
    /// When the store cannot be read; a chain that is not whole is an answer.
    pub async fn verify_audit(&self, checkpoints: Vec<SignedHead>) -> Result<AuditVerdict, StoreError> {
        self.read(move |conn| bound::verify(conn, &checkpoints)).await
    }

    /// The end of the audit chain as it is durable, and as it goes on.
    pub fn audit_head(&self) -> watch::Receiver<AuditHead> {
        self.shared.audit_head.clone()
    }

    /// Which store this is; no other has this name.
    pub fn identity(&self) -> &str {
        &self.shared.identity
    }

    /// The sequence number of the last durable event, 0 in an empty store.
    pub fn last_seq(&self) -> u64 {
        self.shared.last_seq.load(Ordering::Acquire)
    }

    /// Examines the whole store and says what is wrong with it; empty when it is sound. Takes time in a large one.
    ///
    /// # Errors
    /// When the store cannot be read far enough to be examined.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        self.read(check::check).await
    }

    /// Frees the space held back for a full disk, so that a run's failure can be recorded. It is taken again later.
    pub fn release_reserve(&self) -> bool {
        self.shared.reserve.release()
    }

    /// Writes what was accepted, folds the log into the store and stops; other handles get `Closed` from then on.
    ///
    /// # Errors
    /// `Closed` when that has happened already.
    pub async fn close(self) -> Result<(), StoreError> {
        self.shared.readers.clear();
        let (reply, closed) = oneshot::channel();
        self.send(Message::Close(reply)).await?;
        closed.await.map_err(|_| StoreError::Closed)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let answer = tokio::task::spawn_blocking(move || shared.readers.with(work)).await;
        answer.unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.readers.clear();
        self.queue = None;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = writer {
            let _ = thread.join();
        }
    }
}
