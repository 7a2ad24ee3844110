//! The digest: what it must not notice, and that it notices everything else.

use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert_eq, prop_assert_ne, prop_oneof, proptest};
use serde_json::{Map, Value, json};

use super::super::digest;
use crate::language::inclusion::Included;
use crate::language::{Format, Pipeline, load};

fn of(text: &str, format: Format, inputs: &Value, environment: Option<&str>) -> String {
    let loaded = load(text, format);
    let pipeline = loaded.pipeline.unwrap_or_else(|| panic!("{:?} in {text}", loaded.problems));
    digest(&pipeline, inputs, environment, &[])
}

fn of_value(document: &Value) -> String {
    of(&document.to_string(), Format::Json, &json!({}), None)
}

/// YAML in blocks, every scalar as JSON writes it, with comments.
fn yaml(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, item) in map {
                out.push_str(&format!("\n{pad}{}: ", json!(key)));
                yaml(item, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&format!("\n{pad}- # an item\n{pad}  "));
                yaml(item, indent + 2, out);
            }
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// The same with the fields of the document the other way round; values that expressions see stay as they are.
fn reversed(value: &Value) -> Value {
    let field = |(key, item): (&String, &Value)| {
        let seen = ["data", "template", "fallback_output"].contains(&key.as_str());
        (key.clone(), if seen { item.clone() } else { reversed(item) })
    };
    match value {
        Value::Object(map) => map.iter().rev().map(field).collect::<Map<_, _>>().into(),
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

/// JSON pointers of everything that is no object and no list.
fn leaves(value: &Value, path: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, item)| leaves(item, &format!("{path}/{key}"), into)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| leaves(item, &format!("{path}/{at}"), into)),
        _ => into.push(path.to_owned()),
    }
}

fn changed(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(format!("{text}x")),
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 1.0),
        _ => json!("something"),
    }
}

fn config() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        prop::bool::ANY.prop_map(Value::from),
        (-1000_i32..1000).prop_map(Value::from),
        (-8_i32..8).prop_map(|eighths| json!(f64::from(eighths) / 8.0)),
        "[a-zA-Z0-9 #:'\"\\\\äß✓\n-]{0,12}".prop_map(Value::from),
        Just(json!("{{input.x}} {{env.TOKEN}}")),
    ];
    scalar.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4).prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// A chain of stages with anything in their configs.
fn document() -> impl Strategy<Value = Value> {
    prop::collection::vec((config(), 1_u32..100, prop::bool::ANY), 1..5).prop_map(|stages| {
        let stage = |(at, (config, n, flag)): (usize, (Value, u32, bool))| {
            json!({
                "id": format!("s{at}"), "type": "json-transform", "config": {"data": config, "template": {"n": n}},
                "depends_on": if at > 0 { vec![format!("s{}", at - 1)] } else { Vec::new() },
                "timeout": n, "enabled": flag, "idempotent": !flag, "fallback_output": {"a": [n]}, "max_concurrency": n,
                "retry_config": {"max_retries": n, "initial_delay_ms": n, "backoff_multiplier": 2, "max_delay_ms": 5000},
            })
        };
        let stages: Vec<Value> = stages.into_iter().enumerate().map(stage).collect();
        json!({"id": "p", "version": "1.0.0", "max_concurrency": 4, "timeout": 60, "concurrency_group": "g", "stages": stages,
               "input_schema": {"properties": {"x": {"type": "string"}}}, "strict_templates": false})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_fields_white_space_and_the_format_do_not_matter(document in document()) {
        let expected = of_value(&document);
        let pretty = serde_json::to_string_pretty(&document).unwrap();
        prop_assert_eq!(&of(&pretty, Format::Json, &json!({}), None), &expected);
        prop_assert_eq!(&of_value(&reversed(&document)), &expected);
        let mut text = "# the same\n".to_owned();
        yaml(&reversed(&document), 0, &mut text);
        prop_assert_eq!(&of(&text, Format::Yaml, &json!({}), None), &expected, "{}", text);
    }

    #[test]
    fn any_single_change_of_a_leaf_matters(document in document()) {
        let before = of_value(&document);
        let mut paths = Vec::new();
        leaves(&document, "", &mut paths);
        // What keeps the document whole: the ids of stages and who names them, and the types.
        let structure = ["/id", "/type", "/input_schema/properties/x/type"];
        for path in paths.iter().filter(|path| !path.contains("/depends_on") && !structure.iter().any(|end| path.ends_with(end))) {
            let mut other = document.clone();
            let leaf = other.pointer_mut(path).unwrap();
            *leaf = changed(leaf);
            prop_assert_ne!(&of_value(&other), &before, "{}", path);
        }
    }

    #[test]
    fn any_change_of_an_input_matters(inputs in config(), other in config()) {
        let of = |inputs: &Value| of("{id: p, stages: [{id: a, type: logger, config: {message: m}}]}", Format::Yaml, inputs, None);
        let text = |inputs: &Value| serde_json::to_string(inputs).unwrap();
        prop_assert_eq!(of(&inputs) == of(&other), text(&inputs) == text(&other));
    }
}

#[test]
fn the_order_that_an_expression_sees_matters() {
    let of = |inputs: &str, data: &str| {
        let text = format!(
            "{{id: p, stages: [{{id: a, type: json-transform, config: {{data: {data}, template: '{{{{data.keys()}}}}'}}}}]}}"
        );
        of(&text, Format::Yaml, &serde_json::from_str(inputs).unwrap(), None)
    };
    assert_ne!(of(r#"{"steps": {"a": 1, "b": 2}}"#, "{}"), of(r#"{"steps": {"b": 2, "a": 1}}"#, "{}"));
    assert_ne!(of("{}", "{a: 1, b: 2}"), of("{}", "{b: 2, a: 1}"));
}

const TEXT: &str = r#"{"id": "p", "name": "Release", "description": "d", "environment": "staging", "tags": ["t"],
  "stages": [
    {"id": "a", "component_type": "http_request", "name": "n", "config": {"url": "{{input.url}}", "timeout": 5}},
    {"id": "b", "type": "shell", "config": {"run": "echo {{secrets.TOKEN}} {{env.HOME}}"}},
    {"id": "c", "type": "logger", "depends_on": ["a", "b"], "config": {"message": "m"}}]}"#;

fn text(change: (&str, &str)) -> String {
    assert!(TEXT.contains(change.0), "{}", change.0);
    of(&TEXT.replace(change.0, change.1), Format::Json, &json!({}), None)
}

#[test]
fn it_is_the_same_on_every_machine_and_day() {
    let digest =
        of("{id: p, stages: [{id: a, type: logger, config: {message: m}}]}", Format::Yaml, &json!({"b": 1, "a": 2.5}), None);
    assert_eq!(digest, "sha256:f564ecdcb5ade21df94bc10b98a8f80cb461b55ac17b260ec7c38ad6b4fb7cdc");
}

#[test]
fn spellings_and_what_is_only_shown_do_not_matter() {
    let digest = text(("Release", "Release"));
    for change in [
        ("\"Release\"", "\"Other\""),
        ("\"d\"", "\"other words\""),
        ("[\"t\"]", "[\"t\", \"u\"]"),
        ("component_type", "type"),
        ("http_request", "http-request"),
        ("\"name\": \"n\", ", ""),
        ("\"config\": {\"message", "\"input_mapping\": {\"message"),
        ("[\"a\", \"b\"]", "[\"b\", \"a\", \"b\"]"),
    ] {
        assert_eq!(text(change), digest, "{change:?}");
    }
}

#[test]
fn dependencies_components_names_from_outside_and_the_environment_matter() {
    let digest = text(("Release", "Release"));
    for change in [
        ("[\"a\", \"b\"]", "[\"a\"]"),
        ("\"logger\"", "\"return\""),
        ("secrets.TOKEN", "secrets.OTHER"),
        ("env.HOME", "env.PATH"),
        ("\"id\": \"c\"", "\"id\": \"d\""),
        ("\"id\": \"p\"", "\"id\": \"q\""),
        ("\"staging\"", "\"production\""),
        ("\"timeout\": 5", "\"timeout\": 6"),
        ("{\"id\": \"b\", ", "{\"id\": \"b\", \"when\": \"input.go\", "),
        ("{\"id\": \"b\", ", "{\"id\": \"b\", \"on_error\": \"continue\", "),
        ("{\"id\": \"b\", ", "{\"id\": \"b\", \"on_unknown\": \"fail\", "),
        ("{\"id\": \"b\", ", "{\"id\": \"b\", \"environment\": \"x\", "),
        ("{\"id\": \"b\", ", "{\"id\": \"b\", \"compensate\": [\"c\"], "),
        ("{\"id\": \"b\", ", "{\"id\": \"b\", \"timeout_ms\": 0.5, "),
    ] {
        assert_ne!(text(change), digest, "{change:?}");
    }
    let with = |environment| of(TEXT, Format::Json, &json!({}), environment);
    assert_eq!(with(Some("staging")), digest, "the pipeline's own");
    assert_ne!(with(Some("production")), digest);
}

#[test]
fn what_is_included_counts_and_the_order_it_was_found_in_does_not() {
    let parse = |text: &str| load(text, Format::Yaml).pipeline.unwrap();
    let root = parse("{id: root, stages: [{id: a, type: subpipeline, config: {pipeline: x}}]}");
    let (one, other) = (
        parse("{id: x, stages: [{id: s, type: shell, config: {run: make}}]}"),
        parse("{id: x, stages: [{id: s, type: shell, config: {run: make all}}]}"),
    );
    let digest = |list: &[(&str, &Pipeline)]| {
        let included: Vec<Included<'_>> =
            list.iter().map(|(reference, pipeline)| Included { within: &root, reference, pipeline }).collect();
        digest(&root, &json!({}), None, &included)
    };
    assert_ne!(digest(&[]), digest(&[("x", &one)]));
    assert_ne!(digest(&[("x", &one)]), digest(&[("x", &other)]));
    assert_ne!(digest(&[("x", &one), ("y", &other)]), digest(&[("y", &one), ("x", &other)]));
    assert_eq!(digest(&[("x", &one), ("y", &other)]), digest(&[("y", &other), ("x", &one)]));
    let spaced = parse("{id: x, stages: [{id: s, type: shell, config: {run: make}}]} # the same");
    assert_eq!(digest(&[("x", &one)]), digest(&[("x", &spaced)]));
}

#[test]
fn the_environment_of_an_included_pipeline_counts() {
    let parse = |text: &str| load(text, Format::Yaml).pipeline.unwrap();
    let root = parse("{id: root, stages: [{id: a, type: subpipeline, config: {pipeline: x}}]}");
    let digest = |environment: &str| {
        let child =
            parse(&format!("{{id: x, environment: {environment}, stages: [{{id: s, type: shell, config: {{run: make}}}}]}}"));
        digest(&root, &json!({}), None, &[Included { within: &root, reference: "x", pipeline: &child }])
    };
    assert_ne!(digest("staging"), digest("production"));
}
