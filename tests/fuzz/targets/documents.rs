//! Files that people write: pipelines in both notations, the workspace file, inputs against a schema.

use std::path::Path;

use flowdeck::config::{self, File};
use flowdeck::language::{Format, Pipeline, StageSpec, inputs, load, report};
use serde_json::{Value, json};

use super::assert_place;

pub const WORDS: &[&str] = &[
    "\"stages\": [",
    "\"id\": ",
    "\"type\": \"shell\"",
    "\"depends_on\": [",
    "\"config\": {",
    "\"when\": ",
    "\"input_schema\": {",
    "\"retry_config\": {",
    "\"timeout\": \"30s\"",
    "\"output_stage_id\": ",
    "{{input.x}}",
    "upstream.a.b",
    "null",
    "true",
    "1e999",
    "18446744073709551616",
    "-0",
    "0.1",
    "\\ud83d\\ude00",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\r\n",
    "\t",
    "&a ",
    "*a",
    "<<: *a",
    "---\n",
    "...\n",
    "? ",
    "- ",
    ": ",
    "|\n",
    ">-\n",
    "!!str ",
    "!!int ",
    ".nan",
    ".inf",
    "~",
    "#",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    "yes",
    "0o17",
    "0x1f",
    "é統",
];

pub const TOML: &[&str] = &[
    "[engine]\n",
    "[console]\n",
    "[[services]]\n",
    "[secrets]\n",
    "[network]\n",
    "[ai]\n",
    "[ai.providers.x]\n",
    "idle_timeout = ",
    "\"30s\"",
    "name = ",
    "probe = {",
    "allow = [",
    "\"*.x\"",
    "key = { env = \"X\" }",
    "key = { file = \"k\" }",
    "'''",
    "\"\"\"",
    "= ",
    ".",
    "\n",
    "\r\n",
    "[",
    "]",
    "{",
    "}",
    "é",
    "\u{feff}",
    "#",
    "1979-05-27T07:32:00Z",
    "inf",
    "nan",
    "0xff",
    "-1",
];

pub const SCHEMA: &[&str] = &[
    "\"$ref\": \"#\"",
    "\"$ref\": \"#/properties/a\"",
    "\"allOf\": [",
    "\"properties\": {",
    "\"items\": ",
    "\"default\": ",
    "\"required\": [\"a\"]",
    "\"pattern\": \"^(a+)+$\"",
    "\"format\": \"date-time\"",
    "\"enum\": [",
    "\"type\": \"string\"",
    "\"multipleOf\": 0.01",
    "\"minimum\": 1e308",
    "\"uniqueItems\": true",
    "\"$schema\": \"http://json-schema.org/draft-04/schema#\"",
    "\"$id\": \"x\"",
    "\"$dynamicRef\": \"#a\"",
    "\n",
    "{",
    "}",
    "[",
    "]",
    "null",
    "1e308",
    "\"a\"",
];

/// A pipeline in JSON; written out again it means the same, in both notations.
pub fn json(data: &[u8]) {
    let Some(pipeline) = check(data, Format::Json) else { return };
    let text = String::from_utf8_lossy(data);
    // What loaded is JSON to everybody.
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).expect("a loaded document is JSON");
    let printed = format!("{value:#}");
    let again = load(&printed, Format::Json).pipeline.map(meaning);
    assert_eq!(again.as_ref(), Some(&meaning(pipeline)), "printed as {printed}");
    if !says_more_in_yaml(&value) {
        assert_eq!(load(&printed, Format::Yaml).pipeline.map(meaning), again, "as YAML: {printed}");
    }
}

/// A pipeline in YAML.
pub fn yaml(data: &[u8]) {
    check(data, Format::Yaml);
}

fn check(data: &[u8], format: Format) -> Option<Pipeline> {
    let text = String::from_utf8_lossy(data);
    let loaded = load(&text, format);
    assert_eq!(loaded.pipeline.is_none(), loaded.has_errors());
    let lines = text.matches('\n').count() + 1;
    for problem in &loaded.problems {
        assert_place(&text, &problem.span, problem);
        let (line, column) = problem.position(&text);
        assert!((1..=lines).contains(&line) && column >= 1, "{line}:{column} of {problem:?}");
    }
    let shown = report(&loaded.problems, "p", &text, false);
    assert_eq!(shown.is_empty(), loaded.problems.is_empty());
    let again = load(&text, format);
    assert_eq!(again.problems, loaded.problems, "loading is deterministic");
    loaded.pipeline
}

/// Everything a pipeline says, without the places in its text.
fn meaning(mut pipeline: Pipeline) -> String {
    pipeline.stages.iter_mut().for_each(|stage: &mut StageSpec| stage.span = 0..0);
    let Pipeline { id, name, version, description, category, tags, metadata, input_schema, output_schema, stages, .. } =
        &pipeline;
    let head = format!("{:?}", (id, name, version, description, category, tags, metadata, input_schema, output_schema, stages));
    let Pipeline { output_stage, sample_input, environment, concurrency_group, triggers, max_concurrency, timeout, .. } =
        &pipeline;
    format!("{head}{:?}", (output_stage, sample_input, environment, concurrency_group, triggers, max_concurrency, timeout))
}

/// Merge keys are YAML's own; control characters that JSON may leave as they are have no place in it.
fn says_more_in_yaml(value: &Value) -> bool {
    let special = |text: &str| {
        text == "<<" || text.chars().any(|c| ('\u{7f}'..'\u{a0}').contains(&c) || "\u{feff}\u{fffe}\u{ffff}".contains(c))
    };
    match value {
        Value::String(text) => special(text),
        Value::Array(items) => items.iter().any(says_more_in_yaml),
        Value::Object(map) => map.iter().any(|(key, value)| special(key) || key.len() > 1000 || says_more_in_yaml(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `flowdeck.toml`.
pub fn workspace(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let first = File::parse(&text, Path::new("/workspace"));
    if let Err(problems) = &first {
        assert!(!problems.is_empty());
        for problem in problems {
            assert_place(&text, &problem.span, problem);
            assert!(problem.line >= 1 && problem.line <= text.matches('\n').count() + 1, "{problem:?}");
        }
        assert!(!config::report(problems, Path::new("flowdeck.toml"), &text, false).is_empty());
    }
    // Compared as they are shown: not-a-number is no number's equal.
    assert_eq!(format!("{first:?}"), format!("{:?}", File::parse(&text, Path::new("/workspace"))));
}

/// The first line is a schema, the rest a value: what fits once, with its defaults, fits again and stays.
pub fn inputs(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (schema, given) = text.split_once('\n').unwrap_or((&text, "{}"));
    let (Ok(schema), Ok(given)) = (serde_json::from_str::<Value>(schema), serde_json::from_str::<Value>(given)) else { return };
    let stage = json!({"id": "a", "type": "logger", "config": {"message": "m"}});
    let document = json!({"id": "p", "input_schema": schema, "stages": [stage]}).to_string();
    let Some(pipeline) = load(&document, Format::Json).pipeline else { return };
    match inputs::check(&pipeline, given) {
        Ok(fits) => assert_eq!(inputs::check(&pipeline, fits.clone()), Ok(fits), "{document}"),
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| problem.path.is_empty() || problem.path.starts_with('/')), "{problems:?}");
        }
    }
}
