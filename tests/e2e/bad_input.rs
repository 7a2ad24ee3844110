//! Whatever is thrown at it: a clear error with its place, exit code 2, and nothing lost.

use super::support::{Said, Workspace};

fn refused(text: &str, file: &str) -> Said {
    let workspace = Workspace::with(file, text);
    let said = workspace.say(&["run", &format!("pipelines/{file}"), "--json"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.out.is_empty(), "{said:#?}");
    assert!(!said.err.contains("panicked"), "{said:#?}");
    said
}

#[test]
fn a_problem_comes_with_file_line_column_and_caret() {
    let cases = [
        ("{\"id\": \"p\", \"stages\": [}", "p.json", "p.json:1:24"),
        ("id: p\nstages:\n  - id: a\n    type: shel\n    config: {run: x}\n", "p.yaml", "p.yaml:4:11"),
        ("id: p\nstages: 5\n", "p.yaml", "p.yaml:2:9"),
        ("id: p\nstages:\n  - {id: a, type: shell, config: {run: x}, depends_on: [b]}\n", "p.yaml", "p.yaml:3:"),
        ("id: p\nstages:\n  - {id: a, type: logger, config: {message: '{{input.x +}}'}}\n", "p.yaml", "p.yaml:3:"),
    ];
    for (text, file, place) in cases {
        let said = refused(text, file);
        assert!(said.err.contains(place), "{place}: {said:#?}");
        assert!(said.err.contains('^'), "{said:#?}");
    }
}

#[test]
fn a_cycle_is_printed_as_a_path() {
    let stage = |id: &str, after: &str| format!("{{id: {id}, type: shell, config: {{run: x}}, depends_on: [{after}]}}");
    let text = format!("{{id: p, stages: [{}, {}]}}", stage("a", "b"), stage("b", "a"));
    let said = refused(&text, "p.yaml");
    assert!(said.err.contains("a -> b -> a") || said.err.contains("b -> a -> b"), "{said:#?}");
}

#[test]
fn an_unknown_component_is_corrected() {
    let said = refused("{id: p, stages: [{id: a, type: http-requst, config: {url: x}}]}", "p.yaml");
    assert!(said.err.contains("http-request"), "{said:#?}");
}

#[test]
fn inputs_are_checked_before_anything_runs() {
    let text = "{id: p, input_schema: {type: object, required: [version], properties: {version: {type: string, pattern: '^v'}}},
      stages: [{id: a, type: shell, config: {run: 'echo ran >> effects'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    for args in [&["run", "p"][..], &["run", "p", "-i", "version=1.2"]] {
        let said = workspace.say(args);
        assert_eq!(said.code, Some(2), "{said:#?}");
        assert!(said.err.contains("version"), "{said:#?}");
    }
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn a_missing_environment_value_fails_the_stage_and_names_it() {
    let workspace =
        Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: logger, config: {message: '{{env.NOT_SET_ANYWHERE}}'}}]}");
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("NOT_SET_ANYWHERE"), "{said:#?}");
}

#[test]
fn a_template_that_fails_at_run_time_fails_its_stage() {
    let text = "{id: p, stages: [{id: a, type: json-transform, config: {template: {n: '{{1 / 0}}'}}}]}";
    let said = Workspace::with("p.yaml", text).say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(said.json()["stages"]["a"]["error"]["type"], "EXPRESSION");
}

#[test]
fn a_hostile_expression_ends_with_an_error() {
    for expression in
        ["[x for x in range(10**9)]", "'a' * 10**12", "9**9**9**9", "[[y for y in range(10**4)] for x in range(10**6)]"]
    {
        let text = format!("{{id: p, stages: [{{id: a, type: logger, config: {{message: \"{{{{{expression}}}}}\"}}}}]}}");
        let said = Workspace::with("p.yaml", &text).say(&["run", "p", "--json"]);
        assert!(matches!(said.code, Some(1 | 2)), "{expression}: {said:#?}");
    }
}

#[test]
fn a_hundred_thousand_brackets_are_an_error_and_no_crash() {
    for (text, file) in [
        ("[".repeat(100_000), "p.json"),
        ("[".repeat(100_000), "p.yaml"),
        (format!("{{\"id\": {}", "[".repeat(100_000)), "q.json"),
    ] {
        refused(&text, file);
    }
    let nested = format!("{{id: p, stages: [{{id: a, type: logger, config: {{message: '{{{{{}}}}}'}}}}]}}", "(".repeat(100_000));
    refused(&nested, "p.yaml");
}

#[test]
fn a_pipeline_of_ten_megabytes_loads_and_runs() {
    let filler = "x".repeat(10_000_000);
    let text = format!(
        "{{\"id\": \"p\", \"description\": \"{filler}\", \"stages\": [{{\"id\": \"a\", \"type\": \"logger\", \"config\": {{\"message\": \"hi\"}}}}]}}"
    );
    let workspace = Workspace::with("big.json", &text);
    workspace.ok(&["run", "big", "--plain"]);
}

#[test]
fn things_that_are_not_pipelines_are_refused_politely() {
    for (text, file) in [
        ("", "p.json"),
        ("null", "p.json"),
        ("[1, 2]", "p.yaml"),
        ("\u{feff}", "p.yaml"),
        ("a: b: c", "p.yaml"),
        ("{}", "p.json"),
    ] {
        refused(text, file);
    }
    let workspace = Workspace::new();
    std::fs::write(workspace.file("pipelines/p.json"), [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(workspace.say(&["run", "p"]).code, Some(2));
    assert_eq!(workspace.say(&["run", "nothere"]).code, Some(2));
    assert_eq!(workspace.say(&["frobnicate"]).code, Some(2));
}
