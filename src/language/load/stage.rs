//! One stage: its fields, its component, its config.

use std::collections::HashSet;

use serde_json::Value;

use super::failure;
use super::fields::{self, Reader, Templates};
use super::sink::Sink;
use crate::language::component::Component;
use crate::language::field::STAGE;
use crate::language::node::{Data, Entry, Node};
use crate::language::pipeline::{OnUnknown, StageSpec};
use crate::language::problem::Problem;
use crate::language::suggest::listed;
use crate::language::template::has_template;
use crate::model::StageId;

/// A stage with the nodes that later checks point at.
pub struct Draft<'n> {
    pub spec: StageSpec,
    pub node: &'n Node<'n>,
    pub id: &'n Node<'n>,
}

impl<'n> Draft<'n> {
    pub fn reader(&self) -> Reader<'n, 'n> {
        Reader { node: self.node }
    }

    /// The config's entries; those of `input_mapping` that `config` replaces are left out.
    pub fn config(&self) -> impl Iterator<Item = &'n Entry<'n>> {
        merged(self.reader(), Some(self.spec.component))
    }
}

/// The entries of `input_mapping` that stay, then those of `config`.
fn merged<'n>(reader: Reader<'n, 'n>, component: Option<Component>) -> impl Iterator<Item = &'n Entry<'n>> {
    let entries = |name: &str| reader.node(name).map(Node::entries).unwrap_or_default();
    let config = entries("config");
    // Whatever its spelling, a key is the same key.
    let own_name = move |key: &'n str| {
        let field = component.and_then(|component| component.key(key));
        field.map_or(key, |field| field.alias_of.unwrap_or(field.name))
    };
    let replaced: HashSet<&str> = config.iter().map(|entry| own_name(&entry.key)).collect();
    entries("input_mapping").iter().filter(move |entry| !replaced.contains(own_name(&entry.key))).chain(config)
}

pub fn read<'n>(node: &'n Node<'n>, sink: &mut Sink<'_>) -> Option<Draft<'n>> {
    let Data::Map(entries) = &node.data else {
        sink.push(Problem::error("wrong-type", node.span.clone(), format!("a stage is an object, not {}", node.type_name())));
        return None;
    };
    fields::check(entries, STAGE, Templates::Unread, "a stage", sink);
    let reader = Reader { node };
    let id = id(node, &reader, sink);
    let component = component(node, &reader, sink);
    let (id_node, id) = id?;
    let config = config(&reader, component);
    if let Some(component) = component {
        check_config(node, &reader, component, sink);
    }
    let environment = environment(&reader, component, &config, sink);
    let failure = failure::read(&reader, sink);
    let spec = StageSpec {
        id,
        name: reader.text("name"),
        description: reader.text("description"),
        // The error about it keeps the pipeline from loading; the stage stays known to those that depend on it.
        component: component.unwrap_or(Component::Logger),
        depends_on: Vec::new(),
        owners: Vec::new(),
        waits_for: Vec::new(),
        reads: Vec::new(),
        timeout: reader.timeout("timeout"),
        retry: failure.retry,
        on_error: failure.on_error,
        fallback_output: failure.fallback,
        when: reader.text("when"),
        environment,
        idempotent: reader.flag("idempotent"),
        on_unknown: on_unknown(&reader),
        max_concurrency: reader.count("max_concurrency").filter(|count| *count > 0),
        enabled: reader.flag("enabled").unwrap_or(true),
        compensate: Vec::new(),
        undoes: None,
        produces: reader.value("produces"),
        config,
        span: node.span.clone(),
    };
    Some(Draft { spec, node, id: id_node })
}

fn id<'n>(node: &'n Node<'n>, reader: &Reader<'n, 'n>, sink: &mut Sink<'_>) -> Option<(&'n Node<'n>, StageId)> {
    let Some(found) = reader.node("id") else {
        sink.push(Problem::error("missing-field", head(node), "the stage has no `id`"));
        return None;
    };
    let id = fields::scalar(found)?;
    fields::check_id(&id, found, sink);
    Some((found, StageId::new(&id)))
}

/// The beginning of a stage: its first key, or its bracket.
fn head(node: &Node<'_>) -> std::ops::Range<usize> {
    node.entries().first().map_or(node.span.start..node.span.start + 1, |entry| entry.key_span.clone())
}

fn component(node: &Node<'_>, reader: &Reader<'_, '_>, sink: &mut Sink<'_>) -> Option<Component> {
    let named = ["component_type", "type", "component"].into_iter().find_map(|name| reader.node(name));
    let Some(found) = named else {
        let problem = Problem::error("missing-field", head(node), "the stage has no `component_type`");
        sink.push(problem.helped(format!("one of {}", listed(Component::written().map(Component::name)))));
        return None;
    };
    let name = fields::scalar(found)?;
    let component = Component::from_name(&name);
    if component == Some(Component::Mock) {
        let problem = Problem::warning("test-only", found.span.clone(), "`mock` does nothing: it stands in for a stage in tests");
        sink.push(problem.helped("mocks are written in a test file; see `flowdeck test --help`"));
    }
    if component.is_none() {
        let names = || {
            Component::written()
                .flat_map(|component| [component.name()].into_iter().chain(component.entry().aliases.iter().copied()))
        };
        let help = sink
            .did_you_mean(&name, names())
            .unwrap_or_else(|| format!("one of {}", listed(Component::written().map(Component::name))));
        let message = format!("there is no component `{name}`");
        sink.push(Problem::error("unknown-component", found.span.clone(), message).helped(help));
    }
    component
}

/// `config` over `input_mapping`, key by key.
fn config<'n>(reader: &Reader<'n, 'n>, component: Option<Component>) -> Value {
    let entries = merged(Reader { node: reader.node }, component);
    Value::Object(entries.map(|entry| (entry.key.to_string(), entry.value.to_value())).collect())
}

fn check_config(node: &Node<'_>, reader: &Reader<'_, '_>, component: Component, sink: &mut Sink<'_>) {
    let maps: Vec<&Node<'_>> = ["config", "input_mapping"].into_iter().filter_map(|name| reader.node(name)).collect();
    for map in &maps {
        fields::check(map.entries(), component.entry().keys, Templates::Rendered, &format!("the config of `{component}`"), sink);
    }
    let templated = |map: &&Node<'_>| map.entries().iter().any(|entry| has_template(&entry.key));
    if maps.iter().any(templated) {
        return;
    }
    let has = |key: &str| {
        maps.iter().any(|map| map.get(key).is_some_and(|entry| !entry.value.is_null() || key == "data" || key == "value"))
    };
    for group in component.entry().required {
        if !group.iter().any(|key| component.spellings(key).any(has)) {
            let span = reader.entry("config").map_or_else(|| head(node), |entry| entry.key_span.clone());
            let keys = group.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
            sink.push(Problem::error("missing-config", span, format!("`{component}` needs {keys} in its config")));
        }
    }
}

/// What the stage acts on: its own field, or the one in the config of a component that has one. Two that differ are a trap.
fn environment(reader: &Reader<'_, '_>, component: Option<Component>, config: &Value, sink: &mut Sink<'_>) -> Option<String> {
    let own = reader.text("environment");
    let named = component.filter(|component| component.names_environment()).and_then(|_| config.get("environment")?.as_str());
    if let (Some(own), Some(named)) = (&own, named)
        && own != named
        && let Some(node) = reader.node("environment")
    {
        let message = format!("the stage is for `{own}`, and its config for `{named}`");
        sink.push(Problem::error("two-environments", node.span.clone(), message).helped("name the environment once"));
    }
    own.or_else(|| named.map(str::to_owned))
}

fn on_unknown(reader: &Reader<'_, '_>) -> OnUnknown {
    match reader.text("on_unknown").as_deref() {
        Some("retry") => OnUnknown::Retry,
        Some("fail") => OnUnknown::Fail,
        _ => OnUnknown::Ask,
    }
}
