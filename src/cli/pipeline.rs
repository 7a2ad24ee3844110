//! Finding, reading and checking the pipeline a command names, with its inputs.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::environment;
use super::explain::chain;
use super::include::{self, Included};
use super::{Context, Handoff, complain, exit, inert};
use crate::config::{ConfigError, read_file, read_pipe, resolve_pipeline, suggest};
use crate::language::{self, Format, Pipeline, Problem, inputs, support};
use crate::model::{self, Document, Run};

/// A pipeline and the inputs for it.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A path, or the name of a file in the workspace's `pipelines/`
    pub pipeline: String,
    /// An input. The value is JSON if it reads as JSON and the schema does not ask for text; else it is text
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    pub input: Vec<String>,
    /// A JSON file with inputs; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// Start from the pipeline's own sample input
    #[arg(long)]
    pub sample: bool,
}

/// A pipeline that passed every check.
pub struct Checked {
    pub path: PathBuf,
    pub text: String,
    pub format: Format,
    pub pipeline: Pipeline,
    /// What it includes, all the way down.
    pub included: Included,
    pub inputs: Value,
}

impl Checked {
    /// It and what it includes.
    pub fn pipelines(&self) -> impl Iterator<Item = &Pipeline> {
        self.included.pipelines().chain([&self.pipeline])
    }
}

/// The file that a path or a name means.
pub fn find(context: &Context, name: &str) -> Result<PathBuf, Handoff> {
    resolve_pipeline(context.root(), &context.cwd, name).map_err(|error| {
        let handoff = complain(exit::USAGE, &error);
        if !context.root().join("pipelines").is_dir() {
            errln!("help: `flowdeck init` makes a first one in this directory; `--workspace DIR` names another");
        }
        handoff
    })
}

/// Reads a document; problems are printed with their places, and errors end the command.
pub fn read(context: &Context, name: &str) -> Result<(PathBuf, String, Format, Pipeline), Handoff> {
    let path = find(context, name)?;
    let read = Read::of(context, &path).map_err(|error| complain(exit::USAGE, &error))?;
    if !read.problems.is_empty() {
        errln!("{}", read.report(&path, colour()).trim_end());
    }
    match read.pipeline {
        Some(pipeline) if !read.problems.iter().any(Problem::is_error) => Ok((path, read.text, read.format, pipeline)),
        _ => Err(Handoff::Exit(exit::USAGE)),
    }
}

/// A document with all that is to be said of it, what it includes left aside.
pub struct Read {
    pub text: String,
    pub format: Format,
    /// `None` when the problems leave none.
    pub pipeline: Option<Pipeline>,
    pub problems: Vec<Problem>,
}

impl Read {
    /// # Errors
    /// When the file cannot be read.
    pub fn of(context: &Context, path: &Path) -> Result<Self, ConfigError> {
        let text = read_file(path)?;
        let format = Format::of(&path.display().to_string(), &text);
        let language::Loaded { pipeline, mut problems } = language::load(&text, format);
        if let Some(pipeline) = &pipeline {
            problems.extend(support::warnings(pipeline, &text, context.runs));
            problems.extend(environment::problems(context, &text, pipeline));
        }
        Ok(Self { text, format, pipeline, problems })
    }

    /// Every problem with its place.
    pub fn report(&self, path: &Path, colour: bool) -> String {
        language::report(&self.problems, &path.display().to_string(), &self.text, colour)
    }
}

/// Reads and checks a pipeline and its inputs.
pub fn check(context: &Context, source: &Source) -> Result<Checked, Handoff> {
    let (path, text, format, pipeline) = read(context, &source.pipeline)?;
    let (included, problems) = include::gather(context, &path, &text, &pipeline);
    problems.iter().for_each(|found| errln!("{}", found.report(colour()).trim_end()));
    if problems.iter().any(include::Found::is_error) {
        return Err(Handoff::Exit(exit::USAGE));
    }
    let given = given_inputs(source, &pipeline).map_err(|message| {
        errln!("error: {message}");
        Handoff::Exit(exit::USAGE)
    })?;
    match inputs::check(&pipeline, given) {
        Ok(inputs) => {
            unknown(&pipeline, &inputs).iter().for_each(|warning| errln!("warning: {warning}"));
            Ok(Checked { path, text, format, pipeline, included, inputs })
        }
        Err(problems) => {
            errln!("error: the inputs do not fit `input_schema` of {}", path.display());
            for problem in problems {
                let place = problem.path.trim_start_matches('/').replace('/', ".");
                let place = if place.is_empty() { String::new() } else { format!("{}: ", inert::line(&place)) };
                errln!("  {place}{}", inert::line(&problem.message));
            }
            errln!("help: pass inputs with `-i name=value`, `--inputs FILE` or `--sample`");
            Err(Handoff::Exit(exit::USAGE))
        }
    }
}

/// The file that a run's pipeline came from, as it is now, with what it includes; `None` when there is no such file or its
/// text is the pinned one.
pub fn file_of_run(context: &Context, run: &Run) -> Option<Result<Document, String>> {
    let path = PathBuf::from(run.pipeline.path.as_ref()?);
    let text = match read_file(&path) {
        Ok(text) => text,
        Err(_) if !path.exists() => return None,
        Err(error) => return Some(Err(chain(&error))),
    };
    let shown = path.display().to_string();
    let format = Format::of(&shown, &text);
    let loaded = language::load(&text, format);
    let Some(pipeline) = loaded.pipeline else {
        let first = loaded.problems.iter().find(|problem| problem.is_error());
        let what = first.map_or("it is not valid", |problem| problem.message.as_str());
        let (line, column) = first.map_or((1, 1), |problem| problem.position(&text));
        return Some(Err(format!("{shown}:{line}:{column}: {what}")));
    };
    if pipeline.hash == run.pipeline.hash {
        return None;
    }
    let (included, problems) = include::gather(context, &path, &text, &pipeline);
    if let Some(found) = problems.iter().find(|found| found.is_error()) {
        return Some(Err(format!("{}: {}", found.file, found.problem.message)));
    }
    let included = model::Included { modules: included.modules(), includes: included.includes };
    Some(Ok(Document { text, format: format_name(format).to_owned(), included: Some(included) }))
}

fn given_inputs(source: &Source, pipeline: &Pipeline) -> Result<Value, String> {
    let sample = pipeline.sample_input.clone().filter(|_| source.sample);
    let mut inputs = match sample {
        Some(Value::Object(fields)) => fields,
        Some(other) => return Err(format!("the sample input is not an object: {other}")),
        None if source.sample => return Err("this pipeline has no `sample_input`".to_owned()),
        None => Map::new(),
    };
    if let Some(file) = &source.inputs {
        let shown = file.display();
        let text = read_pipe(file).map_err(|error| chain(&error))?;
        match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(Value::Object(fields)) => inputs.extend(fields),
            Ok(_) => return Err(format!("{shown}: inputs are a JSON object")),
            Err(error) => {
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                return Err(format!("{shown}:{}:{}: inputs are a JSON object: {message}", error.line(), error.column().max(1)));
            }
        }
    }
    for pair in &source.input {
        let (key, text) =
            pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| format!("`-i {pair}` is not KEY=VALUE"))?;
        inputs.insert(key.to_owned(), value(text, property(pipeline, key)));
    }
    Ok(Value::Object(inputs))
}

/// What the schema says about an input.
fn property<'a>(pipeline: &'a Pipeline, key: &str) -> Option<&'a Value> {
    pipeline.input_schema.as_ref()?.get("properties")?.get(key)
}

/// `1.10` is a number, except where the schema wants text: then it is a version.
fn value(text: &str, schema: Option<&Value>) -> Value {
    let wants_text = schema.is_some_and(|schema| schema.get("type").is_some_and(|kind| kind == "string"));
    let parsed = if wants_text { None } else { serde_json::from_str(text).ok() };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Inputs that the schema does not speak of: allowed, and mostly a slip of the fingers.
fn unknown(pipeline: &Pipeline, inputs: &Value) -> Vec<String> {
    let known = pipeline.input_schema.as_ref().and_then(|schema| schema.get("properties")?.as_object());
    let (Some(known), Some(inputs)) = (known, inputs.as_object()) else { return Vec::new() };
    let warning = |key: &String| {
        let near = suggest(key, known.keys().map(String::as_str)).map(|near| format!("; did you mean `{near}`?"));
        format!("`input_schema` does not speak of the input `{}`{}", inert::line(key), near.unwrap_or_default())
    };
    inputs.keys().filter(|key| !known.contains_key(*key)).map(warning).collect()
}

/// Whether reports may use colour.
pub fn colour() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal() && !anstyle_query::no_color()
}

/// The word the engine's API uses for a format.
pub fn format_name(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Yaml => "yaml",
    }
}
