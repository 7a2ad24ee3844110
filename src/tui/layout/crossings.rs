//! How many crossings a person sees, in our pictures and in those of the library that draws `flowdeck graph`.

use std::collections::{BTreeMap, BTreeSet};

use ascii_dag::ir::EdgePath;

use super::tests::large;
use super::{Graph, Layout};
use crate::language::{Format, load};

/// The pieces of all edges between neighbouring layers: layer, place on its left side, place on its right side. Pieces
/// that lie on each other are one.
type Pieces = BTreeSet<(usize, i64, i64)>;

fn ours(graph: &Graph) -> Pieces {
    let layout = Layout::of(graph);
    let channels = layout.channels.iter().enumerate();
    let nets = channels.flat_map(|(layer, channel)| channel.nets.iter().map(move |net| (layer, net)));
    nets.flat_map(|(layer, net)| net.sinks.iter().map(move |sink| (layer, i64::from(net.row), i64::from(sink.row)))).collect()
}

fn theirs(graph: &Graph) -> Pieces {
    let names: Vec<String> = (0..graph.widths.len()).map(|number| format!("n{number}")).collect();
    let nodes: Vec<(usize, &str)> = names.iter().map(String::as_str).enumerate().collect();
    let edges: Vec<(usize, usize)> = graph.edges.iter().map(|(from, to)| (*from as usize, *to as usize)).collect();
    let drawn = ascii_dag::graph::Graph::from_edges(&nodes, &edges);
    let layout = drawn.compute_layout();
    let place = |x: usize| i64::try_from(x).expect("small");
    // Where each layer begins, to tell which one a bend lies in.
    let tops: BTreeMap<usize, usize> = layout.nodes().iter().map(|node| (node.y, node.level)).collect();
    let mut pieces = Pieces::new();
    for edge in layout.edges() {
        let ends = [edge.from_id, edge.to_id].map(|end| layout.node_by_id(end).expect("a node"));
        let mut way: BTreeMap<usize, i64> = BTreeMap::new();
        if let EdgePath::MultiSegment { waypoints, .. } = &edge.path {
            for (x, y) in waypoints {
                let level = tops.range(..=*y).next_back().map_or(0, |(_, level)| *level);
                way.insert(level, place(*x));
            }
        }
        ends.iter().for_each(|end| _ = way.insert(end.level, place(end.center_x)));
        // A layer without a bend of its own is passed straight on.
        let mut from = place(ends[0].center_x);
        for layer in ends[0].level..ends[1].level {
            let to = way.get(&(layer + 1)).copied().unwrap_or(from);
            pieces.insert((layer, from, to));
            from = to;
        }
    }
    pieces
}

fn crossings(pieces: &Pieces) -> usize {
    let pieces: Vec<_> = pieces.iter().collect();
    let crosses = |a: &(usize, i64, i64), b: &(usize, i64, i64)| a.0 == b.0 && (a.1 - b.1).signum() * (a.2 - b.2).signum() < 0;
    (0..pieces.len()).map(|at| pieces[at + 1..].iter().filter(|other| crosses(pieces[at], other)).count()).sum()
}

fn shipped() -> Vec<(String, Graph)> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines")).expect("pipelines");
    let paths = folder.map(|entry| entry.expect("a file").path());
    let mut graphs: Vec<(String, Graph)> = paths
        .filter(|path| !path.to_string_lossy().contains(".test."))
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            let pipeline = load(&text, Format::sniff(&text)).pipeline?;
            let graph = crate::language::graph::Graph::of(&pipeline);
            let number = |at: usize| u32::try_from(at).expect("small");
            let edges = graph.dependencies.iter().enumerate();
            let edges = edges.flat_map(|(to, before)| before.iter().map(move |from| (number(*from), number(to)))).collect();
            Some((pipeline.id.clone(), Graph { widths: vec![18; pipeline.stages.len()], edges, height: 3, gap: 0 }))
        })
        .collect();
    graphs.sort_by(|a, b| a.0.cmp(&b.0));
    graphs
}

#[test]
fn shipped_pipelines_cross_no_more_than_in_the_other_drawing() {
    let graphs = shipped();
    assert!(graphs.len() > 10, "{} pipelines", graphs.len());
    for (name, graph) in graphs {
        let (ours, theirs) = (crossings(&ours(&graph)), crossings(&theirs(&graph)));
        assert!(ours <= theirs, "{name}: {ours} crossings, the other drawing has {theirs}");
    }
}

/// Prints its figures with `--nocapture`.
#[test]
fn random_graphs_cross_less_than_in_the_other_drawing() {
    let (mut sums, mut worse, mut count) = ((0, 0), 0, 0);
    for nodes in 8..48 {
        for (edges, reach) in [(nodes, 4), (nodes * 3 / 2, 6), (nodes * 2, 9)] {
            let graph = large(nodes, edges as usize, reach);
            let (ours, theirs) = (crossings(&ours(&graph)), crossings(&theirs(&graph)));
            sums = (sums.0 + ours, sums.1 + theirs);
            worse += usize::from(ours > theirs);
            count += 1;
        }
    }
    #[expect(clippy::print_stderr, reason = "a figure for people")]
    {
        eprintln!("{count} graphs: {} crossings, the other drawing has {}; more than it in {worse}", sums.0, sums.1);
    }
    assert!(sums.0 <= sums.1, "{sums:?}");
}
