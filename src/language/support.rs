//! Which stages of a pipeline a build can run. What it can is told by whoever asks: the language knows every component.

use super::component::Component;
use super::pipeline::{Pipeline, StageSpec};
use super::problem::Problem;

/// Says whether a component can be run.
pub type Runs = fn(Component) -> bool;

/// The stages that cannot be run, in the order of the document. One that is switched off needs no operator.
pub fn missing(pipeline: &Pipeline, runs: Runs) -> impl Iterator<Item = &StageSpec> {
    pipeline.stages.iter().filter(move |stage| stage.enabled && !runs(stage.component))
}

/// A warning for each of them: the pipeline is valid, but a run of it is refused.
pub fn warnings(pipeline: &Pipeline, text: &str, runs: Runs) -> Vec<Problem> {
    let warning = |stage: &StageSpec| {
        let first_line = text[stage.span.clone()].find('\n').map_or(stage.span.end, |line| stage.span.start + line);
        let message = format!("this version cannot run `{}` yet", stage.component);
        let problem = Problem::warning("not-run-yet", stage.span.start..first_line, message);
        problem.helped(format!("the pipeline is valid, but a run is refused as long as `{}` is part of it", stage.id))
    };
    missing(pipeline, runs).map(warning).collect()
}
