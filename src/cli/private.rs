//! An engine that lives as long as one command: the signals that end the command, and how the engine is ended with it.

use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Context, exit, wait_for_end};
use crate::config::{ConfigError, EngineLock};

/// How long the engine, a run or a runner may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The signals that end a command in order. From its making on they do not end the process in the middle.
#[derive(Debug)]
pub struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// # Errors
    /// When the system lets nobody listen.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// The exit code a shell expects of a process that the signal ended.
    pub async fn any(&mut self) -> u8 {
        tokio::select! {
            _ = self.term.recv() => 143,
            _ = self.int.recv() => exit::CANCELLED,
            _ = self.hup.recv() => 129,
        }
    }
}

/// Ends the engine of this context with its runs and their runners, and waits until all of them are gone.
///
/// # Errors
/// When the engine does not end.
pub async fn stop_engine(context: &Context) -> Result<(), ConfigError> {
    if let Ok(client) = context.client() {
        for run in client.runs(1000, None).await.unwrap_or_default() {
            if !run.status.is_final() {
                let _ = client.cancel(run.id.as_str(), true).await;
                // A runner leaves when its run has ended, and only an engine can end one.
                let _ = tokio::time::timeout(PATIENCE, wait_for_end(context, &client, &run.id)).await;
            }
        }
        let _ = client.stop_engine().await;
    }
    EngineLock::wait_until_free(&context.paths, PATIENCE).await?;
    let runs = context.paths.runs_dir();
    let (sender, gone) = tokio::sync::oneshot::channel();
    // A thread of its own: this process can end without it.
    std::thread::spawn(move || {
        wait_for_runners(&runs);
        sender.send(()).ok();
    });
    let _ = tokio::time::timeout(PATIENCE, gone).await;
    Ok(())
}

/// A runner holds its lock for as long as it lives, and leaves a moment after its run.
fn wait_for_runners(runs: &Path) {
    for run in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        if let Ok(lock) = std::fs::File::open(run.path().join("runner.lock")) {
            let _ = lock.lock_shared();
        }
    }
}
