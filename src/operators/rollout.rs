//! `rollout`: moves traffic to a release step by step, and judges each step before the next.
//!
//! Everything is rendered here, in the engine; the work is a process of its own, which gets the plan over standard input and
//! goes on whatever becomes of the engine. Must not move traffic itself.

mod action;
mod checks;
mod finish;
mod machine;
mod perform;
mod plan;
mod reading;
mod steps;
pub(super) mod worker;

use std::time::Duration;

use serde_json::{Value, json};

use super::fields::{Fields, in_field, raw, wrong};
use super::locals::Locals;
use super::names::Names;
use super::{Context, Prepared, Work, shell};
use crate::language::scope::Scope;
use crate::language::template::{self, to_text};
use crate::model::StageError;
use crate::process::{Program, Spec};
pub(super) use finish::finish;
use plan::{Course, Doings, Plan};

/// The words after the program's name that make it a worker.
pub const WORKER: [&str; 2] = ["worker", "rollout"];
/// Between TERM and KILL, besides what two moves of traffic may take.
const GRACE: Duration = Duration::from_secs(10);

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let mut shown = fields.as_map().clone();
    for name in ["set_weight", "analysis"] {
        shown.extend(raw(&context.stage.config, &[name]).map(|value| (name.to_owned(), value.clone())));
    }
    let plan = plan(context, &mut fields)?;
    let longest = plan.steps.iter().map(|step| step.set.limit()).max().unwrap_or_default();
    let grace = (longest + plan.back.limit()).saturating_add(GRACE);
    let text = serde_json::to_string(&plan).map_err(|error| wrong("the plan cannot be written").caused_by(error))?;
    let words = std::iter::once(context.exe).chain(WORKER).map(str::to_owned);
    let spec = Spec {
        program: Program::Command(words.collect()),
        cwd: context.workspace.to_owned(),
        env: shell::environment(context, serde_json::Map::new())?,
        stdin: Some(text),
        timeout_ms: context.stage.timeout.map(shell::whole_millis),
        grace_ms: shell::whole_millis(grace),
    };
    Ok(Prepared { work: Work::Process(spec), config: Value::Object(shown) })
}

fn plan(context: &Context, fields: &mut Fields) -> Result<Plan, StageError> {
    let strategy = steps::strategy(fields)?;
    let title = title(context, &strategy, fields)?;
    let rollback = match fields.text(&["on_failure"])?.as_deref() {
        None | Some("rollback") => true,
        Some("stop") => false,
        Some(_) => return Err(wrong("`on_failure` must be `rollback` or `stop`")),
    };
    let mut names = Names::of(context.scope);
    let checks = checks::read(context, &mut names)?;
    let steps = steps::read(fields, &strategy, !checks.is_empty())?;
    let set = raw(&context.stage.config, &["set_weight"]);
    let set = set.ok_or_else(|| wrong("a rollout needs `set_weight`, which moves traffic: `run`, `command` or `request`"))?;
    let doings = steps.iter().map(|step| {
        at_weight(context, step.weight, |context| {
            let probes = if step.judged { checks::probes(context, &checks) } else { Ok(Vec::new()) };
            Ok(Doings { set: action::read(context, set, step.weight)?, probes: probes? })
        })
    });
    Ok(Plan {
        steps: doings.collect::<Result<_, _>>()?,
        back: at_weight(context, 0, |context| action::read(context, set, 0))?,
        names,
        allow: context.http.egress().written(),
        course: Course { title, steps, checks: checks.into_iter().map(|check| check.check).collect(), rollback },
    })
}

/// Renders with `weight` as a name of its own.
fn at_weight<T>(context: &Context, weight: u8, read: impl FnOnce(&Context) -> Result<T, StageError>) -> Result<T, StageError> {
    let value = json!(weight);
    let scope: &dyn Scope = &Locals { inner: context.scope, names: &[("weight", &value)], fields: None };
    read(&Context { scope, ..*context })
}

/// `canary of api in production`. The gate is that of the environment which the stage targets: it cannot name another here.
fn title(context: &Context, strategy: &str, fields: &mut Fields) -> Result<String, StageError> {
    let of = fields.text(&["service"])?.map(|name| format!(" of {name}")).unwrap_or_default();
    let named = fields.text(&["environment"])?;
    if let (Some(named), Some(target)) = (&named, &context.stage.environment) {
        let target = template::render(&Value::String(target.clone()), context.scope);
        let target = to_text(&target.map_err(|error| in_field("environment", error.into()))?);
        if *named != target {
            return Err(wrong(format!("`environment` is `{named}`, and the stage targets `{target}`")));
        }
    }
    let place = named.map(|name| format!(" in {name}")).unwrap_or_default();
    Ok(format!("{strategy}{of}{place}"))
}

#[cfg(test)]
mod tests;
