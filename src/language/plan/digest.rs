//! One number for what a run would do: the same pipeline, inputs and environment give it on any machine and any day.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{millis, on_error, on_unknown, retry};
use crate::language::inclusion::Included;
use crate::language::pipeline::{Pipeline, StageSpec};
use crate::model::StageId;
use crate::model::digest::{canonical, sha256_hex};

/// The format of the hashed document; it grows when the same document comes to mean something else.
const FORMAT: u32 = 1;

/// `sha256:` and lower-case hex over the canonical JSON (keys sorted, no white space) of the resolved pipeline, the inputs
/// after defaults, and the name of the environment.
///
/// Of `env` and `secrets` only the names count: their values would leak through a hash, and differ from machine to
/// machine. What is only shown is left out: names, descriptions, category, tags, metadata, sample inputs, positions; so
/// are spellings, comments and the order of fields. Inside the inputs and the values of a config the order of keys counts:
/// expressions can see it.
///
/// Every pipeline that is included counts as well, with the reference that means it.
pub fn digest(pipeline: &Pipeline, inputs: &Value, environment: Option<&str>, included: &[Included<'_>]) -> String {
    let names = pipeline.environment_names();
    let mut document = json!({
        "format": FORMAT,
        "pipeline": resolved(pipeline),
        "inputs": in_order(inputs),
        "environment": environment.or(pipeline.environment.as_deref()),
        "env": names.env,
        "secrets": names.secrets,
    });
    if !included.is_empty() {
        document["included"] = includes(included);
    }
    format!("sha256:{}", hash(&document))
}

/// What each reference means, in an order of its own: that of the files does not count.
fn includes(included: &[Included<'_>]) -> Value {
    let of = |pipeline: &Pipeline| {
        let names = pipeline.environment_names();
        let environment = &pipeline.environment;
        hash(&json!({"pipeline": resolved(pipeline), "environment": environment, "env": names.env, "secrets": names.secrets}))
    };
    let mut list: Vec<[String; 3]> =
        included.iter().map(|one| [of(one.within), one.reference.to_owned(), of(one.pipeline)]).collect();
    list.sort();
    json!(list)
}

fn hash(document: &Value) -> String {
    sha256_hex(canonical(document).as_bytes())
}

/// Everything in a pipeline that bears on what its runs do.
fn resolved(pipeline: &Pipeline) -> Value {
    json!({
        "id": pipeline.id,
        "version": pipeline.version,
        "input_schema": pipeline.input_schema,
        "output_schema": pipeline.output_schema,
        "stages": pipeline.stages.iter().map(stage).collect::<Vec<_>>(),
        "output_stage": pipeline.output_stage,
        "concurrency_group": pipeline.concurrency_group,
        "triggers": pipeline.triggers,
        "max_concurrency": pipeline.max_concurrency,
        "timeout_ms": pipeline.timeout.map(millis),
        "strict_templates": pipeline.strict_templates,
    })
}

fn stage(spec: &StageSpec) -> Value {
    // Every field is named, so that a new one cannot be forgotten.
    let StageSpec {
        id,
        name: _,
        description: _,
        component,
        config,
        depends_on,
        // Follow from the configs of other stages, and from this one's.
        owners: _,
        reads: _,
        waits_for: _,
        undoes: _,
        timeout,
        retry: _,
        on_error: _,
        fallback_output,
        when,
        environment,
        idempotent,
        on_unknown: _,
        max_concurrency,
        enabled,
        compensate,
        produces,
        span: _,
    } = spec;
    let mut depends_on: Vec<&StageId> = depends_on.iter().collect();
    depends_on.sort();
    json!({
        "id": id,
        "component": component.name(),
        "config": config.as_object().map(|fields| fields.iter().map(|(key, value)| (key, in_order(value))).collect::<BTreeMap<_, _>>()),
        "depends_on": depends_on,
        "timeout_ms": timeout.map(millis),
        "retry": retry(spec),
        "on_error": on_error(spec),
        "fallback_output": fallback_output.as_ref().map(in_order),
        "when": when,
        "environment": environment,
        "idempotent": idempotent,
        "on_unknown": on_unknown(spec),
        "max_concurrency": max_concurrency,
        "enabled": enabled,
        "compensate": compensate,
        "produces": produces,
    })
}

/// A value whose keys keep their order: expressions see it, and a loop over `keys()` follows it.
fn in_order(value: &Value) -> Value {
    Value::String(value.to_string())
}
