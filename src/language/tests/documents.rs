//! Documents of both dialects, in both notations, to pipelines (language reference: Document, Units).

use std::time::Duration;

use serde_json::json;

use crate::language::graph::{self, Graph};
use crate::language::inputs;
use crate::language::json_schema::Compiled;
use crate::language::pipeline::{OnError, OnUnknown, Pipeline, Retry};
use crate::language::{Component, Format, load, schema};

pub fn pipeline(text: &str) -> Pipeline {
    let loaded = load(text, Format::sniff(text));
    loaded.pipeline.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

/// A pipeline of the given stages.
fn of_stages(stages: &str) -> Pipeline {
    pipeline(&format!("{{\"name\": \"p\", \"stages\": [{stages}]}}"))
}

const DOCS: &str = r#"{
  "id": "deploy", "name": "Deploy it", "version": "1.2.0", "description": "d", "tags": ["a"], "output_stage_id": "log",
  "input_schema": {"type": "object", "required": ["env"], "properties": {"env": {"type": "string"}, "n": {"type": "integer", "default": 3}}},
  "sample_input": {"env": "staging"}, "environment": "staging", "concurrency_group": "g", "max_concurrency": 4, "timeout": "10m",
  "stages": [
    {"id": "check-exists", "component_type": "http-request", "timeout": 60,
     "config": {"url": "{{input.url}}", "timeout": 30000, "headers": {"Authorization": "Bearer {{env.GITHUB_TOKEN}}"}},
     "error_handling": {"on_error": "retry", "max_retries": 10, "retry_delay": 5000, "retry_until": "body.status == 'done'"}},
    {"id": "create-if-missing", "component_type": "conditional", "depends_on": ["check-exists"],
     "config": {"condition": "{{upstream.check-exists.status_code}} == 404", "true_stages": ["create"], "false_stages": ["log"]}},
    {"id": "create", "component_type": "shell", "config": {"run": "make {{secrets.KEY}} {{env_or('MODE', 'x')}}"}, "on_unknown": "retry", "idempotent": true},
    {"id": "log", "component_type": "logger", "depends_on": ["create", "create-if-missing"], "when": "input.n > 1",
     "config": {"message": "done"}, "on_error": "continue", "fallback_output": {"logged": false}, "enabled": true}
  ]
}"#;

#[test]
fn the_docs_dialect_loads() {
    let pipeline = pipeline(DOCS);
    assert_eq!(
        (pipeline.id.as_str(), pipeline.name.as_str(), pipeline.version.as_deref()),
        ("deploy", "Deploy it", Some("1.2.0"))
    );
    assert_eq!(pipeline.timeout, Some(Duration::from_secs(600)));
    assert_eq!(pipeline.output_stage.as_ref().map(|id| id.as_str()), Some("log"));
    assert_eq!(pipeline.max_concurrency, Some(4));
    assert_eq!(pipeline.hash.len(), 64);
    let check = pipeline.stage("check-exists").unwrap();
    assert_eq!(check.component, Component::HttpRequest);
    assert_eq!(check.timeout, Some(Duration::from_secs(60)));
    let until = Some("body.status == 'done'".to_owned());
    assert_eq!(check.retry, Retry::Fixed { max_retries: 10, delay: Duration::from_secs(5), until });
    assert_eq!(pipeline.stage("create-if-missing").unwrap().reads, ["check-exists".into()]);
    let log = pipeline.stage("log").unwrap();
    assert_eq!(log.owners, ["create-if-missing".into()]);
    assert_eq!((log.on_error, log.fallback_output.clone()), (OnError::Continue, Some(json!({"logged": false}))));
    assert_eq!(log.when.as_deref(), Some("input.n > 1"));
    let create = pipeline.stage("create").unwrap();
    assert_eq!((create.on_unknown, create.idempotent), (OnUnknown::Retry, Some(true)));
    assert_eq!(create.dependencies().map(|id| id.as_str()).collect::<Vec<_>>(), ["create-if-missing"]);
    assert_eq!(&DOCS[create.span.clone()][..15], "{\"id\": \"create\"");
}

#[test]
fn a_stage_waits_for_what_it_reads_and_a_loop_for_what_its_stages_need_from_outside() {
    let logger = |id: &str, message: &str| format!("{{id: {id}, type: logger, config: {{message: '{message}'}}}}");
    let text = format!(
        "{{id: p, stages: [{}, {}, {}, {}, {}, {}, {}, {}]}}",
        logger("reader", "{{upstream.read.n}}"),
        logger("read", "x"),
        logger("early", "{{upstream.late.n}}"),
        "{id: each, type: foreach, config: {items: [1], loop_stages: [inside, second]}}",
        logger("inside", "{{upstream.read.n}}"),
        "{id: late, type: logger, depends_on: [early], config: {message: y}}",
        logger("prepare", "x"),
        "{id: second, type: logger, depends_on: [prepare, inside], config: {message: y}}",
    );
    let loaded = load(&text, Format::Yaml);
    let pipeline = loaded.pipeline.expect("a pipeline");
    let waits_for = |id: &str| pipeline.stage(id).unwrap().waits_for.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(waits_for("reader"), ["read"]);
    assert_eq!(waits_for("each"), ["prepare", "read"]);
    assert_eq!((waits_for("early"), waits_for("inside"), waits_for("second")), (Vec::new(), Vec::new(), Vec::new()));
    let messages: Vec<&str> = loaded.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`reader` reads `read` without depending on it",
            "`early` reads `late`, which need not have run before it",
            "`inside` reads `read` without depending on it",
        ]
    );
}

#[test]
fn names_from_outside_are_collected() {
    let names = pipeline(DOCS).environment_names();
    assert_eq!(names.env, ["GITHUB_TOKEN", "MODE"]);
    assert_eq!(names.required_env, ["GITHUB_TOKEN"]);
    assert_eq!(names.secrets, ["KEY"]);
}

#[test]
fn the_runtime_dialect_loads_and_config_wins_over_input_mapping() {
    let pipeline = of_stages(
        r#"{"id": "a", "type": "http_request", "input_mapping": {"url": "http://old", "method": "PUT"}, "config": {"url": "http://new"},
            "retry_config": {"max_retries": 2, "initial_delay_ms": 500, "backoff_multiplier": 3, "max_delay_ms": "1m"}, "timeout_ms": 1500},
           {"id": "b", "component": "schema_validate", "input_mapping": {"data": "{{upstream.a.body}}", "json_schema": {}}, "depends_on": "a",
            "error_handling": {"on_error": "continue"}, "retry_config": {}}"#,
    );
    let a = &pipeline.stages[0];
    assert_eq!(a.config, json!({"url": "http://new", "method": "PUT"}));
    let (initial, max) = (Duration::from_millis(500), Duration::from_secs(60));
    assert_eq!(a.retry, Retry::Backoff { max_retries: 2, initial, multiplier: 3.0, max });
    assert_eq!(a.timeout, Some(Duration::from_millis(1500)));
    let b = &pipeline.stages[1];
    assert_eq!((b.component, b.on_error, b.retry.max_retries()), (Component::SchemaValidate, OnError::Continue, 3));
    assert_eq!(b.depends_on, ["a".into()]);
}

#[test]
fn config_goes_over_input_mapping_whatever_the_spelling_of_a_key() {
    let pipeline = of_stages(
        r#"{"id": "a", "type": "conditional", "input_mapping": {"condition": "true", "true_stages": ["b"], "data": 1}, "config": {"true_branch": "c"}},
           {"id": "b", "type": "logger", "config": {"message": "m"}}, {"id": "c", "type": "logger", "config": {"message": "m"}}"#,
    );
    assert_eq!(pipeline.stages[0].config, json!({"condition": "true", "data": 1, "true_branch": "c"}));
    assert_eq!(pipeline.stages[1].owners, []);
    assert_eq!(pipeline.stages[2].owners, ["a".into()]);
}

#[test]
fn on_error_is_accepted_at_the_stage_and_in_error_handling() {
    let stage = |fields: &str| {
        let pipeline = of_stages(&format!(r#"{{"id": "a", "type": "logger", "config": {{"message": "m"}}, {fields}}}"#));
        (pipeline.stages[0].on_error, pipeline.stages[0].retry.clone())
    };
    let (go_on, stop) = (OnError::Continue, OnError::Propagate);
    let fixed = |max_retries, ms| Retry::Fixed { max_retries, delay: Duration::from_millis(ms), until: None };
    assert_eq!(stage(r#""on_error": "continue""#), (go_on, Retry::Never));
    assert_eq!(stage(r#""on_error": "fail""#), (stop, Retry::Never));
    assert_eq!(stage(r#""on_error": "propagate""#), (stop, Retry::Never));
    assert_eq!(stage(r#""on_error": "retry""#), (stop, fixed(3, 1000)));
    assert_eq!(stage(r#""error_handling": {"on_error": "continue"}"#), (go_on, Retry::Never));
    assert_eq!(stage(r#""error_handling": {"on_error": "fail"}"#), (stop, Retry::Never));
    assert_eq!(stage(r#""error_handling": {"on_error": "propagate"}"#), (stop, Retry::Never));
    assert_eq!(
        stage(r#""error_handling": {"on_error": "retry", "max_retries": 1, "retry_delay": "5s"}"#),
        (stop, fixed(1, 5000))
    );
    assert_eq!(stage(r#""on_error": "continue", "error_handling": {"on_error": "retry"}"#), (go_on, fixed(3, 1000)));
    assert_eq!(
        stage(r#""on_error": "retry", "error_handling": {"on_error": "continue", "max_retries": 2}"#),
        (go_on, fixed(2, 1000))
    );
}

#[test]
fn where_the_dialects_clash_the_docs_win() {
    let pipeline = of_stages(
        r#"{"id": "a", "component_type": "logger", "type": "filter", "config": {"message": "m"},
            "error_handling": {"on_error": "retry"}, "retry_config": {"max_retries": 9}}"#,
    );
    assert_eq!(pipeline.stages[0].component, Component::Logger);
    assert_eq!(pipeline.stages[0].retry, Retry::Fixed { max_retries: 3, delay: Duration::from_secs(1), until: None });
}

#[test]
fn yaml_says_the_same_as_json() {
    let yaml = "
# a comment
name: Über build
stages:
  - id: a
    component_type: shell
    config: &base
      run: |
        echo '{{input.x}}'
        exit 0
      cwd: '{{ env.HOME }}'
  - {id: b, type: shell, config: *base, depends_on: [a]}
  - id: c
    type: shell
    depends_on: [b]
    timeout: 5m
    config:
      <<: *base
      cwd: /tmp
";
    let pipeline = pipeline(yaml);
    assert_eq!(pipeline.id, "über-build");
    assert_eq!(pipeline.stages[0].config, json!({"run": "echo '{{input.x}}'\nexit 0\n", "cwd": "{{ env.HOME }}"}));
    assert_eq!(pipeline.stages[1].config, pipeline.stages[0].config);
    assert_eq!(pipeline.stages[2].config, json!({"cwd": "/tmp", "run": "echo '{{input.x}}'\nexit 0\n"}));
    assert_eq!(pipeline.stages[2].timeout, Some(Duration::from_secs(300)));
    assert_eq!(pipeline.environment_names().env, ["HOME"]);
    assert!(yaml[pipeline.stages[1].span.clone()].starts_with("{id: b"), "{}", &yaml[pipeline.stages[1].span.clone()]);
}

#[test]
fn yaml_scalars_follow_the_core_schema() {
    let text = "name: p\nstages: [{id: a, type: logger, config: {message: m, data: {a: 1, b: 1.5, c: ~, d: 'yes', e: yes, f: true, g: '1', h: 0x10, i: 18446744073709551615}}}]";
    let data = pipeline(text).stages[0].config["data"].clone();
    assert_eq!(data, json!({"a": 1, "b": 1.5, "c": null, "d": "yes", "e": "yes", "f": true, "g": "1", "h": 16, "i": u64::MAX}));
}

#[test]
fn numbers_of_json_stay_exact() {
    let pipeline = of_stages(
        r#"{"id": "a", "type": "logger", "config": {"message": "m", "data": [9007199254740993, 18446744073709551615, -1, 1.5, 1e3]}}"#,
    );
    assert_eq!(pipeline.stages[0].config["data"].to_string(), "[9007199254740993,18446744073709551615,-1,1.5,1000.0]");
}

#[test]
fn every_list_of_control_flow_owns_its_stages() {
    let leaf = |id: &str| format!(r#"{{"id": "{id}", "type": "logger", "config": {{"message": "m"}}}}"#);
    let stages = [
        r#"{"id": "router", "type": "router", "config": {"value": "x", "routes": {"a": "r1", "b": ["r2", "shared"]}, "default_route": "r3"}}"#.to_owned(),
        r#"{"id": "each", "type": "for_each", "config": {"items": "{{input.l}}", "loop_stages": ["l1"], "item_variable": "svc"}}"#.to_owned(),
        r#"{"id": "try", "type": "try-catch", "config": {"try_stages": ["t1"], "catch_stages": ["c1", "shared"], "finally_stages": "f1"}}"#.to_owned(),
        r#"{"id": "if", "type": "conditional", "config": {"condition": true, "true_branch_stages": ["shared"], "false_branch": "{{input.dynamic}}"}}"#.to_owned(),
    ];
    let leaves = ["r1", "r2", "r3", "l1", "t1", "c1", "f1", "shared"].map(leaf);
    let pipeline = of_stages(&stages.iter().chain(&leaves).cloned().collect::<Vec<_>>().join(","));
    let owners = |id: &str| pipeline.stage(id).unwrap().owners.iter().map(|owner| owner.as_str()).collect::<Vec<_>>().join(" ");
    assert_eq!(
        ["r1", "r2", "r3", "l1", "t1", "c1", "f1"].map(owners),
        ["router", "router", "router", "each", "try", "try", "try"]
    );
    assert_eq!(owners("shared"), "router try if");
    let outlines = pipeline.outlines();
    let enclosure = |id: &str| {
        let enclosure = outlines.iter().find(|outline| outline.id.as_str() == id)?.enclosure.as_ref()?;
        Some(format!("{} {} {}", enclosure.stage, enclosure.part.name(), enclosure.position))
    };
    let enclosures = ["r1", "l1", "t1", "c1", "f1", "shared"].map(enclosure);
    let expected =
        [None, Some("each loop 0"), Some("try try 0"), Some("try catch 0"), Some("try finally 0"), Some("try catch 1")];
    assert_eq!(enclosures, expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn the_graph_has_an_order_and_drawings() {
    let pipeline = pipeline(DOCS);
    let graph = Graph::of(&pipeline);
    assert_eq!(graph.dependencies, [vec![], vec![0], vec![1], vec![2, 1]]);
    assert_eq!(graph.dependants, [vec![1], vec![2, 3], vec![3], vec![]]);
    assert_eq!(graph.order, [0, 1, 2, 3]);
    assert_eq!(pipeline.outlines()[3].depends_on, ["create".into(), "create-if-missing".into()]);
    let mermaid = graph::mermaid(&pipeline);
    assert!(mermaid.contains("s1 -.-> s2") && mermaid.contains("s0 --> s1"), "{mermaid}");
    let dot = graph::dot(&pipeline);
    assert!(dot.contains("\"create-if-missing\" -> \"create\" [style=dashed];"), "{dot}");
    let json = graph::json(&pipeline);
    assert_eq!(json["edges"][1], json!({"from": "create-if-missing", "to": "create", "implicit": true}));
    assert_eq!(json["order"][3], "log");
}

#[test]
fn labels_cannot_break_out_of_a_drawing() {
    let pipeline = of_stages(r#"{"id": "a", "name": "x\"] ; end --> \"<b>\\\n", "type": "logger", "config": {"message": "m"}}"#);
    assert_eq!(graph::mermaid(&pipeline).lines().count(), 2);
    assert!(!graph::mermaid(&pipeline).contains("<b>"));
    assert_eq!(graph::dot(&pipeline).lines().count(), 5, "{}", graph::dot(&pipeline));
}

#[test]
fn inputs_get_defaults_and_failures_name_each_path() {
    let pipeline = pipeline(DOCS);
    assert_eq!(inputs::check(&pipeline, json!({"env": "prod"})), Ok(json!({"env": "prod", "n": 3})));
    let problems = inputs::check(&pipeline, json!({"env": 5, "n": "x"})).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.path.as_str()).collect::<Vec<_>>(), ["/env", "/n"]);
    let problems = inputs::check(&pipeline, json!(null)).unwrap_err();
    assert_eq!(problems, [inputs::InputProblem { path: "/env".to_owned(), message: "is required".to_owned() }]);
    let free = of_stages(r#"{"id": "a", "type": "logger", "config": {"message": "m"}}"#);
    assert_eq!(inputs::check(&free, json!(null)), Ok(json!({})));
}

/// The inputs that a schema makes of what is given.
fn checked(schema: serde_json::Value, given: serde_json::Value) -> Result<serde_json::Value, Vec<String>> {
    let document =
        json!({"id": "p", "input_schema": schema, "stages": [{"id": "a", "type": "logger", "config": {"message": "m"}}]});
    let loaded = load(&document.to_string(), Format::Json);
    let problems = |problems: Vec<inputs::InputProblem>| problems.into_iter().map(|problem| problem.path).collect();
    inputs::check(&loaded.pipeline.unwrap(), given).map_err(problems)
}

#[test]
fn defaults_reach_into_objects_lists_and_references() {
    let port = json!({"type": "object", "properties": {"port": {"default": 80}}});
    let schema = json!({
        "$defs": {"server": port},
        "allOf": [{"properties": {"extra": {"default": true}}}],
        "properties": {
            "main": {"$ref": "#/$defs/server", "default": {}},
            "optional": {"properties": {"x": {"default": 1}}},
            "servers": {"items": {"$ref": "#/$defs/server"}},
            "nothing": {"default": null},
        },
    });
    let given = json!({"servers": [{}, {"port": 1}], "nothing": 5});
    let expected = json!({"main": {"port": 80}, "servers": [{"port": 80}, {"port": 1}], "nothing": 5, "extra": true});
    assert_eq!(checked(schema.clone(), given), Ok(expected), "an object that is not there gets no fields");
    let expected = json!({"main": {"port": 80}, "nothing": null, "extra": true});
    assert_eq!(checked(schema, json!(null)), Ok(expected));
}

#[test]
fn a_given_null_is_no_gap_and_defaults_are_checked_too() {
    let schema = json!({"properties": {"n": {"type": "integer", "default": 3}, "m": {"type": "integer", "default": "x"}}});
    assert_eq!(checked(schema.clone(), json!({"n": null, "m": 1})), Err(vec!["/n".to_owned()]));
    assert_eq!(checked(schema, json!({})), Err(vec!["/m".to_owned()]));
}

#[test]
fn each_missing_and_each_unwanted_property_has_its_path() {
    let schema = json!({"required": ["a", "b/c"], "properties": {"a": {}, "b/c": {}, "d": {"required": ["e"]}}, "additionalProperties": false});
    let paths = checked(schema, json!({"d": {}, "x": 1, "y": 2})).unwrap_err();
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/a", "/b~1c", "/d/e", "/x", "/y"]);
}

#[test]
fn schemas_never_load_anything_from_elsewhere() {
    for reference in ["file:///etc/passwd", "https://example.com/schema.json", "other.json"] {
        let refused = Compiled::new(&json!({"$ref": reference})).unwrap_err();
        assert!(refused.contains("outside the schema"), "{refused}");
    }
    let inner = Compiled::new(&json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}})).unwrap();
    assert_eq!(inner.check(&json!(1)), []);
    assert_eq!(inner.check(&json!("x")).len(), 1);
}

#[test]
fn the_schema_of_the_format_accepts_what_loads_and_refuses_what_does_not() {
    let format = Compiled::new(&schema::document()).unwrap();
    let document: serde_json::Value = serde_json::from_str(DOCS).unwrap();
    assert_eq!(format.check(&document), []);
    assert_ne!(format.check(&json!({"name": "x", "stages": []})), []);
    assert_ne!(format.check(&json!({"name": "x", "stages": [{"id": "a", "type": "nope"}]})), []);
    let wrong = json!({"name": "x", "stages": [{"id": "a", "type": "http_request", "config": {"url": "u", "verify_ssl": 3}}]});
    assert_ne!(format.check(&wrong), [], "the config is checked by its component");
}

/// The snippets of the product's overview, as they stand there.
#[test]
fn the_snippets_of_the_overview_load_without_a_warning() {
    let snippets = [
        r#"{"id": "trigger-github-workflow", "component_type": "http-request", "config": {
            "url": "https://api.github.com/repos/{{input.owner}}/{{input.repo}}/actions/workflows/{{input.workflow_id}}/dispatches",
            "method": "POST", "headers": {"Authorization": "Bearer {{input.github_token}}", "Accept": "application/vnd.github.v3+json"},
            "body": {"ref": "{{input.branch}}", "inputs": {"environment": "{{input.environment}}"}}}}"#,
        r#"{"id": "poll-deployment", "component_type": "http-request", "config": {"url": "{{input.deployment_url}}/status", "method": "GET"},
            "error_handling": {"on_error": "retry", "max_retries": 10, "retry_delay": 5000}}"#,
        r#"{"id": "check-exists", "component_type": "http-request", "config": {"url": "{{input.resource_url}}", "method": "GET"}},
           {"id": "create-if-missing", "component_type": "conditional", "depends_on": ["check-exists"],
            "config": {"condition": "{{upstream.check-exists.status_code}} == 404", "true_stages": ["create-resource"], "false_stages": ["skip-creation"]}},
           {"id": "create-resource", "component_type": "logger", "config": {"message": "x"}},
           {"id": "skip-creation", "component_type": "logger", "config": {"message": "x"}}"#,
        r#"{"id": "deploy-with-fallback", "component_type": "trycatch", "config": {"try_stages": ["deploy-primary"],
            "catch_stages": ["deploy-fallback", "notify-team"], "finally_stages": ["log-result"]}},
           {"id": "deploy-primary", "component_type": "logger", "config": {"message": "x"}},
           {"id": "deploy-fallback", "component_type": "logger", "config": {"message": "{{upstream.deploy-primary.error}}"}},
           {"id": "notify-team", "component_type": "logger", "config": {"message": "{{upstream.deploy-primary.error_type}}"}},
           {"id": "log-result", "component_type": "logger", "config": {"message": "x"}},
           {"id": "after", "component_type": "logger", "depends_on": ["deploy-with-fallback"], "config": {"message": "{{upstream.deploy-primary.x}}"}}"#,
        r#"{"id": "log-deployment-start", "component_type": "logger", "config": {"message": "Starting deployment to {{input.environment}}",
            "level": "info", "data": {"version": "{{input.version}}", "deployer": "{{input.deployer}}", "timestamp": "{{now()}}"}}}"#,
        r#"{"id": "validate-config", "component_type": "schema-validate", "config": {"data": "{{input}}", "schema": {"type": "object",
            "required": ["environment", "version", "approver"], "properties": {"environment": {"type": "string", "enum": ["staging", "production"]},
            "version": {"type": "string", "pattern": "^v[0-9]+\\.[0-9]+\\.[0-9]+$"}}}}}"#,
    ];
    for snippet in snippets {
        let text = format!("{{\"name\": \"overview\", \"stages\": [{snippet}]}}");
        let loaded = load(&text, Format::Json);
        assert_eq!(loaded.problems, [], "{snippet}");
        assert!(loaded.pipeline.is_some());
    }
}

/// What each stage waits for beyond what is written, and the messages.
fn waits(text: &str) -> (Vec<(String, Vec<String>)>, Vec<String>) {
    let loaded = load(text, Format::Yaml);
    let messages = loaded.problems.iter().map(|problem| problem.message.clone()).collect();
    let stages = loaded.pipeline.map(|pipeline| pipeline.stages).unwrap_or_default();
    let waiting = stages.iter().filter(|stage| !stage.waits_for.is_empty());
    (waiting.map(|stage| (stage.id.to_string(), stage.waits_for.iter().map(ToString::to_string).collect())).collect(), messages)
}

#[test]
fn a_dependency_inside_a_loop_on_what_comes_after_the_loop_is_a_cycle() {
    let text = "id: cyc\nstages:\n  - {id: L, type: foreach, config: {items: [1,2], loop_stages: [s]}}\n  \
        - {id: s, type: shell, depends_on: [x], config: {run: 'echo s'}}\n  \
        - {id: x, type: shell, depends_on: [L], config: {run: 'echo x'}}\n";
    let loaded = load(text, Format::Yaml);
    assert!(loaded.pipeline.is_none());
    let problem = &loaded.problems[0];
    assert_eq!((problem.code, problem.message.as_str()), ("cycle", "the stages depend on each other: x -> L -> s -> x"));
    assert_eq!(problem.position(text), (4, 39));
}

#[test]
fn a_cycle_through_nested_frames_and_branches_is_found() {
    let text = "{id: p, stages: [
      {id: outer, type: trycatch, config: {try_stages: [each]}},
      {id: each, type: foreach, config: {items: [1], loop_stages: [check]}},
      {id: check, type: conditional, config: {condition: true, true_stages: [yes]}},
      {id: yes, type: logger, depends_on: [second], config: {message: m}},
      {id: first, type: logger, depends_on: [outer], config: {message: m}},
      {id: second, type: logger, depends_on: [first], config: {message: m}}]}";
    let problems = load(text, Format::Yaml).problems;
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["the stages depend on each other: second -> first -> outer -> each -> check -> yes -> second"]);
}

#[test]
fn a_document_of_any_size_keeps_its_implicit_waits() {
    let logger = |id: String, after: String, reads: &str| {
        format!("{{id: {id}, type: logger, depends_on: [{after}], config: {{message: '{{{{upstream.{reads}.n}}}}'}}}}")
    };
    let chain = (1..8_000).map(|at| logger(format!("s{at}"), format!("s{}", at - 1), "s0"));
    let chain: Vec<String> = chain.collect();
    let text = format!(
        "{{id: p, stages: [{{id: s0, type: logger, config: {{message: m}}}}, {}, {}, {{id: z, type: logger, config: {{message: m}}}}]}}",
        chain.join(",\n"),
        logger("late".to_owned(), String::new(), "z")
    );
    let begun = std::time::Instant::now();
    let (waiting, messages) = waits(&text);
    assert_eq!(waiting, [("late".to_owned(), vec!["z".to_owned()])]);
    assert_eq!(messages, ["`late` reads `z` without depending on it"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_catch_that_reads_a_stage_of_a_guard_inside_the_tried_part_gets_no_wrong_advice() {
    let text = "{id: p, stages: [
      {id: outer, type: trycatch, config: {try_stages: [inner], catch_stages: [tell]}},
      {id: inner, type: trycatch, config: {try_stages: [x], finally_stages: [tidy]}},
      {id: x, type: logger, config: {message: m}}, {id: tidy, type: logger, config: {message: m}},
      {id: tell, type: logger, config: {message: '{{upstream.x.error}}'}}]}";
    assert_eq!(waits(text), (Vec::new(), Vec::new()));
}

#[test]
fn stages_that_only_read_each_other_from_the_end_to_the_beginning_all_wait() {
    let reader = |at: usize| format!("{{id: s{at}, type: logger, config: {{message: '{{{{upstream.s{}.n}}}}'}}}}", at + 1);
    let readers: Vec<String> = (0..4_000).map(reader).collect();
    let text = format!("{{id: p, stages: [{}, {{id: s4000, type: logger, config: {{message: m}}}}]}}", readers.join(",\n"));
    let (waiting, _) = waits(&text);
    assert_eq!(waiting.len(), 4_000);
    let round = text.replace("{message: m}", "{message: '{{upstream.s0.n}}'}");
    let (waiting, messages) = waits(&round);
    assert_eq!((waiting.len(), waiting[3_999].0.as_str()), (4_000, "s3999"));
    assert!(messages.len() <= 500);
}
