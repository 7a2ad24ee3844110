//! Stages whose work is another run: ordering it once, and following it again after a crash.

use tokio::sync::watch;

use super::{Act, Driver, Mail, Work};
use crate::engine::child::{Order, Stop, see_through};
use crate::engine::clock;
use crate::model::{Ending, Event, EventKind, Next, NoteLevel, Parent, Run, RunId};
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
            broken: None,
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
        let order = match self.prepare_again(stage).map(|prepared| prepared.work) {
            Ok(operators::Work::Child(plan)) => self.order(stage, attempt, id, plan),
            Ok(_) => return self.interrupted(stage),
            // It was rendered once; the run may be under way, and then its end is what counts.
            Err(error) => {
                let plan = ChildRun::unknown(self.scheduler.spec(stage));
                Order { broken: Some(error), ..self.order(stage, attempt, id, plan) }
            }
        };
        self.acts.push(Act::Child { stage, attempt, order: Box::new(order) });
    }
}

impl Driver {
    /// Tells the run above that this one waits for somebody: nobody may be looking at this one.
    pub(super) fn tell_parent(&self, why: String) {
        let parent = self.scheduler.run().parent.as_ref();
        if let Some(mailbox) = parent.and_then(|parent| self.shared.mailbox(&parent.run)) {
            // A run above that has ended meanwhile, or is flooded, goes without.
            let _ = mailbox.try_send(Mail::Waits { run: self.id.clone(), why });
        }
    }

    pub(super) fn remark_waiting(&mut self, run: &RunId, why: &str) {
        let message = self.masks.mask_text(format!("run {run} waits: {why}"));
        let effects =
            self.scheduler.remark(EventKind::Noted { stage: None, level: NoteLevel::Warning, message }, clock::moment());
        self.take_down(effects);
    }
}

/// Why a run waits for somebody from this event on.
pub(super) fn waits(event: &Event) -> Option<String> {
    match &event.kind {
        EventKind::RunPaused { reason, .. } => Some(reason.clone()),
        EventKind::AttemptFinished { stage, next: Next::Ask, outcome, .. } if outcome.ending != Ending::Unknown => {
            Some(format!("stage {stage} could not undo what it should; `flowdeck runs resolve` answers"))
        }
        EventKind::AttemptFinished { stage, next: Next::Ask, .. } => {
            Some(format!("whether stage {stage} did its work is not known; `flowdeck runs resolve` answers"))
        }
        _ => None,
    }
}

/// How many runs the stages of a run have started.
pub(super) fn count(run: &Run) -> usize {
    run.stages.values().flat_map(|stage| &stage.attempts).filter(|attempt| attempt.child.is_some()).count()
}
