//! Does a stage read only what has ended before it starts?

use std::collections::{HashMap, HashSet};

use super::links::listed_stages;
use super::references::Read;
use super::sink::Sink;
use super::stage::Draft;
use crate::language::problem::Problem;

/// Stages looked at in all searches together; a huge document is not searched to the end.
const EFFORT: usize = 3_000_000;

/// Warns about every template that reads a stage which need not have run yet. The graph has no cycles here.
pub fn check(drafts: &[Draft<'_>], reads: &[Read<'_>], sink: &mut Sink<'_>) {
    let index: HashMap<&str, usize> = drafts.iter().enumerate().rev().map(|(at, draft)| (draft.spec.id.as_str(), at)).collect();
    let mut search = Search::new(drafts, &index);
    for read in reads {
        if sink.is_full() {
            return;
        }
        let by = &drafts[read.by].spec;
        let span = |sink: &Sink<'_>| sink.find(&read.place, read.at, read.id.len());
        let Some(&target) = index.get(read.id.as_str()) else {
            let message = format!("`{}` reads the stage `{}`, which does not exist", by.id, read.id);
            let problem = Problem::warning("unknown-stage", span(sink), message);
            let near = sink.did_you_mean(&read.id, drafts.iter().map(|draft| draft.spec.id.as_str()));
            sink.push(problem.labelled("fails when it is read").maybe_helped(near));
            continue;
        };
        if target == read.by {
            let problem = Problem::warning("not-upstream", span(sink), format!("`{}` reads its own output", by.id));
            sink.push(problem.helped("a stage has no output before it ends"));
        } else if !search.runs_before(target, read.by) {
            let message = format!("`{}` reads `{}`, which need not have run before it", by.id, read.id);
            let problem = Problem::warning("not-upstream", span(sink), message);
            sink.push(problem.helped(format!("add `{}` to its `depends_on`", read.id)));
        }
    }
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

    /// Stages of one enclosing stage run in the order of its lists; the owner sees to it.
    fn same_owner(&self, target: usize, reader: usize) -> bool {
        let of = |at: usize| {
            self.owners[at].iter().filter(|owner| self.drafts[**owner].spec.component.entry().encloses).collect::<HashSet<_>>()
        };
        !of(target).is_disjoint(&of(reader))
    }
}
