//! The document's own fields, and the order in which everything below it is checked.

use std::collections::HashMap;

use super::fields::{self, Reader, Templates};
use super::references::Found;
use super::sink::Sink;
use super::stage::{self, Draft};
use super::{ancestry, cycles, links, references};
use crate::language::field::DOCUMENT;
use crate::language::json_schema::Compiled;
use crate::language::node::{Data, Node};
use crate::language::pipeline::{Names, Pipeline};
use crate::language::problem::Problem;
use crate::language::stage_ids::StageIds;
use crate::model::StageId;
use crate::model::digest::sha256_hex;

pub fn read(root: &Node<'_>, sink: &mut Sink<'_>) -> Option<Pipeline> {
    let Data::Map(entries) = &root.data else {
        let message = format!("a pipeline is an object with `stages`, not {}", root.type_name());
        sink.push(Problem::error("not-a-pipeline", first_line(root, sink.text), message));
        return None;
    };
    fields::check(entries, DOCUMENT, Templates::Unread, "a pipeline", sink);
    let reader = Reader { node: root };
    let mut drafts = stages(root, &reader, sink);
    links::connect(&mut drafts, sink);
    let ids: StageIds = drafts.iter().map(|draft| draft.spec.id.clone()).collect();
    let found = references::check(&drafts, &ids, sink);
    if cycles::check(&drafts, sink) {
        for (by, first) in ancestry::check(&drafts, &found.stages, sink) {
            drafts[by].spec.waits_for.push(first);
        }
    }
    for read in found.stages.iter().filter(|read| ids.contains(&read.id)) {
        drafts[read.by].spec.reads.push(StageId::new(&read.id));
    }
    Some(assemble(root, &reader, drafts, ids, found, sink))
}

/// Something short to point at when the whole document is meant.
fn first_line(root: &Node<'_>, text: &str) -> std::ops::Range<usize> {
    let end = text[root.span.clone()].find('\n').map_or(root.span.end, |line| root.span.start + line);
    root.span.start..end
}

fn stages<'n>(root: &'n Node<'n>, reader: &Reader<'n, 'n>, sink: &mut Sink<'_>) -> Vec<Draft<'n>> {
    let Some(entry) = reader.entry("stages") else {
        let near = root.entries().iter().find(|entry| crate::language::suggest::nearest(&entry.key, ["stages"]).is_some());
        let span = near.map_or_else(|| first_line(root, sink.text), |entry| entry.key_span.clone());
        sink.push(Problem::error("missing-field", span, "the pipeline has no `stages`").helped("list at least one stage"));
        return Vec::new();
    };
    let Data::List(items) = &entry.value.data else {
        if !matches!(entry.value.data, Data::Map(_) | Data::Bool(_) | Data::Number(_)) {
            let message = format!("`stages` must be a list, not {}", entry.value.type_name());
            sink.push(Problem::error("wrong-type", entry.value.span.clone(), message));
        }
        return Vec::new();
    };
    if items.is_empty() {
        sink.push(Problem::error("missing-field", entry.value.span.clone(), "a pipeline needs at least one stage"));
    }
    items.iter().filter_map(|item| stage::read(item, sink)).collect()
}

fn assemble(
    root: &Node<'_>,
    reader: &Reader<'_, '_>,
    drafts: Vec<Draft<'_>>,
    ids: StageIds,
    found: Found<'_>,
    sink: &mut Sink<'_>,
) -> Pipeline {
    let (id, name) = identity(root, reader, sink);
    check_version(reader, sink);
    let compiled_inputs = schema(reader, "input_schema", sink);
    let compiled_output = schema(reader, "output_schema", sink);
    let output_stage = output_stage(reader, &ids, &drafts, sink);
    let stages: Vec<_> = drafts.into_iter().map(|draft| draft.spec).collect();
    let index: HashMap<StageId, usize> = stages.iter().enumerate().map(|(at, stage)| (stage.id.clone(), at)).collect();
    let kept = ["metadata", "difficulty", "use_cases", "is_template"];
    Pipeline {
        id,
        name,
        version: reader.text("version"),
        description: reader.text("description"),
        category: reader.text("category"),
        tags: reader.texts("tags").into_iter().map(|(_, tag)| tag).collect(),
        metadata: kept.into_iter().filter_map(|name| Some((name.to_owned(), reader.value(name)?))).collect(),
        input_schema: reader.value("input_schema"),
        output_schema: reader.value("output_schema"),
        stages,
        output_stage,
        sample_input: reader.value("sample_input").or_else(|| reader.value("example_input")),
        environment: reader.text("environment"),
        concurrency_group: reader.text("concurrency_group"),
        triggers: reader.value("on"),
        max_concurrency: reader.count("max_concurrency").filter(|count| *count > 0),
        timeout: reader.timeout("timeout"),
        strict_templates: reader.flag("strict_templates").unwrap_or(false),
        hash: sha256_hex(sink.text.as_bytes()),
        compiled_inputs,
        compiled_output,
        names: Names::of(found.env, found.required_env, found.secrets),
        index,
        ids,
    }
}

fn identity(root: &Node<'_>, reader: &Reader<'_, '_>, sink: &mut Sink<'_>) -> (String, String) {
    let id = reader.text("id").filter(|id| !id.trim().is_empty());
    let name = reader.text("name").filter(|name| !name.trim().is_empty());
    match (id, name) {
        (Some(id), Some(name)) => (id, name),
        (Some(id), None) => (id.clone(), id),
        (None, Some(name)) => (slug(&name), name),
        (None, None) => {
            let problem =
                Problem::error("missing-field", first_line(root, sink.text), "the pipeline has neither `id` nor `name`");
            sink.push(problem.helped("give it a `name`"));
            (String::new(), String::new())
        }
    }
}

/// `Deploy to Staging` as `deploy-to-staging`.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "pipeline".to_owned() } else { slug }
}

fn check_version(reader: &Reader<'_, '_>, sink: &mut Sink<'_>) {
    let Some((node, version)) = reader.node("version").and_then(|node| Some((node, fields::scalar(node)?))) else { return };
    let core = version.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let semantic =
        numbers.len() == 3 && numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    if !semantic {
        let problem = Problem::warning("bad-version", node.span.clone(), "the version is not a semantic version");
        sink.push(problem.helped("write it as \"1.2.3\""));
    }
}

fn schema(reader: &Reader<'_, '_>, name: &str, sink: &mut Sink<'_>) -> Option<Compiled> {
    let entry = reader.entry(name).filter(|entry| matches!(entry.value.data, Data::Map(_) | Data::Bool(_)))?;
    match Compiled::new(&entry.value.to_value()) {
        Ok(compiled) => Some(compiled),
        Err(message) => {
            sink.push(Problem::error("bad-schema", entry.key_span.clone(), format!("`{name}` is not a JSON Schema: {message}")));
            None
        }
    }
}

fn output_stage(reader: &Reader<'_, '_>, ids: &StageIds, drafts: &[Draft<'_>], sink: &mut Sink<'_>) -> Option<StageId> {
    let node = reader.node("output_stage_id")?;
    let id = fields::scalar(node)?;
    if let Some(undoes) = drafts.iter().find(|draft| draft.spec.id.as_str() == id).and_then(|draft| draft.spec.undoes.as_ref()) {
        let message = format!("`{id}` runs only to undo `{undoes}`, and never in a run that has an output");
        sink.push(Problem::error("compensation-output", node.span.clone(), message));
        return None;
    }
    if ids.contains(&id) {
        return Some(StageId::new(&id));
    }
    let problem = Problem::error("unknown-output-stage", node.span.clone(), format!("there is no stage `{id}`"));
    let help = sink.did_you_mean(&id, ids.iter());
    sink.push(problem.maybe_helped(help));
    None
}
