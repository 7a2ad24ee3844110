//! `subpipeline`: another pipeline's run as a stage of this one.
//!
//! Owns what the stage's config asks for and what the other run's end means here. Must not know how runs are made.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fields::{Fields, render, wrong};
use super::{Context, Prepared, Work};
use crate::language::duration::Unit;
use crate::language::{StageSpec, inclusion, template};
use crate::model::{Ending, ErrorKind, Outcome, RollbackRequest, Run, RunId, RunStatus, StageError};

/// The run that a stage asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildRun {
    /// Which pipeline, as written: `name`, `name@version` or a path.
    pub reference: String,
    pub inputs: Value,
    /// What the stage itself says the run is for.
    pub environment: Option<String>,
    pub timeout: Option<Duration>,
    /// The stage ends with the run; otherwise as soon as the run has begun.
    pub waits: bool,
    /// What the stage gives when the run fails. `None`: the stage fails as well.
    pub instead: Option<Value>,
    /// It goes back to an earlier release, and the engine knows with which pipeline.
    pub rollback: Option<RollbackRequest>,
}

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let config = Value::Object(fields.as_map().clone());
    let name = fields.text(&["pipeline", "pipeline_id"])?.unwrap_or_default();
    let version = fields.text(&["pipeline_version", "version"])?;
    let reference = inclusion::spelled(name.trim(), version.as_deref().map(str::trim).filter(|version| !version.is_empty()));
    let inputs = Value::Object(fields.object(&["input", "input_data", "inputs"])?.unwrap_or_default());
    if context.secrets.hides(&inputs) {
        let message = "`input` holds an environment value or a secret, and inputs are recorded";
        let help = format!("let `{reference}` read it by `env.NAME` or `secrets.NAME` itself");
        return Err(StageError::new(ErrorKind::Security, message).caused_by(help));
    }
    let detached = fields.flag(&["async", "async_execution"], false)?;
    let waits = fields.flag(&["wait", "wait_for_completion"], true)? && !detached;
    let timeout = fields.duration(&["timeout_ms"], Unit::Milliseconds)?;
    let instead = instead(&mut fields)?;
    let environment = environment(context)?;
    let child = ChildRun { reference, inputs, environment, timeout, waits, instead, rollback: None };
    Ok(Prepared { work: Work::Child(child), config })
}

/// The environment that the stage itself names.
pub(super) fn environment(context: &Context) -> Result<Option<String>, StageError> {
    let Some(written) = &context.stage.environment else { return Ok(None) };
    let rendered = render("environment", &Value::String(written.clone()), context.scope)?;
    Ok(Some(template::to_text(&rendered)).filter(|name| !name.is_empty()))
}

fn instead(fields: &mut Fields) -> Result<Option<Value>, StageError> {
    let given = fields.take_nullable(&["default_result"]);
    match fields.text(&["on_error"])?.as_deref() {
        None => Ok(given),
        Some("propagate" | "fail") => Ok(None),
        Some("ignore") => Ok(Some(Value::Null)),
        Some("default" | "continue") => Ok(Some(given.unwrap_or(Value::Null))),
        Some(other) => Err(wrong(format!("`on_error` must be propagate, ignore or default, not `{other}`"))),
    }
}

impl ChildRun {
    /// A run whose config can no longer be told; good for following what has begun.
    pub fn unknown(stage: &StageSpec) -> Self {
        let reference = inclusion::reference(&stage.config).unwrap_or_default();
        Self { reference, inputs: Value::Null, environment: None, timeout: None, waits: true, instead: None, rollback: None }
    }

    /// What the stage gives when it does not wait.
    pub fn started(&self, run: &RunId) -> Outcome {
        Outcome::succeeded(output(run, RunStatus::Running, Value::Null, Value::Null, Value::Null))
    }

    /// What the end of the run means for the stage. `stopped`: the stage had been told to stop.
    pub fn finished(&self, run: &Run, stopped: bool) -> Outcome {
        let error = match run.status {
            RunStatus::Succeeded => return Outcome::succeeded(told(run, run.output.clone())),
            RunStatus::Cancelled if stopped => {
                let error = StageError::new(ErrorKind::Cancelled, "cancelled");
                return Outcome::ended(Ending::Cancelled, error, told(run, Value::Null));
            }
            RunStatus::Cancelled => self.error(run, ErrorKind::Cancelled, "was cancelled".to_owned()),
            RunStatus::Failed | RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Cancelling => {
                let kind = run.error.as_ref().map_or(ErrorKind::Execution, |error| error.kind);
                self.error(run, kind, format!("failed: {}", run.failure_line().unwrap_or_default()))
            }
        };
        match &self.instead {
            Some(instead) => Outcome::succeeded(told(run, instead.clone())),
            None => {
                let ending = if error.kind == ErrorKind::Timeout { Ending::TimedOut } else { Ending::Failed };
                Outcome::ended(ending, error, told(run, Value::Null))
            }
        }
    }

    fn error(&self, run: &Run, kind: ErrorKind, what: String) -> StageError {
        let error = StageError::new(kind, format!("`{}` (run {}) {what}", self.reference, run.id));
        let inner = run.error.as_ref();
        let error = error.with_details(json!({"run_id": run.id, "error": inner}));
        if inner.is_some_and(|inner| inner.recoverable) { error.recoverable() } else { error }
    }
}

fn told(run: &Run, result: Value) -> Value {
    let took = run.finished_at.zip(run.started_at).map(|(end, start)| end.since(start).as_millis());
    let took = took.map_or(Value::Null, |took| json!(u64::try_from(took).unwrap_or(u64::MAX)));
    let error = run.error.as_ref().map_or(Value::Null, |error| json!(error));
    output(&run.id, run.status, result, took, error)
}

fn output(run: &RunId, status: RunStatus, result: Value, took: Value, error: Value) -> Value {
    let mut output = Map::new();
    output.insert("run_id".to_owned(), json!(run));
    output.insert("status".to_owned(), json!(status));
    output.insert("result".to_owned(), result);
    output.insert("execution_time_ms".to_owned(), took);
    output.insert("error".to_owned(), error);
    Value::Object(output)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Work;
    use super::super::testing::Stage;
    use super::ChildRun;
    use crate::language::Component;
    use crate::model::ErrorKind;

    fn child(config: Value) -> ChildRun {
        match Stage::new(Component::Subpipeline, config).prepared().unwrap().work {
            Work::Child(child) => child,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_dialects_ask_for_the_same_run() {
        let ours = child(json!({"pipeline": "build@2.0.0", "input": {"n": "{{1 + 1}}"}, "timeout_ms": 500, "wait": false}));
        let theirs = child(json!({"pipeline_id": "build", "pipeline_version": "2.0.0", "input_data": {"n": 2},
                                  "timeout_ms": "500ms", "async_execution": true}));
        assert_eq!(ours, theirs);
        assert_eq!((ours.reference.as_str(), &ours.inputs, ours.waits), ("build@2.0.0", &json!({"n": 2}), false));
    }

    #[test]
    fn a_failure_is_forgiven_only_when_the_stage_says_so() {
        let instead = |more: Value| {
            let mut config = json!({"pipeline": "x"});
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            child(config).instead
        };
        assert_eq!(instead(json!({})), None);
        assert_eq!(instead(json!({"default_result": 7, "on_error": "propagate"})), None);
        assert_eq!(instead(json!({"default_result": 7})), Some(json!(7)));
        assert_eq!(instead(json!({"default_result": 7, "on_error": "default"})), Some(json!(7)));
        assert_eq!(instead(json!({"on_error": "ignore"})), Some(Value::Null));
    }

    #[test]
    fn a_secret_is_not_passed_on_as_an_input() {
        let stage = Stage::new(Component::Subpipeline, json!({"pipeline": "x", "input": {"list": ["{{secrets.TOKEN}}"]}}));
        let error = stage.secret("TOKEN", "hunter2").error();
        assert_eq!(error.kind, ErrorKind::Security, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
