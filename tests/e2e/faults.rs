//! Real `kill -9`, a lost terminal, a full disk: each time the run ends as it would have.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::support::{Workspace, finish, is_alive, kill, processes_naming, until, within};

/// A stage that says where it is, waits to be let go on, and leaves exactly one mark of its side effect.
const STEP: &str = r#"
id: step
stages:
  - id: first
    type: shell
    config:
      run: |
        echo before; echo $$ > up; cat go; echo after; echo first >> effects
  - id: second
    type: shell
    depends_on: [first]
    config: {run: 'echo second >> effects; echo done'}
"#;

fn step() -> Workspace {
    let workspace = Workspace::with("step.yaml", STEP);
    workspace.fifo("up");
    workspace.fifo("go");
    workspace
}

fn assert_whole(workspace: &Workspace, run: &Value) {
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(workspace.read("effects"), "first\nsecond\n");
    for stage in ["first", "second"] {
        assert_eq!(run["stages"][stage]["attempts"].as_array().map(Vec::len), Some(1), "{run:#}");
    }
    let id = run["id"].as_str().expect("an id");
    assert_eq!(workspace.ok(&["runs", "logs", id, "first"]).out, "before\ngo\nafter\n");
    assert_eq!(workspace.ok(&["runs", "logs", id, "second"]).out, "done\n");
}

#[test]
fn a_killed_client_changes_nothing() {
    let workspace = step();
    let child = workspace.spawn(&["run", "step", "--plain"]);
    workspace.hear("up");
    kill(i32::try_from(child.id()).unwrap());
    finish(child);
    workspace.release("go");
    let run = workspace.wait("last");
    assert_whole(&workspace, &run);
}

#[test]
fn an_engine_killed_under_a_running_stage_takes_it_up_again() {
    let workspace = step();
    let follower = workspace.spawn(&["run", "step", "--json"]);
    let stage: i32 = workspace.hear("up").trim().parse().unwrap();
    kill(workspace.engine_pid());
    assert!(is_alive(stage), "the engine's death reached the stage");
    workspace.release("go");
    let said = finish(follower);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_whole(&workspace, &said.json());
}

#[test]
fn a_stage_that_ends_while_no_engine_runs_is_not_lost() {
    let workspace = step();
    let id = workspace.detach("step");
    let stage: i32 = workspace.hear("up").trim().parse().unwrap();
    kill(workspace.engine_pid());
    workspace.release("go");
    until("the stage ends", || !is_alive(stage));
    let run = workspace.wait(&id);
    assert_whole(&workspace, &run);
}

#[test]
fn engine_and_client_killed_together_lose_nothing() {
    let workspace = step();
    let child = workspace.spawn(&["run", "step", "--plain"]);
    workspace.hear("up");
    let engine = workspace.engine_pid();
    kill(i32::try_from(child.id()).unwrap());
    kill(engine);
    finish(child);
    workspace.release("go");
    let run = workspace.wait("last");
    assert_whole(&workspace, &run);
}

#[test]
fn an_engine_killed_many_times_between_stages_runs_each_once() {
    let stages: Vec<String> = (0..40)
        .map(|n| {
            let after = if n == 0 { String::new() } else { format!("depends_on: [s{}], ", n - 1) };
            format!("{{id: s{n}, type: shell, {after}config: {{run: 'echo {n} >> effects; echo line {n}'}}}}")
        })
        .collect();
    let workspace = Workspace::with("chain.yaml", &format!("{{id: chain, stages: [{}]}}", stages.join(",\n")));
    let id = workspace.detach("chain");
    for _ in 0..6 {
        kill(workspace.engine_pid());
        workspace.ok(&["engine", "start"]);
    }
    let run = workspace.wait(&id);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let expected: String = (0..40).map(|n| format!("{n}\n")).collect();
    assert_eq!(workspace.read("effects"), expected);
    for n in [0, 17, 39] {
        assert_eq!(workspace.ok(&["runs", "logs", &id, &format!("s{n}")]).out, format!("line {n}\n"));
    }
}

#[test]
fn an_engine_killed_during_a_retry_delay_retries_when_it_is_time() {
    let text = "{id: p, stages: [{id: flaky, type: shell,
      config: {run: 'echo try >> tries; echo up > up; test $(wc -l < tries) -ge 2'},
      error_handling: {on_error: retry, max_retries: 3, retry_delay: 700}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    let id = workspace.detach("p");
    workspace.hear("up");
    let shown = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the stage waits to be retried", || shown()["stages"]["flaky"]["status"] == "retrying");
    kill(workspace.engine_pid());
    workspace.ok(&["engine", "start"]);
    workspace.hear("up");
    let run = workspace.wait(&id);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(workspace.read("tries"), "try\ntry\n");
}

#[test]
fn an_engine_killed_while_idle_remembers_everything() {
    let workspace = Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo hi'}}]}");
    let before = workspace.ok(&["run", "p", "--json"]).json();
    kill(workspace.engine_pid());
    let after = workspace.ok(&["runs", "show", "last", "--json"]).json();
    assert_eq!(before, after);
    assert_eq!(workspace.ok(&["runs", "logs", "last", "a"]).out, "hi\n");
}

#[test]
fn a_killed_runner_ends_its_stages_and_the_attempt_is_unknown() {
    let text = "{id: p, stages: [{id: ship, type: shell,
      config: {run: 'echo $$ > up; setsid sleep 1000 & sleep 1000'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    let id = workspace.detach("p");
    let stage: i32 = workspace.hear("up").trim().parse().unwrap();
    kill(workspace.runner_pid(&id));
    let shown = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the attempt is unknown", || shown()["stages"]["ship"]["status"] == "unknown");
    assert!(!is_alive(stage), "the stage outlived its runner");
    until("nothing of it is left", || {
        processes_naming(&id).iter().all(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            !String::from_utf8_lossy(&line).contains("sleep")
        })
    });
    assert_eq!(shown()["status"], "waiting");
    workspace.ok(&["runs", "resolve", &id, "ship", "succeed"]);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
}

#[test]
fn on_unknown_decides_without_asking() {
    for (policy, status) in [("fail", "failed"), ("retry", "succeeded")] {
        let text = format!(
            "{{id: p, stages: [{{id: a, type: shell, on_unknown: {policy},
              config: {{run: 'echo try >> tries; test $(wc -l < tries) -ge 2 || {{ echo up > up; sleep 1000; }}'}}}}]}}"
        );
        let workspace = Workspace::with("p.yaml", &text);
        workspace.fifo("up");
        let id = workspace.detach("p");
        workspace.hear("up");
        kill(workspace.runner_pid(&id));
        let run = match status {
            "succeeded" => workspace.wait(&id),
            _ => {
                workspace.say(&["runs", "logs", &id, "--follow"]);
                workspace.ok(&["runs", "show", &id, "--json"]).json()
            }
        };
        assert_eq!(run["status"], status, "{policy}: {run:#}");
    }
}

#[test]
fn engine_and_runner_killed_together_leave_no_process_and_no_lie() {
    let workspace = step();
    let id = workspace.detach("step");
    let stage: i32 = workspace.hear("up").trim().parse().unwrap();
    let runner = workspace.runner_pid(&id);
    kill(workspace.engine_pid());
    kill(runner);
    let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
    let shown = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the attempt is unknown", || shown()["stages"]["first"]["status"] == "unknown");
    assert!(!is_alive(stage), "{run:#}");
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn a_silent_stage_without_end_is_ended_by_its_deadline_even_without_an_engine() {
    let text = "{id: p, stages: [{id: mute, type: shell, timeout: 1, config: {run: 'echo $$ > up; exec sleep 1000'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    let id = workspace.detach("p");
    let stage: i32 = workspace.hear("up").trim().parse().unwrap();
    kill(workspace.engine_pid());
    until("the deadline ends the stage", || !is_alive(stage));
    workspace.say(&["runs", "logs", &id, "--follow"]);
    let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
    assert_eq!(run["stages"]["mute"]["status"], "timed_out", "{run:#}");
    assert_eq!(run["status"], "failed");
}

#[test]
fn a_line_of_a_megabyte_arrives_whole() {
    let text =
        "{id: p, stages: [{id: long, type: shell, config: {run: 'head -c 1000000 /dev/zero | tr \"\\\\0\" x; echo; echo end'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.ok(&["run", "p", "--json"]);
    let out = workspace.ok(&["runs", "logs", "last", "long"]).out;
    assert_eq!(out.len(), 1_000_001 + 4);
    assert!(out.ends_with("x\nend\n") && out.bytes().filter(|byte| *byte == b'x').count() == 1_000_000);
}

#[test]
fn a_grandchild_that_keeps_the_pipe_does_not_hang_the_stage() {
    let text = "{id: p, stages: [{id: a, type: shell, config: {run: 'sleep 1000 & echo $! > child; echo done'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let run = workspace.ok(&["run", "p", "--json"]).json();
    assert_eq!(run["stages"]["a"]["status"], "succeeded");
    assert_eq!(workspace.ok(&["runs", "logs", "last", "a"]).out, "done\n");
    let child: i32 = workspace.read("child").trim().parse().unwrap();
    until("the grandchild is ended", || !is_alive(child));
}

#[test]
fn a_corrupt_store_is_named_and_not_overwritten() {
    let workspace = Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo hi'}}]}");
    workspace.ok(&["run", "p", "--json"]);
    workspace.ok(&["engine", "stop"]);
    let store = workspace.state().join("flowdeck.db");
    let mut bytes = fs::read(&store).unwrap();
    bytes.iter_mut().take(100).for_each(|byte| *byte = 0x5a);
    fs::write(&store, &bytes).unwrap();
    let said = workspace.say(&["runs", "list"]);
    assert_eq!(said.code, Some(4), "{said:#?}");
    assert!(said.err.contains("flowdeck.db"), "{said:#?}");
    assert_eq!(fs::read(&store).unwrap(), bytes, "the store was touched");
}

#[test]
fn a_corrupt_log_index_is_named_and_the_log_still_read() {
    let text = "{id: p, stages: [{id: a, type: shell, config: {run: 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo \"line $i of the log\"; done'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let id = workspace.ok(&["run", "p", "--json"]).json()["id"].as_str().unwrap().to_owned();
    let dir = workspace.state().join("runs").join(&id).join("logs/a");
    let index =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).find(|path| !path.to_string_lossy().ends_with(".log"));
    let index = index.expect("an index beside the log");
    let mut bytes = fs::read(&index).unwrap();
    assert!(bytes.len() > 40, "the index is too small to be damaged");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x15;
    fs::write(&index, &bytes).unwrap();
    let said = workspace.ok(&["runs", "logs", &id, "a"]);
    assert!(said.err.contains("index"), "{:?}", said.err);
    assert_eq!(said.out.lines().count(), 20_000);
    assert_eq!(fs::read(&index).unwrap(), bytes, "the index was overwritten");
}

/// A small file system of its own, gone with the test.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(workspace: &Workspace, size: &str) -> Option<Self> {
        let dir = workspace.file("small");
        fs::create_dir(&dir).expect("a directory");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&dir).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(dir));
        }
        let _ = writeln!(std::io::stderr(), "skipped: a full disk needs the right to mount a small file system");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

#[test]
fn a_full_disk_stops_the_run_with_a_clear_error_and_the_store_stays_sound() {
    let workspace = Workspace::new();
    let Some(disk) = SmallDisk::mount(&workspace, "8m") else { return };
    let workspace = workspace.with_state(&disk.0.join("state"));
    workspace.pipeline(
        "p.yaml",
        "{id: p, stages: [
          {id: flood, type: shell, config: {run: 'while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done'}},
          {id: after, type: shell, depends_on: [flood], config: {run: 'echo never >> effects'}}]}",
    );
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let run = said.json();
    let text = run["error"].to_string();
    assert!(text.contains("space") || text.contains("full"), "{text}");
    assert_eq!(workspace.read("effects"), "");
    // Make room, and everything works again.
    let id = run["id"].as_str().unwrap();
    fs::remove_dir_all(workspace.state().join("runs").join(id).join("logs")).unwrap();
    assert_eq!(workspace.ok(&["doctor", "--json"]).json()["ok"], true);
    workspace.pipeline("q.yaml", "{id: q, stages: [{id: a, type: shell, config: {run: 'echo hi'}}]}");
    workspace.ok(&["run", "q", "--json"]);
    workspace.ok(&["engine", "stop"]);
    drop(disk);
}

#[test]
fn a_stage_that_ignores_term_is_killed_after_the_grace() {
    let text = "{id: p, stages: [{id: deaf, type: shell, timeout: 1,
      config: {grace: 1, run: 'trap \"\" TERM; echo $$ > pid; while :; do sleep 1000; done'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(said.json()["stages"]["deaf"]["status"], "timed_out");
    let pid: i32 = workspace.read("pid").trim().parse().unwrap();
    assert!(!is_alive(pid));
}

#[test]
fn two_clients_at_once_start_one_engine() {
    let workspace = Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo hi >> effects'}}]}");
    let children: Vec<_> = (0..4).map(|_| workspace.spawn(&["run", "p", "--json"])).collect();
    for child in children {
        let said = within("a run", move || finish(child));
        assert_eq!(said.code, Some(0), "{said:#?}");
    }
    assert_eq!(workspace.read("effects").lines().count(), 4);
}

#[test]
fn an_orderly_stop_of_the_engine_leaves_the_stages_alone() {
    let stages: Vec<String> =
        (0..24).map(|n| format!("{{id: s{n}, type: shell, config: {{run: 'sleep 0.05; echo {n} >> effects'}}}}")).collect();
    let workspace = Workspace::with("p.yaml", &format!("{{id: p, stages: [{}]}}", stages.join(",\n")));
    let id = workspace.detach("p");
    for _ in 0..5 {
        workspace.ok(&["engine", "stop"]);
        workspace.ok(&["engine", "start"]);
    }
    let run = workspace.wait(&id);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let mut effects: Vec<u32> = workspace.read("effects").lines().map(|line| line.parse().unwrap()).collect();
    effects.sort_unstable();
    assert_eq!(effects, (0..24).collect::<Vec<_>>());
}

#[test]
fn a_run_whose_values_died_with_engine_and_runner_waits_until_somebody_brings_them() {
    let text = "{id: p, stages: [{id: use, type: shell, idempotent: true,
      config: {env: {T: '{{env.SHARED_TOKEN}}'}, run: 'echo up > up; cat go; printf %s \"$T\" | wc -c'}}]}";
    let workspace = Workspace::with("p.yaml", text);
    workspace.fifo("up");
    workspace.fifo("go");
    let with_token = |args: &[&str]| {
        let mut command = workspace.command(args);
        command.env("SHARED_TOKEN", "tok-0123456789").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let said = finish(with_token(&["run", "p", "--detach"]));
    let id = said.out.trim().to_owned();
    workspace.hear("up");
    let runner = workspace.runner_pid(&id);
    kill(workspace.engine_pid());
    kill(runner);
    let shown = || workspace.ok(&["runs", "show", &id, "--json"]).json();
    until("the run waits", || shown()["status"] == "waiting");
    assert_eq!(shown()["needs"], serde_json::json!(["env.SHARED_TOKEN"]));
    // Somebody who has the value looks at the run, and it goes on.
    let follower = with_token(&["runs", "logs", &id, "--follow"]);
    workspace.hear("up");
    workspace.release("go");
    let said = finish(follower);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(shown()["status"], "succeeded", "{:#}", shown());
    assert!(workspace.ok(&["runs", "logs", &id, "use"]).out.contains("14"));
}
