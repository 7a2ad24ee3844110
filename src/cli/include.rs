//! The pipelines that a pipeline includes, read before anything runs, so that a run keeps what it began with.
//!
//! Owns the way from a reference to a file, and what can be wrong on it. Must not know what a run does with them.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Context;
use super::explain::chain;
use crate::config::{ConfigError, pipelines, read_file, resolve_pipeline};
use crate::language::inclusion::{self, Inclusion, Reference, inclusions, reference};
use crate::language::{self, Format, Pipeline, Problem};
use crate::model::{DEEPEST, Include, Module};

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

    /// Each text with its format and what it says.
    pub fn texts(&self) -> impl Iterator<Item = (&str, Format, &Pipeline)> {
        self.files.iter().map(|file| (file.text.as_str(), file.format, &file.pipeline))
    }

    /// What each reference means, `root` being the pipeline that all this belongs to.
    pub fn resolved<'p>(&'p self, root: &'p Pipeline) -> Vec<inclusion::Included<'p>> {
        let of = |hash: &str| self.pipelines().chain([root]).find(|pipeline| pipeline.hash == hash);
        let resolved = |include: &'p Include| {
            let (within, pipeline) = (of(&include.within)?, of(&include.hash)?);
            Some(inclusion::Included { within, reference: &include.reference, pipeline })
        };
        self.includes.iter().filter_map(resolved).collect()
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
    file: String,
    text: String,
    hash: String,
    id: String,
    /// Whether the stage that is being looked at runs whatever happens, and where it names the next pipeline.
    unconditional: bool,
    place: Range<usize>,
}

struct Walk<'c> {
    context: &'c Context,
    included: Included,
    problems: Vec<Found>,
    chain: Vec<Step>,
}

impl Walk<'_> {
    fn visit(&mut self, path: &Path, text: &str, pipeline: &Pipeline) {
        let (file, text) = (path.display().to_string(), text.to_owned());
        let (hash, id) = (pipeline.hash.clone(), pipeline.id.clone());
        self.chain.push(Step { file: file.clone(), text: text.clone(), hash, id, unconditional: false, place: 0..0 });
        for inclusion in inclusions(pipeline) {
            if let Some(step) = self.chain.last_mut() {
                step.unconditional = inclusion.unconditional;
                step.place = place(&text, &inclusion);
            }
            if let Err(problem) = self.follow(path, pipeline, &inclusion) {
                self.problems.push(Found { file: file.clone(), text: text.clone(), problem });
            }
        }
        self.chain.pop();
    }

    fn follow(&mut self, path: &Path, pipeline: &Pipeline, inclusion: &Inclusion<'_>) -> Result<(), Problem> {
        let id = &inclusion.stage.id;
        let place = self.chain.last().map_or(0..0, |step| step.place.clone());
        let Some(reference) = inclusion.reference() else {
            let message = format!("which pipeline `{id}` runs is not known before the run begins");
            let problem = Problem::error("unpinned-pipeline", place, message);
            return Err(problem.helped("write its name out; a router can choose among several stages"));
        };
        let file = self.find(path, &reference).map_err(|why| {
            let message = format!("`{id}` runs the pipeline `{reference}`, which cannot be used: {why}");
            Problem::error("unknown-pipeline", place, message)
        })?;
        let hash = file.pipeline.hash.clone();
        let include = Include { within: pipeline.hash.clone(), reference, hash: hash.clone() };
        if !self.included.includes.contains(&include) {
            self.included.includes.push(include);
        }
        if let Some(from) = self.chain.iter().position(|step| step.hash == hash) {
            self.circle(from);
            return Ok(());
        }
        if self.chain.len() > DEEPEST as usize {
            return self.too_deep();
        }
        let known = self.included.files.iter().any(|known| known.pipeline.hash == hash);
        if !known {
            self.visit(&file.path, &file.text, &file.pipeline);
            self.included.files.push(file);
        }
        Ok(())
    }

    /// Runs go so deep and no deeper; what is included on a condition may never be reached.
    fn too_deep(&self) -> Result<(), Problem> {
        if !self.chain.iter().all(|step| step.unconditional) {
            return Ok(());
        }
        let names: Vec<&str> = self.chain.iter().map(|step| step.id.as_str()).collect();
        let place = self.chain.last().map_or(0..0, |step| step.place.clone());
        let message = format!("sub-pipelines are nested more than {DEEPEST} deep: {}", names.join(" -> "));
        Err(Problem::error("nested-too-deep", place, message))
    }

    /// A pipeline that includes itself may do so on a condition; without one it never ends.
    fn circle(&mut self, from: usize) {
        let steps = &self.chain[from..];
        let Some(first) = steps.first().filter(|_| steps.iter().all(|step| step.unconditional)) else { return };
        let names: Vec<&str> = steps.iter().chain([first]).map(|step| step.id.as_str()).collect();
        let message = format!("the pipeline includes itself without end: {}", names.join(" -> "));
        let problem = Problem::error("endless-inclusion", first.place.clone(), message);
        let problem = problem.helped("give the stage a `when`, or let a conditional decide whether it runs");
        self.problems.push(Found { file: first.file.clone(), text: first.text.clone(), problem });
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
    let text = read_file(path).map_err(|error| chain(&error))?;
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

/// Where the stage names the other pipeline.
fn place(text: &str, inclusion: &Inclusion<'_>) -> Range<usize> {
    let span = inclusion.stage.span.clone();
    let name = reference(&inclusion.stage.config).map(|text| Reference::parse(&text).name);
    let found = name.and_then(|name| Some((text.get(span.clone())?.rfind(&name)?, name.len())));
    found.map_or(span.clone(), |(at, len)| span.start + at..span.start + at + len)
}
