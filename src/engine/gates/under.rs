//! Stages that start under the request of another one: those that a deployment is made of, what only looks at it afterwards, and
//! what undoes a stage.
//!
//! What was agreed to was the deployment with its parts; and once something was let through, going back must not wait for
//! people. The lock is still the run's.

use super::Known;
use super::arrive::Arrival;
use super::asked::{WHOLE_RUN, What};
use crate::model::{Gate, GateStatus, Quorum, RunId, StageId, Subject};

impl Known {
    /// The lock's token, when the stage starts under the request that let through the one that it undoes or is a part of. It
    /// does when that was for the same environment, when the run's family still holds the lock under which that stage started,
    /// and when nothing has changed that people decided about: the pipeline, the inputs, the environment's rules. Else it has to
    /// ask like any stage. A stage that asks people always asks them, and one that deploys brings something of its own: what
    /// that is may be known only by now, and something may be against it.
    pub(super) fn lets_under(&self, arrival: &Arrival<'_>) -> Option<u64> {
        let asked = arrival.asked;
        if !matches!(asked.target.what, What::Act) {
            return None;
        }
        asked.undoes.iter().chain(&asked.under).find_map(|other| self.let_through_with(other, arrival))
    }

    fn let_through_with(&self, other: &StageId, arrival: &Arrival<'_>) -> Option<u64> {
        let asked = arrival.asked;
        let gates = || self.gates.values().map(|stream| &stream.state).filter(|gate| gate.subject.run == asked.run);
        // A stage without a request of its own went through that of the whole run.
        let own = gates().any(|gate| gate.subject.stage == *other);
        let its = |gate: &&Gate| if own { gate.subject.stage == *other } else { gate.subject.stage.as_str() == WHOLE_RUN };
        let mut started = gates().filter(its).filter(|gate| gate.status == GateStatus::Started);
        let gate = started.find(|gate| is_same_business(gate, arrival) && self.holds_lock_of(gate, &asked.root))?;
        gate.fence
    }

    /// Whether a family of runs still has the lock under which a stage was let through.
    pub(super) fn holds_lock_of(&self, gate: &Gate, root: &RunId) -> bool {
        let holder = self.lock(&gate.subject.environment).holder;
        holder.is_some_and(|holder| holder.run == *root && Some(holder.fence) == gate.fence)
    }
}

/// Whether a request was about what starts now, but for the stage, what comes before it, and what it brings.
fn is_same_business(gate: &Gate, arrival: &Arrival<'_>) -> bool {
    let now = arrival.asked.opening(None, Quorum::Rules, arrival.now).subject;
    let then = &gate.subject;
    let Subject { environment, run, pipeline_digest, inputs_hash, policy_hash, .. } = &now;
    environment == &then.environment
        && run == &then.run
        && pipeline_digest == &then.pipeline_digest
        && inputs_hash == &then.inputs_hash
        && policy_hash == &then.policy_hash
}
