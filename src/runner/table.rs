//! Everything the runner's threads share: the attempts it knows, the engine's connection, the run's secrets.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::event::EventfdFlags;

use super::link::Link;
use super::protocol::{self, Known, Message, Welcome};
use super::stop::Cancel;
use crate::logs::mask::Masker;
use crate::model::StageId;
use crate::process::Exit;

/// An attempt's name inside a run.
pub type Key = (StageId, u32);

/// What the threads share.
#[derive(Debug)]
pub struct Shared {
    /// The run's directory, absolute.
    pub dir: PathBuf,
    table: Mutex<Table>,
    /// Told when a result is waiting, or when waiting for the engine is over.
    pub finished: Condvar,
    /// Wakes the main thread.
    pub waker: OwnedFd,
}

/// The state behind the lock.
#[derive(Debug, Default)]
pub struct Table {
    pub attempts: HashMap<Key, Entry>,
    /// Attempts whose results the engine has: they must not start again.
    pub settled: HashSet<Key>,
    /// Results that are not on disk, oldest first.
    pub uncommitted: VecDeque<(Key, Instant)>,
    /// How many unacknowledged results each batch file holds.
    pub batches: HashMap<PathBuf, usize>,
    pub link: Option<Link>,
    pub environment: BTreeMap<String, String>,
    pub masks: BTreeSet<String>,
    pub masker: Masker,
    /// The committer looks at the waiting results soon, without being told.
    pub committer_awake: bool,
    /// A batch is being written.
    pub committing: bool,
    /// The run is over.
    pub leaving: bool,
}

/// An attempt that runs, or whose result the engine does not have yet.
#[derive(Debug)]
pub enum Entry {
    Running { pid: Option<i32>, cancel: Arc<Cancel> },
    Finished { exit: Exit, batch: Option<PathBuf> },
}

impl Shared {
    pub fn new(dir: PathBuf) -> std::io::Result<Self> {
        let waker = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { dir, table: Mutex::default(), finished: Condvar::new(), waker })
    }

    /// A thread that panicked has left the table whole: every change is a single step.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wake(&self) {
        // Fails only when the counter is full, and then the main thread is awake.
        rustix::io::write(&self.waker, &1_u64.to_ne_bytes()).ok();
    }

    /// Tells the engine, if there is one.
    pub fn send(&self, table: &mut Table, message: &Message) {
        if let Some(link) = &mut table.link
            && link.send(&protocol::line(message))
        {
            self.wake();
        }
    }

    /// Tells the engine how far a log is, unless it is behind.
    pub fn progress(&self, (stage, attempt): &Key, lines: u64, bytes: u64, last: bool) {
        let line = protocol::line(&Message::Progress { stage: stage.clone(), attempt: *attempt, lines, bytes });
        let mut table = self.table();
        if let Some(link) = &mut table.link
            && if last { link.send(&line) } else { link.send_if_free(&line) }
        {
            self.wake();
        }
    }

    /// The attempt's process has been started.
    pub fn started(&self, key: &Key, pid: i32) {
        let mut table = self.table();
        if let Some(Entry::Running { pid: known, .. }) = table.attempts.get_mut(key) {
            *known = Some(pid);
        }
        self.send(&mut table, &Message::Started { stage: key.0.clone(), attempt: key.1, pid });
    }

    /// The attempt has ended: the engine is told, and the result waits to be written if the engine does not take it.
    pub fn ended(&self, key: &Key, exit: Exit) {
        let mut table = self.table();
        let message = Message::Finished { stage: key.0.clone(), attempt: key.1, exit };
        self.send(&mut table, &message);
        if let Message::Finished { exit, .. } = message {
            table.attempts.insert(key.clone(), Entry::Finished { exit, batch: None });
        }
        table.uncommitted.push_back((key.clone(), Instant::now()));
        let tell = table.link.is_none() || !table.committer_awake;
        drop(table);
        if tell {
            self.finished.notify_one();
        }
    }
}

impl Table {
    /// The engine has recorded a result. Removes the batch file that nobody needs any more.
    pub fn acknowledged(&mut self, key: &Key) {
        if let Some(Entry::Finished { .. }) = self.attempts.get(key)
            && let Some(Entry::Finished { batch, .. }) = self.attempts.remove(key)
        {
            self.settled.insert(key.clone());
            self.uncommitted.retain(|(waiting, _)| waiting != key);
            if let Some(path) = batch {
                self.release(path);
            }
        }
    }

    /// One result fewer in a batch file.
    pub fn release(&mut self, path: PathBuf) {
        let left = self.batches.get_mut(&path).map_or(0, |left| {
            *left = left.saturating_sub(1);
            *left
        });
        if left == 0 {
            std::fs::remove_file(&path).ok();
            self.batches.remove(&path);
        }
    }

    /// Learns what an engine brought along.
    pub fn learn(&mut self, masks: Vec<String>, environment: BTreeMap<String, String>) {
        let before = self.masks.len();
        self.masks.extend(masks);
        self.environment.extend(environment);
        if self.masks.len() > before {
            let masks: Vec<_> = self.masks.iter().collect();
            self.masker = Masker::new(&masks);
        }
    }

    pub fn welcome(&self) -> Welcome {
        let known = |entry: &Entry| match entry {
            Entry::Running { pid, .. } => Known::Running { pid: *pid },
            Entry::Finished { exit, .. } => Known::Finished { exit: exit.clone() },
        };
        Welcome {
            pid: rustix::process::getpid().as_raw_nonzero().get(),
            attempts: self.attempts.iter().map(|(key, entry)| (key.0.clone(), key.1, known(entry))).collect(),
            environment: self.environment.clone(),
            masks: self.masks.iter().cloned().collect(),
        }
    }

    pub fn is_running(&self) -> bool {
        self.attempts.values().any(|entry| matches!(entry, Entry::Running { .. }))
    }

    /// Nothing would be lost if the runner ended now.
    pub fn is_idle(&self) -> bool {
        !self.is_running() && self.uncommitted.is_empty() && !self.committing
    }

    /// The run is over, and the engine has everything.
    pub fn is_over(&self) -> bool {
        self.leaving && self.attempts.is_empty() && self.is_idle()
    }
}
