//! Every template and expression of a document: does it parse, and what does it read?

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::sink::{Place, Sink};
use super::stage::Draft;
use crate::language::component::Component;
use crate::language::expression::{self, EvalError, Expression, Reference};
use crate::language::field::Kind;
use crate::language::node::{Data, Entry, Node};
use crate::language::problem::Problem;
use crate::language::stage_ids::StageIds;
use crate::language::template::{self, Segment, has_template};

/// What the templates of a document read.
#[derive(Default)]
pub struct Found<'n> {
    pub env: BTreeSet<String>,
    pub required_env: BTreeSet<String>,
    pub secrets: BTreeSet<String>,
    /// The first time each stage reads another.
    pub stages: Vec<Read<'n>>,
}

/// One place where a stage reads another.
pub struct Read<'n> {
    pub by: usize,
    pub id: String,
    pub place: Place<'n>,
    /// Where the id stands in the place's content.
    pub at: usize,
}

const ROOTS: &[&str] = &["input", "upstream", "stages", "secrets", "context", "variables"];

pub fn check<'n>(drafts: &[Draft<'n>], ids: &StageIds, sink: &mut Sink<'_>) -> Found<'n> {
    let names = drafts.iter().flat_map(|draft| ["item_variable", "index_variable"].map(|key| draft.spec.config.get(key)));
    let names: HashSet<&str> = names.filter_map(|name| name.and_then(serde_json::Value::as_str)).collect();
    let mut walk = Walk { ids, names, found: Found::default(), seen: HashSet::new(), sink, stage: 0, output_names: false };
    for (at, draft) in drafts.iter().enumerate() {
        walk.stage = at;
        walk.seen.clear();
        walk.stage(draft);
    }
    walk.found
}

/// The component whose config it is, and the config: a mock's are those of what it stands in for.
fn called<'n>(draft: &Draft<'n>) -> (Component, Vec<&'n Entry<'n>>) {
    let entries: Vec<_> = draft.config().collect();
    let within = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let component = within("component").and_then(Node::text).and_then(Component::from_name);
    match (draft.spec.component, component, within("config")) {
        (Component::Mock, Some(component), Some(config)) => (component, config.entries().iter().collect()),
        (component, ..) => (component, entries),
    }
}

struct Walk<'n, 'w, 't> {
    ids: &'w StageIds,
    /// Custom loop variables, anywhere in the document.
    names: HashSet<&'w str>,
    found: Found<'n>,
    /// Stages that the current one is known to read.
    seen: HashSet<String>,
    sink: &'w mut Sink<'t>,
    stage: usize,
    /// Bare names are fields of the stage's own output.
    output_names: bool,
}

impl<'n> Walk<'n, '_, '_> {
    fn stage(&mut self, draft: &Draft<'n>) {
        let reader = draft.reader();
        let (component, config) = called(draft);
        for entry in config {
            self.key(&entry.key, &entry.key_span);
            let kind = component.key(&entry.key).map_or(Kind::Any, |field| field.kind);
            self.value(&entry.value, kind);
            let runs = matches!((component, entry.key.as_ref()), (Component::Shell | Component::Deploy, "run"));
            if runs {
                self.warn_raw(&entry.value);
            }
        }
        if let Some(when) = reader.node("when") {
            self.value(when, Kind::Condition);
        }
        for name in ["environment", "produces"] {
            if let Some(node) = reader.node(name) {
                self.value(node, Kind::Any);
            }
        }
        if let Some(until) = reader.node("error_handling").and_then(|node| node.get("retry_until")) {
            self.output_names = true;
            self.value(&until.value, Kind::Expression);
            self.output_names = false;
        }
    }

    fn key(&mut self, key: &'n str, span: &Range<usize>) {
        self.templates(span, key);
    }

    fn value(&mut self, node: &'n Node<'n>, kind: Kind) {
        match &node.data {
            Data::Text(text) if matches!(kind, Kind::Condition | Kind::Expression) => self.condition(&node.span, text),
            Data::Text(text) => self.templates(&node.span, text),
            Data::List(items) => items.iter().for_each(|item| self.value(item, Kind::Any)),
            Data::Map(entries) => {
                for entry in entries {
                    self.key(&entry.key, &entry.key_span);
                    self.value(&entry.value, Kind::Any);
                }
            }
            Data::Null | Data::Bool(_) | Data::Number(_) => {}
        }
    }

    fn templates(&mut self, span: &Range<usize>, content: &'n str) {
        if !has_template(content) {
            return;
        }
        for segment in template::segments(content) {
            if let Segment::Template { expression, offset } = segment {
                let parsed = expression::parse(expression, &|rest| self.ids.longest_prefix(rest).map(str::len));
                self.take(&Place { span: span.clone(), content, piece: offset..offset + expression.len() }, parsed);
            }
        }
    }

    fn condition(&mut self, span: &Range<usize>, content: &'n str) {
        let trimmed = content.trim();
        if trimmed.is_empty() {
            return;
        }
        let start = content.len() - content.trim_start().len();
        let ids = |rest: &str| self.ids.longest_prefix(rest).map(str::len);
        let (piece, parsed) = match template::sole(trimmed) {
            Some(inner) => (start + 2..start + 2 + inner.len(), expression::parse(inner, &ids)),
            None => (start..start + trimmed.len(), expression::parse_condition(trimmed, &ids)),
        };
        self.take(&Place { span: span.clone(), content, piece }, parsed);
    }

    fn take(&mut self, place: &Place<'n>, parsed: Result<Expression, EvalError>) {
        match parsed {
            Ok(parsed) => {
                for reference in parsed.references() {
                    self.reference(place, reference);
                }
            }
            Err(error) => {
                let piece = &place.piece;
                let at = piece.start + error.offset.unwrap_or(0).min(piece.len());
                let at = if at == piece.end && at > piece.start { at - 1 } else { at };
                let full = self.sink.is_full_of_errors();
                let span = if full { place.span.clone() } else { self.sink.find(place, at, 1) };
                let problem = Problem::error("bad-expression", span, format!("the expression does not parse: {}", error.message));
                let foreign = place.content[piece.clone()].trim_start().starts_with('.');
                let help = foreign.then(|| "braces for another program are written inside a text: {{ '{{.Name}}' }}".to_owned());
                self.sink.push(problem.maybe_helped(help));
            }
        }
    }

    fn reference(&mut self, place: &Place<'n>, reference: Reference) {
        match reference {
            Reference::Stage { id, offset } => self.read(place, id, offset),
            Reference::Env { name, optional, .. } => {
                if !optional {
                    self.found.required_env.insert(name.clone());
                }
                self.found.env.insert(name);
            }
            Reference::Secret { name, .. } => {
                self.found.secrets.insert(name);
            }
            Reference::Context { .. } | Reference::Variable { .. } => {}
            Reference::Name { name, offset } if self.ids.contains(&name) => self.read(place, name, offset),
            Reference::Name { name, offset } => self.name(place, &name, offset),
        }
    }

    fn read(&mut self, place: &Place<'n>, id: String, offset: usize) {
        if self.seen.insert(id.clone()) {
            self.found.stages.push(Read { by: self.stage, id, place: place.clone(), at: place.piece.start + offset });
        }
    }

    fn name(&mut self, place: &Place<'n>, name: &str, offset: usize) {
        const BOUND: &[&str] = &["item", "index", "data", "items", "output", "status", "value", "result", "error"];
        if self.output_names || BOUND.contains(&name) || self.names.contains(name) || self.sink.is_full() {
            return;
        }
        if let Some(help) = self.sink.did_you_mean(name, ROOTS.iter().copied()) {
            let span = self.sink.find(place, place.piece.start + offset, name.len());
            self.sink.push(Problem::warning("unknown-name", span, format!("`{name}` is no root of an expression")).helped(help));
        }
    }

    fn warn_raw(&mut self, node: &'n Node<'n>) {
        let Some(content) = node.text().filter(|text| text.contains("raw")) else { return };
        for segment in template::segments(content) {
            if let Segment::Template { expression, offset } = segment
                && !self.sink.is_full()
                && expression::is_raw(expression)
            {
                let place = Place { span: node.span.clone(), content, piece: offset..offset + expression.len() };
                let span = self.sink.find(&place, offset, expression.len());
                let problem = Problem::warning("raw-splice", span, "this value goes into the script without quoting");
                self.sink.push(problem.helped("whoever decides the value decides what runs; leave `raw` out if it is data"));
            }
        }
    }
}
