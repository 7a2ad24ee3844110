//! The answer to a request that waits for people.

use super::subject::Fact;
use crate::model::{Answer, Decided, GateView};
use crate::tui::backend::Request;
use crate::tui::widget::format;
use crate::tui::world::World;

pub(super) fn title(answer: Answer, gate: &GateView) -> String {
    let verb = match answer {
        Answer::Approve => "Approve the start",
        Answer::Reject => "Reject the start",
        Answer::Withdraw => "Withdraw the request to start",
    };
    format!("{verb} in {}?", gate.environment)
}

pub(super) fn facts(gate: &GateView) -> Vec<Fact> {
    let service = gate.service.as_ref().map(|service| format!("{service} by ")).unwrap_or_default();
    let digest = gate.digest.get(..12).unwrap_or(&gate.digest);
    let (evidence, live) = (&gate.evidence, gate.subject.live_release.as_ref());
    let live = match (&evidence.live_version, live) {
        (Some(version), Some(release)) => format!("{version}, release {release}"),
        (Some(version), None) => version.clone(),
        (None, Some(release)) => release.to_string(),
        (None, None) => "nothing is recorded".to_owned(),
    };
    let mut facts = vec![
        ("what", format!("{service}stage {} of run {}", gate.stage, gate.run_id)),
        ("digest", format!("{digest}, generation {}", gate.generation)),
        ("live now", live),
    ];
    facts.extend(evidence.version.iter().map(|version| ("to come", version.clone())));
    facts.push(("asked by", gate.requested_by.clone()));
    facts.push(("expires", format::utc_clock(gate.expires_at, gate.opened_at)));
    facts
}

pub(super) fn obsolete(answer: Answer, gate: &GateView, world: &World) -> Option<String> {
    let Some(now) = world.gates.get(&gate.id) else {
        return Some("the request is over: somebody was faster, or its run ended".to_owned());
    };
    if (now.generation, &now.digest) != (gate.generation, &gate.digest) {
        return Some("the request has changed under the question: look at it again".to_owned());
    }
    now.objection(answer).map(|why| format!("you cannot answer this any more: {why}"))
}

pub(super) fn order(answer: Answer, gate: &GateView, reason: String) -> Request {
    let (generation, digest) = (Some(gate.generation), gate.digest.clone());
    Request::Decide { gate: gate.id.clone(), decided: Decided { answer, generation, digest, reason } }
}
