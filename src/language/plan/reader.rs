//! The expressions of one stage: known now, known later, or never.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::later::Later;
use super::probe::{Bound, Probe, Seen};
use super::world::World;
use crate::language::expression::{self, EvalError, Expression, Reference};
use crate::language::pipeline::StageSpec;
use crate::language::template;

/// What is known of a value.
#[derive(Debug)]
pub enum Known<T> {
    Now(T),
    Later(Later),
    /// It fails, whatever the stages give.
    Never(EvalError),
}

#[derive(Clone)]
pub struct Reader<'w> {
    pub world: &'w World<'w>,
    stage: usize,
    /// The part of `context` that is the same in every run.
    context: Map<String, Value>,
    names: HashMap<String, Bound>,
    others: Option<Later>,
}

impl<'w> Reader<'w> {
    pub fn new(world: &'w World<'w>, stage: usize) -> Self {
        let facts = json!({
            "pipeline_id": world.pipeline.id,
            "pipeline_version": world.pipeline.version,
            "stage_id": world.pipeline.stages[stage].id,
        });
        let names = world.bound_around(stage).into_iter().map(|(name, later)| (name, Bound::Later(later))).collect();
        Self { world, stage, context: facts.as_object().cloned().unwrap_or_default(), names, others: None }
    }

    pub fn spec(&self) -> &'w StageSpec {
        &self.world.pipeline.stages[self.stage]
    }

    /// The same with further names.
    #[must_use]
    pub fn with(mut self, names: impl IntoIterator<Item = (String, Bound)>) -> Self {
        self.names.extend(names);
        self
    }

    /// The same where any other bare name may mean something later.
    #[must_use]
    pub fn with_others(mut self, later: Later) -> Self {
        self.others = Some(later);
        self
    }

    /// The value of an expression.
    pub fn read(&self, source: &str) -> Known<Value> {
        self.probe(expression::compile(source, &self.scope()), |parsed, scope| parsed.evaluate(scope))
    }

    /// Whether a condition holds; by the rules of [`expression::condition`].
    pub fn holds(&self, condition: &Value) -> Known<bool> {
        let parsed = match condition {
            Value::String(source) => match template::sole(source.trim()) {
                Some(inner) => expression::compile(inner, &self.scope()),
                None if source.trim().is_empty() => return Known::Now(false),
                None => expression::compile_condition(source.trim(), &self.scope()),
            },
            // Read as a whole below; what it names, its texts tell when they are rendered.
            _ => expression::compile("null", &self.scope()),
        };
        self.probe(parsed, |_, scope| expression::condition(condition, scope).map(|(_, holds)| holds))
    }

    fn scope(&self) -> Probe<'_> {
        Probe {
            world: self.world,
            context: &self.context,
            names: &self.names,
            others: self.others.as_ref(),
            seen: RefCell::default(),
            empty: Map::new(),
        }
    }

    /// Evaluates on the inputs alone. The value counts if nothing else was asked for on the way.
    fn probe<T>(
        &self,
        parsed: Result<Expression, EvalError>,
        evaluate: impl FnOnce(&Expression, &Probe<'_>) -> Result<T, EvalError>,
    ) -> Known<T> {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(error) => return Known::Never(error),
        };
        let scope = self.scope();
        let value = evaluate(&parsed, &scope);
        let Seen { mut later, named } = scope.seen.take();
        let references = parsed.references();
        if named {
            references.iter().filter_map(|reference| self.named(reference)).for_each(|cause| later.add(&cause));
            let tells = |reference: &Reference| matches!(reference, Reference::Context { .. } | Reference::Variable { .. });
            // An expression that an input gave: which names it reads is not looked into.
            later.at_run_time |= !references.iter().any(tells);
        }
        if later.is_now() {
            return value.map_or_else(Known::Never, Known::Now);
        }
        // The evaluation stopped at the first thing it did not have.
        references.iter().filter_map(|reference| self.cause(reference, &scope)).for_each(|cause| later.add(&cause));
        Known::Later(later)
    }

    fn cause(&self, reference: &Reference, scope: &Probe<'_>) -> Option<Later> {
        match reference {
            Reference::Stage { id, .. } => self.world.pipeline.index_of(id).map(Later::after),
            Reference::Env { name, .. } => Some(Later::outside("env", name)),
            Reference::Secret { name, .. } => Some(Later::outside("secrets", name)),
            Reference::Context { .. } | Reference::Variable { .. } => self.named(reference),
            Reference::Name { name, .. } => {
                scope.name(name).cloned().or_else(|| self.world.pipeline.index_of(name).map(Later::after))
            }
        }
    }

    /// What a name of `context` or `variables` waits for.
    fn named(&self, reference: &Reference) -> Option<Later> {
        match reference {
            Reference::Variable { name } => Some(self.world.variable(self.stage, name.as_deref())),
            Reference::Context { name: Some(name) } => match (name.as_str(), self.names.get(name)) {
                ("pipeline_id" | "pipeline_version", _) => None,
                // An instance in a loop has its places in its id.
                ("stage_id", _) => self.names.contains_key("item").then(Later::per_item),
                ("run_id" | "attempt" | "actor", _) => Some(Later::at_run_time()),
                (_, Some(Bound::Later(later))) => Some(later.clone()),
                (name, _) => Some(self.world.variable(self.stage, Some(name))),
            },
            Reference::Context { name: None } => Some(Later::at_run_time()),
            Reference::Stage { .. } | Reference::Env { .. } | Reference::Secret { .. } | Reference::Name { .. } => None,
        }
    }
}
