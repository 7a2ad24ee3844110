//! `health-check`: asks services how they are, once, until they are well, or for as long as they have to stay well.
//!
//! Owns which of them are asked and what their answers come to together. Must not know how services are watched otherwise.

mod course;

use std::fmt::Write;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ask::Ask;
use super::fields::{Fields, in_field, wrong};
use super::http::Http;
use super::http_request::answer::Expect;
use super::http_request::request::millis;
use super::{Call, Context, Prepared, Work};
use crate::language::duration::Unit;
use crate::language::template::{self, to_text};
use crate::model::{Ending, ErrorKind, Outcome, StageError};
use course::{Course, Verdict};

const TIMEOUT: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(300);
/// More at once are a mistake.
const MOST: usize = 500;
/// Pieces of the log that may wait to be written.
const PIECES: usize = 16;

/// One of `[[services]]` of the workspace, as far as it can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub environment: Option<String>,
    /// Where its health is asked for by HTTP; otherwise why it is not.
    pub url: Result<String, &'static str>,
    /// The status of a healthy answer; absent: any of 2xx.
    pub expect_status: Option<u16>,
    pub timeout: Option<Duration>,
}

/// One question.
struct Check {
    name: String,
    ask: Ask,
    expect: Expect,
}

/// What one question came to.
struct Found {
    status_code: Option<u16>,
    latency_ms: u64,
    error: Option<String>,
}

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let config = Value::Object(fields.as_map().clone());
    let strict = fields.flag(&["strict"], false)?;
    let course = Course {
        until_healthy: fields.flag(&["until_healthy"], false)?,
        hold: fields.duration(&["for"], Unit::Seconds)?.unwrap_or_default(),
        interval: fields.duration(&["interval"], Unit::Seconds)?.unwrap_or(INTERVAL).max(Duration::from_millis(1)),
        deadline: fields.duration(&["within", "deadline"], Unit::Seconds)?.unwrap_or(DEADLINE),
        strict,
    };
    let checks = checks(context, &mut fields)?;
    let (log, pieces) = mpsc::channel(PIECES);
    let http = context.http.clone();
    let future = async move { watch(checks, course, &http, &log).await };
    let mut call = Call::new(future, context.stage.idempotent.unwrap_or(true));
    call.output = Some(pieces);
    Ok(Prepared { work: Work::Call(call), config })
}

fn checks(context: &Context, fields: &mut Fields) -> Result<Vec<Check>, StageError> {
    let timeout = fields.timeout(Unit::Seconds)?;
    let expect = fields.take(&["expect_status"]).map(|value| Expect::parse(&value)).transpose()?;
    let environment = match (fields.text(&["environment"])?, &context.stage.environment) {
        (None, Some(target)) => {
            let target = template::render(&Value::String(target.clone()), context.scope);
            Some(to_text(&target.map_err(|error| in_field("environment", error.into()))?))
        }
        (named, _) => named,
    };
    let any = || Expect::Ranges(vec![(200, 299)]);
    let mut checks = Vec::new();
    for name in [fields.names(&["services"])?, fields.names(&["service"])?].concat() {
        let service = find(context.services, &name, environment.as_deref())?;
        let url = service.url.as_ref().map_err(|why| wrong(format!("the service `{name}` {why}")))?;
        let own = service.expect_status.map(|status| Expect::Ranges(vec![(status, status)]));
        let ask = Ask::get(context, url, &name, timeout.or(service.timeout).unwrap_or(TIMEOUT))?;
        checks.push(Check { name, ask, expect: expect.clone().or(own).unwrap_or_else(any) });
    }
    for url in [fields.names(&["urls"])?, fields.names(&["url"])?].concat() {
        let ask = Ask::get(context, &url, "urls", timeout.unwrap_or(TIMEOUT))?;
        checks.push(Check { name: ask.address(), ask, expect: expect.clone().unwrap_or_else(any) });
    }
    if checks.is_empty() || checks.len() > MOST {
        return Err(wrong(format!("a health-check needs `services` or `urls`: between one and {MOST}")));
    }
    Ok(checks)
}

/// The service of that name: in the environment where one is known, else the only one.
fn find<'a>(services: &'a [Service], name: &str, environment: Option<&str>) -> Result<&'a Service, StageError> {
    let named: Vec<&Service> = services.iter().filter(|service| service.name == name).collect();
    let here = |service: &&&Service| environment.is_some() && service.environment.as_deref() == environment;
    match (named.iter().find(here), named.as_slice()) {
        (Some(service), _) => Ok(service),
        (None, [only]) if environment.is_none() || only.environment.is_none() => Ok(only),
        (None, []) => {
            let known: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
            Err(wrong(format!("flowdeck.toml has no service `{name}`; it has {}", known.join(", "))))
        }
        (None, several) => {
            let places: Vec<&str> = several.iter().filter_map(|service| service.environment.as_deref()).collect();
            Err(wrong(format!("the service `{name}` is in {}: name its `environment`", places.join(", "))))
        }
    }
}

async fn watch(checks: Vec<Check>, course: Course, http: &Http, log: &mpsc::Sender<String>) -> Outcome {
    let began = Instant::now();
    let mut state = course::State::default();
    let mut said = String::new();
    loop {
        let found = join_all(checks.iter().map(|check| check.ask(http))).await;
        let healthy = found.iter().filter(|found| found.error.is_none()).count();
        let verdict = Verdict::of(healthy, found.len());
        let told = told(&checks, &found, verdict);
        // What has not changed is not said again.
        if told != said {
            said = told;
            let _ = log.send(said.clone()).await;
        }
        match course.next(&mut state, verdict, began.elapsed()) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return judge(&checks, &found, verdict, course.passes(&state, verdict)),
        }
    }
}

impl Check {
    async fn ask(&self, http: &Http) -> Found {
        let started = Instant::now();
        let answer = self.ask.send(http).await;
        let latency_ms = millis(started.elapsed());
        match answer {
            Ok(answer) => {
                let error = (!self.expect.accepts(answer.status)).then(|| format!("the server answered {}", answer.status));
                Found { status_code: Some(answer.status), latency_ms, error }
            }
            Err(error) => Found { status_code: None, latency_ms, error: Some(error.to_string()) },
        }
    }
}

fn told(checks: &[Check], found: &[Found], verdict: Verdict) -> String {
    let mut text = String::new();
    for (check, found) in checks.iter().zip(found) {
        // Writing into a text cannot fail.
        let _ = match &found.error {
            None => writeln!(text, "{} is well", check.name),
            Some(error) => writeln!(text, "{} is not: {error}", check.name),
        };
    }
    text + &format!("all together: {}\n", verdict.name())
}

fn judge(checks: &[Check], found: &[Found], verdict: Verdict, passes: bool) -> Outcome {
    let healthy = found.iter().filter(|found| found.error.is_none()).count();
    let each = checks.iter().zip(found).map(|(check, found)| {
        let status = if found.error.is_none() { "healthy" } else { "unhealthy" };
        json!({
            "name": check.name, "url": check.ask.address(), "status": status, "status_code": found.status_code,
            "latency_ms": found.latency_ms, "error": found.error,
        })
    });
    let each: Vec<Value> = each.collect();
    let output = json!({"verdict": verdict.name(), "healthy": healthy, "total": each.len(), "checks": each});
    if passes {
        return Outcome::succeeded(output);
    }
    let ill = checks.iter().zip(found).filter_map(|(check, found)| Some(format!("{} ({})", check.name, found.error.as_ref()?)));
    let ill: Vec<String> = ill.collect();
    let message = match ill.is_empty() {
        true => "well, but not for long enough".to_owned(),
        false => format!("{}: {} of {} are not well: {}", verdict.name(), ill.len(), found.len(), ill.join(", ")),
    };
    let error = StageError::new(ErrorKind::Execution, message).with_details(json!({"verdict": verdict.name()})).recoverable();
    Outcome::ended(Ending::Failed, error, output)
}

#[cfg(test)]
mod tests;
