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
            let keys = if output.get("condition_result") == Some(&Value::Bool(true)) { TRUE_KEYS } else { FALSE_KEYS };
            keys.iter().filter_map(|key| owner.config.get(key)).any(|list| names(list, target))
        }
        Component::Router => output.get("stages_to_execute").is_some_and(|list| names(list, target)),
        _ => false,
    }
}

/// A stage list is an array of ids or one id.
fn names(list: &Value, target: &StageId) -> bool {
    match list {
        Value::String(id) => id == target.as_str(),
        Value::Array(ids) => ids.iter().any(|id| id.as_str() == Some(target.as_str())),
        _ => false,
    }
}

/// True for a `pass_fail` filter that did not let its data pass.
pub(super) fn is_shut_gate(spec: &StageSpec, output: &Value) -> bool {
    let mode = spec.config.get("filter_mode").and_then(Value::as_str).unwrap_or("pass_fail");
    spec.component == Component::Filter && mode == "pass_fail" && output.get("passed") == Some(&Value::Bool(false))
}
