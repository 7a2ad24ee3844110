//! One stage: its fields, its component, its config.

use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::{self, Reader};
use super::sink::Sink;
use crate::language::component::Component;
use crate::language::field::{ERROR_HANDLING, RETRY, STAGE};
use crate::language::node::{Data, Node};
use crate::language::pipeline::{OnError, OnUnknown, Retry, StageSpec};
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
    pub fn config(&self) -> impl Iterator<Item = &'n crate::language::node::Entry<'n>> {
        let config = self.reader().node("config");
        let mapping = self.reader().node("input_mapping");
        let own = config.map(Node::entries).unwrap_or_default();
        let other = mapping.map(Node::entries).unwrap_or_default();
        own.iter().chain(other.iter().filter(move |entry| config.is_none_or(|config| config.get(&entry.key).is_none())))
    }
}

pub fn read<'n>(node: &'n Node<'n>, sink: &mut Sink<'_>) -> Option<Draft<'n>> {
    let Data::Map(entries) = &node.data else {
        sink.push(Problem::error("wrong-type", node.span.clone(), format!("a stage is an object, not {}", node.type_name())));
        return None;
    };
    fields::check(entries, STAGE, "a stage", sink);
    let reader = Reader { node };
    let id = id(node, &reader, sink);
    let component = component(node, &reader, sink);
    let (id_node, id) = id?;
    let config = config(&reader);
    if let Some(component) = component {
        check_config(node, &reader, component, sink);
    }
    let (retry, handled) = retry(&reader, sink);
    let on_error = reader.text("on_error").or(handled).map_or(OnError::Propagate, |word| match word.as_str() {
        "continue" => OnError::Continue,
        _ => OnError::Propagate,
    });
    let handling = reader.node("error_handling").and_then(|node| Reader { node }.value("fallback_output"));
    let spec = StageSpec {
        id,
        name: reader.text("name"),
        description: reader.text("description"),
        // The error about it keeps the pipeline from loading; the stage stays known to those that depend on it.
        component: component.unwrap_or(Component::Logger),
        config,
        depends_on: Vec::new(),
        owners: Vec::new(),
        waits_for: Vec::new(),
        reads: Vec::new(),
        timeout: reader.timeout("timeout"),
        retry,
        on_error,
        fallback_output: reader.value("fallback_output").or(handling),
        when: reader.text("when"),
        environment: reader.text("environment"),
        idempotent: reader.flag("idempotent"),
        on_unknown: on_unknown(&reader),
        max_concurrency: reader.count("max_concurrency").filter(|count| *count > 0),
        enabled: reader.flag("enabled").unwrap_or(true),
        compensate: Vec::new(),
        produces: reader.value("produces"),
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
        sink.push(problem.helped(format!("one of {}", listed(Component::ALL.iter().map(|component| component.name())))));
        return None;
    };
    let name = fields::scalar(found)?;
    let component = Component::from_name(&name);
    if component.is_none() {
        let names = || {
            Component::ALL
                .iter()
                .flat_map(|component| [component.name()].into_iter().chain(component.entry().aliases.iter().copied()))
        };
        let help = sink
            .did_you_mean(&name, names())
            .unwrap_or_else(|| format!("one of {}", listed(Component::ALL.iter().map(|c| c.name()))));
        let message = format!("there is no component `{name}`");
        sink.push(Problem::error("unknown-component", found.span.clone(), message).helped(help));
    }
    component
}

/// `config` over `input_mapping`, key by key.
fn config(reader: &Reader<'_, '_>) -> Value {
    let map = |name: &str| match reader.value(name) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let mut merged = map("input_mapping");
    merged.extend(map("config"));
    Value::Object(merged)
}

fn check_config(node: &Node<'_>, reader: &Reader<'_, '_>, component: Component, sink: &mut Sink<'_>) {
    let maps: Vec<&Node<'_>> = ["config", "input_mapping"].into_iter().filter_map(|name| reader.node(name)).collect();
    for map in &maps {
        fields::check(map.entries(), component.entry().keys, &format!("the config of `{component}`"), sink);
    }
    let templated =
        |map: &&Node<'_>| map.text().is_some_and(has_template) || map.entries().iter().any(|entry| has_template(&entry.key));
    if maps.iter().any(templated) {
        return;
    }
    let has = |key: &str| {
        maps.iter().any(|map| map.get(key).is_some_and(|entry| !entry.value.is_null() || key == "data" || key == "value"))
    };
    for group in component.entry().required {
        if !group.iter().any(|key| has(key)) {
            let span = reader.entry("config").map_or_else(|| head(node), |entry| entry.key_span.clone());
            let keys = group.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
            sink.push(Problem::error("missing-config", span, format!("`{component}` needs {keys} in its config")));
        }
    }
}

fn on_unknown(reader: &Reader<'_, '_>) -> OnUnknown {
    match reader.text("on_unknown").as_deref() {
        Some("retry") => OnUnknown::Retry,
        Some("fail") => OnUnknown::Fail,
        _ => OnUnknown::Ask,
    }
}

/// The retry rule, and what `error_handling` says about failures otherwise. It wins over `retry_config`.
fn retry(reader: &Reader<'_, '_>, sink: &mut Sink<'_>) -> (Retry, Option<String>) {
    let mut rule = Retry::Never;
    if let Some(node) = reader.node("retry_config") {
        fields::check(node.entries(), RETRY, "`retry_config`", sink);
        rule = backoff(&Reader { node });
    }
    let Some(node) = reader.node("error_handling") else { return (rule, None) };
    fields::check(node.entries(), ERROR_HANDLING, "`error_handling`", sink);
    let handling = Reader { node };
    match handling.text("on_error").as_deref() {
        Some("retry") => {
            let fixed = Retry::Fixed {
                max_retries: retries(&handling),
                delay: handling.milliseconds("retry_delay").unwrap_or(Duration::from_secs(1)),
                until: handling.text("retry_until"),
            };
            (fixed, None)
        }
        other => (rule, other.map(str::to_owned)),
    }
}

fn retries(reader: &Reader<'_, '_>) -> u32 {
    reader.count("max_retries").map_or(3, |count| u32::try_from(count).unwrap_or(u32::MAX))
}

fn backoff(reader: &Reader<'_, '_>) -> Retry {
    Retry::Backoff {
        max_retries: retries(reader),
        initial: reader.milliseconds("initial_delay_ms").unwrap_or(Duration::from_secs(1)),
        multiplier: reader.number("backoff_multiplier").filter(|factor| *factor >= 1.0).unwrap_or(2.0),
        max: reader.milliseconds("max_delay_ms").unwrap_or(Duration::from_secs(30)),
    }
}
