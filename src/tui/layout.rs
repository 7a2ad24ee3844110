//! Layered layout of a run's graph: from stages and edges to cells, left to right.
//!
//! Owns layers, order, rows and routed edges, all as plain numbers. Must not know runs, statuses or a screen: the same
//! graph always gets the same picture, so nothing jumps while statuses change.
//!
//! Edges that leave one stage form one *net* and share their trunk; edges of different stages share cells only where
//! they enter the same stage. Written here because the layout crate we tried needs 90 to 290 ms for 2 000 stages with
//! long edges, and joins edges of different sources.

#[cfg(test)]
mod crossings;
mod layers;
mod order;
mod place;
mod route;
#[cfg(test)]
pub(super) mod tests;

use std::ops::Range;

/// What is to be laid out: the width of every node in cells, and edges as pairs of node indices.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Graph {
    pub widths: Vec<u16>,
    pub edges: Vec<(u32, u32)>,
    /// Height of every node in rows, 3 for boxes and 1 for lines.
    pub height: u16,
    /// Free rows between two nodes of a layer.
    pub gap: u16,
}

/// Where a node is drawn. Coordinates are cells from the top left of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    pub x: i32,
    pub y: i32,
    pub width: u16,
    pub layer: u32,
}

/// One column of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layer {
    pub x: i32,
    pub width: u16,
    /// Node indices from top to bottom.
    pub nodes: Vec<u32>,
    /// Rows at which edges pass between the nodes, with the node they come from.
    pub through: Vec<(i32, u32)>,
}

/// All edges out of one node as they cross the space right of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// The node the edges come from; it may be some layers to the left.
    pub source: u32,
    pub row: i32,
    /// Column of the vertical part; `None` when the net is one straight line.
    pub track: Option<i32>,
    pub sinks: Vec<Sink>,
}

/// Where a net leaves the space: into a node, or on through the next layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sink {
    pub row: i32,
    /// The node it enters; `None` when it passes on.
    pub node: Option<u32>,
}

/// The space between a layer and the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Channel {
    pub x: i32,
    pub width: u16,
    pub nets: Vec<Net>,
}

/// A finished picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    pub places: Vec<Place>,
    pub layers: Vec<Layer>,
    /// `channels[n]` lies between layers `n` and `n + 1`.
    pub channels: Vec<Channel>,
    pub width: i32,
    pub height: i32,
    pub node_height: u16,
    forward: Vec<Vec<u32>>,
    backward: Vec<Vec<u32>>,
}

/// Which way to walk from a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Left,
    Right,
    Up,
    Down,
}

impl Layout {
    /// Lays the graph out. Edges that would close a cycle or name no node are left out of the picture.
    pub fn of(graph: &Graph) -> Self {
        let mut layered = layers::layer(graph);
        order::reduce_crossings(&mut layered);
        let rows = place::rows(&layered, graph);
        let channels = route::channels(&layered, &rows);
        assemble(graph, layered, &rows, channels)
    }

    /// The node's row that edges meet.
    pub fn port_row(&self, node: usize) -> i32 {
        self.places[node].y + i32::from(self.node_height / 2)
    }

    /// Nodes right after this one along its edges.
    pub fn successors(&self, node: usize) -> &[u32] {
        &self.forward[node]
    }

    /// Nodes right before this one along its edges.
    pub fn predecessors(&self, node: usize) -> &[u32] {
        &self.backward[node]
    }

    /// The node one step away: along an edge for left and right, in the same layer for up and down. Of several edges
    /// the one to the nearest layer is taken, then the one to the nearest row: so every node can be reached from every
    /// other.
    pub fn step(&self, node: usize, step: Step) -> Option<usize> {
        let place = *self.places.get(node)?;
        let nearest = |among: &[u32]| {
            among.iter().map(|n| *n as usize).min_by_key(|n| {
                let other = self.places[*n];
                (other.layer.abs_diff(place.layer), (other.y - place.y).abs(), other.y)
            })
        };
        match step {
            Step::Right => nearest(&self.forward[node]),
            Step::Left => nearest(&self.backward[node]),
            Step::Up | Step::Down => {
                let nodes = &self.layers[place.layer as usize].nodes;
                let at = nodes.iter().position(|n| *n as usize == node)?;
                let next = if step == Step::Up { at.checked_sub(1)? } else { at + 1 };
                nodes.get(next).map(|n| *n as usize)
            }
        }
    }

    /// Layers that a view from column `from` to `to` (exclusive) touches, with one more on the left for its channel.
    pub fn visible_layers(&self, from: i32, to: i32) -> Range<usize> {
        let first = self.layers.partition_point(|layer| layer.x + i32::from(layer.width) <= from).saturating_sub(1);
        let last = self.layers.partition_point(|layer| layer.x < to);
        first..last.max(first)
    }
}

fn assemble(graph: &Graph, layered: layers::Layered, rows: &[i32], mut channels: Vec<Channel>) -> Layout {
    let mut places = vec![Place::default(); graph.widths.len()];
    let mut made = Vec::with_capacity(layered.order.len());
    let (mut x, mut height) = (0, 0);
    for (number, items) in layered.order.iter().enumerate() {
        let mut layer = Layer { x, ..Layer::default() };
        for &item in items {
            let (row, owner) = (rows[item as usize], layered.owner(item));
            if layered.is_node(item) {
                layer.width = layer.width.max(graph.widths[item as usize]);
                layer.nodes.push(item);
                let y = row - i32::from(graph.height / 2);
                places[item as usize] = Place { x, y, width: 0, layer: u32::try_from(number).unwrap_or(u32::MAX) };
                height = height.max(y + i32::from(graph.height));
            } else {
                layer.through.push((row, owner));
                height = height.max(row + 1);
            }
        }
        for &node in &layer.nodes {
            places[node as usize].width = layer.width;
        }
        x += i32::from(layer.width);
        if let Some(channel) = channels.get_mut(number) {
            channel.x = x;
            channel.nets.iter_mut().filter_map(|net| net.track.as_mut()).for_each(|track| *track += x);
            x += i32::from(channel.width);
        }
        made.push(layer);
    }
    let (forward, backward) = layered.neighbours(graph.widths.len());
    Layout { places, layers: made, channels, width: x, height, node_height: graph.height, forward, backward }
}
