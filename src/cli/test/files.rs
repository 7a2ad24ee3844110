//! Test files and the pipelines they test, found and read.

use std::path::{Path, PathBuf};

use crate::cli::{Context, Handoff, complain, exit};
use crate::config::{is_test, read_file, resolve_pipeline, test_files, tested_pipeline};
use crate::language::suite::{self, Subject, Suite};
use crate::language::{self, Format, Pipeline, Problem};

/// A test file as it was read.
pub struct TestFile {
    /// As a person in the current directory would write it.
    pub file: String,
    pub text: String,
    /// `None` exactly when there are problems.
    pub suite: Option<Suite>,
    pub problems: Vec<Problem>,
    pub tested: Tested,
}

/// The pipeline under test.
#[derive(Default)]
pub struct Tested {
    pub file: String,
    pub text: String,
    pub pipeline: Option<Pipeline>,
    pub problems: Vec<Problem>,
}

impl Tested {
    pub fn format(&self) -> Format {
        Format::of(&self.file, &self.text)
    }

    /// What the pipeline is called; its file where it is not valid.
    pub fn name(&self) -> &str {
        self.pipeline.as_ref().map_or(&self.file, |pipeline| &pipeline.id)
    }
}

/// Every test file that the paths mean; it says so when there is none.
pub fn load_all(paths: &[PathBuf], context: &Context) -> Result<Vec<TestFile>, Handoff> {
    let mut found = Vec::new();
    let folder = context.root().join("pipelines");
    if paths.is_empty() && folder.is_dir() {
        found = test_files(&folder).map_err(|error| complain(exit::USAGE, &error))?;
    }
    for path in paths {
        let given = context.cwd.join(path);
        if given.is_dir() {
            found.extend(test_files(&given).map_err(|error| complain(exit::USAGE, &error))?);
        } else if given.is_file() && is_test(&given) {
            found.push(given);
        } else {
            let reason = if given.is_file() { "is no test file" } else { "is not there" };
            errln!("error: {} {reason}", path.display());
            errln!("help: a test file is called NAME.test.yaml, NAME.test.yml or NAME.test.json");
            return Err(Handoff::Exit(exit::USAGE));
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    if found.is_empty() {
        let place = if paths.is_empty() { folder.display().to_string() } else { "these directories".to_owned() };
        errln!("error: no tests in {place}");
        errln!("help: the tests of `deploy.yaml` are in `deploy.test.yaml` beside it; `flowdeck init` writes an example");
        return Err(Handoff::Exit(exit::USAGE));
    }
    found.iter().map(|path| load(path, context)).collect()
}

fn load(path: &Path, context: &Context) -> Result<TestFile, Handoff> {
    let file = shown(path, &context.cwd);
    let text = read(path)?;
    let format = Format::of(&file, &text);
    let named = suite::pipeline_name(&text, format);
    let found = match &named {
        Some(name) => named_pipeline(path, name, context),
        None => tested_pipeline(path).map_err(|error| error.to_string()),
    };
    let (tested, missing) = match found {
        Ok(found) => (load_tested(&found, &context.cwd)?, None),
        Err(reason) => (Tested::default(), Some(reason)),
    };
    let subject = match (&tested.pipeline, &missing) {
        (Some(pipeline), _) => Subject::Pipeline(pipeline),
        (None, Some(reason)) => Subject::Missing(reason),
        (None, None) => Subject::Invalid,
    };
    let suite::Loaded { suite, problems } = suite::load(&text, format, subject);
    Ok(TestFile { file, text, suite, problems, tested })
}

/// A path from the test file, or a name in the workspace.
fn named_pipeline(test: &Path, name: &str, context: &Context) -> Result<PathBuf, String> {
    let beside = test.with_file_name(name);
    if beside.is_file() && !is_test(&beside) {
        return Ok(beside);
    }
    resolve_pipeline(context.root(), &context.cwd, name).map_err(|error| error.to_string())
}

fn load_tested(path: &Path, cwd: &Path) -> Result<Tested, Handoff> {
    let (file, text) = (shown(path, cwd), read(path)?);
    let loaded = language::load(&text, Format::of(&file, &text));
    Ok(Tested { file, text, pipeline: loaded.pipeline, problems: loaded.problems })
}

fn read(path: &Path) -> Result<String, Handoff> {
    read_file(path).map_err(|error| complain(exit::USAGE, &error))
}

fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}
