//! Test files: how a pipeline is tried out without its effects, and what must come of it.
//!
//! Owns the format of `*.test.yaml`, its diagnostics, how values are compared, and the document that a test runs in
//! place of the pipeline. Must not know files, or how runs are carried out.

mod answers;
mod expect;
pub mod fields;
pub mod matching;
mod read;
mod rewrite;

use std::time::Duration;

use serde_json::{Map, Value};

use super::component::Component;
use super::pipeline::Pipeline;
use super::problem::Problem;
use crate::model::{RunStatus, StageId, Values};

pub use answers::Mock;
pub use expect::{RUN_FACTS, STAGE_FACTS};
pub use fields::schema;
pub use read::{load, pipeline_name};
pub use rewrite::rewrite;

/// What a test file is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'p> {
    Pipeline(&'p Pipeline),
    /// The pipeline is there but is not valid; a test may expect just that.
    Invalid,
    /// Why there is none.
    Missing(&'p str),
}

/// What a text turned out to be.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// `None` exactly when there are problems.
    pub suite: Option<Suite>,
    /// In the order of the text. A slip in a test would pass unnoticed, so all of them are errors.
    pub problems: Vec<Problem>,
}

/// The tests of one pipeline, in the order of the file.
#[derive(Debug, Clone)]
pub struct Suite {
    pub cases: Vec<Case>,
}

/// One test; what the file says for all of its tests is merged in.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    /// The line it begins in, from 1.
    pub line: usize,
    pub inputs: Map<String, Value>,
    /// Start from the pipeline's own sample input.
    pub sample: bool,
    pub values: Values,
    pub environment: Option<String>,
    pub mocks: Vec<Mock>,
    /// What may run for real.
    pub allow: Vec<Target>,
    pub timeout: Duration,
    /// Why it is left out.
    pub skip: Option<String>,
    /// The other tests are left out.
    pub only: bool,
    pub expect: Expect,
}

/// One stage, or all stages of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Stage(StageId),
    Type(Component),
}

/// What must come of the run.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    pub status: Option<RunStatus>,
    pub output: Option<Value>,
    pub contains: Option<Value>,
    pub stages: Vec<StageExpect>,
    pub not_run: Vec<StageId>,
    pub error: Option<ErrorExpect>,
    /// Expressions that must hold.
    pub assert: Vec<String>,
}

/// What must have become of a stage.
#[derive(Debug, Clone, Default)]
pub struct StageExpect {
    /// As written in the pipeline, or one round of a loop: `build[0]`.
    pub id: String,
    /// A status, or [`NOT_RUN`].
    pub status: Option<String>,
    pub output: Option<Value>,
    pub contains: Option<Value>,
    pub error: Option<ErrorExpect>,
    pub reason: Option<String>,
    pub attempts: Option<usize>,
    pub iterations: Option<usize>,
    /// An object fits one of the calls; a list fits them all, in order.
    pub called_with: Option<Value>,
}

/// The error that must be there; what is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct ErrorExpect {
    pub kind: Option<String>,
    pub stage: Option<StageId>,
    pub message: Option<String>,
    pub invalid: Option<Invalid>,
}

/// What keeps a run from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    Inputs,
    Pipeline,
}

/// The word for a stage that was never tried: skipped, or not reached.
pub const NOT_RUN: &str = "not_run";
/// The field in the details of an error that a stage without a fitting mock ends with.
pub const UNMOCKED: &str = "unmocked";

/// What a component would do to the world, for the sentence "stage `x` would …".
pub fn deed(component: Component) -> &'static str {
    match component {
        Component::Shell => "run a shell command",
        Component::HttpRequest => "send an HTTP request",
        Component::Generator | Component::Critic | Component::Improver | Component::Selector | Component::Synthesizer => {
            "ask a language model"
        }
        Component::Subpipeline => "run another pipeline",
        Component::Approval => "ask people",
        Component::Notify => "tell people",
        Component::HealthCheck | Component::SmokeTest => "call a service",
        Component::Deploy | Component::Rollback | Component::Rollout => "change an environment",
        _ => "have an effect",
    }
}
