//! Which loop or guard runs a stage: what the graph needs to draw them together.

use serde_json::Value;

use super::component::Component;
use super::pipeline::{Pipeline, StageSpec};
use crate::model::{Enclosure, Part, StageId};

/// The first enclosing stage that lists this one; a stage of a branch is where the branch is.
pub fn enclosure(pipeline: &Pipeline, stage: &StageSpec) -> Option<Enclosure> {
    // Owners never form a ring, but a wrong one must not hang anybody.
    let mut at = stage;
    for _ in 0..pipeline.stages.len() {
        let owners = || at.owners.iter().filter_map(|id| pipeline.stage(id.as_str()));
        if let Some(found) = owners().find_map(|owner| listed(owner, &at.id)) {
            return Some(found);
        }
        at = owners().find(|owner| matches!(owner.component, Component::Conditional | Component::Router))?;
    }
    None
}

fn listed(owner: &StageSpec, id: &StageId) -> Option<Enclosure> {
    if !owner.component.entry().encloses {
        return None;
    }
    Part::ALL.into_iter().find_map(|part| {
        let position = match owner.config.get(key(owner.component, part)?)? {
            Value::String(text) => (text == id.as_str()).then_some(0),
            Value::Array(list) => list.iter().position(|item| item.as_str() == Some(id.as_str())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }?;
        Some(Enclosure { stage: owner.id.clone(), part, position: u32::try_from(position).unwrap_or(u32::MAX) })
    })
}

/// The key of the list in an enclosing stage's config.
fn key(owner: Component, part: Part) -> Option<&'static str> {
    match (owner, part) {
        (Component::Deploy, Part::Step) => Some("stages"),
        (Component::Deploy, _) | (_, Part::Step) => None,
        (_, Part::Loop) => Some("loop_stages"),
        (_, Part::Try) => Some("try_stages"),
        (_, Part::Catch) => Some("catch_stages"),
        (_, Part::Finally) => Some("finally_stages"),
    }
}
