//! The engine: takes commands, drives runs, survives its own death.
//!
//! Owns the life of runs between a client's request and the journal. Must not know HTTP or screens: `api` and the
//! clients above it see commands, events and the fold.

pub mod activity;
mod begin;
mod child;
pub mod clock;
pub mod driver;
pub mod handle;
pub mod hub;
pub mod logs;
mod outside;
pub mod recovery;
mod replay;
mod rerun;
mod reuse;
pub mod scheduler;
pub mod shared;
mod values;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use crate::config::Paths;
use crate::store::{Store, StoreError};
pub use handle::EngineError;
pub use hub::{Hub, Published};
pub use outside::Outside;
use shared::Shared;

/// A running engine; a cheap handle.
#[derive(Clone)]
pub struct Engine {
    pub shared: Arc<Shared>,
}

impl Engine {
    /// Opens the store and takes up every run that has not ended.
    ///
    /// # Errors
    /// When the store cannot be opened: corrupt, newer than this program, or not writable.
    pub async fn open(paths: Paths, exe: PathBuf, max_concurrency: usize, outside: Outside) -> Result<Self, StoreError> {
        let store = Store::open(paths.state_dir())?;
        let slots = Arc::new(Semaphore::new(max_concurrency.clamp(1, 4096)));
        let shared = Shared {
            store,
            hub: Hub::default(),
            slots,
            outside,
            paths,
            exe,
            started_at: clock::now(),
            runs: Mutex::default(),
            activity: Arc::default(),
        };
        let engine = Self { shared: Arc::new(shared) };
        engine.recover().await?;
        Ok(engine)
    }
}
