//! Stages that undo others: who undoes whom, and what can never work.
//!
//! A stage that undoes another is reserved for that: it waits for nothing but the end of the run, and nothing waits for it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::sink::Sink;
use super::stage::Draft;
use crate::language::component::Component;
use crate::language::problem::Problem;
use crate::model::StageId;

/// Fills `compensate` and `undoes`. Dependencies and owners are known.
pub fn connect(drafts: &mut [Draft<'_>], index: &HashMap<StageId, usize>, sink: &mut Sink<'_>) {
    for at in 0..drafts.len() {
        let mut named = HashSet::new();
        for (node, id) in drafts[at].reader().texts("compensate") {
            match index.get(id.as_str()) {
                Some(target) if named.insert(*target) => name(drafts, at, *target, &node.span, sink),
                Some(_) => {}
                None => {
                    let problem = Problem::error("unknown-compensation", node.span.clone(), format!("there is no stage `{id}`"));
                    let help = sink.did_you_mean(&id, drafts.iter().map(|draft| draft.spec.id.as_str()));
                    sink.push(problem.maybe_helped(help));
                }
            }
        }
    }
    for draft in drafts.iter().filter(|draft| draft.spec.undoes.is_some()) {
        check_reserved(draft, sink);
    }
    for draft in drafts.iter() {
        check_dependencies(draft, drafts, index, sink);
        check_place(draft, drafts, index, sink);
    }
}

/// One stage names another that undoes it.
fn name(drafts: &mut [Draft<'_>], at: usize, target: usize, span: &Range<usize>, sink: &mut Sink<'_>) {
    let (stage, undo) = (drafts[at].spec.id.clone(), drafts[target].spec.id.clone());
    let mut refuse = |code, message: String, help: &str| sink.push(Problem::error(code, span.clone(), message).helped(help));
    if at == target {
        return refuse("compensation-itself", format!("`{stage}` cannot undo itself"), "name another stage");
    }
    if let Some(first) = &drafts[target].spec.undoes {
        let message = format!("`{undo}` undoes `{first}` already");
        return refuse("compensation-shared", message, "a stage undoes one other: write one for each");
    }
    let component = drafts[target].spec.component;
    if component.entry().encloses || matches!(component, Component::Conditional | Component::Router | Component::Return) {
        let message = format!("`{undo}` is a `{component}`, which only leads to other stages, and cannot undo anything");
        return refuse("compensation-kind", message, "undo with one stage; a `subpipeline` is one, whatever it holds");
    }
    drafts[target].spec.undoes = Some(stage);
    drafts[at].spec.compensate.push(undo);
}

/// A stage that undoes another has no other part in the pipeline.
fn check_reserved(draft: &Draft<'_>, sink: &mut Sink<'_>) {
    let Some(undoes) = &draft.spec.undoes else { return };
    let id = &draft.spec.id;
    if let Some((node, _)) = draft.reader().texts("compensate").first() {
        let problem = Problem::error("compensation-chained", node.span.clone(), format!("`{id}` undoes `{undoes}` itself"));
        sink.push(problem.helped("what undoes is not undone: when it fails, a person is asked"));
    }
    if let Some(owner) = draft.spec.owners.first() {
        let message = format!("`{id}` undoes `{undoes}`, and `{owner}` lists it too");
        let problem = Problem::error("compensation-owned", draft.id.span.clone(), message);
        sink.push(problem.helped("a stage that undoes another runs for nothing else: write one for each"));
    }
}

fn check_dependencies(draft: &Draft<'_>, drafts: &[Draft<'_>], index: &HashMap<StageId, usize>, sink: &mut Sink<'_>) {
    let id = &draft.spec.id;
    for (node, listed) in draft.reader().texts("depends_on") {
        let undone = index.get(listed.as_str()).and_then(|at| drafts[*at].spec.undoes.as_ref());
        match (&draft.spec.undoes, undone) {
            (None, Some(undone)) => {
                let message = format!("`{id}` depends on `{listed}`, which runs only to undo `{undone}`");
                let problem = Problem::error("compensation-needed", node.span.clone(), message);
                sink.push(problem.helped("nothing comes after what undoes a run"));
            }
            (Some(undoes), _) if *undoes != StageId::new(&listed) => {
                let message = format!("`{id}` undoes `{undoes}`, and does not wait for `{listed}`");
                let problem = Problem::warning("unused-dependency", node.span.clone(), message);
                sink.push(problem.helped("stages are undone in the reverse of the order in which they began"));
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// What runs once for each item of a loop would have to be undone once for each.
fn check_place(draft: &Draft<'_>, drafts: &[Draft<'_>], index: &HashMap<StageId, usize>, sink: &mut Sink<'_>) {
    let named = draft.reader().texts("compensate");
    let Some((node, _)) = named.first().filter(|_| !draft.spec.compensate.is_empty()) else { return };
    let (mut open, mut seen) = (vec![&draft.spec], HashSet::new());
    while let Some(spec) = open.pop() {
        for owner in spec.owners.iter().filter_map(|id| index.get(id.as_str())).filter(|owner| seen.insert(**owner)) {
            let owner = &drafts[*owner].spec;
            if owner.component == Component::Foreach {
                let message = format!("`{}` runs once for each item of `{}`, and items are not undone", draft.spec.id, owner.id);
                let help = format!("let `{}` name what undoes it, or put what is to be undone into a `subpipeline`", owner.id);
                return sink.push(Problem::error("compensation-in-loop", node.span.clone(), message).helped(help));
            }
            open.push(owner);
        }
    }
}
