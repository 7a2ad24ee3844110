//! What all runs of an engine share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{Semaphore, mpsc};

use super::activity::Activity;
use super::checkpoints::Checkpoints;
use super::driver::Mail;
use super::gates::Gates;
use super::hub::Hub;
use super::in_force::Follower;
use super::outside::Outside;
use super::policy_record::Recorded;
use super::values::{self, Found};
use crate::config::Paths;
use crate::model::{Actor, RunId, Timestamp};
use crate::store::{Store, StoreError};

/// The parts of an engine that outlive a run.
pub struct Shared {
    pub store: Store,
    pub hub: Hub,
    /// Places for stages with effects, over all runs.
    pub slots: Arc<Semaphore>,
    /// What the workspace says about the world outside.
    pub outside: Outside,
    /// Who may do what, as the workspace file says.
    pub(super) policy: Follower,
    /// What is on record of it.
    pub(super) recorded: Recorded,
    pub(super) gates: Gates,
    pub paths: Paths,
    /// This program, to start runners from.
    pub exe: PathBuf,
    pub started_at: Timestamp,
    pub(super) runs: Mutex<HashMap<RunId, mpsc::Sender<Mail>>>,
    /// Who stops the engine, and why; the first word counts.
    pub(super) stop: OnceLock<(Actor, &'static str)>,
    /// What signs for the audit chain.
    pub checkpoints: Checkpoints,
    /// Who is using the engine.
    pub activity: Arc<Activity>,
}

impl Shared {
    /// The mailbox of an unfinished run.
    pub(super) fn mailbox(&self, id: &RunId) -> Option<mpsc::Sender<Mail>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(super) fn began(&self, id: RunId, mailbox: mpsc::Sender<Mail>) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(id, mailbox);
    }

    pub(super) fn ended(&self, id: &RunId) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.activity.changed();
    }

    /// Whether another unfinished run belongs to the run at the top.
    pub(super) fn others_below(&self, root: &RunId, is_over: impl Fn(&RunId) -> bool) -> bool {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.keys().any(|id| !is_over(id) && (id == root || id.is_below(root)))
    }

    /// Lets whoever a lock was handed to ask again.
    pub(super) async fn wake_all(&self, roots: &[RunId]) {
        for root in roots {
            self.wake_below(root).await;
        }
    }

    /// Lets the runs below this one, and itself, ask at their gates again.
    pub(super) async fn wake_below(&self, root: &RunId) {
        let mailboxes: Vec<mpsc::Sender<Mail>> = {
            let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            runs.iter().filter(|(id, _)| *id == root || id.is_below(root)).map(|(_, mailbox)| mailbox.clone()).collect()
        };
        for mailbox in mailboxes {
            // A run that has ended meanwhile waits for nothing.
            let _ = mailbox.send(Mail::GateMoved).await;
        }
    }

    /// Lets every run that waits at a gate ask again.
    pub(super) async fn wake_everybody(&self) {
        let mailboxes: Vec<mpsc::Sender<Mail>> = {
            let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            runs.values().cloned().collect()
        };
        for mailbox in mailboxes {
            // A run that has ended meanwhile waits for nothing.
            let _ = mailbox.send(Mail::GateMoved).await;
        }
    }

    /// The key that secrets are hashed with where a decision is about them.
    pub(super) async fn gate_key(&self) -> Result<[u8; 32], StoreError> {
        let dir = self.paths.state_dir().to_owned();
        let read = tokio::task::spawn_blocking(move || crate::store::key(&dir, "gate.key"));
        read.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs that have a driver.
    pub fn active_runs(&self) -> usize {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The values of these names that can be had without the run's client.
    pub(super) async fn find_values(&self, names: Vec<String>) -> Found {
        let workspace = self.paths.workspace().to_owned();
        let found = tokio::task::spawn_blocking(move || values::find(&workspace, &names)).await;
        found.unwrap_or_default()
    }
}
