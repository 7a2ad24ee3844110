//! Ranks nodes into layers and threads long edges through the layers between.

use super::Graph;

/// Items are nodes first (by index), then waypoints. A waypoint stands for all edges of one node that pass a layer.
#[derive(Debug, Default)]
pub struct Layered {
    nodes: usize,
    /// The node each waypoint belongs to, indexed by item minus `nodes`.
    waypoint_owner: Vec<u32>,
    /// Items of each layer from top to bottom.
    pub order: Vec<Vec<u32>>,
    /// Items one layer to the right that an item leads to, and back.
    pub next: Vec<Vec<u32>>,
    pub previous: Vec<Vec<u32>>,
    /// The edges that are drawn.
    edges: Vec<(u32, u32)>,
}

impl Layered {
    pub fn items(&self) -> usize {
        self.next.len()
    }

    pub fn is_node(&self, item: u32) -> bool {
        (item as usize) < self.nodes
    }

    /// The node an item belongs to: itself, or the node whose edges pass.
    pub fn owner(&self, item: u32) -> u32 {
        if self.is_node(item) { item } else { self.waypoint_owner[item as usize - self.nodes] }
    }

    /// Successors and predecessors of every node by index.
    pub fn neighbours(&self, nodes: usize) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
        let (mut forward, mut backward) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
        for &(from, to) in &self.edges {
            forward[from as usize].push(to);
            backward[to as usize].push(from);
        }
        (forward, backward)
    }
}

/// Longest-path layers, then one waypoint per node and layer that its edges pass.
pub fn layer(graph: &Graph) -> Layered {
    let nodes = graph.widths.len();
    let mut edges = graph.edges.clone();
    edges.retain(|&(from, to)| from != to && (from as usize) < nodes && (to as usize) < nodes);
    edges.sort_unstable();
    edges.dedup();
    let rank = ranks(nodes, &edges);
    edges.retain(|&(from, to)| rank[from as usize] < rank[to as usize]);

    let depth = rank.iter().max().map_or(0, |last| *last as usize + 1);
    let mut layered = Layered {
        nodes,
        order: vec![Vec::new(); depth],
        next: vec![Vec::new(); nodes],
        previous: vec![Vec::new(); nodes],
        ..Layered::default()
    };
    for (node, rank) in (0u32..).zip(&rank) {
        layered.order[*rank as usize].push(node);
    }
    for group in edges.chunk_by(|a, b| a.0 == b.0) {
        thread_edges(&mut layered, group, &rank);
    }
    layered.edges = edges;
    layered
}

/// Threads the edges of one node, nearest target first, so that farther ones continue the same waypoints.
fn thread_edges(layered: &mut Layered, edges: &[(u32, u32)], rank: &[u32]) {
    let mut edges = edges.to_vec();
    edges.sort_by_key(|&(_, to)| (rank[to as usize], to));
    let Some(&(source, _)) = edges.first() else { return };
    let (mut at, mut end) = (rank[source as usize], source);
    for (_, to) in edges {
        while at + 1 < rank[to as usize] {
            at += 1;
            let waypoint = u32::try_from(layered.items()).unwrap_or(u32::MAX);
            layered.next.push(Vec::new());
            layered.previous.push(vec![end]);
            layered.next[end as usize].push(waypoint);
            layered.waypoint_owner.push(source);
            layered.order[at as usize].push(waypoint);
            end = waypoint;
        }
        layered.next[end as usize].push(to);
        layered.previous[to as usize].push(end);
    }
}

/// One more than the deepest predecessor. A cycle, which a checked pipeline never has, is opened at its first node.
fn ranks(nodes: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let mut waiting = vec![0u32; nodes];
    let mut out: Vec<Vec<u32>> = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        waiting[to as usize] += 1;
        out[from as usize].push(to);
    }
    let mut rank = vec![0u32; nodes];
    let mut placed = vec![false; nodes];
    let mut ready: std::collections::VecDeque<u32> =
        (0u32..).zip(&waiting).filter(|(_, n)| **n == 0).map(|(node, _)| node).collect();
    let mut stuck = 0;
    loop {
        let node = match ready.pop_front() {
            Some(node) => node as usize,
            None => match (stuck..nodes).find(|node| !placed[*node]) {
                Some(node) => {
                    stuck = node;
                    node
                }
                None => return rank,
            },
        };
        if std::mem::replace(&mut placed[node], true) {
            continue;
        }
        for &to in &out[node] {
            let target = to as usize;
            if placed[target] {
                continue;
            }
            rank[target] = rank[target].max(rank[node] + 1);
            waiting[target] -= 1;
            if waiting[target] == 0 {
                ready.push_back(to);
            }
        }
    }
}
