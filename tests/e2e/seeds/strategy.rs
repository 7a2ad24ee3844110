//! Canary, blue-green and rolling: where the traffic is in the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::Server;
use super::{fail, succeed};
use crate::support::Workspace;

/// The weights of the canary as they were set.
fn weights(balancer: &Server) -> Vec<u64> {
    balancer.bodies("PUT /weights/v1.1.0").iter().filter_map(|body| body["weight"].as_u64()).collect()
}

fn canary(metrics: Server) -> (Workspace, Server, Value, Server) {
    let balancer = Server::new(|_| (200, json!({})));
    let inputs = json!({"version": "v1.1.0", "balancer_url": balancer.url, "metrics_url": format!("{}/metrics", metrics.url)});
    (Workspace::new(), balancer, inputs, metrics)
}

#[test]
fn a_good_canary_gets_all_of_the_traffic_step_by_step() {
    // Too little to judge at first.
    let mut requests = 0;
    let metrics = Server::new(move |_| {
        requests += 60;
        (200, json!({"requests": requests, "error_rate": 0.001}))
    });
    let (workspace, balancer, inputs, metrics) = canary(metrics);
    let run = succeed(&workspace, "canary.yaml", &inputs);
    assert_eq!(run["output"], json!({"version": "v1.1.0", "weight": 100}));
    assert_eq!(weights(&balancer), [10, 50, 100]);
    assert_eq!(run["stages"]["measure[0]"]["attempts"].as_array().map(Vec::len), Some(2));
    assert_eq!(metrics.headers("GET /metrics", "authorization"), [""; 4], "the token is the balancer's alone");
    assert_eq!(balancer.headers("PUT /weights/v1.1.0", "authorization"), ["Bearer balancer_token"; 3]);
}

#[test]
fn a_canary_that_fails_or_cannot_be_measured_goes_back_to_zero() {
    let rate = |request: &super::server::Request| {
        let rate = if request.query.contains("weight=50") { 0.2 } else { 0.0 };
        (200, json!({"requests": 500, "error_rate": rate}))
    };
    let (workspace, balancer, inputs, _metrics) = canary(Server::new(rate));
    let run = fail(&workspace, "canary.yaml", &inputs);
    assert_eq!(run["error"]["stage"], "judge[1]", "{run:#}");
    assert_eq!(weights(&balancer), [10, 50, 0]);

    for (answer, at) in [((200, json!({"requests": 500})), "judge[0]"), ((503, json!({})), "measure[0]")] {
        let (workspace, balancer, inputs, _metrics) = canary(Server::new(move |_| answer.clone()));
        let run = fail(&workspace, "canary.yaml", &inputs);
        assert_eq!(run["error"]["stage"], at, "{run:#}");
        assert_eq!(weights(&balancer), [10, 0]);
    }
}

/// Two colours behind one address. A `fragile` version is well until it gets traffic.
#[derive(Debug)]
struct Colours {
    live: String,
    versions: BTreeMap<String, String>,
    broken: &'static str,
    fragile: &'static str,
}

fn blue_green(broken: &'static str, fragile: &'static str) -> (Server, Arc<Mutex<Colours>>) {
    let versions = [("blue".to_owned(), "v1.0.0".to_owned()), ("green".to_owned(), "v0.9.0".to_owned())].into();
    let colours = Arc::new(Mutex::new(Colours { live: "blue".to_owned(), versions, broken, fragile }));
    let shared = Arc::clone(&colours);
    let server = Server::new(move |request| {
        let mut colours = shared.lock().expect("a state");
        let text = |name: &str| request.body[name].as_str().unwrap_or_default().to_owned();
        let health = |version: &str, bad: &[&str]| {
            if bad.contains(&version) { (500, json!({})) } else { (200, json!({"version": version})) }
        };
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["live"]) => (200, json!({"colour": colours.live})),
            ("PUT", ["live"]) => {
                colours.live = text("colour");
                (200, json!({}))
            }
            ("PUT", ["colours", colour]) => {
                colours.versions.insert((*colour).to_owned(), text("version"));
                (200, json!({}))
            }
            ("GET", ["colours", colour, "health"]) => health(&colours.versions[*colour], &[colours.broken]),
            ("GET", ["health"]) => health(&colours.versions[&colours.live], &[colours.broken, colours.fragile]),
            _ => (404, json!({})),
        }
    });
    (server, colours)
}

fn live(colours: &Mutex<Colours>) -> String {
    let colours = colours.lock().expect("a state");
    format!("{} {}", colours.live, colours.versions[&colours.live])
}

#[test]
fn the_idle_colour_goes_live_when_it_is_well() {
    let (balancer, colours) = blue_green("", "");
    let workspace = Workspace::new();
    let deploy =
        |version: &str| succeed(&workspace, "blue-green.yaml", &json!({"version": version, "balancer_url": balancer.url}));
    assert_eq!(deploy("v1.1.0")["output"], json!({"version": "v1.1.0", "live": "green"}));
    assert_eq!(live(&colours), "green v1.1.0");
    assert_eq!(deploy("v1.2.0")["output"], json!({"version": "v1.2.0", "live": "blue"}));
    assert_eq!(live(&colours), "blue v1.2.0");
}

#[test]
fn a_bad_colour_never_goes_live_and_one_that_breaks_there_is_switched_back() {
    let inputs = |balancer: &Server| json!({"version": "v1.1.0", "balancer_url": balancer.url});
    let (balancer, colours) = blue_green("v1.1.0", "");
    let run = fail(&Workspace::new(), "blue-green.yaml", &inputs(&balancer));
    assert_eq!(run["error"]["stage"], "test-idle", "{run:#}");
    assert_eq!(balancer.changes(), ["PUT /colours/green"]);
    assert_eq!(live(&colours), "blue v1.0.0");

    let (balancer, colours) = blue_green("", "v1.1.0");
    let run = fail(&Workspace::new(), "blue-green.yaml", &inputs(&balancer));
    assert_eq!(run["error"]["stage"], "verify", "{run:#}");
    assert_eq!(balancer.changes(), ["PUT /colours/green", "PUT /live", "PUT /live"]);
    assert_eq!(live(&colours), "blue v1.0.0");
}

/// Instances by name, and how many of them had traffic at the least.
type Fleet = (BTreeMap<String, Value>, usize);

/// Three instances; one of them never gets well with the new version.
fn instances(ill: &'static str) -> (Server, Arc<Mutex<Fleet>>) {
    let names = ["web-1", "web-2", "web-3"];
    let fleet = names.map(|name| (name.to_owned(), json!({"name": name, "version": "v1.0.0", "traffic": true})));
    let state = Arc::new(Mutex::new((BTreeMap::from(fleet), names.len())));
    let shared = Arc::clone(&state);
    let server = Server::new(move |request| {
        let (fleet, fewest) = &mut *shared.lock().expect("a state");
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let answer = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["instances", name, "health"]) if *name == ill && fleet[*name]["version"] == "v1.1.0" => (503, json!({})),
            ("PATCH", ["instances", name]) => {
                let Some(instance) = fleet.get_mut(*name) else { return (404, json!({})) };
                for (key, value) in request.body.as_object().expect("an object") {
                    instance[key] = value.clone();
                }
                (200, json!({}))
            }
            ("GET", ["instances", name]) => (200, fleet[*name].clone()),
            _ => (200, json!({})),
        };
        *fewest = (*fewest).min(fleet.values().filter(|instance| instance["traffic"] == true).count());
        answer
    });
    (server, state)
}

fn fleet(state: &Mutex<Fleet>) -> (Vec<String>, usize) {
    let (fleet, fewest) = &*state.lock().expect("a state");
    (
        fleet
            .values()
            .map(|instance| format!("{} {}", instance["version"].as_str().expect("a text"), instance["traffic"]))
            .collect(),
        *fewest,
    )
}

#[test]
fn instances_are_updated_one_at_a_time() {
    let (balancer, state) = instances("");
    let inputs = json!({"version": "v1.1.0", "instances": ["web-1", "web-2", "web-3"], "balancer_url": balancer.url});
    let run = succeed(&Workspace::new(), "rolling.yaml", &inputs);
    assert_eq!(run["output"], json!({"version": "v1.1.0", "instances": 3}));
    assert_eq!(fleet(&state), (vec!["v1.1.0 true".to_owned(); 3], 2));
}

#[test]
fn an_instance_that_does_not_get_well_has_all_of_them_set_back() {
    let (balancer, state) = instances("web-2");
    let inputs = json!({"version": "v1.1.0", "instances": ["web-1", "web-2", "web-3"], "balancer_url": balancer.url});
    let run = fail(&Workspace::new(), "rolling.yaml", &inputs);
    assert_eq!(run["error"]["stage"], "healthy[1]", "{run:#}");
    assert_eq!(fleet(&state), (vec!["v1.0.0 true".to_owned(); 3], 2));
    assert_eq!(balancer.bodies("PATCH /instances/web-3"), [json!({"version": "v1.0.0", "traffic": true})], "never updated");
}
