//! Text to a checked pipeline, with every problem of the file in one pass.

mod ancestry;
mod cycles;
mod document;
mod failure;
mod fields;
mod links;
mod references;
mod sink;
mod stage;

use super::format::Format;
use super::pipeline::Pipeline;
use super::problem::{Problem, Severity};
use super::{json, yaml};
use sink::Sink;

/// What a text turned out to be.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// `None` exactly when a problem is an error.
    pub pipeline: Option<Pipeline>,
    /// In the order of the text.
    pub problems: Vec<Problem>,
}

impl Loaded {
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    pub fn has_warnings(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Warning)
    }
}

/// Loads a pipeline. Time and memory are linear in the text; at most some hundred problems are reported.
pub fn load(text: &str, format: Format) -> Loaded {
    let mut problems = Vec::new();
    let root = match format {
        Format::Json => json::parse(text, &mut problems),
        Format::Yaml => yaml::parse(text, &mut problems),
    };
    let mut sink = Sink::new(text, problems);
    let pipeline = root.and_then(|root| document::read(&root, &mut sink));
    let problems = sink.finish();
    let pipeline = if problems.iter().any(Problem::is_error) { None } else { pipeline };
    Loaded { pipeline, problems }
}
