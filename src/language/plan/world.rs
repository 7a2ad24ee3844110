//! The pipeline as a plan sees it: who comes before whom, who sets variables, what a loop binds.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::later::Later;
use crate::language::component::Component;
use crate::language::graph::Graph;
use crate::language::pipeline::{Pipeline, StageSpec};
use crate::language::template::has_template;

pub struct World<'p> {
    pub pipeline: &'p Pipeline,
    pub inputs: &'p Value,
    pub graph: Graph,
    /// The place of each stage in the graph's order.
    position: Vec<usize>,
    /// The `variable-set` stages.
    setters: Vec<usize>,
}

impl<'p> World<'p> {
    pub fn new(pipeline: &'p Pipeline, inputs: &'p Value) -> Self {
        let graph = Graph::of(pipeline);
        let mut position = vec![0; pipeline.stages.len()];
        graph.order.iter().enumerate().for_each(|(at, stage)| position[*stage] = at);
        let sets = |stage: &usize| pipeline.stages[*stage].component == Component::VariableSet;
        let setters = (0..pipeline.stages.len()).filter(sets).collect();
        Self { pipeline, inputs, graph, position, setters }
    }

    /// The ids of the stages that end last: those no other one of them waits for, in the graph's order.
    pub fn last_of(&self, stages: &BTreeSet<usize>) -> Vec<&'p str> {
        let mut last: Vec<usize> = stages.iter().copied().collect();
        if last.len() > 1 {
            let before = self.ancestors(last.clone(), stages);
            last.retain(|stage| !before[*stage]);
        }
        last.sort_by_key(|stage| self.position[*stage]);
        last.into_iter().map(|stage| self.pipeline.stages[stage].id.as_str()).collect()
    }

    /// Those of `wanted` that have ended before `stage` starts.
    fn before(&self, stage: usize, wanted: &BTreeSet<usize>) -> BTreeSet<usize> {
        let seen = self.ancestors(vec![stage], wanted);
        wanted.iter().copied().filter(|stage| seen[*stage]).collect()
    }

    /// What comes before any of the stages in `open`, marked by its index; complete for those in `wanted`.
    fn ancestors(&self, mut open: Vec<usize>, wanted: &BTreeSet<usize>) -> Vec<bool> {
        let earliest = wanted.iter().map(|stage| self.position[*stage]).min().unwrap_or(0);
        let mut seen = vec![false; self.position.len()];
        while let Some(at) = open.pop() {
            for next in &self.graph.dependencies[at] {
                if self.position[*next] >= earliest && !std::mem::replace(&mut seen[*next], true) {
                    open.push(*next);
                }
            }
        }
        seen
    }

    /// What a variable waits for; all of them without a name. One that nobody can have set by then is null at once.
    pub fn variable(&self, reader: usize, name: Option<&str>) -> Later {
        let setters: BTreeSet<usize> =
            self.setters.iter().copied().filter(|at| *at != reader && may_set(&self.pipeline.stages[*at], name)).collect();
        let before = self.before(reader, &setters);
        let beside = setters.iter().any(|setter| !before.contains(setter));
        Later { at_run_time: beside, stages: before, ..Later::default() }
    }

    /// Names that the loops and guards around a stage bind.
    pub fn bound_around(&self, stage: usize) -> HashMap<String, Later> {
        let (mut names, mut open, mut seen) = (HashMap::new(), vec![stage], HashSet::from([stage]));
        if self.pipeline.stages[stage].undoes.is_some() {
            names.extend(["compensates", "idempotency_key"].map(|name| (name.to_owned(), Later::at_run_time())));
        }
        while let Some(at) = open.pop() {
            for owner in self.pipeline.stages[at].owners.iter().filter_map(|id| self.pipeline.index_of(id.as_str())) {
                let spec = &self.pipeline.stages[owner];
                match spec.component {
                    Component::Foreach => names.extend(item_names(spec).map(|name| (name, Later::per_item()))),
                    Component::TryCatch => drop(names.insert("error".to_owned(), Later::at_run_time())),
                    _ => {}
                }
                if seen.insert(owner) {
                    open.push(owner);
                }
            }
        }
        names
    }
}

/// The names of a loop's item and its number.
pub fn item_names(spec: &StageSpec) -> impl Iterator<Item = String> + use<> {
    let own = ["item_variable", "index_variable"].map(|key| spec.config.get(key).and_then(Value::as_str).map(str::to_owned));
    own.into_iter().flatten().chain(["item", "current_item", "index", "item_index"].map(str::to_owned))
}

fn may_set(spec: &StageSpec, name: Option<&str>) -> bool {
    let Some(name) = name else { return true };
    let is = |text: &str| text == name || has_template(text);
    let listed = ["variables", "vars"].iter().filter_map(|key| spec.config.get(key));
    let mut listed = listed.map(|variables| match variables {
        Value::Object(map) => map.keys().any(|key| is(key)),
        other => other.is_string(),
    });
    let mut named = ["name", "variable", "variable_name"].iter().filter_map(|key| spec.config.get(key)?.as_str());
    listed.any(|sets| sets) || named.any(is)
}
