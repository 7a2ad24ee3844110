//! `flowdeck plan`: what each stage would get, as far as that is known before anything runs.

use serde_json::{Map, Value, json};

use super::pipeline::{Source, check};
use super::{Context, Handoff, exit, inert};
use crate::language::component::Component;
use crate::language::scope::{Scope, StageView};
use crate::language::{Pipeline, StageSpec, template};
use crate::model::Timestamp;

/// Show what a run would do, without running anything
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let checked = match check(&context, &args.source) {
        Ok(checked) => checked,
        Err(handoff) => return handoff,
    };
    let scope = PlanScope { inputs: &checked.inputs, pipeline: &checked.pipeline, empty: Map::new() };
    let graph = crate::language::graph::Graph::of(&checked.pipeline);
    let stages: Vec<Value> = graph
        .order
        .iter()
        .map(|&index| {
            let spec = &checked.pipeline.stages[index];
            json!({"id": spec.id, "type": spec.component.name(), "depends_on": spec.depends_on,
                   "chosen_by": spec.owners, "when": spec.when, "config": config(spec, &scope)})
        })
        .collect();
    if args.json {
        outln!("{:#}", json!({"pipeline": checked.pipeline.id, "inputs": checked.inputs, "stages": stages}));
    } else {
        outln!("{} with inputs {}", inert::line(&checked.pipeline.name), checked.inputs);
        stages.iter().enumerate().for_each(|(number, stage)| print(number + 1, stage));
    }
    Handoff::Exit(exit::SUCCESS)
}

fn print(number: usize, stage: &Value) {
    let text = |key: &str| stage[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str, word: &str| {
        let ids: Vec<&str> = stage[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if ids.is_empty() { String::new() } else { format!(", {word} {}", ids.join(", ")) }
    };
    let when = stage["when"].as_str().map(|when| format!(", when {}", inert::line(when))).unwrap_or_default();
    let (after, chosen) = (list("depends_on", "after"), list("chosen_by", "if chosen by"));
    outln!("\n{number}. {} ({}{after}{chosen}{when})", text("id"), text("type"));
    if let Value::Object(config) = &stage["config"] {
        for (key, value) in config {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let mut lines = value.lines();
            outln!("   {key}: {}", inert::line(lines.next().unwrap_or_default()));
            lines.for_each(|line| outln!("   {}  {}", " ".repeat(key.len()), inert::line(line)));
        }
    }
}

fn config(spec: &StageSpec, scope: &PlanScope<'_>) -> Value {
    let mut config = rendered(&spec.config, spec, scope);
    if let (Component::Shell, Some(Value::String(script))) = (spec.component, spec.config.get("run")) {
        config["run"] = Value::String(parts(script, spec, scope).iter().map(Part::quoted).collect());
    }
    config
}

/// Renders every leaf that depends on inputs alone; the others say what they wait for.
fn rendered(value: &Value, spec: &StageSpec, scope: &PlanScope<'_>) -> Value {
    match value {
        Value::String(text) => leaf(text, spec, scope),
        Value::Array(items) => items.iter().map(|item| rendered(item, spec, scope)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, item)| (key.clone(), rendered(item, spec, scope))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A piece of a text: as written, or what a template gives.
enum Part {
    Written(String),
    Given(Value),
}

impl Part {
    fn value(self) -> Value {
        match self {
            Self::Written(text) => Value::String(text),
            Self::Given(value) => value,
        }
    }

    /// As it stands in a script outside of quotes; a run quotes for the very place.
    fn quoted(&self) -> String {
        let plain = |c: char| c.is_alphanumeric() || "()_-./:=,@%+ ".contains(c);
        match self {
            Self::Written(text) => text.clone(),
            Self::Given(value) => {
                let text = template::to_text(value);
                let placeholder = text.starts_with('(') && text.ends_with(')');
                let word = !text.is_empty() && text.chars().all(|c| plain(c) && !matches!(c, ' ' | '(' | ')'));
                if word || (placeholder && text.chars().all(plain)) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
            }
        }
    }
}

fn parts(text: &str, spec: &StageSpec, scope: &PlanScope<'_>) -> Vec<Part> {
    let part = |segment| match segment {
        template::Segment::Text(text) => Part::Written(text.to_owned()),
        template::Segment::Template { expression, .. } => Part::Given(known(expression, spec, scope)),
    };
    template::segments(text).into_iter().map(part).collect()
}

fn leaf(text: &str, spec: &StageSpec, scope: &PlanScope<'_>) -> Value {
    let mut whole: Vec<Value> = parts(text, spec, scope).into_iter().map(Part::value).collect();
    match whole.len() {
        0 => Value::String(String::new()),
        1 => whole.remove(0),
        _ => Value::String(whole.iter().map(template::to_text).collect()),
    }
}

fn known(expression: &str, spec: &StageSpec, scope: &PlanScope<'_>) -> Value {
    for root in ["env.", "secrets.", "env_or"] {
        if expression.contains(root) {
            return Value::String(format!("({})", expression.trim()));
        }
    }
    let waits = scope.pipeline.stages.iter().filter(|stage| stage.id != spec.id);
    let waits: Vec<&str> = waits.map(|stage| stage.id.as_str()).filter(|id| expression.contains(id)).collect();
    let stage_like = expression.contains("upstream") || expression.contains("stages.") || expression.contains(".output");
    if stage_like && !waits.is_empty() {
        let longest = waits.iter().max_by_key(|id| id.len()).copied().unwrap_or_default();
        return Value::String(format!("(known after {longest})"));
    }
    if ["now(", "uuid(", "context", "variables", "item", "index"].iter().any(|word| expression.contains(word)) {
        return Value::String("(known at run time)".to_owned());
    }
    let whole = Value::String(format!("{{{{{expression}}}}}"));
    template::render(&whole, scope).unwrap_or_else(|_| Value::String("(known at run time)".to_owned()))
}

struct PlanScope<'a> {
    inputs: &'a Value,
    pipeline: &'a Pipeline,
    empty: Map<String, Value>,
}

impl Scope for PlanScope<'_> {
    fn input(&self) -> &Value {
        self.inputs
    }
    fn stage(&self, _: &str) -> Option<StageView<'_>> {
        None
    }
    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        let ids = self.pipeline.stages.iter().map(|stage| stage.id.as_str());
        ids.filter(|id| text.starts_with(id)).max_by_key(|id| id.len())
    }
    fn env(&self, _: &str) -> Option<std::borrow::Cow<'_, str>> {
        None
    }
    fn secret(&self, _: &str) -> Option<std::borrow::Cow<'_, str>> {
        None
    }
    fn context(&self) -> &Map<String, Value> {
        &self.empty
    }
    fn variables(&self) -> &Map<String, Value> {
        &self.empty
    }
    fn local(&self, _: &str) -> Option<&Value> {
        None
    }
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
    fn uuid(&self, _: u32) -> String {
        String::new()
    }
    fn strict(&self) -> bool {
        false
    }
}
