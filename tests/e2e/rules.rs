//! The rules of the pipeline language, a test named after each, kept by the real binary: one file per section of the
//! language reference. What is pure is tested beside its code under `src/language` and `src/operators`.
//!
//! Tests that run at the same time share a workspace and its engine.

mod ai;
mod conditions;
mod document;
mod errors;
mod guards;
mod loops;
mod operators;
mod scheduling;
mod spellings;
mod templates;
mod units;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use super::support::{Said, Workspace};

static SHARED: Mutex<Weak<Workspace>> = Mutex::new(Weak::new());
static PIPELINES: AtomicU64 = AtomicU64::new(0);

/// A place to run pipelines in.
struct Lab(Arc<Workspace>);

impl Lab {
    fn open() -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let workspace = shared.upgrade().unwrap_or_else(|| {
            let workspace = Workspace::new();
            // What examples include.
            for name in ["x", "checks"] {
                workspace.pipeline(&format!("{name}.yaml"), "{id: x, stages: [{id: a, type: logger, config: {message: m}}]}");
            }
            Arc::new(workspace)
        });
        *shared = Arc::downgrade(&workspace);
        Self(workspace)
    }

    /// Writes a document down; gives the name it has here.
    fn keep(&self, document: &str) -> String {
        let name = format!("p{}", PIPELINES.fetch_add(1, Ordering::Relaxed));
        self.0.pipeline(&format!("{name}.yaml"), document);
        name
    }

    fn say(&self, command: &str, document: &str, args: &[&str]) -> Said {
        let name = self.keep(document);
        self.0.say(&[&[command, &name], args].concat())
    }
}

/// Runs a document to its end, however that is.
fn run_document(document: &str, args: &[&str]) -> Value {
    Lab::open().say("run", document, &[&["--json"], args].concat()).json()
}

/// Runs a pipeline of these stages, in YAML's flow notation.
fn run(stages: &str) -> Value {
    run_document(&format!("{{id: p, stages: [{stages}]}}"), &[])
}

/// As `run`, of a run that has to succeed; gives its output.
fn output(stages: &str) -> Value {
    let run = run(stages);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    run["output"].clone()
}

/// The problems of a document as `severity code`, in their order.
fn problems(document: &str) -> Vec<String> {
    let report = Lab::open().say("validate", document, &["--json"]).json();
    let found = report["pipelines"][0]["problems"].as_array().unwrap_or_else(|| panic!("{report:#}"));
    let word = |problem: &Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    found.iter().map(|problem| format!("{} {}", word(problem, "severity"), word(problem, "code"))).collect()
}

/// The problems of a pipeline of these stages.
fn stage_problems(stages: &str) -> Vec<String> {
    problems(&format!("{{id: p, stages: [{stages}]}}"))
}

/// What one stage came to: its status, and why when it was skipped.
fn fate(run: &Value, stage: &str) -> String {
    let stage = &run["stages"][stage];
    let status = stage["status"].as_str().unwrap_or("missing");
    match stage["reason"].as_str() {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_owned(),
    }
}

/// The fates of several stages.
fn fates<const N: usize>(run: &Value, stages: [&str; N]) -> [String; N] {
    stages.map(|stage| fate(run, stage))
}
