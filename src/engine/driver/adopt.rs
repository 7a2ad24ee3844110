//! The runner's side of a run: what it reports, what is left when it dies, and taking a run up after a crash.

use std::sync::Arc;

use serde_json::Value;

use super::act::as_values;
use super::{Act, Aim, Driver, DriverError, Mail, Work};
use crate::engine::clock;
use crate::engine::scheduler::Input;
use crate::engine::values::Found;
use crate::model::{Actor, Ending, ErrorKind, EventKind, Outcome, RunStatus, Signal, StageError, StageId, Timestamp, Values};
use crate::operators::{self, Shape};
use crate::process::Exit;
use crate::runner::{self, Handle, Known, Report};

impl Driver {
    /// Finds out what became of the attempts that the journal says are running. Nothing for a new run.
    pub(super) async fn take_up(&mut self) -> Result<(), DriverError> {
        if self.scheduler.run().status == RunStatus::Queued {
            if !self.missing_values().is_empty() {
                let effects = self.scheduler.remark(EventKind::RunStarted, clock::moment());
                self.take_down(effects);
                self.find_values().await;
                self.wait_for_values().await?;
            }
            return self.commit().await;
        }
        let adopted = Handle::adopt(&self.dir, self.masks.hidden(), self.masks.values().0.clone()).await;
        let known = match adopted {
            Ok(Some((handle, reports, welcome))) => {
                self.masks.add(as_values(welcome.environment));
                self.attach(handle, reports);
                Some(welcome.attempts)
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(run = %self.id, %error, "the runner could not be adopted");
                None
            }
        };
        self.find_values().await;
        self.wait_for_values().await?;
        self.note_what_was_let_through().await?;
        self.note_bindings().await;
        self.reopen_frames();
        match known {
            Some(known) => {
                for stage in self.recorded_as_running() {
                    self.take_up_from(stage, &known);
                }
            }
            None => self.settle_orphans(runner::never_started(&self.dir)),
        }
        self.commit().await
    }

    /// Nothing is rendered again before the values it may read are there. Other letters wait, a cancel ends the wait.
    async fn wait_for_values(&mut self) -> Result<(), DriverError> {
        while !self.scheduler.run().needs.is_empty() {
            self.commit().await?;
            match self.inbox.recv().await {
                Some(Mail::Values { values, by }) => self.on_values(values, by),
                Some(Mail::Flush(answer)) if self.held.is_empty() => self.acts.push(Act::Answer(answer)),
                Some(mail) => {
                    let cancelled = matches!(mail, Mail::Input(Input::Cancel { .. }));
                    self.held.push(mail);
                    if cancelled {
                        break;
                    }
                }
                None => break,
            }
        }
        Ok(())
    }

    /// People agreed to what would start with the values of that moment. A start that was recorded and not made yet would be
    /// made with those that were found again.
    async fn note_what_was_let_through(&mut self) -> Result<(), DriverError> {
        let running = self.scheduler.at_work();
        if running.is_empty() || self.scheduler.run().protected.is_empty() {
            return Ok(());
        }
        let now = self.inputs_hash().await?;
        let shared = Arc::clone(&self.shared);
        let in_force = shared.policy_in_force().await;
        let known = shared.gates.turn().await;
        for stage in running {
            let under = self.let_through_with(stage);
            let Some(gate) = known.let_through_by(&self.id, self.scheduler.id(stage), under.as_ref()) else { continue };
            if gate.subject.inputs_hash != now {
                self.changed_values.insert(stage);
            }
            // It acts where it did, under the same lock, should it have to be started again.
            let environment = in_force.policy.environment(&gate.subject.environment);
            self.aims.insert(stage, Aim { environment, fence: gate.fence });
        }
        Ok(())
    }

    fn recorded_as_running(&self) -> Vec<usize> {
        let plain = |stage: &usize| !matches!(operators::shape(self.scheduler.spec(*stage)), Shape::Frame);
        self.scheduler.at_work().into_iter().filter(plain).collect()
    }

    pub(super) fn current_attempt(&self, stage: usize) -> u32 {
        self.scheduler.next_attempt(stage) - 1
    }

    fn take_up_from(&mut self, stage: usize, known: &[(StageId, u32, Known)]) {
        match operators::shape(self.scheduler.spec(stage)) {
            Shape::Process(_) => {}
            Shape::Child => return self.follow_child(stage),
            Shape::Inline | Shape::Call | Shape::Frame | Shape::Chosen(_) => return self.interrupted(stage),
        }
        let attempt = self.current_attempt(stage);
        let id = self.scheduler.id(stage);
        match known.iter().find(|(stage, number, _)| stage == id && *number == attempt).map(|(_, _, known)| known) {
            Some(Known::Running { .. }) => {
                self.work.insert(stage, Work::Process { attempt });
            }
            Some(Known::Finished { exit }) => {
                let exit = exit.clone();
                self.on_exit(stage, attempt, &exit);
            }
            None => self.start_again(stage, attempt),
        }
    }

    pub(super) fn started_at(&self, stage: usize) -> Timestamp {
        let last = self.scheduler.stage(stage).and_then(|stage| stage.attempts.last());
        last.map_or_else(clock::now, |last| last.started_at)
    }

    /// Opens the loops and guards that were at work, outer ones first: their plan follows from the same inputs.
    fn reopen_frames(&mut self) {
        let encloses = |stage: &usize| matches!(operators::shape(self.scheduler.spec(*stage)), Shape::Frame);
        let mut frames: Vec<usize> = self.scheduler.at_work().into_iter().filter(encloses).collect();
        frames.sort_by_key(|stage| self.scheduler.depth(*stage));
        for stage in frames {
            let attempt = self.current_attempt(stage);
            match self.prepare_again(stage).map(|prepared| prepared.work) {
                Ok(operators::Work::Frame(frame)) => {
                    let effects = self.scheduler.reopen_frame(stage, frame, clock::moment());
                    self.take_down(effects);
                }
                Ok(_) => self.interrupted(stage),
                Err(error) => self.end(stage, attempt, Outcome::failed(error)),
            }
        }
    }

    /// The intent is recorded, but the runner never heard of it: the same attempt starts now.
    fn start_again(&mut self, stage: usize, attempt: u32) {
        if self.changed_values.contains(&stage) {
            let message = "not started: values that it reads are not those that were agreed to, as they were found after a crash";
            return self.end(stage, attempt, Outcome::failed(StageError::new(ErrorKind::Security, message)));
        }
        match self.prepare_again(stage).map(|prepared| prepared.work) {
            Ok(operators::Work::Process(mut spec)) => {
                self.furnish(stage, &mut spec);
                self.acts.push(Act::Process { stage, attempt, spec: Box::new(spec) });
            }
            Ok(operators::Work::Done(_) | operators::Work::Call(_) | operators::Work::Frame(_) | operators::Work::Child(_)) => {
                self.interrupted(stage)
            }
            Err(error) => self.end(stage, attempt, Outcome::failed(error)),
        }
    }

    /// Without a runner: what it left on disk counts, the rest is ended and unknown.
    fn settle_orphans(&mut self, never_started: bool) {
        let results = self.leftover_results();
        let booted = clock::booted_at();
        let running = self.recorded_as_running();
        let attempts: Vec<(usize, u32)> = running.iter().map(|&stage| (stage, self.current_attempt(stage))).collect();
        self.end_orphans(&attempts, false);
        for stage in running {
            let shape = operators::shape(self.scheduler.spec(stage));
            if matches!(shape, Shape::Child) {
                self.follow_child(stage);
                continue;
            }
            let attempt = self.current_attempt(stage);
            let id = self.scheduler.id(stage).clone();
            let is_process = matches!(shape, Shape::Process(_));
            match results.iter().find(|(stage, number, _)| *stage == id && *number == attempt) {
                Some((_, _, exit)) => self.on_exit(stage, attempt, exit),
                // Over a power cut the runner's files may be lost although it ran.
                None if is_process && never_started && self.started_at(stage) > booted => self.start_again(stage, attempt),
                None => self.interrupted(stage),
            }
        }
    }

    /// What the runner recorded and nobody took over.
    fn leftover_results(&self) -> Vec<(StageId, u32, Exit)> {
        runner::leftover_results(&self.dir).unwrap_or_else(|error| {
            tracing::error!(run = %self.id, %error, "the runner's results cannot be read");
            Vec::new()
        })
    }

    /// Ends what is left of attempts whose runner died. Blocks this run until the processes are gone.
    fn end_orphans(&self, attempts: &[(usize, u32)], just_died: bool) {
        let named: Vec<(StageId, u32)> =
            attempts.iter().map(|(stage, attempt)| (self.scheduler.id(*stage).clone(), *attempt)).collect();
        match tokio::task::block_in_place(|| runner::end_orphans(&self.dir, &named, just_died)) {
            Ok(0) => {}
            Ok(ended) => tracing::warn!(run = %self.id, ended, "ended processes whose runner had died"),
            Err(error) => tracing::error!(run = %self.id, %error, "processes of a dead runner could not be ended"),
        }
    }

    pub(super) fn interrupted(&mut self, stage: usize) {
        let attempt = self.current_attempt(stage);
        let message = "interrupted: whether its effects happened is not known";
        let error = StageError::new(ErrorKind::Unknown, message).recoverable();
        self.end(stage, attempt, Outcome::ended(Ending::Unknown, error, Value::Null));
    }

    fn on_exit(&mut self, stage: usize, attempt: u32, exit: &Exit) {
        let outcome = operators::finish_process(self.scheduler.spec(stage), exit);
        let id = self.scheduler.id(stage).clone();
        self.log_grew(&id, attempt, exit.lines, exit.bytes);
        self.end(stage, attempt, outcome);
        self.acts.push(Act::Ack { stage: id, attempt });
    }

    fn log_grew(&self, stage: &StageId, attempt: u32, lines: u64, bytes: u64) {
        self.shared.hub.signal(Signal::LogGrew { run: self.id.clone(), stage: stage.clone(), attempt, lines, bytes });
    }

    pub(super) fn on_report(&mut self, report: Report) {
        match report {
            Report::Started { .. } => {}
            Report::Progress { stage, attempt, lines, bytes } => self.log_grew(&stage, attempt, lines, bytes),
            Report::Finished { stage, attempt, exit } => {
                if let Some(stage) = self.scheduler.find(&stage) {
                    self.on_exit(stage, attempt, &exit);
                }
            }
            Report::Gone => {
                self.runner = None;
                if !self.processes().is_empty() {
                    self.acts.push(Act::Reattach);
                }
            }
        }
    }

    /// Running attempts whose processes the runner has.
    fn processes(&self) -> Vec<(usize, u32)> {
        let of = |(stage, work): (&usize, &Work)| match work {
            Work::Process { attempt } => Some((*stage, *attempt)),
            Work::Call { .. } | Work::Child { .. } => None,
        };
        self.work.iter().filter_map(of).collect()
    }

    /// After a broken connection: a living runner is spoken to again, a dead one is mourned.
    pub(super) async fn reattach(&mut self) {
        let adopted = Handle::adopt(&self.dir, self.masks.hidden(), self.masks.values().0.clone()).await;
        let Ok(Some((handle, reports, welcome))) = adopted else { return self.lose_runner() };
        tracing::warn!(run = %self.id, "the connection to the runner broke; it was made anew");
        self.attach(handle, reports);
        for (stage, _) in self.processes() {
            self.take_up_from(stage, &welcome.attempts);
        }
    }

    /// The runner died under running stages: end them, and let `on_unknown` decide.
    fn lose_runner(&mut self) {
        tracing::warn!(run = %self.id, "the runner died");
        let results = self.leftover_results();
        let lost = self.processes();
        self.end_orphans(&lost, true);
        for (stage, attempt) in lost {
            let id = self.scheduler.id(stage).clone();
            match results.iter().find(|(stage, number, _)| *stage == id && *number == attempt) {
                Some((_, _, exit)) => self.on_exit(stage, attempt, exit),
                None => self.interrupted(stage),
            }
        }
    }

    /// After a crash: the values that the client once sent come from the runner, else from the engine's own
    /// surroundings, else the run waits for them.
    async fn find_values(&mut self) {
        let missing = self.missing_values();
        let mut found = Found::default();
        if !missing.is_empty() {
            found = self.shared.find_values(missing).await;
        }
        self.masks.add(found.values);
        self.pause_or_resume(&found.troubles);
    }

    /// Only what the run was created to read counts, and only where it is missing.
    pub(super) fn on_values(&mut self, mut values: Values, by: Option<Actor>) {
        values.0.retain(|name, _| self.scheduler.run().environment_names.contains(name));
        self.providers.extend(by.filter(|_| !values.0.is_empty()));
        self.masks.add(values);
        self.acts.push(Act::Learn);
        self.pause_or_resume(&[]);
    }

    fn missing_values(&self) -> Vec<String> {
        let have = &self.masks.values().0;
        self.scheduler.run().environment_names.iter().filter(|name| !have.contains_key(*name)).cloned().collect()
    }

    fn pause_or_resume(&mut self, troubles: &[String]) {
        let needs = self.missing_values();
        let waiting = !self.scheduler.run().needs.is_empty();
        let kind = if !needs.is_empty() && needs != self.scheduler.run().needs {
            let names = needs.join(", ");
            let why = if troubles.is_empty() { String::new() } else { format!(" ({})", troubles.join("; ")) };
            let reason = format!("the engine was restarted and no longer has these values: {names}{why}");
            EventKind::RunPaused { reason, needs }
        } else if needs.is_empty() && waiting {
            EventKind::RunResumed { by: std::mem::take(&mut self.providers) }
        } else {
            return;
        };
        let effects = self.scheduler.remark(kind, clock::moment());
        self.take_down(effects);
    }
}
