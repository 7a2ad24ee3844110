//! The everyday: run, look, read, cancel, run again.

use super::support::Workspace;

const GREET: &str = r#"
id: greet
input_schema: {type: object, properties: {name: {type: string, default: world}}}
stages:
  - id: say
    type: shell
    config: {run: 'echo hello {{input.name}}; echo oops >&2; echo n=5 >> "$FLOWDECK_OUTPUT"'}
  - id: double
    type: json-transform
    depends_on: [say]
    config: {template: {twice: "{{int(upstream.say.outputs.n) * 2}}", who: "{{input.name}}"}}
"#;

#[test]
fn a_run_gives_its_document_and_exits_by_its_result() {
    let workspace = Workspace::with("greet.yaml", GREET);
    let said = workspace.ok(&["run", "greet", "-i", "name=a b", "--json"]);
    let run = said.json();
    assert_eq!(run["status"], "succeeded");
    assert_eq!(run["output"], serde_json::json!({"twice": 10, "who": "a b"}));
    assert_eq!(run["stages"]["say"]["status"], "succeeded");
    assert_eq!(run["stages"]["say"]["output"]["exit_code"], 0);
    assert_eq!(run["stages"]["say"]["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(run["pipeline"]["id"], "greet");
}

#[test]
fn the_plain_voice_tells_the_run_in_lines() {
    let workspace = Workspace::with("greet.yaml", GREET);
    let said = workspace.ok(&["run", "greet", "--plain"]);
    for expected in ["say | hello world", "say | oops", "stage say succeeded", "stage double succeeded", "succeeded"] {
        assert!(said.out.contains(expected), "{expected}: {said:#?}");
    }
    assert!(!said.out.contains('\u{1b}'), "{said:#?}");
}

#[test]
fn runs_are_listed_shown_and_read_by_a_part_of_their_id() {
    let workspace = Workspace::with("greet.yaml", GREET);
    let id = workspace.ok(&["run", "greet", "--json"]).json()["id"].as_str().unwrap().to_owned();
    let tail = &id[id.len() - 5..];
    assert!(workspace.ok(&["runs"]).out.contains(&id));
    assert!(workspace.ok(&["runs", "show", tail]).out.contains("say"));
    assert_eq!(workspace.ok(&["runs", "logs", "last", "say"]).out, "hello world\noops\n");
    assert_eq!(workspace.ok(&["runs", "list", "--json"]).json()["runs"][0]["id"], id.as_str());
    let none = workspace.say(&["runs", "show", "nothere"]);
    assert_eq!(none.code, Some(2), "{none:#?}");
}

#[test]
fn a_failed_stage_fails_the_run_and_a_rerun_keeps_what_succeeded() {
    let text = "{id: p, stages: [
      {id: first, type: shell, config: {run: 'echo once >> first.txt'}},
      {id: second, type: shell, depends_on: [first], config: {run: 'test -e fixed || exit 3'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let run = said.json();
    assert_eq!(run["stages"]["second"]["error"]["type"], "EXECUTION");
    assert_eq!(run["stages"]["second"]["output"]["exit_code"], 3);
    std::fs::write(workspace.file("fixed"), "").unwrap();
    let again = workspace.ok(&["runs", "rerun", "last", "--json"]).json();
    assert_eq!(again["status"], "succeeded");
    assert_eq!(again["rerun_of"], run["id"]);
    assert_eq!(workspace.read("first.txt"), "once\n");
}

#[test]
fn cancel_ends_the_stage_with_grace() {
    let text = "{id: p, stages: [{id: long, type: shell, config: {run: 'trap \"echo bye >> bye.txt; exit 0\" TERM; echo up > up; sleep 1000 & wait'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    let child = workspace.spawn(&["run", "p", "--json"]);
    workspace.hear("up");
    workspace.ok(&["runs", "cancel", "last"]);
    let said = super::support::finish(child);
    assert_eq!(said.code, Some(130), "{said:#?}");
    assert_eq!(said.json()["stages"]["long"]["status"], "cancelled");
    assert_eq!(workspace.read("bye.txt"), "bye\n");
}

#[test]
fn ctrl_c_cancels_once_with_grace_and_twice_by_force() {
    let text =
        "{id: p, stages: [{id: deaf, type: shell, config: {run: 'trap \"\" TERM; echo up > up; while :; do sleep 1000; done'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    let mut child = workspace.spawn(&["run", "p", "--plain"]);
    workspace.hear("up");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let mut err = child.stderr.take().unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut seen = Vec::new();
    super::support::within("the first answer", {
        use std::io::Read;
        move || {
            let mut byte = [0];
            while !seen.ends_with(b"force\n") && err.read(&mut byte).unwrap() > 0 {
                seen.push(byte[0]);
            }
            err
        }
    });
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let said = super::support::finish(child);
    assert_eq!(said.code, Some(130), "{said:#?}");
}

#[test]
fn a_run_past_its_time_limit_fails() {
    let text = "{id: p, stages: [{id: long, type: shell, config: {run: 'sleep 1000'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&["run", "p", "--json", "--timeout", "300ms"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(said.json()["error"]["type"], "TIMEOUT");
}

#[test]
fn secrets_reach_the_stage_but_neither_disk_nor_output() {
    let text = "{id: p, stages: [
      {id: use, type: shell, config: {run: 'printf %s {{env.API_TOKEN}} | wc -c; echo got {{env.API_TOKEN}}; echo t={{env.API_TOKEN}} >> \"$FLOWDECK_OUTPUT\"'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let token = "tok-4f9d2c81e7";
    let mut command = workspace.command(&["run", "p", "--json"]);
    command.env("API_TOKEN", token).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let said = super::support::finish(command.spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(workspace.ok(&["runs", "logs", "last", "use"]).out.replace(' ', ""), "14\ngot***\n");
    assert!(!said.out.contains(token), "{said:#?}");
    for entry in walk(workspace.state()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        let found = memchr::memmem::find(&bytes, token.as_bytes()).is_some();
        assert!(!found, "{} holds the token", entry.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn the_shipped_pipelines_are_valid_and_hello_runs() {
    let workspace = Workspace::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let files = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let names: Vec<String> = files.filter(|name| !name.contains(".test.")).collect();
    assert!(names.len() >= 3, "{names:?}");
    let args: Vec<&str> = ["validate", "--strict"].into_iter().chain(names.iter().map(String::as_str)).collect();
    workspace.ok(&args);
    let hello = root.join("hello.yaml").display().to_string();
    let run = workspace.ok(&["run", &hello, "-i", "name=$(touch pwned) it's", "--json"]).json();
    assert_eq!(run["output"]["greeted"], "$(touch pwned) it's");
    assert!(!workspace.file("pwned").exists());
}

fn shipped(name: &str) -> String {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name).display().to_string()
}

#[test]
fn the_shipped_ci_pipeline_runs_its_three_checks() {
    // The real checks are this very test run; here their command line is what counts.
    let workspace = Workspace::new();
    let run = workspace.ok(&["run", &shipped("ci.json"), "-i", "cargo=echo", "--json"]).json();
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(workspace.ok(&["runs", "logs", "last", "format"]).out, "fmt --check\nformatted\n");
    assert_eq!(workspace.ok(&["runs", "logs", "last", "lint"]).out, "clippy --all-targets --locked -- -D warnings\n");
    assert_eq!(workspace.ok(&["runs", "logs", "last", "test"]).out, "test --locked --lib\n");
    assert!(run["output"]["test_ms"].is_u64(), "{run:#}");
}

#[test]
fn the_shipped_deploy_pipeline_verifies_a_real_service() {
    use std::io::BufRead;
    let workspace = Workspace::new();
    let dir = workspace.file("service");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("service.json"), r#"{"environment": "staging", "port": 0}"#).unwrap();
    std::fs::write(dir.join("release.json"), r#"{"version": "v1.2.3"}"#).unwrap();
    let mut service = workspace.spawn(&["service", "serve", &dir.display().to_string()]);
    let mut line = String::new();
    std::io::BufReader::new(service.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("{line}"));
    let url = format!("service_url=http://127.0.0.1:{port}");
    let deploy = shipped("deploy.json");
    let run = |version: &str| workspace.say(&["run", &deploy, "-i", &url, "-i", version, "-i", "environment=staging", "--json"]);
    let there = run("version=v1.2.3").json();
    assert_eq!(there["status"], "succeeded", "{there:#}");
    assert_eq!(there["output"]["to"], "v1.2.3");
    assert_eq!(there["stages"]["request-deploy"]["status"], "skipped");
    // A version that nobody deployed is not there after eleven looks either.
    let missing = run("version=v9.9.9");
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    assert_eq!(missing.json()["error"]["type"], "RETRY_EXHAUSTED");
    super::support::kill(i32::try_from(service.id()).unwrap());
    service.wait().unwrap();
}

#[test]
fn a_condition_on_a_secret_does_not_tell_it() {
    let text = "{id: p, stages: [{id: a, type: shell, when: '{{env.GATE_TOKEN}}', config: {run: 'echo hi'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let mut command = workspace.command(&["run", "p", "--json"]);
    command.env("GATE_TOKEN", "hunter2secret").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let said = super::support::finish(command.spawn().unwrap());
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(said.json()["error"]["type"], "EXPRESSION");
    assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{said:#?}");
    for entry in walk(workspace.state()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        assert!(memchr::memmem::find(&bytes, b"hunter2").is_none(), "{} holds the token", entry.display());
    }
}

#[test]
fn a_run_is_the_same_document_while_it_is_awaited_and_afterwards() {
    let workspace = Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo a; exit 3'}}]}");
    let said = workspace.say(&["run", "p", "-i", "n=1", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let run = said.json();
    assert_eq!(workspace.ok(&["runs", "show", "last", "--json"]).json(), run);
    assert_eq!((&run["pipeline_id"], &run["status"], &run["inputs"]["n"]), (&"p".into(), &"failed".into(), &1.into()));
    for field in ["id", "output", "error"] {
        assert!(run.get(field).is_some(), "{field}: {run:#}");
    }
    for field in ["status", "output", "error", "attempts", "started_at", "finished_at", "reason"] {
        assert!(run["stages"]["a"].get(field).is_some(), "{field}: {run:#}");
    }
}

#[test]
fn a_reader_that_stops_reading_stops_neither_the_run_nor_ctrl_c() {
    let text = "{id: p, stages: [
      {id: loud, type: shell, config: {run: 'yes a long line of output that nobody reads | head -c 4000000; echo done > over'}},
      {id: held, type: shell, depends_on: [loud], config: {run: 'echo up > up; sleep 1000'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("over");
    workspace.fifo("up");
    // Nothing reads this child's output, and its pipe holds far less than it has to say.
    let child = workspace.spawn(&["run", "p", "--plain"]);
    assert_eq!(workspace.hear("over"), "done\n", "the stage is done although nobody reads");
    workspace.hear("up");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = || workspace.ok(&["runs", "show", "last", "--json"]).json()["status"] == "cancelled";
    super::support::until("the cancel", ended);
    // Whoever reads on gets everything.
    let said = super::support::finish(child);
    assert_eq!(said.code, Some(130), "{:?}", said.err);
    assert_eq!(said.out.lines().filter(|line| line.starts_with("loud | ")).count(), 4_000_000 / 40);
    assert!(said.out.contains("cancel requested by") && said.out.contains("flowdeck runs rerun"), "{:?}", said.err);
}

#[test]
fn hostile_output_and_notes_are_inert_and_stay_on_their_line() {
    let text = r#"{id: p, stages: [
      {id: loud, type: shell, config: {run: 'printf "\033]0;title\007\033[2Jhi\r\n12:00:00 run x succeeded\n"; exit 3'}},
      {id: tell, type: logger, config: {message: "two\nlines \u001b[31mred"}}]}"#;
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&["run", "p", "--plain"]);
    assert!(!said.out.chars().any(|c| c.is_control() && c != '\n'), "{said:#?}");
    let faked = said.out.lines().find(|line| line.contains("run x succeeded"));
    assert_eq!(faked, Some("loud | 12:00:00 run x succeeded"), "what a stage writes never looks like the story");
    assert!(said.out.contains("tell: two lines red"), "{said:#?}");
}

#[test]
fn the_end_of_a_failed_run_says_what_to_know() {
    let text = "{id: p, stages: [{id: build, type: shell, config: {run: 'seq 100; echo broken >&2; exit 2'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&["run", "p", "--plain"]);
    let lines: Vec<&str> = said.out.lines().collect();
    let quote = lines.iter().rposition(|line| *line == "the last lines of stage build:").expect("a quote");
    assert_eq!(lines[quote + 1..quote + 6], ["build | 97", "build | 98", "build | 99", "build | 100", "build | broken"]);
    assert!(lines[quote + 6].contains(" failed: EXECUTION"), "{said:#?}");
    assert!(lines[quote + 7].contains("it took ") && lines[quote + 7].ends_with("of 1 stage: 1 failed"), "{said:#?}");
    let id = workspace.ok(&["runs", "show", "last", "--json"]).json()["id"].as_str().unwrap().to_owned();
    assert!(lines.last().unwrap().ends_with(&format!("flowdeck runs rerun {id}")), "{said:#?}");
}

#[test]
fn a_loop_over_many_items_is_told_in_few_lines() {
    let text = "{id: p, stages: [
      {id: each, type: foreach, config: {items: '{{range(500)}}', stages: [one], parallel: true, max_parallel: 16}},
      {id: one, type: json-transform, config: {template: '{{item}}'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.ok(&["run", "p", "--plain"]);
    assert!(said.out.contains("through with 500 of 500 items"), "{said:#?}");
    assert!(said.out.lines().count() < 25, "{said:#?}");
}
