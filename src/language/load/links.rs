//! Stages and each other: unique ids, dependencies, owners, what can never be reached.

use std::collections::HashMap;

use super::sink::Sink;
use super::stage::Draft;
use super::{compensation, fields};
use crate::language::component::Component;
use crate::language::field::Kind;
use crate::language::node::{Data, Entry, Node};
use crate::language::problem::Problem;
use crate::language::template::has_template;
use crate::model::StageId;

/// Fills `depends_on`, `owners`, `compensate` and `undoes`.
pub fn connect(drafts: &mut [Draft<'_>], sink: &mut Sink<'_>) {
    let index = index(drafts, sink);
    let ids: Vec<StageId> = drafts.iter().map(|draft| draft.spec.id.clone()).collect();
    for draft in drafts.iter_mut() {
        let listed = draft.reader().texts("depends_on");
        let mut seen = std::collections::HashSet::new();
        for (node, id) in listed {
            if !index.contains_key(id.as_str()) {
                let message = format!("`{}` depends on `{id}`, which does not exist", draft.spec.id);
                let help = sink.did_you_mean(&id, ids.iter().map(StageId::as_str));
                sink.push(Problem::error("unknown-dependency", node.span.clone(), message).maybe_helped(help));
            } else if seen.insert(id.clone()) {
                draft.spec.depends_on.push(StageId::new(&id));
            }
        }
    }
    let mut owned: HashMap<usize, Vec<StageId>> = HashMap::new();
    for draft in drafts.iter_mut() {
        for node in templated_stages(draft) {
            let message = "a list of stages names them as they are: a template is not read here";
            let problem = Problem::warning("undefined-stage", node.span.clone(), message).labelled("nothing runs for it");
            sink.push(problem.helped("name the stages, and choose with `conditional`, `router` or `when`"));
        }
        for (node, id) in listed_stages(draft) {
            match index.get(id.as_str()) {
                Some(at) => owned.entry(*at).or_default().push(draft.spec.id.clone()),
                None => {
                    let message = format!("`{}` lists the stage `{id}`, which does not exist", draft.spec.id);
                    let problem = Problem::warning("undefined-stage", node.span.clone(), message).labelled("nothing runs for it");
                    let help = sink.did_you_mean(&id, ids.iter().map(StageId::as_str));
                    sink.push(problem.maybe_helped(help));
                }
            }
        }
    }
    for (at, mut owners) in owned {
        let mut seen = std::collections::HashSet::new();
        owners.retain(|owner| seen.insert(owner.clone()));
        drafts[at].spec.owners = owners;
    }
    compensation::connect(drafts, &index, sink);
    unreachable(drafts, &index, sink);
}

fn index<'d>(drafts: &[Draft<'d>], sink: &mut Sink<'_>) -> HashMap<StageId, usize> {
    let mut index: HashMap<StageId, usize> = HashMap::with_capacity(drafts.len());
    for (at, draft) in drafts.iter().enumerate() {
        if let Some(first) = index.get(draft.spec.id.as_str()) {
            let line = Problem::error("", drafts[*first].id.span.clone(), "").position(sink.text).0;
            let message = format!("the id `{}` is used twice", draft.spec.id);
            let problem = Problem::error("duplicate-id", draft.id.span.clone(), message);
            sink.push(problem.helped(format!("it stands in line {line} already; ids are unique in a pipeline")));
        } else {
            index.insert(draft.spec.id.clone(), at);
        }
    }
    index
}

/// The stages a control-flow stage names literally, in order.
pub fn listed_stages<'n>(draft: &Draft<'n>) -> Vec<(&'n Node<'n>, String)> {
    let mut found = Vec::new();
    for entry in draft.config() {
        found.extend(listed_in(draft.spec.component, entry));
    }
    found
}

/// Templates where a control-flow stage should name stages.
fn templated_stages<'n>(draft: &Draft<'n>) -> Vec<&'n Node<'n>> {
    let written = draft.config().flat_map(|entry| written_in(draft.spec.component, entry));
    written.filter(|(_, id)| has_template(id)).map(|(node, _)| node).collect()
}

/// The stages that one config entry lists.
pub fn listed_in<'n>(component: Component, entry: &'n Entry<'n>) -> Vec<(&'n Node<'n>, String)> {
    let mut found = written_in(component, entry);
    found.retain(|(node, id)| !has_template(id) && matches!(node.data, Data::Text(_) | Data::Number(_)) && !id.is_empty());
    found
}

/// What one config entry has where it names stages.
fn written_in<'n>(component: Component, entry: &'n Entry<'n>) -> Vec<(&'n Node<'n>, String)> {
    let named = |node: &'n Node<'n>| fields::texts(node).unwrap_or_default();
    match component.key(&entry.key).map(|field| field.kind) {
        Some(Kind::Stages) if !entry.value.is_null() => named(&entry.value),
        Some(Kind::StageRoutes) if entry.value.text().is_some() => named(&entry.value),
        Some(Kind::StageRoutes) => {
            entry.value.entries().iter().filter(|route| !route.value.is_null()).flat_map(|route| named(&route.value)).collect()
        }
        _ => Vec::new(),
    }
}

/// Stages that are switched off, or owned only by stages that never start them.
fn unreachable(drafts: &[Draft<'_>], index: &HashMap<StageId, usize>, sink: &mut Sink<'_>) {
    let mut dead: Vec<bool> = drafts.iter().map(|draft| !draft.spec.enabled).collect();
    let silent: Vec<std::collections::HashSet<String>> = drafts.iter().map(never_chosen).collect();
    let mut changed = true;
    let mut rounds = 0;
    while changed && rounds < 64 {
        (changed, rounds) = (false, rounds + 1);
        for (at, draft) in drafts.iter().enumerate() {
            let owners = &draft.spec.owners;
            let starts = |owner: &StageId| {
                index.get(owner.as_str()).is_some_and(|owner| !dead[*owner] && !silent[*owner].contains(draft.spec.id.as_str()))
            };
            if !dead[at] && !owners.is_empty() && !owners.iter().any(starts) {
                (dead[at], changed) = (true, true);
                let owners = owners.iter().map(|owner| format!("`{owner}`")).collect::<Vec<_>>().join(", ");
                let message = format!("the stage `{}` is never reached", draft.spec.id);
                let problem = Problem::warning("unreachable-stage", draft.id.span.clone(), message);
                sink.push(problem.helped(format!("only {owners} could start it, and never does")));
            }
        }
    }
}

/// The stages of the branch that a constant condition never takes.
fn never_chosen(draft: &Draft<'_>) -> std::collections::HashSet<String> {
    let constant = draft.config().find(|entry| entry.key == "condition").and_then(|entry| match &entry.value.data {
        Data::Bool(value) => Some(*value),
        Data::Text(text) => match text.trim().trim_start_matches('{').trim_end_matches('}').trim() {
            "true" | "True" => Some(true),
            "false" | "False" => Some(false),
            _ => None,
        },
        _ => None,
    });
    let Some(taken) = constant.filter(|_| draft.spec.component == Component::Conditional) else { return Default::default() };
    let (mut chosen, mut other) = (Vec::new(), std::collections::HashSet::new());
    for entry in draft.config() {
        let names = listed_in(draft.spec.component, entry).into_iter().map(|(_, id)| id);
        if entry.key.starts_with(if taken { "true" } else { "false" }) { chosen.extend(names) } else { other.extend(names) }
    }
    chosen.iter().for_each(|id| {
        other.remove(id);
    });
    other
}
