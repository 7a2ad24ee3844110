//! The gates of this engine: requests that protected stages may start, decisions about them, and the locks of environments.
//!
//! Owns their folded state and the only way to change it: whoever decides holds the state until what follows is durable,
//! in one transaction with its audit record, and with the first event of the stage that starts. Decides nothing itself:
//! `policy` does. Gates of runs that have ended are in the store alone.

mod arrive;
pub mod asked;
mod decide;
mod list;
mod record;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::model::{AuditVerdict, Gate, GateEvent, GateId, Lock, LockEvent, RunId, StageId};
use crate::store::{Fact, Store, StoreError};

pub use arrive::{Arrival, Passage};
pub use asked::{Asked, Target};

/// Where the facts about gates and locks are.
const GATES: &str = "gate/";
const LOCKS: &str = "lock/";

/// The state of a stream of facts, and how many facts it is made of.
#[derive(Debug, Clone, Default)]
struct Stream<T> {
    state: T,
    length: u64,
}

/// Everything that decisions are made on.
#[derive(Debug, Default)]
pub struct Known {
    gates: BTreeMap<GateId, Stream<Gate>>,
    /// By environment.
    locks: HashMap<String, Stream<Lock>>,
    /// Runs whose gates were read from a store that is not what its audit chain says, and why.
    doubted: HashMap<RunId, String>,
}

/// The gates of unfinished runs, and all locks.
#[derive(Debug, Default)]
pub struct Gates {
    known: Mutex<Known>,
}

impl Gates {
    /// Reads all locks, and the gates of the runs that are taken up. Nothing starts on gates that the audit chain does not
    /// bear out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(&self, store: &Store, unfinished: &[RunId]) -> Result<(), StoreError> {
        let mut known = self.known.lock().await;
        for fact in store.facts(LOCKS).await? {
            known.take_lock(&fact)?;
        }
        let mut gated = Vec::new();
        for run in unfinished {
            let facts = store.facts(&format!("{GATES}{run}.")).await?;
            facts.iter().try_for_each(|fact| known.take_gate(fact))?;
            gated.extend((!facts.is_empty()).then(|| run.clone()));
        }
        if gated.is_empty() {
            return Ok(());
        }
        if let AuditVerdict::Broken(broken) = store.verify_audit(Vec::new()).await? {
            tracing::error!(%broken, "the store is not what its audit chain says: nothing starts on the gates in it");
            known.doubted.extend(gated.into_iter().map(|run| (run, broken.to_string())));
        }
        Ok(())
    }

    /// Waits for its turn to decide. What is decided must be durable before the guard goes.
    pub async fn turn(&self) -> MutexGuard<'_, Known> {
        self.known.lock().await
    }
}

impl Known {
    fn take_gate(&mut self, fact: &Fact) -> Result<(), StoreError> {
        self.apply_gate(&read(fact)?);
        Ok(())
    }

    fn take_lock(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let environment = fact.stream.trim_start_matches(LOCKS).to_owned();
        self.apply_lock(&environment, &read(fact)?);
        Ok(())
    }

    fn apply_gate(&mut self, event: &GateEvent) {
        match self.gates.get_mut(&event.gate) {
            Some(stream) => {
                stream.state.apply(event);
                stream.length += 1;
            }
            None => {
                if let Some(state) = Gate::opened(event) {
                    self.gates.insert(event.gate.clone(), Stream { state, length: 1 });
                }
            }
        }
    }

    fn apply_lock(&mut self, environment: &str, event: &LockEvent) {
        let stream = self.locks.entry(environment.to_owned()).or_default();
        stream.state.apply(event);
        stream.length += 1;
    }

    fn lock(&self, environment: &str) -> Lock {
        self.locks.get(environment).map(|stream| stream.state.clone()).unwrap_or_default()
    }

    /// The gate that a stage of a run came to last.
    fn last_of(&self, run: &RunId, stage: &StageId) -> Option<&Gate> {
        let own = self.gates.values().map(|stream| &stream.state);
        own.filter(|gate| gate.subject.run == *run && gate.subject.stage == *stage).max_by_key(|gate| gate.requested_at)
    }

    /// Forgets the gates of a run that has ended; the store has them.
    pub fn forget(&mut self, run: &RunId) {
        self.gates.retain(|_, stream| stream.state.subject.run != *run);
        self.doubted.remove(run);
    }
}

fn read<T: serde::de::DeserializeOwned>(fact: &Fact) -> Result<T, StoreError> {
    serde_json::from_value(fact.body.clone()).map_err(|error| StoreError::Corrupt {
        path: fact.stream.clone().into(),
        detail: format!("its fact {} cannot be read by this version: {error}", fact.place),
    })
}

fn written<T: serde::Serialize>(event: &T) -> Value {
    // Types of the model have no map with keys that are no text.
    serde_json::to_value(event).unwrap_or_default()
}
