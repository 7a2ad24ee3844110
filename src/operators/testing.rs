//! Stages and scopes for the tests of operators.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Ai, Context, Done, Http, Prepared, Secrets, Work, prepare};
use crate::language::scope::{Scope, StageView};
use crate::language::{Component, OnError, OnUnknown, Retry, StageSpec};
use crate::model::{RunId, StageError, StageId, StageStatus, Timestamp};
use crate::process;

/// What a test lets expressions read.
#[derive(Debug, Default)]
pub(super) struct Names {
    input: Value,
    context: Map<String, Value>,
    variables: Map<String, Value>,
    secrets: Vec<(String, String)>,
    stages: Vec<(String, Value)>,
}

impl Scope for Names {
    fn input(&self) -> &Value {
        &self.input
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        let (_, output) = self.stages.iter().find(|(name, _)| name == id)?;
        Some(StageView { status: StageStatus::Succeeded, output, error: None })
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        let known = self.stages.iter().map(|(name, _)| name.as_str()).filter(|name| text.starts_with(name));
        known.max_by_key(|name| name.len())
    }

    fn env(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn secret(&self, name: &str) -> Option<Cow<'_, str>> {
        self.secrets.iter().find(|(known, _)| known == name).map(|(_, value)| Cow::Borrowed(value.as_str()))
    }

    fn context(&self) -> &Map<String, Value> {
        &self.context
    }

    fn variables(&self) -> &Map<String, Value> {
        &self.variables
    }

    fn local(&self, _: &str) -> Option<&Value> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn uuid(&self, n: u32) -> String {
        format!("uuid-{n}")
    }

    fn strict(&self) -> bool {
        false
    }
}

impl Secrets for Names {
    fn contains_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|(_, value)| text.contains(value))
    }

    fn hides(&self, value: &Value) -> bool {
        self.contains_secret(&value.to_string())
    }

    fn contains_credential(&self, text: &str) -> bool {
        self.contains_secret(text)
    }
}

/// A stage with its config, in a scope.
pub(super) struct Stage {
    spec: StageSpec,
    names: Names,
    http: Http,
    ai: Ai,
}

impl Stage {
    pub(super) fn new(component: Component, config: Value) -> Self {
        let names = Names { context: Map::from_iter([("pipeline_id".to_owned(), json!("tests"))]), ..Names::default() };
        Self { spec: spec(component, config), names, http: Http::default(), ai: Ai::default() }
    }

    pub(super) fn input(mut self, input: Value) -> Self {
        self.names.input = input;
        self
    }

    pub(super) fn variables(mut self, variables: Value) -> Self {
        self.names.variables = variables.as_object().cloned().unwrap();
        self
    }

    pub(super) fn secret(mut self, name: &str, value: &str) -> Self {
        self.names.secrets.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    pub(super) fn ai(mut self, ai: Ai) -> Self {
        self.ai = ai;
        self
    }

    pub(super) fn upstream(mut self, id: &str, output: Value) -> Self {
        self.names.stages.push((id.to_owned(), output));
        self
    }

    pub(super) fn idempotent(mut self, idempotent: bool) -> Self {
        self.spec.idempotent = Some(idempotent);
        self
    }

    /// With an `environment` of its own.
    pub(super) fn targeting(mut self, environment: &str) -> Self {
        self.spec.environment = Some(environment.to_owned());
        self
    }

    /// With `error_handling: retry`.
    pub(super) fn polling(mut self) -> Self {
        self.spec.retry = fixed();
        self
    }

    pub(super) fn spec(&self) -> &StageSpec {
        &self.spec
    }

    pub(super) fn prepared(&self) -> Result<Prepared, StageError> {
        let run_id = RunId::from_text("run-1");
        prepare(&Context {
            scope: &self.names,
            stage: &self.spec,
            run_id: &run_id,
            attempt: 1,
            workspace: "/workspace",
            http: &self.http,
            ai: &self.ai,
            secrets: &self.names,
            exe: "/bin/flowdeck",
        })
    }

    pub(super) fn done(&self) -> Done {
        match self.prepared() {
            Ok(Prepared { work: Work::Done(done), config: Value::Null }) => done,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn process(&self) -> process::Spec {
        match self.prepared() {
            Ok(Prepared { work: Work::Process(spec), .. }) => spec,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn error(&self) -> StageError {
        self.prepared().expect_err("the stage should be refused")
    }
}

fn fixed() -> Retry {
    Retry::Fixed { max_retries: 1, delay: Duration::ZERO, until: None }
}

fn spec(component: Component, config: Value) -> StageSpec {
    StageSpec {
        id: StageId::new("stage"),
        waits_for: Vec::new(),
        reads: Vec::new(),
        name: None,
        description: None,
        component,
        config,
        depends_on: Vec::new(),
        owners: Vec::new(),
        timeout: None,
        retry: Retry::Never,
        on_error: OnError::default(),
        fallback_output: None,
        when: None,
        environment: None,
        idempotent: None,
        on_unknown: OnUnknown::default(),
        max_concurrency: None,
        enabled: true,
        compensate: Vec::new(),
        produces: None,
        span: 0..0,
    }
}
