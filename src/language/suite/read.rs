//! Text to a checked test file, with every problem of it in one pass.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::{CASE, FILE};
use super::{Case, Loaded, Mock, Subject, Suite, Target};
use crate::language::component::Component;
use crate::language::expression::{EvalError, Expression};
use crate::language::field::Field;
use crate::language::format::Format;
use crate::language::load::fields::{self, Reader, Templates};
use crate::language::load::parse;
use crate::language::load::sink::{Place, Sink};
use crate::language::node::{Data, Node};
use crate::language::pipeline::Pipeline;
use crate::language::problem::{Problem, Severity};
use crate::model::{StageId, Values};

/// Time for one test.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a test file says about which pipeline it tests.
pub fn pipeline_name(text: &str, format: Format) -> Option<String> {
    let root = parse(text, format, &mut Vec::new())?;
    Reader { node: &root }.text("pipeline")
}

/// Loads a test file and checks it against its pipeline.
pub fn load(text: &str, format: Format, subject: Subject<'_>) -> Loaded {
    let mut problems = Vec::new();
    let root = parse(text, format, &mut problems);
    let mut sink = Sink::new(text, problems);
    let pipeline = match subject {
        Subject::Pipeline(pipeline) => Some(pipeline),
        Subject::Invalid | Subject::Missing(_) => None,
    };
    let suite = root.and_then(|root| {
        if let Subject::Missing(reason) = subject {
            let span = root.get("pipeline").map_or_else(|| head(&root), |entry| entry.value.span.clone());
            sink.push(Problem::error("no-pipeline", span, reason));
        }
        Reading { sink: &mut sink, pipeline }.suite(&root)
    });
    let mut problems = sink.finish();
    problems.iter_mut().for_each(|problem| problem.severity = Severity::Error);
    Loaded { suite: suite.filter(|_| problems.is_empty()), problems }
}

/// Something short to point at when a whole object is meant.
fn head(node: &Node<'_>) -> Range<usize> {
    node.entries().first().map_or(node.span.start..(node.span.start + 1).min(node.span.end), |entry| entry.key_span.clone())
}

/// A file that is being read.
pub(super) struct Reading<'s, 't, 'p> {
    pub sink: &'s mut Sink<'t>,
    pub pipeline: Option<&'p Pipeline>,
}

/// What a file says for all its tests.
struct Shared {
    inputs: Map<String, Value>,
    sample: bool,
    values: Values,
    environment: Option<String>,
    mocks: Vec<Mock>,
    allow: Vec<Target>,
    timeout: Option<Duration>,
}

impl<'t> Reading<'_, 't, '_> {
    fn suite(&mut self, root: &Node<'t>) -> Option<Suite> {
        if !self.table(root, &FILE, "a test file") {
            return None;
        }
        let shared = self.shared(root);
        let reader = Reader { node: root };
        let tests = match reader.node("tests").map(|node| &node.data) {
            Some(Data::List(tests)) if !tests.is_empty() => tests.as_slice(),
            _ => {
                let span = root.get("tests").map_or_else(|| head(root), |entry| entry.key_span.clone());
                self.sink.push(Problem::error("missing-field", span, "the file has no `tests`"));
                &[]
            }
        };
        let mut seen = HashSet::new();
        let mut cases = Vec::with_capacity(tests.len());
        for node in tests {
            let Some(case) = self.case(node, &shared) else { continue };
            if let Some(entry) = node.get("name").filter(|_| !seen.insert(case.name.clone())) {
                let message = format!("two tests are called `{}`", case.name);
                self.sink.push(Problem::error("duplicate-name", entry.value.span.clone(), message));
            }
            cases.push(case);
        }
        Some(Suite { cases })
    }

    fn case(&mut self, node: &Node<'t>, file: &Shared) -> Option<Case> {
        if !self.table(node, &CASE, "a test") {
            return None;
        }
        let reader = Reader { node };
        let name = reader.text("name").unwrap_or_default();
        if name.trim().is_empty() {
            let problem = Problem::error("missing-field", head(node), "the test has no `name`");
            self.sink.push(problem.helped("a sentence that says what is true, such as `a broken build is not deployed`"));
        }
        let own = self.shared(node);
        let mut inputs = file.inputs.clone();
        inputs.extend(own.inputs);
        let mut values = file.values.clone();
        values.0.extend(own.values.0);
        let skip = reader.node("skip").and_then(|node| match fields::flag(node) {
            Some(skip) => skip.then(String::new),
            None => fields::scalar(node),
        });
        Some(Case {
            line: Problem::error("", head(node), "").position(self.sink.text).0,
            name,
            inputs,
            sample: own.sample || file.sample,
            values,
            environment: own.environment.or_else(|| file.environment.clone()),
            mocks: own.mocks.into_iter().chain(file.mocks.iter().cloned()).collect(),
            allow: own.allow.into_iter().chain(file.allow.iter().cloned()).collect(),
            timeout: own.timeout.or(file.timeout).unwrap_or(TIMEOUT),
            skip,
            only: reader.flag("only").unwrap_or(false),
            expect: self.expect(&reader),
        })
    }

    fn shared(&mut self, node: &Node<'t>) -> Shared {
        let reader = Reader { node };
        let mut values = Values::default();
        for (field, prefix) in [("env", "env"), ("secrets", "secrets")] {
            for entry in reader.node(field).map(Node::entries).unwrap_or_default() {
                match fields::scalar(&entry.value) {
                    Some(text) => drop(values.0.insert(format!("{prefix}.{}", entry.key), text)),
                    None => self.wrong(&entry.value, &format!("`{}` must be a text", entry.key)),
                }
            }
        }
        Shared {
            inputs: match reader.value("inputs") {
                Some(Value::Object(inputs)) => inputs,
                _ => Map::new(),
            },
            sample: reader.flag("sample").unwrap_or(false),
            values,
            environment: reader.text("environment"),
            mocks: self.mocks(reader.node("mocks")),
            allow: self.allowed(reader.node("allow")),
            timeout: reader.timeout("timeout"),
        }
    }

    /// Checks an object's fields; false when it is none.
    pub(super) fn table(&mut self, node: &Node<'t>, table: &'static [Field], what: &str) -> bool {
        if let Data::Map(entries) = &node.data {
            fields::check(entries, table, Templates::Rendered, what, self.sink);
            return true;
        }
        self.wrong(node, &format!("{what} is an object, not {}", node.type_name()));
        false
    }

    pub(super) fn wrong(&mut self, node: &Node<'t>, message: &str) {
        self.sink.push(Problem::error("wrong-value", node.span.clone(), message));
    }

    /// The stage of that id, or the component of that name.
    pub(super) fn target(&mut self, name: &str, span: &Range<usize>) -> Option<Target> {
        let stage = self.pipeline.and_then(|pipeline| pipeline.stage(name)).map(|stage| stage.id.clone());
        let component = Component::from_name(name).filter(|component| *component != Component::Mock);
        let unknown = self.pipeline.is_none().then(|| StageId::new(name));
        let found = stage.map(Target::Stage).or(component.map(Target::Type)).or(unknown.map(Target::Stage));
        if found.is_none() {
            let message = format!("`{name}` is neither a stage of the pipeline nor a component type");
            let mut known: Vec<&str> = self.pipeline.map(|pipeline| pipeline.stage_ids().iter().collect()).unwrap_or_default();
            Component::written().for_each(|component| known.push(component.name()));
            let help = self.sink.did_you_mean(name, known);
            self.sink.push(Problem::error("unknown-stage", span.clone(), message).maybe_helped(help));
        }
        found
    }

    /// A stage of the pipeline; says so when there is none of that id.
    pub(super) fn stage(&mut self, id: &str, span: &Range<usize>) -> Option<StageId> {
        let written = StageId::new(id);
        match self.pipeline {
            Some(pipeline) if pipeline.stage(written.written()).is_none() => {
                let message = format!("the pipeline has no stage `{}`", written.written());
                let help = self.sink.did_you_mean(id, pipeline.stage_ids().iter());
                self.sink.push(Problem::error("unknown-stage", span.clone(), message).maybe_helped(help));
                None
            }
            Some(_) | None => Some(written),
        }
    }

    /// The length of the stage id that a text begins with.
    pub(super) fn stage_id(&self, text: &str) -> Option<usize> {
        self.pipeline?.stage_ids().longest_prefix(text).map(str::len)
    }

    /// Takes an expression that stands in `content`; says where it does not parse.
    pub(super) fn parsed(
        &mut self,
        node: &Node<'_>,
        content: &str,
        piece: Range<usize>,
        parsed: Result<Expression, EvalError>,
    ) -> Option<Expression> {
        let error = match parsed {
            Ok(parsed) => return Some(parsed),
            Err(error) => error,
        };
        let at = piece.start + error.offset.unwrap_or(0).min(piece.len().saturating_sub(1));
        let span = self.sink.find(&Place { span: node.span.clone(), content, piece }, at, 1);
        let message = format!("the expression does not parse: {}", error.message);
        self.sink.push(Problem::error("bad-expression", span, message));
        None
    }
}
