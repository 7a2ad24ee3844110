//! The results of the tests: for people as they come in and at the end, and as one document for scripts.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::files::TestFile;
use super::judge::Failure;
use crate::cli::out::try_line;
use crate::cli::pipeline::colour;
use crate::cli::{inert, validate};
use crate::language;
use crate::language::suite::Case;

/// The longest value that is shown, in characters.
const LONGEST: usize = 400;

/// What became of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    Passed,
    Failed(Vec<Failure>),
    /// It could not be carried out.
    Broken(String),
    /// Left out, and why.
    Skipped(String),
}

impl Status {
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Broken(_))
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Broken(_) => "error",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A test's end.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub status: Status,
    pub duration: Duration,
    /// The stages that were tried.
    pub tried: HashSet<String>,
}

impl Verdict {
    /// Of a test for which nothing ran.
    pub fn at_once(status: Status) -> Self {
        Self { status, duration: Duration::ZERO, tried: HashSet::new() }
    }
}

/// One test and what became of it.
pub struct Entry<'f> {
    pub file: &'f TestFile,
    pub case: &'f Case,
    pub verdict: Option<Verdict>,
}

/// All tests that were asked for, in the order of their files.
pub struct Results<'f> {
    pub entries: Vec<Entry<'f>>,
    pub duration: Duration,
    /// Nothing was filtered out or left over, so that what never ran can be told.
    complete: bool,
    /// The file of the last line that was printed.
    last: Option<&'f str>,
}

impl<'f> Results<'f> {
    pub fn new(files: &'f [TestFile], filter: Option<&str>) -> Self {
        let mut entries = Vec::new();
        for file in files {
            let cases = file.suite.iter().flat_map(|suite| &suite.cases);
            let wanted = |case: &&Case| filter.is_none_or(|text| case.name.contains(text) || file.file.contains(text));
            entries.extend(cases.filter(wanted).map(|case| Entry { file, case, verdict: None }));
        }
        Self { entries, duration: Duration::ZERO, complete: filter.is_none(), last: None }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tests to carry out with their places. What `only` leaves out is decided already.
    pub fn planned(&mut self) -> impl Iterator<Item = (usize, &'f TestFile, &'f Case)> + use<'f> {
        let only: HashSet<&str> =
            self.entries.iter().filter(|entry| entry.case.only).map(|entry| entry.file.file.as_str()).collect();
        for entry in self.entries.iter_mut().filter(|entry| only.contains(entry.file.file.as_str()) && !entry.case.only) {
            entry.verdict = Some(Verdict::at_once(Status::Skipped("another test says `only`".to_owned())));
            self.complete = false;
        }
        let open = self.entries.iter().enumerate().filter(|(_, entry)| entry.verdict.is_none());
        open.map(|(place, entry)| (place, entry.file, entry.case)).collect::<Vec<_>>().into_iter()
    }

    /// Takes a verdict in; says it unless there will be a document.
    ///
    /// # Errors
    /// When standard output does not take it.
    pub fn take(&mut self, place: usize, verdict: Verdict, silent: bool) -> std::io::Result<()> {
        let entry = &mut self.entries[place];
        if !silent {
            if self.last != Some(entry.file.file.as_str()) {
                self.last = Some(entry.file.file.as_str());
                let (file, pipeline) = (inert::line(&entry.file.file), inert::line(entry.file.tested.name()));
                try_line(format_args!("{file} ({pipeline})"))?;
            }
            try_line(format_args!("  {}", line(entry.case, &verdict)))?;
        }
        entry.verdict = Some(verdict);
        Ok(())
    }

    /// Whatever has no verdict by now was left over.
    pub fn close(&mut self, duration: Duration) {
        self.duration = duration;
        for entry in self.entries.iter_mut().filter(|entry| entry.verdict.is_none()) {
            entry.verdict = Some(Verdict::at_once(Status::Skipped("an earlier test failed".to_owned())));
            self.complete = false;
        }
    }

    pub fn is_good(&self) -> bool {
        self.entries.iter().all(|entry| entry.status().is_none_or(|status| !status.is_bad()))
    }

    pub fn count(&self, name: &str) -> usize {
        self.entries.iter().filter(|entry| entry.status().is_some_and(|status| status.name() == name)).count()
    }

    /// The files of the tests, each with its own.
    pub fn by_file(&self) -> Vec<(&'f TestFile, Vec<&Entry<'f>>)> {
        let mut files: Vec<(&TestFile, Vec<&Entry<'f>>)> = Vec::new();
        for entry in &self.entries {
            match files.last_mut() {
                Some((file, entries)) if file.file == entry.file.file => entries.push(entry),
                _ => files.push((entry.file, vec![entry])),
            }
        }
        files
    }

    /// The stages that no test of the file has tried; nothing where not all of its tests were asked for.
    fn never_tested(&self, file: &TestFile, entries: &[&Entry<'_>]) -> Vec<String> {
        let Some(pipeline) = file.tested.pipeline.as_ref().filter(|_| self.complete) else { return Vec::new() };
        let tried =
            |id: &str| entries.iter().filter_map(|entry| entry.verdict.as_ref()).any(|verdict| verdict.tried.contains(id));
        let stages = pipeline.stages.iter().filter(|stage| stage.enabled && !tried(stage.id.as_str()));
        stages.map(|stage| stage.id.to_string()).collect()
    }

    /// What is not tested, every failure, and the sum.
    pub fn summary(&self) {
        for (file, entries) in self.by_file() {
            let never = self.never_tested(file, &entries);
            if !never.is_empty() {
                outln!("never tested in {}: {}", inert::line(file.tested.name()), never.join(", "));
            }
        }
        for entry in &self.entries {
            let lines = entry.status().map(explained).unwrap_or_default();
            if !lines.is_empty() {
                outln!("\nFAILED {}:{} {}", inert::line(&entry.file.file), entry.case.line, inert::line(&entry.case.name));
                lines.iter().for_each(|line| outln!("  {}", inert::line(line)));
            }
        }
        let bad = self.count("failed") + self.count("error");
        let skipped = match self.count("skipped") {
            0 => String::new(),
            some => format!(", {some} skipped"),
        };
        let total = self.entries.len();
        let tests = if total == 1 { "test" } else { "tests" };
        outln!("\n{total} {tests}: {} passed, {bad} failed{skipped} ({})", self.count("passed"), spoken(self.duration));
    }

    /// Everything, for scripts.
    pub fn document(&self) -> Value {
        let files: Vec<Value> = self
            .by_file()
            .into_iter()
            .map(|(file, entries)| {
                let tests: Vec<Value> = entries.iter().map(|entry| entry.document()).collect();
                json!({"file": file.file, "pipeline": file.tested.name(), "pipeline_file": file.tested.file, "problems": [],
                       "never_tested": self.never_tested(file, &entries), "tests": tests})
            })
            .collect();
        json!({"ok": self.is_good(), "passed": self.count("passed"), "failed": self.count("failed"), "errors": self.count("error"),
               "skipped": self.count("skipped"), "duration_ms": millis(self.duration), "files": files})
    }
}

impl Entry<'_> {
    pub fn status(&self) -> Option<&Status> {
        self.verdict.as_ref().map(|verdict| &verdict.status)
    }

    fn document(&self) -> Value {
        let status = self.status();
        let failures: Vec<Value> = match status {
            Some(Status::Failed(failures)) => failures.iter().map(failure).collect(),
            Some(Status::Broken(reason)) => vec![json!({"message": reason})],
            Some(Status::Passed | Status::Skipped(_)) | None => Vec::new(),
        };
        let mut document = json!({"name": self.case.name, "line": self.case.line, "status": status.map(Status::name),
               "duration_ms": self.verdict.as_ref().map(|verdict| millis(verdict.duration)), "failures": failures});
        if let Some(Status::Skipped(reason)) = status {
            document["reason"] = reason.as_str().into();
        }
        document
    }
}

fn failure(failure: &Failure) -> Value {
    match failure {
        Failure::Said(message) => json!({"message": message}),
        Failure::Differs { path, expected, found } => {
            let mut document = json!({"message": "not as expected", "path": path});
            for (name, value) in [("expected", expected), ("found", found)] {
                if let Some(value) = value {
                    document[name] = value.clone();
                }
            }
            document
        }
        Failure::Assertion { source, read, error } => {
            let read: serde_json::Map<String, Value> = read.iter().cloned().collect();
            json!({"message": error.as_deref().unwrap_or("does not hold"), "assert": source, "values": read})
        }
    }
}

fn line(case: &Case, verdict: &Verdict) -> String {
    let name = inert::line(&case.name);
    match &verdict.status {
        Status::Passed => format!("ok    {name} ({})", spoken(verdict.duration)),
        Status::Failed(_) | Status::Broken(_) => format!("FAIL  {name} ({})", spoken(verdict.duration)),
        Status::Skipped(reason) if reason.is_empty() => format!("skip  {name}"),
        Status::Skipped(reason) => format!("skip  {name}: {}", inert::line(reason)),
    }
}

/// The failures of a test as lines.
pub fn explained(status: &Status) -> Vec<String> {
    let failures = match status {
        Status::Failed(failures) => failures,
        Status::Broken(reason) => return vec![reason.clone()],
        Status::Passed | Status::Skipped(_) => return Vec::new(),
    };
    let mut lines = Vec::new();
    for failure in failures {
        match failure {
            Failure::Said(message) => lines.push(message.clone()),
            Failure::Differs { path, expected, found } => {
                let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "(nothing)".to_owned(), short);
                lines.push(path.clone());
                lines.push(format!("  expected  {}", shown(expected)));
                lines.push(format!("  found     {}", shown(found)));
            }
            Failure::Assertion { source, read, error } => {
                lines.push(format!("assert: {source}"));
                lines.extend(error.as_ref().map(|error| format!("  {error}")));
                let width = read.iter().map(|(place, _)| place.chars().count()).max().unwrap_or(0);
                lines.extend(read.iter().map(|(place, value)| format!("  {place:width$}  {}", short(value))));
            }
        }
    }
    lines
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

fn spoken(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What is wrong with the test files themselves: nothing is run then.
pub fn problems(files: &[TestFile], json: bool) {
    for file in files.iter().filter(|file| !file.problems.is_empty()) {
        errln!("{}", language::report(&file.problems, &file.file, &file.text, colour()).trim_end());
    }
    if json {
        let documents: Vec<Value> = files
            .iter()
            .map(|file| json!({"file": file.file, "problems": validate::documents(&file.problems, &file.text), "tests": []}))
            .collect();
        outln!("{:#}", json!({"ok": false, "files": documents}));
    }
}
