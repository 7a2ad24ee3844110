//! Going back to an earlier release, exactly as its plan says.

use super::subject::{Fact, Word};
use crate::model::{RollbackPlan, RollbackRequest};
use crate::tui::backend::{Request, RollBack};
use crate::tui::deployments::{asks, goes_away, version_of};
use crate::tui::world::World;

pub(super) fn facts(plan: &RollbackPlan) -> Vec<Fact> {
    let stages: Vec<&str> = plan.stages.iter().map(AsRef::as_ref).collect();
    let mut facts = vec![
        ("from", version_of(plan.live.as_ref())),
        ("to", format!("{}, release {}", plan.target.record.version, plan.target.record.id)),
        ("runs", format!("{} of pipeline {}", stages.join(", "), plan.pipeline)),
        ("asks", asks(plan.quorum, plan.protected).to_owned()),
    ];
    facts.extend(plan.afterwards.iter().map(|words| ("afterwards", words.clone())));
    facts
}

/// Without protection the environment's name is enough.
pub(super) fn words(plan: &RollbackPlan) -> Vec<Word> {
    let version = plan.protected.then(|| Word::version(&plan.target.record.version));
    std::iter::once(Word::environment(&plan.environment)).chain(version).collect()
}

pub(super) fn obsolete(plan: &RollbackPlan, world: &World) -> Option<String> {
    let live = plan.live.as_ref().map(|live| &live.record.id);
    if let Some(why) = goes_away(world, &plan.environment, &plan.service, live) {
        return Some(why);
    }
    let (environment, service) = world.deployments.service(&plan.environment, &plan.service)?;
    if environment.protected != plan.protected {
        return Some(format!("the protection of {} has changed under the question", plan.environment));
    }
    if let Some(why) = &service.no_rollback {
        return Some(format!("you cannot roll back any more: {why}"));
    }
    match service.targets.iter().find(|target| target.release == plan.target.record.id) {
        None => Some(format!("{} is nothing to go back to any more", plan.target.record.version)),
        Some(target) => target.objection.as_ref().map(|why| format!("you cannot go back to {} any more: {why}", target.version)),
    }
}

pub(super) fn order(plan: &RollbackPlan, reason: String) -> Request {
    let request = RollbackRequest {
        service: Some(plan.service.clone()),
        to: Some(plan.target.record.version.clone()),
        reason,
        live: plan.live.as_ref().map(|live| live.record.id.clone()),
        ..RollbackRequest::default()
    };
    Request::RollBack(Box::new(RollBack {
        environment: plan.environment.clone(),
        request,
        values: plan.values.clone(),
        as_in: plan.target.record.run.clone(),
    }))
}
