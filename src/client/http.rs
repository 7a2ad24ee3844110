//! One method per route.

use std::path::{Path, PathBuf};

use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::ClientError;
use crate::api::Failure;
use crate::model::{
    AuditQuery, AuditRecord, AuditVerdict, BreakRequest, Created, Decided, Deployments, Document, EngineStatus, Event, GateView,
    LogQuery, LogWindow, NewRun, PromoteRequest, Rerun, Resolution, ReviewRequest, RollbackPlan, RollbackRequest, Run, RunId,
    RunStatus, RunSummary, ScanQuery, Sealed, Stage, StageId, StandingRequest, Values, VerifyRequest, ViewQuery, ViewWindow,
    Whoami,
};

/// A connection to an engine; a cheap handle.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    socket: PathBuf,
}

impl Client {
    /// A client of the engine behind this socket. Nothing is sent yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(socket: &Path) -> Result<Self, ClientError> {
        // No TLS on a local socket, so no certificates are read either.
        let http = reqwest::Client::builder().unix_socket(socket.to_path_buf()).no_proxy().tls_certs_only([]).build();
        let http = http.map_err(|error| ClientError::Nonsense(error.to_string()))?;
        Ok(Self { http, socket: socket.to_path_buf() })
    }

    pub async fn status(&self) -> Result<EngineStatus, ClientError> {
        self.get("engine", &()).await
    }

    /// Who this process is to the engine, and what it may do.
    pub async fn whoami(&self) -> Result<Whoami, ClientError> {
        self.get("whoami", &()).await
    }

    /// Asks the engine to stop; runs go on in their runners and are taken up by the next engine.
    pub async fn stop_engine(&self) -> Result<EngineStatus, ClientError> {
        self.post("engine/stop", &json!({})).await
    }

    pub async fn doctor(&self) -> Result<Vec<String>, ClientError> {
        self.get("doctor", &()).await
    }

    /// Records of the audit chain.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, ClientError> {
        self.get("audit", query).await
    }

    /// Has the engine go through its audit chain.
    pub async fn verify_audit(&self, request: &VerifyRequest) -> Result<AuditVerdict, ClientError> {
        self.post("audit/verify", request).await
    }

    /// Has the engine sign for its audit chain.
    pub async fn checkpoint(&self) -> Result<Sealed, ClientError> {
        self.post("audit/checkpoint", &json!({})).await
    }

    /// Requests that wait for people; with `all`, also those that are over.
    pub async fn gates(&self, all: bool) -> Result<Vec<GateView>, ClientError> {
        self.get("gates", &json!({"all": all})).await
    }

    /// One gate, by its name or the beginning of it.
    pub async fn gate(&self, id: &str) -> Result<GateView, ClientError> {
        self.get(&format!("gates/{}", encode(id)), &()).await
    }

    /// Bypasses guards of a gate, where the environment allows that.
    pub async fn break_glass(&self, gate: &str, request: &BreakRequest) -> Result<GateView, ClientError> {
        self.post(&format!("gates/{}/break", encode(gate)), request).await
    }

    /// Closes the review of broken glass.
    pub async fn review_glass(&self, gate: &str, request: &ReviewRequest) -> Result<Deployments, ClientError> {
        self.post(&format!("gates/{}/review", encode(gate)), request).await
    }

    pub async fn decide(&self, gate: &str, decided: &Decided) -> Result<GateView, ClientError> {
        self.post(&format!("gates/{}/decide", encode(gate)), decided).await
    }

    /// What is live where, and what was.
    pub async fn deployments(&self) -> Result<Deployments, ClientError> {
        self.get("environments", &()).await
    }

    /// What a rollback would do.
    pub async fn rollback_plan(
        &self,
        environment: &str,
        service: Option<&str>,
        to: Option<&str>,
    ) -> Result<RollbackPlan, ClientError> {
        let query: Vec<(&str, &str)> =
            [("service", service), ("to", to)].into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        self.get(&format!("environments/{}/rollback", encode(environment)), &query).await
    }

    /// Starts a rollback; gives its run.
    pub async fn roll_back(&self, environment: &str, request: &RollbackRequest) -> Result<RunId, ClientError> {
        let path = format!("environments/{}/rollback", encode(environment));
        self.post::<_, Created>(&path, request).await.map(|created| created.id)
    }

    /// Starts the run that brings the live release of a service to the next environment, `to`.
    pub async fn promote(&self, to: &str, request: &PromoteRequest) -> Result<RunId, ClientError> {
        let path = format!("environments/{}/promote", encode(to));
        self.post::<_, Created>(&path, request).await.map(|created| created.id)
    }

    /// Holds an environment, puts an artefact in quarantine, or lifts either.
    pub async fn change_standing(&self, environment: &str, request: &StandingRequest) -> Result<Deployments, ClientError> {
        self.post(&format!("environments/{}/standing", encode(environment)), request).await
    }

    pub async fn create(&self, new: &NewRun) -> Result<RunId, ClientError> {
        self.post::<_, Created>("runs", new).await.map(|created| created.id)
    }

    pub async fn runs(&self, limit: usize, status: Option<RunStatus>) -> Result<Vec<RunSummary>, ClientError> {
        self.listed(limit, status, None).await
    }

    /// The newest runs that the stages of a run started.
    pub async fn runs_of(&self, run: &str, limit: usize, status: Option<RunStatus>) -> Result<Vec<RunSummary>, ClientError> {
        self.listed(limit, status, Some(("of", run.to_owned()))).await
    }

    async fn listed(
        &self,
        limit: usize,
        status: Option<RunStatus>,
        of: Option<(&'static str, String)>,
    ) -> Result<Vec<RunSummary>, ClientError> {
        let limit = ("limit", limit.to_string());
        let status = status.map(|status| ("status", status.to_string()));
        let query: Vec<_> = [limit].into_iter().chain(status).chain(of).collect();
        self.get("runs", &query).await
    }

    /// A run with everything, by id, a unique part of it, or `last`.
    pub async fn run(&self, id: &str) -> Result<Run, ClientError> {
        self.get(&format!("runs/{}", encode(id)), &()).await
    }

    pub async fn stage(&self, id: &RunId, stage: &StageId) -> Result<Stage, ClientError> {
        self.get(&format!("runs/{}/stages/{}", encode(id.as_str()), encode(stage.as_str())), &()).await
    }

    pub async fn cancel(&self, id: &str, force: bool) -> Result<RunId, ClientError> {
        let path = format!("runs/{}/cancel", encode(id));
        self.post::<_, Created>(&path, &json!({"force": force})).await.map(|created| created.id)
    }

    pub async fn rerun(&self, id: &str, rerun: &Rerun) -> Result<RunId, ClientError> {
        self.post::<_, Created>(&format!("runs/{}/rerun", encode(id)), rerun).await.map(|created| created.id)
    }

    pub async fn resolve(&self, id: &str, stage: &StageId, resolution: Resolution) -> Result<RunId, ClientError> {
        let body = json!({"stage": stage, "resolution": resolution});
        self.post::<_, Created>(&format!("runs/{}/resolve", encode(id)), &body).await.map(|created| created.id)
    }

    pub async fn provide(&self, id: &str, values: &Values) -> Result<RunId, ClientError> {
        self.post::<_, Created>(&format!("runs/{}/values", encode(id)), values).await.map(|created| created.id)
    }

    pub async fn log(&self, id: &str, query: &LogQuery) -> Result<LogWindow, ClientError> {
        self.get(&format!("runs/{}/log", encode(id)), query).await
    }

    /// The document pinned for a run.
    pub async fn document(&self, id: &str) -> Result<Document, ClientError> {
        self.get(&format!("runs/{}/document", encode(id)), &()).await
    }

    /// A page of a run's events after a sequence number, oldest first; an empty one is the end.
    pub async fn journal(&self, id: &RunId, after: u64) -> Result<Vec<Event>, ClientError> {
        self.get(&format!("runs/{}/events", encode(id.as_str())), &json!({"after": after})).await
    }

    /// Lines of a view of a run's logs.
    pub async fn lines(&self, id: &RunId, query: &ViewQuery) -> Result<ViewWindow, ClientError> {
        self.post(&format!("runs/{}/lines", encode(id.as_str())), query).await
    }

    /// Opens the raw stream of a scan.
    pub(super) async fn scanning(&self, id: &RunId, query: &ScanQuery) -> Result<Response, ClientError> {
        self.send(self.request(Method::POST, &format!("runs/{}/scan", encode(id.as_str()))).json(query)).await
    }

    /// Opens the raw event stream.
    pub(super) async fn events(&self, query: &[(&str, String)]) -> Result<Response, ClientError> {
        self.send(self.request(Method::GET, "events").query(query)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://flowdeck/v1/{path}"))
    }

    async fn get<Q: Serialize + ?Sized, T: DeserializeOwned>(&self, path: &str, query: &Q) -> Result<T, ClientError> {
        read(self.send(self.request(Method::GET, path).query(query)).await?).await
    }

    async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, ClientError> {
        read(self.send(self.request(Method::POST, path).json(body)).await?).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request
            .send()
            .await
            .map_err(|error| ClientError::Unreachable { socket: self.socket.display().to_string(), cause: innermost(&error) })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => Err(ClientError::Refused(Failure { status: status.as_u16(), ..failure })),
            Err(_) => Err(ClientError::Nonsense(format!("{status}: {}", String::from_utf8_lossy(&body)))),
        }
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let body = response.bytes().await.map_err(|error| ClientError::Nonsense(innermost(&error)))?;
    serde_json::from_slice(&body).map_err(|error| ClientError::Nonsense(error.to_string()))
}

/// The error that started it: the layers above only say that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
