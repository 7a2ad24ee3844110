//! Stages and scopes for the tests of operators.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Ai, Context, Done, Http, Prepared, Secrets, Service, Target, Work, prepare};
use crate::language::scope::{Scope, StageView};
use crate::language::{Component, OnError, OnUnknown, Retry, StageSpec};
use crate::model::{Outcome, RunId, StageError, StageId, StageStatus, Timestamp};
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
    services: Vec<Service>,
    notify: BTreeMap<String, Target>,
}

impl Stage {
    pub(super) fn new(component: Component, config: Value) -> Self {
        let names = Names { context: Map::from_iter([("pipeline_id".to_owned(), json!("tests"))]), ..Names::default() };
        Self {
            spec: spec(component, config),
            names,
            http: Http::default(),
            ai: Ai::default(),
            services: Vec::new(),
            notify: BTreeMap::new(),
        }
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

    pub(super) fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    pub(super) fn target(mut self, name: &str, target: Target) -> Self {
        self.notify.insert(name.to_owned(), target);
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
            services: &self.services,
            notify: &self.notify,
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

/// A server that answers by the path: a status and a body. Gives its address, and what it was asked.
pub(super) async fn serving(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            let whole = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let (head, body) = text.split_once("\r\n\r\n")?;
                let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                (body.len() >= length.unwrap_or(0)).then(|| text.clone())
            };
            let request = loop {
                if let Some(text) = whole(&bytes) {
                    break text;
                }
                match stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => break String::new(),
                    Ok(length) => bytes.extend_from_slice(&buffer[..length]),
                }
            };
            let (status, body) = answer(request.split(' ').nth(1).unwrap_or_default());
            let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.ok();
            sender.try_send(request).ok();
        }
    });
    (address, requests)
}

/// Awaits a stage's call to its end; gives its outcome and what it wrote into its log.
pub(super) async fn awaited(stage: &Stage) -> (Outcome, String) {
    let call = match stage.prepared().unwrap().work {
        Work::Call(call) => call,
        other => panic!("{other:?}"),
    };
    let log = async {
        let mut log = String::new();
        if let Some(mut lines) = call.output {
            while let Some(line) = lines.recv().await {
                log.push_str(&line);
            }
        }
        log
    };
    tokio::join!(call.future, log)
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
        undoes: None,
        produces: None,
        span: 0..0,
    }
}
