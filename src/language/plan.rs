//! What a run would do, as far as that is known before it: each stage with its config rendered, and one digest of it all.
//!
//! Owns what can be told from a pipeline, its inputs and the environment's name alone. Must not know values of `env` and
//! `secrets`: a plan names them and is the same on every machine.

mod digest;
mod later;
mod probe;
mod reader;
mod render;
mod world;

use serde::Serialize;
use serde_json::{Value, json};

use super::inclusion::Included;
use super::pipeline::{OnError, OnUnknown, Pipeline, Retry, StageSpec};
use crate::model::StageId;
pub use digest::digest;
use reader::Reader;
use render::Renderer;
use world::World;

/// A pipeline on its inputs.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The pipeline's id.
    pub pipeline: String,
    pub version: Option<String>,
    /// The environment the run is for.
    pub environment: Option<String>,
    /// After defaults.
    pub inputs: Value,
    /// `sha256:` and lower-case hex; see [`digest`].
    pub digest: String,
    /// Each after what it waits for.
    pub stages: Vec<PlannedStage>,
}

/// One stage. What is not known yet is a text in parentheses that says when it will be: `(known after build)`.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedStage {
    pub id: StageId,
    #[serde(rename = "type")]
    pub component: &'static str,
    pub depends_on: Vec<StageId>,
    /// Stages that decide whether, or how often, this one runs.
    pub chosen_by: Vec<StageId>,
    /// The stage that this one undoes; it runs only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<StageId>,
    /// Why it will not run on these inputs: `disabled`, `when`.
    pub skipped: Option<&'static str>,
    pub when: Option<Test>,
    /// The condition of a conditional, a filter, a return.
    pub condition: Option<Test>,
    /// The environment this stage targets.
    pub environment: Value,
    pub config: Value,
    /// When a failed attempt is followed by another; null for never.
    pub retry: Value,
    pub timeout_ms: Value,
    /// `propagate` or `continue`.
    pub on_error: &'static str,
    /// `ask`, `retry` or `fail`.
    pub on_unknown: &'static str,
    /// What will surely fail on these inputs.
    pub problems: Vec<PlanProblem>,
}

/// A condition as it is written, and whether it holds: a boolean, or when that will be known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Test {
    pub expression: String,
    pub holds: Value,
}

/// A template that will fail, and where it stands: `config.url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanProblem {
    pub path: String,
    pub message: String,
}

impl Plan {
    /// The plan of a run with these inputs (checked, with their defaults). `environment` is the one the run is started
    /// for, which goes before the pipeline's own.
    pub fn of(pipeline: &Pipeline, inputs: &Value, environment: Option<&str>, included: &[Included<'_>]) -> Self {
        let world = World::new(pipeline, inputs);
        let environment = environment.or(pipeline.environment.as_deref());
        Self {
            pipeline: pipeline.id.clone(),
            version: pipeline.version.clone(),
            environment: environment.map(str::to_owned),
            inputs: inputs.clone(),
            digest: digest(pipeline, inputs, environment, included),
            stages: world.graph.order.iter().map(|&stage| planned(&world, stage, environment)).collect(),
        }
    }

    /// Every template that will fail, with the stage it belongs to.
    pub fn problems(&self) -> impl Iterator<Item = (&StageId, &PlanProblem)> {
        self.stages.iter().flat_map(|stage| stage.problems.iter().map(|problem| (&stage.id, problem)))
    }
}

fn planned(world: &World<'_>, stage: usize, environment: Option<&str>) -> PlannedStage {
    let spec = &world.pipeline.stages[stage];
    let reader = Reader::new(world, stage);
    let mut renderer = Renderer::new(&reader);
    let when = spec.when.as_ref().map(|when| renderer.test("when", &Value::String(when.clone())));
    let target = match &spec.environment {
        Some(own) => renderer.at("environment", &Value::String(own.clone())),
        None => json!(environment),
    };
    let condition = spec.config.get("condition").filter(|condition| !condition.is_null());
    let condition = condition.filter(|_| spec.component.key("condition").is_some());
    let condition = condition.map(|condition| renderer.condition("condition", condition));
    let config = renderer.config();
    let skipped = match &when {
        _ if !spec.enabled => Some("disabled"),
        Some(when) if when.holds == Value::Bool(false) => Some("when"),
        _ => None,
    };
    let problems = if skipped.is_some() { Vec::new() } else { renderer.into_problems() };
    PlannedStage {
        id: spec.id.clone(),
        component: spec.component.name(),
        depends_on: spec.depends_on.clone(),
        chosen_by: spec.owners.clone(),
        undoes: spec.undoes.clone(),
        skipped,
        when,
        condition,
        environment: target,
        config,
        retry: retry(spec),
        timeout_ms: spec.timeout.map_or(Value::Null, millis),
        on_error: on_error(spec),
        on_unknown: on_unknown(spec),
        problems,
    }
}

fn retry(spec: &StageSpec) -> Value {
    match &spec.retry {
        Retry::Never => Value::Null,
        Retry::Backoff { max_retries, initial, multiplier, max } => json!({
            "max_retries": max_retries, "initial_delay_ms": millis(*initial),
            "backoff_multiplier": multiplier, "max_delay_ms": millis(*max),
        }),
        Retry::Fixed { max_retries, delay, until } => {
            json!({"max_retries": max_retries, "retry_delay_ms": millis(*delay), "retry_until": until})
        }
    }
}

fn on_error(spec: &StageSpec) -> &'static str {
    match spec.on_error {
        OnError::Propagate => "propagate",
        OnError::Continue => "continue",
    }
}

fn on_unknown(spec: &StageSpec) -> &'static str {
    match spec.on_unknown {
        OnUnknown::Ask => "ask",
        OnUnknown::Retry => "retry",
        OnUnknown::Fail => "fail",
    }
}

/// Whole milliseconds as such, anything finer with its fraction.
fn millis(duration: std::time::Duration) -> Value {
    if duration.subsec_nanos().is_multiple_of(1_000_000) {
        json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    } else {
        json!(duration.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests;
