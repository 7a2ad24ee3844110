//! The steps of a rollout: those that are written, or those that its strategy is known for.

use std::time::Duration;

use serde_json::Value;

use super::plan::Step;
use crate::language::duration::Unit;
use crate::model::StageError;
use crate::operators::fields::{Fields, mismatch, wrong};

const KEYS: &[&str] = &["weight", "bake", "analysis"];
/// More steps are a mistake.
const MOST: usize = 200;
/// What a canary is watched for in a step when nobody says how long.
const CANARY_BAKE: Duration = Duration::from_secs(60);

/// `canary` where none is named.
///
/// # Errors
/// CONFIGURATION for another word.
pub(super) fn strategy(fields: &mut Fields) -> Result<String, StageError> {
    let named = fields.text(&["strategy"])?.unwrap_or_else(|| "canary".to_owned());
    match named.as_str() {
        "canary" | "blue-green" | "rolling" => Ok(named),
        _ => Err(wrong("`strategy` must be canary, blue-green or rolling")),
    }
}

/// The steps; `bake` goes for those that give none. A step is judged unless it says `analysis: false`, or nothing judges.
///
/// # Errors
/// CONFIGURATION, naming the step.
pub(super) fn read(fields: &mut Fields, strategy: &str, judged: bool) -> Result<Vec<Step>, StageError> {
    let bake = fields.duration(&["bake"], Unit::Seconds)?;
    let steps: Vec<Step> = match fields.take(&["steps"]) {
        None => usual(strategy, bake),
        Some(Value::Array(list)) => {
            let read = |(at, step)| one(at, step, bake.unwrap_or_default());
            list.into_iter().enumerate().map(read).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(mismatch(&["steps"], "a list of steps", &other)),
    };
    if steps.is_empty() || steps.len() > MOST {
        return Err(wrong(format!("`steps` must be between one and {MOST} steps")));
    }
    Ok(steps.into_iter().map(|step| Step { judged: step.judged && judged, ..step }).collect())
}

fn usual(strategy: &str, bake: Option<Duration>) -> Vec<Step> {
    let (weights, usual): (&[u8], _) = match strategy {
        "blue-green" => (&[100], Duration::ZERO),
        "rolling" => (&[25, 50, 75, 100], Duration::ZERO),
        _ => (&[10, 25, 50, 100], CANARY_BAKE),
    };
    let bake_of = |weight| if weight == 100 { bake.unwrap_or_default() } else { bake.unwrap_or(usual) };
    weights.iter().map(|&weight| Step { weight, bake: bake_of(weight), judged: true }).collect()
}

fn one(at: usize, step: Value, bake: Duration) -> Result<Step, StageError> {
    let place = format!("steps[{at}]");
    let step = if step.is_number() || step.is_string() { serde_json::json!({"weight": step}) } else { step };
    let mut fields = Fields::within(&place, step, KEYS)?;
    let weight = fields.count(&["weight"])?.and_then(|weight| u8::try_from(weight).ok()).filter(|weight| *weight <= 100);
    let weight = weight.ok_or_else(|| wrong(format!("`{place}` needs a `weight`, a whole number from 0 to 100")))?;
    let bake = fields.duration(&["bake"], Unit::Seconds)?.unwrap_or(bake);
    Ok(Step { weight, bake, judged: fields.flag(&["analysis"], true)? })
}
