//! The workspace file is read again when it has changed: nobody has to restart an engine for it.

use std::fs;
use std::path::Path;

use flowdeck::client::Client;
use flowdeck::model::NewRun;
use serde_json::json;

use super::server::answering;
use super::support::{Workspace, kill};

const CALL: &str = "{id: p, stages: [
  {id: held, type: shell, config: {run: 'echo up > up; cat go'}},
  {id: call, type: http-request, depends_on: [held], config: {url: '{{input.server}}'}}]}";

fn server() -> String {
    answering(|_| ("application/json", json!({"ok": true}).to_string()))
}

#[test]
fn a_run_gets_the_network_as_the_file_says_when_it_begins_and_keeps_it() {
    let (workspace, server) = (Workspace::with("p.yaml", CALL), server());
    workspace.fifo("up");
    workspace.fifo("go");
    let input = format!("server={server}");
    workspace.ok(&["engine", "start"]);
    let engine = workspace.engine_pid();
    let start =
        || workspace.ok(&["run", "p", "-i", &input, "--detach", "--json"]).json()["id"].as_str().expect("an id").to_owned();
    let before = start();
    workspace.hear("up");
    fs::write(workspace.file("flowdeck.toml"), "[network]\nallow = []\n").expect("the file");
    workspace.release("go");
    assert_eq!(workspace.wait(&before)["status"], "succeeded");
    let after = start();
    workspace.hear("up");
    workspace.release("go");
    workspace.say(&["runs", "logs", &after, "--follow"]);
    let run = workspace.ok(&["runs", "show", &after, "--json"]).json();
    assert_eq!(run["error"]["type"], "SECURITY", "{run:#}");
    assert_eq!(workspace.engine_pid(), engine, "the engine was restarted");
}

#[test]
fn a_provider_that_is_written_into_the_file_is_asked_by_the_next_run() {
    let text = "{id: p, stages: [{id: gen, type: generator, config: {prompt: hi}}]}";
    let workspace = Workspace::with("p.yaml", text);
    assert_eq!(workspace.ok(&["run", "p", "--json"]).json()["output"]["model"], "mock");
    let server = answering(|_| {
        let piece = json!({"model": "real", "choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]});
        ("text/event-stream", format!("data: {piece}\n\ndata: [DONE]\n\n"))
    });
    let provider =
        format!("[ai.providers.l]\nkind = \"openai\"\nbase_url = \"{server}/v1\"\nmodel = \"m\"\nkey = {{ file = \"key\" }}\n");
    fs::write(workspace.file("flowdeck.toml"), format!("[ai]\ndefault = \"l\"\n{provider}")).expect("the file");
    let failed = workspace.say(&["run", "p", "--json"]).json();
    assert_eq!(failed["error"]["type"], "CONFIGURATION", "without its key: {failed:#}");
    // The key is there at last: that is seen, too, although the file is as it was.
    let key = workspace.file("key");
    fs::write(&key, "sk-1234567\n").expect("the key");
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
    assert_eq!(workspace.ok(&["run", "p", "--json"]).json()["output"]["model"], "real");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_refuses_new_runs_with_the_place_and_leaves_the_others_alone() {
    let (workspace, server) = (Workspace::with("p.yaml", CALL), server());
    workspace.fifo("up");
    workspace.fifo("go");
    let id = workspace.ok(&["run", "p", "-i", &format!("server={server}"), "--detach", "--json"]).json();
    let id = id["id"].as_str().expect("an id").to_owned();
    workspace.hear("up");
    let socket = workspace.ok(&["engine", "status", "--json"]).json()["socket"].as_str().expect("a path").to_owned();
    let file = workspace.file("flowdeck.toml");
    fs::write(&file, "[network]\nalow = []\n").expect("the file");
    let client = Client::new(Path::new(&socket)).expect("a client");
    let new = NewRun {
        environment: None,
        includes: Vec::new(),
        modules: Vec::new(),
        definition: CALL.to_owned(),
        format: "yaml".to_owned(),
        path: None,
        workspace: workspace.file("").display().to_string(),
        inputs: json!({"server": server}),
        values: flowdeck::model::Values::default(),
        timeout_ms: None,
    };
    let refused = client.create(&new).await.expect_err("a broken file");
    let text = refused.to_string();
    assert!(text.contains("flowdeck.toml") && text.contains("alow") && text.contains("allow"), "{text}");
    assert_eq!(refused.exit_code(), 2);
    workspace.release("go");
    fs::remove_file(&file).expect("the file");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    // Mended, it is taken.
    client.create(&new).await.expect("a run");
    workspace.hear("up");
    kill(workspace.engine_pid());
}
