//! What a person reads when a pipeline is wrong (language reference: Document).

use insta::assert_snapshot;

use crate::language::{Format, Severity, load, report};

fn shown(text: &str) -> String {
    let loaded = load(text, Format::sniff(text));
    assert_eq!(loaded.pipeline.is_none(), loaded.has_errors(), "{:?}", loaded.problems);
    report(&loaded.problems, "p.json", text, false)
}

fn codes(text: &str) -> Vec<&'static str> {
    load(text, Format::sniff(text)).problems.into_iter().map(|problem| problem.code).collect()
}

fn codes_of_stages(stages: &str) -> Vec<&'static str> {
    codes(&format!("{{\"name\": \"p\", \"stages\": [{stages}]}}"))
}

#[test]
fn all_problems_of_a_file_are_reported_in_one_pass_in_order() {
    let text = r#"{
  "name": "p",
  "stagse": [],
  "stages": [
    {"id": "build", "component_type": "http-reqest", "config": {}},
    {"id": "test it", "component_type": "logger", "config": {"message": "m"}},
    {"id": "deploy", "component_type": "http-request", "depends_on": ["biuld"], "config": {"method": "GET", "urll": "x"}},
    {"id": "deploy", "component_type": "logger", "config": {"message": "{{ input.x + }}"}}
  ],
  "output_stage_id": "deplyo"
}"#;
    assert_snapshot!(shown(text));
}

#[test]
fn a_cycle_is_drawn_as_a_chain() {
    let text = r#"{"name": "p", "stages": [
  {"id": "a", "type": "logger", "config": {"message": "m"}, "depends_on": ["c"]},
  {"id": "b", "type": "logger", "config": {"message": "m"}, "depends_on": ["a"]},
  {"id": "c", "type": "logger", "config": {"message": "m"}, "depends_on": ["b"]},
  {"id": "d", "type": "logger", "config": {"message": "m"}, "depends_on": ["a"]},
  {"id": "self", "type": "logger", "config": {"message": "m"}, "depends_on": ["self"]}
]}"#;
    let problems = load(text, Format::Json).problems;
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["the stages depend on each other: a -> b -> c -> a", "the stages depend on each other: self -> self"]);
    assert_eq!(problems[0].position(text), (2, 76));
    assert_snapshot!(shown(text));
}

#[test]
fn a_control_flow_stage_that_depends_on_what_it_lists_is_a_cycle() {
    let stages = r#"{"id": "if", "type": "conditional", "depends_on": ["x"], "config": {"condition": true, "true_stages": ["x"]}},
        {"id": "x", "type": "logger", "config": {"message": "m"}}"#;
    assert_eq!(codes_of_stages(stages), ["cycle"]);
}

#[test]
fn a_syntax_error_of_json_is_one_problem_with_its_place() {
    let cases = [
        ("{\"name\": \"p\",\n \"stages\": [1,]}", "trailing commas are not allowed", (2, 14)),
        ("{\"name\": \"p\"\n \"stages\": []}", "expected comma", (1, 13)),
        ("{\"name\": \"p,\n \"stages\": []}", "this string is not closed on its line", (1, 10)),
        ("{\"name\": \"p\", // c\n \"stages\": []}", "comments are not allowed", (1, 15)),
        ("{\"name\": \"p\", \"stages\": [", "this bracket is never closed", (1, 25)),
        ("{name: \"p\"}", "", (1, 2)),
        ("{'name': 1}", "", (1, 2)),
        ("{\"a\": 01}", "", (1, 8)),
        ("{\"a\": +1}", "", (1, 7)),
        ("{\"a\": NaN}", "", (1, 7)),
        ("{\"a\": 0x1}", "", (1, 7)),
        ("{\"a\": tru}", "", (1, 7)),
        ("{} {}", "", (1, 4)),
        ("{\"é\": \"ü\", \"x\" 1}", "", (1, 16)),
    ];
    for (text, message, position) in cases {
        let problems = load(text, Format::Json).problems;
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert_eq!((problems[0].code, problems[0].severity), ("syntax", Severity::Error), "{text}");
        assert!(problems[0].message.starts_with(message), "{text}: {}", problems[0].message);
        assert_eq!(problems[0].position(text), position, "{text}: {}", problems[0].message);
    }
}

#[test]
fn a_syntax_error_of_yaml_has_its_place_behind_wide_characters_too() {
    let text = "name: \"Größe 統合\"\nstages:\n  - id: a\n   type: x\n";
    let problems = load(text, Format::Yaml).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].position(text).0, 4, "{problems:?}");
    let text = "name: \"統合\" # 統合 統合\nstages:\n  - id: ä統\n    type: logger\n    config: {message: m}\n";
    let problems = load(text, Format::Yaml).problems;
    assert_eq!(
        problems.iter().map(|problem| (problem.code, &text[problem.span.clone()])).collect::<Vec<_>>(),
        [("bad-id", "ä統")]
    );
    assert_snapshot!(shown(text));
}

#[test]
fn the_caret_points_into_the_template() {
    let text = "{\"name\": \"p\", \"stages\": [\n  {\"id\": \"a\", \"type\": \"logger\", \"config\": {\"message\": \"é \\\"x\\\" {{ input.a and }} {{ upstream.nope.x }}\"}}\n]}";
    let problems = load(text, Format::Json).problems;
    let shown_at: Vec<&str> = problems.iter().map(|problem| &text[problem.span.clone()]).collect();
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["bad-expression", "unknown-stage"]);
    assert_eq!(shown_at, [" ", "nope"]);
    assert_snapshot!(shown(text));
}

#[test]
fn yaml_blocks_keep_the_place_of_their_templates() {
    let text = "name: p\nstages:\n  - id: a\n    type: shell\n    config:\n      run: |\n        echo ok\n        echo {{ input.x }} {{ input.y - }}\n        echo {{ raw(input.z) }}\n";
    let problems = load(text, Format::Yaml).problems;
    let found: Vec<_> =
        problems.iter().map(|problem| (problem.code, problem.position(text).0, &text[problem.span.clone()])).collect();
    assert_eq!(found, [("bad-expression", 8, " "), ("raw-splice", 9, " raw(input.z) ")]);
}

#[test]
fn warnings_do_not_keep_a_pipeline_from_loading() {
    let text = r#"{"name": "p", "version": "one", "stages": [
  {"id": "if", "type": "conditional", "config": {"condition": "{{ inputs.x }}", "true_stages": ["gone", "b"]}},
  {"id": "b", "type": "logger", "timout": 5, "config": {"message": "{{ upstream.c.x }} {{ upstream.if.data }}", "levle": 1}},
  {"id": "c", "type": "logger", "config": {"message": "m"}}
]}"#;
    assert!(load(text, Format::Json).pipeline.is_some());
    assert_snapshot!(shown(text));
}

#[test]
fn wrong_types_and_values_are_errors() {
    let stage =
        |fields: &str| codes_of_stages(&format!(r#"{{"id": "a", "type": "logger", "config": {{"message": "m"}}, {fields}}}"#));
    assert_eq!(stage(r#""timeout": "soon""#), ["wrong-type"]);
    assert_eq!(stage(r#""timeout": -1"#), ["wrong-type"]);
    assert_eq!(stage(r#""timeout": []"#), ["wrong-type"]);
    assert_eq!(stage(r#""depends_on": [{}]"#), ["wrong-type"]);
    assert_eq!(stage(r#""enabled": "maybe""#), ["wrong-type"]);
    assert_eq!(stage(r#""on_error": "ignore""#), ["wrong-value"]);
    assert_eq!(stage(r#""on_unknown": "hope""#), ["wrong-value"]);
    assert_eq!(stage(r#""error_handling": {"on_error": "rety"}"#), ["wrong-value"]);
    assert_eq!(stage(r#""error_handling": {"on_error": "continue", "retry_until": "true"}"#), ["unused-field"]);
    assert_eq!(stage(r#""retry_config": {"max_retries": -1}"#), ["wrong-type"]);
    assert_eq!(stage(r#""retry_config": []"#), ["wrong-type"]);
    assert_eq!(stage(r#""compensate": "nope""#), ["unknown-compensation"]);
    assert_eq!(stage(r#""when": "a &&""#), ["bad-expression"]);
    assert_eq!(stage(r#""timeout": null, "depends_on": null, "name": null, "x-note": 1"#), Vec::<&str>::new());
    let config = |config: &str| codes_of_stages(&format!(r#"{{"id": "a", "type": "http-request", "config": {config}}}"#));
    assert_eq!(config(r#"{"url": []}"#), ["wrong-type"]);
    assert_eq!(config(r#"{"url": "u", "timeout": "{{input.t}}"}"#), Vec::<&str>::new());
    assert_eq!(config(r#"{"url": "u", "timeout": "abc"}"#), ["wrong-type"]);
    assert_eq!(config(r#"{"url": null}"#), ["missing-config"]);
    assert_eq!(config("5"), ["missing-config", "wrong-type"]);
}

#[test]
fn a_stage_that_undoes_another_has_no_other_part() {
    let with = |first: &str, undo: &str, more: &str| {
        codes_of_stages(&format!(
            r#"{{"id": "a", "type": "logger", "config": {{"message": "m"}}{first}}}, {{"id": "undo", "type": "logger", "config": {{"message": "m"}}{undo}}}{more}"#
        ))
    };
    let stage = |id: &str, rest: &str| format!(r#", {{"id": "{id}", "type": "logger", "config": {{"message": "m"}}{rest}}}"#);
    let named = r#", "compensate": "undo""#;
    assert_eq!(with(named, "", ""), Vec::<&str>::new());
    assert_eq!(with(r#", "compensate": ["undo", "undo"]"#, r#", "depends_on": ["a"]"#, ""), Vec::<&str>::new());
    assert_eq!(with(r#", "compensate": "a""#, "", ""), ["compensation-itself"]);
    assert_eq!(with(named, r#", "compensate": "c""#, &stage("c", "")), ["compensation-chained"]);
    assert_eq!(with(named, "", &stage("b", r#", "depends_on": ["undo"]"#)), ["compensation-needed"]);
    assert_eq!(with(named, "", &stage("b", named)), ["compensation-shared"]);
    assert_eq!(with(named, r#", "depends_on": ["b"]"#, &stage("b", "")), ["unused-dependency"]);
    let branch = r#", {"id": "if", "type": "conditional", "config": {"condition": "input.x", "true_stages": ["undo"]}}"#;
    assert_eq!(with(named, "", branch), ["compensation-owned"]);
    assert_eq!(with(r#", "compensate": "if""#, "", branch), ["compensation-kind"]);
    let reads = r#", {"id": "b", "type": "logger", "config": {"message": "{{upstream.undo.logged}}"}}"#;
    assert_eq!(with(named, "", reads), ["not-upstream"]);
    let reading = codes_of_stages(
        r#"{"id": "a", "type": "logger", "compensate": "undo", "config": {"message": "m"}}, {"id": "b", "type": "logger", "config": {"message": "m"}},
        {"id": "undo", "type": "logger", "config": {"message": "{{compensates}} {{upstream.a.logged}} {{upstream.b.logged}} {{context.idempotency_key}}"}}"#,
    );
    assert_eq!(reading, Vec::<&str>::new(), "by then everything has ended");
    let looped = r#", {"id": "each", "type": "foreach", "config": {"items": [1], "loop_stages": ["guard"]}},
        {"id": "guard", "type": "trycatch", "config": {"try_stages": ["a"]}}"#;
    assert_eq!(with(named, "", looped), ["compensation-in-loop"]);
    let guarded = r#", {"id": "guard", "type": "trycatch", "config": {"try_stages": ["a"]}}"#;
    assert_eq!(with(named, "", guarded), Vec::<&str>::new());
    let text = r#"{"id": "p", "output_stage_id": "undo", "stages": [
        {"id": "a", "type": "logger", "compensate": "undo", "config": {"message": "m"}},
        {"id": "undo", "type": "logger", "config": {"message": "m"}}]}"#;
    assert_eq!(codes(text), ["compensation-output"]);
}

#[test]
fn what_is_wrong_with_a_compensation_is_shown_at_its_place() {
    let text = r#"{"name": "p", "stages": [
  {"id": "ship", "type": "logger", "config": {"message": "m"}, "compensate": ["unship", "ship"]},
  {"id": "tell", "type": "logger", "config": {"message": "m"}, "depends_on": ["unship"]},
  {"id": "unship", "type": "logger", "config": {"message": "m"}}
]}"#;
    let problems = load(text, Format::Json).problems;
    let told: Vec<_> = problems.iter().map(|problem| (problem.position(text), problem.message.as_str())).collect();
    assert_eq!(
        told,
        [((2, 89), "`ship` cannot undo itself"), ((3, 79), "`tell` depends on `unship`, which runs only to undo `ship`"),]
    );
}

#[test]
fn a_template_where_none_is_read_is_an_error_and_not_quietly_ignored() {
    let stage =
        |fields: &str| codes_of_stages(&format!(r#"{{"id": "a", "type": "logger", "config": {{"message": "m"}}, {fields}}}"#));
    for field in ["enabled", "idempotent", "timeout", "timeout_ms", "max_concurrency", "retry_config", "error_handling"] {
        assert_eq!(stage(&format!(r#""{field}": "{{{{input.x}}}}""#)), ["wrong-type"], "{field}");
    }
    assert_eq!(stage(r#""error_handling": {"on_error": "retry", "max_retries": "{{input.x}}"}"#), ["wrong-type"]);
    assert_eq!(stage(r#""retry_config": {"initial_delay_ms": "{{input.x}}"}"#), ["wrong-type"]);
    let whole = r#"{"id": "a", "type": "http-request", "config": "{{input.config}}"}"#;
    assert_eq!(codes_of_stages(whole), ["missing-config", "wrong-type"]);
    // In a config templates are rendered, whatever the field holds.
    let config =
        r#"{"id": "a", "type": "http-request", "config": {"url": "u", "timeout": "{{input.t}}", "headers": "{{input.h}}"}}"#;
    assert_eq!(codes_of_stages(config), Vec::<&str>::new());
}

#[test]
fn a_template_in_a_fallback_is_a_warning_for_it_is_published_as_it_is_written() {
    let stage = |fields: &str| {
        codes_of_stages(&format!(
            r#"{{"id": "a", "type": "logger", "config": {{"message": "m"}}, "on_error": "continue", {fields}}}"#
        ))
    };
    assert_eq!(stage(r#""fallback_output": {"n": ["{{input.n}}"]}"#), ["unread-template"]);
    assert_eq!(stage(r#""error_handling": {"fallback_output": "{{input.n}}"}"#), ["unread-template"]);
    assert_eq!(stage(r#""fallback_output": {"n": 1}"#), Vec::<&str>::new());
}

#[test]
fn a_template_in_a_list_of_stages_is_a_warning_for_nothing_runs_for_it() {
    let conditional = |list: &str| {
        codes_of_stages(&format!(
            r#"{{"id": "a", "type": "conditional", "config": {{"condition": "input.x", "true_stages": {list}}}}}"#
        ))
    };
    assert_eq!(conditional(r#""{{input.list}}""#), ["undefined-stage"]);
    assert_eq!(conditional(r#"["{{input.one}}"]"#), ["undefined-stage"]);
    let router = r#"{"id": "a", "type": "router", "config": {"value": "x", "routes": {"x": "{{input.one}}"}}}"#;
    assert_eq!(codes_of_stages(router), ["undefined-stage"]);
}

#[test]
fn documents_that_are_no_pipelines_say_so() {
    assert_eq!(codes("[]"), ["not-a-pipeline"]);
    assert_eq!(codes("just text"), ["not-a-pipeline"]);
    assert_eq!(codes(""), ["syntax"]);
    assert_eq!(load("", Format::Json).problems.len(), 1);
    assert_eq!(load("   \n", Format::Json).problems.len(), 1);
    assert_eq!(codes("{}"), ["missing-field", "missing-field"]);
    assert_eq!(codes(r#"{"name": "p", "stages": []}"#), ["missing-field"]);
    assert_eq!(codes(r#"{"name": "p", "stages": {}}"#), ["wrong-type"]);
    assert_eq!(codes(r#"{"name": "p", "stages": null}"#), ["missing-field"]);
    assert_eq!(codes(r#"{"name": "p", "stages": [1]}"#), ["wrong-type"]);
    assert_eq!(codes_of_stages("{}"), ["missing-field", "missing-field"]);
    assert_eq!(codes_of_stages(r#"{"id": "a", "id": "b", "type": "logger", "config": {"message": 1}}"#), ["duplicate-key"]);
    assert_eq!(codes("name: p\nstages: []\n---\nname: q\n"), ["syntax"]);
    assert_eq!(codes("name: p\nname: q\nstages: [{id: a, type: logger, config: {message: m}}]"), ["duplicate-key"]);
    let schema =
        r#"{"name": "p", "input_schema": {"type": 5}, "stages": [{"id": "a", "type": "logger", "config": {"message": 1}}]}"#;
    assert_eq!(codes(schema), ["bad-schema"]);
}

#[test]
fn stages_that_nothing_can_start_are_unreachable() {
    let leaf = |id: &str| format!(r#"{{"id": "{id}", "type": "logger", "config": {{"message": "m"}}}}"#);
    let never = format!(
        r#"{{"id": "if", "type": "conditional", "config": {{"condition": "true", "true_stages": ["a"], "false_stages": ["b"]}}}}, {}, {}"#,
        leaf("a"),
        leaf("b")
    );
    assert_eq!(codes_of_stages(&never), ["unreachable-stage"]);
    let off = format!(
        r#"{{"id": "if", "type": "conditional", "enabled": false, "config": {{"condition": "input.x", "true_stages": ["a"]}}}}, {}"#,
        leaf("a")
    );
    assert_eq!(codes_of_stages(&off), ["unreachable-stage"]);
}

#[test]
fn a_long_line_is_shown_as_a_window() {
    let padding = "x".repeat(5_000);
    let text = format!(
        r#"{{"name": "{padding}", "stages": [{{"id": "a b", "type": "logger", "config": {{"message": "{padding}"}}}}]}}"#
    );
    let shown = shown(&text);
    assert!(shown.contains("p.json:1:5032") && shown.contains("^^^^^"), "{shown}");
    assert!(shown.len() < 1_000, "{shown}");
}

#[test]
fn a_place_inside_a_line_break_can_be_shown() {
    for text in ["\n[\r\n", "\r\n{\r\n", "a: [\r\n\r\n", "\u{feff}\r\n["] {
        for format in [Format::Json, Format::Yaml] {
            let problems = load(text, format).problems;
            assert!(report(&problems, "p", text, false).contains("error["), "{text:?}");
        }
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let loaded = load("{}", Format::Json);
    assert!(report(&loaded.problems, "p", "{}", true).contains('\u{1b}'));
    assert!(!report(&loaded.problems, "p", "{}", false).contains('\u{1b}'));
    assert_eq!(report(&[], "p", "{}", false), "");
}
