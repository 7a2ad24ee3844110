//! A pipeline of everything, and an engine killed at each point of its journal: right before and right after each
//! commit. Whoever takes the run up must come to the very same end, with every effect exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::ops::RangeInclusive;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::answering;
use super::support::{Workspace, within};

const EVERYTHING: &str = include_str!("kill_points/everything.yaml");
const UNDONE: &str = include_str!("kill_points/undone.yaml");
const PART: &str = include_str!("kill_points/part.yaml");
/// Engines that die and come back at the same time.
const ENGINES: usize = 3;
/// Parts of the journal that are walked on their own, from commit to commit.
const PARTS: u64 = 8;
/// What is different in each run by its nature.
const TIMES: &[&str] = &["duration_ms", "elapsed_ms", "execution_time_ms", "headers", "log_id", "run_id", "url"];

/// A pipeline that engines die in.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    text: &'static str,
    /// Stages at work at once. One by one, each event has a commit of its own.
    at_once: usize,
    /// What the server is asked for, once each.
    calls: &'static [&'static str],
    status: &'static str,
}

fn everything(at_once: usize) -> Case {
    Case { name: "everything", text: EVERYTHING, at_once, calls: &["fetch", "order"], status: "succeeded" }
}

fn undone(at_once: usize) -> Case {
    Case { name: "undone", text: UNDONE, at_once, calls: &[], status: "failed" }
}

/// Answers everything at once and remembers what it was asked for.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let list = Arc::clone(&asked);
        let address = answering(move |request| {
            list.lock().expect("the list").push(request.path().trim_start_matches('/').to_owned());
            ("application/json", json!({"ok": true}).to_string())
        });
        Self { address, asked }
    }

    fn asked_for(&self, path: &str) -> usize {
        self.asked.lock().expect("the list").iter().filter(|asked| *asked == path).count()
    }
}

/// What a run came to, without what differs by its nature.
#[derive(Debug, PartialEq)]
struct End {
    status: Value,
    output: Value,
    stages: BTreeMap<String, Value>,
    notes: BTreeSet<String>,
    effects: Vec<String>,
    /// What was undone, in its order.
    undone: String,
}

impl End {
    fn of(workspace: &Workspace, run: &Value) -> Self {
        let stages = run["stages"].as_object().expect("stages").iter().map(|(id, stage)| (id.clone(), essence(stage)));
        // Which of several runs below got which number differs as well.
        let id = run["id"].as_str().expect("an id");
        let spoken = |note: &Value| note["message"].to_string().split(id).next().unwrap_or_default().to_owned();
        let notes = run["notes"].as_array().expect("notes").iter().map(spoken);
        let mut effects: Vec<String> = workspace.read("effects").lines().map(str::to_owned).collect();
        effects.sort();
        Self {
            status: run["status"].clone(),
            output: timeless(&run["output"]),
            stages: stages.collect(),
            notes: notes.collect(),
            effects,
            undone: workspace.read("undone"),
        }
    }

    /// Says where two ends differ, one line each.
    fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
            let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
            if ours != theirs {
                found.push(format!("{what}: {ours}, undisturbed {theirs}"));
            }
        };
        compare("status", &self.status, &other.status);
        compare("output", &self.output, &other.output);
        compare("effects", &self.effects, &other.effects);
        compare("undone", &self.undone, &other.undone);
        compare("notes", &self.notes, &other.notes);
        let ids: BTreeSet<&String> = self.stages.keys().chain(other.stages.keys()).collect();
        for id in ids {
            let text = |end: &Self| end.stages.get(id).map(ToString::to_string);
            compare(id, &text(self), &text(other));
        }
        found
    }
}

fn essence(stage: &Value) -> Value {
    let attempts = stage["attempts"].as_array().expect("attempts");
    let known: Vec<Value> = attempts
        .iter()
        // A call inside the engine dies with it; whether it arrived is then not known, and it is made again.
        .filter(|attempt| !(stage["component"] == "http-request" && attempt["status"] == "unknown"))
        .map(|attempt| json!([attempt["status"], attempt["error"], timeless(&attempt["config"]), timeless(&attempt["output"])]))
        .collect();
    json!({
        "status": stage["status"], "reason": stage["reason"], "error": stage["error"],
        "output": timeless(&stage["output"]), "attempts": known,
    })
}

fn timeless(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !TIMES.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), timeless(value)))
            .collect(),
        Value::Array(items) => items.iter().map(timeless).collect(),
        plain => plain.clone(),
    }
}

fn unknown_attempts(run: &Value, stage: &str) -> usize {
    let attempts = run["stages"][stage]["attempts"].as_array().expect("attempts");
    attempts.iter().filter(|attempt| attempt["status"] == "unknown").count()
}

impl Case {
    fn workspace(&self) -> Workspace {
        let text = self.text.replace("max_concurrency: 4", &format!("max_concurrency: {}", self.at_once));
        assert_eq!(text == self.text, self.at_once == 4, "the pipeline has another limit");
        let workspace = Workspace::with(&format!("{}.yaml", self.name), &text);
        workspace.pipeline("part.yaml", PART);
        workspace
    }

    fn undisturbed(&self) -> (End, u64) {
        let (workspace, server) = (self.workspace(), Server::start());
        let input = format!("server={}", server.address);
        let run = workspace.say(&["run", self.name, "-i", &input, "--json"]).json();
        self.calls.iter().for_each(|path| assert_eq!(server.asked_for(path), 1));
        (End::of(&workspace, &run), run["seq"].as_u64().expect("a number"))
    }
}

/// An engine that dies at one event. It takes requests when this comes back.
fn mortal_engine(workspace: &Workspace, moment: &str, event: u64) -> Child {
    let note = workspace.file("died");
    let mut command = workspace.command(&["engine", "run"]);
    command.env("FLOWDECK_DIE", format!("{moment}:{event}:{}", note.display())).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut engine = command.spawn().expect("an engine");
    let mut ready = String::new();
    BufReader::new(engine.stdout.as_mut().expect("its output")).read_line(&mut ready).expect("a line");
    engine
}

/// The first and the last event of the commit at which the engine died.
fn death(workspace: &Workspace, mut engine: Child) -> Option<(u64, u64)> {
    let ended = within("the engine's death", move || engine.wait().expect("its end"));
    let note = workspace.read("died");
    let (first, last) = note.split_once(' ').filter(|_| ended.signal() == Some(9))?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Kills the engine at one event and lets another end the run. Gives the commit that was hit and what is wrong.
fn die_at(case: &Case, moment: &str, event: u64, expected: &End) -> ((u64, u64), Vec<String>) {
    let (workspace, server) = (case.workspace(), Server::start());
    let engine = mortal_engine(&workspace, moment, event);
    let input = format!("server={}", server.address);
    let start = ["run", case.name, "-i", &input, "--json"];
    let mut said = workspace.say(&start);
    let hit = death(&workspace, engine).unwrap_or_else(|| panic!("{moment} {event}: the engine did not die: {said:#?}"));
    if said.code == Some(4) {
        // The engine died before it could say that there is a run; whether there is one, the journal knows.
        let recorded = workspace.ok(&["runs", "list", "--json"]).json()["runs"].as_array().map_or(0, Vec::len);
        assert_eq!(recorded, usize::from((moment, hit.0) != ("before", 1)), "{moment} {event}");
        if recorded == 0 {
            assert_eq!(workspace.read("effects"), "");
            said = workspace.say(&start);
        } else {
            workspace.say(&["runs", "logs", "last", "--follow"]);
            said = workspace.ok(&["runs", "show", "last", "--json"]);
        }
    }
    let run = said.json();
    let mut wrong = End::of(&workspace, &run).differences(expected);
    for path in case.calls {
        let (asked, allowed) = (server.asked_for(path), 1 + unknown_attempts(&run, path));
        if asked == 0 || asked > allowed {
            wrong.push(format!("{path} was asked for {asked} times with {allowed} attempts"));
        }
    }
    (hit, wrong)
}

/// What the deaths so far have shown.
#[derive(Default)]
struct Found {
    deaths: usize,
    /// Events at whose commit the engine died, by the moment.
    points: BTreeSet<(&'static str, u64)>,
    wrong: Vec<String>,
}

/// Kills engines from commit to commit of a part of the journal.
fn walk(case: &Case, moment: &'static str, events: RangeInclusive<u64>, expected: &End, found: &Mutex<Found>) {
    let mut event = *events.start();
    while event <= *events.end() {
        let ((first, last), wrong) = die_at(case, moment, event, expected);
        assert!((first..=last).contains(&event), "{moment} {event}: died at {first} to {last}");
        let mut found = found.lock().expect("what was found");
        found.deaths += 1;
        found.points.extend((first..=last).map(|event| (moment, event)));
        found.wrong.extend(wrong.into_iter().map(|fault| format!("{moment} {event}: {fault}")));
        event = last + 1;
    }
}

fn kill_everywhere(case: &Case) {
    let (expected, events) = case.undisturbed();
    assert_eq!(expected.status, case.status, "{expected:#?}");
    if case.calls.contains(&"order") {
        assert_eq!(expected.output["order"], json!({"ok": true}));
    }
    let moments = ["before", "after"];
    let part = events.div_ceil(PARTS);
    let parts = (0..PARTS).map(|n| n * part + 1..=events.min((n + 1) * part));
    let tasks: Vec<_> = parts.flat_map(|part| moments.map(|moment| (moment, part.clone()))).collect();
    let (tasks, found) = (Mutex::new(tasks), Mutex::<Found>::default());
    std::thread::scope(|scope| {
        for _ in 0..ENGINES {
            scope.spawn(|| {
                while let Some((moment, part)) = { tasks.lock().expect("tasks").pop() } {
                    walk(case, moment, part, &expected, &found);
                }
            });
        }
    });
    let Found { deaths, points, wrong } = found.into_inner().expect("what was found");
    let _ = writeln!(std::io::stderr(), "{deaths} engines died, at {} sides of the commits of {events} events", points.len());
    let all = moments.iter().flat_map(|moment| (1..=events).map(move |event| (*moment, event)));
    let missed: Vec<_> = all.filter(|point| !points.contains(point)).collect();
    assert!(missed.is_empty(), "no engine died at {missed:?}");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_engine_killed_at_any_event_of_any_construct_comes_to_the_same_end() {
    kill_everywhere(&everything(4));
}

#[test]
fn an_engine_killed_at_any_event_of_a_run_that_goes_step_by_step_comes_to_the_same_end() {
    kill_everywhere(&everything(1));
}

#[test]
fn an_engine_killed_at_any_event_of_a_run_that_is_undone_undoes_everything_once() {
    let (expected, _) = undone(1).undisturbed();
    assert_eq!(expected.undone, "ship-key\ntry\ntry\ntry\ntell\nbuild-app\n");
    kill_everywhere(&undone(1));
    kill_everywhere(&undone(4));
}
