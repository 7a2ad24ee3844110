//! Pipelines that a tested one includes for real: rewritten like itself, so that nothing in them has effects either.

use std::collections::HashMap;

use super::files::TestFile;
use crate::cli::Context;
use crate::cli::include::gather;
use crate::language::suite::{self, Case};
use crate::language::{self, Component, Format, Pipeline};
use crate::model::{Include, Module};

/// What is sent to the engine for a test.
pub struct Bundle {
    pub definition: String,
    pub modules: Vec<Module>,
    pub includes: Vec<Include>,
}

/// The tested pipeline as this test runs it, with those it includes.
///
/// # Errors
/// An included pipeline that cannot be used, in words.
pub fn bundle(context: &Context, file: &TestFile, pipeline: &Pipeline, case: &Case) -> Result<Bundle, String> {
    let tested = &file.tested;
    let definition = suite::rewrite(&tested.text, tested.format(), pipeline, case).to_string();
    if !includes_for_real(&definition) {
        return Ok(Bundle { definition, modules: Vec::new(), includes: Vec::new() });
    }
    let (included, problems) = gather(context, &context.cwd.join(&tested.file), &tested.text, pipeline);
    if let Some(found) = problems.iter().find(|found| found.is_error()) {
        return Err(found.problem.message.clone());
    }
    let rewritten = |text: &str, format, pipeline: &Pipeline| suite::rewrite(text, format, pipeline, case).to_string();
    let modules: Vec<(String, String)> =
        included.texts().map(|(text, format, pipeline)| (pipeline.hash.clone(), rewritten(text, format, pipeline))).collect();
    let all = modules.iter().map(|(old, text)| (old.as_str(), text.as_str()));
    let hashes: HashMap<&str, String> = all.chain([(pipeline.hash.as_str(), definition.as_str())]).map(renamed).collect();
    let now = |hash: &String| hashes.get(hash.as_str()).cloned().unwrap_or_default();
    let includes = included.includes.iter().map(|include| Include {
        within: now(&include.within),
        reference: include.reference.clone(),
        hash: now(&include.hash),
    });
    let includes = includes.collect();
    let modules = modules.into_iter().map(|(_, text)| Module { format: "json".to_owned(), text }).collect();
    Ok(Bundle { definition, modules, includes })
}

fn includes_for_real(definition: &str) -> bool {
    let loaded = language::load(definition, Format::Json).pipeline;
    loaded.is_some_and(|pipeline| pipeline.stages.iter().any(|stage| stage.component == Component::Subpipeline))
}

/// The hash that a text had, and the one it has now.
fn renamed<'h>((old, text): (&'h str, &str)) -> (&'h str, String) {
    let now = language::load(text, Format::Json).pipeline.map(|pipeline| pipeline.hash);
    (old, now.unwrap_or_default())
}
