//! The lock of an environment: one run at a time changes it. A fold of its events.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{RunId, Timestamp};

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub run: RunId,
    /// Greater than that of every holder before: who was told a lower one no longer holds it.
    pub fence: u64,
    pub since: Timestamp,
}

/// The state of an environment's lock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lock {
    /// The greatest token given out.
    pub fence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// First come, first served.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub waiting: VecDeque<RunId>,
}

/// The closed list of facts about a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LockEvent {
    Acquired {
        run: RunId,
        fence: u64,
        at: Timestamp,
    },
    Queued {
        run: RunId,
    },
    /// A waiting run gave up.
    Left {
        run: RunId,
    },
    Released {
        run: RunId,
        fence: u64,
    },
}

impl Lock {
    /// Folds one more event in. The only place where a lock changes.
    pub fn apply(&mut self, event: &LockEvent) {
        match event {
            LockEvent::Acquired { run, fence, at } => {
                self.waiting.retain(|waiting| waiting != run);
                self.fence = *fence;
                self.holder = Some(Holder { run: run.clone(), fence: *fence, since: *at });
            }
            LockEvent::Queued { run } => self.waiting.push_back(run.clone()),
            LockEvent::Left { run } => self.waiting.retain(|waiting| waiting != run),
            LockEvent::Released { .. } => self.holder = None,
        }
    }
}
