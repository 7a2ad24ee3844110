use serde_json::{Value, json};

use super::super::Done;
use super::super::testing::Stage;
use crate::language::Component;
use crate::model::{Ending, ErrorKind};

fn validate(config: Value) -> Done {
    Stage::new(Component::SchemaValidate, config).done()
}

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["environment", "version"],
        "properties": {
            "environment": {"type": "string", "enum": ["staging", "production"]},
            "version": {"type": "string", "pattern": "^v[0-9]+\\.[0-9]+$"},
            "replicas": {"type": "integer", "minimum": 1},
        },
    })
}

#[test]
fn valid_data_passes_through() {
    let data = json!({"environment": "staging", "version": "v1.2"});
    let done = validate(json!({"data": data, "schema": schema()}));
    assert_eq!(done.outcome.ending, Ending::Succeeded);
    assert_eq!(done.outcome.output, json!({"valid": true, "data": data, "error_count": 0, "errors": []}));
}

#[test]
fn invalid_data_fails_the_stage_and_names_each_path() {
    let done = validate(json!({"data": {"environment": "moon", "replicas": 0}, "json_schema": schema()}));
    assert_eq!(done.outcome.ending, Ending::Failed);
    let error = done.outcome.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Validation);
    let paths: Vec<&str> = done.outcome.output["errors"].as_array().unwrap().iter().filter_map(|e| e["path"].as_str()).collect();
    assert_eq!(done.outcome.output["error_count"], 3, "{error}");
    assert!(paths.contains(&"/environment") && paths.contains(&"/replicas") && paths.contains(&"/version"), "{paths:?}");
}

#[test]
fn without_strict_the_stage_goes_on() {
    let done = validate(json!({"data": {}, "schema": schema(), "strict": false, "collect_all_errors": false}));
    assert_eq!(done.outcome.ending, Ending::Succeeded);
    assert_eq!(done.outcome.output["valid"], false);
    assert_eq!(done.outcome.output["error_count"], 1);
}

#[test]
fn types_are_coerced_when_asked() {
    let schema = json!({
        "type": "object",
        "properties": {
            "n": {"$ref": "#/definitions/count"}, "on": {"type": "boolean"}, "id": {"type": "string"},
            "list": {"type": "array", "items": {"type": "number"}},
        },
        "definitions": {"count": {"type": "integer"}},
    });
    let data = json!({"n": "5", "on": "true", "id": 7, "list": ["1.5", 2]});
    let done = validate(json!({"data": data, "schema": schema, "coerce_types": true}));
    assert_eq!(done.outcome.output["data"], json!({"n": 5, "on": true, "id": "7", "list": [1.5, 2]}));
    assert_eq!(done.outcome.output["valid"], true);
    assert!(validate(json!({"data": data, "schema": schema})).outcome.error.is_some());
}

#[test]
fn formats_are_checked_and_old_words_understood() {
    let done = validate(json!({"data": "nobody", "schema": {"type": "string", "format": "email"}, "strict": false}));
    assert_eq!(done.outcome.output["error_count"], 1);
    let tuple = json!({"items": [{"type": "string"}, {"type": "integer"}], "additionalItems": false});
    assert!(validate(json!({"data": ["a", 1], "schema": tuple})).outcome.error.is_none());
    assert!(validate(json!({"data": ["a", 1, 2], "schema": tuple})).outcome.error.is_some());
    let newer =
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "string"}], "items": false});
    assert!(validate(json!({"data": ["a", 1], "schema": newer})).outcome.error.is_some());
}

#[test]
fn a_schema_reaches_neither_files_nor_the_network() {
    for target in ["file:///etc/hostname", "http://127.0.0.1:9/schema.json", "other.json"] {
        let error = Stage::new(Component::SchemaValidate, json!({"data": 1, "schema": {"$ref": target}})).error();
        assert_eq!(error.kind, ErrorKind::Configuration, "{target}");
        assert!(error.cause.unwrap().contains("nothing is loaded from elsewhere"), "{target}");
    }
}

#[test]
fn a_broken_schema_is_a_configuration_error() {
    for schema in [json!({"type": "nonsense"}), json!({"pattern": "("}), json!("{not json")] {
        let error = Stage::new(Component::SchemaValidate, json!({"data": 1, "schema": schema})).error();
        assert_eq!(error.kind, ErrorKind::Configuration, "{schema}");
    }
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = json!({"type": "object", "properties": {"child": {"$ref": "#"}}});
    let done = validate(json!({"data": {"child": {"child": {}}}, "schema": schema, "coerce_types": true}));
    assert_eq!(done.outcome.output["valid"], true);
}
