//! A scope made of plain values, for tests of anything that renders templates.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::scope::{Scope, StageView};
use super::stage_ids::StageIds;
use crate::model::{StageError, StageId, StageStatus, Timestamp};

/// Everything an expression can see, as fields to set.
#[derive(Debug, Clone)]
pub struct Values {
    pub input: Value,
    pub stages: BTreeMap<String, (StageStatus, Value, Option<StageError>)>,
    pub env: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
    pub context: Map<String, Value>,
    pub variables: Map<String, Value>,
    pub locals: Map<String, Value>,
    pub now: Timestamp,
    pub strict: bool,
    ids: StageIds,
}

impl Values {
    pub fn new(input: Value) -> Self {
        let context = json!({"run_id": "r-1", "stage_id": "here", "attempt": 1});
        Self {
            input,
            stages: BTreeMap::new(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            context: context.as_object().cloned().unwrap_or_default(),
            variables: Map::new(),
            locals: Map::new(),
            now: Timestamp(1_700_000_000_000),
            strict: false,
            ids: StageIds::default(),
        }
    }

    #[must_use]
    pub fn stage(mut self, id: &str, output: Value) -> Self {
        self.stages.insert(id.to_owned(), (StageStatus::Succeeded, output, None));
        self.known()
    }

    #[must_use]
    pub fn failed(mut self, id: &str, error: StageError) -> Self {
        self.stages.insert(id.to_owned(), (StageStatus::Failed, Value::Null, Some(error)));
        self.known()
    }

    #[must_use]
    pub fn local(mut self, name: &str, value: Value) -> Self {
        self.locals.insert(name.to_owned(), value);
        self
    }

    fn known(mut self) -> Self {
        self.ids = self.stages.keys().map(|id| StageId::new(id)).collect();
        self
    }
}

impl Scope for Values {
    fn input(&self) -> &Value {
        &self.input
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        self.stages.get(id).map(|(status, output, error)| StageView { status: *status, output, error: error.as_ref() })
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        self.ids.longest_prefix(text)
    }

    fn env(&self, name: &str) -> Option<Cow<'_, str>> {
        self.env.get(name).map(Into::into)
    }

    fn secret(&self, name: &str) -> Option<Cow<'_, str>> {
        self.secrets.get(name).map(Into::into)
    }

    fn context(&self) -> &Map<String, Value> {
        &self.context
    }

    fn variables(&self) -> &Map<String, Value> {
        &self.variables
    }

    fn local(&self, name: &str) -> Option<&Value> {
        self.locals.get(name)
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn uuid(&self, n: u32) -> String {
        format!("uuid-{n}")
    }

    fn strict(&self) -> bool {
        self.strict
    }
}
