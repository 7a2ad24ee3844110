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

fn extent(net: &Net) -> (i32, i32) {
    net.sinks.iter().fold((net.row, net.row), |(low, high), sink| (low.min(sink.row), high.max(sink.row)))
}

/// Takes nets in an order that avoids crossings and puts each right of every net it overlaps; returns the columns used.
fn assign_tracks(nets: &mut [Net]) -> u16 {
    let bent: Vec<usize> = (0..nets.len()).filter(|n| nets[*n].sinks.iter().any(|sink| sink.row != nets[*n].row)).collect();
    let Some(top) = bent.iter().map(|n| extent(&nets[*n]).0).min() else { return 0 };
    let bottom = bent.iter().map(|n| extent(&nets[*n]).1).max().unwrap_or(top);
    let index = |row: i32| usize::try_from(row - top).unwrap_or(0);
    let mut taken = vec![0u16; index(bottom) + 1];
    let mut widest = 0;
    for net in track_order(nets, &bent) {
        let (low, high) = extent(&nets[net]);
        let span = &mut taken[index(low)..=index(high)];
        let track = span.iter().copied().max().unwrap_or(0);
        span.fill(track + 1);
        let shown = track % MOST_TRACKS;
        widest = widest.max(shown + 1);
        nets[net].track = Some(i32::from(LEAD_IN + shown));
    }
    widest
}

/// Left to right. A net that starts at a row where another one ends must turn off before it, or the two would look
/// joined; among the free ones, those going down come lowest first and those going up highest first.
fn track_order(nets: &[Net], bent: &[usize]) -> Vec<usize> {
    let starts: BTreeMap<i32, usize> = bent.iter().map(|n| (nets[*n].row, *n)).collect();
    let mut waits: BTreeMap<usize, usize> = bent.iter().map(|n| (*n, 0)).collect();
    let mut frees: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &net in bent {
        for sink in &nets[net].sinks {
            if let Some(&other) = starts.get(&sink.row).filter(|other| **other != net) {
                frees.entry(other).or_default().push(net);
                *waits.entry(net).or_default() += 1;
            }
        }
    }
    let preference = |net: usize| {
        let (low, high) = extent(&nets[net]);
        let row = nets[net].row;
        let down = high - row >= row - low;
        (if down { -i64::from(row) } else { i64::from(row) }, net)
    };
    let mut ready: BinaryHeap<Reverse<(i64, usize)>> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(net, _)| Reverse(preference(*net))).collect();
    let mut order = Vec::with_capacity(bent.len());
    while let Some(net) = ready.pop().map(|Reverse((_, net))| net).or_else(|| waits.keys().next().copied()) {
        if waits.remove(&net).is_none() {
            continue;
        }
        order.push(net);
        for freed in frees.remove(&net).unwrap_or_default() {
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
