//! Rollouts through the real binary, against a web server that has the traffic and tells how the new version does.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::serving;
use super::support::{Workspace, finish, kill, until};

/// A load balancer that writes down every weight, and a version that answers as it was made.
struct Town {
    address: String,
    weights: Arc<Mutex<Vec<i64>>>,
}

impl Town {
    /// `health` tells the status of `/health` by the weight that traffic has.
    fn new(health: impl Fn(i64) -> u16 + Send + 'static) -> Self {
        let weights = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&weights);
        let address = serving(move |request| {
            let mut weights = log.lock().expect("the weights");
            if request.path() == "/weight" {
                let body: Value = serde_json::from_str(&request.body).expect("JSON");
                weights.push(body["weight"].as_i64().expect("a weight"));
                return (200, "text/plain", String::new());
            }
            let status = health(weights.last().copied().unwrap_or(0));
            (status, "application/json", json!({"errors": if status < 400 { 0 } else { 9 }}).to_string())
        });
        Self { address, weights }
    }

    fn weights(&self) -> Vec<i64> {
        self.weights.lock().expect("the weights").clone()
    }

    /// A workspace with a rollout over these steps, judged by `analysis`, which may name `ADDRESS`.
    fn workspace(&self, steps: &str, analysis: &str) -> Workspace {
        let text = "
id: p
stages:
  - id: roll
    type: rollout
    config:
      service: api
      steps: STEPS
      set_weight: {request: {url: 'ADDRESS/weight', body: {weight: '{{weight}}'}}}
      analysis: ANALYSIS
";
        let text = text.replace("STEPS", steps).replace("ANALYSIS", analysis).replace("ADDRESS", &self.address);
        Workspace::with("p.yaml", &text)
    }
}

const HEALTH: &str = "{name: health, url: 'ADDRESS/health', interval: 20ms, success_if: 'status == 200 and result.errors < 5'}";

fn stage(run: &Value) -> &Value {
    &run["stages"]["roll"]
}

#[test]
fn a_healthy_canary_comes_to_all_of_the_traffic_step_by_step() {
    let town = Town::new(|_| 200);
    let workspace = town.workspace("[{weight: 10, bake: 100ms}, {weight: 100, bake: 50ms}]", HEALTH);
    let run = workspace.ok(&["run", "p", "--json"]).json();
    assert_eq!(town.weights(), [10, 100]);
    let output = &stage(&run)["output"];
    assert_eq!((&output["verdict"], &output["weight"], &output["steps_done"]), (&json!("successful"), &json!(100), &json!(2)));
    assert_eq!(output["analysis"][0]["verdict"], "successful", "{output}");
    assert_eq!(output["analysis"][0]["measurements"].as_array().map(Vec::len), Some(7), "{output}");
    let log = workspace.ok(&["runs", "logs", "last", "roll"]).out;
    for line in ["canary of api: 10 % for 100 ms, then 100 % for 50 ms", "step 1 of 2: moving traffic to 10 %", "good, 1 of 5"] {
        assert!(log.contains(line), "{line}: {log}");
    }
}

#[test]
fn a_bad_version_fails_the_stage_and_traffic_is_back_at_nothing() {
    let town = Town::new(|weight| if weight >= 50 { 500 } else { 200 });
    let workspace = town.workspace("[{weight: 10}, {weight: 50, bake: 1h}, {weight: 100}]", HEALTH);
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!((said.code, town.weights()), (Some(1), vec![10, 50, 0]), "{said:#?}");
    let run = said.json();
    let error = &stage(&run)["error"];
    assert_eq!((&error["type"], &error["details"]["verdict"]), (&json!("EXECUTION"), &json!("failed")));
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.starts_with("the analysis `health` failed at 50 %: {\"errors\":9}; success_if does not hold: status"),
        "{message}"
    );
    assert!(message.ends_with("traffic is back at 0 %"), "{message}");
    assert_eq!(stage(&run)["output"]["rolled_back"], true);
}

#[test]
fn a_version_that_cannot_be_measured_leaves_traffic_where_it_is_and_asks() {
    let town = Town::new(|_| 200);
    let prometheus =
        "{name: rate, server: 'ADDRESS/nowhere', query: up, success_if: 'result > 0', interval: 1ms, consecutive_errors: 1}";
    let workspace = town.workspace("[{weight: 10, bake: 1h}, {weight: 100}]", prometheus);
    let id = workspace.detach("p");
    let show = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the rollout asks", || stage(&show())["status"] == "unknown");
    let run = show();
    assert_eq!((town.weights(), &run["status"]), (vec![10], &json!("waiting")), "{run:#}");
    let error = &stage(&run)["attempts"][0]["error"];
    assert!(
        error["message"].as_str().is_some_and(|text| text.starts_with("the analysis `rate` could not be measured at 10 %")),
        "{run:#}"
    );
    assert_eq!(error["details"]["verdict"], "error");
    workspace.ok(&["runs", "resolve", &id, "roll", "fail"]);
    assert_eq!(workspace.wait(&id)["status"], "failed");
    let told = workspace.ok(&["runs", "replay", &id, "--plain"]).out;
    assert!(told.contains("stage roll came to no verdict: the analysis `rate` could not be measured"), "{told}");
}

#[test]
fn a_rollout_goes_on_when_the_engine_is_killed_and_ends_once() {
    let town = Town::new(|_| 200);
    let workspace = town.workspace(
        "[{weight: 10}, {weight: 50}, {weight: 100}]",
        "{name: go, run: 'test -e go', count: 1, interval: 1ms, failure_limit: 0, success_if: \"status == 0\"}",
    );
    workspace.fifo("go.fifo");
    workspace.pipeline("p.yaml", &workspace.read("pipelines/p.yaml").replace("test -e go", "read line < go.fifo"));
    let id = workspace.detach("p");
    until("the first step", || town.weights() == [10]);
    kill(workspace.engine_pid());
    for reached in [&[10, 50][..], &[10, 50, 100]] {
        workspace.release("go.fifo");
        until("a step without an engine", || town.weights() == reached);
    }
    workspace.release("go.fifo");
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], town.weights()), (&json!("succeeded"), vec![10, 50, 100]), "{run:#}");
    assert_eq!(stage(&run)["attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_cancelled_rollout_moves_traffic_back_before_it_goes() {
    let town = Town::new(|_| 200);
    let workspace = town.workspace("[{weight: 10, bake: 1h}, {weight: 100}]", "false");
    let child = workspace.spawn(&["run", "p", "--json"]);
    until("the first step", || town.weights() == [10]);
    workspace.ok(&["runs", "cancel", "last"]);
    let said = finish(child);
    assert_eq!((said.code, town.weights()), (Some(130), vec![10, 0]), "{said:#?}");
    let run = said.json();
    assert_eq!((&stage(&run)["status"], &stage(&run)["output"]["rolled_back"]), (&json!("cancelled"), &json!(true)), "{run:#}");
}

#[test]
fn a_rollout_that_is_cancelled_while_traffic_moves_moves_it_back_afterwards() {
    let text = "{id: p, stages: [{id: roll, type: rollout, config: {steps: [10, 100], set_weight: {run:
        'echo {{weight}} >> weights; test $FLOWDECK_WEIGHT -eq 0 || { echo up > up; read line < never; }'}}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    workspace.fifo("never");
    let child = workspace.spawn(&["run", "p", "--json"]);
    workspace.hear("up");
    workspace.ok(&["runs", "cancel", "last"]);
    let said = finish(child);
    assert_eq!((said.code, workspace.read("weights").as_str()), (Some(130), "10\n0\n"), "{said:#?}");
    assert_eq!(stage(&said.json())["output"]["rolled_back"], true);
}

#[test]
fn a_worker_that_is_killed_leaves_a_question_with_where_traffic_was() {
    let town = Town::new(|_| 200);
    let workspace = town.workspace("[{weight: 10, bake: 1h}, {weight: 100}]", "false");
    let id = workspace.detach("p");
    let log = || workspace.ok(&["runs", "logs", &id, "roll"]).out;
    until("traffic has moved", || town.weights() == [10] && log().contains("traffic is at 10 %"));
    let runner = workspace.runner_pid(&id);
    let children = std::fs::read_to_string(format!("/proc/{runner}/task/{runner}/children")).unwrap_or_default();
    let threads = std::fs::read_dir(format!("/proc/{runner}/task")).expect("threads").flatten();
    let of = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("children")).unwrap_or_default();
    let all = threads.map(of).collect::<String>() + &children;
    let worker = all.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("a worker");
    kill(worker);
    let show = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the rollout asks", || stage(&show())["status"] == "unknown");
    let run = show();
    assert_eq!(stage(&run)["attempts"][0]["error"]["message"], "the rollout was cut off; traffic was at 10 % last");
    workspace.ok(&["runs", "resolve", &id, "roll", "fail"]);
}

#[test]
fn traffic_that_a_script_does_not_move_fails_the_stage_and_nothing_goes_around_the_allowed_hosts() {
    let workspace = Workspace::with(
        "p.yaml",
        "{id: p, stages: [{id: roll, type: rollout, config: {steps: [10, 100],
          set_weight: {run: 'echo {{weight}} >> weights; test $FLOWDECK_WEIGHT -lt 100'}}}]}",
    );
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!((said.code, workspace.read("weights").as_str()), (Some(1), "10\n100\n0\n"), "{said:#?}");
    std::fs::write(workspace.file("flowdeck.toml"), "[network]\nallow = []\n").expect("flowdeck.toml");
    let text = workspace.read("pipelines/p.yaml").replace("set_weight", "analysis: {url: 'http://127.0.0.1:1/'}, set_weight");
    workspace.pipeline("p.yaml", &text);
    let refused = workspace.say(&["run", "p", "--json"]);
    assert_eq!(stage(&refused.json())["error"]["type"], "SECURITY", "{refused:#?}");
    assert_eq!(workspace.read("weights"), "10\n100\n0\n", "nothing was moved");
}

#[test]
fn an_environment_among_the_settings_is_as_protected_as_one_of_the_stage() {
    let town = Town::new(|_| 200);
    let workspace = town.workspace("[100]", "false");
    let text = workspace.read("pipelines/p.yaml").replace("service: api", "environment: production");
    workspace.pipeline("p.yaml", &text);
    std::fs::write(workspace.file("flowdeck.toml"), "[environments.production]\nprotected = true\n").expect("flowdeck.toml");
    let id = workspace.detach("p");
    let gates = || workspace.ok(&["gates", "list", "--json"]).json()["gates"].clone();
    until("a gate", || gates()[0]["run_id"] == id.as_str());
    assert_eq!((gates()[0]["environment"].as_str(), town.weights()), (Some("production"), Vec::new()));
}
