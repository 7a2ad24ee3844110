//! What production answers through: a proxy on loopback that sends a share of the requests to a candidate beside the stable copy,
//! counts what both answer, and is its own small crowd of customers.
//!
//! Owns where requests go. Must not know releases: it is told ports and versions.

mod traffic;

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::service::{Place, read, told_to_end};
use traffic::Traffic;

/// Between two requests of the crowd. While a candidate has a share there are more of them, so that a trial takes seconds.
const QUIET: Duration = Duration::from_millis(200);
const BUSY: Duration = Duration::from_millis(10);
/// Customers do not wait for each other, but a copy that hangs gathers no more of them.
const CROWD: usize = 200;
/// A copy that takes longer has failed the request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A copy of the service that requests may go to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Side {
    /// The directory of the copy, beside the front's.
    pub slot: String,
    pub version: String,
    pub port: u16,
}

/// Where requests go: `routes.json` in the front's directory, so that a front that starts again goes on with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Routes {
    pub stable: Side,
    #[serde(default)]
    pub candidate: Option<Side>,
    /// Percent of the requests that go to the candidate.
    #[serde(default)]
    pub weight: u8,
}

struct Front {
    file: PathBuf,
    routes: RwLock<Routes>,
    traffic: Traffic,
    client: reqwest::Client,
}

/// Is the front of the environment in `dir` until it is told to end.
///
/// # Errors
/// When its files cannot be read or the port is taken.
pub async fn serve(dir: &Path) -> std::io::Result<()> {
    let place: Place = read(&dir.join("service.json"))?;
    let file = routes_file(dir);
    let routes = RwLock::new(read(&file)?);
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build();
    let client = client.map_err(std::io::Error::other)?;
    let listener = TcpListener::bind(("127.0.0.1", place.port)).await?;
    std::fs::write(dir.join("pid"), std::process::id().to_string())?;
    let front = Arc::new(Front { file, routes, traffic: Traffic::default(), client });
    let app = Router::new()
        .route("/admin/routes", get(routes_now).post(change_routes))
        .route("/admin/weight", post(change_weight))
        .route("/admin/traffic", get(traffic_now))
        .route("/admin/error-rate", get(error_rate))
        .route("/metrics", get(metrics))
        .fallback(pass_on)
        .with_state(Arc::clone(&front));
    super::supervise::announce(listener.local_addr()?.port())?;
    let crowd = tokio::spawn(ask_for_ever(front));
    let served = axum::serve(listener, app).with_graceful_shutdown(told_to_end(place.leash)).await;
    crowd.abort();
    served
}

/// The file of the routes of the front in `dir`.
pub fn routes_file(dir: &Path) -> PathBuf {
    dir.join("routes.json")
}

impl Front {
    fn routes(&self) -> Routes {
        self.routes.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Changes the routes; what is not on disk is not in force.
    fn change(&self, change: impl FnOnce(&mut Routes)) -> std::io::Result<Routes> {
        let mut routes = self.routes.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut fresh = routes.clone();
        change(&mut fresh);
        let beside = self.file.with_extension("new");
        std::fs::write(&beside, json!(fresh).to_string())?;
        std::fs::rename(&beside, &self.file)?;
        *routes = fresh.clone();
        Ok(fresh)
    }

    /// Sends one request to the copy whose turn it is, and counts what comes of it.
    async fn send(&self, method: &Method, path: &str, body: &Bytes) -> Result<reqwest::Response, reqwest::Error> {
        let routes = self.routes();
        let to_candidate = routes.candidate.is_some() && self.traffic.candidate_is_next(routes.weight);
        let side = routes.candidate.as_ref().filter(|_| to_candidate).unwrap_or(&routes.stable);
        let url = format!("http://127.0.0.1:{}{path}", side.port);
        let answer = self.client.request(method.clone(), url).body(body.clone()).send().await;
        let failed = answer.as_ref().map_or(true, |answer| answer.status().is_server_error());
        self.traffic.count(to_candidate, failed);
        answer
    }
}

async fn pass_on(State(front): State<Arc<Front>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut answer = front.send(&method, path, &body).await;
    // The copy was retired between the choice and the connection: the routes name another one by now.
    if answer.as_ref().is_err_and(reqwest::Error::is_connect) {
        answer = front.send(&method, path, &body).await;
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, Json(json!({"error": error.to_string()}))).into_response(),
    };
    let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
    match (answer.bytes().await, kind) {
        (Ok(body), Some(kind)) => (status, [(header::CONTENT_TYPE, kind)], body).into_response(),
        (Ok(body), None) => (status, body).into_response(),
        (Err(error), _) => (StatusCode::BAD_GATEWAY, Json(json!({"error": error.to_string()}))).into_response(),
    }
}

async fn ask_for_ever(front: Arc<Front>) {
    let places = Arc::new(Semaphore::new(CROWD));
    loop {
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let front = Arc::clone(&front);
            tokio::spawn(async move {
                let _ = front.send(&Method::GET, "/", &Bytes::new()).await;
                drop(place);
            });
        }
        let routes = front.routes();
        let on_trial = routes.candidate.is_some() && routes.weight > 0;
        tokio::time::sleep(if on_trial { BUSY } else { QUIET }).await;
    }
}

async fn routes_now(State(front): State<Arc<Front>>) -> Json<Routes> {
    Json(front.routes())
}

async fn change_routes(State(front): State<Arc<Front>>, Json(wanted): Json<Routes>) -> Response {
    front.traffic.begin_anew();
    answer(front.change(|routes| *routes = wanted))
}

#[derive(Debug, Deserialize)]
struct Weight {
    weight: u8,
}

async fn change_weight(State(front): State<Arc<Front>>, Json(Weight { weight }): Json<Weight>) -> Response {
    if weight > 100 || (weight > 0 && front.routes().candidate.is_none()) {
        return (StatusCode::CONFLICT, Json(json!({"error": "there is no candidate, or the weight is no percent"})))
            .into_response();
    }
    answer(front.change(|routes| routes.weight = weight))
}

fn answer(changed: std::io::Result<Routes>) -> Response {
    match changed {
        Ok(routes) => Json(routes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": error.to_string()}))).into_response(),
    }
}

/// Of the candidate, a number: what an analysis asks for. Before enough was asked of it there is none.
async fn error_rate(State(front): State<Arc<Front>>) -> Response {
    let candidate = front.routes().candidate.is_some();
    match front.traffic.counted()[1].error_rate().filter(|_| candidate) {
        Some(rate) => Json(rate).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "nothing can be said about a candidate yet").into_response(),
    }
}

/// `{weight, stable: {version, requests, errors, error_rate}, candidate: …}` since the candidate came.
async fn traffic_now(State(front): State<Arc<Front>>) -> Json<Value> {
    let routes = front.routes();
    let [stable, candidate] = front.traffic.counted();
    let candidate = routes.candidate.map(|side| candidate.to_json(&side.version));
    Json(json!({"weight": routes.weight, "stable": stable.to_json(&routes.stable.version), "candidate": candidate}))
}

/// The same as Prometheus reads it.
async fn metrics(State(front): State<Arc<Front>>) -> String {
    let routes = front.routes();
    let [stable, candidate] = front.traffic.counted();
    let candidate = routes.candidate.map(|side| candidate.to_metrics("candidate", &side.version)).unwrap_or_default();
    format!("front_candidate_weight {}\n{}{candidate}", routes.weight, stable.to_metrics("stable", &routes.stable.version))
}
