//! Infrastructure that is provisioned, and incidents that are answered.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::Server;
use super::{fail, succeed};
use crate::support::Workspace;

/// A provisioning API: a plan, whether it was applied, and which servers are configured.
fn provisioning(changes: u32, destroy: Value, ends: &'static str, ill: &'static str) -> (Server, Arc<Mutex<Vec<String>>>) {
    let configured = Arc::new(Mutex::new(Vec::new()));
    let (shared, mut looks) = (Arc::clone(&configured), 0);
    let server = Server::new(move |request| {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["workspaces", _, "plans"]) => (201, json!({"id": "p1", "changes": changes, "destroy": destroy})),
            ("POST", ["plans", "p1", "apply"]) => (202, json!({})),
            ("GET", ["plans", "p1"]) => {
                looks += 1;
                (200, json!({"state": if looks == 1 { "applying" } else { ends }}))
            }
            ("PUT", ["servers", name, "configuration"]) => {
                shared.lock().expect("a state").push((*name).to_owned());
                (200, json!({}))
            }
            ("GET", ["servers", name, "health"]) if *name == ill => (200, json!({"name": name, "status": "starting"})),
            ("GET", ["servers", name, "health"]) => (200, json!({"name": name, "status": "healthy"})),
            _ => (404, json!({})),
        }
    });
    (server, configured)
}

fn servers(api: &Server) -> Value {
    json!({"workspace": "shop-staging", "api_url": api.url,
           "servers": [{"name": "web-1", "size": "small"}, {"name": "web-2", "size": "large"}]})
}

#[test]
fn a_good_plan_is_applied_configured_and_verified() {
    let (api, configured) = provisioning(2, json!(0), "applied", "");
    let run = succeed(&Workspace::new(), "infrastructure.yaml", &servers(&api));
    assert_eq!(run["output"], json!({"changes": 2, "healthy": ["web-1", "web-2"]}));
    let mut names = configured.lock().expect("a state").clone();
    names.sort();
    assert_eq!(names, ["web-1", "web-2"]);
}

#[test]
fn a_plan_that_changes_nothing_is_only_verified() {
    let (api, configured) = provisioning(0, json!(0), "applied", "");
    let run = succeed(&Workspace::new(), "infrastructure.yaml", &servers(&api));
    assert_eq!(run["output"]["healthy"], json!(["web-1", "web-2"]));
    assert_eq!(api.changes(), ["POST /workspaces/shop-staging/plans"]);
    assert!(configured.lock().expect("a state").is_empty());
}

#[test]
fn a_plan_that_destroys_too_much_or_does_not_say_is_not_applied() {
    for (destroy, kind) in [(json!(3), "CONTROL_FLOW"), (json!(null), "EXPRESSION")] {
        let (api, _) = provisioning(4, destroy, "applied", "");
        let run = fail(&Workspace::new(), "infrastructure.yaml", &servers(&api));
        assert_eq!(run["error"]["type"], kind, "{run:#}");
        assert_eq!(api.changes(), ["POST /workspaces/shop-staging/plans"]);
    }
}

#[test]
fn names_given_twice_a_failed_apply_and_a_server_that_is_not_well_fail() {
    let (api, _) = provisioning(2, json!(0), "applied", "");
    let mut twice = servers(&api);
    twice["servers"][1]["name"] = json!("web-1");
    assert_eq!(fail(&Workspace::new(), "infrastructure.yaml", &twice)["error"]["stage"], "validate");
    assert_eq!(api.changes(), Vec::<String>::new());

    let (api, configured) = provisioning(2, json!(0), "failed", "");
    assert_eq!(fail(&Workspace::new(), "infrastructure.yaml", &servers(&api))["error"]["stage"], "check-applied");
    assert!(configured.lock().expect("a state").is_empty());

    let (api, _) = provisioning(2, json!(0), "applied", "web-2");
    assert_eq!(fail(&Workspace::new(), "infrastructure.yaml", &servers(&api))["error"]["stage"], "server-health[1]");
}

/// Everything an incident touches on one server; a restart helps or does not.
fn world(helps: bool, monitored: bool) -> Server {
    let mut healthy = false;
    Server::new(move |request| match request.line().as_str() {
        "GET /metrics" | "GET /logs" if !monitored => (500, json!({})),
        "GET /metrics" => (200, json!({"error_rate": 0.9})),
        "GET /logs" => (200, json!({"lines": ["out of memory"]})),
        "POST /actions/restart" => {
            healthy = helps;
            (202, json!({}))
        }
        "GET /health" => (200, json!({"status": if healthy { "healthy" } else { "down" }})),
        _ => (200, json!({})),
    })
}

fn alert(name: &str, world: &Server) -> Value {
    let at = |path: &str| format!("{}{path}", world.url);
    json!({"receiver": "flowdeck", "status": "firing",
           "alerts": [{"status": "firing", "labels": {"alertname": name, "service": "api", "severity": "critical"}}],
           "monitoring_url": world.url, "automation_url": world.url, "pager_url": at("/pages"),
           "status_page_url": at("/status"), "notify_url": at("/notify")})
}

#[test]
fn a_known_alert_is_remedied_and_everybody_told() {
    let world = world(true, true);
    let run = succeed(&Workspace::new(), "incident-response.yaml", &alert("ServiceDown", &world));
    assert_eq!(run["output"]["state"], "resolved", "{run:#}");
    let analysis = run["output"]["analysis"].as_str().expect("a text");
    assert!(analysis.contains("ServiceDown on api"), "{analysis}");
    assert_eq!(world.changes(), ["POST /actions/restart", "PUT /status/api", "POST /notify"]);
    assert_eq!(world.bodies("PUT /status/api"), [json!({"status": "operational"})]);
    assert_eq!(world.bodies("POST /notify"), [json!({"text": "ServiceDown on api: resolved"})]);
    assert_eq!(world.headers("POST /actions/restart", "authorization"), ["Bearer automation_token"]);
}

#[test]
fn a_remedy_that_does_not_help_is_escalated() {
    let world = world(false, true);
    let run = succeed(&Workspace::new(), "incident-response.yaml", &alert("ServiceDown", &world));
    assert_eq!(run["output"]["state"], "escalated", "{run:#}");
    assert_eq!(world.changes(), ["POST /actions/restart", "POST /pages", "PUT /status/api", "POST /notify"]);
    let page = &world.bodies("POST /pages")[0];
    assert_eq!((&page["summary"], &page["severity"]), (&json!("ServiceDown on api"), &json!("critical")));
    assert!(page["why"].as_str().expect("a text").starts_with("recovered: "), "{page}");
    assert_eq!(world.bodies("PUT /status/api"), [json!({"status": "outage"})]);
}

#[test]
fn an_alert_without_a_remedy_wakes_somebody_even_when_the_monitoring_is_down() {
    let world = world(false, false);
    let run = succeed(&Workspace::new(), "incident-response.yaml", &alert("DiskOnFire", &world));
    assert_eq!(run["output"]["state"], "escalated", "{run:#}");
    assert_eq!(run["stages"]["metrics"]["status"], "failed");
    assert_eq!(world.changes(), ["POST /pages", "PUT /status/api", "POST /notify"]);
    assert!(world.bodies("POST /pages")[0]["why"].as_str().expect("a text").starts_with("known-remedy: "));
}
