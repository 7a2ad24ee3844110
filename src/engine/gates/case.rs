//! The case of a stage at its gate: what it would change, what is against it, whose yes it needs, and what people are shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::arrive::Arrival;
use super::asked::{Asked, What};
use super::deployed::release_id;
use super::record::Changes;
use super::{Known, Spot};
use crate::model::{
    Actor, Answer, Change, Environment, ErrorKind, Evidence, Gate, GateFact, GateStatus, Opening, Quorum, Release, Shown,
    StageError, Subject, SubjectKind, Timestamp,
};
use crate::operators::Cargo;
use crate::policy::blocker::Blocker;
use crate::policy::gate::{self, Request};
use crate::policy::lock::outdated;
use crate::policy::promotion::{Candidate, can_promote};
use crate::policy::release::{rollback_quorum, rollback_target};
use crate::policy::standing;

impl Asked {
    /// It asks people and does nothing itself, so it needs no lock.
    pub fn only_asks(&self) -> bool {
        matches!(self.target.what, What::Ask(_))
    }

    fn deploys(&self) -> Option<(&Cargo, Spot)> {
        self.target.deploys()
    }
}

impl Known {
    /// What a generation of the gate that began now would be.
    pub(super) fn opening(&self, asked: &Asked, quorum: Quorum, now: Timestamp) -> Opening {
        let live = asked.deploys().and_then(|(_, spot)| self.live(&spot));
        let opening = asked.opening(live.map(|live| live.record.id.clone()), quorum, now);
        Opening { evidence: evidence(asked, live), ..opening }
    }

    /// Whose yes the stage needs.
    pub(super) fn quorum(&self, arrival: &Arrival<'_>) -> Quorum {
        let asked = arrival.asked;
        let (Some(back), Some((_, spot))) = (&asked.back, asked.deploys()) else { return Quorum::Rules };
        // A way back that nobody has agreed to by now, or not as its file has become, is like any other deployment.
        if !self.has_deployed_with(&spot, &asked.pipeline_hash) {
            return Quorum::Rules;
        }
        if back.automatic {
            return Quorum::Automatic;
        }
        let Some(person) = arrival.requester else { return Quorum::Rules };
        let live = self.live(&spot).map(|live| &live.record.id);
        rollback_quorum(self.history(&spot), live, &back.to, person, &back.reason, &arrival.deciders)
    }

    /// Holds, quarantines, and what is missing for a promotion.
    pub(super) fn against(&self, asked: &Asked, subject: &Subject, now: Timestamp) -> Vec<Blocker> {
        let version = asked.deploys().map(|(cargo, _)| cargo.version.as_str());
        self.against_subject(subject, version, asked.automatic, asked.promote_from.as_ref(), now)
    }

    /// The same by what a gate keeps of it. `from` is where a release must have been before.
    pub(super) fn against_subject(
        &self,
        subject: &Subject,
        version: Option<&str>,
        automatic: bool,
        from: Option<&Environment>,
        now: Timestamp,
    ) -> Vec<Blocker> {
        let (Some(version), Some(service)) = (version, &subject.service) else { return Vec::new() };
        let standing = self.standing(&subject.environment);
        let mut found = standing::against(&standing, subject, automatic);
        let Some(from) = from.filter(|_| subject.kind == SubjectKind::Deploy) else { return found };
        let there = self.live(&Spot { environment: from.name.clone(), service: service.clone() });
        let candidate = Candidate {
            from,
            there,
            version,
            artefacts: &subject.artefacts,
            smoke_tested_at: there.and_then(|release| release.smoke_tested_at),
            healthy_since: there.and_then(|release| release.healthy_since),
            standing: &standing,
        };
        if let Err(missing) = can_promote(&candidate, now) {
            // What is in quarantine was told above.
            let missing = missing.into_iter().filter(|missing| !missing.is_quarantine());
            found.extend(missing.map(Blocker::Promotion));
        }
        found
    }

    /// A newer run has deployed there already: what this one would bring is older.
    pub(super) fn outdated(&self, asked: &Asked) -> Option<StageError> {
        let (cargo, spot) = asked.deploys()?;
        let kind = if asked.back.is_some() { SubjectKind::Rollback } else { SubjectKind::Deploy };
        let (environment, service) = (&spot.environment, &spot.service);
        let newer = outdated(self.history(&spot), environment, service, kind, &asked.run, asked.run_created_at)?;
        let (by, run) = (&newer.record.version, &newer.record.run);
        let message = format!("outdated: {} of {service} in {environment} is from the newer run {run} ({by})", cargo.version);
        let details = serde_json::json!({"status": "outdated", "release": newer.record.id});
        Some(StageError::new(ErrorKind::ControlFlow, message).with_details(details))
    }

    /// The release on record is what the first attempt brought: another attempt brings nothing else under that name.
    pub(super) fn other_than_before(&self, asked: &Asked) -> Option<StageError> {
        let (cargo, spot) = asked.deploys()?;
        let (place, before) = self.release(&release_id(&asked.run, &asked.stage))?;
        let record = &before.record;
        if *place == spot && record.version == cargo.version && record.artefacts == cargo.artefacts {
            return None;
        }
        let message = format!("it brought {} {} before, and would bring something else now", record.service, record.version);
        Some(StageError::new(ErrorKind::Security, message))
    }

    /// What a rollback was asked for must still be what it does.
    pub(super) fn no_way_back(&self, asked: &Asked) -> Option<StageError> {
        let (back, (cargo, spot)) = (asked.back.as_ref()?, asked.deploys()?);
        let history = self.history(&spot);
        let refuse = |why: String| Some(StageError::new(ErrorKind::Security, format!("the rollback does not start: {why}")));
        let Some(target) = history.iter().find(|release| release.record.id == back.to) else {
            return refuse(format!("there is no release {}", back.to));
        };
        if cargo.version != target.record.version {
            return refuse(format!("it would bring {}, not {}", cargo.version, target.record.version));
        }
        // By whatever name: what is told apart, and kept out, are digests.
        let digests = |artefacts: &BTreeMap<String, String>| artefacts.values().cloned().collect::<BTreeSet<_>>();
        let (brings, was) = (digests(&cargo.artefacts), digests(&target.record.artefacts));
        if brings != was {
            let told = |digests: BTreeSet<String>| digests.into_iter().collect::<Vec<_>>().join(", ");
            return refuse(format!("release {} was {}, and it would bring {}", back.to, told(was), told(brings)));
        }
        // Another attempt of a rollback that has begun, or another part of it.
        if history.iter().any(|release| release.record.run == asked.run && release.record.service == spot.service) {
            return None;
        }
        let live = self.live(&spot).map(|live| &live.record.id);
        if live != back.from.as_ref() {
            return refuse("another release is live by now".to_owned());
        }
        match rollback_target(history, live, Some(&cargo.version), &self.standing(&spot.environment)) {
            Ok(_) => None,
            Err(why) => refuse(why.to_string()),
        }
    }

    /// A rollback within reach is answered by whoever asks for it, one that the engine begins by the policy that made it begin.
    pub(super) fn answered_by_asking(&self, gate: &mut Gate, arrival: &Arrival<'_>, changes: &mut Changes) -> bool {
        let Arrival { asked, deciders, now, requester, .. } = arrival;
        let (events, actor) = match (gate.quorum, requester, &asked.back) {
            (Quorum::OnCall, Some(person), Some(back)) => {
                let request = Request {
                    gate: gate.id.clone(),
                    generation: gate.generation,
                    digest: gate.digest.clone(),
                    answer: Answer::Approve,
                    reason: back.reason.clone(),
                };
                let actor = Actor { name: person.name.clone(), uid: person.uid, proof: crate::model::Proof::PeerCredentials };
                match gate::decide(gate, deciders, &request, person, *now) {
                    Ok(events) => (events, actor),
                    Err(_) => return false,
                }
            }
            (Quorum::Automatic, _, Some(_)) => (vec![GateFact::Approved.of(&gate.id, *now)], Actor::engine()),
            _ => return false,
        };
        events.iter().for_each(|event| gate.apply(event));
        changes.about(gate, events, &actor);
        gate.status == GateStatus::Approved
    }
}

/// What people are shown.
fn evidence(asked: &Asked, live: Option<&Release>) -> Evidence {
    let mut evidence = of_what(asked, live);
    let elsewhere = asked.elsewhere.iter().map(|place| Shown { name: "runs in".to_owned(), value: place.clone() });
    evidence.shown.extend(elsewhere);
    evidence
}

fn of_what(asked: &Asked, live: Option<&Release>) -> Evidence {
    match &asked.target.what {
        What::Act => Evidence::default(),
        What::Ask(question) => {
            Evidence { message: question.message.clone(), shown: question.shown.clone(), ..Evidence::default() }
        }
        What::Deploy(cargo) => Evidence {
            message: asked.back.as_ref().map(|back| back.reason.clone()),
            version: Some(cargo.version.clone()),
            live_version: live.map(|live| live.record.version.clone()),
            changes: live.map(|live| changes(asked, cargo, live)).unwrap_or_default(),
            shown: Vec::new(),
        },
    }
}

fn changes(asked: &Asked, cargo: &Cargo, live: &Release) -> Vec<Change> {
    let record = &live.record;
    let mut found = Vec::new();
    let mut note = |what: String, before: Option<String>, after: Option<String>| {
        if before != after {
            found.push(Change { what, before, after });
        }
    };
    note("version".to_owned(), Some(record.version.clone()), Some(cargo.version.clone()));
    for name in record.artefacts.keys().chain(cargo.artefacts.keys()).collect::<BTreeSet<_>>() {
        note(format!("artefact {name}"), record.artefacts.get(name).cloned(), cargo.artefacts.get(name).cloned());
    }
    let none = serde_json::Map::new();
    let (before, after) = (record.inputs.as_object().unwrap_or(&none), asked.inputs.as_object().unwrap_or(&none));
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        note(format!("input {name}"), before.get(name).map(Value::to_string), after.get(name).map(Value::to_string));
    }
    let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
    note("pipeline".to_owned(), Some(short(&record.pipeline_hash)), Some(short(&asked.pipeline_hash)));
    found
}
