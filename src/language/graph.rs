//! The stages as a graph, and its drawings for other programs.

pub mod dot;
pub mod json;
pub mod mermaid;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::pipeline::Pipeline;

pub use dot::dot;
pub use json::json;
pub use mermaid::mermaid;

/// Edges by the index of stages in `Pipeline::stages`; written dependencies and owners, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// What each stage waits for.
    pub dependencies: Vec<Vec<usize>>,
    /// Who waits for it.
    pub dependants: Vec<Vec<usize>>,
    /// All stages, each after its dependencies, otherwise in the order of the document.
    pub order: Vec<usize>,
}

impl Graph {
    pub fn of(pipeline: &Pipeline) -> Self {
        let count = pipeline.stages.len();
        let at = |id: &crate::model::StageId| pipeline.index_of(id.as_str());
        let dependencies: Vec<Vec<usize>> =
            pipeline.stages.iter().map(|stage| stage.dependencies().filter_map(at).collect()).collect();
        let mut dependants = vec![Vec::new(); count];
        for (stage, needed) in dependencies.iter().enumerate() {
            needed.iter().for_each(|needed| dependants[*needed].push(stage));
        }
        let order = order(&dependencies, &dependants);
        Self { dependencies, dependants, order }
    }
}

fn order(dependencies: &[Vec<usize>], dependants: &[Vec<usize>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..waiting.len()).filter(|at| waiting[*at] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(Reverse(stage)) = ready.pop() {
        order.push(stage);
        for dependant in &dependants[stage] {
            waiting[*dependant] -= 1;
            if waiting[*dependant] == 0 {
                ready.push(Reverse(*dependant));
            }
        }
    }
    order
}
