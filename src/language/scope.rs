//! What an expression may read. The engine, tests and `plan` each provide one; the language only asks.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::model::{StageError, StageStatus, Timestamp};

/// A stage as expressions see it: `upstream.<id>`, `stages.<id>.output`, `<id>.output`, `.error`, `.status`.
#[derive(Debug, Clone, Copy)]
pub struct StageView<'a> {
    pub status: StageStatus,
    pub output: &'a Value,
    pub error: Option<&'a StageError>,
}

/// The roots of `{{ … }}`. Every value is fixed for the length of one attempt, so a resumed attempt renders the same text.
pub trait Scope {
    fn input(&self) -> &Value;

    /// `None` for a stage that the pipeline does not have.
    fn stage(&self, id: &str) -> Option<StageView<'_>>;

    /// A stage as `stages.<id>` shows it, where that is more than [`Scope::stage`] tells.
    fn whole_stage(&self, _id: &str) -> Option<&Value> {
        None
    }

    /// The longest known stage id that `text` starts with (ids contain hyphens); `None` when there is none.
    fn longest_stage_id(&self, text: &str) -> Option<&str>;

    /// An environment value the client sent along; `None` when it is missing.
    fn env(&self, name: &str) -> Option<Cow<'_, str>>;

    /// A secret; `None` when it is missing.
    fn secret(&self, name: &str) -> Option<Cow<'_, str>>;

    /// `run_id`, `pipeline_id`, `pipeline_version`, `stage_id`, `attempt`, `actor`.
    fn context(&self) -> &Map<String, Value>;

    /// What `variable-set` stages have set so far.
    fn variables(&self) -> &Map<String, Value>;

    /// A bare loop variable (`item`, `index`, a custom name) or a name bound by an operator (`data`).
    fn local(&self, name: &str) -> Option<&Value>;

    /// Fixed once per attempt.
    fn now(&self) -> Timestamp;

    /// The `n`th `uuid()` of this attempt; the same `n` gives the same text on a resumed attempt.
    fn uuid(&self, n: u32) -> String;

    /// `strict_templates: true`: a missing field is an error instead of null.
    fn strict(&self) -> bool;
}
