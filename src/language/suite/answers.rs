//! Mocks in a test file: whom they stand in for, and what they answer.

use regex::Regex;
use serde_json::Value;

use super::fields::{ANSWER, ANSWER_ERROR, HTTP_OUTPUT, SHELL_OUTPUT};
use super::matching::pattern;
use super::read::Reading;
use super::{Target, deed};
use crate::language::component::Component;
use crate::language::expression;
use crate::language::load::fields;
use crate::language::node::{Data, Entry, Node};
use crate::language::problem::Problem;
use crate::language::template::{self, Segment};

/// Answers in place of a stage's work.
#[derive(Debug, Clone)]
pub struct Mock {
    pub target: Target,
    /// In turn: attempt by attempt, the last one for all that follow. Each an object with `when`, `output`, `error`.
    pub answers: Vec<Value>,
}

impl<'t> Reading<'_, 't, '_> {
    pub(super) fn mocks(&mut self, node: Option<&Node<'t>>) -> Vec<Mock> {
        node.map(Node::entries).unwrap_or_default().iter().filter_map(|entry| self.mock(entry)).collect()
    }

    fn mock(&mut self, entry: &Entry<'t>) -> Option<Mock> {
        let target = self.target(&entry.key, &entry.key_span)?;
        let component = self.component(&target);
        if let Some(component) = component.filter(|component| component.is_pure()) {
            let message = format!("a `{component}` only computes: it runs in tests as it is");
            let problem = Problem::error("not-mockable", entry.key_span.clone(), message);
            self.sink.push(problem.helped("mock the stages that it reads"));
            return None;
        }
        let list = match &entry.value.data {
            Data::List(items) if items.is_empty() => {
                let message = format!("`{}` has no answer", entry.key);
                self.sink.push(Problem::error("missing-field", entry.value.span.clone(), message));
                return None;
            }
            Data::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        let answers = list.iter().map(|node| self.answer(node, component)).collect();
        Some(Mock { target, answers })
    }

    fn answer(&mut self, node: &Node<'t>, component: Option<Component>) -> Value {
        if node.is_null() {
            return Value::Object(serde_json::Map::new());
        }
        if !self.table(node, ANSWER, "a mock") {
            return Value::Null;
        }
        if let (Some(_), Some(error)) = (node.get("output"), node.get("error"))
            && component == Some(Component::Shell)
        {
            let problem = Problem::error("wrong-value", error.key_span.clone(), "a script ends well or badly, not both");
            self.sink.push(problem.helped("`output: { exit_code: 3 }` fails as a script does"));
        }
        for entry in node.entries() {
            match (entry.key.as_ref(), &entry.value.data) {
                ("when", Data::Text(text)) => self.condition(&entry.value, text),
                ("when", _) => self.patterns(&entry.value),
                ("error", Data::Map(_)) => drop(self.table(&entry.value, ANSWER_ERROR, "a mock's `error`")),
                ("error", Data::List(_)) => self.wrong(&entry.value, "a mock's `error` is a message or an object"),
                ("output", _) => self.output(&entry.value, component),
                _ => {}
            }
            if entry.key != "when" {
                self.templates(&entry.value);
            }
        }
        node.to_value()
    }

    /// A made-up output that no real stage would give proves nothing.
    fn output(&mut self, node: &Node<'t>, component: Option<Component>) {
        let (table, name) = match component {
            Some(Component::Shell) => (SHELL_OUTPUT, "shell"),
            Some(Component::HttpRequest) => (HTTP_OUTPUT, "http-request"),
            _ => return,
        };
        if !node.is_null() && node.text().is_none_or(|text| !template::has_template(text)) {
            self.table(node, table, &format!("the output of `{name}`"));
        }
    }

    /// Every text between slashes has to be a pattern.
    pub(super) fn patterns(&mut self, node: &Node<'t>) {
        match &node.data {
            Data::Text(text) => {
                if let Some(Err(error)) = pattern(text).map(Regex::new) {
                    let reason = error.to_string();
                    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                    self.wrong(node, &format!("`{text}` is no regular expression: {reason}"));
                }
            }
            Data::List(items) => items.iter().for_each(|item| self.patterns(item)),
            Data::Map(entries) => entries.iter().for_each(|entry| self.patterns(&entry.value)),
            Data::Null | Data::Bool(_) | Data::Number(_) => {}
        }
    }

    fn templates(&mut self, node: &Node<'t>) {
        match &node.data {
            Data::Text(text) => {
                for segment in template::segments(text) {
                    if let Segment::Template { expression, offset } = segment {
                        let parsed = expression::parse(expression, &|rest| self.stage_id(rest));
                        self.parsed(node, text, offset..offset + expression.len(), parsed);
                    }
                }
            }
            Data::List(items) => items.iter().for_each(|item| self.templates(item)),
            Data::Map(entries) => entries.iter().for_each(|entry| self.templates(&entry.value)),
            Data::Null | Data::Bool(_) | Data::Number(_) => {}
        }
    }

    fn condition(&mut self, node: &Node<'t>, text: &str) {
        let parsed = expression::parse_condition(text, &|rest| self.stage_id(rest));
        self.parsed(node, text, 0..text.len(), parsed);
    }

    /// The stages and types that may run for real.
    pub(super) fn allowed(&mut self, node: Option<&Node<'t>>) -> Vec<Target> {
        let Some(listed) = node.and_then(fields::texts) else { return Vec::new() };
        let mut allowed = Vec::new();
        for (node, name) in listed {
            allowed.extend(self.target(&name, &node.span));
        }
        allowed
    }

    fn component(&self, target: &Target) -> Option<Component> {
        match target {
            Target::Type(component) => Some(*component),
            Target::Stage(id) => self.pipeline.and_then(|pipeline| pipeline.stage(id.as_str())).map(|stage| stage.component),
        }
    }
}

/// Why a stage without a mock does not run.
pub fn refusal(id: &str, component: Component) -> String {
    format!("stage `{id}` would {}; mock it or say `allow: [{component}]`", deed(component))
}
