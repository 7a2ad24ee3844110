//! Where committed events become visible: the live runs' folds and the stream everybody listens to.
//!
//! Owns what clients may see. Must not know how anything is decided or stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, oneshot};

use crate::model::{Event, EventKind, Run, RunId, Signal};

/// How far a listener may fall behind before it has to take a snapshot.
const BACKLOG: usize = 4096;

/// Something that listeners are told.
#[derive(Debug, Clone)]
pub enum Published {
    Event(Arc<Event>),
    Signal(Arc<Signal>),
}

/// The committed state of unfinished runs, and the stream of changes.
#[derive(Debug)]
pub struct Hub {
    sender: broadcast::Sender<Published>,
    live: Mutex<HashMap<RunId, Run>>,
    /// Who waits for the end of which run.
    ends: Mutex<HashMap<RunId, Vec<oneshot::Sender<()>>>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, live: Mutex::default(), ends: Mutex::default() }
    }
}

impl Hub {
    /// Shows events that are durable by now.
    pub fn publish(&self, events: Vec<Event>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            apply(&mut live, &event);
            if matches!(event.kind, EventKind::RunFinished { .. }) {
                self.tell_end(&event.run);
            }
            // No listener is not an error.
            let _ = self.sender.send(Published::Event(Arc::new(event)));
        }
    }

    /// Answers when the run ends from now on; ask before looking whether it has ended already.
    pub fn end_of(&self, id: &RunId) -> oneshot::Receiver<()> {
        let (sender, end) = oneshot::channel();
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = ends.entry(id.clone()).or_default();
        waiting.retain(|sender| !sender.is_closed());
        waiting.push(sender);
        end
    }

    fn tell_end(&self, id: &RunId) {
        let waiting = self.ends.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        for sender in waiting.into_iter().flatten() {
            // Whoever no longer waits needs no answer.
            let _ = sender.send(());
        }
    }

    /// Tells whoever listens now; nothing is kept.
    pub fn signal(&self, signal: Signal) {
        let _ = self.sender.send(Published::Signal(Arc::new(signal)));
    }

    /// Puts a recovered run where clients look for it.
    pub fn adopt(&self, run: Run) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(run.id.clone(), run);
    }

    /// A copy of an unfinished run as committed.
    pub fn snapshot(&self, id: &RunId) -> Option<Run> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Reads an unfinished run in place.
    pub fn with_run<T>(&self, id: &RunId, read: impl FnOnce(&Run) -> T) -> Option<T> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(id).map(read)
    }

    /// Unfinished runs, and stages at work in them.
    pub fn load(&self) -> (usize, usize) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let running = |run: &Run| run.stages.values().filter(|stage| stage.status == crate::model::StageStatus::Running).count();
        (live.len(), live.values().map(running).sum())
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Published> {
        self.sender.subscribe()
    }
}

fn apply(live: &mut HashMap<RunId, Run>, event: &Event) {
    match &event.kind {
        EventKind::RunCreated { .. } => {
            if let Some(run) = Run::created(event) {
                live.insert(run.id.clone(), run);
            }
        }
        EventKind::RunFinished { .. } => {
            live.remove(&event.run);
        }
        _ => {
            if let Some(run) = live.get_mut(&event.run) {
                run.apply(event);
            }
        }
    }
}
