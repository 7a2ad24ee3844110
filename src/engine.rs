//! The engine: takes commands, drives runs, survives its own death.
//!
//! Owns the life of runs between a client's request and the journal. Must not know HTTP or screens: `api` and the
//! clients above it see commands, events and the fold.

pub mod activity;
mod audit;
mod bakes;
mod begin;
pub mod caller;
pub mod checkpoints;
mod child;
pub mod clock;
mod deployments;
pub mod driver;
pub mod gates;
mod handle;
pub mod hub;
pub mod in_force;
pub mod logs;
mod outside;
mod policy_record;
pub mod recovery;
mod replay;
mod rerun;
mod reuse;
mod rollback;
pub mod scheduler;
pub mod shared;
pub mod targets;
mod tell;
mod values;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::Semaphore;

use crate::config::{Paths, Workspace};
use crate::model::{Actor, NewRecord};
use crate::store::{Batch, Store, StoreError};
pub use caller::Caller;
pub use checkpoints::Checkpoints;
use gates::Gates;
pub use handle::EngineError;
pub use hub::{Hub, Published};
use in_force::Follower;
pub use in_force::InForce;
pub use outside::Outside;
use policy_record::Recorded;
use shared::Shared;

/// A running engine; a cheap handle.
#[derive(Clone)]
pub struct Engine {
    pub shared: Arc<Shared>,
}

/// What the workspace file says, followed from now on.
pub struct World {
    outside: Outside,
    policy: Follower,
    checkpoints: Checkpoints,
}

impl World {
    /// Takes the workspace file as it was read.
    ///
    /// # Errors
    /// As `Outside::of`.
    pub async fn of(workspace: &Workspace) -> Result<Self, EngineError> {
        let checkpoints = Checkpoints::new(&workspace.file.audit);
        Ok(Self { outside: Outside::of(workspace).await?, policy: Follower::of(workspace), checkpoints })
    }
}

impl Engine {
    /// Opens the store and takes up every run that has not ended.
    ///
    /// # Errors
    /// When the store cannot be opened: corrupt, newer than this program, or not writable.
    pub async fn open(paths: Paths, exe: PathBuf, max_concurrency: usize, world: World) -> Result<Self, StoreError> {
        let store = Store::open(paths.state_dir())?;
        let slots = Arc::new(Semaphore::new(max_concurrency.clamp(1, 4096)));
        let shared = Shared {
            store,
            hub: Hub::default(),
            slots,
            outside: world.outside,
            policy: world.policy,
            gates: Gates::default(),
            recorded: Recorded::default(),
            paths,
            exe,
            started_at: clock::now(),
            runs: Mutex::default(),
            stop: OnceLock::new(),
            checkpoints: world.checkpoints,
            activity: Arc::default(),
        };
        let engine = Self { shared: Arc::new(shared) };
        engine.keep_checkpoints();
        engine.put_on_record(audit::started(clock::now())).await;
        engine.recover().await?;
        engine.resume_going_back().await;
        engine.watch_bakes();
        Ok(engine)
    }

    /// Says who stops the engine, and why, before it is told to.
    pub fn stopping(&self, actor: Actor, cause: &'static str) {
        // Whoever comes second stops nothing.
        let _ = self.shared.stop.set((actor, cause));
    }

    /// Puts the end on record, signs for it and closes the store.
    ///
    /// # Errors
    /// When the store is closed already.
    pub async fn close(&self) -> Result<(), StoreError> {
        let (actor, cause) = self.shared.stop.get().cloned().unwrap_or((Actor::engine(), "the socket broke"));
        self.put_on_record(audit::stopped(clock::now(), actor, cause)).await;
        self.sign_after(1).await;
        self.shared.store.clone().close().await
    }

    /// For what happens anyway: an engine must come up on a full disk, to record that its runs have ended.
    async fn put_on_record(&self, record: NewRecord) {
        let action = record.action.clone();
        if let Err(error) = self.shared.store.record(Batch { audit: vec![record], ..Batch::default() }).await {
            tracing::error!(%action, %error, "the audit record could not be written");
        }
    }

    /// The policy in force at this moment.
    pub async fn policy(&self) -> Arc<InForce> {
        self.shared.policy_in_force().await
    }
}
