use proptest::prelude::{Strategy, any, prop, prop_assert, proptest};

use super::{Graph, Layout, Step};

fn graph(nodes: usize, edges: &[(u32, u32)]) -> Graph {
    Graph { widths: vec![10; nodes], edges: edges.to_vec(), height: 3, gap: 1 }
}

/// A reproducible graph whose edges reach at most `reach` nodes ahead.
pub fn large(nodes: u32, edges: usize, reach: u32) -> Graph {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u32| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state % u64::from(below)).expect("below u32")
    };
    let mut list = std::collections::BTreeSet::new();
    while list.len() < edges {
        let from = next(nodes - 1);
        let to = from + 1 + next(reach);
        if to < nodes {
            list.insert((from, to));
        }
    }
    Graph { widths: vec![18; nodes as usize], edges: list.into_iter().collect(), height: 3, gap: 1 }
}

fn random_graph() -> impl Strategy<Value = Graph> {
    (1usize..40, prop::collection::vec((any::<u32>(), any::<u32>()), 0..90), any::<bool>()).prop_map(|(nodes, pairs, boxes)| {
        let count = u32::try_from(nodes).expect("small");
        let edges = pairs.into_iter().map(|(a, b)| (a % count, b % count)).map(|(a, b)| (a.min(b), a.max(b))).collect();
        Graph {
            widths: (0..count).map(|n| 6 + u16::try_from(n % 9).expect("small")).collect(),
            edges,
            height: if boxes { 3 } else { 1 },
            gap: u16::from(boxes),
        }
    })
}

#[test]
fn a_chain_is_one_straight_line() {
    let layout = Layout::of(&graph(4, &[(0, 1), (1, 2), (2, 3)]));
    assert_eq!(layout.layers.len(), 4);
    assert!(layout.places.windows(2).all(|pair| pair[0].y == pair[1].y && pair[0].x < pair[1].x));
    assert!(layout.channels.iter().all(|channel| channel.nets.iter().all(|net| net.track.is_none())));
    assert_eq!((layout.height, layout.port_row(0)), (3, 1));
}

#[test]
fn a_fork_and_join_is_symmetric() {
    let layout = Layout::of(&graph(5, &[(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)]));
    let row = |node: usize| layout.places[node].y;
    assert_eq!(row(0), row(2));
    assert_eq!(row(4), row(2));
    assert_eq!((row(2) - row(1), row(3) - row(2)), (4, 4));
}

#[test]
fn walking_follows_edges_and_layers() {
    let layout = Layout::of(&graph(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]));
    assert_eq!(layout.step(0, Step::Right), Some(1));
    assert_eq!(layout.step(1, Step::Down), Some(2));
    assert_eq!(layout.step(2, Step::Right), Some(3));
    assert_eq!(layout.step(3, Step::Right), None);
    assert_eq!(layout.step(1, Step::Up), None);
    assert_eq!(layout.step(2, Step::Left), Some(0));
}

#[test]
fn a_cycle_or_a_stray_edge_is_left_out_and_nothing_hangs() {
    let layout = Layout::of(&graph(3, &[(0, 1), (1, 2), (2, 0), (1, 1), (7, 9)]));
    assert_eq!(layout.places.len(), 3);
    assert!(layout.successors(2).is_empty());
}

#[test]
fn an_empty_graph_has_an_empty_picture() {
    let layout = Layout::of(&Graph::default());
    assert_eq!((layout.width, layout.height), (0, 0));
}

proptest! {
    #[test]
    fn nodes_never_overlap_and_edges_go_right(graph in random_graph()) {
        let layout = Layout::of(&graph);
        for layer in &layout.layers {
            for pair in layer.nodes.windows(2) {
                let (upper, lower) = (layout.places[pair[0] as usize], layout.places[pair[1] as usize]);
                prop_assert!(upper.y + i32::from(graph.height) <= lower.y);
            }
            for (row, _) in &layer.through {
                let free = layer.nodes.iter().all(|n| {
                    let y = layout.places[*n as usize].y;
                    *row < y || *row >= y + i32::from(graph.height)
                });
                prop_assert!(free, "an edge runs through a node");
            }
        }
        for place in &layout.places {
            prop_assert!(place.y >= 0 && place.y + i32::from(graph.height) <= layout.height);
            prop_assert!(place.x >= 0 && place.x + i32::from(place.width) <= layout.width);
        }
        prop_assert!(layout == Layout::of(&graph), "the same graph gets the same picture");
    }

    #[test]
    fn every_edge_can_be_followed_from_net_to_net(graph in random_graph()) {
        let layout = Layout::of(&graph);
        for node in 0..graph.widths.len() {
            for &to in layout.successors(node) {
                let (first, last) = (layout.places[node].layer as usize, layout.places[to as usize].layer as usize);
                let mut row = layout.port_row(node);
                for (at, channel) in layout.channels.iter().enumerate().take(last).skip(first) {
                    let net = channel.nets.iter().find(|net| net.source as usize == node && net.row == row);
                    prop_assert!(net.is_some(), "the net of {node} starts at row {row}");
                    let wanted = (at + 1 == last).then_some(to);
                    let sink = net.and_then(|net| net.sinks.iter().find(|sink| sink.node == wanted));
                    prop_assert!(sink.is_some());
                    row = sink.map_or(row, |sink| sink.row);
                }
                prop_assert!(row == layout.port_row(to as usize));
            }
        }
    }
}

/// Prints the figures of the budget (layout below 50 ms in a release build); run with `--nocapture`.
#[test]
fn two_thousand_stages_are_laid_out() {
    for reach in [40, 200, 1_000] {
        let graph = large(2_000, 5_000, reach);
        let started = std::time::Instant::now();
        let layout = Layout::of(&graph);
        let took = started.elapsed();
        assert_eq!(layout.places.len(), 2_000);
        #[expect(clippy::print_stderr, reason = "a figure for people")]
        {
            eprintln!(
                "2000 stages, 5000 edges reaching {reach}: {took:?}, {}x{}, {} layers",
                layout.width,
                layout.height,
                layout.layers.len()
            );
        }
    }
}
