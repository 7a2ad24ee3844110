//! What the events of a run mean for releases: created with the start of a deploy stage, verified or bad with its end, checked by
//! what comes after it. Recorded in the commit of those very events.

use std::time::Duration;

use serde_json::Value;

use super::places::{Spot, apply};
use super::{Changes, Known};
use crate::language::{Component, Pipeline};
use crate::model::{
    Actor, ErrorKind, EventKind, Next, Outcome, Release, ReleaseEvent, ReleaseFact, ReleaseId, ReleaseRecord, ReleaseVerdict,
    Resolution, Run, RunId, StageError, StageId, SubjectKind, Timestamp,
};
use crate::policy::{release, standing};
use crate::store::NewEvent;

/// The name of the release that a deploy stage of a run brings.
pub fn release_id(run: &RunId, stage: &StageId) -> ReleaseId {
    ReleaseId::from(format!("{run}.{stage}").as_str())
}

/// Whether an event of a run may mean something for a release.
pub fn concerns(kind: &EventKind, pipeline: &Pipeline) -> bool {
    let checks = |stage: &StageId| {
        let spec = pipeline.stage(stage.written());
        spec.is_some_and(|spec| {
            matches!(spec.component, Component::Deploy | Component::SmokeTest | Component::HealthCheck | Component::Rollout)
        })
    };
    match kind {
        EventKind::AttemptStarted { stage, .. }
        | EventKind::AttemptFinished { stage, .. }
        | EventKind::AttemptResolved { stage, .. }
        | EventKind::StageSettled { stage, .. } => checks(stage),
        EventKind::RunFinished { .. } => pipeline.stages.iter().any(|spec| spec.component == Component::Deploy),
        _ => false,
    }
}

/// A run whose events are about to be recorded, as it will be after them.
pub struct Following<'a> {
    pub run: &'a Run,
    pub pipeline: &'a Pipeline,
    /// Where a stage acts that names no environment by itself, or by a template.
    pub environment_of: &'a dyn Fn(&StageId) -> Option<String>,
}

impl Known {
    /// What these events, not yet recorded, mean for releases. The second part are releases that failed an analysis while they
    /// were live: a rollback may follow.
    pub fn follow(&self, of: &Following<'_>, events: &[NewEvent]) -> (Changes, Vec<ReleaseId>) {
        let mut book = Book { known: self, of, changes: Changes::default(), failed: Vec::new(), touched: Vec::new() };
        for event in events.iter().filter(|event| concerns(&event.kind, of.pipeline)) {
            book.take(event);
        }
        (book.changes, book.failed)
    }
}

/// Changes in the making: what an earlier event of the same commit did is seen by the later ones.
struct Book<'a> {
    known: &'a Known,
    of: &'a Following<'a>,
    changes: Changes,
    failed: Vec<ReleaseId>,
    touched: Vec<(Spot, Vec<Release>)>,
}

impl Book<'_> {
    fn take(&mut self, event: &NewEvent) {
        match &event.kind {
            EventKind::AttemptStarted { stage, config, .. } => self.started(stage, config, event.at),
            EventKind::AttemptFinished { stage, outcome, next: Next::Settle, .. } => self.ended(stage, outcome, event.at),
            EventKind::AttemptResolved { stage, resolution, .. } => self.resolved(stage, *resolution, event.at),
            EventKind::RunFinished { .. } => {
                for (spot, id) in self.ours(None, |release| release.verdict == ReleaseVerdict::Deploying) {
                    self.bad(&spot, &id, "the run ended before the deployment did", false, event.at);
                }
            }
            _ => {}
        }
    }

    fn component(&self, stage: &StageId) -> Option<Component> {
        self.of.pipeline.stage(stage.written()).map(|spec| spec.component)
    }

    fn started(&mut self, stage: &StageId, config: &Value, at: Timestamp) {
        if self.component(stage) != Some(Component::Deploy) {
            return;
        }
        let run = self.of.run;
        let id = release_id(&run.id, stage);
        let text = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
        let spot = Spot { environment: text("environment"), service: text("service") };
        // A deployment that could not even be described has brought nothing; a retry brings the same release.
        if spot.service.is_empty()
            || spot.environment.is_empty()
            || self.history(&spot).iter().any(|release| release.record.id == id)
        {
            return;
        }
        let back = run.rollback.clone().filter(|back| back.environment == spot.environment && back.service == spot.service);
        let record = ReleaseRecord {
            id: id.clone(),
            environment: spot.environment.clone(),
            service: spot.service.clone(),
            version: text("version"),
            kind: if back.is_some() { SubjectKind::Rollback } else { SubjectKind::Deploy },
            artefacts: serde_json::from_value(config["artefacts"].clone()).unwrap_or_default(),
            pipeline_hash: run.pipeline.hash.clone(),
            inputs: run.inputs.clone(),
            run: run.id.clone(),
            stage: stage.clone(),
            run_created_at: run.created_at,
            by: run.actor.name.clone(),
            bake: Duration::from_millis(config["bake_ms"].as_u64().unwrap_or(0)),
            back,
        };
        self.note(&spot, ReleaseFact::Created(Box::new(record)).of(&id, at));
    }

    fn ended(&mut self, stage: &StageId, outcome: &Outcome, at: Timestamp) {
        let well = outcome.ending.is_success();
        match self.component(stage) {
            Some(Component::Deploy) => self.deployed(stage, well, outcome.error.as_ref(), at),
            Some(Component::SmokeTest) if well => self.checked(stage, &ReleaseFact::SmokeTested, at),
            Some(Component::HealthCheck) => {
                let healthy = well && outcome.output["verdict"] == "healthy";
                self.checked(stage, if healthy { &ReleaseFact::Healthy } else { &ReleaseFact::Unhealthy }, at);
            }
            Some(Component::Rollout) if !well => self.analysed(stage, outcome.error.as_ref(), at),
            _ => {}
        }
    }

    fn resolved(&mut self, stage: &StageId, resolution: Resolution, at: Timestamp) {
        if self.component(stage) != Some(Component::Deploy) {
            return;
        }
        match resolution {
            Resolution::Succeed => self.deployed(stage, true, None, at),
            Resolution::Fail => {
                let error = StageError::new(ErrorKind::Unknown, "what became of it was not known, and somebody called it failed");
                self.deployed(stage, false, Some(&error), at);
            }
            Resolution::Retry => {}
        }
    }

    /// A deploy stage is over.
    fn deployed(&mut self, stage: &StageId, well: bool, error: Option<&StageError>, at: Timestamp) {
        let id = release_id(&self.of.run.id, stage);
        for (spot, id) in self.ours(None, |release| release.record.id == id && release.verdict == ReleaseVerdict::Deploying) {
            if well {
                self.verified(&spot, &id, at);
            } else {
                let reason = error.map_or_else(|| "it failed".to_owned(), why);
                let analysis = error.is_some_and(is_failed_analysis);
                self.bad(&spot, &id, &reason, analysis, at);
                if analysis {
                    self.stop_after(&spot, &id, &reason, at);
                }
            }
        }
    }

    fn verified(&mut self, spot: &Spot, id: &ReleaseId, at: Timestamp) {
        let Some(fresh) = self.find(spot, id) else { return };
        let Some(event) = release::verified(&fresh, at) else { return };
        self.note(spot, event);
        let back = fresh.record.back.clone();
        let reason = back.as_ref().map(|back| back.reason.clone()).unwrap_or_default();
        let from = release_before(self.history(spot), back.as_ref().and_then(|back| back.from.as_ref())).cloned();
        // What has baked while nobody looked was stable before it gives way: it is something to go back to.
        let unseen = self.history(spot).iter().filter(|release| release.record.id != *id);
        let baked: Vec<_> = unseen.filter_map(|release| release::baked(release, Duration::ZERO, at)).collect();
        baked.into_iter().for_each(|event| self.note(spot, event));
        for event in release::supersede(self.history(spot), &fresh, &reason, at) {
            self.note(spot, event);
        }
        if let (Some(back), Some(from)) = (back, from) {
            let by = self.of.run.actor.name.clone();
            let held = self.known.standing(&spot.environment).hold.is_some();
            for event in standing::after_rollback(&from, &fresh, &by, &back.reason, at) {
                if !(held && matches!(event, crate::model::StandingEvent::Held(_))) {
                    self.changes.about_standing(&spot.environment, event, &self.of.run.actor);
                }
            }
        }
        if let Some(event) = self.find(spot, id).and_then(|release| release::baked(&release, Duration::ZERO, at)) {
            self.note(spot, event);
        }
    }

    /// What comes after a deployment in the same run speaks of what that brought there.
    fn checked(&mut self, stage: &StageId, fact: &ReleaseFact, at: Timestamp) {
        let Some(environment) = (self.of.environment_of)(stage) else { return };
        let alive = |release: &Release| {
            matches!(release.verdict, ReleaseVerdict::Deploying | ReleaseVerdict::Baking | ReleaseVerdict::Stable)
        };
        for (spot, id) in self.ours(Some(&environment), alive) {
            self.note(&spot, fact.clone().of(&id, at));
        }
    }

    /// A rollout found by measuring that what it rolls out is bad.
    fn analysed(&mut self, stage: &StageId, error: Option<&StageError>, at: Timestamp) {
        let Some(error) = error.filter(|error| is_failed_analysis(error)) else { return };
        let Some(environment) = (self.of.environment_of)(stage) else { return };
        let live = |release: &Release| matches!(release.verdict, ReleaseVerdict::Baking | ReleaseVerdict::Stable);
        for (spot, id) in self.ours(Some(&environment), live) {
            self.bad(&spot, &id, &why(error), true, at);
            self.failed.push(id);
        }
    }

    /// The environment after a release that was taken back before it was live: nothing else follows by itself.
    fn stop_after(&mut self, spot: &Spot, id: &ReleaseId, reason: &str, at: Timestamp) {
        let Some(bad) = self.find(spot, id) else { return };
        let live = crate::model::release::live(self.history(spot)).cloned();
        // Without anything live nothing is shared, and the target is of no concern.
        let target = live.unwrap_or_else(|| Release {
            record: ReleaseRecord { artefacts: std::collections::BTreeMap::new(), ..bad.record.clone() },
            ..bad.clone()
        });
        for event in standing::after_rollback(&bad, &target, "engine", reason, at) {
            self.changes.about_standing(&spot.environment, event, &Actor::engine());
        }
    }

    fn bad(&mut self, spot: &Spot, id: &ReleaseId, reason: &str, analysis: bool, at: Timestamp) {
        self.note(spot, ReleaseFact::Bad { reason: reason.to_owned(), analysis }.of(id, at));
    }

    fn note(&mut self, spot: &Spot, event: ReleaseEvent) {
        let mut history = self.history(spot).to_vec();
        apply(&mut history, &event);
        self.touched.retain(|(touched, _)| touched != spot);
        self.touched.push((spot.clone(), history));
        let created = matches!(event.fact, ReleaseFact::Created(_));
        let actor = if created { self.of.run.actor.clone() } else { Actor::engine() };
        self.changes.about_release(spot, event, &actor);
    }

    fn history(&self, spot: &Spot) -> &[Release] {
        let touched = self.touched.iter().find(|(touched, _)| touched == spot);
        touched.map_or_else(|| self.known.history(spot), |(_, history)| history.as_slice())
    }

    fn find(&self, spot: &Spot, id: &ReleaseId) -> Option<Release> {
        release_before(self.history(spot), Some(id)).cloned()
    }

    /// Releases of this run.
    fn ours(&self, environment: Option<&str>, wanted: impl Fn(&Release) -> bool) -> Vec<(Spot, ReleaseId)> {
        let spots: std::collections::BTreeSet<&Spot> =
            self.known.spots().chain(self.touched.iter().map(|(spot, _)| spot)).collect();
        let there = spots.into_iter().filter(|spot| environment.is_none_or(|name| spot.environment == name));
        let of = |spot: &Spot| {
            let history = self.history(spot).iter();
            let ours = history.filter(|release| release.record.run == self.of.run.id && wanted(release));
            ours.map(|release| (spot.clone(), release.record.id.clone())).collect::<Vec<_>>()
        };
        there.flat_map(of).collect()
    }
}

fn release_before<'h>(history: &'h [Release], id: Option<&ReleaseId>) -> Option<&'h Release> {
    history.iter().find(|release| Some(&release.record.id) == id)
}

/// An error as the reason that people read: what kind it is of, the run says.
fn why(error: &StageError) -> String {
    let cause = error.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{}{cause}", error.message)
}

/// Whether an error says that something was measured and found bad; missing data says nothing.
fn is_failed_analysis(error: &StageError) -> bool {
    error.details["verdict"] == "failed"
}
