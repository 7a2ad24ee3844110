//! `rollback`: going back to an earlier release, as a run of its own.
//!
//! Owns what the stage asks for. Which release that is, and how it is brought back, the engine knows.

use serde_json::{Value, json};

use super::fields::Fields;
use super::subpipeline::{ChildRun, environment};
use super::{Context, Prepared, Work};
use crate::model::{RollbackRequest, StageError, Values};

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let config = Value::Object(fields.as_map().clone());
    fields.take(&["environment"]);
    let reason = fields.text(&["reason"])?.unwrap_or_else(|| "a stage of the run asked for it".to_owned());
    let request = RollbackRequest {
        service: fields.text(&["service"])?,
        to: fields.text(&["to"])?,
        reason,
        live: None,
        values: Values::default(),
    };
    let child = ChildRun {
        reference: "rollback".to_owned(),
        inputs: json!({}),
        environment: environment(context)?,
        timeout: context.stage.timeout,
        waits: true,
        instead: None,
        rollback: Some(request),
    };
    Ok(Prepared { work: Work::Child(child), config })
}
