//! What each component type does: one file per type, one table.
//!
//! Owns the step from a stage's config to its work: rendering, running what has no effects, and describing what has
//! (an HTTP call to await, a process to start). Must not know runs, scheduling, retries, masking or the store.

mod ai;
mod approval;
mod ask;
mod batches;
mod conditional;
mod counted;
mod deploy;
mod early_return;
mod egress;
mod fields;
mod filter;
mod foreach;
mod forward;
mod frame;
mod health_check;
mod http;
mod http_request;
mod json_transform;
mod locals;
mod logger;
mod looks;
mod mock;
mod names;
mod notify;
mod path;
mod program;
mod retry_until;
mod rollback;
mod rollout;
mod router;
mod schema_validate;
mod shell;
mod smoke_test;
mod subpipeline;
#[cfg(test)]
mod testing;
mod trycatch;
mod variable_set;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::language::scope::Scope;
use crate::language::{Component, StageSpec};
use crate::model::{ErrorKind, NoteLevel, Outcome, RunId, StageError, StageId};
use crate::process;

pub use ai::{Ai, Events, Key, Provider, ProviderKind, TooLarge, find_json};
pub use approval::Question;
use counted::Counted;
pub use deploy::Cargo;
pub use egress::Egress;
pub use frame::{Foreach, Frame, TryCatch};
pub use health_check::Service;
pub use http::Http;
pub use looks::only_looks;
pub use notify::{Format, News, Severity, Target, Vault, deliver};
pub use retry_until::retry_condition;
pub use rollout::{WORKER as ROLLOUT_WORKER, worker::main as roll_out};
pub use subpipeline::ChildRun;

/// Tells whether a text holds something that must not be seen.
pub trait Secrets {
    /// True when the text contains a secret of this run.
    fn contains_secret(&self, text: &str) -> bool;

    /// True when some of the value would be hidden wherever it is shown: in texts, keys and numbers, however written.
    fn hides(&self, value: &Value) -> bool;

    /// True when the text contains a credential: a secret, or an environment value that looks like one.
    fn contains_credential(&self, text: &str) -> bool;
}

/// What the workspace says about the world outside, as it was when a run began.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub http: Http,
    pub ai: Ai,
    pub services: Vec<Service>,
    /// Where news go, by name.
    pub notify: BTreeMap<String, Target>,
}

/// Everything an operator may look at for one attempt.
pub struct Context<'a> {
    pub scope: &'a dyn Scope,
    pub stage: &'a StageSpec,
    pub run_id: &'a RunId,
    /// Counted from 1.
    pub attempt: u32,
    /// The directory stages run in, absolute.
    pub workspace: &'a str,
    pub http: &'a Http,
    pub ai: &'a Ai,
    pub services: &'a [Service],
    pub notify: &'a BTreeMap<String, Target>,
    pub secrets: &'a dyn Secrets,
    /// This program, for work that it does in a process of its own.
    pub exe: &'a str,
}

/// The stage's config, rendered, and the work it asks for.
#[derive(Debug)]
pub struct Prepared {
    pub work: Work,
    /// The rendered config, unmasked; null for operators without effects.
    pub config: Value,
}

/// What is left to do for an attempt.
#[derive(Debug)]
pub enum Work {
    /// Nothing: the operator had no effects and is done.
    Done(Done),
    /// A call to await inside the engine; dropping the future gives it up.
    Call(Call),
    /// A process for the runner; its end goes through [`finish_process`].
    Process(process::Spec),
    /// Other stages, which the scheduler runs inside this one.
    Frame(Frame),
    /// Another pipeline's run.
    Child(ChildRun),
}

/// The result of an operator without effects.
#[derive(Debug)]
pub struct Done {
    pub outcome: Outcome,
    /// Lines for the run's own log.
    pub notes: Vec<(NoteLevel, String)>,
    /// Lines for the stage's log.
    pub log: Vec<String>,
    /// Variables that later stages may read.
    pub variables: Option<Map<String, Value>>,
    pub branch: Option<Branch>,
    /// Whether a gate let the data pass; `None` when the stage is no gate.
    pub gate: Option<bool>,
}

/// Which owned stages a control-flow stage starts and which it leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub run: Vec<StageId>,
    pub skip: Vec<StageId>,
}

/// Work that waits for somebody else.
pub struct Call {
    pub future: BoxFuture<'static, Outcome>,
    /// Doing it twice is harmless.
    pub idempotent: bool,
    /// Lines for the run's own log, said before the call begins.
    pub notes: Vec<(NoteLevel, String)>,
    /// Pieces of the stage's log, unmasked, as they come; it ends with the future. `None`: the call has nothing to say.
    pub output: Option<mpsc::Receiver<String>>,
}

impl Call {
    fn new(future: impl Future<Output = Outcome> + Send + 'static, idempotent: bool) -> Self {
        Self { future: Box::pin(future), idempotent, notes: Vec::new(), output: None }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("idempotent", &self.idempotent).finish_non_exhaustive()
    }
}

impl Done {
    fn with_output(output: Value) -> Self {
        Self::with_outcome(Outcome::succeeded(output))
    }

    fn with_outcome(outcome: Outcome) -> Self {
        Self { outcome, notes: Vec::new(), log: Vec::new(), variables: None, branch: None, gate: None }
    }
}

impl From<Done> for Prepared {
    fn from(done: Done) -> Self {
        Self { work: Work::Done(done), config: Value::Null }
    }
}

/// What repeating a component's work does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effects {
    /// Computed from its config alone.
    None,
    /// Depends on the HTTP method.
    ByMethod,
    /// Asks somebody who only answers.
    Asking,
    /// Another run has them, with places and records of its own.
    Elsewhere,
    /// Anything may happen.
    Unknown,
}

/// The form that a component's work takes, known before anything is rendered: after a crash it tells where to look.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Computed at once.
    Inline,
    Call,
    /// A process of the runner, and what its end means.
    Process(fn(&StageSpec, &process::Exit) -> Outcome),
    Frame,
    Child,
    /// It depends on what the stage says.
    Chosen(fn(&StageSpec) -> Shape),
}

struct Operator {
    component: Component,
    effects: Effects,
    shape: Shape,
    prepare: fn(&Context) -> Result<Prepared, StageError>,
}

const TABLE: &[Operator] = &[
    Operator {
        component: Component::Shell,
        effects: Effects::Unknown,
        shape: Shape::Process(shell::finish),
        prepare: shell::prepare,
    },
    Operator {
        component: Component::HttpRequest,
        effects: Effects::ByMethod,
        shape: Shape::Call,
        prepare: http_request::prepare,
    },
    Operator {
        component: Component::JsonTransform,
        effects: Effects::None,
        shape: Shape::Inline,
        prepare: json_transform::prepare,
    },
    Operator { component: Component::Filter, effects: Effects::None, shape: Shape::Inline, prepare: filter::prepare },
    Operator {
        component: Component::SchemaValidate,
        effects: Effects::None,
        shape: Shape::Inline,
        prepare: schema_validate::prepare,
    },
    Operator { component: Component::Logger, effects: Effects::None, shape: Shape::Inline, prepare: logger::prepare },
    Operator { component: Component::VariableSet, effects: Effects::None, shape: Shape::Inline, prepare: variable_set::prepare },
    Operator { component: Component::Conditional, effects: Effects::None, shape: Shape::Inline, prepare: conditional::prepare },
    Operator { component: Component::Router, effects: Effects::None, shape: Shape::Inline, prepare: router::prepare },
    Operator { component: Component::Return, effects: Effects::None, shape: Shape::Inline, prepare: early_return::prepare },
    Operator { component: Component::Foreach, effects: Effects::None, shape: Shape::Frame, prepare: foreach::prepare },
    Operator { component: Component::TryCatch, effects: Effects::None, shape: Shape::Frame, prepare: trycatch::prepare },
    Operator {
        component: Component::Subpipeline,
        effects: Effects::Elsewhere,
        shape: Shape::Child,
        prepare: subpipeline::prepare,
    },
    Operator { component: Component::Loop, effects: Effects::None, shape: Shape::Inline, prepare: batches::prepare },
    Operator { component: Component::Approval, effects: Effects::None, shape: Shape::Inline, prepare: approval::prepare },
    Operator {
        component: Component::Deploy,
        effects: Effects::Unknown,
        shape: Shape::Chosen(deploy::shape),
        prepare: deploy::prepare,
    },
    Operator { component: Component::Rollback, effects: Effects::Elsewhere, shape: Shape::Child, prepare: rollback::prepare },
    Operator { component: Component::Mock, effects: Effects::None, shape: Shape::Inline, prepare: mock::prepare },
    Operator { component: Component::Generator, effects: Effects::Asking, shape: Shape::Call, prepare: ai::generator::prepare },
    Operator { component: Component::Critic, effects: Effects::Asking, shape: Shape::Call, prepare: ai::critic::prepare },
    Operator { component: Component::Improver, effects: Effects::Asking, shape: Shape::Call, prepare: ai::improver::prepare },
    Operator { component: Component::Selector, effects: Effects::Asking, shape: Shape::Call, prepare: ai::selector::prepare },
    Operator {
        component: Component::Synthesizer,
        effects: Effects::Asking,
        shape: Shape::Call,
        prepare: ai::synthesizer::prepare,
    },
    Operator {
        component: Component::Rollout,
        effects: Effects::Unknown,
        shape: Shape::Process(rollout::finish),
        prepare: rollout::prepare,
    },
    Operator { component: Component::HealthCheck, effects: Effects::Asking, shape: Shape::Call, prepare: health_check::prepare },
    Operator {
        component: Component::Notify,
        effects: Effects::Unknown,
        shape: Shape::Chosen(notify::shape),
        prepare: notify::prepare,
    },
    Operator { component: Component::SmokeTest, effects: Effects::Asking, shape: Shape::Call, prepare: smoke_test::prepare },
];

fn operator(component: Component) -> Option<&'static Operator> {
    TABLE.iter().find(|operator| operator.component == component)
}

/// Renders a stage's config and does, or describes, its work.
///
/// # Errors
/// A template that fails, a config field of the wrong kind, or a component that this build does not run.
pub fn prepare(context: &Context) -> Result<Prepared, StageError> {
    match operator(context.stage.component) {
        Some(operator) => {
            let scope = Counted::new(context.scope);
            (operator.prepare)(&Context { scope: &scope, ..*context })
        }
        None => {
            let name = context.stage.component.name();
            Err(StageError::new(ErrorKind::Configuration, format!("this build does not run `{name}` yet")))
        }
    }
}

/// The form that the work of a stage takes.
pub fn shape(stage: &StageSpec) -> Shape {
    match operator(stage.component).map(|operator| operator.shape) {
        Some(Shape::Chosen(choose)) => choose(stage),
        Some(shape) => shape,
        None => Shape::Inline,
    }
}

/// What the end of a stage's process means for the stage.
pub fn finish_process(stage: &StageSpec, exit: &process::Exit) -> Outcome {
    match shape(stage) {
        Shape::Process(finish) => finish(stage, exit),
        Shape::Inline | Shape::Call | Shape::Frame | Shape::Child | Shape::Chosen(_) => shell::finish(stage, exit),
    }
}

/// What a deploy stage brings, rendered.
///
/// # Errors
/// As of its config: a template that fails, a service or version that is missing.
pub fn cargo(context: &Context) -> Result<Cargo, StageError> {
    deploy::cargo(context)
}

/// What a deployment gives: what was deployed, by the recorded config of its attempt, and what its work gave.
pub fn deployed(config: &Value, result: Value) -> Value {
    deploy::output(config, result)
}

/// What an approval stage asks, rendered.
///
/// # Errors
/// As of its config: a template that fails, a rule that names nobody.
pub fn question(context: &Context) -> Result<Question, StageError> {
    approval::question(context)
}

/// Whether this build has an operator for the component.
pub fn runs(component: Component) -> bool {
    operator(component).is_some()
}

/// Computed inline, without any effect.
pub fn is_pure(component: Component) -> bool {
    operator(component).is_some_and(|operator| operator.effects == Effects::None)
}

/// Whether it takes one of the engine's places for work with effects.
pub fn takes_a_place(component: Component) -> bool {
    operator(component).is_none_or(|operator| !matches!(operator.effects, Effects::None | Effects::Elsewhere))
}

/// Whether an interrupted attempt may simply be done again. What the author says wins.
pub fn is_idempotent(stage: &StageSpec) -> bool {
    stage.idempotent.unwrap_or_else(|| match operator(stage.component).map(|operator| operator.effects) {
        Some(Effects::None | Effects::Asking | Effects::Elsewhere) => true,
        Some(Effects::ByMethod) => http_request::is_safe_method(stage.config.get("method")),
        Some(Effects::Unknown) | None => false,
    })
}

#[cfg(test)]
mod tests;
