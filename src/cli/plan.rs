//! `flowdeck plan`: what each stage would get, as far as that is known before anything runs.

use serde_json::Value;

use super::environment;
use super::pipeline::{Source, check};
use super::{Context, Handoff, exit, inert};
use crate::language::plan::{Plan, PlannedStage, Test};
use crate::language::template::to_text;

/// Show what a run would do, without running anything
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The environment the run would be for
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let known = environment::check(&context, args.env.as_deref());
    let checked = match known.and_then(|()| check(&context, &args.source)) {
        Ok(checked) => checked,
        Err(handoff) => return handoff,
    };
    let plan = Plan::of(&checked.pipeline, &checked.inputs, args.env.as_deref(), &checked.included.resolved(&checked.pipeline));
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&plan).unwrap_or_default());
    } else {
        print(&plan, &checked.pipeline.name);
    }
    let mut code = exit::SUCCESS;
    for (stage, problem) in plan.problems() {
        errln!("error: {stage}: {}: {}", inert::line(&problem.path), inert::line(&problem.message));
        code = exit::FAILED;
    }
    Handoff::Exit(code)
}

fn print(plan: &Plan, name: &str) {
    outln!("{} with inputs {}", inert::line(name), inert::line(&plan.inputs.to_string()));
    let target = plan.environment.as_deref().map(|name| format!(", environment {}", inert::line(name)));
    outln!("digest {}{}", plan.digest, target.unwrap_or_default());
    plan.stages.iter().enumerate().for_each(|(number, stage)| print_stage(number + 1, stage, plan.environment.as_deref()));
}

fn print_stage(number: usize, stage: &PlannedStage, environment: Option<&str>) {
    let list = |ids: &[crate::model::StageId], word: &str| {
        let ids: Vec<&str> = ids.iter().map(crate::model::StageId::as_str).collect();
        if ids.is_empty() { String::new() } else { format!(", {word} {}", ids.join(", ")) }
    };
    let (after, chosen) = (list(&stage.depends_on, "after"), list(&stage.chosen_by, "if chosen by"));
    let undoes = stage.undoes.as_ref().map(|id| format!(", only to undo {id}")).unwrap_or_default();
    let skipped = stage.skipped.map(|why| format!(": skipped ({why})")).unwrap_or_default();
    outln!("\n{number}. {} ({}{after}{chosen}{undoes}){skipped}", stage.id, stage.component);
    print_test("when", stage.when.as_ref());
    print_test("condition", stage.condition.as_ref());
    if stage.environment.as_str() != environment {
        print_field("environment", &stage.environment);
    }
    for (name, value) in [("timeout_ms", &stage.timeout_ms), ("retry", &stage.retry)] {
        if !value.is_null() {
            print_field(name, value);
        }
    }
    for (name, word, usual) in [("on_error", stage.on_error, "propagate"), ("on_unknown", stage.on_unknown, "ask")] {
        if word != usual {
            print_field(name, &Value::from(word));
        }
    }
    let fields = stage.config.as_object().into_iter().flatten();
    let said = |key: &str| key == "condition" && stage.condition.is_some();
    fields.filter(|(key, _)| !said(key)).for_each(|(key, value)| print_field(key, value));
}

fn print_test(name: &str, test: Option<&Test>) {
    let Some(test) = test else { return };
    let verdict = match &test.holds {
        Value::Bool(true) => "holds".to_owned(),
        Value::Bool(false) => "does not hold".to_owned(),
        Value::Null => "fails".to_owned(),
        later => to_text(later),
    };
    print_field(name, &Value::from(format!("{}  -> {verdict}", test.expression.trim())));
}

fn print_field(name: &str, value: &Value) {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let name = inert::line(name);
    let mut lines = value.lines();
    outln!("   {name}: {}", inert::line(lines.next().unwrap_or_default()));
    lines.for_each(|line| outln!("   {}  {}", " ".repeat(name.chars().count()), inert::line(line)));
}
