//! A Graphviz digraph.

use std::fmt::Write as _;

use super::Graph;
use crate::language::pipeline::Pipeline;

/// One node per stage; edges that exist only by ownership are dashed, as are stages that run only to undo others.
pub fn dot(pipeline: &Pipeline) -> String {
    let graph = Graph::of(pipeline);
    let mut out = format!("digraph \"{}\" {{\n    rankdir=TB;\n    node [shape=box, style=rounded];\n", escape(&pipeline.name));
    for stage in &pipeline.stages {
        let style = if stage.undoes.is_some() { ", style=\"rounded,dashed\"" } else { "" };
        let _ = writeln!(out, "    \"{}\" [label=\"{}\\n{}\"{style}];", stage.id, escape(stage.title()), stage.component);
    }
    for (at, stage) in pipeline.stages.iter().enumerate() {
        for from in &graph.dependencies[at] {
            let from = &pipeline.stages[*from].id;
            let style = if stage.depends_on.contains(from) { "" } else { " [style=dashed]" };
            let _ = writeln!(out, "    \"{from}\" -> \"{}\"{style};", stage.id);
        }
    }
    out.push_str("}\n");
    out
}

fn escape(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().replace('\\', "\\\\").replace('"', "\\\"")
}
