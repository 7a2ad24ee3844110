//! The pipelines that a pipeline includes, read before anything runs, so that a run keeps what it began with.
//!
//! Owns the way from a reference to a file, and what can be wrong on it. Must not know what a run does with them.

use std::path::{Path, PathBuf};

use super::Context;
use crate::config::{ConfigError, pipelines, resolve_pipeline};
use crate::language::inclusion::{Inclusion, Reference, inclusions};
use crate::language::{self, Format, Pipeline, Problem};
use crate::model::{Include, Module};

/// Everything a pipeline includes, all the way down.
#[derive(Debug, Default)]
pub struct Included {
    pub includes: Vec<Include>,
    files: Vec<File>,
}

impl Included {
    pub fn pipelines(&self) -> impl Iterator<Item = &Pipeline> {
        self.files.iter().map(|file| &file.pipeline)
    }

    /// The texts, to be sent along with a run.
    pub fn modules(&self) -> Vec<Module> {
        let module =
            |file: &File| Module { format: super::pipeline::format_name(file.format).to_owned(), text: file.text.clone() };
        self.files.iter().map(module).collect()
    }
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    format: Format,
    text: String,
    pipeline: Pipeline,
}

/// A problem and the file it is in.
pub struct Found {
    pub file: String,
    pub text: String,
    pub problem: Problem,
}

impl Found {
    pub fn is_error(&self) -> bool {
        self.problem.is_error()
    }

    pub fn report(&self, colour: bool) -> String {
        language::report(std::slice::from_ref(&self.problem), &self.file, &self.text, colour)
    }
}

/// Reads what `pipeline` includes; the problems are of that file or of any below it.
pub fn gather(context: &Context, path: &Path, text: &str, pipeline: &Pipeline) -> (Included, Vec<Found>) {
    let mut walk = Walk { context, included: Included::default(), problems: Vec::new(), chain: Vec::new() };
    walk.visit(path, text, pipeline);
    (walk.included, walk.problems)
}

/// A pipeline on the way down from the first one.
struct Step {
    hash: String,
    id: String,
    /// Whether the stage that is being looked at runs whatever happens.
    unconditional: bool,
}

struct Walk<'c> {
    context: &'c Context,
    included: Included,
    problems: Vec<Found>,
    chain: Vec<Step>,
}

impl Walk<'_> {
    fn visit(&mut self, path: &Path, text: &str, pipeline: &Pipeline) {
        self.chain.push(Step { hash: pipeline.hash.clone(), id: pipeline.id.clone(), unconditional: false });
        for inclusion in inclusions(pipeline) {
            if let Some(step) = self.chain.last_mut() {
                step.unconditional = inclusion.unconditional;
            }
            if let Err(problem) = self.follow(path, text, pipeline, &inclusion) {
                self.problems.push(Found { file: path.display().to_string(), text: text.to_owned(), problem });
            }
        }
        self.chain.pop();
    }

    fn follow(&mut self, path: &Path, text: &str, pipeline: &Pipeline, inclusion: &Inclusion<'_>) -> Result<(), Problem> {
        let id = &inclusion.stage.id;
        let Some(reference) = inclusion.reference() else {
            let message = format!("which pipeline `{id}` runs is not known before the run begins");
            let problem = Problem::error("unpinned-pipeline", inclusion.stage.span.clone(), message);
            return Err(problem.helped("write its name out; a router can choose among several stages"));
        };
        let place = place(text, inclusion, &reference);
        let file = self.find(path, &reference).map_err(|why| {
            let message = format!("`{id}` runs the pipeline `{reference}`, which cannot be used: {why}");
            Problem::error("unknown-pipeline", place.clone(), message)
        })?;
        let hash = file.pipeline.hash.clone();
        let include = Include { within: pipeline.hash.clone(), reference, hash: hash.clone() };
        if !self.included.includes.contains(&include) {
            self.included.includes.push(include);
        }
        if let Some(from) = self.chain.iter().position(|step| step.hash == hash) {
            return self.circle(from, place);
        }
        let known = self.included.files.iter().any(|known| known.pipeline.hash == hash);
        if !known {
            self.visit(&file.path, &file.text, &file.pipeline);
            self.included.files.push(file);
        }
        Ok(())
    }

    /// A pipeline that includes itself may do so on a condition; without one it never ends.
    fn circle(&self, from: usize, place: std::ops::Range<usize>) -> Result<(), Problem> {
        let steps = &self.chain[from..];
        if !steps.iter().all(|step| step.unconditional) {
            return Ok(());
        }
        let names: Vec<&str> = steps.iter().chain(steps.first()).map(|step| step.id.as_str()).collect();
        let message = format!("the pipeline includes itself without end: {}", names.join(" -> "));
        let problem = Problem::error("endless-inclusion", place, message);
        Err(problem.helped("give the stage a `when`, or let a conditional decide whether it runs"))
    }

    /// A file beside the including one, a name of the workspace, or a pipeline's own id; with the version asked for.
    fn find(&self, from: &Path, reference: &str) -> Result<File, String> {
        let Reference { name, version } = Reference::parse(reference);
        let beside = from.parent().unwrap_or(self.context.root());
        let missing = match resolve_pipeline(self.context.root(), beside, &name) {
            Ok(path) => {
                let file = load(&path)?;
                if version.is_none() || file.pipeline.version == version {
                    return Ok(file);
                }
                let has = file.pipeline.version.unwrap_or_else(|| "no version".to_owned());
                format!("{} has {has}", path.display())
            }
            Err(error @ ConfigError::NoPipeline { .. }) => error.to_string(),
            Err(error) => return Err(error.to_string()),
        };
        let all = pipelines(self.context.root()).map_err(|error| error.to_string())?;
        let named = |file: &File| file.pipeline.id == name || file.pipeline.name == name;
        let mut found: Vec<File> = all.iter().filter_map(|path| load(path).ok()).filter(named).collect();
        found.retain(|file| version.is_none() || file.pipeline.version == version);
        match (found.pop(), found.is_empty()) {
            (Some(file), true) => Ok(file),
            (Some(_), false) => Err(format!("several files have the id `{name}`: name the file")),
            (None, _) => Err(missing),
        }
    }
}

fn load(path: &Path) -> Result<File, String> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let format = Format::of(&shown, &text);
    let loaded = language::load(&text, format);
    match loaded.pipeline {
        Some(pipeline) => Ok(File { path: path.to_owned(), format, text, pipeline }),
        None => {
            let first = loaded.problems.iter().find(|problem| problem.is_error());
            let place = first.map_or((1, 1), |problem| problem.position(&text));
            let what = first.map_or("it is not valid", |problem| problem.message.as_str());
            Err(format!("{shown}:{}:{}: {what}", place.0, place.1))
        }
    }
}

/// Where the stage writes the reference.
fn place(text: &str, inclusion: &Inclusion<'_>, reference: &str) -> std::ops::Range<usize> {
    let span = inclusion.stage.span.clone();
    let name = Reference::parse(reference).name;
    let at = text.get(span.clone()).and_then(|stage| stage.rfind(&name));
    at.map_or(span.clone(), |at| span.start + at..span.start + at + name.len())
}
