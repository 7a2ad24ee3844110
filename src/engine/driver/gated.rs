//! Stages that act on a protected environment: they come to a gate, and start, wait or fail as it says.
//!
//! Policy is enforced here and nowhere else, for every stage that acts outside of the engine, whoever wrote the pipeline.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::{Act, Aim, Driver, DriverError};
use crate::accounts;
use crate::engine::gates::asked::What;
use crate::engine::gates::{Arrival, Asked, Changes, Following, Known, Passage, Target, asked};
use crate::engine::in_force::InForce;
use crate::engine::scheduler::Input;
use crate::engine::shared::Shared;
use crate::engine::{Engine, audit, clock};
use crate::language::Component;
use crate::language::template::has_template;
use crate::model::{Actor, Environment, ErrorKind, Person, Proof, ReleaseFact, Run, RunId, Signal, StageError, StageId};
use crate::operators;
use crate::policy::quorum::Deciders;
use crate::policy::subject;
use crate::store::Batch;

/// Where a workspace without environments deploys to.
const DEVELOPMENT: &str = "development";
/// Reruns of reruns that are looked back at for who had a hand in this one.
const LOOK_BACK: usize = 64;

impl Driver {
    /// What a stage acts on, if that is protected, or if it deploys or asks.
    ///
    /// # Errors
    /// `SECURITY` when that cannot be told, or the workspace has no such environment: nobody gets around a gate by another name.
    pub(super) async fn target(&mut self, stage: usize) -> Result<Option<(Target, Arc<InForce>)>, StageError> {
        let own = self.scheduler.spec(stage).environment.clone();
        let of_run = self.scheduler.run().environment.clone();
        let component = self.scheduler.spec(stage).component;
        let always = matches!(component, Component::Deploy | Component::Approval);
        if own.is_none() && of_run.is_none() && !always {
            return Ok(None);
        }
        let in_force = self.shared.policy_in_force().await;
        let was_protected = !self.scheduler.run().protected.is_empty();
        let none = in_force.policy.environments.is_empty() && in_force.broken.is_none() && !was_protected;
        if none && !always {
            return Ok(None);
        }
        let own = own.map(|written| self.environment(stage, &written, &in_force)).transpose()?;
        let of_run = of_run.map(|written| self.environment(stage, &written, &in_force)).transpose()?;
        // A stage does not leave what its run is for by naming something else.
        let is_own = own.as_ref().is_some_and(|environment| environment.protected);
        let of_run = of_run.filter(|environment| environment.protected || own.is_none());
        let Some(environment) = own.clone().filter(|_| is_own).or(of_run).or(own) else {
            let all = always.then(|| self.anywhere(&in_force)).transpose()?;
            return Ok(all.map(|environment| (Target { environment, what: What::Act, own: true }, in_force)));
        };
        if !environment.protected && !always {
            return match self.scheduler.stage(stage).and_then(|stage| stage.waits_at.as_ref()) {
                Some(gate) => Err(barred(format!("it waited at gate {gate}, and would go around it now"))),
                None => Ok(None),
            };
        }
        if environment.protected {
            in_force.surely().map_err(|error| barred(error.to_string()))?;
        }
        Ok(Some((Target { environment, what: What::Act, own: is_own || always }, in_force)))
    }

    /// Where a stage deploys or asks that names no environment, in a workspace without any.
    fn anywhere(&self, in_force: &InForce) -> Result<Environment, StageError> {
        if in_force.policy.environments.is_empty() {
            return Ok(in_force.policy.environment(DEVELOPMENT));
        }
        let known: Vec<&str> = in_force.policy.environments.keys().map(String::as_str).collect();
        let message = format!("it names no environment, and neither does the run; flowdeck.toml has {}", known.join(", "));
        Err(StageError::new(ErrorKind::Configuration, message))
    }

    /// What a stage would do at its target, rendered as its next attempt will render it.
    fn what(&self, stage: usize) -> Result<What, StageError> {
        let attempt = self.scheduler.next_attempt(stage);
        match self.scheduler.spec(stage).component {
            Component::Deploy => Ok(What::Deploy(self.in_context(stage, attempt, clock::now(), operators::cargo)?)),
            Component::Approval => {
                let asked = self.in_context(stage, attempt, clock::now(), operators::question)?;
                Ok(What::Ask(self.masks.mask_question(asked)))
            }
            _ => Ok(What::Act),
        }
    }

    /// An environment by the name that a document gives it.
    fn environment(&self, stage: usize, written: &str, in_force: &InForce) -> Result<Environment, StageError> {
        let name = if has_template(written) { self.rendered(stage, written)? } else { written.to_owned() };
        let found = in_force.policy.environments.get(&name);
        let was_protected = self.scheduler.run().protected.contains(&name);
        match found {
            Some(environment) if environment.protected || !was_protected => Ok(in_force.policy.environment(&name)),
            // Whoever loosens the rules while a run is under way may well be a stage of it.
            Some(_) | None if was_protected => {
                Err(barred(format!("{name} was protected when the run began, and is not any more: begin another run")))
            }
            _ if in_force.policy.environments.is_empty() && !name.is_empty() => Ok(in_force.policy.environment(&name)),
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
        let what = match self.what(stage) {
            Ok(what) => what,
            Err(error) => {
                self.release(stage);
                let error = self.explained(stage, error);
                self.feed(Input::Barred { stage, error });
                return Ok(());
            }
        };
        let target = Target { what, ..target };
        let asked = self.asked(stage, target, in_force).await?;
        let shared = Arc::clone(&self.shared);
        let mut known = shared.gates.turn().await;
        let mut people = look_up(known.voters(&asked), in_force).await;
        let requester = self.requester(&asked, in_force).await;
        people.extend(requester.clone());
        let deciders = Deciders {
            environment: &asked.target.environment,
            access: in_force.policy.access.as_ref(),
            engine_uid: shared.paths.uid(),
        };
        let arrival = Arrival { asked: &asked, deciders, people: &people, requester: requester.as_ref(), now: clock::now() };
        match known.arrive(&arrival) {
            Passage::Go { changes, fence } => {
                self.aims.insert(stage, Aim { environment: asked.target.environment.clone(), fence });
                self.launch(stage);
                self.record_following(&mut known, changes).await?;
                drop(known);
                // A stage that cannot even be prepared may have ended the run with its start.
                if self.scheduler.is_finished() {
                    self.record_end().await?;
                }
            }
            Passage::Hold { gate, changes, again } => {
                self.release(stage);
                let is_news = !changes.is_empty();
                let opened = changes.gates.clone();
                self.settle_changes(known, changes, &asked.root).await?;
                shared.tell_people(&opened, &asked);
                let effects = self.scheduler.hold(stage, &gate, clock::moment());
                self.take_down(effects);
                self.acts.extend(again.map(|at| Act::AtGate { stage, at }));
                if is_news {
                    shared.tell_gate(&gate, &[]).await;
                }
            }
            Passage::Bar { error, changes } => {
                self.release(stage);
                self.settle_changes(known, changes, &asked.root).await?;
                self.feed(Input::Barred { stage, error });
            }
        }
        Ok(())
    }

    /// Makes changes durable that no event of this run belongs to, and wakes whoever they concern.
    async fn settle_changes(
        &mut self,
        mut known: MutexGuard<'_, Known>,
        changes: Changes,
        root: &RunId,
    ) -> Result<(), DriverError> {
        let next = changes.next_holders(root);
        if !changes.is_empty() {
            self.shared.store.record(changes.batch(&known)).await?;
            changes.apply(&mut known);
        }
        drop(known);
        self.shared.wake_all(&next).await;
        Ok(())
    }

    async fn asked(&mut self, stage: usize, target: Target, in_force: &InForce) -> Result<Asked, DriverError> {
        let shared = Arc::clone(&self.shared);
        let earlier = earlier(&shared, self.scheduler.run()).await?;
        let hands = hands(&shared, self.scheduler.run(), &earlier).await?;
        let inputs_hash = self.inputs_hash().await?;
        let run = self.scheduler.run();
        let id = self.scheduler.id(stage);
        let policy = &in_force.policy;
        let back = run.rollback.as_deref().filter(|back| {
            let here = target.deploys().is_some_and(|(_, spot)| spot.service == back.service);
            here && back.environment == target.environment.name
        });
        let from = target.environment.promote_from.as_ref().map(|name| policy.environment(name));
        Ok(Asked {
            run: run.id.clone(),
            root: root_of(run),
            stage: id.clone(),
            undoes: self.scheduler.spec(stage).undoes.clone(),
            pipeline_digest: asked::pipeline_digest(run),
            inputs_hash,
            upstream: if target.own { asked::upstream(run, &self.pipeline, id) } else { BTreeMap::new() },
            requested_by: run.actor.name.clone(),
            excluded: asked::excluded(run, &earlier, &hands),
            run_created_at: run.created_at,
            back: back.cloned(),
            automatic: run.actor.proof == Proof::Engine || policy.service_accounts.contains(&run.actor.name),
            promote_from: from,
            under: self.let_through_with(stage),
            inputs: run.inputs.clone(),
            pipeline_hash: run.pipeline.hash.clone(),
            elsewhere: (shared.paths.workspace() != Path::new(&run.workspace)).then(|| run.workspace.clone()),
            target,
        })
    }

    /// Of the run's inputs and of the values its stages may read, as decisions are bound to them.
    pub(super) async fn inputs_hash(&mut self) -> Result<String, DriverError> {
        let shared = Arc::clone(&self.shared);
        let key = shared.gate_key().await?;
        let values = self.masks.values().0.iter();
        let secrets: BTreeMap<String, String> =
            values.map(|(name, value)| (name.clone(), subject::keyed(&key, name, value.as_bytes()))).collect();
        Ok(subject::inputs_hash(&self.scheduler.run().inputs, &secrets))
    }

    /// Whoever started the run, as the system knows them now, where that may matter.
    async fn requester(&mut self, asked: &Asked, in_force: &InForce) -> Option<Person> {
        asked.back.as_ref()?;
        let actor = &self.scheduler.run().actor;
        let person = Person { name: actor.name.clone(), uid: actor.uid, groups: [].into(), service: false };
        let found = look_up(vec![person], in_force).await.pop();
        found.filter(|person| person.name == actor.name)
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
        self.record_following(&mut known, changes).await?;
        known.forget(&self.id, is_last.then_some(&root));
        drop(known);
        shared.wake_all(&next).await;
        Ok(())
    }

    /// What has happened means something for releases: both are one commit.
    pub(super) async fn record_releases(&mut self) -> Result<(), DriverError> {
        let shared = Arc::clone(&self.shared);
        let mut known = shared.gates.turn().await;
        self.record_following(&mut known, Changes::default()).await
    }

    /// Records the events at hand with these changes and with what the events mean for releases.
    async fn record_following(&mut self, known: &mut Known, mut changes: Changes) -> Result<(), DriverError> {
        let (more, failed) = {
            let environment_of = |id: &StageId| self.environment_of(id);
            let of = Following { run: self.scheduler.run(), pipeline: &self.pipeline, environment_of: &environment_of };
            known.follow(&of, &self.events)
        };
        changes.extend(more);
        let touched = changes.environments();
        let bakes = changes.releases.iter().any(|(_, event)| matches!(event.fact, ReleaseFact::Verified));
        self.record(changes.batch(known)).await?;
        changes.apply(known);
        if bakes {
            Engine { shared: Arc::clone(&self.shared) }.watch_bakes();
        }
        for environment in touched {
            self.shared.hub.signal(Signal::ReleaseChanged { environment });
        }
        for release in failed {
            Engine { shared: Arc::clone(&self.shared) }.go_back_by_itself(release);
        }
        Ok(())
    }

    /// Where a stage acts, as far as that can be told.
    fn environment_of(&self, id: &StageId) -> Option<String> {
        let stage = self.scheduler.find(id)?;
        match &self.scheduler.spec(stage).environment {
            Some(written) if has_template(written) => self.rendered(stage, written).ok(),
            Some(written) => Some(written.clone()),
            None => self.scheduler.run().environment.clone().or_else(|| Some(DEVELOPMENT.to_owned())),
        }
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

/// Who had a hand in the runs around a run and in those that it repeats: what one of them gives another one reads.
async fn hands(shared: &Shared, run: &Run, earlier: &[Run]) -> Result<Vec<Actor>, DriverError> {
    let has_others =
        run.parent.is_some() || run.stages.values().flat_map(|stage| &stage.attempts).any(|attempt| attempt.child.is_some());
    let family = has_others.then(|| root_of(run));
    let mut found = Vec::new();
    for root in family.into_iter().chain(earlier.iter().map(root_of)) {
        found.extend(shared.store.hands(&root).await?);
    }
    Ok(found)
}

fn barred(message: String) -> StageError {
    StageError::new(ErrorKind::Security, message)
}
