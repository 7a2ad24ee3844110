//! `analysis`: what is measured in each step, read once for its limits and once per step for what is asked.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::action::{self, PROGRAM};
use super::plan::{Check, Probe};
use crate::language::duration::Unit;
use crate::language::template::{self, to_text};
use crate::model::StageError;
use crate::operators::Context;
use crate::operators::ask::{self, Ask};
use crate::operators::fields::{Fields, in_field, mismatch, raw, wrong};
use crate::operators::names::Names;

const LIMITS: &[&str] = &[
    "name",
    "provider",
    "success_if",
    "failure_if",
    "interval",
    "count",
    "initial_delay",
    "failure_limit",
    "consecutive_errors",
    "inconclusive_limit",
];
const CONDITIONS: [&str; 2] = ["success_if", "failure_if"];
/// More checks are a mistake.
const MOST: usize = 50;
const INTERVAL: Duration = Duration::from_secs(10);
/// One measurement that takes longer could not be made.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Http,
    Prometheus,
    Command,
}

/// A check as far as it is the same in every step, and what its questions are made of.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) check: Check,
    provider: Provider,
    place: String,
    question: Map<String, Value>,
}

/// Reads the checks of a rollout, and what their conditions read into `names`.
///
/// # Errors
/// CONFIGURATION, naming the check. A field that none has is refused: a condition with a typing error would never fail.
pub(super) fn read(context: &Context, names: &mut Names) -> Result<Vec<Written>, StageError> {
    let list = match raw(&context.stage.config, &["analysis"]) {
        None | Some(Value::Bool(false)) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if list.len() > MOST {
        return Err(wrong(format!("`analysis` has more than {MOST} checks")));
    }
    list.iter().enumerate().map(|(at, check)| one(context, at, check, names)).collect()
}

/// What the checks ask at the weight that `context` has.
///
/// # Errors
/// As [`read`], and SECURITY for a host that stages may not call.
pub(super) fn probes(context: &Context, checks: &[Written]) -> Result<Vec<Probe>, StageError> {
    checks.iter().map(|check| check.probe(context)).collect()
}

fn one(context: &Context, at: usize, written: &Value, names: &mut Names) -> Result<Written, StageError> {
    let place = format!("analysis[{at}]");
    let Value::Object(map) = written else { return Err(mismatch(&[&place], "an object", written)) };
    let (limits, question): (Map<_, _>, Map<_, _>) =
        map.clone().into_iter().partition(|(name, _)| LIMITS.contains(&name.as_str()));
    let mut condition = |name: &str| names.condition(&format!("{place}.{name}"), map.get(name), context.scope);
    let [success_if, failure_if] = CONDITIONS;
    let (success_if, failure_if) = (condition(success_if)?, condition(failure_if)?);
    let limits: Map<String, Value> = limits.into_iter().filter(|(name, _)| !CONDITIONS.contains(&name.as_str())).collect();
    let limits = template::render(&Value::Object(limits), context.scope).map_err(|error| in_field(&place, error.into()))?;
    let mut fields = Fields::within(&place, limits, LIMITS)?;
    let provider = provider(&place, fields.text(&["provider"])?.as_deref(), &question)?;
    if provider == Provider::Prometheus && success_if.is_none() && failure_if.is_none() {
        return Err(wrong(format!("`{place}` needs `success_if` or `failure_if`: a number alone is neither good nor bad")));
    }
    let name = fields.text(&["name"])?.unwrap_or_else(|| format!("analysis {}", at + 1));
    let mut count = |name: &str| -> Result<Option<u32>, StageError> {
        Ok(fields.count(&[name])?.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
    };
    let check = Check {
        count: count("count")?,
        failures: count("failure_limit")?.unwrap_or(0),
        consecutive_errors: count("consecutive_errors")?.unwrap_or(4),
        inconclusive: count("inconclusive_limit")?.unwrap_or(0),
        initial_delay: fields.duration(&["initial_delay"], Unit::Seconds)?.unwrap_or_default(),
        interval: fields.duration(&["interval"], Unit::Seconds)?.unwrap_or(INTERVAL),
        name,
        success_if,
        failure_if,
    };
    Ok(Written { check, provider, place, question })
}

/// The one that is named, or the one that the fields belong to.
fn provider(place: &str, named: Option<&str>, question: &Map<String, Value>) -> Result<Provider, StageError> {
    match named {
        Some("http") => Ok(Provider::Http),
        Some("prometheus") => Ok(Provider::Prometheus),
        Some("command") => Ok(Provider::Command),
        Some(_) => Err(wrong(format!("`{place}.provider` must be http, prometheus or command"))),
        None if question.contains_key("query") => Ok(Provider::Prometheus),
        None if question.contains_key("url") => Ok(Provider::Http),
        None => Ok(Provider::Command),
    }
}

impl Written {
    fn probe(&self, context: &Context) -> Result<Probe, StageError> {
        let question = Value::Object(self.question.clone());
        if self.provider == Provider::Command {
            return action::program(context, &question, &self.place, PROGRAM, TIMEOUT).map(Probe::Command);
        }
        let rendered = template::render(&question, context.scope).map_err(|error| in_field(&self.place, error.into()))?;
        if self.provider == Provider::Http {
            let fields = Fields::within(&self.place, rendered, ask::KEYS)?;
            return Ask::read(context, fields, &self.place, TIMEOUT).map(Probe::Http);
        }
        let fields = Fields::within(&self.place, query(&self.place, rendered)?, ask::KEYS)?;
        Ask::read(context, fields, &self.place, TIMEOUT).map(Probe::Prometheus)
    }
}

/// The fields of an instant query as those of a request.
fn query(place: &str, question: Value) -> Result<Value, StageError> {
    let Value::Object(mut map) = question else { return Err(mismatch(&[place], "an object", &question)) };
    let server = map.remove("server").or_else(|| map.remove("url")).map(|server| to_text(&server));
    let (Some(server), Some(query)) = (server, map.remove("query").map(|query| to_text(&query))) else {
        return Err(wrong(format!("`{place}` needs the `server` of Prometheus and a `query`")));
    };
    map.insert("url".to_owned(), json!(format!("{}/api/v1/query", server.trim_end_matches('/'))));
    map.insert("params".to_owned(), json!({"query": query}));
    Ok(Value::Object(map))
}
