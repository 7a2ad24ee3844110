//! Does a stage read only what has ended before it starts? Where it may, it is made to wait.

use std::collections::{HashMap, HashSet};

use super::links::listed_stages;
use super::references::Read;
use super::sink::Sink;
use super::stage::Draft;
use crate::language::problem::Problem;
use crate::model::StageId;

/// Stages looked at in all searches together; a huge document is not searched to the end.
const EFFORT: usize = 3_000_000;

/// Warns about every template that reads a stage which need not have run yet. The graph has no cycles here.
///
/// Gives what has to come first and is not written there, as a stage and what it waits for: a value that is not there
/// yet must not decide a branch. Inside a loop or a guard only the order of its lists counts, so the outermost one waits
/// for what a stage inside needs from outside. What runs later cannot be waited for.
pub fn check(drafts: &[Draft<'_>], reads: &[Read<'_>], sink: &mut Sink<'_>) -> Vec<(usize, StageId)> {
    let index: HashMap<&str, usize> = drafts.iter().enumerate().rev().map(|(at, draft)| (draft.spec.id.as_str(), at)).collect();
    let mut search = Search::new(drafts, &index);
    for (at, draft) in drafts.iter().enumerate().filter(|(_, draft)| !draft.spec.owners.is_empty()) {
        for dependency in draft.spec.depends_on.iter().filter_map(|id| index.get(id.as_str())) {
            search.wait(at, *dependency);
        }
    }
    for read in reads {
        let by = &drafts[read.by].spec;
        let quiet = sink.is_full();
        let span = |sink: &Sink<'_>| sink.find(&read.place, read.at, read.id.len());
        let Some(&target) = index.get(read.id.as_str()) else {
            if quiet {
                continue;
            }
            let message = format!("`{}` reads the stage `{}`, which does not exist", by.id, read.id);
            let problem = Problem::warning("unknown-stage", span(sink), message);
            let near = sink.did_you_mean(&read.id, drafts.iter().map(|draft| draft.spec.id.as_str()));
            sink.push(problem.labelled("fails when it is read").maybe_helped(near));
            continue;
        };
        if target == read.by {
            if quiet {
                continue;
            }
            let problem = Problem::warning("not-upstream", span(sink), format!("`{}` reads its own output", by.id));
            sink.push(problem.helped("a stage has no output before it ends"));
        } else if !search.runs_before(target, read.by) {
            let waits = search.wait(read.by, target);
            if quiet {
                continue;
            }
            let message = match waits {
                true => format!("`{}` reads `{}` without depending on it", by.id, read.id),
                false => format!("`{}` reads `{}`, which need not have run before it", by.id, read.id),
            };
            let problem = Problem::warning("not-upstream", span(sink), message);
            let problem = if waits { problem.labelled("waits for it all the same") } else { problem };
            sink.push(problem.helped(format!("add `{}` to its `depends_on`", read.id)));
        }
    }
    search.found.into_iter().map(|(stage, first)| (stage, drafts[first].spec.id.clone())).collect()
}

struct Search<'d> {
    drafts: &'d [Draft<'d>],
    dependencies: Vec<Vec<usize>>,
    owners: Vec<Vec<usize>>,
    /// What an enclosing stage runs inside itself, for whoever comes after it.
    enclosed: HashMap<usize, Vec<usize>>,
    seen: Vec<usize>,
    round: usize,
    effort: usize,
    /// What has to come first and is not written there.
    found: Vec<(usize, usize)>,
}

impl<'d> Search<'d> {
    fn new(drafts: &'d [Draft<'d>], index: &HashMap<&str, usize>) -> Self {
        let at = |id: &crate::model::StageId| index.get(id.as_str()).copied();
        let dependencies = drafts.iter().map(|draft| draft.spec.dependencies().filter_map(at).collect()).collect();
        let owners = drafts.iter().map(|draft| draft.spec.owners.iter().filter_map(at).collect()).collect();
        let encloses = |draft: &Draft<'_>| draft.spec.component.entry().encloses;
        let enclosed = drafts.iter().enumerate().filter(|(_, draft)| encloses(draft)).map(|(owner, draft)| {
            (owner, listed_stages(draft).iter().filter_map(|(_, id)| index.get(id.as_str()).copied()).collect())
        });
        let enclosed = enclosed.collect();
        Self { drafts, dependencies, owners, enclosed, seen: vec![0; drafts.len()], round: 0, effort: EFFORT, found: Vec::new() }
    }

    /// Lets `first` come before `stage`, or before the outermost loop or guard that it is inside. True when it does now.
    fn wait(&mut self, stage: usize, first: usize) -> bool {
        let around = self.owned_by(stage);
        let encloses = |at: &usize| self.drafts[*at].spec.component.entry().encloses;
        let frames: Vec<usize> = around.iter().copied().filter(encloses).collect();
        let beside = self.owned_by(first);
        if frames.iter().any(|frame| *frame == first || beside.contains(frame)) {
            return false;
        }
        let outermost = |frame: &usize| !self.owned_by(*frame).iter().any(encloses);
        let waiting = if frames.is_empty() { vec![stage] } else { frames.into_iter().filter(outermost).collect() };
        let mut holds = true;
        for waiting in waiting {
            if self.runs_before(first, waiting) {
                continue;
            }
            if self.runs_before(waiting, first) {
                holds = false;
                continue;
            }
            self.dependencies[waiting].push(first);
            self.found.push((waiting, first));
        }
        holds
    }

    fn runs_before(&mut self, target: usize, reader: usize) -> bool {
        if self.dependencies[reader].contains(&target) || self.same_owner(target, reader) {
            return true;
        }
        self.round += 1;
        let mut open = vec![reader];
        while let Some(at) = open.pop() {
            if at == target || self.effort == 0 {
                return true;
            }
            let inside = self.enclosed.get(&at).filter(|_| at != reader && !self.owners[reader].contains(&at));
            for next in self.dependencies[at].iter().chain(inside.into_iter().flatten()) {
                self.effort = self.effort.saturating_sub(1);
                if self.seen[*next] != self.round {
                    self.seen[*next] = self.round;
                    open.push(*next);
                }
            }
        }
        false
    }

    /// Its owners, their owners, and so on.
    fn owned_by(&self, stage: usize) -> HashSet<usize> {
        let (mut open, mut found) = (self.owners[stage].clone(), HashSet::new());
        while let Some(owner) = open.pop() {
            if found.insert(owner) {
                open.extend(&self.owners[owner]);
            }
        }
        found
    }

    /// Stages of one enclosing stage run in the order of its lists; the owner sees to it.
    fn same_owner(&self, target: usize, reader: usize) -> bool {
        let of = |at: usize| {
            self.owners[at].iter().filter(|owner| self.drafts[**owner].spec.component.entry().encloses).collect::<HashSet<_>>()
        };
        !of(target).is_disjoint(&of(reader))
    }
}
