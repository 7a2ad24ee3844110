//! What a condition may read where the run is far away: the names that it was seen to use, and what was measured.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::language::expression::{self, Reference};
use crate::language::scope::{Scope, StageView};
use crate::model::{StageError, StageStatus, Timestamp};
use crate::operators::fields::{in_field, mismatch};

/// Names that loops and guards bind.
const LOCALS: &[&str] = &["item", "current_item", "index", "item_index", "error"];

/// A piece of a run's scope, as it was when the attempt began. It may hold secrets.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Names {
    input: Value,
    variables: Map<String, Value>,
    context: Map<String, Value>,
    stages: BTreeMap<String, (StageStatus, Value)>,
    env: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    locals: Map<String, Value>,
    now: Timestamp,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    /// What every condition may read.
    pub(super) fn of(scope: &dyn Scope) -> Self {
        let locals = LOCALS.iter().filter_map(|name| Some(((*name).to_owned(), scope.local(name)?.clone())));
        Self {
            input: scope.input().clone(),
            variables: scope.variables().clone(),
            context: scope.context().clone(),
            locals: locals.collect(),
            now: scope.now(),
            ..Self::default()
        }
    }

    /// A condition as it is written, and what it reads taken in; none where there is none.
    ///
    /// # Errors
    /// Something that is no expression.
    pub(super) fn condition(
        &mut self,
        place: &str,
        written: Option<&Value>,
        scope: &dyn Scope,
    ) -> Result<Option<String>, StageError> {
        match written {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            Some(Value::String(text)) if !text.trim().is_empty() => {
                self.learn(place, text, scope)?;
                Ok(Some(text.clone()))
            }
            Some(other) => Err(mismatch(&[place], "an expression", other)),
        }
    }

    /// Takes in what this condition reads.
    ///
    /// # Errors
    /// A condition that is no expression.
    fn learn(&mut self, place: &str, condition: &str, scope: &dyn Scope) -> Result<(), StageError> {
        let compiled = expression::compile_condition(condition, scope);
        for reference in compiled.map_err(|error| in_field(place, error.into()))?.references() {
            match reference {
                Reference::Stage { id, .. } => self.learn_stage(&id, scope),
                Reference::Name { name, .. } => {
                    self.learn_stage(&name, scope);
                    if let Some(value) = scope.local(&name) {
                        self.locals.insert(name, value.clone());
                    }
                }
                Reference::Env { name, .. } => {
                    if let Some(value) = scope.env(&name) {
                        self.env.insert(name, value.into_owned());
                    }
                }
                Reference::Secret { name, .. } => {
                    if let Some(value) = scope.secret(&name) {
                        self.secrets.insert(name, value.into_owned());
                    }
                }
                Reference::Context { .. } | Reference::Variable { .. } => {}
            }
        }
        Ok(())
    }

    fn learn_stage(&mut self, id: &str, scope: &dyn Scope) {
        if let Some(view) = scope.stage(id) {
            self.stages.insert(id.to_owned(), (view.status, view.output.clone()));
        }
    }

    /// Whether the condition holds for what was measured. What is missing is an error, never null.
    ///
    /// # Errors
    /// What the condition cannot be asked of this measurement, in a lower-case sentence.
    pub(super) fn holds(&self, condition: &str, measured: &Map<String, Value>) -> Result<bool, String> {
        let scope = Measured { names: self, measured };
        let asked = expression::condition(&Value::String(condition.to_owned()), &scope);
        asked.map(|(_, holds)| holds).map_err(|error| error.message)
    }
}

struct Measured<'a> {
    names: &'a Names,
    measured: &'a Map<String, Value>,
}

impl Scope for Measured<'_> {
    fn input(&self) -> &Value {
        &self.names.input
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        self.names.stages.get(id).map(|(status, output)| StageView { status: *status, output, error: None })
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        let known = self.names.stages.keys().map(String::as_str).filter(|id| text.starts_with(id));
        known.max_by_key(|id| id.len())
    }

    fn env(&self, name: &str) -> Option<Cow<'_, str>> {
        self.names.env.get(name).map(|value| Cow::Borrowed(value.as_str()))
    }

    fn secret(&self, name: &str) -> Option<Cow<'_, str>> {
        self.names.secrets.get(name).map(|value| Cow::Borrowed(value.as_str()))
    }

    fn context(&self) -> &Map<String, Value> {
        &self.names.context
    }

    fn variables(&self) -> &Map<String, Value> {
        &self.names.variables
    }

    fn local(&self, name: &str) -> Option<&Value> {
        self.measured.get(name).or_else(|| self.names.locals.get(name))
    }

    fn now(&self) -> Timestamp {
        self.names.now
    }

    fn uuid(&self, n: u32) -> String {
        format!("measurement-{n}")
    }

    fn strict(&self) -> bool {
        true
    }
}
