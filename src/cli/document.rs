//! A run as scripts get it: the same document from `run --json` and from `runs show --json`.

use serde::Serialize;

use crate::model::Run;

/// The run, and its pipeline's id where scripts look for it.
#[derive(Serialize)]
pub struct Document<'r> {
    pipeline_id: &'r str,
    #[serde(flatten)]
    run: &'r Run,
}

impl<'r> Document<'r> {
    pub fn of(run: &'r Run) -> Self {
        Self { pipeline_id: &run.pipeline.id, run }
    }
}
