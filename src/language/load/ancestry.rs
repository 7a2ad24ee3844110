//! Does a stage read only what has ended before it starts? Where it may, it is made to wait.

mod search;

use std::collections::HashMap;

use super::cycles;
use super::references::Read;
use super::sink::Sink;
use super::stage::Draft;
use crate::language::problem::Problem;
use crate::model::StageId;
use search::{Search, Wait};

/// Warns about every template that reads a stage which need not have run yet. The graph has no cycles here.
///
/// Gives what has to come first and is not written there, as a stage and what it waits for: a value that is not there
/// yet must not decide a branch. Inside a loop or a guard only the order of its lists counts, so the outermost one waits
/// for what a stage inside needs from outside. What runs later cannot be waited for.
pub fn check(drafts: &[Draft<'_>], reads: &[Read<'_>], sink: &mut Sink<'_>) -> Vec<(usize, StageId)> {
    let index: HashMap<&str, usize> = drafts.iter().enumerate().rev().map(|(at, draft)| (draft.spec.id.as_str(), at)).collect();
    let written = drafts.iter().enumerate().filter(|(_, draft)| !draft.spec.owners.is_empty());
    let written = written.flat_map(|(at, draft)| draft.spec.depends_on.iter().map(move |id| (at, id.as_str())));
    let written: Vec<(usize, usize)> = written.filter_map(|(at, id)| Some((at, *index.get(id)?))).collect();
    let undoes = |at: usize| drafts[at].spec.undoes.as_ref();
    let read = reads.iter().filter_map(|read| Some((read.by, *index.get(read.id.as_str())?)));
    let read = read.filter(|(by, first)| undoes(*by).is_none() && undoes(*first).is_none());
    let mut search = Search::new(drafts, &index, written.iter().copied().chain(read));
    for &(stage, first) in &written {
        if let Wait::Closes(frame) = search.wait(stage, first) {
            let mut around = search.path_inside(frame, stage);
            let mut cycle = search.path(first, frame);
            cycle.append(&mut around);
            cycles::report_inside(drafts, &cycle, frame, sink);
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
        } else if undoes(read.by).is_some() {
            // By the time that anything is undone everything has ended.
        } else if let Some(undone) = undoes(target) {
            if !quiet {
                let message = format!("`{}` reads `{}`, which runs only to undo `{undone}`", by.id, read.id);
                sink.push(
                    Problem::warning("not-upstream", span(sink), message).helped("it has no output while other stages run"),
                );
            }
        } else if !search.runs_before(target, read.by) {
            let wait = search.wait(read.by, target);
            let problem = |message| Problem::warning("not-upstream", span(sink), message);
            let problem = match wait {
                _ if quiet => continue,
                // The order of the lists decides, and only a run tells how far they were gone through.
                Wait::Inside => continue,
                Wait::Holds => problem(format!("`{}` reads `{}` without depending on it", by.id, read.id))
                    .labelled("waits for it all the same")
                    .helped(format!("add `{}` to its `depends_on`", read.id)),
                Wait::Closes(_) => problem(format!("`{}` reads `{}`, which need not have run before it", by.id, read.id))
                    .helped(format!("`{}` itself waits for `{}`, and has no output by then", read.id, by.id)),
            };
            sink.push(problem);
        }
    }
    search.found.into_iter().map(|(stage, first)| (stage, drafts[first].spec.id.clone())).collect()
}
