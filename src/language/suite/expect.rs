//! What a test expects: fields, stages that exist, expressions that can be evaluated.

use serde_json::Value;

use super::fields::{ERROR_EXPECT, EXPECT, STAGE_EXPECT, STAGE_STATUS};
use super::read::Reading;
use super::{ErrorExpect, Expect, Invalid, StageExpect};
use crate::language::expression::{self, Reference};
use crate::language::load::fields::{self, Reader};
use crate::language::load::sink::Place;
use crate::language::node::{Data, Entry, Node};
use crate::language::problem::Problem;
use crate::language::suggest::listed;
use crate::model::RunStatus;

/// What an assertion may speak of, beside the stages.
const ROOTS: &[&str] = &["run", "stages", "output", "input"];
/// What can be read of a stage in an assertion.
pub const STAGE_FACTS: &[&str] =
    &["status", "output", "error", "error_type", "reason", "attempts", "iterations", "calls", "not_run"];
/// What can be read of the run.
pub const RUN_FACTS: &[&str] = &["status", "output", "error", "notes"];

impl<'t> Reading<'_, 't, '_> {
    pub(super) fn expect(&mut self, case: &Reader<'_, 't>) -> Expect {
        let mut expect = Expect::default();
        if let Some(node) = case.node("expect").filter(|node| self.table(node, EXPECT, "`expect`")) {
            let reader = Reader { node };
            expect.status = reader.text("status").and_then(|status| RunStatus::from_name(&status));
            expect.output = node.get("output").map(|entry| entry.value.to_value());
            expect.contains = self.partial(node, "contains");
            for entry in reader.node("stages").map(Node::entries).unwrap_or_default() {
                expect.stages.extend(self.stage_expect(entry));
            }
            for (node, id) in reader.node("not_run").and_then(fields::texts).unwrap_or_default() {
                expect.not_run.extend(self.stage(&id, &node.span));
            }
        }
        expect.error = case.node("expect_error").and_then(|node| self.error_expect(node, "`expect_error`"));
        for (node, source) in case.node("assert").and_then(fields::texts).unwrap_or_default() {
            self.assertion(node, &source);
            expect.assert.push(source);
        }
        let invalid = expect.error.as_ref().is_some_and(|error| error.invalid.is_some());
        let stated = expect.status.is_some() || expect.output.is_some() || !expect.stages.is_empty() || !expect.assert.is_empty();
        if let Some(entry) = case.entry("expect_error").filter(|_| invalid && stated) {
            let problem = Problem::error("wrong-value", entry.key_span.clone(), "nothing runs, so nothing else can be expected");
            self.sink.push(problem.helped("leave `expect` and `assert` out"));
        }
        expect
    }

    fn stage_expect(&mut self, entry: &Entry<'t>) -> Option<StageExpect> {
        let id = self.stage(&entry.key, &entry.key_span)?;
        let mut expect = StageExpect { id: id.to_string(), ..StageExpect::default() };
        if let Some(status) = entry.value.text() {
            if !STAGE_STATUS.contains(&status) {
                let help = self.sink.did_you_mean(status, STAGE_STATUS.iter().copied());
                let problem =
                    Problem::error("wrong-value", entry.value.span.clone(), format!("`{status}` is no status of a stage"));
                self.sink.push(problem.helped(help.unwrap_or_else(|| format!("one of {}", STAGE_STATUS.join(", ")))));
            }
            expect.status = Some(status.to_owned());
            return Some(expect);
        }
        let node = &entry.value;
        if !self.table(node, STAGE_EXPECT, "what is expected of a stage") {
            return None;
        }
        let reader = Reader { node };
        expect.status = reader.text("status");
        expect.output = node.get("output").map(|entry| entry.value.to_value());
        expect.contains = self.partial(node, "contains");
        expect.error = reader.node("error").and_then(|node| self.error_expect(node, "`error`"));
        expect.reason = reader.text("reason");
        expect.attempts = reader.count("attempts");
        expect.iterations = reader.count("iterations");
        expect.called_with = self.partial(node, "called_with");
        let component = self.pipeline.and_then(|pipeline| pipeline.stage(id.written())).map(|stage| stage.component);
        if let (Some(component), Some(entry)) = (component.filter(|component| component.is_pure()), node.get("called_with")) {
            let message = format!("a `{component}` computes and calls nobody");
            self.sink.push(Problem::error("wrong-value", entry.key_span.clone(), message).helped("expect its `output`"));
        }
        Some(expect)
    }

    fn partial(&mut self, node: &Node<'t>, name: &str) -> Option<Value> {
        let entry = node.get(name)?;
        self.patterns(&entry.value);
        Some(entry.value.to_value())
    }

    fn error_expect(&mut self, node: &Node<'t>, what: &str) -> Option<ErrorExpect> {
        if let Data::Text(text) = &node.data {
            self.patterns(node);
            return Some(ErrorExpect { message: Some(text.to_string()), ..ErrorExpect::default() });
        }
        if !self.table(node, ERROR_EXPECT, what) {
            return None;
        }
        self.patterns(node);
        let reader = Reader { node };
        let invalid = reader.text("invalid").map(|word| if word == "inputs" { Invalid::Inputs } else { Invalid::Pipeline });
        let stage = reader.node("stage").and_then(|node| self.stage(&fields::scalar(node)?, &node.span));
        Some(ErrorExpect { kind: reader.text("type"), stage, message: reader.text("message"), invalid })
    }

    /// A field that no stage and no run has would be null, and the assertion might hold by accident.
    fn fact(&mut self, node: &Node<'_>, source: &str, place: &str) {
        let of_run = place.strip_prefix("run.");
        let of_stage = || place.strip_prefix("stages.").and_then(|rest| rest.get(self.stage_id(rest)? + 1..));
        let (Some(rest), known) = (of_run.or_else(of_stage), if of_run.is_some() { RUN_FACTS } else { STAGE_FACTS }) else {
            return;
        };
        let name = rest.split(['.', '[']).next().unwrap_or_default();
        if !name.is_empty() && !known.contains(&name) {
            let help = self.sink.did_you_mean(name, known.iter().copied());
            let at = source.find(place).map_or(0, |at| at + place.len() - rest.len());
            let span =
                self.sink.find(&Place { span: node.span.clone(), content: source, piece: 0..source.len() }, at, name.len());
            let what = if of_run.is_some() { "the run" } else { "a stage" };
            let problem = Problem::error("bad-expression", span, format!("there is no `{name}` of {what} to read"));
            self.sink.push(problem.helped(help.unwrap_or_else(|| format!("one of {}", listed(known.iter().copied())))));
        }
    }

    fn assertion(&mut self, node: &Node<'_>, source: &str) {
        let parsed = expression::parse(source, &|rest| self.stage_id(rest));
        let Some(parsed) = self.parsed(node, source, 0..source.len(), parsed) else { return };
        for (place, _) in parsed.places() {
            self.fact(node, source, &place);
        }
        for reference in parsed.references() {
            let (name, offset, stage) = match reference {
                Reference::Stage { id, offset } => (id, offset, true),
                Reference::Name { name, offset } => (name, offset, false),
                Reference::Env { offset, .. } => ("env".to_owned(), offset, false),
                Reference::Secret { offset, .. } => ("secrets".to_owned(), offset, false),
            };
            let known = match self.pipeline {
                Some(pipeline) => pipeline.stage_ids().contains(&name),
                None => stage,
            };
            if known || (!stage && ROOTS.contains(&name.as_str())) {
                continue;
            }
            let message = match stage {
                true => format!("the pipeline has no stage `{name}`"),
                false => format!("an assertion speaks of {}, not of `{name}`", listed(ROOTS.iter().copied())),
            };
            let mut known: Vec<&str> = self.pipeline.map(|pipeline| pipeline.stage_ids().iter().collect()).unwrap_or_default();
            known.extend(ROOTS);
            let help = self.sink.did_you_mean(&name, known);
            let place = Place { span: node.span.clone(), content: source, piece: 0..source.len() };
            let at = source[offset.min(source.len())..].find(name.as_str()).map_or(offset, |behind| offset + behind);
            let span = self.sink.find(&place, at, name.len());
            self.sink.push(Problem::error("bad-expression", span, message).maybe_helped(help));
        }
    }
}
