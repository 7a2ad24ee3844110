//! The critical path: the chain of stages that decides how long a run takes.
//!
//! A stage weighs what it took, or has taken so far; one that has not run weighs nothing but still counts as a step, so
//! that among chains that took equally long the one with more left to do is shown. A stage inside a loop or a guard
//! weighs nothing: its time is part of the enclosing stage's. Time in which the chain did not go on (a stage waited for a
//! place, an answer or its next turn) is in no stage; it is told apart.

use std::collections::VecDeque;
use std::ops::Add;
use std::time::Duration;

use super::board::Board;
use crate::model::{Run, StageStatus, Timestamp};

/// What a stage adds to a chain: time first, then steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Weight {
    pub millis: u64,
    pub steps: u64,
}

impl Add for Weight {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { millis: self.millis.saturating_add(other.millis), steps: self.steps.saturating_add(other.steps) }
    }
}

/// The heaviest chain of a run's stages, first to last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Critical {
    pub stages: Vec<usize>,
    pub took: Duration,
    /// The rest of the run's time: nothing of the chain was at work then.
    pub waited: Duration,
}

impl Critical {
    pub fn of(run: &Run, board: &Board, now: Timestamp) -> Self {
        let weigh = |at: usize| {
            let stage = &run.stages[at];
            if stage.enclosure.is_some() || stage.status == StageStatus::Skipped {
                return Weight::default();
            }
            let took = board.elapsed(run, at, now).unwrap_or_default();
            Weight { millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX), steps: 1 }
        };
        let weights: Vec<Weight> = (0..board.written()).map(weigh).collect();
        let stages = heaviest(&weights, &board.dependencies(run));
        let took = Duration::from_millis(stages.iter().map(|at| weights[*at].millis).sum());
        let whole = run.started_at.map(|started| run.finished_at.unwrap_or(now).since(started));
        Self { stages, took, waited: whole.unwrap_or_default().saturating_sub(took) }
    }

    pub fn holds(&self, stage: usize) -> bool {
        self.stages.contains(&stage)
    }

    /// The dependencies along the path.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.stages.windows(2).map(|pair| (pair[0], pair[1]))
    }
}

/// The chain along `edges` whose weights add up to the most; the first of several such. Nodes on a cycle are left out.
pub fn heaviest(weights: &[Weight], edges: &[(u32, u32)]) -> Vec<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); weights.len()];
    let mut waiting = vec![0usize; weights.len()];
    for &(from, to) in edges {
        let (from, to) = (from as usize, to as usize);
        if from < weights.len() && to < weights.len() {
            out[from].push(to);
            waiting[to] += 1;
        }
    }
    // The best chain that ends before a node: its weight and its last node.
    let mut before: Vec<(Weight, Option<usize>)> = vec![(Weight::default(), None); weights.len()];
    let mut best: Option<(Weight, usize)> = None;
    let mut ready: VecDeque<usize> = (0..weights.len()).filter(|node| waiting[*node] == 0).collect();
    while let Some(node) = ready.pop_front() {
        let total = before[node].0 + weights[node];
        if best.is_none_or(|(most, _)| total > most) {
            best = Some((total, node));
        }
        for &to in &out[node] {
            if total > before[to].0 {
                before[to] = (total, Some(node));
            }
            waiting[to] -= 1;
            if waiting[to] == 0 {
                ready.push_back(to);
            }
        }
    }
    let mut chain: Vec<usize> = std::iter::successors(best.map(|(_, node)| node), |node| before[*node].1).collect();
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop, prop_assert, prop_assert_eq, proptest};

    use super::{Weight, heaviest};

    fn graph() -> impl Strategy<Value = (Vec<Weight>, Vec<(u32, u32)>)> {
        (1u32..9).prop_flat_map(|nodes| {
            let weight = (0u64..5, 0u64..2).prop_map(|(millis, steps)| Weight { millis, steps });
            let edges = prop::collection::vec((0..nodes, 0..nodes), 0..16);
            let forward = |pairs: Vec<(u32, u32)>| pairs.into_iter().filter(|(from, to)| from < to).collect();
            (prop::collection::vec(weight, nodes as usize), edges.prop_map(forward))
        })
    }

    /// Every chain there is, by brute force.
    fn all(from: u32, edges: &[(u32, u32)], chain: &mut Vec<u32>, seen: &mut impl FnMut(&[u32])) {
        chain.push(from);
        seen(chain);
        for (_, to) in edges.iter().filter(|(a, _)| *a == from) {
            all(*to, edges, chain, seen);
        }
        chain.pop();
    }

    proptest! {
        #[test]
        fn no_other_chain_is_longer((weights, edges) in graph()) {
            let sum = |chain: &[usize]| chain.iter().fold(Weight::default(), |sum, node| sum + weights[*node]);
            let found = heaviest(&weights, &edges);
            for pair in found.windows(2) {
                let edge = (u32::try_from(pair[0]).expect("small"), u32::try_from(pair[1]).expect("small"));
                prop_assert!(edges.contains(&edge), "{found:?} leaves the edges");
            }
            let mut most = Weight::default();
            for start in 0..u32::try_from(weights.len()).expect("small") {
                all(start, &edges, &mut Vec::new(), &mut |chain| {
                    let chain: Vec<usize> = chain.iter().map(|node| *node as usize).collect();
                    most = most.max(sum(&chain));
                });
            }
            prop_assert_eq!(sum(&found), most);
        }
    }

    #[test]
    fn a_cycle_is_left_out_and_nothing_hangs() {
        let weights = [Weight { millis: 1, steps: 1 }; 4];
        assert_eq!(heaviest(&weights, &[(0, 1), (2, 3), (3, 2), (9, 1)]), [0, 1]);
        assert!(heaviest(&[], &[]).is_empty());
    }
}
