//! What a run should have come to against what it came to: pure, from the test and the run to the failures.

use serde_json::{Value, json};

use super::scope::{Outcome, facts};
use crate::language::Pipeline;
use crate::language::expression::{self, truthy};
use crate::language::suite::matching::{self, Difference, text_contains};
use crate::language::suite::{Case, ErrorExpect, NOT_RUN, StageExpect, UNMOCKED};
use crate::model::{Run, RunStatus, StageError};

/// One thing that is not as the test says.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    Said(String),
    /// A place in the outcome; `None`: nothing is, or should be, there.
    Differs {
        path: String,
        expected: Option<Value>,
        found: Option<Value>,
    },
    /// An assertion that does not hold, with what it read, or why it could not be evaluated.
    Assertion {
        source: String,
        read: Vec<(String, Value)>,
        error: Option<String>,
    },
}

/// Everything that is not as the test says; a stage that needed a mock and had none comes alone, the rest follows from it.
///
/// `below` are the runs that stages of this one have started.
pub fn judge(case: &Case, pipeline: &Pipeline, run: &Run, below: &[Run]) -> Vec<Failure> {
    let unmocked = unmocked(below.iter().chain([run]));
    if !unmocked.is_empty() {
        return unmocked;
    }
    let mut failures = Vec::new();
    how_it_ended(case, run, &mut failures);
    compare("output", case.expect.output.as_ref(), case.expect.contains.as_ref(), &run.output, &mut failures);
    for stage in &case.expect.stages {
        judge_stage(stage, run, &mut failures);
    }
    for id in &case.expect.not_run {
        let facts = facts(run, id.as_str());
        if facts["not_run"] == false {
            failures.push(differs(&format!("stages.{id}"), json!(NOT_RUN), facts["status"].clone()));
        }
    }
    let scope = Outcome::new(pipeline, run);
    failures.extend(case.expect.assert.iter().filter_map(|source| assertion(source, &scope)));
    failures
}

/// Stages that were about to have an effect, whatever the pipeline made of their error.
fn unmocked<'r>(runs: impl Iterator<Item = &'r Run>) -> Vec<Failure> {
    let mut said: Vec<String> = Vec::new();
    let stages = runs.flat_map(|run| run.stages.values());
    for error in stages.flat_map(|stage| &stage.attempts).filter_map(|attempt| attempt.error.as_ref()) {
        if error.details.get(UNMOCKED).is_some() && !said.contains(&error.message) {
            said.push(error.message.clone());
        }
    }
    said.sort();
    said.into_iter().map(Failure::Said).collect()
}

fn how_it_ended(case: &Case, run: &Run, failures: &mut Vec<Failure>) {
    let wanted = case.expect.error.as_ref();
    let status = case.expect.status.unwrap_or(if wanted.is_some() { RunStatus::Failed } else { RunStatus::Succeeded });
    if run.status != status {
        failures.push(differs("status", json!(status), json!(run.status)));
        if let Some(error) = &run.error {
            let stage = error.stage.as_ref().map(|stage| format!(" (stage `{stage}`)")).unwrap_or_default();
            failures.push(Failure::Said(format!("the run ended with {error}{stage}")));
        }
    } else if let Some(wanted) = wanted {
        judge_error("error", wanted, run.error.as_ref(), failures);
    }
}

fn judge_stage(expect: &StageExpect, run: &Run, failures: &mut Vec<Failure>) {
    let path = format!("stages.{}", expect.id);
    let facts = facts(run, &expect.id);
    if let Some(status) = &expect.status {
        let fits = if status == NOT_RUN { facts["not_run"] == true } else { facts["status"] == status.as_str() };
        if !fits {
            failures.push(differs(&format!("{path}.status"), json!(status), facts["status"].clone()));
            if let Some(message) = facts["error"]["message"].as_str() {
                failures.push(Failure::Said(format!("`{}` ended with {}: {message}", expect.id, facts["error_type"])));
            }
        }
    }
    compare(&format!("{path}.output"), expect.output.as_ref(), expect.contains.as_ref(), &facts["output"], failures);
    if let Some(wanted) = &expect.error {
        let error = run.stages.get(expect.id.as_str()).and_then(|stage| stage.error.as_deref());
        judge_error(&format!("{path}.error"), wanted, error, failures);
    }
    if let Some(reason) = &expect.reason
        && !facts["reason"].as_str().is_some_and(|text| text_contains(reason, text))
    {
        failures.push(differs(&format!("{path}.reason"), json!(reason), facts["reason"].clone()));
    }
    for (name, wanted) in [("attempts", expect.attempts), ("iterations", expect.iterations)] {
        if let Some(wanted) = wanted.filter(|wanted| facts[name] != json!(wanted)) {
            failures.push(differs(&format!("{path}.{name}"), json!(wanted), facts[name].clone()));
        }
    }
    if let Some(wanted) = &expect.called_with {
        judge_calls(&format!("{path}.called_with"), wanted, &facts["calls"], failures);
    }
}

/// A list is about every call in order; anything else about one of them.
fn judge_calls(path: &str, wanted: &Value, calls: &Value, failures: &mut Vec<Failure>) {
    if wanted.is_array() {
        return compare(path, None, Some(wanted), calls, failures);
    }
    match calls.as_array().map(Vec::as_slice).unwrap_or_default() {
        [] => failures.push(Failure::Differs { path: path.to_owned(), expected: Some(wanted.clone()), found: None }),
        [call] => compare(path, None, Some(wanted), call, failures),
        several => {
            if !several.iter().any(|call| matching::contains(wanted, call).is_empty()) {
                failures.push(differs(path, wanted.clone(), calls.clone()));
            }
        }
    }
}

fn judge_error(path: &str, wanted: &ErrorExpect, error: Option<&StageError>, failures: &mut Vec<Failure>) {
    let Some(error) = error else {
        let message = wanted.message.as_ref().or(wanted.kind.as_ref()).map_or_else(|| json!("an error"), |text| json!(text));
        return failures.push(Failure::Differs { path: path.to_owned(), expected: Some(message), found: None });
    };
    if let Some(kind) = wanted.kind.as_deref().filter(|kind| *kind != error.kind.name()) {
        failures.push(differs(&format!("{path}.type"), json!(kind), json!(error.kind)));
    }
    if let Some(stage) = wanted.stage.as_ref().filter(|stage| Some(*stage) != error.stage.as_ref()) {
        failures.push(differs(&format!("{path}.stage"), json!(stage), json!(error.stage)));
    }
    if let Some(message) = wanted.message.as_ref().filter(|message| !text_contains(message, &error.message)) {
        failures.push(differs(&format!("{path}.message"), json!(message), json!(error.message)));
    }
}

fn compare(path: &str, exact: Option<&Value>, partial: Option<&Value>, found: &Value, failures: &mut Vec<Failure>) {
    let differences = exact.map(|expected| matching::exact(expected, found));
    let more = partial.map(|expected| matching::contains(expected, found));
    for Difference { path: inside, expected, found } in differences.into_iter().chain(more).flatten() {
        failures.push(Failure::Differs { path: format!("{path}{inside}"), expected, found });
    }
}

fn differs(path: &str, expected: Value, found: Value) -> Failure {
    Failure::Differs { path: path.to_owned(), expected: Some(expected), found: Some(found) }
}

fn assertion(source: &str, scope: &Outcome<'_>) -> Option<Failure> {
    let failed = |read, error| Some(Failure::Assertion { source: source.to_owned(), read, error });
    let parsed = match expression::compile(source, scope) {
        Ok(parsed) => parsed,
        Err(error) => return failed(Vec::new(), Some(error.to_string())),
    };
    let error = match parsed.evaluate(scope) {
        Ok(value) if truthy(&value) => return None,
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let places = parsed.places().into_iter();
    failed(places.filter_map(|(text, place)| Some((text, place.evaluate(scope).ok()?))).collect(), error)
}
