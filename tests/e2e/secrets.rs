//! Secrets: where they come from when the client that brought them is gone, and that they are kept and shown nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use flowdeck::client::{Client, Subscription, Update};
use flowdeck::model::RunId;
use serde_json::{Value, json};

use super::server::answering;
use super::support::{Workspace, kill, until};

/// Waits in the middle, may be done again, and says how long its secrets are.
const HELD: &str = "{id: p, stages: [{id: use, type: shell, idempotent: true,
  config: {env: {A: '{{secrets.FILED}}', B: '{{secrets.PRINTED}}'}, run: 'echo up > up; cat go; echo ${#A} ${#B}'}}]}";
const SOURCES: &str = "[secrets]\nFILED = { file = \"filed\" }\nPRINTED = { command = [\"cat\", \"printed\"] }\n";

fn private(workspace: &Workspace, name: &str, text: &str) {
    let path = workspace.file(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

fn workspace(pipeline: &str, sources: &str) -> Workspace {
    let workspace = Workspace::with("p.yaml", pipeline);
    fs::write(workspace.file("flowdeck.toml"), sources).expect("flowdeck.toml");
    workspace.fifo("up");
    workspace.fifo("go");
    workspace
}

/// A held run whose engine and runner have just been killed: nobody has its values any more.
fn bereft(workspace: &Workspace) -> String {
    private(workspace, "filed", "tok-12345678\n");
    private(workspace, "printed", "key-4321\n");
    let id = workspace.detach("p");
    workspace.hear("up");
    let runner = workspace.runner_pid(&id);
    kill(workspace.engine_pid());
    kill(runner);
    id
}

#[test]
fn an_engine_that_takes_a_run_up_finds_its_secrets_itself() {
    let workspace = workspace(HELD, SOURCES);
    let id = bereft(&workspace);
    workspace.ok(&["engine", "start"]);
    workspace.hear("up");
    workspace.release("go");
    let shown = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the run ends without a client", || shown()["status"] == "succeeded");
    assert!(workspace.ok(&["runs", "logs", &id, "use"]).out.ends_with("12 8\n"));
}

#[test]
fn a_secret_that_was_changed_meanwhile_is_used_as_it_is_now() {
    let workspace = workspace(HELD, SOURCES);
    let id = bereft(&workspace);
    private(&workspace, "filed", "tok-1\n");
    workspace.ok(&["engine", "start"]);
    workspace.hear("up");
    workspace.release("go");
    workspace.wait(&id);
    assert!(workspace.ok(&["runs", "logs", &id, "use"]).out.ends_with("5 8\n"));
}

#[test]
fn a_run_waits_only_for_what_the_engine_cannot_find_and_says_why() {
    let workspace = workspace(HELD, SOURCES);
    let id = bereft(&workspace);
    fs::remove_file(workspace.file("printed")).expect("the file");
    workspace.ok(&["engine", "start"]);
    let shown = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the run waits", || shown()["status"] == "waiting");
    let run = shown();
    assert_eq!(run["needs"], json!(["secrets.PRINTED"]));
    let notes = run["notes"].to_string();
    assert!(notes.contains("the secret PRINTED cannot be read: cat ended with exit status: 1"), "{notes}");
    // It is there again, and somebody follows the run.
    private(&workspace, "printed", "key-4321\n");
    let follower = workspace.spawn(&["runs", "logs", &id, "--follow"]);
    workspace.hear("up");
    workspace.release("go");
    let said = super::support::finish(follower);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(shown()["status"], "succeeded");
}

/// Different in each spelling: quotes for JSON, slashes and signs for addresses.
const SECRET: &str = "hunter\"quokka/+&platypus=9%wombat~end";
/// Nothing else has these in it, and no part of a secret may be seen either. The last is the secret's base64.
const PIECES: &[&str] = &["hunter", "quokka", "platypus", "wombat", "aHVudGVyInF1b2trYS"];

/// Uses the secret wherever a pipeline can.
const EVERYWHERE: &str = r#"
id: p
stages:
  - id: held
    type: shell
    idempotent: true
    config:
      env: { T: "{{secrets.TOKEN}}" }
      stdin: "{{secrets.TOKEN}}"
      run: 'U={{secrets.TOKEN}}; echo up > up; cat go; cat; echo "$T $U" >&2; printf %s "$T" | base64; echo "a=$T" >> "$FLOWDECK_OUTPUT"; cat {{input.outside}}/outputs >> "$FLOWDECK_OUTPUT"'
  - { id: spelled, type: shell, depends_on: [held], config: { env: { J: "{{str([secrets.TOKEN])}}" }, run: 'echo "$J"; cat {{input.outside}}/spellings' } }
  - id: called
    type: http-request
    depends_on: [held]
    config:
      url: "{{input.server}}/echo/{{secrets.TOKEN}}"
      method: POST
      headers: { X-Token: "{{secrets.TOKEN}}" }
      params: { q: "{{secrets.TOKEN}}" }
      auth: { token: "{{secrets.TOKEN}}" }
      body: { token: "{{secrets.TOKEN}}", "{{secrets.TOKEN}}": 1 }
  - { id: asked, type: generator, depends_on: [held], config: { prompt: "repeat {{secrets.TOKEN}}", system_prompt: "{{secrets.TOKEN}}" } }
  - { id: shell-fails, type: shell, depends_on: [held], on_error: continue, config: { env: { T: "{{secrets.TOKEN}}" }, run: 'echo "$T" >&2; echo "not = { $T" >> "$FLOWDECK_OUTPUT"; exit 3' } }
  - { id: no-program, type: shell, depends_on: [held], on_error: continue, config: { command: ["{{secrets.TOKEN}}"] } }
  - { id: no-directory, type: shell, depends_on: [held], on_error: continue, config: { cwd: "/{{secrets.TOKEN}}", run: "true" } }
  - { id: no-server, type: http-request, depends_on: [held], on_error: continue, retry_config: { max_retries: 1, initial_delay_ms: 1 }, config: { url: "http://127.0.0.1:1/{{secrets.TOKEN}}" } }
  - { id: no-address, type: http-request, depends_on: [held], on_error: continue, config: { url: "ht tp://{{secrets.TOKEN}}" } }
  - { id: no-number, type: json-transform, depends_on: [held], on_error: continue, config: { template: "{{int(secrets.TOKEN)}}" } }
  - { id: no-field, type: json-transform, depends_on: [held], on_error: continue, config: { data: { a: 1 }, jmespath_expression: "{{secrets.TOKEN}}" } }
  - { id: invalid, type: schema-validate, depends_on: [held], on_error: continue, config: { data: { "{{secrets.TOKEN}}": "{{secrets.TOKEN}}" }, schema: { additionalProperties: { type: integer } } } }
  - { id: unreadable, type: conditional, depends_on: [held], on_error: continue, config: { condition: "{{secrets.TOKEN}}", true_stages: [], false_stages: [] } }
  - { id: again, type: shell, depends_on: [held], error_handling: { on_error: retry, max_retries: 1, retry_delay: 1 }, config: { run: 'echo "a={{secrets.TOKEN}}" >> "$FLOWDECK_OUTPUT"; echo x >> tries; test $(wc -l < tries) -ge 2' } }
  - { id: kept, type: variable-set, depends_on: [held], config: { variables: { token: "{{secrets.TOKEN}}" } } }
  - { id: told, type: logger, depends_on: [kept], config: { message: "it is {{variables.token}}, {{secrets.TOKEN}}", data: { t: "{{secrets.TOKEN}}" } } }
  - { id: gate, type: filter, depends_on: [held], config: { data: "{{secrets.TOKEN}}", condition: "data == 'x'" } }
  - { id: unclosed, type: filter, depends_on: [held], config: { data: 1, condition: "{{secrets.TOKEN}}" } }
  - { id: polled, type: json-transform, depends_on: [held], on_error: continue, config: { template: 1 }, error_handling: { on_error: retry, max_retries: 1, retry_delay: 1, retry_until: "{{secrets.TOKEN}}" } }
  - { id: when-secret, type: shell, depends_on: [held], on_error: continue, when: "{{secrets.TOKEN}}", config: { run: "true" } }
  - { id: routed, type: router, depends_on: [held], config: { value: "{{secrets.TOKEN}}", routes: { x: [] } } }
  - { id: each, type: foreach, depends_on: [held], config: { items: ["{{secrets.TOKEN}}", "{{upstream.held.outputs.a}}"], loop_stages: [item], item_variable: it } }
  - { id: item, type: shell, on_error: continue, config: { run: 'echo {{it}} {{secrets.TOKEN}}; exit 1' } }
  - { id: guard, type: trycatch, depends_on: [held], config: { try_stages: [tried], catch_stages: [caught] } }
  - { id: tried, type: json-transform, config: { template: "{{float(secrets.TOKEN)}}" } }
  - { id: caught, type: json-transform, config: { template: { e: "{{error}}", t: "{{secrets.TOKEN}}" } } }
  - { id: end, type: return, depends_on: [told, each, guard, again, asked, called], config: { return_value: "{{secrets.TOKEN}}", message: "{{secrets.TOKEN}}" } }
"#;

/// The secret as it is, in base64, in an address, in JSON and in JSON in JSON.
fn spellings() -> Vec<String> {
    let json = |text: &str| Value::from(text).to_string().trim_matches('"').to_owned();
    let escape = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let base64 = "aHVudGVyInF1b2trYS8rJnBsYXR5cHVzPTkld29tYmF0fmVuZA==";
    vec![SECRET.to_owned(), base64.to_owned(), SECRET.bytes().map(escape).collect(), json(SECRET), json(&json(SECRET))]
}

/// Says which part of the secret a text has.
fn leak(text: &[u8]) -> Option<&'static str> {
    PIECES.iter().copied().find(|piece| memchr::memmem::find(text, piece.as_bytes()).is_some())
}

fn leaking_files(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            leaking_files(&path, found);
        } else if let Some(piece) = leak(&fs::read(&path).unwrap_or_default()) {
            found.push(format!("{}: {piece}", path.display()));
        }
    }
}

/// Command lines, which everybody on the machine can read.
fn leaking_processes(found: &mut Vec<String>) {
    for entry in fs::read_dir("/proc").expect("/proc").filter_map(Result::ok) {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if let Some(piece) = leak(&line) {
            found.push(format!("{}: {piece}: {}", entry.path().display(), String::from_utf8_lossy(&line)));
        }
    }
}

/// Everything that the event stream has to say about a run, from its beginning.
async fn events(workspace: &Workspace, run: &Value) -> String {
    let socket = workspace.ok(&["engine", "status", "--json"]).json()["socket"].as_str().expect("a path").to_owned();
    let client = Client::new(Path::new(&socket)).expect("a client");
    let id = RunId::from_text(run["id"].as_str().expect("an id"));
    let mut updates = client.subscribe(Subscription { run: Some(id), after: Some(0), revive: None });
    let (mut said, last) = (String::new(), run["seq"].as_u64().expect("a number"));
    loop {
        match tokio::time::timeout(Duration::from_secs(30), updates.recv()).await.expect("an update").expect("a stream") {
            Update::Event(event) => {
                said.push_str(&serde_json::to_string(&event).expect("JSON"));
                if event.seq == last {
                    return said;
                }
            }
            Update::Connected | Update::Signal(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn echoing_server() -> String {
    answering(|request| {
        let text = format!("{}{}", request.head, request.body);
        if !request.path().contains("completions") {
            return ("application/json", json!({"echo": text, "token": SECRET}).to_string());
        }
        let piece = json!({"model": "m", "choices": [{"delta": {"content": text}, "finish_reason": "stop"}]});
        ("text/event-stream", format!("data: {piece}\n\ndata: [DONE]\n\n"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_used_everywhere_is_kept_and_shown_nowhere() {
    let server = echoing_server();
    let provider =
        format!("[ai]\ndefault = \"l\"\n[ai.providers.l]\nkind = \"openai\"\nbase_url = \"{server}/v1\"\nmodel = \"m\"\n");
    let workspace = workspace(EVERYWHERE, &format!("{provider}[secrets]\nTOKEN = {{ file = \"token\" }}\n"));
    let outside = tempfile::tempdir().expect("a directory");
    let token = outside.path().join("token");
    fs::write(&token, SECRET).expect("a file");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("its mode");
    std::os::unix::fs::symlink(&token, workspace.file("token")).expect("a link");
    fs::write(outside.path().join("spellings"), spellings().join("\n") + "\n").expect("a file");
    fs::write(outside.path().join("outputs"), json!({"b": SECRET, SECRET: [SECRET]}).to_string()).expect("a file");
    let inputs = [format!("server={server}"), format!("outside={}", outside.path().display())];
    let inputs = ["-i", &inputs[0], "-i", &inputs[1]];
    let mut found = Vec::new();
    let plan = workspace.ok(&[&["plan", "p"], &inputs[..]].concat());
    let started = workspace.ok(&[&["run", "p", "--detach", "--json"], &inputs[..]].concat()).json();
    let id = started["id"].as_str().expect("an id").to_owned();
    workspace.hear("up");
    leaking_processes(&mut found);
    let runner = workspace.runner_pid(&id);
    kill(workspace.engine_pid());
    kill(runner);
    workspace.ok(&["engine", "start"]);
    workspace.hear("up");
    leaking_processes(&mut found);
    workspace.release("go");
    let run = workspace.wait(&id);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(run["stages"]["held"]["attempts"][0]["status"], "unknown");
    assert!(run["stages"]["asked"]["output"]["content"].as_str().is_some_and(|text| text.contains("***")), "{run:#}");
    let mut answers = vec![
        ("plan", plan.out + &plan.err),
        ("the run", run.to_string()),
        ("runs show", workspace.ok(&["runs", "show", &id]).out),
        ("runs list", workspace.ok(&["runs", "list", "--json"]).out),
        ("the events", events(&workspace, &run).await),
    ];
    for (stage, state) in run["stages"].as_object().expect("stages") {
        for attempt in state["attempts"].as_array().expect("attempts") {
            let number = attempt["number"].to_string();
            let said = workspace.say(&["runs", "logs", &id, stage, "--attempt", &number]);
            answers.push(("runs logs", said.out + &said.err));
        }
    }
    let spelled = |(what, text): &(&str, String)| leak(text.as_bytes()).map(|piece| format!("{what}: {piece}: {text}"));
    found.extend(answers.iter().filter_map(spelled));
    leaking_files(workspace.state(), &mut found);
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_run_keeps_the_values_it_has_whatever_it_is_offered() {
    let text = "{id: p, stages: [
      {id: a, type: shell, config: {run: 'echo up > up; cat go'}},
      {id: b, type: shell, depends_on: [a], config: {run: 'echo $T > effects; echo said $T', env: {T: '{{env.OFFERED}}'}}}]}";
    let workspace = workspace(text, "");
    let started = workspace.command(&["run", "p", "--detach", "--json"]).env("OFFERED", "the-right-one").output();
    let id = serde_json::from_slice::<Value>(&started.expect("flowdeck").stdout).expect("json")["id"].clone();
    let id = id.as_str().expect("an id");
    workspace.hear("up");
    let status = workspace.ok(&["engine", "status", "--json"]).json();
    let client = Client::new(Path::new(status["socket"].as_str().expect("a path"))).expect("a client");
    let values = |name: &str| flowdeck::model::Values([(name.to_owned(), "another-one".to_owned())].into());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for name in ["env.OFFERED", "env.NEVER_ASKED_FOR"] {
        runtime.block_on(client.provide(id, &values(name))).expect("taken in silence");
    }
    workspace.release("go");
    assert_eq!(workspace.wait(id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "the-right-one\n");
    assert_eq!(workspace.ok(&["runs", "logs", id, "b"]).out, "said ***\n");
}

/// A secret that belongs to an environment is read by nothing that acts elsewhere, computes inside the engine, or names no
/// environment at all.
#[test]
fn a_secret_of_an_environment_is_read_only_by_what_acts_there() {
    let workspace = Workspace::with(
        "p.yaml",
        r#"
id: p
stages:
  - {id: ship, type: shell, environment: production, config: {run: 'test {{secrets.TOKEN}} = hunter2-hunter2 && echo shipped >> effects'}}
"#,
    );
    workspace
        .pipeline("thief.yaml", "{id: thief, stages: [{id: a, type: shell, config: {run: 'echo {{secrets.TOKEN}} > stolen'}}]}");
    workspace.pipeline(
        "staging.yaml",
        "{id: staging, environment: staging, stages: [{id: a, type: shell, config: {run: 'echo {{secrets.TOKEN}} > stolen'}}]}",
    );
    workspace.pipeline(
        "inline.yaml",
        "{id: inline, stages: [{id: a, type: json-transform, environment: production, config: {template: {x: '{{secrets.TOKEN}}'}}}]}",
    );
    workspace.pipeline(
        "quiet.yaml",
        "{id: quiet, stages: [{id: a, type: shell, config: {run: \"echo {{secrets.get('TOKEN') or 'none'}} > quiet\"}}]}",
    );
    std::fs::write(
        workspace.file("flowdeck.toml"),
        "[environments.staging]\n[environments.production]\nprotected = true\nseparation = false\n\
         [secrets]\nTOKEN = { command = [\"echo\", \"hunter2-hunter2\"], environments = [\"production\"] }\n",
    )
    .expect("the file");
    for name in ["thief", "staging", "inline"] {
        let run = workspace.say(&["run", name, "--json"]).json();
        let error = &run["stages"]["a"]["error"];
        assert_eq!(error["type"], "SECURITY", "{name}: {run:#}");
        assert!(error["message"].to_string().contains("is only for stages that act in production"), "{name}: {error}");
    }
    workspace.ok(&["run", "quiet", "--json"]);
    assert_eq!((workspace.read("stolen"), workspace.read("quiet")), (String::new(), "none\n".to_owned()));
    let id = workspace.detach("p");
    let gate = crate::gates::gate_of(&workspace, &id, "pending");
    let text = |key: &str| gate[key].as_str().expect("a text");
    workspace.ok(&["gates", "approve", text("id"), "--digest", &text("digest")[..12], "--reason", "seen"]);
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], workspace.read("effects")), (&serde_json::json!("succeeded"), "shipped\n".to_owned()), "{run:#}");
}

/// What a stage reads before its gate, nobody has agreed to: a condition on a secret would tell it, sign by sign.
#[test]
fn a_secret_of_a_protected_environment_is_not_read_before_the_gate() {
    let reads = [
        (
            "condition",
            "{id: a, type: shell, environment: production, when: \"secrets.TOKEN.startswith('h')\", config: {run: 'true'}}",
        ),
        ("place", "{id: a, type: shell, environment: '{{secrets.TOKEN[0:2]}}', config: {run: 'true'}}"),
        (
            "version",
            "{id: a, type: deploy, environment: production, config: {service: api, version: '{{secrets.TOKEN[0:2]}}', run: 'true'}}",
        ),
        ("nowhere", "{id: a, type: shell, when: \"secrets.TOKEN.startswith('h')\", config: {run: 'true'}}"),
    ];
    let workspace = Workspace::with(
        "p.yaml",
        "{id: p, stages: [{id: a, type: deploy, environment: production, config: {service: api, version: '1', env: {T: '{{secrets.TOKEN}}'}, run: 'test $T = hunter2-hunter2 && echo shipped >> effects'}}]}",
    );
    for (name, stage) in reads {
        let place = if name == "place" { "environment: production, " } else { "" };
        workspace.pipeline(&format!("{name}.yaml"), &format!("{{id: {name}, {place}stages: [{stage}]}}"));
    }
    std::fs::write(
        workspace.file("flowdeck.toml"),
        "[environments.production]\nprotected = true\nseparation = false\n\
         [secrets]\nTOKEN = { command = [\"echo\", \"hunter2-hunter2\"], environments = [\"production\"] }\n",
    )
    .expect("the file");
    for (name, _) in reads {
        let run = workspace.say(&["run", name, "--json"]).json();
        let error = &run["stages"]["a"]["error"];
        assert!(error["message"].to_string().contains("is only for stages that act in production"), "{name}: {run:#}");
        assert!(!run.to_string().contains("`hu`"), "{name}: {run:#}");
    }
    let id = workspace.detach("p");
    let gate = crate::gates::gate_of(&workspace, &id, "pending");
    let text = |key: &str| gate[key].as_str().expect("a text");
    workspace.ok(&["gates", "approve", text("id"), "--digest", &text("digest")[..12], "--reason", "seen"]);
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], workspace.read("effects")), (&serde_json::json!("succeeded"), "shipped\n".to_owned()), "{run:#}");
}
