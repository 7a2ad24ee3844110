//! What the expressions of a run's stages read: the fold, the values sent along, and the attempt's own facts.

use std::borrow::Cow;

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use crate::language::Pipeline;
use crate::language::scope::{Scope, StageView};
use crate::model::{Run, StageId, Timestamp, Values};

pub(super) struct RunScope<'a> {
    run: &'a Run,
    pipeline: &'a Pipeline,
    values: &'a Values,
    variables: &'a Map<String, Value>,
    context: Map<String, Value>,
    now: Timestamp,
    seed: String,
    /// The places in loops of the stage that reads.
    path: &'a [usize],
    locals: Vec<(String, Value)>,
    withheld: Vec<&'a str>,
}

/// Which attempt of which stage reads.
pub(super) struct Place<'a> {
    pub stage: &'a StageId,
    pub attempt: u32,
    pub path: &'a [usize],
}

impl<'a> RunScope<'a> {
    /// The scope of one attempt that starts at `now`.
    pub fn new(
        run: &'a Run,
        pipeline: &'a Pipeline,
        values: &'a Values,
        variables: &'a Map<String, Value>,
        Place { stage, attempt, path }: Place<'a>,
        locals: Vec<(String, Value)>,
        now: Timestamp,
    ) -> Self {
        let mut context = variables.clone();
        let facts = json!({
            "run_id": run.id,
            "pipeline_id": run.pipeline.id,
            "pipeline_version": run.pipeline.version,
            "stage_id": stage,
            "attempt": attempt,
            "actor": run.actor.name,
        });
        if let Value::Object(facts) = facts {
            context.extend(facts);
        }
        // Inner loops come first and win.
        for (name, value) in locals.iter().rev() {
            context.insert(name.clone(), value.clone());
        }
        let seed = format!("{}/{stage}/{attempt}", run.id);
        Self { run, pipeline, values, variables, context, now, seed, path, locals, withheld: Vec::new() }
    }

    /// Without these secrets: the stage does not act where they may be read.
    pub fn without(self, withheld: Vec<&'a str>) -> Self {
        Self { withheld, ..self }
    }
}

impl Scope for RunScope<'_> {
    fn input(&self) -> &Value {
        &self.run.inputs
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        // Inside a loop, the same item's stage comes before the one outside.
        let nearer =
            (1..=self.path.len()).rev().find_map(|depth| self.run.stages.get(&StageId::new(id).inside(&self.path[..depth])));
        let stage = nearer.or_else(|| self.run.stages.get(id))?;
        Some(StageView { status: stage.status, output: &stage.output, error: stage.error.as_deref() })
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
        (1..=end).rev().find_map(|end| {
            let index = self.pipeline.index_of(text.get(..end)?)?;
            Some(self.pipeline.stages[index].id.as_str())
        })
    }

    fn env(&self, name: &str) -> Option<Cow<'_, str>> {
        self.values.0.get(&format!("env.{name}")).map(|value| Cow::Borrowed(value.as_str()))
    }

    fn secret(&self, name: &str) -> Option<Cow<'_, str>> {
        if self.withheld.contains(&name) {
            return None;
        }
        self.values.0.get(&format!("secrets.{name}")).map(|value| Cow::Borrowed(value.as_str()))
    }

    fn context(&self) -> &Map<String, Value> {
        &self.context
    }

    fn variables(&self) -> &Map<String, Value> {
        self.variables
    }

    fn local(&self, name: &str) -> Option<&Value> {
        self.locals.iter().find(|(local, _)| local == name).map(|(_, value)| value)
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn uuid(&self, n: u32) -> String {
        let hash = digest::digest(&digest::SHA256, format!("{}/{n}", self.seed).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    fn strict(&self) -> bool {
        self.pipeline.strict_templates
    }
}
