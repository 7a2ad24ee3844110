//! `flowdeck graph`: the pipeline's shape as text, Mermaid, Graphviz or JSON.

use ascii_dag::graph::Graph;

use super::{Context, Handoff, exit, pipeline};
use crate::language::{self, Pipeline};

/// Print a pipeline's graph
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A path, or the name of a file in the workspace's `pipelines/`
    pipeline: String,
    #[arg(long, value_enum, default_value = "text")]
    format: Shape,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shape {
    Text,
    Mermaid,
    Dot,
    Json,
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let (_, _, _, pipeline) = match pipeline::read(&context, &args.pipeline) {
        Ok(read) => read,
        Err(handoff) => return handoff,
    };
    let text = match args.format {
        Shape::Text => drawn(&pipeline),
        Shape::Mermaid => language::graph::mermaid(&pipeline),
        Shape::Dot => language::graph::dot(&pipeline),
        Shape::Json => format!("{:#}", language::graph::json(&pipeline)),
    };
    outln!("{}", text.trim_end());
    Handoff::Exit(exit::SUCCESS)
}

/// The graph in characters, top to bottom.
fn drawn(pipeline: &Pipeline) -> String {
    let graph = language::graph::Graph::of(pipeline);
    let nodes: Vec<(usize, &str)> = pipeline.stages.iter().enumerate().map(|(index, stage)| (index, stage.id.as_str())).collect();
    let edges: Vec<(usize, usize)> =
        graph.dependants.iter().enumerate().flat_map(|(from, to)| to.iter().map(move |to| (from, *to))).collect();
    Graph::from_edges(&nodes, &edges).render()
}
