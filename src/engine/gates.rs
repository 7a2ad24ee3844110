//! The gates of this engine: requests that protected stages may start, decisions about them, and the locks of environments.
//!
//! Owns their folded state and the only way to change it: whoever decides holds the state until what follows is durable,
//! in one transaction with its audit record, and with the first event of the stage that starts. Decides nothing itself:
//! `policy` does. Gates of runs that have ended are in the store alone.

mod arrive;
pub mod asked;
mod case;
mod decide;
mod deployed;
mod end;
mod glass;
mod list;
pub mod places;
mod record;
mod under;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::model::{AuditVerdict, Gate, GateEvent, GateId, GateStatus, Glass, Lock, LockEvent, RunId, StageId, Standing};
use crate::store::{Fact, Store, StoreError};

pub use arrive::{Arrival, Passage};
pub use asked::{Asked, Target};
pub use deployed::{Following, concerns, release_id};
use places::History;
pub use places::Spot;
pub use record::Changes;

/// Where the facts about gates and locks are.
const GATES: &str = "gate/";
const LOCKS: &str = "lock/";

/// The state of a stream of facts, and how many facts it is made of.
#[derive(Debug, Clone, Default)]
struct Stream<T> {
    state: T,
    length: u64,
    /// The order in which the streams began.
    order: usize,
}

/// Everything that decisions are made on.
#[derive(Debug, Default)]
pub struct Known {
    gates: BTreeMap<GateId, Stream<Gate>>,
    /// By environment.
    locks: HashMap<String, Stream<Lock>>,
    places: BTreeMap<Spot, Stream<History>>,
    /// By environment.
    standings: HashMap<String, Stream<Standing>>,
    glasses: BTreeMap<GateId, Stream<Option<Glass>>>,
    /// Runs that have ended while others of their family go on.
    over: HashSet<RunId>,
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
        store.facts(places::RELEASES).await?.iter().try_for_each(|fact| known.take_release(fact))?;
        store.facts(places::STANDINGS).await?.iter().try_for_each(|fact| known.take_standing(fact))?;
        store.facts(places::GLASSES).await?.iter().try_for_each(|fact| known.take_glass(fact))?;
        let gone = known.of_nobody(unfinished);
        if !gone.is_empty() {
            store.record(gone.batch(&known)).await?;
            gone.apply(&mut known);
        }
        let mut gated = Vec::new();
        for run in unfinished {
            let facts = store.facts(&format!("{GATES}{run}")).await?;
            facts.iter().try_for_each(|fact| known.take_gate(fact, run))?;
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
    /// Whether the end of a run is durable.
    pub fn is_over(&self, run: &RunId) -> bool {
        self.over.contains(run)
    }

    /// Takes a fact about a gate of this run, and leaves those of runs below it.
    fn take_gate(&mut self, fact: &Fact, run: &RunId) -> Result<(), StoreError> {
        let name = named(&fact.stream, GATES);
        if name.strip_prefix(run.as_str()).is_some_and(|rest| rest.starts_with(['.', '~'])) {
            self.apply_gate(&read(fact)?);
        }
        Ok(())
    }

    fn take_lock(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let environment = named(&fact.stream, LOCKS).to_owned();
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
                    let order = self.gates.values().map(|stream| stream.order + 1).max().unwrap_or(0);
                    self.gates.insert(event.gate.clone(), Stream { state, length: 1, order });
                }
            }
        }
    }

    fn apply_lock(&mut self, environment: &str, event: &LockEvent) {
        let stream = self.locks.entry(environment.to_owned()).or_default();
        stream.state.apply(event);
        stream.length += 1;
    }

    /// The lock of an environment as it is.
    pub(in crate::engine) fn lock(&self, environment: &str) -> Lock {
        self.locks.get(environment).map(|stream| stream.state.clone()).unwrap_or_default()
    }

    /// The gate that a stage of a run came to last.
    fn last_of(&self, run: &RunId, stage: &StageId) -> Option<&Gate> {
        let own = |stream: &&Stream<Gate>| stream.state.subject.run == *run && stream.state.subject.stage == *stage;
        // By the order of recording: clocks may have been set back in between.
        self.gates.values().filter(own).max_by_key(|stream| stream.order).map(|stream| &stream.state)
    }

    /// The request that let a stage of a run through: its own, that of the deployment `under` which it stands, or the run's.
    pub fn let_through_by(&self, run: &RunId, stage: &StageId, under: Option<&StageId>) -> Option<&Gate> {
        let whole = StageId::new(asked::WHOLE_RUN);
        let mut gates = [Some(stage), under, Some(&whole)].into_iter().flatten().filter_map(|stage| self.last_of(run, stage));
        gates.next().filter(|gate| gate.status == GateStatus::Started)
    }

    /// Forgets the gates of a run that has ended, and with the last run its family; the store has them.
    pub fn forget(&mut self, run: &RunId, family: Option<&RunId>) {
        self.gates.retain(|_, stream| stream.state.subject.run != *run);
        let gates = &self.gates;
        // What waits for its review is not forgotten.
        self.glasses
            .retain(|gate, stream| gates.contains_key(gate) || stream.state.as_ref().is_some_and(|glass| glass.review.is_none()));
        self.over.insert(run.clone());
        if let Some(root) = family {
            self.over.retain(|over| over != root && !over.is_below(root));
        }
        self.doubted.remove(run);
    }
}

/// What a stream is about. Names may hold anything, also the word that streams begin with: it is taken off once.
fn named<'s>(stream: &'s str, kind: &str) -> &'s str {
    stream.strip_prefix(kind).unwrap_or(stream)
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
