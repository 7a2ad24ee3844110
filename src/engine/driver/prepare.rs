//! From a stage that may start to its work: rendering, in-process operators inline, the rest as acts after the commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::scope::{Place, RunScope};
use super::{Act, Aim, BATCH, Driver, DriverError};
use crate::engine::clock;
use crate::engine::gates::release_id;
use crate::engine::scheduler::Input;
use crate::language::template::has_template;
use crate::language::{Component, Pipeline, Retry, expression, template};
use crate::model::{Ending, ErrorKind, EventKind, NoteLevel, Outcome, Run, StageError, StageStatus};
use crate::operators::{self, Done, Prepared, Work};

impl Driver {
    /// Secrets that a stage may not read: they belong to environments, and it does not act in one of those. What computes
    /// inside the engine acts nowhere.
    fn withheld(&self, stage: usize) -> Vec<&str> {
        if self.bound_secrets.is_empty() {
            return Vec::new();
        }
        let inline = !operators::takes_a_place(self.scheduler.spec(stage).component);
        let place = (!inline).then(|| self.acts_in(stage)).flatten();
        let open = |places: &BTreeSet<String>| place.as_ref().is_some_and(|place| places.contains(place));
        self.bound_secrets.iter().filter(|(_, places)| !open(places)).map(|(name, _)| name.as_str()).collect()
    }

    /// Which secrets belong to which environments, as the workspace file says now. What was bound once stays so for this run.
    pub(super) async fn note_bindings(&mut self) {
        if self.pipeline.environment_names().secrets.is_empty() {
            return;
        }
        let now = self.shared.policy_in_force().await;
        self.guarded.extend(now.policy.protected().map(str::to_owned));
        for (name, places) in &now.policy.bound_secrets {
            self.bound_secrets.entry(name.clone()).or_insert_with(|| places.clone());
        }
    }

    /// The environment that a stage acts in: where it was let through, else as it is written. A name in a template is known
    /// only at the gate; and by its name alone nothing acts in a protected environment: what a stage reads before its gate
    /// (its condition, its environment, what it deploys) nobody has agreed to.
    fn acts_in(&self, stage: usize) -> Option<String> {
        if let Some(aim) = self.aims.get(&stage) {
            return Some(aim.environment.name.clone());
        }
        let own = self.scheduler.spec(stage).environment.clone().filter(|name| !has_template(name));
        let named = own.or_else(|| self.scheduler.run().environment.clone());
        // What is at work was let through, maybe by an engine before this one.
        named.filter(|name| self.scheduler.is_at_work(stage) || !self.guarded.contains(name))
    }

    /// A secret that is withheld is not missing; whoever wrote the pipeline has to hear of it.
    pub(super) fn explained(&self, stage: usize, error: StageError) -> StageError {
        let withheld = self.withheld(stage);
        let named = withheld.iter().find(|name| error.message.contains(&format!("secret `{name}` is missing")));
        match named.and_then(|name| Some((name, self.bound_secrets.get(*name)?))) {
            Some((name, places)) => {
                let places = places.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let message = format!(
                    "the secret `{name}` is only for stages that act in {places}: this one does not, or has not been let through by now"
                );
                StageError::new(ErrorKind::Security, message)
            }
            None => error,
        }
    }

    /// Starts what may start. True when a stage waits for a place in the engine.
    pub(super) async fn start_ready(&mut self) -> Result<bool, DriverError> {
        if self.scheduler.next_ready().is_some() {
            self.note_bindings().await;
        }
        while self.events.len() < BATCH {
            let Some(stage) = self.scheduler.next_ready() else { break };
            let component = self.scheduler.spec(stage).component;
            let takes_a_place = operators::takes_a_place(component);
            if takes_a_place {
                let free = || Arc::clone(&self.shared.slots).try_acquire_owned().ok();
                match self.place.take().or_else(free) {
                    Some(place) => self.permits.insert(stage, place),
                    None => return Ok(true),
                };
            }
            if takes_a_place || component == Component::Approval {
                match self.target(stage).await {
                    Ok(None) => {}
                    Ok(Some((target, in_force))) => {
                        self.pass_gate(stage, target, &in_force).await?;
                        continue;
                    }
                    Err(error) => {
                        self.release(stage);
                        self.feed(Input::Barred { stage, error });
                        continue;
                    }
                }
            }
            self.launch(stage);
        }
        // Nothing here needs it any more.
        self.place = None;
        Ok(false)
    }

    pub(super) fn launch(&mut self, stage: usize) {
        let moment = clock::moment();
        let attempt = self.scheduler.next_attempt(stage);
        let prepared = self.prepare(stage, attempt, moment.now).map_err(|error| self.explained(stage, error));
        let config = match &prepared {
            Ok(prepared) => self.masks.mask_value(self.aimed(stage, prepared.config.clone())),
            Err(_) => Value::Null,
        };
        let child = match &prepared {
            Ok(Prepared { work: Work::Child(_), .. }) => Some(self.next_child()),
            _ => None,
        };
        let (attempt, effects) = match &prepared {
            Ok(_) => self.scheduler.start(stage, moment, config, child.clone()),
            Err(_) => self.scheduler.start_unable(stage, moment),
        };
        self.take_down(effects);
        match prepared.map(|prepared| prepared.work) {
            Err(error) => self.end(stage, attempt, Outcome::failed(error)),
            Ok(Work::Done(done)) => self.on_done(stage, attempt, done),
            Ok(Work::Frame(frame)) => {
                // What is inside takes places of its own.
                self.permits.remove(&stage);
                let effects = self.scheduler.open_frame(stage, frame, moment);
                self.take_down(effects);
            }
            Ok(Work::Call(mut call)) => {
                self.remark_all(stage, std::mem::take(&mut call.notes));
                self.acts.push(Act::Call { stage, attempt, call });
            }
            Ok(Work::Child(plan)) => {
                if let Some(child) = child {
                    self.order_child(stage, attempt, child, plan);
                }
            }
            Ok(Work::Process(mut spec)) => {
                let remaining = self.scheduler.remaining(stage, moment.now);
                let budget = remaining.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
                self.furnish(stage, &mut spec);
                spec.timeout_ms = spec.timeout_ms.into_iter().chain(budget).min();
                self.acts.push(Act::Process { stage, attempt, spec: Box::new(spec) });
            }
        }
    }

    /// The recorded config of a deployment tells what the engine knows about it.
    fn aimed(&self, stage: usize, mut config: Value) -> Value {
        let Some(aim) = self.aims.get(&stage) else { return config };
        if self.scheduler.spec(stage).component == Component::Deploy {
            let bake = aim.environment.bake.as_millis().max(config["bake_ms"].as_u64().unwrap_or(0).into());
            config["release"] = json!(release_id(&self.id, self.scheduler.id(stage)));
            config["environment"] = json!(aim.environment.name);
            config["fence"] = json!(aim.fence);
            config["bake_ms"] = json!(u64::try_from(bake).unwrap_or(u64::MAX));
        }
        config
    }

    /// What a stage's process learns of where it is.
    pub(super) fn furnish(&self, stage: usize, spec: &mut crate::process::Spec) {
        spec.env.push(("FLOWDECK_EXE".to_owned(), self.shared.exe.display().to_string()));
        if let Some(Aim { environment, fence }) = self.aims.get(&stage) {
            spec.env.push(("FLOWDECK_ENVIRONMENT".to_owned(), environment.name.clone()));
            spec.env.extend(fence.map(|fence| ("FLOWDECK_FENCE".to_owned(), fence.to_string())));
        }
    }

    /// Renders a stage's config for an attempt that starts (or started) at `now`.
    pub(super) fn prepare(&self, stage: usize, attempt: u32, now: crate::model::Timestamp) -> Result<Prepared, StageError> {
        let mut prepared = self.in_context(stage, attempt, now, operators::prepare)?;
        if let (Work::Process(process), Some(key)) = (&mut prepared.work, self.scheduler.idempotency_key(stage)) {
            process.env.push(("FLOWDECK_IDEMPOTENCY_KEY".to_owned(), key));
        }
        Ok(prepared)
    }

    /// What an operator makes of a stage, for an attempt that starts (or started) at `now`.
    pub(super) fn in_context<T>(
        &self,
        stage: usize,
        attempt: u32,
        now: crate::model::Timestamp,
        read: impl FnOnce(&operators::Context<'_>) -> T,
    ) -> T {
        let run = self.scheduler.run();
        let spec = self.scheduler.spec(stage);
        let scope = self.scope(stage, attempt, now);
        read(&operators::Context {
            scope: &scope,
            stage: spec,
            run_id: &self.id,
            attempt,
            workspace: &run.workspace,
            http: &self.settings.http,
            ai: &self.settings.ai,
            services: &self.settings.services,
            notify: &self.settings.notify,
            secrets: &self.masks,
            exe: &self.shared.exe.to_string_lossy(),
        })
    }

    /// Renders the config of an attempt that the journal says is at work, from what it saw when it started.
    pub(super) fn prepare_again(&mut self, stage: usize) -> Result<Prepared, StageError> {
        let last = self.scheduler.stage(stage).and_then(|stage| stage.attempts.last());
        let (attempt, started, began) = last.map_or((1, clock::now(), 0), |last| (last.number, last.started_at, last.began));
        let then = variables_at(&self.pipeline, self.scheduler.run(), began);
        let now = std::mem::replace(&mut self.variables, then);
        let prepared = self.prepare(stage, attempt, started);
        self.variables = now;
        prepared
    }

    pub(super) fn evaluate_when(&self, stage: usize) -> Result<bool, StageError> {
        let condition = Value::String(self.scheduler.spec(stage).when.clone().unwrap_or_default());
        let holds = self.in_scope(stage, |scope| expression::condition(&condition, scope).map(|(_, holds)| holds));
        holds.map_err(|error| self.explained(stage, self.masks.mask_error(error.into())))
    }

    /// A text of a stage's own fields, as its next attempt reads it.
    pub(super) fn rendered(&self, stage: usize, text: &str) -> Result<String, StageError> {
        let written = Value::String(text.to_owned());
        let rendered = self.in_scope(stage, |scope| template::render(&written, scope));
        let rendered = rendered.map_err(|error| self.explained(stage, self.masks.mask_error(error.into())))?;
        Ok(template::to_text(&rendered))
    }

    fn in_scope<T>(&self, stage: usize, read: impl FnOnce(&RunScope<'_>) -> T) -> T {
        read(&self.scope(stage, self.scheduler.next_attempt(stage), clock::now()))
    }

    /// What an attempt's expressions see.
    fn scope(&self, stage: usize, attempt: u32, now: crate::model::Timestamp) -> RunScope<'_> {
        let place = Place { stage: self.scheduler.id(stage), attempt, path: self.scheduler.path(stage) };
        let locals = self.scheduler.locals(stage);
        let withheld = self.withheld(stage);
        RunScope::new(self.scheduler.run(), &self.pipeline, self.masks.values(), &self.variables, place, locals, now)
            .without(withheld)
    }

    fn on_done(&mut self, stage: usize, attempt: u32, done: Done) {
        // The log of a stage that runs in the engine is made of the run's notes: what is in both is said once.
        let logged = done.log.into_iter().map(|line| (NoteLevel::Info, line));
        let said = if done.notes.is_empty() { logged.collect() } else { done.notes };
        self.remark_all(stage, said);
        self.end(stage, attempt, done.outcome);
    }

    /// Takes down what a stage has to say in the run's log.
    pub(super) fn remark_all(&mut self, stage: usize, notes: impl IntoIterator<Item = (NoteLevel, String)>) {
        let id = self.scheduler.id(stage).clone();
        for (level, message) in notes {
            let message = self.masks.mask_text(message);
            let effects = self.scheduler.remark(EventKind::Noted { stage: Some(id.clone()), level, message }, clock::moment());
            self.take_down(effects);
        }
    }

    /// An attempt is over: its last checks, then the scheduler's word on what follows.
    pub(super) fn end(&mut self, stage: usize, attempt: u32, outcome: Outcome) {
        self.release(stage);
        let outcome = self.masks.mask_outcome(self.until(stage, outcome));
        if outcome.ending == Ending::Succeeded {
            set_variables(&mut self.variables, self.scheduler.spec(stage).component, &outcome.output);
        }
        self.feed(Input::Ended { stage, attempt, outcome });
    }

    /// `retry_until`: a success whose output does not yet satisfy the condition counts as a failed attempt.
    fn until(&self, stage: usize, outcome: Outcome) -> Outcome {
        let Retry::Fixed { until: Some(condition), .. } = &self.scheduler.spec(stage).retry else { return outcome };
        if outcome.ending != Ending::Succeeded {
            return outcome;
        }
        let holds = self.in_scope(stage, |scope| operators::retry_condition(condition, &outcome.output, scope));
        match holds {
            Ok(true) => outcome,
            Ok(false) => {
                let error = StageError::new(ErrorKind::Execution, format!("retry_until does not hold yet: {condition}"));
                Outcome::ended(Ending::Failed, error.recoverable(), outcome.output)
            }
            Err(error) => Outcome::ended(Ending::Failed, error, outcome.output),
        }
    }
}

fn set_variables(variables: &mut Map<String, Value>, component: Component, output: &Value) {
    if component == Component::VariableSet
        && let Some(Value::Object(set)) = output.get("variables")
    {
        variables.extend(set.clone());
    }
}

/// The variables as they were when the run had so many events (`Run::facts`).
pub(super) fn variables_at(pipeline: &Pipeline, run: &Run, facts: u64) -> Map<String, Value> {
    let mut ended: Vec<_> = run
        .stages
        .values()
        .filter_map(|stage| Some((stage, &pipeline.stages[pipeline.index_of(stage.id.written())?])))
        .filter(|(stage, spec)| spec.component == Component::VariableSet && stage.status == StageStatus::Succeeded)
        .filter(|(stage, _)| stage.ended <= facts)
        .collect();
    ended.sort_by_key(|(stage, _)| stage.ended);
    let mut variables = Map::new();
    ended.iter().for_each(|(stage, spec)| set_variables(&mut variables, spec.component, &stage.output));
    variables
}
