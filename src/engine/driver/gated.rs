//! Stages that act on a protected environment: they come to a gate, and start, wait or fail as it says.
//!
//! Policy is enforced here and nowhere else, for every stage that acts outside of the engine, whoever wrote the pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Act, Driver, DriverError};
use crate::accounts;
use crate::engine::gates::{Arrival, Asked, Passage, Target, asked};
use crate::engine::in_force::InForce;
use crate::engine::scheduler::Input;
use crate::engine::shared::Shared;
use crate::engine::{audit, clock};
use crate::language::template::has_template;
use crate::model::{Environment, ErrorKind, Person, Run, RunId, StageError};
use crate::policy::quorum::Deciders;
use crate::policy::subject;
use crate::store::Batch;

/// Reruns of reruns that are looked back at for who had a hand in this one.
const LOOK_BACK: usize = 64;

impl Driver {
    /// What a stage acts on, if that is protected.
    ///
    /// # Errors
    /// `SECURITY` when that cannot be told, or the workspace has no such environment: nobody gets around a gate by another name.
    pub(super) async fn target(&mut self, stage: usize) -> Result<Option<(Target, Arc<InForce>)>, StageError> {
        let own = self.scheduler.spec(stage).environment.clone();
        let of_run = self.scheduler.run().environment.clone();
        if own.is_none() && of_run.is_none() {
            return Ok(None);
        }
        let in_force = self.shared.policy_in_force().await;
        let was_protected = !self.scheduler.run().protected.is_empty();
        if in_force.policy.environments.is_empty() && in_force.broken.is_none() && !was_protected {
            return Ok(None);
        }
        let own = own.map(|written| self.environment(stage, &written, &in_force)).transpose()?;
        let of_run = of_run.map(|written| self.environment(stage, &written, &in_force)).transpose()?;
        // A stage does not leave what its run is for by naming something else.
        let is_own = own.as_ref().is_some_and(|environment| environment.protected);
        let Some(environment) = own.filter(|_| is_own).or(of_run).filter(|environment| environment.protected) else {
            return match self.scheduler.stage(stage).and_then(|stage| stage.waits_at.as_ref()) {
                Some(gate) => Err(barred(format!("it waited at gate {gate}, and would go around it now"))),
                None => Ok(None),
            };
        };
        in_force.surely().map_err(|error| barred(error.to_string()))?;
        Ok(Some((Target { environment, service: None, own: is_own }, in_force)))
    }

    /// An environment by the name that a document gives it.
    fn environment(&self, stage: usize, written: &str, in_force: &InForce) -> Result<Environment, StageError> {
        let name = if has_template(written) { self.rendered(stage, written)? } else { written.to_owned() };
        let found = in_force.policy.environments.get(&name);
        let was_protected = self.scheduler.run().protected.contains(&name);
        match found {
            Some(environment) if environment.protected || !was_protected => Ok(environment.clone()),
            // Whoever loosens the rules while a run is under way may well be a stage of it.
            Some(_) | None if was_protected => {
                Err(barred(format!("{name} was protected when the run began, and is not any more: begin another run")))
            }
            _ => {
                let known: Vec<&str> = in_force.policy.environments.keys().map(String::as_str).collect();
                Err(barred(format!("flowdeck.toml has no environment `{name}`; it has {}", known.join(", "))))
            }
        }
    }

    /// Brings a ready stage to its gate.
    pub(super) async fn pass_gate(&mut self, stage: usize, target: Target, in_force: &InForce) -> Result<(), DriverError> {
        // What led here must be durable before anybody is asked about it.
        self.commit().await?;
        let asked = self.asked(stage, target).await?;
        let shared = Arc::clone(&self.shared);
        let mut known = shared.gates.turn().await;
        let people = look_up(known.voters(&asked), in_force).await;
        let deciders = Deciders {
            environment: &asked.target.environment,
            access: in_force.policy.access.as_ref(),
            engine_uid: shared.paths.uid(),
        };
        let arrival = Arrival { asked: &asked, deciders, people: &people, now: clock::now() };
        match known.arrive(&arrival) {
            Passage::Go { changes } => {
                self.launch(stage);
                let batch = changes.batch(&known);
                self.record(batch).await?;
                changes.apply(&mut known);
                drop(known);
                // A stage that cannot even be prepared may have ended the run with its start.
                if self.scheduler.is_finished() {
                    self.record_end().await?;
                }
            }
            Passage::Hold { gate, changes, again } => {
                self.release(stage);
                let is_news = !changes.is_empty();
                let next = changes.next_holders(&asked.root);
                if is_news {
                    shared.store.record(changes.batch(&known)).await?;
                    shared.tell_people(&changes.gates, &asked);
                    changes.apply(&mut known);
                }
                drop(known);
                shared.wake_all(&next).await;
                let effects = self.scheduler.hold(stage, &gate, clock::moment());
                self.take_down(effects);
                self.acts.extend(again.map(|at| Act::AtGate { stage, at }));
                if is_news {
                    shared.tell_gate(&gate, &[]).await;
                }
            }
            Passage::Bar { error, changes } => {
                self.release(stage);
                let next = changes.next_holders(&asked.root);
                if !changes.is_empty() {
                    shared.store.record(changes.batch(&known)).await?;
                    changes.apply(&mut known);
                }
                drop(known);
                shared.wake_all(&next).await;
                self.feed(Input::Barred { stage, error });
            }
        }
        Ok(())
    }

    async fn asked(&mut self, stage: usize, target: Target) -> Result<Asked, DriverError> {
        let shared = Arc::clone(&self.shared);
        let earlier = earlier(&shared, self.scheduler.run()).await?;
        let key = shared.gate_key().await?;
        let run = self.scheduler.run();
        let id = self.scheduler.id(stage);
        let secrets: BTreeMap<String, String> = self
            .masks
            .values()
            .0
            .iter()
            .map(|(name, value)| (name.clone(), subject::keyed(&key, name, value.as_bytes())))
            .collect();
        Ok(Asked {
            run: run.id.clone(),
            root: root_of(run),
            stage: id.clone(),
            pipeline_digest: asked::pipeline_digest(run),
            inputs_hash: subject::inputs_hash(&run.inputs, &secrets),
            upstream: if target.own { asked::upstream(run, &self.pipeline, id) } else { BTreeMap::new() },
            artefacts: BTreeMap::new(),
            rules: Vec::new(),
            requested_by: run.actor.name.clone(),
            excluded: asked::excluded(run, &earlier),
            target,
        })
    }

    /// Lets every held stage ask again.
    pub(super) fn gates_moved(&mut self) {
        let held: Vec<usize> = self.scheduler.held().map(|(stage, _)| stage).collect();
        held.into_iter().for_each(|stage| self.feed(Input::GateMoved { stage }));
    }

    /// The locks that the end of this run gives back, and the requests that nobody needs to answer any more.
    pub(super) async fn record_end(&mut self) -> Result<(), DriverError> {
        let shared = Arc::clone(&self.shared);
        let root = root_of(self.scheduler.run());
        let mut known = shared.gates.turn().await;
        let is_last = !shared.others_below(&root, |other| *other == self.id || known.is_over(other));
        let (changes, next) = known.end_of(&self.id, is_last.then_some(&root), clock::now());
        let batch = changes.batch(&known);
        self.record(batch).await?;
        changes.apply(&mut known);
        known.forget(&self.id, is_last.then_some(&root));
        drop(known);
        shared.wake_all(&next).await;
        Ok(())
    }

    /// Record and publish, together with what else has to be durable in the same moment.
    pub(super) async fn record(&mut self, more: Batch) -> Result<(), DriverError> {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() && more == Batch::default() {
            return Ok(());
        }
        let mut batch = audit::with_records(events);
        batch.expected = more.expected;
        batch.facts = more.facts;
        batch.audit.extend(more.audit);
        let committed = self.shared.store.record(batch).await?.events;
        let waits = committed.iter().find_map(super::children::waits);
        self.shared.hub.publish(committed);
        if let Some(why) = waits {
            self.tell_parent(why);
        }
        Ok(())
    }
}

/// The run that all runs above this one belong to.
fn root_of(run: &Run) -> RunId {
    run.id.above(run.parent.as_ref().map_or(0, |parent| parent.depth))
}

/// People as the system knows them now; who cannot be found is not among them.
async fn look_up(voters: Vec<Person>, in_force: &InForce) -> Vec<Person> {
    if voters.is_empty() {
        return voters;
    }
    let programs = in_force.policy.service_accounts.clone();
    let found = tokio::task::spawn_blocking(move || {
        let uids = voters.into_iter().filter_map(|voter| voter.uid);
        let people = uids.filter_map(|uid| accounts::person(uid).ok());
        people.map(|person| Person { service: programs.contains(&person.name), ..person }).collect()
    });
    found.await.unwrap_or_default()
}

/// The runs that a run repeats, newest first. One below another repeats what the one at the top does.
async fn earlier(shared: &Shared, run: &Run) -> Result<Vec<Run>, DriverError> {
    let mut next = match &run.parent {
        None => run.rerun_of.clone(),
        Some(_) => shared.store.run(&root_of(run)).await?.and_then(|top| top.rerun_of),
    };
    let mut earlier: Vec<Run> = Vec::new();
    while let Some(id) = next.filter(|_| earlier.len() < LOOK_BACK) {
        let Some(found) = shared.store.run(&id).await? else { break };
        next = found.rerun_of.clone();
        earlier.push(found);
    }
    Ok(earlier)
}

fn barred(message: String) -> StageError {
    StageError::new(ErrorKind::Security, message)
}
