//! Starting a pipeline where nothing can be printed: the checks of `flowdeck run`, told to the one who asks.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::explain::chain;
use super::pipeline::{Checked, Read, format_name};
use super::{Context, environment, include, run};
use crate::config::{pipelines, resolve_pipeline};
use crate::language::{Format, Pipeline, Problem, inputs};
use crate::model::NewRun;

/// A pipeline that can be started once its inputs are known.
pub struct Opened {
    pub path: PathBuf,
    pub text: String,
    /// `json` or `yaml`.
    pub format: &'static str,
    pub pipeline: Pipeline,
    /// Environments to choose from, where the pipeline names none itself.
    pub environments: Vec<String>,
}

/// The names of the pipelines in the workspace.
///
/// # Errors
/// When the folder cannot be read.
pub fn pipeline_names(context: &Context) -> Result<Vec<String>, String> {
    let paths = pipelines(context.root()).map_err(|error| chain(&error))?;
    let mut names: Vec<String> = paths.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.dedup();
    Ok(names)
}

/// Reads a pipeline and what it includes.
///
/// # Errors
/// The report of everything that is wrong, with places.
pub fn open_pipeline(context: &Context, name: &str) -> Result<Opened, String> {
    let (path, read, pipeline, _) = examine(context, name)?;
    let known = environment::known(context).unwrap_or_default();
    let environments = if pipeline.environment.is_some() { Vec::new() } else { known.iter().map(ToString::to_string).collect() };
    Ok(Opened { path, text: read.text, format: format_name(read.format), pipeline, environments })
}

/// What to send to the engine for a run of a pipeline as it was opened, with these inputs.
///
/// # Errors
/// What is wrong with the inputs, or with the file by now.
pub fn order(context: &Context, name: &str, opened: &str, given: Value, environment: Option<String>) -> Result<NewRun, String> {
    let (path, read, pipeline, included) = examine(context, name)?;
    if read.text != opened {
        return Err(format!("{} has changed since it was opened: open it again", path.display()));
    }
    let inputs = inputs::check(&pipeline, given).map_err(|problems| {
        let line = |problem: &inputs::InputProblem| format!("{}: {}", problem.path.trim_start_matches('/'), problem.message);
        problems.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    let (text, format): (String, Format) = (read.text, read.format);
    run::new_run(context, Checked { path, text, format, pipeline, included, inputs }, environment, None)
}

type Examined = (PathBuf, Read, Pipeline, include::Included);

fn examine(context: &Context, name: &str) -> Result<Examined, String> {
    let path = resolve_pipeline(context.root(), &context.cwd, name).map_err(|error| chain(&error))?;
    let mut read = Read::of(context, &path).map_err(|error| chain(&error))?;
    let Some(pipeline) = read.pipeline.take().filter(|_| !read.problems.iter().any(Problem::is_error)) else {
        return Err(read.report(&path, false));
    };
    let (included, found) = include::gather(context, Path::new(&path), &read.text, &pipeline);
    if found.iter().any(include::Found::is_error) {
        return Err(found.iter().map(|found| found.report(false)).collect());
    }
    Ok((path, read, pipeline, included))
}
