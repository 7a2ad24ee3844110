//! Going back by itself: a version that was verified, and is found bad by what is measured afterwards.

use serde_json::{Value, json};

use super::{agree, gate_of, settings, solo, started, state};
use crate::gates::deaths::mortal_engine;
use crate::support::{Workspace, until, within};

/// Brings a version, and measures it once it is live: `bad` answers with nothing but errors, `odd` with nothing that is a number.
const PIPELINE: &str = r#"
id: p
input_schema: {type: object, properties: {version: {type: string}}}
stages:
  - id: ship
    type: deploy
    environment: ENVIRONMENT
    config: {service: api, version: "{{input.version}}", run: 'echo $FLOWDECK_VERSION > live; echo $FLOWDECK_VERSION >> effects'}
  - id: watch
    type: rollout
    environment: ENVIRONMENT
    depends_on: [ship]
    config:
      steps: [100]
      set_weight: "true"
      on_failure: stop
      analysis:
        name: errors
        run: 'case $(cat live) in bad) echo 1;; odd) echo none;; *) echo 0;; esac'
        failure_if: result > 0.5
        interval: 1ms
        count: 1
        consecutive_errors: 0
"#;

fn watched() -> Workspace {
    let workspace = Workspace::with("p.yaml", &PIPELINE.replace("ENVIRONMENT", "staging"));
    settings(&workspace, "[environments.staging]\n");
    workspace
}

fn run(workspace: &Workspace, version: &str) -> Option<i32> {
    workspace.say(&["run", "p", "-i", &format!("version={version}"), "--json"]).code
}

/// The runs, newest first, once an engine answers.
fn runs(workspace: &Workspace) -> Vec<Value> {
    let mut said = workspace.say(&["runs", "list", "--json"]);
    until("an engine answers", || {
        if said.code != Some(0) {
            said = workspace.say(&["runs", "list", "--json"]);
        }
        said.code == Some(0)
    });
    said.json()["runs"].as_array().expect("runs").clone()
}

/// The run that goes back, once it has ended.
fn back(workspace: &Workspace) -> Value {
    let mut found = Value::Null;
    until("a run goes back by itself", || {
        let newest = runs(workspace).into_iter().next().unwrap_or_default();
        let run = workspace.say(&["runs", "show", newest["id"].as_str().unwrap_or_default(), "--json"]);
        if run.code == Some(0) {
            found = run.json();
        }
        found["rollback"]["automatic"] == true && found["finished_at"].is_string()
    });
    found
}

fn standing(workspace: &Workspace, environment: &str) -> Value {
    let all = workspace.ok(&["releases", "--json"]).json();
    let all = all["environments"].as_array().expect("environments");
    all.iter().find(|view| view["name"] == environment).expect("the environment").clone()
}

#[test]
fn a_live_version_that_fails_an_analysis_is_gone_back_from_without_anybody_asking() {
    let workspace = watched();
    assert_eq!(run(&workspace, "1.0"), Some(0));
    assert_eq!(run(&workspace, "bad"), Some(1));
    let back = back(&workspace);
    assert_eq!(back["status"], "succeeded", "{back:#}");
    let (live, releases) = state(&workspace, "staging");
    assert_eq!((live, workspace.read("live").trim()), (json!("1.0"), "1.0"));
    assert_eq!(releases, ["1.0 stable", "bad rolled_back", "1.0 superseded"]);
    assert_eq!(workspace.read("effects"), "1.0\nbad\n1.0\n", "only the deployment runs again");
    let standing = standing(&workspace, "staging");
    let why = standing["hold"]["reason"].as_str().expect("a reason");
    assert!(why.contains("the analysis of bad failed") && why.contains("`errors`") && why.contains("failure_if holds"), "{why}");
    assert!(standing["quarantined"]["api@bad"].is_object(), "{standing:#}");
    workspace.ok(&["audit", "verify"]);
}

#[test]
fn what_could_not_be_measured_is_left_to_people() {
    let workspace = watched();
    run(&workspace, "1.0");
    let id = started(&workspace, "odd");
    until("the run waits for an answer", || {
        workspace.ok(&["runs", "show", &id, "--json"]).json()["stages"]["watch"]["status"] == "unknown"
    });
    assert_eq!((state(&workspace, "staging").0, standing(&workspace, "staging")["hold"].clone()), (json!("odd"), Value::Null));
    assert_eq!((runs(&workspace).len(), workspace.read("effects")), (2, "1.0\nodd\n".to_owned()));
}

#[test]
fn in_a_protected_environment_going_back_by_itself_waits_for_nobody() {
    let workspace = solo();
    workspace.pipeline("p.yaml", &PIPELINE.replace("ENVIRONMENT", "production"));
    for version in ["1.0", "bad"] {
        let id = started(&workspace, version);
        for stage in ["ship", "watch"] {
            let gate = gate_of(&workspace, &id);
            assert_eq!(gate["stage"], stage);
            agree(&workspace, &gate);
            until("the stage is over", || {
                let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
                run["stages"][stage]["finished_at"].is_string()
            });
        }
        workspace.say(&["runs", "logs", &id, "--follow"]);
    }
    let back = back(&workspace);
    assert_eq!((&back["status"], state(&workspace, "production").0), (&json!("succeeded"), json!("1.0")), "{back:#}");
    assert_eq!(workspace.read("live").trim(), "1.0");
    assert!(standing(&workspace, "production")["hold"].is_object());
    workspace.ok(&["audit", "verify"]);
}

/// The whole story, whatever becomes of the engine; gives the journal's length before the bad version and after all of it.
fn story(workspace: &Workspace) -> (u64, u64) {
    let length = || {
        let newest = runs(workspace)[0]["id"].as_str().expect("an id").to_owned();
        workspace.say(&["runs", "show", &newest, "--json"]).json()["seq"].as_u64().expect("a number")
    };
    run(workspace, "1.0");
    let first = length();
    workspace.say(&["run", "p", "-i", "version=bad", "--detach"]);
    back(workspace);
    (first, length())
}

#[test]
fn an_engine_killed_anywhere_between_the_finding_and_the_end_goes_back_exactly_once() {
    let undisturbed = watched();
    let (first, last) = story(&undisturbed);
    let expected = (state(&undisturbed, "staging"), undisturbed.read("effects"));
    assert_eq!(expected.1, "1.0\nbad\n1.0\n");
    let mut missed = Vec::new();
    // From the start of the bad version's deployment on: what comes before is any run's.
    for (moment, place) in (first + 4..=last).flat_map(|place| [("before", place), ("after", place)]) {
        let workspace = watched();
        let mut engine = mortal_engine(&workspace, &(moment, place.to_string()));
        story(&workspace);
        if workspace.read("died").is_empty() {
            missed.push((moment, place));
            workspace.ok(&["engine", "stop"]);
        }
        within("the engine's end", move || engine.wait().expect("its end"));
        let found = (state(&workspace, "staging"), workspace.read("effects"));
        assert_eq!(found, expected, "killed {moment} event {place}");
        workspace.ok(&["audit", "verify"]);
    }
    assert!(missed.is_empty(), "not reached: {missed:?}");
}

#[test]
fn what_undoes_a_part_of_a_deployment_waits_for_nobody_either() {
    let workspace = solo();
    workspace.pipeline(
        "p.yaml",
        r#"
id: p
stages:
  - {id: ship, type: deploy, environment: production, config: {service: api, version: "1.0", stages: [copy, switch]}}
  - {id: copy, type: shell, environment: production, compensate: remove, config: {run: 'echo copy >> effects'}}
  - {id: switch, type: shell, environment: production, depends_on: [copy], config: {run: 'false'}}
  - {id: remove, type: shell, environment: production, config: {run: 'echo remove >> effects'}}
"#,
    );
    let id = workspace.detach("p");
    agree(&workspace, &gate_of(&workspace, &id));
    workspace.say(&["runs", "logs", &id, "--follow"]);
    let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
    assert_eq!((&run["status"], workspace.read("effects")), (&json!("failed"), "copy\nremove\n".to_owned()), "{run:#}");
    let gates = workspace.ok(&["gates", "list", "--all", "--json"]).json();
    assert_eq!(gates["gates"].as_array().expect("gates").len(), 1, "{gates:#}");
}
