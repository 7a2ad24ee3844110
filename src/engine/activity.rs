//! Whether anybody is using the engine, so that it can stop when nobody does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Counts requests and streams that are open.
#[derive(Debug, Default)]
pub struct Activity {
    open: AtomicUsize,
    /// Grows with every request; tells a quiet minute from a busy one.
    seen: AtomicU64,
    changed: Notify,
}

/// One open request or stream; closing it is dropping it.
#[derive(Debug)]
pub struct Visit(Arc<Activity>);

impl Activity {
    pub fn enter(self: &Arc<Self>) -> Visit {
        self.open.fetch_add(1, Ordering::SeqCst);
        self.seen.fetch_add(1, Ordering::SeqCst);
        Visit(Arc::clone(self))
    }

    /// Says that something ended which may have been the last thing going on.
    pub fn changed(&self) {
        self.changed.notify_one();
    }

    /// Comes back when nothing was open and `busy` was false for the whole of `quiet`. Sleeps without ticking while
    /// somebody is there.
    pub async fn idle_for(&self, quiet: Duration, busy: impl Fn() -> bool) {
        loop {
            let before = self.seen.load(Ordering::SeqCst);
            if self.open.load(Ordering::SeqCst) > 0 || busy() {
                self.changed.notified().await;
                continue;
            }
            tokio::time::sleep(quiet).await;
            let unseen = self.seen.load(Ordering::SeqCst) == before;
            if unseen && self.open.load(Ordering::SeqCst) == 0 && !busy() {
                return;
            }
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
        self.0.changed();
    }
}
