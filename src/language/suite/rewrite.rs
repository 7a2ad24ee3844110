//! From a pipeline to the document that a test runs: whatever has effects becomes a `mock`, and nothing waits.

use serde_json::{Map, Value, json};

use super::answers::refusal;
use super::{Case, Mock, Target};
use crate::language::component::Component;
use crate::language::format::Format;
use crate::language::load::parse;
use crate::language::pipeline::{Pipeline, StageSpec};

/// The pipeline's document as this test runs it, in JSON. `text` is what `pipeline` was loaded from. Dependencies, retries,
/// conditions and error handling stay as they are.
pub fn rewrite(text: &str, format: Format, pipeline: &Pipeline, case: &Case) -> Value {
    let mut document = parse(text, format, &mut Vec::new()).map(|root| root.to_value()).unwrap_or_default();
    let stages = document.get_mut("stages").and_then(Value::as_array_mut);
    for (stage, spec) in stages.into_iter().flatten().zip(&pipeline.stages) {
        if let Value::Object(stage) = stage {
            without_waiting(stage, spec.component);
            if let Some(config) = stand_in(spec, case) {
                for field in ["component", "component_type", "type", "input_mapping"] {
                    stage.remove(field);
                }
                stage.insert("type".to_owned(), Component::Mock.name().into());
                stage.insert("config".to_owned(), config);
            }
        }
    }
    document
}

/// Retries follow at once.
fn without_waiting(stage: &mut Map<String, Value>, component: Component) {
    let mut set = |map: &str, keys: &[&str]| {
        if let Some(Value::Object(map)) = stage.get_mut(map) {
            keys.iter().for_each(|key| drop(map.insert((*key).to_owned(), json!(0))));
        }
    };
    set("retry_config", &["initial_delay_ms", "max_delay_ms"]);
    set("error_handling", &["retry_delay"]);
    if component == Component::TryCatch {
        set("input_mapping", &["retry_delay_ms"]);
        set("config", &["retry_delay_ms"]);
    }
}

/// The config of the mock that takes the stage's place; `None` when the stage runs as it is.
fn stand_in(spec: &StageSpec, case: &Case) -> Option<Value> {
    let component = spec.component;
    let means = |target: &Target| match target {
        Target::Stage(id) => *id == spec.id,
        Target::Type(kind) => *kind == component,
    };
    // What is said about the stage itself comes before what is said about its type; the test's before the file's.
    let mut groups: Vec<&Mock> = case.mocks.iter().filter(|mock| means(&mock.target)).collect();
    groups.sort_by_key(|mock| matches!(mock.target, Target::Type(_)));
    let runs = component.is_pure() || (groups.is_empty() && case.allow.iter().any(means));
    if runs {
        return None;
    }
    let answers: Vec<&Vec<Value>> = groups.iter().map(|mock| &mock.answers).collect();
    let refusal = refusal(spec.id.as_str(), component);
    Some(json!({"component": component.name(), "config": spec.config, "answers": answers, "refusal": refusal}))
}
