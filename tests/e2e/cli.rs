//! The command line as a stranger uses it: odd places, slips of the fingers, scripts that read what it says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal};

use super::support::{Said, Workspace, finish, kill};

const GREET: &str = "
id: greet
input_schema: {type: object, properties: {name: {type: string, default: world}, times: {type: integer, default: 1}}}
stages:
  - {id: say, type: shell, config: {run: 'echo hello {{input.name}}; echo twice >&2'}}
  - {id: again, type: shell, depends_on: [say], config: {run: 'echo again'}}
";

fn refused(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:#?}");
    for word in words {
        assert!(said.err.contains(word), "{word}: {said:#?}");
    }
    assert!(!said.err.contains("panicked"), "{said:#?}");
}

#[test]
fn a_first_workspace_is_made_and_never_overwritten() {
    let workspace = Workspace::new();
    let dir = workspace.file("new place — ünï");
    let place = dir.to_str().unwrap();
    let said = workspace.ok(&["init", place]);
    assert!(said.out.contains("hello.yaml"), "{said:#?}");
    let run = workspace.ok(&["--workspace", place, "run", "hello", "-i", "name=Ada", "--json"]).json();
    assert_eq!(run["output"]["greeted"], "Ada");
    fs::write(dir.join("flowdeck.toml"), "# mine\n").unwrap();
    fs::remove_file(dir.join("pipelines/hello.yaml")).unwrap();
    refused(&workspace.say(&["init", place]), 2, &["flowdeck.toml", "nothing was written"]);
    assert_eq!(fs::read_to_string(dir.join("flowdeck.toml")).unwrap(), "# mine\n");
    assert!(!dir.join("pipelines/hello.yaml").exists());
}

#[test]
fn an_empty_directory_gets_a_hint_instead_of_a_riddle() {
    let workspace = Workspace::new();
    fs::remove_dir(workspace.file("pipelines")).unwrap();
    for args in [&["run", "x"][..], &["validate"], &["validate", "x"], &["plan", "x"], &["graph", "x"]] {
        refused(&workspace.say(args), 2, &["flowdeck init"]);
    }
    let none = workspace.ok(&["runs"]);
    assert!(none.out.is_empty() && none.err.contains("no runs"), "{none:#?}");
    refused(&workspace.say(&["runs", "show", "last"]), 2, &["last"]);
    refused(&workspace.say(&["runs", "show", ""]), 2, &["an id"]);
}

#[test]
fn without_a_terminal_the_console_says_what_works_instead() {
    let workspace = Workspace::new();
    refused(&workspace.say(&[]), 2, &["needs a terminal", "--plain"]);
    refused(&workspace.say(&["demo"]), 2, &["needs a terminal", "--headless"]);
}

#[test]
fn without_an_engine_its_status_is_four_and_says_so_in_json() {
    let workspace = Workspace::new();
    let said = workspace.say(&["engine", "status", "--json"]);
    assert_eq!(said.json(), serde_json::json!({"running": false}));
    refused(&said, 4, &["no engine runs", "engine start"]);
    assert_eq!(workspace.ok(&["engine", "stop", "--json"]).json()["running"], false);
}

#[test]
fn looking_only_changes_nothing() {
    let workspace = Workspace::with("greet.yaml", GREET);
    let pid = workspace.ok(&["engine", "start", "--json"]).json()["pid"].clone();
    for args in [&["run", "greet"][..], &["engine", "stop"], &["init", "elsewhere"], &["runs", "rerun", "last"]] {
        let args: Vec<&str> = ["--read-only"].iter().chain(args).copied().collect();
        refused(&workspace.say(&args), 3, &["--read-only"]);
    }
    assert_eq!(workspace.ok(&["engine", "status", "--json"]).json()["pid"], pid);
    assert!(!workspace.file("elsewhere").exists());
}

#[test]
fn a_version_that_looks_like_a_number_stays_text_where_the_schema_wants_text() {
    let workspace = Workspace::with("greet.yaml", GREET);
    let run = workspace.ok(&["run", "greet", "-i", "name=1.10", "-i", "times=3", "--json"]).json();
    assert_eq!(run["inputs"], serde_json::json!({"name": "1.10", "times": 3}));
}

#[test]
fn slips_in_inputs_are_named() {
    let workspace = Workspace::with("greet.yaml", GREET);
    fs::write(workspace.file("bad.json"), "{\"name\": }").unwrap();
    refused(&workspace.say(&["plan", "greet", "-i", "=x"]), 2, &["KEY=VALUE"]);
    refused(&workspace.say(&["plan", "greet", "-i", "times=many"]), 2, &["\n  times: "]);
    refused(&workspace.say(&["plan", "greet", "--inputs", "bad.json"]), 2, &["bad.json:1:10"]);
    refused(&workspace.say(&["run", "greet", "--timeout", "0s"]), 2, &["some time"]);
    let said = workspace.ok(&["plan", "greet", "-i", "nmae=x"]);
    assert!(said.err.contains("did you mean `name`?"), "{said:#?}");
}

#[test]
fn a_plan_shows_what_is_known_and_hides_what_is_secret() {
    let text = "
id: p
stages:
  - {id: a, type: shell, config: {run: 'echo {{secrets.TOKEN}} {{input.x}}'}}
  - {id: pick, type: conditional, depends_on: [a], config: {condition: '{{upstream.a.exit_code}} == 0', true_stages: [b]}}
  - {id: b, type: logger, config: {message: 'code {{upstream.a.exit_code}}'}}
";
    let workspace = Workspace::with("p.yaml", text);
    fs::write(workspace.file("flowdeck.toml"), "[secrets]\nTOKEN = { env = \"MY_TOKEN\" }\n").unwrap();
    let mut command = workspace.command(&["plan", "p", "-i", "x=7; ls"]);
    let child = command.env("MY_TOKEN", "hunter2-hunter2").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let said = finish(child);
    assert_eq!(said.code, Some(0), "{said:#?}");
    for expected in ["echo (secrets.TOKEN) '7; ls'", "(known after a)", "if chosen by pick"] {
        assert!(said.out.contains(expected), "{expected}: {said:#?}");
    }
    assert!(!said.out.contains("hunter2"), "{said:#?}");
}

#[test]
fn every_document_is_json_and_nothing_else() {
    let workspace = Workspace::with("greet.yaml", GREET);
    workspace.ok(&["run", "greet", "--json"]).json();
    let listings: [&[&str]; 10] = [
        &["runs", "--json"],
        &["runs", "list", "--limit", "1", "--json"],
        &["runs", "show", "last", "--json"],
        &["runs", "logs", "last", "--json"],
        &["validate", "--json"],
        &["plan", "greet", "--json"],
        &["graph", "greet", "--format", "json"],
        &["engine", "status", "--json"],
        &["doctor", "--json"],
        &["schema"],
    ];
    for args in listings {
        workspace.ok(args).json();
    }
    let log = workspace.ok(&["runs", "logs", "last", "--json"]).json();
    let lines = log["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 3, "{log:#}");
    assert_eq!((&lines[0]["stage"], &lines[0]["text"]), (&"say".into(), &"hello world".into()));
    assert_eq!(lines[1]["stream"], "stderr");
    let id = workspace.detach("greet");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    for args in [&["runs", "rerun", "last", "--all", "--json"][..], &["runs", "rerun", "last", "--detach", "--json"]] {
        workspace.ok(args).json();
    }
}

#[test]
fn logs_are_followed_without_commentary_and_name_what_is_missing() {
    let workspace = Workspace::with("greet.yaml", GREET);
    workspace.ok(&["run", "greet", "--json"]);
    assert_eq!(workspace.ok(&["runs", "logs", "last", "say", "--follow"]).out, "hello world\ntwice\n");
    let all = workspace.ok(&["runs", "logs", "last", "-f"]).out;
    assert_eq!(all, "say | hello world\nsay | twice\nagain | again\n");
    refused(&workspace.say(&["runs", "logs", "last", "nothere"]), 2, &["nothere", "it has say, again"]);
    refused(&workspace.say(&["runs", "logs", "last", "nothere", "-f"]), 2, &["nothere"]);
    refused(&workspace.say(&["runs", "logs", "last", "say", "--attempt", "7"]), 2, &["there are 1"]);
    refused(&workspace.say(&["runs", "logs", "last", "-f", "--json"]), 2, &["--json"]);
}

#[test]
fn who_follows_a_log_can_leave_without_cancelling_the_run() {
    let workspace =
        Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo up; cat go; echo end'}}]}");
    workspace.fifo("go");
    let id = workspace.detach("p");
    // Often: a press that comes while the client is busy printing must count as well.
    for _ in 0..20 {
        let mut child = workspace.spawn(&["runs", "logs", &id, "--follow"]);
        let mut first = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut first).unwrap();
        assert_eq!(first, "a | up\n");
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::INT).unwrap();
        assert_eq!(finish(child).code, Some(130));
    }
    workspace.release("go");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
}

#[test]
fn output_that_nobody_reads_or_can_take_ends_without_a_panic() {
    let workspace = Workspace::new();
    for args in [&["man"][..], &["schema"], &["completions", "bash"], &["--help"]] {
        let mut child = workspace.spawn(args);
        drop(child.stdout.take());
        let said = finish(child);
        assert!(said.err.is_empty(), "{args:?}: {said:#?}");
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = workspace.command(&["schema"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    refused(&finish(child), 1, &["standard output"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named_with_what_to_do() {
    let workspace = Workspace::with("greet.yaml", GREET);
    let blocked = workspace.file("blocked");
    fs::write(&blocked, "a file").unwrap();
    let state = blocked.join("state");
    let said = workspace.say(&["--state-dir", state.to_str().unwrap(), "run", "greet"]);
    refused(&said, 4, &["blocked", "--state-dir"]);
    refused(&workspace.say(&["init", blocked.to_str().unwrap()]), 2, &["blocked"]);
    let doctor = workspace.say(&["--state-dir", state.to_str().unwrap(), "doctor"]);
    assert_eq!(doctor.code, Some(1), "{doctor:#?}");
    assert!(doctor.out.contains("BAD  state"), "{doctor:#?}");
}

#[test]
fn a_state_directory_too_deep_for_a_socket_works_all_the_same() {
    let workspace = Workspace::with("greet.yaml", GREET);
    let deep = workspace.file(&format!("ünï with spaces/{}/{}", "long".repeat(20), "deep".repeat(20)));
    let state = deep.to_str().unwrap();
    workspace.ok(&["--state-dir", state, "run", "greet", "--json"]).json();
    let socket = workspace.ok(&["--state-dir", state, "engine", "status", "--json"]).json()["socket"].clone();
    let socket = std::path::PathBuf::from(socket.as_str().unwrap());
    assert!(socket.as_os_str().len() <= 100 && !socket.starts_with(&deep), "{}", socket.display());
    assert_eq!(fs::metadata(socket.parent().unwrap()).unwrap().permissions().mode() & 0o077, 0);
    workspace.ok(&["--state-dir", state, "engine", "stop"]);
}

#[test]
fn an_older_engine_hands_over_when_it_is_idle_and_not_before() {
    let text = "{id: p, stages: [{id: a, type: shell, config: {run: 'echo up > up; cat go'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    workspace.fifo("go");
    let id = workspace.detach("p");
    workspace.hear("up");
    let first = workspace.engine_pid();
    let version = workspace.state().join("engine.version");
    assert_eq!(fs::read_to_string(&version).unwrap(), env!("CARGO_PKG_VERSION"));
    fs::write(&version, "0.0.1").unwrap();
    let busy = workspace.ok(&["runs"]);
    assert!(busy.err.contains("engine 0.0.1 still has 1 unfinished"), "{busy:#?}");
    assert_eq!(workspace.engine_pid(), first);
    workspace.release("go");
    workspace.wait(&id);
    workspace.ok(&["runs"]);
    assert_ne!(workspace.engine_pid(), first);
    assert_eq!(fs::read_to_string(&version).unwrap(), env!("CARGO_PKG_VERSION"));
    assert_eq!(workspace.ok(&["runs", "show", &id, "--json"]).json()["status"], "succeeded");
}

#[test]
fn a_run_that_ends_before_anybody_looks_is_told_all_the_same() {
    let text = "{id: p, stages: [{id: a, type: json-transform, config: {template: '{{1 / 0}}'}}, {id: b, type: logger, config: {message: hi}}]}";
    let workspace = Workspace::with("p.yaml", text);
    for _ in 0..5 {
        let said = workspace.say(&["run", "p", "--plain"]);
        assert_eq!(said.code, Some(1), "{said:#?}");
        let verdicts = said.out.lines().filter(|line| line.contains(" run ") && line.contains("failed: EXPRESSION"));
        assert_eq!(verdicts.count(), 1, "{said:#?}");
        assert!(said.out.contains("stage a"), "{said:#?}");
    }
    assert!(workspace.ok(&["runs", "show", "last"]).out.contains("EXPRESSION"));
}

#[test]
fn the_documented_example_runs() {
    let workspace = Workspace::new();
    let tour = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/docs/examples/tour.yaml");
    assert!(workspace.ok(&["validate", "--strict", tour]).err.is_empty());
    let run = workspace.ok(&["run", tour, "--json"]).json();
    let expected = serde_json::json!({"up": ["web", "cache"], "bytes": 14, "text": "2 of 3 are up", "chosen": "true"});
    assert_eq!(run["output"], expected);
    assert_eq!(run["stages"]["say-few"]["output"]["reason"], "branch:enough");
}

/// The fenced blocks of a language in a document of ours.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(path).expect("a document");
    let fence = format!("```{language}\n");
    let opened = text.split(&fence).skip(1);
    let found: Vec<String> = opened.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect();
    assert!(!found.is_empty(), "{document} has no {language}");
    found
}

#[test]
fn the_readmes_first_pipeline_does_what_the_readme_says() {
    let workspace = Workspace::with("greet.yaml", &blocks("README.md", "yaml")[0]);
    assert!(workspace.ok(&["validate", "--strict"]).err.is_empty());
    let run = workspace.ok(&["run", "greet", "-i", "name=Ada; ls", "--json"]).json();
    assert_eq!(run["output"], serde_json::json!({"greeted": "Ada; ls", "length": 7}));
    assert_eq!(workspace.ok(&["runs", "logs", "last", "hello"]).out, "hello Ada; ls\n");
}

#[test]
fn every_example_of_the_reference_is_valid() {
    let others =
        ["before", "deploy", "nothing-to-do"].map(|id| format!("- {{id: {id}, type: logger, config: {{message: x}}}}\n"));
    let documents = ["assets/docs/pipelines.md", "assets/docs/releasing.md"];
    for block in documents.iter().flat_map(|document| blocks(document, "yaml")) {
        let workspace = Workspace::with("p.yaml", &format!("id: p\nstages:\n{block}{}", others.concat()));
        workspace.pipeline("deploy.yaml", "id: deploy\nstages:\n  - {id: x, type: logger, config: {message: x}}\n");
        let said = workspace.ok(&["validate", "--strict"]);
        assert!(said.err.is_empty(), "{block}{said:#?}");
    }
}

#[test]
fn outputs_are_as_the_reference_shows_them() {
    let text = r#"
id: p
stages:
  - { id: query, type: json-transform, config: { data: { a: [{ n: 1 }, { n: 2 }] }, jmespath_expression: "a[*].n" } }
  - { id: map, type: json-transform, config: { data: { user: { first: Ada } }, mapping: { name: user.first, age: user.age }, defaults: { age: 0 } } }
  - { id: gate, type: filter, config: { data: { n: 1 }, condition: "data.n > 1" } }
  - { id: behind, type: logger, depends_on: [gate], config: { message: never } }
  - { id: valid, type: schema-validate, config: { data: { n: "5" }, schema: { properties: { n: { type: integer } } }, strict: false } }
  - { id: settings, type: variable-set, config: { variables: { region: eu, limit: 5 } } }
  - { id: batches, type: loop, config: { items: [1, 2, 3], batch_size: 2 } }
  - { id: bad, type: shell, on_error: continue, config: { run: exit 3 } }
"#;
    let run = Workspace::with("p.yaml", text).ok(&["run", "p", "--json"]).json();
    let output = |stage: &str| &run["stages"][stage]["output"];
    assert_eq!(output("query"), &serde_json::json!({"result": [1, 2], "fields_mapped": 0, "fields_missing": []}));
    assert_eq!(
        output("map"),
        &serde_json::json!({"result": {"name": "Ada", "age": 0}, "fields_mapped": 1, "fields_missing": ["age"]})
    );
    assert_eq!(output("gate")["reason"], "the condition does not hold: data.n > 1");
    assert_eq!(output("behind")["reason"], "gate:gate");
    assert_eq!(output("valid")["errors"][0], serde_json::json!({"path": "/n", "message": "want integer, but got string"}));
    assert_eq!(output("settings")["variables"], serde_json::json!({"region": "eu", "limit": 5}));
    assert_eq!(output("batches")["batches"], serde_json::json!([[1, 2], [3]]));
    assert_eq!(run["stages"]["bad"]["error"]["details"]["exit_code"], 3);
}

#[test]
fn whoever_follows_an_interrupted_run_is_told_how_to_answer() {
    let workspace = Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo up > up; cat go'}}]}");
    workspace.fifo("up");
    workspace.fifo("go");
    let id = workspace.detach("p");
    workspace.hear("up");
    kill(workspace.runner_pid(&id));
    let mut child = workspace.spawn(&["runs", "logs", &id, "--follow"]);
    let mut line = String::new();
    let mut err = std::io::BufReader::new(child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut err, &mut line).unwrap();
    assert!(line.contains(&format!("flowdeck runs resolve {id} a retry|succeed|fail")), "{line}");
    assert!(workspace.ok(&["runs", "show", &id]).out.contains("flowdeck runs resolve"));
    workspace.ok(&["runs", "resolve", &id, "a", "succeed"]);
    assert_eq!(finish(child).code, Some(0));
}
