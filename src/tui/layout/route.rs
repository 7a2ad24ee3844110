//! Routes edges through the space between two layers: every net gets a column for its vertical part.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{Channel, Net, Sink, layers::Layered};

/// More columns than this between two layers help nobody; nets then share them.
const MOST_TRACKS: u16 = 28;
/// Cells between a layer's right side and the first column, and between the last column and the next layer (arrow).
const LEAD_IN: u16 = 1;
const LEAD_OUT: u16 = 2;

/// One channel per pair of neighbouring layers. Track columns are relative to the channel.
pub fn channels(layered: &Layered, rows: &[i32]) -> Vec<Channel> {
    layered.order.windows(2).map(|pair| channel(layered, rows, &pair[0])).collect()
}

fn channel(layered: &Layered, rows: &[i32], left: &[u32]) -> Channel {
    let mut nets: Vec<Net> = Vec::new();
    for &item in left {
        let row = rows[item as usize];
        let sink = |to: &u32| Sink { row: rows[*to as usize], node: layered.is_node(*to).then_some(*to) };
        let sinks: Vec<Sink> = layered.next[item as usize].iter().map(sink).collect();
        if !sinks.is_empty() {
            nets.push(Net { source: layered.owner(item), row, track: None, sinks });
        }
    }
    let tracks = assign_tracks(&mut nets);
    Channel { x: 0, width: LEAD_IN + LEAD_OUT + tracks.max(1), nets }
}

/// Nets that share a column: one alone, or all that lead to nothing but the same node.
struct Bundle {
    nets: Vec<usize>,
    low: i32,
    high: i32,
}

fn extent(net: &Net) -> (i32, i32) {
    net.sinks.iter().fold((net.row, net.row), |(low, high), sink| (low.min(sink.row), high.max(sink.row)))
}

fn bundles(nets: &[Net]) -> Vec<Bundle> {
    let mut bundles: Vec<Bundle> = Vec::new();
    let mut into: BTreeMap<u32, usize> = BTreeMap::new();
    for (number, net) in nets.iter().enumerate().filter(|(_, net)| net.sinks.iter().any(|sink| sink.row != net.row)) {
        let (low, high) = extent(net);
        let shared = match net.sinks.as_slice() {
            [Sink { node: Some(node), .. }] => Some(*into.entry(*node).or_insert(bundles.len())),
            _ => None,
        };
        match shared.and_then(|at| bundles.get_mut(at)) {
            Some(bundle) => {
                bundle.nets.push(number);
                (bundle.low, bundle.high) = (bundle.low.min(low), bundle.high.max(high));
            }
            None => bundles.push(Bundle { nets: vec![number], low, high }),
        }
    }
    bundles
}

/// Takes bundles in an order that avoids crossings and puts each right of those it overlaps; returns the columns used.
fn assign_tracks(nets: &mut [Net]) -> u16 {
    let bundles = bundles(nets);
    let Some(top) = bundles.iter().map(|bundle| bundle.low).min() else { return 0 };
    let bottom = bundles.iter().map(|bundle| bundle.high).max().unwrap_or(top);
    let index = |row: i32| usize::try_from(row - top).unwrap_or(0);
    let mut taken = vec![0u16; index(bottom) + 1];
    let mut widest = 0;
    for bundle in track_order(nets, &bundles).into_iter().map(|at| &bundles[at]) {
        let span = &mut taken[index(bundle.low)..=index(bundle.high)];
        let track = span.iter().copied().max().unwrap_or(0);
        span.fill(track + 1);
        let shown = track % MOST_TRACKS;
        widest = widest.max(shown + 1);
        for net in &bundle.nets {
            nets[*net].track = Some(i32::from(LEAD_IN + shown));
        }
    }
    widest
}

/// Left to right. A bundle that starts at a row where another one ends must turn off before it, or the two would look
/// joined; among the free ones, those going down come lowest first and those going up highest first.
fn track_order(nets: &[Net], bundles: &[Bundle]) -> Vec<usize> {
    let numbered = || bundles.iter().enumerate().flat_map(|(at, bundle)| bundle.nets.iter().map(move |net| (at, &nets[*net])));
    let starts: BTreeMap<i32, usize> = numbered().map(|(at, net)| (net.row, at)).collect();
    let mut waits: BTreeMap<usize, usize> = (0..bundles.len()).map(|at| (at, 0)).collect();
    let mut frees: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, net) in numbered() {
        for sink in &net.sinks {
            if let Some(&other) = starts.get(&sink.row).filter(|other| **other != at) {
                frees.entry(other).or_default().push(at);
                *waits.entry(at).or_default() += 1;
            }
        }
    }
    let preference = |at: usize| {
        let bundle = &bundles[at];
        let row = bundle.nets.iter().map(|net| nets[*net].row).min().unwrap_or(bundle.low);
        let down = bundle.high - row >= row - bundle.low;
        (if down { -i64::from(row) } else { i64::from(row) }, at)
    };
    let mut ready: BinaryHeap<Reverse<(i64, usize)>> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(at, _)| Reverse(preference(*at))).collect();
    let mut order = Vec::with_capacity(bundles.len());
    while let Some(at) = ready.pop().map(|Reverse((_, at))| at).or_else(|| waits.keys().next().copied()) {
        if waits.remove(&at).is_none() {
            continue;
        }
        order.push(at);
        for freed in frees.remove(&at).unwrap_or_default() {
            if let Some(count) = waits.get_mut(&freed) {
                *count -= 1;
                if *count == 0 {
                    ready.push(Reverse(preference(freed)));
                }
            }
        }
    }
    order
}
