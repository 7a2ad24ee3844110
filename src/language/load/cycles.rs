//! Cycles: each one is reported once, in the order in which it would run.

use std::collections::HashMap;

use super::fields::Reader;
use super::sink::Sink;
use super::stage::Draft;
use crate::language::problem::Problem;

/// Stages shown of a long cycle.
const SHOWN: usize = 12;

/// True when there is none. Linear, and no recursion: chains may be long.
pub fn check(drafts: &[Draft<'_>], sink: &mut Sink<'_>) -> bool {
    let index: HashMap<&str, usize> = drafts.iter().enumerate().rev().map(|(at, draft)| (draft.spec.id.as_str(), at)).collect();
    let dependencies: Vec<Vec<usize>> =
        drafts.iter().map(|draft| draft.spec.dependencies().filter_map(|id| index.get(id.as_str()).copied()).collect()).collect();
    let stuck = stuck(&dependencies);
    let mut visited = vec![0_usize; drafts.len()];
    let mut found = false;
    for start in (0..drafts.len()).filter(|at| stuck[*at]) {
        // Every stuck stage has a stuck dependency, so the walk ends in a cycle or where an earlier walk has been.
        let (mut at, mut path) = (start, Vec::new());
        while visited[at] == 0 {
            visited[at] = start + 1;
            path.push(at);
            let Some(next) = dependencies[at].iter().copied().find(|next| stuck[*next]) else { break };
            at = next;
        }
        let begin = path.iter().position(|stage| *stage == at);
        if let Some(begin) = begin.filter(|_| visited[at] == start + 1) {
            found = true;
            report(drafts, &path[begin..], sink);
        }
    }
    !found
}

/// The stages in a cycle or behind one: what remains when everything that can run has run.
fn stuck(dependencies: &[Vec<usize>]) -> Vec<bool> {
    let mut waiting: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut dependants: Vec<Vec<usize>> = vec![Vec::new(); dependencies.len()];
    for (at, needed) in dependencies.iter().enumerate() {
        needed.iter().for_each(|needed| dependants[*needed].push(at));
    }
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|at| waiting[*at] == 0).collect();
    while let Some(done) = ready.pop() {
        for dependant in &dependants[done] {
            waiting[*dependant] -= 1;
            if waiting[*dependant] == 0 {
                ready.push(*dependant);
            }
        }
    }
    waiting.into_iter().map(|left| left > 0).collect()
}

/// `cycle` goes from each stage to one it depends on.
fn report(drafts: &[Draft<'_>], cycle: &[usize], sink: &mut Sink<'_>) {
    let first = cycle.iter().enumerate().min_by_key(|(_, stage)| **stage).map_or(0, |(at, _)| at);
    let mut order: Vec<usize> = cycle[first..].iter().chain(&cycle[..first]).copied().collect();
    order[1..].reverse();
    let shown = chain(drafts, &order);
    let stage = &drafts[order[0]];
    let before = &drafts[order[order.len() - 1]].spec.id;
    let span = written(stage, before.as_str());
    let help = if stage.spec.depends_on.contains(before) {
        "remove one of these dependencies"
    } else {
        "a stage listed by a control-flow stage depends on it; remove it from the list, or the dependency"
    };
    sink.push(Problem::error("cycle", span, format!("the stages depend on each other: {shown}")).helped(help));
}

/// A cycle through a loop or guard: `cycle` goes from a stage to what it depends on up to the `frame`, then into that as
/// far as the stage which needs the first one.
pub fn report_inside(drafts: &[Draft<'_>], cycle: &[usize], frame: usize, sink: &mut Sink<'_>) {
    let (Some(first), Some(last)) = (cycle.first(), cycle.last()) else { return };
    let id = |at: usize| drafts[at].spec.id.as_str();
    let span = written(&drafts[*last], id(*first));
    let mut cycle = cycle.to_vec();
    cycle.dedup();
    let message = format!("the stages depend on each other: {}", chain(drafts, &cycle));
    let help = format!("`{}` runs inside `{}`, and `{}` starts only when that has ended", id(*last), id(frame), id(*first));
    sink.push(Problem::error("cycle", span, message).helped(help));
}

/// The stages of a cycle in a row that ends where it began.
fn chain(drafts: &[Draft<'_>], cycle: &[usize]) -> String {
    let mut names: Vec<&str> = cycle.iter().map(|at| drafts[*at].spec.id.as_str()).collect();
    names.push(names[0]);
    if names.len() > SHOWN + 1 {
        format!("{} -> … ({} more) -> {}", names[..SHOWN].join(" -> "), names.len() - SHOWN - 1, names[0])
    } else {
        names.join(" -> ")
    }
}

/// Where a stage says that it depends on another.
fn written(stage: &Draft<'_>, id: &str) -> std::ops::Range<usize> {
    let listed = Reader { node: stage.node }.texts("depends_on");
    listed.into_iter().find(|(_, listed)| listed == id).map_or_else(|| stage.id.span.clone(), |(node, _)| node.span.clone())
}
