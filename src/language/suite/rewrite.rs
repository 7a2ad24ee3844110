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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::rewrite;
    use crate::language::suite::{self, Subject};
    use crate::language::{Component, Format, OnError, Retry, load};

    const PIPELINE: &str = "
id: p
stages:
  - &base {id: gate, type: filter, config: {data: 1, condition: 'data > 2'}}
  - {id: a, component: http_request, depends_on: [gate], on_error: continue, timeout: 9, retry_config: {max_retries: 4},
     input_mapping: {url: 'http://h/{{env.HOST}}', method: PUT}, config: {url: 'http://h/{{upstream.gate.passed}}'}}
  - {id: try, type: trycatch, config: {try_stages: [b], catch_stages: [c], retry_delay_ms: 500}}
  - {id: b, type: shell, error_handling: {on_error: retry, retry_until: output.exit_code == 0}, config: {run: 'x {{raw(input.y)}}'}}
  - {id: c, type: shell, config: {run: y}}
";

    fn rewritten(tests: &str) -> Value {
        let pipeline = load(PIPELINE, Format::Yaml).pipeline.expect("a pipeline");
        let loaded = suite::load(tests, Format::Yaml, Subject::Pipeline(&pipeline));
        let suite = loaded.suite.unwrap_or_else(|| panic!("{:?}", loaded.problems));
        rewrite(PIPELINE, Format::Yaml, &pipeline, &suite.cases[0])
    }

    #[test]
    fn what_has_effects_becomes_a_mock_and_everything_else_stays() {
        let document = rewritten("{mocks: {http-request: {}, a: {error: x}}, tests: [{name: t, allow: c}]}").to_string();
        let was = load(PIPELINE, Format::Yaml).pipeline.expect("a pipeline");
        let pipeline = load(&document, Format::Json).pipeline.expect("the test's document is a pipeline");
        let types: Vec<&str> = pipeline.stages.iter().map(|stage| stage.component.name()).collect();
        assert_eq!(types, ["filter", "mock", "trycatch", "mock", "shell"]);
        for (stage, before) in pipeline.stages.iter().zip(&was.stages) {
            assert_eq!((&stage.depends_on, &stage.owners, &stage.timeout), (&before.depends_on, &before.owners, &before.timeout));
            // What a template reads decides whether a gate stops the stage; it counts inside a mock as well.
            assert_eq!(stage.reads, before.reads, "{}", stage.id);
        }
        let a = pipeline.stage("a").unwrap();
        assert_eq!((a.on_error, a.retry.max_retries()), (OnError::Continue, 4));
        assert_eq!(a.config["config"], json!({"url": "http://h/{{upstream.gate.passed}}", "method": "PUT"}));
        assert_eq!(a.config["answers"], json!([[{"error": "x"}], [{}]]), "the stage's own answers come first");
    }

    #[test]
    fn nothing_waits() {
        let document = rewritten("tests: [{name: t}]").to_string();
        let pipeline = load(&document, Format::Json).pipeline.expect("a pipeline");
        for stage in &pipeline.stages {
            match &stage.retry {
                Retry::Never => {}
                Retry::Backoff { initial, max, .. } => assert!(initial.is_zero() && max.is_zero()),
                Retry::Fixed { delay, until, .. } => assert!(delay.is_zero() && until.is_some()),
            }
        }
        assert_eq!(pipeline.stage("try").unwrap().config["retry_delay_ms"], 0);
        let effects = pipeline.stages.iter().filter(|stage| !stage.component.is_pure()).count();
        assert_eq!((effects, pipeline.stage("c").unwrap().component), (0, Component::Mock));
    }
}
