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

/// True when the stage's config or condition reads `upstream.<id>` (or another spelling of the same).
pub(super) fn reads(spec: &StageSpec, id: &StageId) -> bool {
    spec.when.as_deref().is_some_and(|when| mentions(when, id)) || value_mentions(&spec.config, id)
}

fn value_mentions(value: &Value, id: &StageId) -> bool {
    match value {
        Value::String(text) => mentions(text, id),
        Value::Array(items) => items.iter().any(|item| value_mentions(item, id)),
        Value::Object(fields) => fields.iter().any(|(key, item)| mentions(key, id) || value_mentions(item, id)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn mentions(text: &str, id: &StageId) -> bool {
    let id = id.as_str();
    text.match_indices(id).any(|(at, _)| {
        let before = &text[..at];
        let after = text[at + id.len()..].chars().next();
        let ends = !after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
        let rooted = before.ends_with("upstream.") || before.ends_with("stages.");
        let bare = text[at + id.len()..].starts_with(".output") && !before.ends_with(|c: char| c.is_alphanumeric() || c == '.');
        ends && (rooted || bare)
    })
}
