//! The sample service: an HTTP server on loopback whose behaviour its release file sets.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a build produces: the release a service runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Release {
    pub version: String,
    /// Share of requests to `/`, what customers ask for, that fail: `0.0..=1.0`.
    #[serde(default)]
    pub error_rate: f64,
    /// Added to every answer.
    #[serde(default)]
    pub latency_ms: u64,
}

/// Where one copy of the service lives: `service.json` in its directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    pub environment: String,
    /// Zero takes any free port.
    pub port: u16,
    /// While another process holds this file's lock, the service stays; when the lock is free, it leaves.
    #[serde(default)]
    pub leash: Option<PathBuf>,
}

/// So many requests say something about a copy.
const ENOUGH: u64 = 10;

struct Service {
    release: std::sync::RwLock<Release>,
    environment: String,
    started: Instant,
    requests: AtomicU64,
    errors: AtomicU64,
}

/// Serves one copy until it is told to stop. Prints `ready PORT` on standard output.
///
/// # Errors
/// When its files cannot be read or the port is taken.
pub async fn serve(dir: &Path) -> std::io::Result<()> {
    let place: Place = read(&dir.join("service.json"))?;
    let release: Release = read(&dir.join("release.json"))?;
    let listener = TcpListener::bind(("127.0.0.1", place.port)).await?;
    let port = listener.local_addr()?.port();
    std::fs::write(dir.join("pid"), std::process::id().to_string())?;
    let service = Service {
        release: std::sync::RwLock::new(release),
        environment: place.environment,
        started: Instant::now(),
        requests: AtomicU64::new(0),
        errors: AtomicU64::new(0),
    };
    let app = Router::new()
        .route("/", get(root))
        .route("/health", get(health))
        .route("/version", get(version))
        .route("/admin/behave", get(behave))
        .with_state(Arc::new(service));
    super::supervise::announce(port)?;
    axum::serve(listener, app).with_graceful_shutdown(told_to_end(place.leash)).await
}

/// Comes back when a signal says so, or when nobody holds the leash any more.
pub(super) async fn told_to_end(leash: Option<PathBuf>) {
    let leash = leash.map(off_the_leash);
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let told = async {
        match &mut term {
            Some(term) => drop(term.recv().await),
            None => std::future::pending().await,
        }
    };
    let free = async {
        match leash {
            Some(leash) => drop(leash.await),
            None => std::future::pending().await,
        }
    };
    tokio::select! { () = told => {}, () = free => {} }
}

/// Ends when nobody holds the lock any more: the demo is gone, however it went.
fn off_the_leash(path: PathBuf) -> tokio::task::JoinHandle<()> {
    let (freed, wait) = tokio::sync::oneshot::channel();
    // Its own thread: a runtime would wait for a blocking task when it shuts down.
    std::thread::spawn(move || {
        if let Ok(file) = std::fs::File::open(path) {
            let _ = file.lock_shared();
        }
        let _ = freed.send(());
    });
    tokio::spawn(async move { drop(wait.await) })
}

pub(super) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> std::io::Result<T> {
    let named = |error: String| std::io::Error::other(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| named(error.to_string()))
}

impl Service {
    fn behaviour(&self) -> Release {
        self.release.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Judged by what was asked of it: a copy without customers does not know what it would do to them.
    fn is_healthy(&self) -> bool {
        let (requests, errors) = (self.requests.load(Ordering::Relaxed), self.errors.load(Ordering::Relaxed));
        requests < ENOUGH || errors * 2 < requests
    }

    /// Fails every so many requests that the share comes out right.
    fn fails(&self, rate: f64) -> bool {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let share = |n: u64| (n as f64 * rate.clamp(0.0, 1.0)).floor();
        let fails = share(number + 1) > share(number);
        self.errors.fetch_add(u64::from(fails), Ordering::Relaxed);
        fails
    }
}

async fn root(State(service): State<Arc<Service>>) -> (StatusCode, Json<Value>) {
    let release = service.behaviour();
    tokio::time::sleep(Duration::from_millis(release.latency_ms)).await;
    if service.fails(release.error_rate) {
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": "this release is broken"})));
    }
    (StatusCode::OK, Json(json!({"hello": "world", "version": release.version})))
}

async fn health(State(service): State<Arc<Service>>) -> (StatusCode, Json<Value>) {
    let release = service.behaviour();
    tokio::time::sleep(Duration::from_millis(release.latency_ms)).await;
    let healthy = service.is_healthy();
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if healthy { "healthy" } else { "unhealthy" },
        "version": release.version,
        "environment": service.environment,
        "uptime_s": service.started.elapsed().as_secs(),
        "requests": service.requests.load(Ordering::Relaxed),
        "errors": service.errors.load(Ordering::Relaxed),
    });
    (status, Json(body))
}

async fn version(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(json!({"version": service.behaviour().version, "environment": service.environment}))
}

#[derive(Debug, Deserialize)]
struct Behaviour {
    error_rate: Option<f64>,
    latency_ms: Option<u64>,
}

/// `/admin/behave?error_rate=0.3&latency_ms=200` changes the running copy.
async fn behave(State(service): State<Arc<Service>>, Query(wanted): Query<Behaviour>) -> Json<Release> {
    let mut release = service.release.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    release.error_rate = wanted.error_rate.unwrap_or(release.error_rate);
    release.latency_ms = wanted.latency_ms.unwrap_or(release.latency_ms);
    Json(release.clone())
}
