//! One test: its inputs checked, its document run in the tests' engine, what came of it judged.

use std::time::Duration;

use serde_json::Value;

use super::engine::Private;
use super::files::TestFile;
use super::include::{self, Bundle};
use super::judge::{Failure, judge};
use super::report::{Status, Verdict};
use crate::cli::Context;
use crate::cli::explain::chain;
use crate::client::{Client, Subscription, Update};
use crate::language::suite::{Case, Invalid, matching};
use crate::language::{Pipeline, inputs};
use crate::model::{Ending, EventKind, NewRun, Next, Run, RunId};

/// Carries a test out; a test that is left out comes back as such at once.
pub async fn case(private: &Private, context: &Context, file: &TestFile, case: &Case) -> Verdict {
    if let Some(reason) = &case.skip {
        return Verdict::at_once(Status::Skipped(reason.clone()));
    }
    let invalid = case.expect.error.as_ref().and_then(|error| error.invalid);
    let Some(pipeline) = &file.tested.pipeline else {
        let messages: Vec<&str> = file.tested.problems.iter().map(|problem| problem.message.as_str()).collect();
        return refused("the pipeline is not valid", &messages.join("; "), invalid == Some(Invalid::Pipeline), case);
    };
    let inputs = match inputs::check(pipeline, given(pipeline, case)) {
        Ok(inputs) => inputs,
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
            return refused("the inputs are not valid", &lines.join("; "), invalid == Some(Invalid::Inputs), case);
        }
    };
    if let Some(invalid) = invalid {
        let what = if invalid == Invalid::Inputs { "the inputs are" } else { "the pipeline is" };
        return Verdict::at_once(Status::Failed(vec![Failure::Said(format!("{what} valid, and should not be"))]));
    }
    let Bundle { definition, modules, includes } = match include::bundle(context, file, pipeline, case) {
        Ok(bundle) => bundle,
        Err(reason) => return Verdict::at_once(Status::Broken(reason)),
    };
    let new = NewRun {
        definition,
        format: "json".to_owned(),
        path: Some(file.tested.file.clone()),
        workspace: context.root().display().to_string(),
        inputs,
        environment: case.environment.clone(),
        modules,
        includes,
        values: case.values.clone(),
        timeout_ms: Some(u64::try_from(case.timeout.as_millis()).unwrap_or(u64::MAX)),
    };
    match to_the_end(&private.client, &new).await {
        Ok(runs) => verdict(case, pipeline, &runs),
        Err(reason) => Verdict::at_once(Status::Broken(reason)),
    }
}

/// The inputs before defaults: the sample, then the test's own.
fn given(pipeline: &Pipeline, case: &Case) -> Value {
    let mut fields = match pipeline.sample_input.clone().filter(|_| case.sample) {
        Some(Value::Object(sample)) => sample,
        _ => serde_json::Map::new(),
    };
    fields.extend(case.inputs.clone());
    Value::Object(fields)
}

/// The verdict on a run that could not begin.
fn refused(what: &str, why: &str, expected: bool, case: &Case) -> Verdict {
    let wanted = case.expect.error.as_ref().and_then(|error| error.message.as_deref()).unwrap_or_default();
    let fits = expected && matching::text_contains(wanted, why);
    let failure = match expected {
        true => {
            Failure::Differs { path: "expect_error.message".to_owned(), expected: Some(wanted.into()), found: Some(why.into()) }
        }
        false => Failure::Said(format!("{what}: {why}")),
    };
    Verdict::at_once(if fits { Status::Passed } else { Status::Failed(vec![failure]) })
}

fn verdict(case: &Case, pipeline: &Pipeline, (run, below): &(Run, Vec<Run>)) -> Verdict {
    let failures = judge(case, pipeline, run, below);
    let tried = run.stages.values().filter(|stage| !stage.attempts.is_empty());
    let tried = tried.map(|stage| stage.id.written().to_owned()).collect();
    let duration = run.finished_at.map_or(Duration::ZERO, |end| end.since(run.created_at));
    let status = if failures.is_empty() { Status::Passed } else { Status::Failed(failures) };
    Verdict { status, duration, tried }
}

/// Starts a run and waits for its end; gives it with the runs below it. The error says why there is none.
async fn to_the_end(client: &Client, new: &NewRun) -> Result<(Run, Vec<Run>), String> {
    let told = |error| chain(&error);
    let id = client.create(new).await.map_err(told)?;
    wait(client, &id).await?;
    let run = client.run(id.as_str()).await.map_err(told)?;
    let mut below = Vec::new();
    let mut open: Vec<RunId> = children(&run).collect();
    while let Some(id) = open.pop() {
        let run = client.run(id.as_str()).await.map_err(told)?;
        open.extend(children(&run));
        below.push(run);
    }
    Ok((run, below))
}

fn children(run: &Run) -> impl Iterator<Item = RunId> {
    run.stages.values().flat_map(|stage| &stage.attempts).filter_map(|attempt| attempt.child.clone())
}

async fn wait(client: &Client, id: &RunId) -> Result<(), String> {
    let mut updates = client.subscribe(Subscription { run: Some(id.clone()), after: Some(0), revive: None });
    while let Some(update) = updates.recv().await {
        match update {
            Update::Event(event) => match event.kind {
                EventKind::RunFinished { .. } => return Ok(()),
                EventKind::RunPaused { reason, .. } => return Err(format!("the run waits: {reason}")),
                EventKind::AttemptFinished { stage, next: Next::Ask, outcome, .. } if outcome.ending != Ending::Unknown => {
                    return Err(format!("stage `{stage}` could not undo what it should, and waits for an answer"));
                }
                EventKind::AttemptFinished { stage, next: Next::Ask, .. } => {
                    return Err(format!("stage `{stage}` was interrupted and waits for an answer"));
                }
                _ => {}
            },
            Update::Snapshot(run) if run.status.is_final() => return Ok(()),
            Update::Disconnected(reason) => return Err(format!("the tests' engine is gone: {reason}")),
            Update::Snapshot(_) | Update::Connected | Update::Signal(_) | Update::Lagged => {}
        }
    }
    Err("the tests' engine is gone".to_owned())
}
