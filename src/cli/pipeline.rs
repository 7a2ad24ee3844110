//! Finding, reading and checking the pipeline a command names, with its inputs.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::{Context, Handoff, complain, exit};
use crate::config::resolve_pipeline;
use crate::language::{self, Format, Pipeline, inputs};

/// A pipeline and the inputs for it.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A path, or the name of a file in the workspace's `pipelines/`
    pub pipeline: String,
    /// An input; the value is JSON if it reads as JSON, else text
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
    pub inputs: Value,
}

/// Reads a document; problems are printed with their places, and errors end the command.
pub fn read(context: &Context, name: &str) -> Result<(PathBuf, String, Format, Pipeline), Handoff> {
    let path = resolve_pipeline(context.root(), &context.cwd, name).map_err(|error| complain(exit::USAGE, &error))?;
    let shown = path.display().to_string();
    let bytes = std::fs::read(&path).map_err(|error| {
        eprintln!("error: {shown}: {error}");
        Handoff::Exit(exit::USAGE)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        eprintln!("error: {shown}: not UTF-8 text (byte {})", error.utf8_error().valid_up_to());
        Handoff::Exit(exit::USAGE)
    })?;
    let format = Format::of(&shown, &text);
    let loaded = language::load(&text, format);
    if !loaded.problems.is_empty() {
        eprint!("{}", language::report(&loaded.problems, &shown, &text, colour()));
    }
    match loaded.pipeline {
        Some(pipeline) => Ok((path, text, format, pipeline)),
        None => Err(Handoff::Exit(exit::USAGE)),
    }
}

/// Reads and checks a pipeline and its inputs.
pub fn check(context: &Context, source: &Source) -> Result<Checked, Handoff> {
    let (path, text, format, pipeline) = read(context, &source.pipeline)?;
    let given = given_inputs(source, &pipeline).map_err(|message| {
        eprintln!("error: {message}");
        Handoff::Exit(exit::USAGE)
    })?;
    match inputs::check(&pipeline, given) {
        Ok(inputs) => Ok(Checked { path, text, format, pipeline, inputs }),
        Err(problems) => {
            eprintln!("error: the inputs do not fit `input_schema` of {}", path.display());
            for problem in problems {
                eprintln!("  {}: {}", problem.path, problem.message);
            }
            eprintln!("help: pass inputs with `-i name=value`, `--inputs FILE` or `--sample`");
            Err(Handoff::Exit(exit::USAGE))
        }
    }
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
        let read =
            if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
        let text = read.map_err(|error| format!("{shown}: {error}"))?;
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => inputs.extend(fields),
            Ok(_) => return Err(format!("{shown}: inputs are a JSON object")),
            Err(error) => return Err(format!("{shown}:{}:{}: {error}", error.line(), error.column())),
        }
    }
    for pair in &source.input {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("`-i {pair}` is not KEY=VALUE"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        inputs.insert(key.to_owned(), value);
    }
    Ok(Value::Object(inputs))
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
