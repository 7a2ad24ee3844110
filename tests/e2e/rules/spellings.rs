//! Language reference: both dialects. Whatever a field is called, the run is the same.

use serde_json::{Value, json};

use super::{fate, output, run, run_document};

/// What a pipeline of one stage gives.
fn given(stage: &str) -> Value {
    output(&format!("{{id: a, {stage}}}"))
}

#[test]
fn the_type_is_component_type_or_type_or_component_in_kebab_or_snake_case() {
    for key in ["component_type", "type", "component"] {
        for name in ["json-transform", "json_transform", "JSON_TRANSFORM", "transform"] {
            assert_eq!(given(&format!("{key}: {name}, config: {{template: x}}")), "x", "{key}: {name}");
        }
    }
}

#[test]
fn every_component_runs_under_every_spelling_of_its_type() {
    let table = [
        (vec!["variable-set", "variable_set", "set-variable", "set_variables"], "variables: {a: 1}"),
        (vec!["schema-validate", "schema_validate", "validate_schema", "json_schema_validate"], "data: 1, schema: {}"),
        (vec!["shell", "bash", "script", "command"], "command: ['true']"),
        (vec!["loop", "batch"], "items: [1]"),
        (vec!["foreach", "for-each", "for_each"], "items: [], loop_stages: []"),
        (vec!["trycatch", "try-catch", "try_catch"], "try_stages: []"),
        (vec!["conditional", "condition", "if"], "condition: true"),
        (vec!["router", "switch"], "value: x, routes: {}"),
        (vec!["logger", "log"], "message: m"),
        (vec!["synthesizer", "combiner"], "sources: [a]"),
    ];
    let lines = table.iter().flat_map(|(names, config)| names.iter().map(move |name| (name, config)));
    let stages = lines.enumerate().map(|(at, (name, config))| format!("{{id: s{at}, type: {name}, config: {{{config}}}}}"));
    let run = run(&stages.collect::<Vec<_>>().join(","));
    assert_eq!(run["status"], "succeeded", "{run:#}");
}

#[test]
fn config_is_merged_over_input_mapping() {
    let template = "{template: {a: '{{data}}'}, data: old}";
    assert_eq!(given(&format!("type: json_transform, input_mapping: {template}")), json!({"a": "old"}));
    assert_eq!(given(&format!("type: json_transform, input_mapping: {template}, config: {{data: new}}")), json!({"a": "new"}));
    // Another spelling of a key is the same key.
    assert_eq!(given(&format!("type: json_transform, input_mapping: {template}, config: {{input: new}}")), json!({"a": "new"}));
}

/// Each key under each of its spellings, in a config that shows whether it was read.
#[test]
fn a_config_key_may_be_spelled_as_either_dialect_does() {
    let table: &[(&str, &[&str], &str, &str, Value)] = &[
        ("json-transform", &["jmespath_expression", "expression", "jmespath"], "a", "data: {a: 1}", json!(1)),
        ("json-transform", &["mapping", "mappings", "field_mapping"], "{b: a}", "data: {a: 1}", json!({"b": 1})),
        ("json-transform", &["exclude_fields", "exclude"], "[a]", "data: {a: 1, b: 2}", json!({"b": 2})),
        (
            "json-transform",
            &["flatten_separator", "flatten_delimiter", "separator"],
            "/",
            "flatten: true, data: {a: {b: 1}}",
            json!({"a/b": 1}),
        ),
        ("schema-validate", &["schema", "json_schema"], "{type: integer}", "data: 5", json!(5)),
        ("filter", &["data", "items"], "[1, 2]", "condition: 'item > 1'", json!([2])),
        ("filter", &["invert", "negate"], "true", "condition: 'data > 1', data: 1", json!(1)),
        ("filter", &["filter_mode", "mode"], "filter_array", "condition: 'data', data: [1, 2]", json!([1, 2])),
        ("variable-set", &["variables", "vars"], "{result: 1}", "", json!(1)),
        ("variable-set", &["name", "variable", "variable_name"], "result", "value: 1", json!(1)),
        ("logger", &["message", "msg"], "m", "", json!("m")),
        ("loop", &["items", "data"], "[1]", "", json!([[1]])),
    ];
    let shown = |output: &Value| ["result", "data", "passthrough", "batches"].iter().find_map(|key| output.get(key)).cloned();
    for (component, spellings, value, rest, expected) in table {
        let stages: Vec<String> = spellings
            .iter()
            .map(|key| format!("{{id: {}, type: {component}, config: {{{key}: {value}, {rest}}}}}", key.replace('_', "-")))
            .collect();
        let run = run(&stages.join(","));
        for key in *spellings {
            let output = &run["stages"][key.replace('_', "-")]["output"];
            assert_eq!(shown(output).as_ref(), Some(expected), "{component} {key}: {output:#}");
        }
    }
}

#[test]
fn the_branches_of_a_conditional_have_three_names() {
    for (yes, no) in
        [("true_stages", "false_stages"), ("true_branch_stages", "false_branch_stages"), ("true_branch", "false_branch")]
    {
        for condition in ["true", "false"] {
            let run = run(&format!(
                "{{id: if, type: conditional, config: {{condition: {condition}, {yes}: [y], {no}: n}}}},
                 {{id: y, type: logger, config: {{message: m}}}}, {{id: n, type: logger, config: {{message: m}}}}"
            ));
            let (ran, left) = if condition == "true" { ("y", "n") } else { ("n", "y") };
            assert_eq!((fate(&run, ran).as_str(), fate(&run, left).as_str()), ("succeeded", "skipped branch:if"), "{yes}");
        }
    }
}

#[test]
fn a_loop_lists_its_stages_under_loop_stages_or_stages_as_a_list_or_a_text() {
    for list in ["loop_stages: [twice]", "stages: [twice]", "loop_stages: twice", "stages: twice"] {
        let output = output(&format!(
            "{{id: each, type: foreach, config: {{items: [1, 2], {list}}}}}, {{id: twice, type: json-transform, config: {{template: '{{{{item * 2}}}}'}}}},
             {{id: end, type: json-transform, depends_on: [each], config: {{template: '{{{{upstream.each.results}}}}'}}}}"
        ));
        assert_eq!(output, json!([2, 4]), "{list}");
    }
}

#[test]
fn an_id_that_looks_like_a_number_is_an_id_in_every_list() {
    let run = run("{id: 1, type: conditional, config: {condition: true, true_stages: [2]}},
      {id: 2, type: router, config: {value: x, routes: {x: [3]}, default_route: 4}}, {id: 3, type: foreach, config: {items: [7], loop_stages: [5]}},
      {id: 4, type: logger, config: {message: m}}, {id: 5, type: logger, config: {message: m}}");
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(["2", "3", "4", "5[0]"].map(|id| fate(&run, id)), ["succeeded", "succeeded", "skipped branch:2", "succeeded"]);
}

#[test]
fn the_runtime_dialect_runs_a_whole_pipeline() {
    let document = "{name: runtime, stages: [
      {id: gather, type: json_transform, input_mapping: {data: {services: [{n: api, up: true}, {n: web, up: false}]}, jmespath_expression: 'services'}},
      {id: check, type: conditional, depends_on: [gather], input_mapping: {condition: '{{upstream.gather.result}}', condition_expression: 'len(value) > 1',
        true_branch_stages: [many], false_branch_stages: [few]}},
      {id: many, type: for_each, input_mapping: {items: '{{upstream.gather.result}}', stages: [each], item_variable: service, filter_expression: 'service.up'}},
      {id: few, type: logger, input_mapping: {message: few}},
      {id: each, type: logger, input_mapping: {message: '{{service.n}}'}, retry_config: {max_retries: 1, initial_delay_ms: 1}},
      {id: end, type: json_transform, depends_on: [many, few], input_mapping: {template: '{{upstream.many.processed_items}} of {{upstream.many.total_items}}'}}]}";
    let run = run_document(document, &[]);
    assert_eq!(run["output"], "1 of 2", "{run:#}");
    assert_eq!(fate(&run, "few"), "skipped branch:check");
}
