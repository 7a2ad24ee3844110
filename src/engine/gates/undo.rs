//! Going back under what let somebody go forth: the rule for compensations in a protected environment, and its only place.
//!
//! A stage was let through, the run did not succeed, and what the stage did has to be undone. Whoever approved it approved
//! the pipeline with that compensation in it, and until it is undone nobody else can use the environment: a second
//! approval would only keep it broken for longer.

use super::Known;
use super::arrive::Arrival;
use super::asked::WHOLE_RUN;
use crate::model::{Gate, GateStatus, Subject};

impl Known {
    /// Whether a compensation starts under the request that let through the stage which it undoes. It does when that was for
    /// the same environment, when the run's family still holds the lock under which that stage started, and when nothing has
    /// changed that people decided about: the pipeline, the inputs, the environment's rules. Else it has to ask like any stage.
    pub(super) fn lets_back(&self, arrival: &Arrival<'_>) -> bool {
        let asked = arrival.asked;
        let Some(undoes) = &asked.undoes else { return false };
        let gates = || self.gates.values().map(|stream| &stream.state).filter(|gate| gate.subject.run == asked.run);
        // A stage without a request of its own went through that of the whole run.
        let own = gates().any(|gate| gate.subject.stage == *undoes);
        let let_through =
            |gate: &&Gate| if own { gate.subject.stage == *undoes } else { gate.subject.stage.as_str() == WHOLE_RUN };
        let mut started = gates().filter(let_through).filter(|gate| gate.status == GateStatus::Started);
        started.any(|gate| self.is_same_business(gate, arrival) && self.holds_lock_of(gate, &asked.root))
    }

    /// Whether a request was about what starts now, but for the stage and what comes before it.
    fn is_same_business(&self, gate: &Gate, arrival: &Arrival<'_>) -> bool {
        let now = arrival.asked.opening(gate.subject.live_release.clone(), arrival.now).subject;
        let (stage, upstream) = (gate.subject.stage.clone(), gate.subject.upstream.clone());
        Subject { stage, upstream, ..now } == gate.subject
    }
}
