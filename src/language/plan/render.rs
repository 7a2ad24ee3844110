//! A stage's texts, keys, scripts and conditions, with a marker where something is not known yet.

use serde_json::{Map, Value};

use super::later::Later;
use super::probe::Bound;
use super::reader::{Known, Reader};
use super::world::item_names;
use super::{PlanProblem, Test};
use crate::language::component::Component;
use crate::language::expression;
use crate::language::field::Kind;
use crate::language::script::{self, Piece};
use crate::language::template::{self, Segment, has_template, to_text};

pub struct Renderer<'r> {
    reader: &'r Reader<'r>,
    path: Vec<String>,
    problems: Vec<PlanProblem>,
    /// What the values rendered so far wait for.
    later: Later,
}

impl<'r> Renderer<'r> {
    pub fn new(reader: &'r Reader<'r>) -> Self {
        Self { reader, path: Vec::new(), problems: Vec::new(), later: Later::default() }
    }

    pub fn into_problems(self) -> Vec<PlanProblem> {
        self.problems
    }

    /// A condition of the stage itself.
    pub fn test(&mut self, path: &str, condition: &Value) -> Test {
        self.path = vec![path.to_owned()];
        let reader = self.reader;
        self.judge(reader, condition)
    }

    /// A condition in the config, with the names that its component binds.
    pub fn condition(&mut self, key: &str, condition: &Value) -> Test {
        self.path = vec!["config".to_owned(), format!(".{key}")];
        let reader = self.binding(key);
        self.judge(&reader, condition)
    }

    /// A value of the stage.
    pub fn at(&mut self, path: &str, value: &Value) -> Value {
        self.path = vec![path.to_owned()];
        self.value(value)
    }

    /// The stage's config. Conditions and expressions stay as they are written.
    pub fn config(&mut self) -> Value {
        let spec = self.reader.spec();
        let Value::Object(config) = &spec.config else { return spec.config.clone() };
        self.path = vec!["config".to_owned()];
        let mut rendered = Map::new();
        for (key, value) in config {
            let kind = spec.component.key(key).map_or(Kind::Any, |field| field.kind);
            self.path.push(format!(".{key}"));
            let item = match (kind, value) {
                (Kind::Condition, _) => value.clone(),
                (Kind::Expression, _) => {
                    self.judge(&self.binding(key), value);
                    value.clone()
                }
                (Kind::Script, Value::String(text)) => Value::String(self.script(text, config.get("shell"))),
                _ => {
                    let reader = self.binding(key);
                    let mut inner = Renderer { path: self.path.clone(), ..Renderer::new(&reader) };
                    let item = inner.value(value);
                    self.problems.append(&mut inner.problems);
                    item
                }
            };
            self.path.pop();
            self.insert(&mut rendered, key, item);
        }
        Value::Object(rendered)
    }

    fn judge(&mut self, reader: &Reader<'_>, condition: &Value) -> Test {
        let holds = match reader.holds(condition) {
            Known::Now(holds) => Value::Bool(holds),
            Known::Later(later) => Value::String(later.marker(reader.world)),
            Known::Never(error) => {
                self.problem(error.message);
                Value::Null
            }
        };
        Test { expression: to_text(condition), holds }
    }

    /// The names that the operator binds for this key.
    fn binding(&self, key: &str) -> Reader<'r> {
        let reader = self.reader.clone();
        let spec = self.reader.spec();
        let items = || item_names(spec).map(|name| (name, Bound::Later(Later::per_item())));
        match (spec.component, key) {
            (Component::JsonTransform, "data" | "input") => reader,
            (Component::JsonTransform, _) => {
                let data = match self.bound(&["data", "input"]) {
                    // Texts inside may be read as JSON.
                    Bound::Now(_) if spec.config.get("parse_json_strings").is_some() => Bound::Later(Later::at_run_time()),
                    data => data,
                };
                reader.with([("data".to_owned(), data)])
            }
            (Component::Conditional, "condition") => reader.with([("data".to_owned(), self.bound(&["data"]))]),
            (Component::Router, "value_expression") => {
                reader.with(["data", "value"].map(|name| (name.to_owned(), self.bound(&[name]))))
            }
            (Component::Foreach, "filter_expression") => reader.with(items()),
            (Component::Filter, "condition") => {
                let data = self.bound(&["data", "items"]);
                let reader = reader.with([("data".to_owned(), data.clone())]);
                match data {
                    Bound::Now(Value::Object(fields)) => {
                        let fields = fields.into_iter().filter(|(name, _)| !expression::ROOTS.contains(&name.as_str()));
                        reader.with(fields.map(|(name, value)| (name, Bound::Now(value))))
                    }
                    // Bare names may be fields of the item.
                    Bound::Now(Value::Array(_)) => reader.with(items()).with_others(Later::per_item()),
                    Bound::Now(_) => reader,
                    Bound::Later(later) => reader.with(items()).with_others(later),
                }
            }
            (component, key) if component.key(key).is_some_and(|field| field.kind == Kind::Deferred) => {
                reader.with_others(Later::at_run_time())
            }
            _ => reader,
        }
    }

    /// The rendered config value under the first of these spellings.
    fn bound(&self, keys: &[&str]) -> Bound {
        let config = &self.reader.spec().config;
        let Some(value) = keys.iter().find_map(|key| config.get(key)) else { return Bound::Now(Value::Null) };
        let mut renderer = Renderer::new(self.reader);
        let rendered = renderer.value(value);
        if !renderer.problems.is_empty() {
            Bound::Later(Later::at_run_time())
        } else if renderer.later.is_now() {
            Bound::Now(rendered)
        } else {
            Bound::Later(renderer.later)
        }
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let mut rendered = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    self.path.push(format!("[{at}]"));
                    rendered.push(self.value(item));
                    self.path.pop();
                }
                Value::Array(rendered)
            }
            Value::Object(fields) => {
                let mut rendered = Map::with_capacity(fields.len());
                for (key, item) in fields {
                    self.path.push(format!(".{key}"));
                    let item = self.value(item);
                    self.path.pop();
                    self.insert(&mut rendered, key, item);
                }
                Value::Object(rendered)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// Adds an entry under its rendered key. Keys that come to be the same fail; markers that are the same may not be.
    fn insert(&mut self, map: &mut Map<String, Value>, key: &str, item: Value) {
        let earlier = std::mem::take(&mut self.later);
        let name = if has_template(key) { to_text(&self.text(key)) } else { key.to_owned() };
        let is_known = self.later.is_now();
        self.later.add(&earlier);
        if is_known && map.contains_key(&name) {
            self.problem(format!("two keys are `{name}` once they are rendered"));
        }
        map.insert(name, item);
    }

    fn text(&mut self, text: &str) -> Value {
        if !has_template(text) {
            return Value::String(text.to_owned());
        }
        if let Some(source) = template::sole(text) {
            return self.expression(source).unwrap_or_else(|_| Value::String(text.to_owned()));
        }
        let part = |segment| match segment {
            Segment::Text(text) => text.to_owned(),
            Segment::Template { expression, .. } => match self.expression(expression) {
                Ok(value) => to_text(&value),
                Err(written) => written,
            },
        };
        Value::String(template::segments(text).into_iter().map(part).collect())
    }

    /// The value or its marker; the template as it is written when it fails.
    fn expression(&mut self, source: &str) -> Result<Value, String> {
        match self.reader.read(source) {
            Known::Now(value) => Ok(value),
            Known::Later(later) => {
                let marker = later.marker(self.reader.world);
                self.later.add(&later);
                Ok(Value::String(marker))
            }
            Known::Never(error) => {
                self.problem(error.message);
                Err(format!("{{{{{source}}}}}"))
            }
        }
    }

    /// The script as the interpreter will read it.
    fn script(&mut self, text: &str, shell: Option<&Value>) -> String {
        let piece = |segment| match segment {
            Segment::Text(text) => Piece::Literal(text.to_owned()),
            Segment::Template { expression, .. } => match self.reader.read(expression) {
                Known::Now(value) if expression::is_raw(expression) => Piece::Literal(to_text(&value)),
                Known::Now(value) => Piece::Value { text: to_text(&value), expression: expression.trim().to_owned() },
                Known::Later(later) => Piece::Later(later.marker(self.reader.world)),
                Known::Never(error) => {
                    self.problem(error.message);
                    Piece::Later(format!("{{{{{expression}}}}}"))
                }
            },
        };
        let pieces: Vec<Piece> = template::segments(text).into_iter().map(piece).collect();
        let mut renderer = Renderer::new(self.reader);
        let shell = shell.map(|shell| renderer.value(shell)).filter(|shell| !shell.is_null());
        // For an interpreter that is not known yet, `sh` stands; what it would refuse, another may take.
        let is_known = renderer.later.is_now();
        let Some(interpreter) = script::interpreter(shell.as_ref().filter(|_| is_known)) else { return text.to_owned() };
        script::write(&pieces, &interpreter).unwrap_or_else(|error| {
            if is_known {
                self.problem(error.to_string());
            }
            text.to_owned()
        })
    }

    fn problem(&mut self, message: String) {
        self.problems.push(PlanProblem { path: self.path.concat(), message });
    }
}
