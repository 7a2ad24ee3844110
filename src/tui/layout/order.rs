//! Orders the items of each layer so that few edges cross: barycentre sweeps, the best order wins.

use super::layers::Layered;

/// Sweeps left to right and back until nothing improves. Large graphs get fewer sweeps, to stay within a frame or two.
pub fn reduce_crossings(layered: &mut Layered) {
    let sweeps = match layered.items() {
        0..=2_000 => 12,
        2_001..=8_000 => 6,
        _ => 3,
    };
    let mut position = vec![0u32; layered.items()];
    renumber(&layered.order, &mut position);
    let mut best = (crossings(layered, &position), layered.order.clone());
    let mut idle = 0;
    for sweep in 0..sweeps {
        if best.0 == 0 || idle > 3 {
            break;
        }
        let forward = sweep % 2 == 0;
        let layers = layered.order.len();
        for step in 1..layers {
            let layer = if forward { step } else { layers - 1 - step };
            sort_layer(layered, layer, forward, &mut position);
        }
        let now = crossings(layered, &position);
        if now < best.0 {
            best = (now, layered.order.clone());
            idle = 0;
        } else {
            idle += 1;
        }
    }
    layered.order = best.1;
}

fn renumber(order: &[Vec<u32>], position: &mut [u32]) {
    for layer in order {
        for (at, item) in (0u32..).zip(layer) {
            position[*item as usize] = at;
        }
    }
}

/// Sorts one layer by the mean position of its neighbours; items without any stay between the same others.
fn sort_layer(layered: &mut Layered, layer: usize, forward: bool, position: &mut [u32]) {
    let neighbours = if forward { &layered.previous } else { &layered.next };
    let mut keyed: Vec<(f32, u32)> = Vec::with_capacity(layered.order[layer].len());
    let mut last = 0.0;
    for &item in &layered.order[layer] {
        let around = &neighbours[item as usize];
        if !around.is_empty() {
            let sum: u64 = around.iter().map(|n| u64::from(position[*n as usize])).sum();
            #[expect(clippy::cast_precision_loss, reason = "positions are small; only their order matters")]
            let mean = sum as f32 / around.len() as f32;
            last = mean;
        }
        keyed.push((last, item));
    }
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (at, (slot, (_, item))) in (0u32..).zip(layered.order[layer].iter_mut().zip(keyed)) {
        *slot = item;
        position[item as usize] = at;
    }
}

/// Counts crossings between all neighbouring layers with a Fenwick tree.
pub fn crossings(layered: &Layered, position: &[u32]) -> u64 {
    let mut total = 0;
    let mut ends: Vec<u32> = Vec::new();
    for pair in layered.order.windows(2) {
        ends.clear();
        for &item in &pair[0] {
            let start = ends.len();
            ends.extend(layered.next[item as usize].iter().map(|to| position[*to as usize]));
            ends[start..].sort_unstable();
        }
        total += inversions(&ends, pair[1].len());
    }
    total
}

fn inversions(ends: &[u32], size: usize) -> u64 {
    let mut tree = vec![0u32; size + 1];
    let mut total = 0u64;
    for (seen, &end) in (0u32..).zip(ends) {
        let mut not_above = 0;
        let mut at = end as usize + 1;
        while at > 0 {
            not_above += tree[at];
            at &= at - 1;
        }
        total += u64::from(seen - not_above);
        let mut at = end as usize + 1;
        while at <= size {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    total
}
