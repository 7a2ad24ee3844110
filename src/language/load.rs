//! Text to a checked pipeline, with every problem of the file in one pass.

mod ancestry;
mod compensation;
mod cycles;
mod document;
mod failure;
pub(super) mod fields;
mod links;
mod references;
pub(super) mod sink;
mod stage;

use super::format::Format;
use super::node::Node;
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

/// The document in `text`, whatever it is about.
pub(super) fn parse<'t>(text: &'t str, format: Format, problems: &mut Vec<Problem>) -> Option<Node<'t>> {
    match format {
        Format::Json => json::parse(text, problems),
        Format::Yaml => yaml::parse(text, problems),
    }
}

/// Loads a pipeline. Time and memory are linear in the text; at most some hundred problems are reported.
pub fn load(text: &str, format: Format) -> Loaded {
    let mut problems = Vec::new();
    let root = parse(text, format, &mut problems);
    let mut sink = Sink::new(text, problems);
    let pipeline = root.and_then(|root| document::read(&root, &mut sink));
    let problems = sink.finish();
    let pipeline = if problems.iter().any(Problem::is_error) { None } else { pipeline };
    Loaded { pipeline, problems }
}
