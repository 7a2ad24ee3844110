//! `mock`: stands in for a component with effects while a pipeline is tested. It renders what the real one would be
//! called with, and answers as the test says; the answer of a script or a server is judged as a real one is.

use serde_json::{Map, Value, json};

use super::fields::{Fields, kind, raw, wrong};
use super::locals::Locals;
use super::{Context, Done, Prepared, http_request, shell};
use crate::language::scope::Scope;
use crate::language::suite::{UNMOCKED, matching};
use crate::language::{Component, StageSpec, expression, template};
use crate::model::{Ending, ErrorKind, Outcome, StageError};
use crate::process::Exit;

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let config = &context.stage.config;
    let component = config.get("component").and_then(Value::as_str).and_then(Component::from_name);
    let component = component.ok_or_else(|| wrong("a mock names the `component` it stands in for"))?;
    let stage = StageSpec { component, config: config.get("config").cloned().unwrap_or_default(), ..context.stage.clone() };
    let context = &Context { stage: &stage, ..*context };
    let called = called_with(context)?;
    let named = [("config", &called)];
    let scope = Locals { inner: context.scope, names: &named, fields: None };
    let outcome = match choose(config.get("answers"), &called, context.attempt, &scope)? {
        Some(answer) => outcome(answer, context, &called, &scope)?,
        None => {
            let refusal = config.get("refusal").and_then(Value::as_str).unwrap_or("there is no mock for this call");
            let error = StageError::new(ErrorKind::Security, refusal).with_details(json!({UNMOCKED: true}));
            Outcome::failed(error)
        }
    };
    Ok(Prepared { config: called, ..Done::with_outcome(outcome).into() })
}

/// The config as the real component would have it; what that one refuses is refused here.
fn called_with(context: &Context) -> Result<Value, StageError> {
    match context.stage.component {
        Component::Shell => Ok(shell::prepare(context)?.config),
        Component::HttpRequest => Ok(http_request::prepare(context)?.config),
        other => {
            let mut shown = Fields::render(context)?.as_map().clone();
            let names = other.entry().keys.iter().map(|field| field.name);
            for name in names.filter(|name| other.is_deferred(name)) {
                shown.extend(raw(&context.stage.config, &[name]).map(|value| (name.to_owned(), value.clone())));
            }
            Ok(Value::Object(shown))
        }
    }
}

/// The answer for this attempt: of the first group in which some fit the call, the one whose turn it is.
fn choose<'a>(
    groups: Option<&'a Value>,
    called: &Value,
    attempt: u32,
    scope: &dyn Scope,
) -> Result<Option<&'a Value>, StageError> {
    for group in groups.and_then(Value::as_array).into_iter().flatten() {
        let mut fitting = Vec::new();
        for answer in group.as_array().into_iter().flatten() {
            if fits(answer, called, scope)? {
                fitting.push(answer);
            }
        }
        let turn = usize::try_from(attempt).unwrap_or(usize::MAX).min(fitting.len());
        if let Some(answer) = turn.checked_sub(1).map(|turn| fitting[turn]) {
            return Ok(Some(answer));
        }
    }
    Ok(None)
}

fn fits(answer: &Value, called: &Value, scope: &dyn Scope) -> Result<bool, StageError> {
    match raw(answer, &["when"]) {
        None => Ok(true),
        Some(Value::String(condition)) => {
            let holds = expression::condition(&Value::String(condition.clone()), scope);
            holds.map(|(_, holds)| holds).map_err(|error| super::fields::in_field("when", error.into()))
        }
        Some(pattern) => Ok(matching::contains(pattern, called).is_empty()),
    }
}

fn outcome(answer: &Value, context: &Context, called: &Value, scope: &dyn Scope) -> Result<Outcome, StageError> {
    let rendered = |name| match raw(answer, &[name]) {
        Some(value) => super::fields::render(name, value, scope).map(Some),
        None => Ok(None),
    };
    let output = rendered("output")?;
    if let Some(error) = rendered("error")? {
        let error = mocked_error(error)?;
        let ending = if error.kind == ErrorKind::Timeout { Ending::TimedOut } else { Ending::Failed };
        return Ok(Outcome::ended(ending, error, output.unwrap_or_default()));
    }
    match context.stage.component {
        Component::Shell => script(context.stage, object(output)?),
        Component::HttpRequest => answered(context, called, object(output)?),
        _ => Ok(Outcome::succeeded(output.unwrap_or_default())),
    }
}

fn object(output: Option<Value>) -> Result<Map<String, Value>, StageError> {
    match output {
        None => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(other) => Err(wrong(format!("a mock's `output` must be an object here, not {}", kind(&other)))),
    }
}

fn script(stage: &StageSpec, output: Map<String, Value>) -> Result<Outcome, StageError> {
    let mut fields = Fields::from(output);
    let code = fields.count(&["exit_code"])?.unwrap_or(0);
    let exit = Exit {
        code: Some(i32::try_from(code).map_err(|_| wrong(format!("{code} is no exit code")))?),
        signal: None,
        outputs: fields.object(&["outputs"])?.unwrap_or_default(),
        duration_ms: fields.count(&["duration_ms"])?.unwrap_or(0),
        timed_out: false,
        cancelled: false,
        failure: None,
        lines: 0,
        bytes: 0,
    };
    Ok(shell::finish(stage, &exit))
}

fn answered(context: &Context, called: &Value, output: Map<String, Value>) -> Result<Outcome, StageError> {
    let status = Fields::from(output.clone()).count(&["status_code"])?.unwrap_or(200);
    let status = u16::try_from(status).map_err(|_| wrong(format!("{status} is no HTTP status")))?;
    let success = (200..300).contains(&status);
    let mut whole = json!({"status_code": status, "headers": {}, "body": null, "elapsed_ms": 0, "success": success, "url": called.get("url")});
    if let Value::Object(whole) = &mut whole {
        whole.extend(output);
    }
    http_request::judge(context, status, whole)
}

fn mocked_error(error: Value) -> Result<StageError, StageError> {
    let mut fields = match error {
        Value::Object(fields) => Fields::from(fields),
        message => {
            let fields = Map::from_iter([("message".to_owned(), Value::String(template::to_text(&message)))]);
            Fields::from(fields)
        }
    };
    let kind = match fields.text(&["type"])? {
        None => ErrorKind::Execution,
        Some(name) => ErrorKind::from_name(&name).ok_or_else(|| wrong(format!("`{name}` is no type of error")))?,
    };
    let passing = matches!(kind, ErrorKind::Connectivity | ErrorKind::Timeout | ErrorKind::Execution);
    let message = fields.text(&["message"])?.unwrap_or_else(|| "mocked".to_owned());
    let error = StageError::new(kind, message).with_details(fields.take(&["details"]).unwrap_or_default());
    Ok(if fields.flag(&["recoverable"], passing)? { error.recoverable() } else { error })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::Stage;
    use crate::language::Component;
    use crate::model::{Ending, ErrorKind, Outcome};
    use crate::operators::Work;

    fn mock(component: &str, config: Value, answers: Value) -> Stage {
        Stage::new(Component::Mock, json!({"component": component, "config": config, "answers": [answers], "refusal": "no"}))
    }

    fn outcome(stage: &Stage) -> (Outcome, Value) {
        let prepared = stage.prepared().expect("a mock");
        match prepared.work {
            Work::Done(done) => (done.outcome, prepared.config),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_mocked_script_ends_as_a_real_one_and_shows_what_it_was() {
        let stage =
            mock("shell", json!({"run": "deploy {{input.v}}", "outputs": ["id"]}), json!([{"output": {"outputs": {"id": 7}}}]));
        let (done, called) = outcome(&stage.input(json!({"v": "a b"})));
        assert_eq!((done.ending, &done.output["outputs"]), (Ending::Succeeded, &json!({"id": 7})));
        assert_eq!(called["run"], "deploy 'a b'");
        let (bad, _) = outcome(&mock("shell", json!({"run": "x"}), json!([{"output": {"exit_code": 3}}])));
        assert_eq!(bad.error.unwrap().message, "exit code 3");
        let (missing, _) = outcome(&mock("shell", json!({"run": "x", "outputs": ["id"]}), json!([{}])));
        assert_eq!(missing.error.unwrap().kind, ErrorKind::Validation);
    }

    #[test]
    fn a_mocked_server_is_judged_by_its_status() {
        let config = json!({"url": "http://h/{{input}}", "expect_status": 200});
        let (fine, called) = outcome(&mock("http-request", config.clone(), json!([{}])).input(json!("x")));
        assert_eq!((&fine.output["url"], &fine.output["success"]), (&json!("http://h/x"), &json!(true)));
        assert_eq!(called["url"], "http://h/x");
        let (bad, _) = outcome(&mock("http-request", config, json!([{"output": {"status_code": 503}}])));
        let error = bad.error.unwrap();
        assert_eq!((error.message.as_str(), error.recoverable), ("the server answered 503 Service Unavailable", true));
    }

    #[test]
    fn answers_are_chosen_by_the_call() {
        let answers = json!([
            {"when": {"url": "/\\/a$/"}, "output": {"body": "A"}},
            {"when": "config.url == 'http://h/b'", "output": {"body": "{{config.method}}"}},
        ]);
        let body = |url: &str| outcome(&mock("http-request", json!({"url": url, "method": "PUT"}), answers.clone())).0;
        assert_eq!(body("http://h/a").output["body"], "A");
        assert_eq!(body("http://h/b").output["body"], "PUT");
        let refused = body("http://h/c").error.unwrap();
        assert_eq!((refused.message.as_str(), &refused.details), ("no", &json!({"unmocked": true})));
    }

    #[test]
    fn a_mocked_error_is_what_the_test_says() {
        let error = |answer| outcome(&mock("notify", json!({"message": "m"}), json!([{"error": answer}]))).0;
        let plain = error(json!("gone")).error.unwrap();
        assert_eq!((plain.kind, plain.message.as_str(), plain.recoverable), (ErrorKind::Execution, "gone", true));
        let late = error(json!({"type": "TIMEOUT", "recoverable": false}));
        assert_eq!((late.ending, late.error.unwrap().recoverable), (Ending::TimedOut, false));
    }

    #[test]
    fn a_template_that_fails_fails_the_mocked_stage() {
        let stage = mock("notify", json!({"message": "{{nowhere.x}}"}), json!([{}]));
        assert_eq!(stage.error().kind, ErrorKind::Expression);
    }
}
