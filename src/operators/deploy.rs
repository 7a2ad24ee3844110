//! `deploy`: the work that brings a version of a service to an environment.
//!
//! Owns what is deployed, and which form the work has: a script, a request, Docker Compose, Kubernetes, or stages. Must not
//! know releases, gates or locks: the engine records them around this.

mod cargo;
mod tools;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fields::{raw, render, stage_ids, wrong};
use super::frame::{Frame, TryCatch};
use super::{Context, Prepared, Shape, Work, http_request, shell};
use crate::language::{Component, StageSpec};
use crate::model::{Outcome, StageError};
use crate::process::Exit;

pub use cargo::Cargo;
pub(super) use cargo::cargo;

/// The keys that a deployment's process takes from the stage as they are.
const OF_PROCESS: &[&str] = &["run", "command", "cwd", "env", "shell", "timeout"];
const STRATEGIES: &[&str] = &["run", "command", "request", "compose", "kubernetes", "stages"];

/// The form of its work, by what the stage names.
pub(super) fn shape(stage: &StageSpec) -> Shape {
    match strategy(stage) {
        Ok("stages") => Shape::Frame,
        Ok("request") => Shape::Call,
        Ok(_) | Err(_) => Shape::Process(finish),
    }
}

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let what = cargo(context)?;
    let strategy = strategy(context.stage)?;
    let mut prepared = match strategy {
        "stages" => frame(context),
        "request" => request(context)?,
        "compose" | "kubernetes" => {
            let given = render(strategy, &context.stage.config[strategy], context.scope)?;
            process(context, &what, Some(tools::command(strategy, given)?))?
        }
        _ => process(context, &what, None)?,
    };
    let shown = prepared.config.take();
    prepared.config = json!({
        "service": what.service, "version": what.version, "artefacts": what.artefacts, "strategy": strategy, "work": shown,
        "bake_ms": what.bake.map(|bake| u64::try_from(bake.as_millis()).unwrap_or(u64::MAX)),
    });
    Ok(prepared)
}

/// What the process gave, as any script's.
pub(super) fn finish(stage: &StageSpec, exit: &Exit) -> Outcome {
    shell::finish(stage, exit)
}

/// What the stage gives. The engine has put the release and its environment into the recorded config.
pub(super) fn output(config: &Value, result: Value) -> Value {
    json!({
        "release": config["release"], "environment": config["environment"], "service": config["service"],
        "version": config["version"], "result": result,
    })
}

fn strategy(stage: &StageSpec) -> Result<&'static str, StageError> {
    if let Some(named) = raw(&stage.config, &["strategy"]) {
        let known = STRATEGIES.iter().find(|strategy| named.as_str() == Some(**strategy));
        return known.copied().ok_or_else(|| wrong(format!("`strategy` must be one of {}, not {named}", STRATEGIES.join(", "))));
    }
    let there = |name: &&&str| raw(&stage.config, &[**name]).is_some();
    let mut found = STRATEGIES.iter().filter(there);
    let first = found.next().copied();
    match (first, found.next()) {
        (Some(strategy), None) => Ok(strategy),
        (None, _) => Err(wrong(format!("a deploy stage needs one of {}", STRATEGIES.join(", ")))),
        (Some(one), Some(other)) => Err(wrong(format!("give either `{one}` or `{other}`: a deploy stage does one thing"))),
    }
}

fn frame(context: &Context) -> Prepared {
    let frame = TryCatch {
        body: stage_ids(&context.stage.config, &["stages"]),
        catch: Vec::new(),
        finally: Vec::new(),
        propagate: false,
        forgive: false,
        only: None,
        max_retries: 0,
        retry_delay: Duration::ZERO,
    };
    let config = json!({"stages": frame.body});
    Prepared { work: Work::Frame(Frame::TryCatch(frame)), config }
}

fn request(context: &Context) -> Result<Prepared, StageError> {
    let mut config = context.stage.config["request"].as_object().cloned().unwrap_or_default();
    // A deployment that the other side refuses is none.
    config.entry("expect_status").or_insert_with(|| json!("2xx"));
    http_request::prepare(&Context { stage: &acting(context, Component::HttpRequest, config), ..*context })
}

/// A process; `tool` runs in place of a script of the stage's own.
fn process(context: &Context, what: &Cargo, tool: Option<Vec<String>>) -> Result<Prepared, StageError> {
    let given = context.stage.config.as_object().into_iter().flatten();
    let mut config: Map<String, Value> =
        given.filter(|(key, _)| OF_PROCESS.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect();
    if tool.is_some() {
        config.insert("command".to_owned(), json!(["true"]));
    }
    let mut prepared = shell::prepare(&Context { stage: &acting(context, Component::Shell, config), ..*context })?;
    if let Work::Process(spec) = &mut prepared.work {
        if let Some(words) = tool {
            prepared.config["command"] = json!(words);
            spec.program = shell::direct(context, &json!(words))?;
        }
        spec.env.push(("FLOWDECK_SERVICE".to_owned(), what.service.clone()));
        spec.env.push(("FLOWDECK_VERSION".to_owned(), what.version.clone()));
    }
    Ok(prepared)
}

/// The stage as another component with another config.
fn acting(context: &Context, component: Component, config: Map<String, Value>) -> StageSpec {
    StageSpec { component, config: Value::Object(config), ..context.stage.clone() }
}

#[cfg(test)]
mod tests;
