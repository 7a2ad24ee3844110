//! A Mermaid flowchart.

use std::fmt::Write as _;

use super::Graph;
use crate::language::pipeline::Pipeline;

/// `flowchart TD` with one node per stage; edges that exist only by ownership are dotted.
pub fn mermaid(pipeline: &Pipeline) -> String {
    let graph = Graph::of(pipeline);
    let mut out = String::from("flowchart TD\n");
    for (at, stage) in pipeline.stages.iter().enumerate() {
        let (open, close) = if stage.component.entry().keys.iter().any(|key| key.kind == crate::language::field::Kind::Stages) {
            ("{{", "}}")
        } else {
            ("[", "]")
        };
        let _ = writeln!(out, "    s{at}{open}\"{}<br/><small>{}</small>\"{close}", escape(stage.title()), stage.component);
    }
    for (at, stage) in pipeline.stages.iter().enumerate() {
        for from in &graph.dependencies[at] {
            let written = stage.depends_on.contains(&pipeline.stages[*from].id);
            let _ = writeln!(out, "    s{from} {} s{at}", if written { "-->" } else { "-.->" });
        }
    }
    out
}

/// Mermaid reads `#…;` codes inside quoted labels.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | ';' | '\\' | '`' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
