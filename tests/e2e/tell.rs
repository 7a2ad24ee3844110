//! People are told: by stages, and by the engine when a gate waits for them. And services are asked how they are.

use std::fs;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::server::serving;
use super::support::{PATIENCE, Workspace, until};

/// A receiver, and what it is sent: the headers and the body.
fn receiver() -> (String, Receiver<(String, Value)>) {
    let (sender, sent) = channel();
    let address = serving(move |request| {
        let body = serde_json::from_str(&request.body).unwrap_or_default();
        // A test that has seen enough does not listen any more.
        let _ = sender.send((request.head.clone(), body));
        (200, "text/plain", "ok".to_owned())
    });
    (address, sent)
}

fn next(sent: &Receiver<(String, Value)>) -> (String, Value) {
    sent.recv_timeout(PATIENCE).expect("a message")
}

/// Whether some file below a directory holds a text.
fn holds(dir: &std::path::Path, text: &str) -> bool {
    fs::read_dir(dir).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    })
}

#[test]
fn a_gate_that_opens_tells_people_what_to_type_and_who_cannot_be_told_holds_nothing_up() {
    let (address, sent) = receiver();
    let text = "{id: p, stages: [{id: ship, type: shell, environment: production, config: {run: 'echo shipped >> effects'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let settings = format!(
        "[environments.production]\nprotected = true\nseparation = false\n[notify.team]\nwebhook = \"{address}/hook\"\n\
         [notify.nobody]\nwebhook = \"http://127.0.0.1:1/\"\n[notify.broken]\ncommand = [\"false\"]\n"
    );
    fs::write(workspace.file("flowdeck.toml"), settings).expect("flowdeck.toml");
    let id = workspace.detach("p");
    let (_, told) = next(&sent);
    let payload = &told["payload"];
    assert_eq!(
        (&payload["environment"], &payload["run_id"], &payload["stage"]),
        (&json!("production"), &json!(id), &json!("ship"))
    );
    let gate = workspace.ok(&["gates", "list", "--json"]).json()["gates"][0].clone();
    assert!(gate["digest"].as_str().expect("a digest").starts_with(payload["digest"].as_str().expect("a prefix")));
    assert_eq!(payload["requested_by"], gate["requested_by"]);
    assert!(told["message"].as_str().is_some_and(|text| text.contains(payload["command"].as_str().expect("a command"))));
    let command = payload["command"].as_str().expect("a command").to_owned();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    workspace.ok(&words);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert!(sent.try_recv().is_err(), "told once");
}

#[test]
fn a_stage_tells_a_channel_and_its_key_is_written_nowhere() {
    let (address, sent) = receiver();
    let text = "{id: p, stages: [{id: tell, type: notify, config: {channel: team, message: 'out, {{context.run_id}}', severity: warning}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let settings = format!("[notify.team]\nwebhook = \"{address}/T0KEN\"\nsecret = {{ command = [\"cat\", \"key\"] }}\n");
    fs::write(workspace.file("flowdeck.toml"), settings).expect("flowdeck.toml");
    fs::write(workspace.file("key"), "hunter2-the-key\n").expect("key");
    let run = workspace.ok(&["run", "p", "--json"]).json();
    let (head, told) = next(&sent);
    assert_eq!(told["message"], format!("out, {}", run["id"].as_str().expect("an id")));
    assert!(head.contains("x-flowdeck-signature: sha256="), "{head}");
    assert_eq!(run["stages"]["tell"]["output"], json!({"sent": true, "channel": "team", "status_code": 200}));
    assert!(!holds(workspace.state(), "hunter2-the-key") && !holds(workspace.state(), "T0KEN"));
}

#[test]
fn a_command_of_a_stage_reads_the_message_in_the_workspace() {
    let text = "{id: p, stages: [{id: tell, type: notify, config: {command: [sh, -c, 'cat > told'], message: hello}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let run = workspace.ok(&["run", "p", "--json"]).json();
    assert_eq!(run["stages"]["tell"]["output"]["sent"], true);
    let told: Value = serde_json::from_str(&workspace.read("told")).expect("JSON");
    assert_eq!(told["message"], "hello");
}

#[test]
fn services_of_the_workspace_are_asked_until_they_are_well_and_then_tried_out() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let address = serving(move |request| {
        let early = request.path() == "/health" && asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2;
        (if early { 503 } else { 200 }, "application/json", "{\"version\": \"1.2\"}".to_owned())
    });
    let text = "
id: p
stages:
  - {id: well, type: health-check, config: {services: [api], until_healthy: true, interval: 5ms, within: 1m}}
  - id: smoke
    type: smoke-test
    depends_on: [well]
    config: {url: 'ADDRESS', endpoints: [/health, {path: /version, expect: \"body.version == '1.2'\"}]}
";
    let workspace = Workspace::with("p.yaml", &text.replace("ADDRESS", &address));
    let settings = format!("[[services]]\nname = \"api\"\nprobe = {{ http = \"{address}/health\", expect_status = 200 }}\n");
    fs::write(workspace.file("flowdeck.toml"), settings).expect("flowdeck.toml");
    let run = workspace.ok(&["run", "p", "--json"]).json();
    assert_eq!(run["stages"]["well"]["output"]["verdict"], "healthy");
    assert_eq!(run["stages"]["smoke"]["output"]["passed"], 2);
    let id = run["id"].as_str().expect("an id");
    until("the log", || workspace.ok(&["runs", "logs", id, "smoke"]).out.contains("passed /version"));
}
