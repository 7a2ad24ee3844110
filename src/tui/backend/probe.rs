//! A look at a service the workspace names: does it answer, how fast, which version.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Service, ServiceStatus};

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A service to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub environment: String,
    /// Where people reach it.
    pub url: String,
    /// What is asked over HTTP; without it nothing is known.
    pub probe: Option<String>,
    pub expect_status: Option<u16>,
}

/// Asks once.
pub(super) async fn look(target: &Target) -> Service {
    let mut service = Service {
        name: target.name.clone(),
        environment: target.environment.clone(),
        version: None,
        status: ServiceStatus::Unknown,
        latency_ms: None,
        url: target.url.clone(),
    };
    let Some(url) = &target.probe else { return service };
    let Ok(client) = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build() else { return service };
    let asked = Instant::now();
    let Ok(response) = client.get(url).send().await else {
        service.status = ServiceStatus::Unhealthy;
        return service;
    };
    service.latency_ms = Some(u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX));
    let good = target.expect_status.map_or(response.status().is_success(), |wanted| response.status().as_u16() == wanted);
    service.status = if good { ServiceStatus::Healthy } else { ServiceStatus::Unhealthy };
    let body: Option<Value> = response.json().await.ok();
    service.version = body.as_ref().and_then(|body| body.get("version")).and_then(Value::as_str).map(str::to_owned);
    service
}
