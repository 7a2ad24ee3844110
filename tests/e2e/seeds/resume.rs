//! A deployment whose engine is killed at every single request comes to the same end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json};

use super::server::{Answer, Request, Server};
use super::shipped;
use crate::support::{PATIENCE, Said, Workspace, finish, kill, until};

/// What reaches the test: a request that was carried out and waits for its answer, or the end of the run.
enum News {
    Asked(String),
    Ended(Said),
}

/// Carries out each key once, as a server that takes keys seriously does.
#[derive(Default)]
struct Platform {
    by_key: HashMap<String, Answer>,
    /// Deployments and rollbacks by environment; messages under `notify`.
    effects: BTreeMap<String, Vec<Value>>,
}

impl Platform {
    fn answer(&mut self, request: &Request) -> Answer {
        let key = request.header("idempotency-key").to_owned();
        if let Some(known) = self.by_key.get(&key).filter(|_| !key.is_empty()) {
            return known.clone();
        }
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let mut effect = |name: &str, what: &Value| self.effects.entry(name.to_owned()).or_default().push(what.clone());
        let answer = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["artifacts", version]) => (200, json!({"version": version, "signed": true})),
            ("POST", ["environments", environment, "deployments"]) => {
                effect(environment, &request.body["version"]);
                (202, json!({"id": "d1"}))
            }
            ("POST", ["environments", _, "tests"]) => (200, json!({"passed": 9, "failed": 0})),
            ("GET", ["deployments", _]) => (200, json!({"state": "succeeded"})),
            ("GET", ["health"]) => (200, json!({"version": "v1.1.0"})),
            ("POST", ["environments", environment, "rollback"]) => {
                effect(environment, &json!("rollback"));
                (200, json!({}))
            }
            ("POST", ["notify"]) => {
                effect("notify", &request.body["text"]);
                (200, json!({}))
            }
            _ => (404, json!({})),
        };
        self.by_key.insert(key, answer.clone());
        answer
    }
}

#[test]
fn an_engine_killed_at_every_request_deploys_once_and_to_the_end() {
    let platform = Arc::new(Mutex::new(Platform::default()));
    let (news, told) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let (carried, asked) = (Arc::clone(&platform), news.clone());
    let server = Server::new(move |request| {
        let answer = carried.lock().expect("a state").answer(request);
        // The work is done; whether the answer arrives is another matter.
        let _ = asked.send(News::Asked(request.line()));
        let _ = gate.recv();
        answer
    });
    let workspace = Workspace::new();
    let inputs = json!({"version": "v1.1.0", "requested_by": "dana", "api_url": server.url,
                        "production_url": server.url, "notify_url": format!("{}/notify", server.url)});
    std::fs::write(workspace.file("inputs.json"), inputs.to_string()).expect("inputs");
    // It follows the run, brings the credential again and starts an engine when there is none.
    let mut follower = workspace.command(&["run", &shipped("continuous-deployment.yaml"), "--inputs", "inputs.json", "--json"]);
    follower.env("DEPLOY_TOKEN", "deploy_token").stdout(Stdio::piped()).stderr(Stdio::piped());
    let follower = follower.spawn().expect("flowdeck starts");
    std::thread::spawn(move || news.send(News::Ended(finish(follower))));

    let mut killed = HashSet::new();
    let said = loop {
        match told.recv_timeout(PATIENCE).expect("news") {
            News::Ended(said) => break said,
            News::Asked(line) => {
                if killed.insert(line) {
                    kill_engine(&workspace);
                }
                go.send(()).expect("the server waits");
            }
        }
    };
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(said.json()["output"], json!({"version": "v1.1.0", "deployed": true, "failed_at": null}));
    assert_eq!(killed.len(), 7, "{killed:?}");
    let expected =
        [("notify", json!(["v1.1.0 is in production"])), ("production", json!(["v1.1.0"])), ("staging", json!(["v1.1.0"]))];
    assert_eq!(json!(platform.lock().unwrap().effects), json!(BTreeMap::from(expected)));
}

/// Kills the engine that is there, or will be in a moment.
fn kill_engine(workspace: &Workspace) {
    until("an engine answers", || {
        let said = workspace.say(&["engine", "status", "--json"]);
        let pid = if said.code == Some(0) { said.json()["pid"].as_i64() } else { None };
        let pid = pid.and_then(|pid| i32::try_from(pid).ok());
        pid.is_some_and(|pid| {
            kill(pid);
            true
        })
    });
}
