//! `smoke-test`: questions to a deployed service, several at once; every one has to be answered as expected.
//!
//! A test of a command is a `shell` stage: nothing here starts processes.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::ask::{self, Answer, Ask};
use super::fields::{Fields, in_field, mismatch, raw, wrong};
use super::http::Http;
use super::http_request::answer::Expect;
use super::http_request::request::millis;
use super::names::Names;
use super::{Call, Context, Prepared, Work};
use crate::language::duration::Unit;
use crate::language::template::{self, to_text};
use crate::model::{Ending, ErrorKind, Outcome, StageError};

const TIMEOUT: Duration = Duration::from_secs(10);
const AT_ONCE: usize = 8;
const MOST_AT_ONCE: usize = 64;
/// More tests are a mistake.
const MOST: usize = 1000;
/// Lines of the log that may wait to be written.
const LINES: usize = 64;
const OWN_KEYS: &[&str] = &["name", "path", "expect_status", "contains", "expect"];

/// One test.
#[derive(Debug)]
struct Test {
    name: String,
    ask: Ask,
    expect_status: Expect,
    contains: Option<String>,
    expect: Option<String>,
}

/// What goes for all tests of a stage.
struct Shared {
    base: Option<String>,
    headers: Map<String, Value>,
    timeout: Duration,
}

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let mut shown = fields.as_map().clone();
    let shared = Shared {
        base: fields.text(&["url"])?,
        headers: fields.object(&["headers"])?.unwrap_or_default(),
        timeout: fields.timeout(Unit::Seconds)?.unwrap_or(TIMEOUT),
    };
    let at_once = at_once(fields.take(&["parallel"]))?;
    let mut names = Names::of(context.scope);
    let mut tests = Vec::new();
    for key in ["endpoints", "tests"] {
        let Some(written) = raw(&context.stage.config, &[key]) else { continue };
        shown.insert(key.to_owned(), written.clone());
        for (at, test) in listed(context, key, written)?.iter().enumerate() {
            tests.push(read(context, &format!("{key}[{at}]"), test, &shared, &mut names)?);
        }
    }
    if tests.is_empty() || tests.len() > MOST {
        return Err(wrong(format!("a smoke-test needs `endpoints` or `tests`: between one and {MOST}")));
    }
    let (log, lines) = mpsc::channel(LINES);
    let http = context.http.clone();
    let future = async move { judge(run(tests, at_once, &http, &names, &log).await) };
    let mut call = Call::new(future, context.stage.idempotent.unwrap_or(true));
    call.output = Some(lines);
    Ok(Prepared { work: Work::Call(call), config: Value::Object(shown) })
}

/// A list, or a template that gives one.
fn listed(context: &Context, key: &str, written: &Value) -> Result<Vec<Value>, StageError> {
    let given = match written {
        Value::String(_) => template::render(written, context.scope).map_err(|error| in_field(key, error.into()))?,
        other => other.clone(),
    };
    match given {
        Value::Array(list) => Ok(list),
        one @ (Value::String(_) | Value::Object(_)) => Ok(vec![one]),
        other => Err(mismatch(&[key], "a list of endpoints", &other)),
    }
}

fn at_once(given: Option<Value>) -> Result<usize, StageError> {
    match given {
        None | Some(Value::Bool(true)) => Ok(AT_ONCE),
        Some(Value::Bool(false)) => Ok(1),
        Some(value) => {
            let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
            let fits = count.filter(|count| (1..=MOST_AT_ONCE).contains(count));
            fits.ok_or_else(|| wrong(format!("`parallel` must be true, false, or a number from 1 to {MOST_AT_ONCE}")))
        }
    }
}

fn read(context: &Context, place: &str, written: &Value, shared: &Shared, names: &mut Names) -> Result<Test, StageError> {
    let expect = names.condition(&format!("{place}.expect"), written.get("expect"), context.scope)?;
    let mut written = match written {
        Value::String(_) => json!({"path": written}),
        other => other.clone(),
    };
    if ["command", "run", "script"].iter().any(|name| written.get(name).is_some()) {
        return Err(wrong(format!("`{place}`: a test of a command is a `shell` stage; a smoke-test asks by HTTP")));
    }
    if let Value::Object(map) = &mut written {
        map.remove("expect");
    }
    let written = template::render(&written, context.scope).map_err(|error| in_field(place, error.into()))?;
    let known: Vec<&str> = OWN_KEYS.iter().chain(ask::KEYS).copied().collect();
    let mut fields = Fields::within(place, written, &known)?;
    let (path, url) = (fields.text(&["path"])?, fields.text(&["url"])?);
    let name = fields.text(&["name"])?;
    let url = address(place, shared.base.as_deref(), path.as_deref(), url.as_deref())?;
    let expect_status = match fields.take(&["expect_status"]) {
        Some(value) => Expect::parse(&value).map_err(|error| in_field(place, error))?,
        None => Expect::Ranges(vec![(200, 299)]),
    };
    let contains = fields.text(&["contains"])?;
    let mut question: Map<String, Value> = fields.as_map().clone();
    question.retain(|key, _| ask::KEYS.contains(&key.as_str()));
    let mut headers = shared.headers.clone();
    if let Some(Value::Object(own)) = question.get("headers") {
        headers.extend(own.clone());
    }
    question.extend([("url".to_owned(), json!(url)), ("headers".to_owned(), Value::Object(headers))]);
    let ask = Ask::read(context, Fields::within(place, Value::Object(question), ask::KEYS)?, place, shared.timeout)?;
    let name = name.or(path).unwrap_or_else(|| ask.address());
    Ok(Test { name, ask, expect_status, contains, expect })
}

fn address(place: &str, base: Option<&str>, path: Option<&str>, url: Option<&str>) -> Result<String, StageError> {
    match (url.or(path), base) {
        (Some(address), _) if address.starts_with("http://") || address.starts_with("https://") => Ok(address.to_owned()),
        (None, Some(base)) => Ok(base.to_owned()),
        (Some(path), Some(base)) => Ok(format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))),
        (Some(_) | None, None) => Err(wrong(format!("`{place}` needs an address, or the stage a `url` that its path is below"))),
    }
}

async fn run(tests: Vec<Test>, at_once: usize, http: &Http, names: &Names, log: &mpsc::Sender<String>) -> Vec<Value> {
    let results = stream::iter(tests).map(|test| async move {
        let started = Instant::now();
        let answer = test.ask.send(http).await;
        let duration = millis(started.elapsed());
        let status = answer.as_ref().ok().map(|answer| answer.status);
        let error = match answer {
            Ok(answer) => test.judge(answer, names),
            Err(error) => Some(error.to_string()),
        };
        let word = if error.is_none() { "passed" } else { "failed" };
        let why = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        // Nobody listening is no reason to stop.
        let _ = log.send(format!("{word} {} in {duration} ms{why}\n", test.name)).await;
        json!({"name": test.name, "status": word, "duration_ms": duration, "status_code": status, "error": error})
    });
    results.buffered(at_once).collect().await
}

impl Test {
    /// What is wrong with an answer; never any of its body, which may hold a secret.
    fn judge(&self, answer: Answer, names: &Names) -> Option<String> {
        if !self.expect_status.accepts(answer.status) {
            return Some(format!("the server answered {}", answer.status));
        }
        if let Some(wanted) = &self.contains
            && !to_text(&answer.body).contains(wanted.as_str())
        {
            return Some(format!("the answer does not contain {wanted:?}"));
        }
        let condition = self.expect.as_deref()?;
        let measured = Map::from_iter([
            ("status".to_owned(), json!(answer.status)),
            ("result".to_owned(), answer.body.clone()),
            ("body".to_owned(), answer.body),
        ]);
        match names.holds(condition, &measured) {
            Ok(true) => None,
            Ok(false) => Some(format!("it does not hold that {condition}")),
            Err(why) => Some(format!("it cannot be told whether {condition}: {why}")),
        }
    }
}

fn judge(results: Vec<Value>) -> Outcome {
    let bad: Vec<&Value> = results.iter().filter(|result| result["status"] != "passed").collect();
    let (total, failed) = (results.len(), bad.len());
    let named: Vec<String> =
        bad.iter().map(|result| format!("{} ({})", to_text(&result["name"]), to_text(&result["error"]))).collect();
    let details = json!({"failed": bad.iter().map(|result| &result["name"]).collect::<Vec<_>>()});
    let output = json!({"passed": total - failed, "total": total, "failed": failed, "results": results});
    if failed == 0 {
        return Outcome::succeeded(output);
    }
    let message = format!("{failed} of {total} smoke tests failed: {}", named.join(", "));
    let error = StageError::new(ErrorKind::Validation, message).with_details(details).recoverable();
    Outcome::ended(Ending::Failed, error, output)
}

#[cfg(test)]
mod tests;
