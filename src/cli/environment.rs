//! Environments that the workspace file knows, and names that are none of them.

use std::ops::Range;

use super::{Context, Handoff, exit, inert};
use crate::config::suggest;
use crate::language::template::has_template;
use crate::language::{Pipeline, Problem};

/// The names under `[environments]`; `None` when the workspace has no such section, and any name will do.
pub fn known(context: &Context) -> Option<Vec<&str>> {
    Some(context.workspace.file.environments.as_ref()?.keys().map(String::as_str).collect())
}

fn hint(name: &str, known: &[&str]) -> String {
    match suggest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known.join(", ")),
    }
}

/// Refuses a name on the command line that the workspace does not have.
pub fn check(context: &Context, name: Option<&str>) -> Result<(), Handoff> {
    let (Some(name), Some(known)) = (name, known(context)) else { return Ok(()) };
    if known.contains(&name) {
        return Ok(());
    }
    errln!("error: flowdeck.toml has no environment `{}`", inert::line(name));
    errln!("help: {}", hint(name, &known));
    Err(Handoff::Exit(exit::USAGE))
}

/// Environments that a pipeline or its stages name and the workspace does not have.
pub fn problems(context: &Context, text: &str, pipeline: &Pipeline) -> Vec<Problem> {
    let Some(known) = known(context) else { return Vec::new() };
    let whole = pipeline.environment.iter().map(|name| (name, 0..text.len()));
    let stages = pipeline.stages.iter().filter_map(|stage| Some((stage.environment.as_ref()?, stage.span.clone())));
    let strange = |(name, _): &(&String, Range<usize>)| !has_template(name) && !known.contains(&name.as_str());
    whole
        .chain(stages)
        .filter(strange)
        .map(|(name, within)| {
            let message = format!("flowdeck.toml has no environment `{name}`");
            Problem::error("unknown-environment", place(text, within, name), message).helped(hint(name, &known))
        })
        .collect()
}

/// Where the name stands behind the word `environment`.
fn place(text: &str, within: Range<usize>, name: &str) -> Range<usize> {
    let found = text.get(within.clone()).and_then(|part| {
        let field = part.match_indices("environment").find(|(at, word)| {
            let rest = part[at + word.len()..].trim_start_matches(['"', '\'', ' ', ':']);
            rest.starts_with(name)
        });
        field.and_then(|(at, _)| Some(at + part[at..].find(name)?))
    });
    found.map_or(within.clone(), |at| within.start + at..within.start + at + name.len())
}
