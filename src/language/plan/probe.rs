//! A scope that knows the inputs alone, and takes down what else an expression asks for.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::later::Later;
use super::world::World;
use crate::language::expression::ROOTS;
use crate::language::scope::{Scope, StageView};
use crate::model::Timestamp;

/// What a bare name means.
#[derive(Debug, Clone)]
pub enum Bound {
    Now(Value),
    Later(Later),
}

pub struct Probe<'a> {
    pub world: &'a World<'a>,
    pub context: &'a Map<String, Value>,
    pub names: &'a HashMap<String, Bound>,
    /// What any other bare name waits for; without it such a name means nothing.
    pub others: Option<&'a Later>,
    pub seen: RefCell<Seen>,
    pub empty: Map<String, Value>,
}

/// What was asked for and is not known.
#[derive(Debug, Default)]
pub struct Seen {
    pub later: Later,
    /// `context` or `variables` was read; which of their names, the expression itself tells.
    pub named: bool,
}

impl<'a> Probe<'a> {
    fn ask(&self, later: &Later) {
        self.seen.borrow_mut().later.add(later);
    }

    /// What a bare name waits for, if it means something that is not known yet.
    pub fn name(&self, name: &str) -> Option<&'a Later> {
        match self.names.get(name) {
            Some(Bound::Now(_)) => None,
            Some(Bound::Later(later)) => Some(later),
            None if ROOTS.contains(&name) || self.world.pipeline.index_of(name).is_some() => None,
            None => self.others,
        }
    }
}

impl Scope for Probe<'_> {
    fn input(&self) -> &Value {
        self.world.inputs
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        if let Some(stage) = self.world.pipeline.index_of(id) {
            self.ask(&Later::after(stage));
        }
        None
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        self.world.pipeline.stage_ids().longest_prefix(text)
    }

    fn env(&self, name: &str) -> Option<Cow<'_, str>> {
        self.ask(&Later::outside("env", name));
        None
    }

    fn secret(&self, name: &str) -> Option<Cow<'_, str>> {
        self.ask(&Later::outside("secrets", name));
        None
    }

    fn context(&self) -> &Map<String, Value> {
        self.seen.borrow_mut().named = true;
        self.context
    }

    fn variables(&self) -> &Map<String, Value> {
        self.seen.borrow_mut().named = true;
        &self.empty
    }

    fn local(&self, name: &str) -> Option<&Value> {
        if let Some(Bound::Now(value)) = self.names.get(name) {
            return Some(value);
        }
        if let Some(later) = self.name(name) {
            self.ask(later);
        }
        None
    }

    fn now(&self) -> Timestamp {
        self.ask(&Later::at_run_time());
        Timestamp::default()
    }

    fn uuid(&self, _: u32) -> String {
        self.ask(&Later::at_run_time());
        String::new()
    }

    fn strict(&self) -> bool {
        self.world.pipeline.strict_templates
    }
}
