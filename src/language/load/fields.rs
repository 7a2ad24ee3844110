//! Fields against their table: unknown names, wrong types; and typed reads of what is right.

use std::time::Duration;

use super::sink::Sink;
use crate::language::duration::{self, Unit};
use crate::language::field::{Field, Kind};
use crate::language::node::{Data, Entry, Node};
use crate::language::problem::Problem;
use crate::language::stage_ids::is_valid_id;
use crate::language::suggest::listed;
use crate::language::template::has_template;

/// Whether templates in these fields are ever rendered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Templates {
    /// In a config they are, so that one fits wherever a value does.
    Rendered,
    /// Fields that count before anything runs.
    Unread,
}

/// Checks the entries of a map; `what` names the map in messages, such as "a stage".
pub fn check(entries: &[Entry<'_>], table: &'static [Field], templates: Templates, what: &str, sink: &mut Sink<'_>) {
    for entry in entries {
        let name = entry.key.as_ref();
        if let Some(field) = table.iter().find(|field| field.name == name) {
            check_kind(name, &entry.value, field.kind, templates, sink);
        } else if !has_template(name) && !name.starts_with("x-") {
            let problem = Problem::warning("unknown-field", entry.key_span.clone(), format!("{what} has no field `{name}`"));
            let own = table.iter().filter(|field| field.alias_of.is_none()).map(|field| field.name);
            let near = sink.did_you_mean(name, table.iter().map(|field| field.name));
            let help = near.unwrap_or_else(|| format!("known fields: {}", listed(own)));
            sink.push(problem.labelled("not used").helped(help));
        }
    }
}

fn check_kind(name: &str, node: &Node<'_>, kind: Kind, templates: Templates, sink: &mut Sink<'_>) {
    if node.is_null() {
        return;
    }
    let templated = node.text().is_some_and(has_template);
    let Some(wanted) = mismatch(node, kind, templated && templates == Templates::Rendered) else { return };
    let message = match kind {
        Kind::Choice(words) => {
            let found = node.text().map_or_else(|| node.type_name().to_owned(), |text| format!("`{text}`"));
            let help = node.text().and_then(|text| sink.did_you_mean(text, words.iter().copied()));
            let problem = Problem::error("wrong-value", node.span.clone(), format!("`{name}` cannot be {found}"));
            return sink.push(problem.helped(help.unwrap_or_else(|| format!("one of {}", listed(words.iter().copied())))));
        }
        _ => format!("`{name}` must be {wanted}, not {}", if templated { "a template" } else { node.type_name() }),
    };
    let help = templated.then(|| "it counts before anything runs; templates are rendered inside `config`".to_owned());
    let problem = Problem::error("wrong-type", node.span.clone(), message).labelled(format!("expected {wanted}"));
    sink.push(problem.maybe_helped(help));
}

/// What the field wants, when the node is something else and no template that will be rendered.
fn mismatch(node: &Node<'_>, kind: Kind, templated: bool) -> Option<&'static str> {
    let fits = |holds: bool, wanted: &'static str| if holds { None } else { Some(wanted) };
    match kind {
        Kind::Any | Kind::Condition | Kind::Deferred => None,
        Kind::Id => fits(scalar(node).is_some_and(|text| !has_template(&text)), "an id"),
        Kind::Text | Kind::Script => fits(scalar(node).is_some(), "a string"),
        Kind::Expression => fits(node.text().is_some() || matches!(node.data, Data::Bool(_)), "an expression in a string"),
        Kind::Integer => fits(templated || whole(node).is_some(), "a whole number, 0 or more"),
        Kind::Number => fits(templated || number(node).is_some(), "a number"),
        Kind::Flag => fits(templated || flag(node).is_some(), "true or false"),
        Kind::Seconds => {
            fits(templated || span_of(node, Unit::Seconds).is_some(), "a number of seconds, or a text such as \"5m\"")
        }
        Kind::Milliseconds => {
            fits(templated || span_of(node, Unit::Milliseconds).is_some(), "a number of milliseconds, or a text such as \"5s\"")
        }
        Kind::RequestTimeout => {
            let wanted = "milliseconds (above 300), seconds (up to 300), or a text such as \"30s\"";
            fits(templated || span_of(node, Unit::Request).is_some(), wanted)
        }
        Kind::List => fits(matches!(node.data, Data::List(_) | Data::Text(_)), "a list"),
        Kind::Texts => fits(texts(node).is_some(), "a string or a list of strings"),
        Kind::Map => fits(templated || matches!(node.data, Data::Map(_)), "an object"),
        Kind::Stages => fits(texts(node).is_some(), "a stage id or a list of stage ids"),
        Kind::StageRoutes => {
            let routes = node.entries().iter().all(|entry| entry.value.is_null() || texts(&entry.value).is_some());
            fits(templated || (matches!(node.data, Data::Map(_)) && routes), "an object of values to stage ids")
        }
        Kind::Schema => fits(matches!(node.data, Data::Map(_) | Data::Bool(_)), "a JSON Schema"),
        Kind::Choice(words) => fits(node.text().is_some_and(|text| words.contains(&text)), "one of the known words"),
    }
}

/// Texts, numbers and booleans as text.
pub fn scalar(node: &Node<'_>) -> Option<String> {
    match &node.data {
        Data::Text(text) => Some(text.to_string()),
        Data::Number(number) => Some(number.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        Data::Null | Data::List(_) | Data::Map(_) => None,
    }
}

pub fn number(node: &Node<'_>) -> Option<f64> {
    match &node.data {
        Data::Number(number) => number.as_f64(),
        Data::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

pub fn whole(node: &Node<'_>) -> Option<u64> {
    match &node.data {
        Data::Number(number) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
            let of_float = |float: f64| (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64);
            number.as_u64().or_else(|| number.as_f64().and_then(of_float))
        }
        Data::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub fn flag(node: &Node<'_>) -> Option<bool> {
    match &node.data {
        Data::Bool(value) => Some(*value),
        Data::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Data::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The texts of a list, or the one text; `None` when something in it is no text.
pub fn texts<'n>(node: &'n Node<'_>) -> Option<Vec<(&'n Node<'n>, String)>> {
    match &node.data {
        Data::List(items) => items.iter().map(|item| Some((item, scalar(item)?))).collect(),
        _ => Some(vec![(node, scalar(node)?)]),
    }
}

fn span_of(node: &Node<'_>, unit: Unit) -> Option<Duration> {
    matches!(node.data, Data::Number(_) | Data::Text(_)).then(|| duration::of(&node.to_value(), unit)).flatten()
}

/// Typed reads of a map that has been checked: what does not fit was reported and reads as absent.
pub struct Reader<'n, 't> {
    pub node: &'n Node<'t>,
}

impl<'n, 't> Reader<'n, 't> {
    pub fn entry(&self, name: &str) -> Option<&'n Entry<'t>> {
        self.node.get(name).filter(|entry| !entry.value.is_null())
    }

    pub fn node(&self, name: &str) -> Option<&'n Node<'t>> {
        self.entry(name).map(|entry| &entry.value)
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.node(name).and_then(scalar)
    }

    pub fn value(&self, name: &str) -> Option<serde_json::Value> {
        self.node(name).map(Node::to_value)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.node(name).and_then(flag)
    }

    pub fn count(&self, name: &str) -> Option<usize> {
        self.node(name).and_then(whole).and_then(|count| usize::try_from(count).ok())
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.node(name).and_then(number)
    }

    /// `name` in seconds or `name_ms` in milliseconds.
    pub fn timeout(&self, name: &str) -> Option<Duration> {
        let seconds = self.node(name).and_then(|node| span_of(node, Unit::Seconds));
        seconds.or_else(|| self.milliseconds(&format!("{name}_ms")))
    }

    pub fn milliseconds(&self, name: &str) -> Option<Duration> {
        self.node(name).and_then(|node| span_of(node, Unit::Milliseconds))
    }

    pub fn texts(&self, name: &str) -> Vec<(&'n Node<'n>, String)> {
        self.node(name).and_then(|node| texts(node)).unwrap_or_default()
    }
}

/// An id that is none is an error that says what it may consist of.
pub fn check_id(id: &str, node: &Node<'_>, sink: &mut Sink<'_>) {
    if !is_valid_id(id) {
        let message = if id.is_empty() { "the id is empty".to_owned() } else { format!("`{id}` is not a valid id") };
        sink.push(Problem::error("bad-id", node.span.clone(), message).helped("an id consists of letters, digits, `-` and `_`"));
    }
}
