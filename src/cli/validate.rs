//! `flowdeck validate`: every problem of every named pipeline, with its place.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::environment;
use super::explain::chain;
use super::include::gather;
use super::pipeline::{colour, find};
use super::{Context, Handoff, complain, exit};
use crate::config::{pipelines, read_file};
use crate::language::support;
use crate::language::{self, Format, Loaded, Problem, Severity};

/// Check pipelines without running them
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files or names [default: everything in the workspace's `pipelines/`]
    pipelines: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Count warnings as errors
    #[arg(long)]
    strict: bool,
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let files = match files(&args, &context) {
        Ok(files) => files,
        Err(handoff) => return handoff,
    };
    if files.is_empty() {
        errln!("error: no pipelines in {}", context.root().join("pipelines").display());
        errln!("help: `flowdeck init` makes a first one");
        return Handoff::Exit(exit::USAGE);
    }
    let reports: Vec<Report> = files.iter().map(|file| check(&context, file)).collect();
    let bad = reports.iter().filter(|report| !report.is_good(args.strict)).count();
    if args.json {
        let documents: Vec<Value> = reports.iter().map(|report| report.as_json(args.strict)).collect();
        outln!("{:#}", json!({"valid": bad == 0, "pipelines": documents}));
    } else {
        reports.iter().for_each(|report| report.print(args.strict));
    }
    Handoff::Exit(if bad == 0 { exit::SUCCESS } else { exit::USAGE })
}

fn files(args: &Args, context: &Context) -> Result<Vec<PathBuf>, Handoff> {
    if args.pipelines.is_empty() {
        return pipelines(context.root()).map_err(|error| complain(exit::USAGE, &error));
    }
    args.pipelines.iter().map(|name| find(context, name)).collect()
}

struct Report {
    file: String,
    text: String,
    stages: usize,
    problems: Vec<Problem>,
    /// Why the file could not be read at all.
    unreadable: Option<String>,
}

fn check(context: &Context, path: &Path) -> Report {
    let file = path.display().to_string();
    match read_file(path).map_err(|error| chain(&error)) {
        Ok(text) => {
            let Loaded { pipeline, mut problems } = language::load(&text, Format::of(&file, &text));
            let stages = pipeline.as_ref().map_or(0, |pipeline| pipeline.stages.len());
            if let Some(pipeline) = &pipeline {
                // Problems of included files are reported where those are checked themselves.
                let own = gather(context, path, &text, pipeline).1.into_iter().filter(|found| found.file == file);
                problems.extend(own.map(|found| found.problem));
                problems.extend(support::warnings(pipeline, &text, context.runs));
                problems.extend(environment::problems(context, &text, pipeline));
            }
            Report { file, text, stages, problems, unreadable: None }
        }
        Err(error) => Report { file, text: String::new(), stages: 0, problems: Vec::new(), unreadable: Some(error) },
    }
}

impl Report {
    fn is_good(&self, strict: bool) -> bool {
        let wrong = |problem: &Problem| strict || problem.severity == Severity::Error;
        self.unreadable.is_none() && !self.problems.iter().any(wrong)
    }

    fn print(&self, strict: bool) {
        if let Some(error) = &self.unreadable {
            errln!("error: {error}");
        }
        if !self.problems.is_empty() {
            errln!("{}", language::report(&self.problems, &self.file, &self.text, colour()).trim_end());
        }
        let verdict = if self.is_good(strict) { "valid" } else { "invalid" };
        let problems = match self.problems.len() {
            0 => String::new(),
            1 => ", 1 problem".to_owned(),
            many => format!(", {many} problems"),
        };
        outln!("{}: {verdict}, {} stage{}{problems}", self.file, self.stages, if self.stages == 1 { "" } else { "s" });
    }

    fn as_json(&self, strict: bool) -> Value {
        let problems = documents(&self.problems, &self.text);
        json!({"file": self.file, "valid": self.is_good(strict), "error": self.unreadable, "problems": problems})
    }
}

/// Problems of a text as scripts read them.
pub fn documents(problems: &[Problem], text: &str) -> Vec<Value> {
    let document = |problem: &Problem| {
        let (line, column) = problem.position(text);
        json!({"severity": problem.severity.name(), "code": problem.code, "message": problem.message,
               "line": line, "column": column, "help": problem.help})
    };
    problems.iter().map(document).collect()
}
