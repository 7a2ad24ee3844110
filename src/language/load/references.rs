//! Every template and expression of a document: does it parse, and what does it read?

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::sink::Sink;
use super::stage::Draft;
use crate::language::component::Component;
use crate::language::expression::{self, EvalError, Expression, Reference};
use crate::language::field::Kind;
use crate::language::node::{Data, Node};
use crate::language::problem::Problem;
use crate::language::stage_ids::StageIds;
use crate::language::suggest::nearest;
use crate::language::template::{self, Segment, has_template};

/// What the templates of a document read.
#[derive(Default)]
pub struct Found {
    pub env: BTreeSet<String>,
    pub required_env: BTreeSet<String>,
    pub secrets: BTreeSet<String>,
    pub stages: Vec<Read>,
}

/// One place where a stage reads another.
pub struct Read {
    pub by: usize,
    pub id: String,
    pub span: Range<usize>,
}

const ROOTS: &[&str] = &["input", "upstream", "stages", "secrets", "context", "variables"];

pub fn check(drafts: &[Draft<'_>], ids: &StageIds, sink: &mut Sink<'_>) -> Found {
    let names = drafts.iter().flat_map(|draft| ["item_variable", "index_variable"].map(|key| draft.spec.config.get(key)));
    let names: HashSet<&str> = names.filter_map(|name| name.and_then(serde_json::Value::as_str)).collect();
    let mut walk = Walk { ids, names, found: Found::default(), sink, stage: 0, output_names: false };
    for (at, draft) in drafts.iter().enumerate() {
        walk.stage = at;
        walk.stage(draft);
    }
    walk.found
}

struct Walk<'w, 't> {
    ids: &'w StageIds,
    /// Custom loop variables, anywhere in the document.
    names: HashSet<&'w str>,
    found: Found,
    sink: &'w mut Sink<'t>,
    stage: usize,
    /// Bare names are fields of the stage's own output.
    output_names: bool,
}

impl Walk<'_, '_> {
    fn stage(&mut self, draft: &Draft<'_>) {
        let reader = draft.reader();
        for entry in draft.config() {
            self.key(&entry.key, &entry.key_span);
            let kind = draft.spec.component.key(&entry.key).map_or(Kind::Any, |field| field.kind);
            self.value(&entry.value, kind);
            let runs = matches!((draft.spec.component, entry.key.as_ref()), (Component::Shell | Component::Deploy, "run"));
            if runs {
                self.warn_raw(&entry.value);
            }
        }
        if let Some(when) = reader.node("when") {
            self.value(when, Kind::Condition);
        }
        for name in ["environment", "fallback_output", "produces"] {
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

    fn key(&mut self, key: &str, span: &Range<usize>) {
        if has_template(key) {
            let node = Node::new(span.clone(), Data::Text(key.to_owned().into()));
            self.templates(&node, key);
        }
    }

    fn value(&mut self, node: &Node<'_>, kind: Kind) {
        match &node.data {
            Data::Text(text) if matches!(kind, Kind::Condition | Kind::Expression) => self.condition(node, text),
            Data::Text(text) => self.templates(node, text),
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

    fn templates(&mut self, node: &Node<'_>, text: &str) {
        if !has_template(text) {
            return;
        }
        for segment in template::segments(text) {
            if let Segment::Template { expression, offset } = segment {
                let parsed = expression::parse(expression, &|rest| self.ids.longest_prefix(rest).map(str::len));
                self.take(node, text, offset..offset + expression.len(), parsed);
            }
        }
    }

    fn condition(&mut self, node: &Node<'_>, text: &str) {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return;
        }
        let start = text.len() - text.trim_start().len();
        let ids = |rest: &str| self.ids.longest_prefix(rest).map(str::len);
        let (piece, parsed) = match template::sole(trimmed) {
            Some(inner) => (start + 2..start + 2 + inner.len(), expression::parse(inner, &ids)),
            None => (start..start + trimmed.len(), expression::parse_condition(trimmed, &ids)),
        };
        self.take(node, text, piece, parsed);
    }

    fn take(&mut self, node: &Node<'_>, text: &str, piece: Range<usize>, parsed: Result<Expression, EvalError>) {
        match parsed {
            Ok(parsed) => {
                for reference in parsed.references() {
                    self.reference(node, text, &piece, reference);
                }
            }
            Err(error) => {
                let at = piece.start + error.offset.unwrap_or(0).min(piece.len());
                let at = if at == piece.end && at > piece.start { at - 1 } else { at };
                let span = self.sink.place(node, text, piece.clone(), at, 1);
                let problem = Problem::error("bad-expression", span, format!("the expression does not parse: {}", error.message));
                let foreign = text[piece].trim_start().starts_with('.');
                let help = foreign.then(|| "braces for another program are written inside a text: {{ '{{.Name}}' }}".to_owned());
                self.sink.push(problem.maybe_helped(help));
            }
        }
    }

    fn reference(&mut self, node: &Node<'_>, text: &str, piece: &Range<usize>, reference: Reference) {
        match reference {
            Reference::Stage { id, offset } => {
                if self.sink.is_full() {
                    return;
                }
                let span = self.sink.place(node, text, piece.clone(), piece.start + offset, id.len());
                self.found.stages.push(Read { by: self.stage, id, span });
            }
            Reference::Env { name, optional, .. } => {
                if !optional {
                    self.found.required_env.insert(name.clone());
                }
                self.found.env.insert(name);
            }
            Reference::Secret { name, .. } => {
                self.found.secrets.insert(name);
            }
            Reference::Name { name, offset } => self.name(node, text, piece, &name, offset),
        }
    }

    fn name(&mut self, node: &Node<'_>, text: &str, piece: &Range<usize>, name: &str, offset: usize) {
        const BOUND: &[&str] = &["item", "index", "data", "items", "output", "status", "value", "result", "error"];
        if self.ids.contains(name) {
            let span = self.sink.place(node, text, piece.clone(), piece.start + offset, name.len());
            self.found.stages.push(Read { by: self.stage, id: name.to_owned(), span });
            return;
        }
        if self.output_names || BOUND.contains(&name) || self.names.contains(name) || self.sink.is_full() {
            return;
        }
        if let Some(near) = nearest(name, ROOTS.iter().copied()) {
            let span = self.sink.place(node, text, piece.clone(), piece.start + offset, name.len());
            let problem = Problem::warning("unknown-name", span, format!("`{name}` is no root of an expression"));
            self.sink.push(problem.helped(format!("did you mean `{near}`?")));
        }
    }

    fn warn_raw(&mut self, node: &Node<'_>) {
        let Some(text) = node.text().filter(|text| text.contains("raw")) else { return };
        for segment in template::segments(text) {
            if let Segment::Template { expression, offset } = segment
                && expression::is_raw(expression)
            {
                let span = self.sink.place(node, text, offset..offset + expression.len(), offset, expression.len());
                let problem = Problem::warning("raw-splice", span, "this value goes into the script without quoting");
                self.sink.push(problem.helped("whoever decides the value decides what runs; leave `raw` out if it is data"));
            }
        }
    }
}
