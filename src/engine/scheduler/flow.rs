//! What a finished control-flow stage means for others, read from its recorded output alone, so that a restarted
//! engine decides the same.

use serde_json::Value;

use crate::language::{Component, StageSpec};
use crate::model::StageId;

const TRUE_KEYS: &[&str] = &["true_stages", "true_branch_stages", "true_branch"];
const FALSE_KEYS: &[&str] = &["false_stages", "false_branch_stages", "false_branch"];

/// True when the owner's output says that `target` is to run.
pub(super) fn activates(owner: &StageSpec, output: &Value, target: &StageId) -> bool {
    match owner.component {
        Component::Conditional => {
            // Without a result, as after a failure that the run goes on from, neither branch is taken.
            let keys = match output.get("condition_result").and_then(Value::as_bool) {
                Some(true) => TRUE_KEYS,
                Some(false) => FALSE_KEYS,
                None => return false,
            };
            keys.iter().filter_map(|key| owner.config.get(key)).any(|list| names(list, target))
        }
        Component::Router => output.get("stages_to_execute").is_some_and(|list| names(list, target)),
        _ => false,
    }
}

/// A stage list is an array of ids or one id; an id may be written as a number.
fn names(list: &Value, target: &StageId) -> bool {
    match list {
        Value::String(id) => id == target.as_str(),
        Value::Number(id) => id.to_string() == target.as_str(),
        Value::Array(ids) => ids.iter().any(|id| !id.is_array() && names(id, target)),
        _ => false,
    }
}

/// True for a filter that held its data back. One that picks items gives a list, be it empty, and is no gate.
pub(super) fn is_shut_gate(spec: &StageSpec, output: &Value) -> bool {
    let held_back = output.get("data").is_none_or(Value::is_null);
    spec.component == Component::Filter && held_back && output.get("passed") == Some(&Value::Bool(false))
}
