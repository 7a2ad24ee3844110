//! Which stages only look at a service and change nothing. Must not know who asks, or what follows from it.

use serde_json::Value;

use super::http_request;
use crate::language::{Component, StageSpec, template};

/// Whether a stage only looks at a service: a health check, or a smoke test that sends nothing but GET and HEAD.
pub fn only_looks(stage: &StageSpec) -> bool {
    match stage.component {
        Component::HealthCheck => true,
        Component::SmokeTest => looks(&stage.config),
        _ => false,
    }
}

/// Whether no method that is written here, or comes from a template, could be another one than GET and HEAD.
fn looks(config: &Value) -> bool {
    match config {
        Value::Object(fields) => fields.iter().all(|(name, value)| {
            if name.eq_ignore_ascii_case("method") { http_request::is_safe_method(Some(value)) } else { looks(value) }
        }),
        Value::Array(list) => list.iter().all(looks),
        // A whole test may come from a template.
        Value::String(text) => template::sole(text).is_none(),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
