//! The output of a run against the pipeline's `output_schema`.

use serde_json::Value;

use super::json_schema::Mismatch;
use super::pipeline::Pipeline;

/// Every place where the output does not fit; none without an `output_schema`. Paths are JSON pointers.
pub fn check(pipeline: &Pipeline, output: &Value) -> Vec<Mismatch> {
    pipeline.compiled_output.as_ref().map(|schema| schema.check(output)).unwrap_or_default()
}
