//! `trycatch`: stages that may fail, stages that catch, stages that run in any case.

use std::time::Duration;

use serde_json::json;

use super::fields::{Fields, stage_ids, wrong};
use super::frame::{Frame, TryCatch};
use super::{Context, Prepared, Work};
use crate::language::duration::Unit;
use crate::model::StageError;

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let config = &context.stage.config;
    let scope = fields.text(&["error_scope"])?;
    let (propagate, forgive) = match scope.as_deref() {
        None => (false, false),
        Some("propagate" | "raise" | "rethrow") => (true, false),
        Some("continue" | "contain" | "suppress" | "local" | "stage") => (false, true),
        Some(other) => return Err(wrong(format!("`error_scope` must be propagate or continue, not `{other}`"))),
    };
    let only = fields.names(&["catch_error_types"])?;
    let max_retries = fields.count(&["max_retries"])?.unwrap_or(0);
    let retry_delay = fields.duration(&["retry_delay_ms", "retry_delay"], Unit::Milliseconds)?.unwrap_or(Duration::ZERO);
    let frame = TryCatch {
        body: stage_ids(config, &["try_stages"]),
        catch: stage_ids(config, &["catch_stages"]),
        finally: stage_ids(config, &["finally_stages"]),
        propagate,
        forgive,
        only: (!only.is_empty()).then_some(only),
        max_retries: u32::try_from(max_retries).unwrap_or(u32::MAX),
        retry_delay,
    };
    let shown = json!({"try": frame.body, "catch": frame.catch, "finally": frame.finally, "error_scope": scope});
    Ok(Prepared { work: Work::Frame(Frame::TryCatch(frame)), config: shown })
}
