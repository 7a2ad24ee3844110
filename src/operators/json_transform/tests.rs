use serde_json::{Value, json};

use super::super::testing::Stage;
use crate::language::Component;
use crate::model::ErrorKind;

fn run(config: Value, input: Value) -> Value {
    Stage::new(Component::JsonTransform, config).input(input).done().outcome.output
}

#[test]
fn a_template_is_the_output_itself() {
    let config = json!({
        "data": "{{input}}",
        "template": {"id": "{{data.alert_id or data.id}}", "tags": ["{{data.env}}", "fixed"], "text": "on {{data.env}}"},
    });
    let output = run(config, json!({"id": 7, "env": "prod"}));
    assert_eq!(output, json!({"id": 7, "tags": ["prod", "fixed"], "text": "on prod"}));
}

#[test]
fn an_expression_queries_the_data() {
    let config = json!({"data": "{{input}}", "jmespath_expression": "services[?up == `false`].name"});
    let input = json!({"services": [{"name": "a", "up": true}, {"name": "b", "up": false}]});
    assert_eq!(run(config, input)["result"], json!(["b"]));
}

#[test]
fn a_mapping_reports_what_it_found_and_what_not() {
    let config = json!({
        "data": "{{input}}",
        "mapping": {"name": "user.name", "first": "tags[0]", "gone": "user.nothing", "n": "length(tags)", "deep": {"x": "user.name"}, "t": "{{data.user.name}}!"},
        "defaults": {"gone": "?", "extra": 1},
    });
    let output = run(config, json!({"user": {"name": "ann"}, "tags": ["x", "y"]}));
    let result = json!({"name": "ann", "first": "x", "n": 2, "deep": {"x": "ann"}, "t": "ann!", "gone": "?", "extra": 1});
    assert_eq!(output["result"], result);
    assert_eq!(output["fields_mapped"], 5);
    assert_eq!(output["fields_missing"], json!(["gone"]));
}

#[test]
fn lookups_fall_into_the_result_of_an_earlier_transform() {
    let config = json!({"data": "{{input}}", "mapping": {"score": "score", "name": "result.name"}});
    let output = run(config, json!({"result": {"score": 3, "name": "x"}}));
    assert_eq!(output["result"], json!({"score": 3, "name": "x"}));
}

#[test]
fn fields_are_excluded_and_the_rest_flattened() {
    let config = json!({"data": "{{input}}", "exclude_fields": ["secret", "a.drop"], "flatten": true});
    let output = run(config, json!({"a": {"b": [1, {"c": 2}], "drop": 0, "none": {}}, "secret": "x"}));
    assert_eq!(output["result"], json!({"a.b.0": 1, "a.b.1.c": 2, "a.none": {}}));
}

#[test]
fn json_in_a_text_or_a_fence_is_read() {
    let config = json!({"data": "{{input}}", "expression": "score"});
    assert_eq!(run(config.clone(), json!("{\"score\": 5}"))["result"], 5);
    assert_eq!(run(config, json!("Sure!\n```json\n{\"score\": 6}\n```\nDone."))["result"], 6);

    let config = json!({"data": "{{input}}", "parse_json_strings": true, "template": "{{data.body.ok}}"});
    assert_eq!(run(config, json!({"body": "{\"ok\": true}", "version": "1.0"})), json!(true));
    let config = json!({"data": "{{input}}", "parse_json_strings": false, "mapping": {"a": "a"}});
    assert_eq!(run(config, json!("{\"a\": 1}"))["fields_missing"], json!(["a"]));
}

#[test]
fn a_bad_expression_is_a_transformation_error() {
    let config = json!({"data": {"a": 1}, "expression": "a[?"});
    let error = Stage::new(Component::JsonTransform, config).error();
    assert_eq!(error.kind, ErrorKind::Transformation);
    assert!(error.message.contains("`a[?`"), "{error}");
}
