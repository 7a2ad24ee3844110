//! The graph as a JSON document.

use serde_json::{Value, json};

use super::Graph;
use crate::language::pipeline::Pipeline;

/// `{pipeline, name, stages: [{id, name, component, depends_on, owners, undoes?}], edges: [{from, to, implicit}], order: [id]}`
pub fn json(pipeline: &Pipeline) -> Value {
    let graph = Graph::of(pipeline);
    let stages: Vec<Value> = pipeline
        .stages
        .iter()
        .map(|stage| {
            let mut told = json!({
                "id": stage.id,
                "name": stage.title(),
                "component": stage.component.name(),
                "depends_on": stage.depends_on,
                "owners": stage.owners,
            });
            if let Some(undoes) = &stage.undoes {
                told["undoes"] = json!(undoes);
            }
            told
        })
        .collect();
    let mut edges = Vec::new();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        for from in &graph.dependencies[at] {
            let from = &pipeline.stages[*from].id;
            edges.push(json!({"from": from, "to": stage.id, "implicit": !stage.depends_on.contains(from)}));
        }
    }
    let order: Vec<&str> = graph.order.iter().map(|at| pipeline.stages[*at].id.as_str()).collect();
    json!({"pipeline": pipeline.id, "name": pipeline.name, "stages": stages, "edges": edges, "order": order})
}
