//! Gives every item a row: as near to its neighbours as the order and the heights allow.

use super::{Graph, layers::Layered};

/// The row at which edges meet each item, from 0. Each pass solves one layer exactly (least squares with minimum distances).
pub fn rows(layered: &Layered, graph: &Graph) -> Vec<i32> {
    let mut rows = vec![0f64; layered.items()];
    for layer in &layered.order {
        stack(layered, graph, layer, &mut rows);
    }
    let passes = if layered.items() > 8_000 { 3 } else { 6 };
    for pass in 0..passes {
        let layers = layered.order.len();
        for step in 0..layers {
            let (at, neighbours) = if pass % 2 == 0 { (layers - 1 - step, &layered.next) } else { (step, &layered.previous) };
            settle(layered, graph, &layered.order[at], neighbours, &mut rows);
        }
    }
    let top = rows.iter().copied().fold(f64::INFINITY, f64::min);
    let top = if top.is_finite() { top } else { 0.0 };
    let half = i32::from(graph.height / 2);
    #[expect(clippy::cast_possible_truncation, reason = "rows are bounded by items times their height")]
    rows.iter().map(|row| (row - top).round() as i32 + half).collect()
}

/// The least distance between the rows of two items, the upper one first.
fn distance(layered: &Layered, graph: &Graph, upper: u32, lower: u32) -> f64 {
    let (up, down) = (graph.height / 2, graph.height - 1 - graph.height / 2);
    match (layered.is_node(upper), layered.is_node(lower)) {
        (true, true) => f64::from(graph.height + graph.gap),
        (true, false) => f64::from(down + 1),
        (false, true) => f64::from(up + 1),
        (false, false) => 1.0,
    }
}

fn stack(layered: &Layered, graph: &Graph, layer: &[u32], rows: &mut [f64]) {
    let mut row = 0.0;
    for (at, item) in layer.iter().enumerate() {
        if at > 0 {
            row += distance(layered, graph, layer[at - 1], *item);
        }
        rows[*item as usize] = row;
    }
}

/// Items that had to touch and move as one. `offset` is the row of the first one, `weight` how strongly they want it.
struct Block {
    first: usize,
    offset: f64,
    weight: f64,
}

/// Pool adjacent violators: items want the median row of their neighbours; those that collide share the mean wish.
fn settle(layered: &Layered, graph: &Graph, layer: &[u32], neighbours: &[Vec<u32>], rows: &mut [f64]) {
    let mut shift = Vec::with_capacity(layer.len());
    let mut blocks: Vec<Block> = Vec::with_capacity(layer.len());
    let mut around = Vec::new();
    let mut below = 0.0;
    for (at, &item) in layer.iter().enumerate() {
        if at > 0 {
            below += distance(layered, graph, layer[at - 1], item);
        }
        shift.push(below);
        let (wish, weight) = wish(layered, item, neighbours, rows, &mut around);
        let mut block = Block { first: at, offset: wish - below, weight };
        while let Some(above) = blocks.pop_if(|above| above.offset > block.offset) {
            let weight = above.weight + block.weight;
            let offset = (above.offset * above.weight + block.offset * block.weight) / weight;
            block = Block { first: above.first, offset, weight };
        }
        blocks.push(block);
    }
    for (number, block) in blocks.iter().enumerate() {
        let end = blocks.get(number + 1).map_or(layer.len(), |next| next.first);
        let offset = block.offset.round();
        for at in block.first..end {
            rows[layer[at] as usize] = offset + shift[at];
        }
    }
}

/// Where an item would like to be, and how much. Waypoints pull harder, which keeps long edges straight.
fn wish(layered: &Layered, item: u32, neighbours: &[Vec<u32>], rows: &[f64], around: &mut Vec<f64>) -> (f64, f64) {
    around.clear();
    around.extend(neighbours[item as usize].iter().map(|n| rows[*n as usize]));
    let own = rows[item as usize];
    let weight = if layered.is_node(item) { 1.0 } else { 4.0 };
    match around.len() {
        0 => (own, 0.05),
        1 => (around[0], weight),
        count => {
            around.sort_by(f64::total_cmp);
            let middle = if count % 2 == 1 { around[count / 2] } else { f64::midpoint(around[count / 2 - 1], around[count / 2]) };
            (middle, weight)
        }
    }
}
