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
/// Gives the dependencies that are missing, as reader and what it reads: a value that is not there yet must not decide
/// a branch. Inside loops and guards the order is the lists', and a stage that runs later cannot be waited for.
pub fn check(drafts: &[Draft<'_>], reads: &[Read<'_>], sink: &mut Sink<'_>) -> Vec<(usize, StageId)> {
    let mut missing = Vec::new();
    let index: HashMap<&str, usize> = drafts.iter().enumerate().rev().map(|(at, draft)| (draft.spec.id.as_str(), at)).collect();
    let mut search = Search::new(drafts, &index);
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
            let waits = !search.is_enclosed(read.by) && !search.runs_before(read.by, target);
            let message = if waits {
                search.dependencies[read.by].push(target);
                missing.push((read.by, drafts[target].spec.id.clone()));
                format!("`{}` reads `{}` without depending on it", by.id, read.id)
            } else {
                format!("`{}` reads `{}`, which need not have run before it", by.id, read.id)
            };
            if !quiet {
                let problem = Problem::warning("not-upstream", span(sink), message);
                let problem = if waits { problem.labelled("waits for it all the same") } else { problem };
                sink.push(problem.helped(format!("add `{}` to its `depends_on`", read.id)));
            }
        }
    }
    missing
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
        Self { drafts, dependencies, owners, enclosed: enclosed.collect(), seen: vec![0; drafts.len()], round: 0, effort: EFFORT }
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

    /// Whether a stage runs inside a loop or a guard, directly or as a branch there.
    fn is_enclosed(&self, stage: usize) -> bool {
        let (mut open, mut seen) = (self.owners[stage].clone(), HashSet::new());
        while let Some(owner) = open.pop() {
            if self.drafts[owner].spec.component.entry().encloses {
                return true;
            }
            if seen.insert(owner) {
                open.extend(&self.owners[owner]);
            }
        }
        false
    }

    /// Stages of one enclosing stage run in the order of its lists; the owner sees to it.
    fn same_owner(&self, target: usize, reader: usize) -> bool {
        let of = |at: usize| {
            self.owners[at].iter().filter(|owner| self.drafts[**owner].spec.component.entry().encloses).collect::<HashSet<_>>()
        };
        !of(target).is_disjoint(&of(reader))
    }
}
