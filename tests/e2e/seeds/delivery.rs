//! Integration and delivery: what the servers were told, and what they run in the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::Server;
use super::{fail, succeed};
use crate::support::Workspace;

const COMMIT: &str = "1d0c8f3b2a4e5f60718293a4b5c6d7e8f9012345";

/// A CI server whose build is done at the second look.
fn ci(state: &'static str, failures: Value) -> Server {
    let mut looks = 0;
    Server::new(move |request| match request.line().as_str() {
        "POST /builds" => (201, json!({"id": 7})),
        "GET /builds/7" => {
            looks += 1;
            let suites =
                json!([{"name": "unit", "tests": 40, "failures": failures}, {"name": "api", "tests": 2, "failures": []}]);
            (200, if looks == 1 { json!({"state": "running"}) } else { json!({"state": state, "suites": suites}) })
        }
        _ => (404, json!({})),
    })
}

fn push(ci_url: &str, forge: &Server) -> Value {
    json!({"ref": "refs/heads/main", "after": COMMIT, "repository": {"full_name": "acme/shop", "private": true},
           "pusher": {"name": "dana"}, "ci_url": ci_url, "forge_url": forge.url})
}

fn states(forge: &Server) -> Vec<String> {
    let bodies = forge.bodies(&format!("POST /repos/acme/shop/statuses/{COMMIT}"));
    bodies
        .iter()
        .map(|body| format!("{}: {}", body["state"].as_str().expect("a text"), body["description"].as_str().expect("a text")))
        .collect()
}

#[test]
fn a_push_is_built_and_its_commit_gets_the_state() {
    let (ci, forge) = (ci("passed", json!([])), Server::new(|_| (201, json!({}))));
    let workspace = Workspace::new();
    let run = succeed(&workspace, "continuous-integration.yaml", &push(&ci.url, &forge));
    assert_eq!(run["output"], json!({"passed": true, "tests": 42, "failures": []}));
    assert_eq!(states(&forge), ["pending: build requested", "success: 0 of 42 tests failed"]);
    assert_eq!(run["stages"]["build"]["attempts"].as_array().map(Vec::len), Some(2), "it was polled");
    assert_eq!(ci.bodies("POST /builds"), [json!({"repository": "acme/shop", "ref": "refs/heads/main", "commit": COMMIT})]);
    assert_eq!(ci.headers("POST /builds", "authorization"), ["Bearer ci_token"]);
    assert!(!run.to_string().contains("ci_token"), "a credential was recorded");
}

#[test]
fn a_push_whose_tests_fail_or_whose_ci_server_is_away_does_not_stay_pending() {
    let (red, forge) = (ci("failed", json!(["adds up", "shows"])), Server::new(|_| (201, json!({}))));
    let workspace = Workspace::new();
    let run = fail(&workspace, "continuous-integration.yaml", &push(&red.url, &forge));
    assert_eq!(run["error"]["message"], "tests failed: unit: adds up, unit: shows");
    let away = fail(&workspace, "continuous-integration.yaml", &push("http://127.0.0.1:1", &forge));
    assert_eq!((&away["error"]["stage"], &away["error"]["type"]), (&json!("trigger"), &json!("CONNECTIVITY")));
    let expected =
        ["pending: build requested", "failure: 2 of 42 tests failed", "pending: build requested", "error: 0 of 0 tests failed"];
    assert_eq!(states(&forge), expected);
}

/// What runs where, and before that.
#[derive(Default)]
struct Platform {
    live: BTreeMap<String, Vec<String>>,
    failing_tests: u32,
    /// Deployed, it answers with an error.
    broken: &'static str,
}

impl Platform {
    fn new(failing_tests: u32, broken: &'static str) -> Arc<Mutex<Self>> {
        let live = ["staging", "production"].map(|name| (name.to_owned(), vec!["v1.0.0".to_owned()]));
        Arc::new(Mutex::new(Self { live: live.into(), failing_tests, broken }))
    }

    fn deploy(&mut self, environment: &str, version: &Value) {
        self.live.entry(environment.to_owned()).or_default().push(version.as_str().unwrap_or_default().to_owned());
    }

    fn rollback(&mut self, environment: &str) {
        self.live.entry(environment.to_owned()).or_default().pop();
    }

    fn at(&self, environment: &str) -> &str {
        self.live.get(environment).and_then(|versions| versions.last()).map_or("", String::as_str)
    }

    fn health(&self, environment: &str) -> (u16, Value) {
        let version = self.at(environment);
        if version == self.broken { (500, json!({})) } else { (200, json!({"version": version})) }
    }
}

/// Staging and production as one line.
fn live(platform: &Mutex<Platform>) -> String {
    let platform = platform.lock().expect("a state");
    format!("{} {}", platform.at("staging"), platform.at("production"))
}

fn deployment_api(platform: &Arc<Mutex<Platform>>, signed: bool) -> Server {
    let (platform, mut looks) = (Arc::clone(platform), 0);
    Server::new(move |request| {
        let mut platform = platform.lock().expect("a state");
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["artifacts", version]) => (200, json!({"version": version, "signed": signed})),
            ("POST", ["environments", environment, "deployments"]) => {
                platform.deploy(environment, &request.body["version"]);
                (202, json!({"id": "d1"}))
            }
            ("GET", ["deployments", "d1"]) => {
                looks += 1;
                (200, json!({"state": if looks == 1 { "running" } else { "succeeded" }}))
            }
            ("POST", ["environments", "staging", "tests"]) => (200, json!({"passed": 9, "failed": platform.failing_tests})),
            ("POST", ["environments", environment, "rollback"]) => {
                platform.rollback(environment);
                (200, json!({}))
            }
            ("GET", ["health"]) => platform.health("production"),
            _ => (404, json!({})),
        }
    })
}

fn delivery(api: &Server, team: &Server) -> Value {
    json!({"version": "v1.1.0", "requested_by": "dana", "api_url": api.url, "production_url": api.url,
           "notify_url": format!("{}/notify", team.url)})
}

fn told(team: &Server) -> Vec<Value> {
    team.bodies("POST /notify").iter().map(|body| body["text"].clone()).collect()
}

#[test]
fn a_version_goes_through_staging_into_production() {
    let platform = Platform::new(0, "");
    let (api, team) = (deployment_api(&platform, true), Server::new(|_| (200, json!({}))));
    let run = succeed(&Workspace::new(), "continuous-deployment.yaml", &delivery(&api, &team));
    assert_eq!(run["output"], json!({"version": "v1.1.0", "deployed": true, "failed_at": null}));
    assert_eq!(live(&platform), "v1.1.0 v1.1.0");
    assert_eq!(told(&team), ["v1.1.0 is in production"]);
}

#[test]
fn failing_integration_tests_roll_staging_back_and_never_reach_production() {
    let platform = Platform::new(2, "");
    let (api, team) = (deployment_api(&platform, true), Server::new(|_| (200, json!({}))));
    let run = fail(&Workspace::new(), "continuous-deployment.yaml", &delivery(&api, &team));
    assert_eq!(run["error"]["message"], "v1.1.0 failed in staging and was rolled back");
    assert_eq!(live(&platform), "v1.0.0 v1.0.0");
    assert_eq!(told(&team), ["v1.1.0 failed in staging and was rolled back"]);
    assert!(!api.changes().contains(&"POST /environments/production/deployments".to_owned()));
}

#[test]
fn a_failing_smoke_test_rolls_production_back() {
    let platform = Platform::new(0, "v1.1.0");
    let (api, team) = (deployment_api(&platform, true), Server::new(|_| (200, json!({}))));
    let run = fail(&Workspace::new(), "continuous-deployment.yaml", &delivery(&api, &team));
    assert_eq!(run["stages"]["production"]["output"]["status"], "recovered", "{run:#}");
    assert_eq!(live(&platform), "v1.1.0 v1.0.0");
    assert_eq!(told(&team), ["v1.1.0 failed in production and was rolled back"]);
}

#[test]
fn an_artifact_that_is_not_signed_goes_nowhere() {
    let platform = Platform::new(0, "");
    let (api, team) = (deployment_api(&platform, false), Server::new(|_| (200, json!({}))));
    let run = fail(&Workspace::new(), "continuous-deployment.yaml", &delivery(&api, &team));
    assert_eq!((&run["error"]["stage"], &run["error"]["type"]), (&json!("validate"), &json!("VALIDATION")));
    assert_eq!(api.changes(), Vec::<String>::new());
}

/// Two projects whose programs write down that they ran; the extension's tests pass unless told otherwise.
fn projects(workspace: &Workspace, test: &str) {
    for (project, test) in [("extension", test), ("server", "true")] {
        let script = |name: &str, more: &str| format!("#!/bin/sh\necho {project}-{name} \"$@\" >> ../work\n{more}\n");
        super::local::programs(
            &workspace.file(project),
            &[("build", script("build", "true")), ("test", script("test", test)), ("package", script("package", "true"))],
        );
    }
}

fn environments(platform: &Arc<Mutex<Platform>>) -> Server {
    let platform = Arc::clone(platform);
    Server::new(move |request| {
        let mut platform = platform.lock().expect("a state");
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("PUT", ["environments", environment]) => {
                platform.deploy(environment, &request.body["version"]);
                (200, json!({}))
            }
            ("POST", ["environments", _, "e2e"]) if platform.failing_tests > 0 => (422, json!({})),
            ("POST", ["environments", environment, "rollback"]) => {
                platform.rollback(environment);
                (200, json!({}))
            }
            ("GET", ["environments", environment, "health"]) => platform.health(environment),
            _ => (200, json!({})),
        }
    })
}

fn release(platform: &Arc<Mutex<Platform>>, test: &str) -> (Workspace, Server, Server, Value) {
    let workspace = Workspace::new();
    projects(&workspace, test);
    let (api, team) = (environments(platform), Server::new(|_| (200, json!({}))));
    let inputs = json!({"version": "v1.1.0", "deploy_url": api.url, "notify_url": format!("{}/notify", team.url)});
    (workspace, api, team, inputs)
}

#[test]
fn two_chains_join_before_the_release() {
    let platform = Platform::new(0, "");
    let (workspace, api, team, inputs) = release(&platform, "true");
    let run = succeed(&workspace, "fork-join-release.yaml", &inputs);
    assert_eq!(run["output"]["body"], json!({"version": "v1.1.0"}));
    assert_eq!(live(&platform), "v1.1.0 v1.1.0");
    for project in ["extension", "server"] {
        let work = workspace.read("work");
        let own: Vec<&str> = work.lines().filter(|line| line.starts_with(project)).collect();
        assert_eq!(
            own,
            [format!("{project}-build v1.1.0"), format!("{project}-test "), format!("{project}-package v1.1.0")]
                .map(|line| line.trim_end().to_owned())
        );
    }
    assert_eq!(told(&team), Vec::<Value>::new());
    assert_eq!(api.headers("PUT /environments/production", "authorization"), ["Bearer deploy_token"]);
}

#[test]
fn a_chain_that_fails_lets_nothing_be_released() {
    let platform = Platform::new(0, "");
    let (workspace, api, _team, inputs) = release(&platform, "exit 4");
    let run = fail(&workspace, "fork-join-release.yaml", &inputs);
    assert_eq!(run["error"]["stage"], "test-extension");
    assert!(!workspace.read("work").contains("extension-package"));
    assert_eq!(api.changes(), Vec::<String>::new());
}

#[test]
fn a_release_that_fails_is_told_and_rolled_back_where_it_was() {
    let platform = Platform::new(1, "");
    let (workspace, api, team, inputs) = release(&platform, "true");
    let run = fail(&workspace, "fork-join-release.yaml", &inputs);
    assert_eq!(run["error"]["stage"], "e2e-tests", "{run:#}");
    let expected = ["PUT /environments/staging", "POST /environments/staging/e2e", "POST /environments/staging/rollback"];
    assert_eq!(api.changes(), expected);
    assert!(told(&team)[0].as_str().expect("a text").starts_with("v1.1.0 failed in e2e-tests: "), "{:?}", told(&team));
    assert_eq!(live(&platform), "v1.0.0 v1.0.0");

    let platform = Platform::new(0, "v1.1.0");
    let (workspace, api, _team, inputs) = release(&platform, "true");
    let run = fail(&workspace, "fork-join-release.yaml", &inputs);
    assert_eq!(run["error"]["type"], "RETRY_EXHAUSTED");
    assert_eq!(live(&platform), "v1.0.0 v1.0.0");
    let keys =
        ["production", "staging"].map(|name| api.headers(&format!("POST /environments/{name}/rollback"), "idempotency-key"));
    let id = run["id"].as_str().expect("a text");
    assert_eq!(
        keys,
        [vec![format!("{id}-rollback-one[0]")], vec![format!("{id}-rollback-one[1]")]],
        "each item has a key of its own"
    );
}

/// The endpoints of a deployment API: one deployment, its stage, and what it was rolled back to.
fn workflow_api(failing: &'static str, health: Value) -> (Server, Arc<Mutex<Value>>) {
    let state = Arc::new(Mutex::new(json!({"stage": "created", "rollback": null})));
    let shared = Arc::clone(&state);
    let server = Server::new(move |request| {
        let mut state = shared.lock().expect("a state");
        let base = "/api/deployments";
        match (request.method.as_str(), request.path.strip_prefix(base).unwrap_or_default()) {
            ("POST", "/workflows/trigger") => {
                state["version"] = request.body["versionId"].clone();
                (201, json!({"deploymentId": "d1", "stages": ["build", "test", "deploy", "verify"]}))
            }
            ("POST", "/d1/stage") => {
                state["stage"] = request.body["targetStage"].clone();
                (200, json!({}))
            }
            ("POST", "/d1/smoke-tests") => {
                let result = |test: &Value| {
                    let status = if test["name"] == failing { "failed" } else { "passed" };
                    json!({"name": test["name"], "status": status, "durationMs": 3})
                };
                (
                    200,
                    json!({"results": request.body["tests"].as_array().expect("a list").iter().map(result).collect::<Vec<_>>()}),
                )
            }
            ("GET", "/d1/status") => (200, json!({"health": health, "canPromote": health["errorRate"] == 0.0})),
            ("POST", "/d1/rollback") => {
                state["rollback"] = request.body.clone();
                (201, json!({"deploymentId": "d2"}))
            }
            _ => (404, json!({})),
        }
    });
    (server, state)
}

fn workflow(api: &Server) -> Value {
    json!({"version_id": "v1.2.3", "environment": "staging", "api_url": format!("{}/api/deployments", api.url), "rollback_to": "v1.2.2"})
}

#[test]
fn a_deployment_is_taken_through_its_stages_and_tells_whether_it_may_be_promoted() {
    let (api, state) = workflow_api("", json!({"errorRate": 0.0, "uptime": 1}));
    let run = succeed(&Workspace::new(), "deployment-workflow.yaml", &workflow(&api));
    assert_eq!(run["output"], json!({"deployment": "d1", "error_rate": 0.0, "can_promote": true}));
    assert_eq!(*state.lock().expect("a state"), json!({"stage": "deployed", "rollback": null, "version": "v1.2.3"}));
    let (api, _) = workflow_api("", json!({"errorRate": 0.005}));
    let run = succeed(&Workspace::new(), "deployment-workflow.yaml", &workflow(&api));
    assert_eq!(run["output"]["can_promote"], false, "deployed, but not good enough for the next environment");
}

#[test]
fn a_deployment_with_a_failing_test_a_bad_figure_or_no_figure_is_rolled_back() {
    let cases = [
        ("API Test", json!({"errorRate": 0.0}), "check-tests"),
        ("", json!({"errorRate": 0.2}), "healthy"),
        ("", json!({"uptime": 1}), "healthy"),
    ];
    for (failing, health, at) in cases {
        let (api, state) = workflow_api(failing, health);
        let run = fail(&Workspace::new(), "deployment-workflow.yaml", &workflow(&api));
        assert_eq!(run["error"]["stage"], at, "{run:#}");
        let state = state.lock().expect("a state");
        assert_eq!((&state["stage"], &state["rollback"]["targetVersion"]), (&json!("failed"), &json!("v1.2.2")));
        assert!(state["rollback"]["reason"].as_str().expect("a text").starts_with(at), "{state}");
    }
}
