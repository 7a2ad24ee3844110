//! The engine's API as clients other than ours would meet it: permissions, identity, the event stream.

use std::os::unix::fs::PermissionsExt;

use flowdeck::client::{Client, Subscription, Update};
use flowdeck::model::{Run, RunId};
use tokio::sync::mpsc;

use super::support::{PATIENCE, Workspace};

const THREE: &str = "{id: p, stages: [
  {id: a, type: shell, config: {run: 'echo a'}},
  {id: b, type: shell, depends_on: [a], config: {run: 'echo b'}},
  {id: c, type: json-transform, depends_on: [b], config: {template: {done: true}}}]}";

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn socket(workspace: &Workspace) -> std::path::PathBuf {
    workspace.ok(&["engine", "status", "--json"]).json()["socket"].as_str().expect("a path").into()
}

async fn next(updates: &mut mpsc::Receiver<Update>) -> Update {
    tokio::time::timeout(PATIENCE, updates.recv()).await.expect("an update in time").expect("an update")
}

fn listen(client: &Client, id: &str, after: Option<u64>) -> mpsc::Receiver<Update> {
    client.subscribe(Subscription { run: Some(RunId::from_text(id)), after, revive: None })
}

#[test]
fn the_socket_is_for_its_owner_alone_and_the_kernel_says_who_asks() {
    let workspace = Workspace::with("p.yaml", THREE);
    let run = workspace.ok(&["run", "p", "--json"]).json();
    let socket = socket(&workspace);
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().expect("a directory")), 0o700);
    let me = rustix::process::geteuid().as_raw();
    assert_eq!(run["actor"]["uid"], me);
    assert_eq!(run["actor"]["proof"], "peer_credentials");
    // Neither a variable nor anything else a client says changes that.
    let mut command = workspace.command(&["run", "p", "--json"]);
    command.env("USER", "somebody-else").env("LOGNAME", "somebody-else").stdout(std::process::Stdio::piped());
    let said = super::support::finish(command.spawn().expect("flowdeck"));
    assert_eq!(said.json()["actor"], run["actor"]);
}

#[tokio::test]
async fn a_stream_resumes_after_the_sequence_number_it_is_given() {
    let workspace = Workspace::with("p.yaml", THREE);
    let id = workspace.ok(&["run", "p", "--json"]).json()["id"].as_str().expect("an id").to_owned();
    let client = Client::new(&socket(&workspace)).expect("a client");
    let whole = client.run(&id).await.expect("the run");
    let mut updates = listen(&client, &id, Some(2));
    let mut seen = Vec::new();
    while seen.last() != Some(&whole.seq) {
        match next(&mut updates).await {
            Update::Event(event) => seen.push(event.seq),
            Update::Connected => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(seen, (3..=whole.seq).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listener_that_lags_gets_a_snapshot_and_ends_with_the_same_run() {
    let stages: Vec<String> =
        (0..6000).map(|n| format!(r#"{{"id":"s{n}","type":"json-transform","config":{{"template":{{"n":{n}}}}}}}"#)).collect();
    let gate = r#"{"id":"gate","type":"shell","config":{"run":"echo up > up; cat go"}}"#;
    let after = stages.join(",").replace(r#","config""#, r#","depends_on":["gate"],"config""#);
    let workspace = Workspace::with("big.json", &format!(r#"{{"id":"big","stages":[{gate},{after}]}}"#));
    workspace.fifo("up");
    workspace.fifo("go");
    let id = workspace.detach("big");
    workspace.hear("up");
    let client = Client::new(&socket(&workspace)).expect("a client");
    let mut updates = listen(&client, &id, None);
    let mut run: Option<Run> = None;
    while run.is_none() {
        if let Update::Snapshot(first) = next(&mut updates).await {
            run = Some(*first);
        }
    }
    // Nothing is read while twelve thousand events go by.
    workspace.release("go");
    workspace.wait(&id);
    let mut snapshots = 0;
    let mut run = run.expect("a snapshot");
    while !run.status.is_final() {
        match next(&mut updates).await {
            Update::Event(event) => run.apply(&event),
            Update::Snapshot(newer) => {
                snapshots += 1;
                run = *newer;
            }
            Update::Connected | Update::Lagged | Update::Signal(_) => {}
            Update::Disconnected(why) => panic!("disconnected: {why}"),
        }
    }
    assert!(snapshots > 0, "the listener never lagged, so nothing was tried");
    let truth = client.run(&id).await.expect("the run");
    assert_eq!(run.status, truth.status);
    let outputs = |run: &Run| run.stages.values().map(|stage| (stage.status, stage.output.clone())).collect::<Vec<_>>();
    assert_eq!(outputs(&run), outputs(&truth));
}

#[test]
fn the_engine_stops_by_itself_when_nobody_needs_it() {
    let workspace = Workspace::with("p.yaml", THREE);
    let mut command = workspace.command(&["run", "p", "--json"]);
    command.env("FLOWDECK_IDLE_TIMEOUT", "300ms").stdout(std::process::Stdio::piped());
    assert_eq!(super::support::finish(command.spawn().expect("flowdeck")).code, Some(0));
    // Asking it would keep it awake.
    let pid = std::fs::read_to_string(workspace.state().join("engine.lock")).expect("a lock").trim().parse().expect("a pid");
    super::support::until("the engine is gone", || !super::support::is_alive(pid));
    assert_eq!(workspace.say(&["engine", "status"]).code, Some(4));
}

#[test]
fn no_more_stages_run_at_once_than_the_engine_allows() {
    let stages: Vec<String> = (0..6)
        .map(|n| format!("{{id: s{n}, type: shell, config: {{run: 'mkdir -p at; : > at/{n}; ls at | wc -l >> counts; sleep 0.05; rm at/{n}'}}}}"))
        .collect();
    let workspace = Workspace::with("p.yaml", &format!("{{id: p, stages: [{}]}}", stages.join(",")));
    let mut command = workspace.command(&["engine", "start"]);
    command.env("FLOWDECK_MAX_CONCURRENCY", "2").stdout(std::process::Stdio::null());
    assert!(command.status().expect("flowdeck").success());
    workspace.ok(&["run", "p", "--json"]);
    let counts: Vec<u32> = workspace.read("counts").lines().map(|line| line.trim().parse().expect("a number")).collect();
    assert_eq!(counts.len(), 6);
    assert!(counts.iter().all(|count| *count <= 2), "{counts:?}");
}

#[test]
fn read_only_changes_nothing() {
    let workspace = Workspace::with("p.yaml", THREE);
    let said = workspace.say(&["--read-only", "run", "p"]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert_eq!(workspace.ok(&["runs", "list", "--json"]).json()["runs"], serde_json::json!([]));
}
