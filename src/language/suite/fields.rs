//! The fields of a test file, as data: they are checked, documented and offered by editors from here.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::language::field::{Field, Kind, field};
use crate::language::schema::{object_of, rendered};

/// What a file says for all its tests, and a test for itself.
const SHARED: &[Field] = &[
    field("inputs", Kind::Map, "The run's inputs; a test's go over the file's."),
    field("sample", Kind::Flag, "Start from the pipeline's sample input."),
    field("env", Kind::Map, "Environment values. A test sees no others."),
    field("secrets", Kind::Map, "Secrets. A test sees no others; they are masked as always."),
    field("environment", Kind::Text, "As `flowdeck run --env`."),
    field("mocks", Kind::Map, "What stages answer instead of doing their work: by stage id or component type."),
    field("allow", Kind::Texts, "Component types or stage ids that run for real."),
    field("timeout", Kind::Seconds, "Time for one test; 60 seconds when absent."),
];

pub static FILE: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let own = [
        field("$schema", Kind::Text, "The JSON Schema an editor checks this file with."),
        field("pipeline", Kind::Text, "The pipeline: a path from here, or a name; the file beside this one when absent."),
        field("description", Kind::Text, "For people."),
        field("tests", Kind::List, "The tests, at least one."),
    ];
    [&own, SHARED].concat()
});

pub static CASE: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let own = [
        field("name", Kind::Text, "A sentence that says what is true; unique in the file."),
        field("description", Kind::Text, "For people."),
        field("expect", Kind::Map, "What must come of the run; without `status` it must succeed."),
        field("expect_error", Kind::Map, "The error the run must end with."),
        field("assert", Kind::Texts, "Expressions over `run`, `stages`, `output` and `input` that must hold."),
        field("skip", Kind::Any, "True, or why it is left out."),
        field("only", Kind::Flag, "Leaves the file's other tests out."),
    ];
    [&own, SHARED].concat()
});

pub const RUN_STATUS: &[&str] = &["succeeded", "failed", "cancelled"];
pub const STAGE_STATUS: &[&str] = &["succeeded", "failed", "skipped", "cancelled", "timed_out", "not_run"];
pub const ERROR_TYPES: &[&str] = &[
    "CONNECTIVITY",
    "TIMEOUT",
    "VALIDATION",
    "EXPRESSION",
    "TRANSFORMATION",
    "EXECUTION",
    "ROUTING",
    "SECURITY",
    "RETRY_EXHAUSTED",
    "CONTROL_FLOW",
    "CONFIGURATION",
    "CANCELLED",
    "UNKNOWN",
];

pub const EXPECT: &[Field] = &[
    field("status", Kind::Choice(RUN_STATUS), "How the run ends."),
    field("output", Kind::Any, "Its output, exactly."),
    field("contains", Kind::Any, "What its output holds at least; `/…/` is a regular expression."),
    field("stages", Kind::Map, "Stage ids to a status, or to more about them."),
    field("not_run", Kind::Stages, "Stages that must not have been tried."),
];

pub const STAGE_EXPECT: &[Field] = &[
    field("status", Kind::Choice(STAGE_STATUS), "How it ended; `not_run`: it was not tried."),
    field("output", Kind::Any, "Its output, exactly."),
    field("contains", Kind::Any, "What its output holds at least."),
    field("error", Kind::Any, "A part of the error's message, or `type` and `message`."),
    field("reason", Kind::Text, "Why it was skipped, or a part of it."),
    field("attempts", Kind::Integer, "How often it was tried."),
    field("iterations", Kind::Integer, "Rounds of its loop in which it was tried."),
    field("called_with", Kind::Any, "What its config holds at least once it is rendered; a list for every call in order."),
];

pub const ERROR_EXPECT: &[Field] = &[
    field("type", Kind::Choice(ERROR_TYPES), "The error's type."),
    field("stage", Kind::Text, "The stage that failed."),
    field("message", Kind::Text, "A part of the message, or `/a regular expression/`."),
    field("invalid", Kind::Choice(&["inputs", "pipeline"]), "No run starts, because this is not valid."),
];

pub const ANSWER: &[Field] = &[
    field("when", Kind::Any, "Only for calls like that: a part of the rendered config, or an expression."),
    field("output", Kind::Any, "The stage's output; templates see what the stage sees, and its `config`."),
    field("error", Kind::Any, "A message, or `type`, `message`, `recoverable` and `details`."),
];

pub const ANSWER_ERROR: &[Field] = &[
    field("type", Kind::Choice(ERROR_TYPES), "EXECUTION when absent."),
    field("message", Kind::Text, "What is said."),
    field("recoverable", Kind::Flag, "Whether `retry_config` tries again; true for CONNECTIVITY, TIMEOUT and EXECUTION."),
    field("details", Kind::Any, "More about it."),
];

/// What a real `shell` answers with.
pub const SHELL_OUTPUT: &[Field] = &[
    field("exit_code", Kind::Integer, "0 when absent; anything else fails the stage."),
    field("outputs", Kind::Map, "What the script writes to `$FLOWDECK_OUTPUT`."),
    field("duration_ms", Kind::Integer, "0 when absent."),
];

/// What a real `http-request` answers with.
pub const HTTP_OUTPUT: &[Field] = &[
    field("status_code", Kind::Integer, "200 when absent; judged as a real one."),
    field("headers", Kind::Map, "Names in lower case."),
    field("body", Kind::Any, "JSON or text."),
    field("elapsed_ms", Kind::Integer, "0 when absent."),
    field("success", Kind::Flag, "Whether the status is 2xx, when absent."),
    field("url", Kind::Text, "The request's, when absent."),
];

/// A draft-07 schema of test files, for editors.
pub fn schema() -> Value {
    let closed =
        |fields: &[Field]| json!({"type": "object", "additionalProperties": false, "properties": object_of(fields, rendered)});
    let refer = |name: &str| json!({"$ref": format!("#/definitions/{name}")});
    let mocks = json!({"type": "object", "additionalProperties": {"anyOf": [
        {"type": "null"}, refer("answer"), {"type": "array", "minItems": 1, "items": refer("answer")}
    ]}});
    let (mut file, mut case) = (closed(&FILE), closed(&CASE));
    let (mut expect, mut answer, mut stage) = (closed(EXPECT), closed(ANSWER), closed(STAGE_EXPECT));
    stage["properties"]["error"] = json!({"anyOf": [{"type": "string"}, refer("error")]});
    answer["properties"]["error"] = json!({"anyOf": [{"type": "string"}, closed(ANSWER_ERROR)]});
    let stages = json!({"anyOf": [{"enum": STAGE_STATUS}, stage]});
    expect["properties"]["stages"] = json!({"type": "object", "additionalProperties": stages});
    case["required"] = json!(["name"]);
    case["properties"]["expect"] = expect;
    case["properties"]["expect_error"] = refer("error");
    for part in [&mut file, &mut case] {
        part["properties"]["mocks"] = mocks.clone();
    }
    file["properties"]["tests"] = json!({"type": "array", "minItems": 1, "items": case});
    file["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    file["title"] = "flowdeck pipeline tests".into();
    file["required"] = json!(["tests"]);
    let template = json!({"type": "string", "pattern": "\\{\\{"});
    file["definitions"] = json!({"answer": answer, "error": closed(ERROR_EXPECT), "template": template});
    file
}

#[cfg(test)]
mod tests {
    use super::{ERROR_TYPES, RUN_STATUS, STAGE_STATUS};
    use crate::language::suite::NOT_RUN;
    use crate::model::{ErrorKind, RunStatus, StageStatus};

    #[test]
    fn the_words_are_those_of_runs_stages_and_errors() {
        assert!(ErrorKind::ALL.iter().map(|kind| kind.name()).eq(ERROR_TYPES.iter().copied()));
        assert!(RUN_STATUS.iter().all(|name| RunStatus::from_name(name).is_some_and(RunStatus::is_final)));
        let of_stage = |name: &str| name == NOT_RUN || StageStatus::from_name(name).is_some_and(StageStatus::is_final);
        assert!(STAGE_STATUS.iter().all(|name| of_stage(name)));
    }
}
