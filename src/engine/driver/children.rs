//! Stages whose work is another run: ordering it once, and following it again after a crash.

use tokio::sync::watch;

use super::{Act, Driver, Mail, Work};
use crate::engine::child::{Order, Stop, see_through};
use crate::engine::clock;
use crate::model::{NoteLevel, Outcome, Parent, Run, RunId};
use crate::operators::{self, ChildRun};

impl Driver {
    /// The name of the next run that a stage of this one starts.
    pub(super) fn next_child(&mut self) -> RunId {
        self.children += 1;
        self.id.child(self.children)
    }

    /// Takes down that a run has to be begun and followed. The attempt's record names it.
    pub(super) fn order_child(&mut self, stage: usize, attempt: u32, id: RunId, plan: ChildRun) {
        self.remark_all(stage, [(NoteLevel::Info, format!("runs `{}` as {id}", plan.reference))]);
        let order = self.order(stage, attempt, id, plan);
        self.acts.push(Act::Child { stage, attempt, order: Box::new(order) });
    }

    fn order(&self, stage: usize, attempt: u32, id: RunId, plan: ChildRun) -> Order {
        let run = self.scheduler.run();
        let depth = run.parent.as_ref().map_or(0, |parent| parent.depth) + 1;
        let left = self.scheduler.remaining(stage, clock::now());
        let limit = left.into_iter().chain(plan.timeout).min();
        Order {
            id,
            parent: Parent { run: self.id.clone(), stage: self.scheduler.id(stage).clone(), attempt, depth },
            plan,
            within: run.pipeline.hash.clone(),
            includes: run.includes.clone(),
            workspace: run.workspace.clone(),
            actor: run.actor.clone(),
            values: self.masks.values().clone(),
            environment_names: run.environment_names.clone(),
            environment: run.environment.clone(),
            timeout_ms: limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    pub(super) fn start_child(&mut self, stage: usize, attempt: u32, order: Order) {
        let (stop, stopped) = watch::channel(Stop::No);
        self.work.insert(stage, Work::Child { stop });
        let (shared, mailbox) = (self.shared.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            if let Some(outcome) = see_through(shared, order, stopped).await {
                let _ = mailbox.send(Mail::Ended { stage, attempt, outcome }).await;
            }
        });
    }

    /// After a crash: the same run as before, begun or not.
    pub(super) fn follow_child(&mut self, stage: usize) {
        let attempt = self.current_attempt(stage);
        let last = self.scheduler.stage(stage).and_then(|stage| stage.attempts.last());
        let Some(id) = last.and_then(|last| last.child.clone()) else { return self.interrupted(stage) };
        match self.prepare(stage, attempt, self.started_at(stage)).map(|prepared| prepared.work) {
            Ok(operators::Work::Child(plan)) => {
                let order = self.order(stage, attempt, id, plan);
                self.acts.push(Act::Child { stage, attempt, order: Box::new(order) });
            }
            Ok(_) => self.interrupted(stage),
            Err(error) => self.end(stage, attempt, Outcome::failed(error)),
        }
    }
}

/// How many runs the stages of a run have started.
pub(super) fn count(run: &Run) -> usize {
    run.stages.values().flat_map(|stage| &stage.attempts).filter(|attempt| attempt.child.is_some()).count()
}
