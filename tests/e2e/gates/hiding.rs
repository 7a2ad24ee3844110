//! Whatever a pipeline calls its environment, and wherever it keeps the stage: it is held.

use serde_json::json;

use super::{gate_of, listed, refused, solo, waiting};
use crate::support::{Workspace, until};

/// Every way to keep a stage out of sight; each leaves `shipped` behind once it acts.
const HIDDEN: &[(&str, &str)] = &[
    ("plain", "{id: ship, type: shell, environment: production, config: {run: SHIP}}"),
    ("templated", "{id: ship, type: shell, environment: '{{input.where}}', config: {run: SHIP}}"),
    ("computed", "{id: ship, type: shell, environment: \"{{'produc' + 'tion'}}\", config: {run: SHIP}}"),
    (
        "looped",
        "{id: each, type: foreach, config: {items: [1, 2], loop_stages: [ship]}}, {id: ship, type: shell, environment: production, config: {run: SHIP}}",
    ),
    (
        "tried",
        "{id: guard, type: trycatch, config: {try_stages: [ship], catch_stages: [no]}}, {id: ship, type: shell, environment: production, config: {run: SHIP}}, {id: no, type: logger, config: {message: no}}",
    ),
    (
        "caught",
        "{id: guard, type: trycatch, config: {try_stages: [no], catch_stages: [ship]}}, {id: no, type: shell, config: {run: 'false'}}, {id: ship, type: shell, environment: production, config: {run: SHIP}}",
    ),
    (
        "finally",
        "{id: guard, type: trycatch, config: {try_stages: [no], catch_stages: [], finally_stages: [ship]}}, {id: no, type: logger, config: {message: no}}, {id: ship, type: shell, environment: production, config: {run: SHIP}}",
    ),
    (
        "branched",
        "{id: if, type: conditional, config: {condition: 'true', true_stages: [ship], false_stages: []}}, {id: ship, type: shell, environment: production, config: {run: SHIP}}",
    ),
    ("below", "{id: sub, type: subpipeline, config: {pipeline: plain, input: {where: production}}}"),
    ("deeper", "{id: sub, type: subpipeline, config: {pipeline: below, input: {where: production}}}"),
    ("given", "{id: sub, type: subpipeline, environment: production, config: {pipeline: open}}"),
    ("optional", "{id: ship, type: shell, environment: production, on_error: continue, config: {run: SHIP}}"),
    ("requested", "{id: ship, type: http-request, environment: production, config: {url: 'http://127.0.0.1:9/'}}"),
];

fn hidden(stages: &str, name: &str) -> String {
    format!("{{id: {name}, input_schema: {{type: object}}, stages: [{}]}}", stages.replace("SHIP", "'echo shipped >> effects'"))
}

fn lab() -> Workspace {
    let workspace = solo("{id: p, stages: [{id: a, type: logger, config: {message: m}}]}");
    workspace.pipeline("open.yaml", &hidden("{id: ship, type: shell, config: {run: SHIP}}", "open"));
    for (name, stages) in HIDDEN {
        workspace.pipeline(&format!("{name}.yaml"), &hidden(stages, name));
    }
    workspace
}

#[test]
fn a_stage_for_a_protected_environment_is_held_wherever_it_stands() {
    let workspace = lab();
    for (name, _) in HIDDEN {
        let said = workspace.ok(&["run", name, "-i", "where=production", "--detach", "--json"]).json();
        let id = said["id"].as_str().expect("an id").to_owned();
        let mut gate = None;
        until(&format!("{name} is held"), || {
            gate =
                listed(&workspace, &[]).into_iter().find(|gate| gate["run_id"].as_str().is_some_and(|run| run.starts_with(&id)));
            gate.is_some()
        });
        let gate = gate.expect("a gate");
        assert_eq!(gate["environment"], "production", "{name}");
        let run = workspace.ok(&["runs", "show", &id, "--json"]).json();
        assert!(!["succeeded", "failed"].contains(&run["status"].as_str().expect("a status")), "{name}: {run:#}");
        // Not a cancel: a `finally` would wait for its answer all the same.
        workspace.ok(&super::decision("reject", &gate));
        workspace.say(&["runs", "logs", &id, "--follow"]);
        assert_eq!(workspace.read("effects"), "", "{name}");
    }
    assert_eq!(listed(&workspace, &[]), Vec::<serde_json::Value>::new());
}

#[test]
fn a_run_for_a_protected_environment_is_held_although_no_stage_names_it() {
    let workspace = lab();
    for (args, gated) in [(&["open", "--env", "production"][..], true), (&["open"][..], false)] {
        let said = workspace.ok(&[&["run", "--detach", "--json"], args].concat()).json();
        let id = said["id"].as_str().expect("an id").to_owned();
        if gated {
            let gate = gate_of(&workspace, &id, "pending");
            assert_eq!((&gate["stage"], &gate["id"]), (&json!("*"), &json!(format!("{id}~all"))));
            assert_eq!(workspace.read("effects"), "");
            workspace.ok(&["runs", "cancel", &id]);
        } else {
            // Not for anything protected: nothing asks.
            assert_eq!(workspace.wait(&id)["status"], "succeeded");
        }
    }
}

#[test]
fn an_environment_by_another_name_is_a_failure_and_no_way_around() {
    let workspace = lab();
    for name in ["Production", "production ", "prod", "'{{input.nothing}}'", "''", "../production", "productiоn"] {
        let text = hidden("{id: ship, type: shell, environment: NAME, config: {run: SHIP}}", "p");
        let quoted = if name.starts_with('\'') { name.to_owned() } else { format!("'{name}'") };
        workspace.pipeline("p.yaml", &text.replace("NAME", &quoted));
        let said = workspace.say(&["run", "p", "--json"]);
        assert_ne!(said.code, Some(0), "{name}: {said:#?}");
        assert_eq!((workspace.read("effects"), listed(&workspace, &[]).len()), (String::new(), 0), "{name}: {said:#?}");
    }
    // Only the run itself can tell what a template means.
    let run = workspace.say(&["run", "templated", "-i", "where=prod", "--json"]).json();
    let error = &run["stages"]["ship"]["error"];
    assert_eq!(error["type"], "SECURITY", "{run:#}");
    assert_eq!(error["message"], "flowdeck.toml has no environment `prod`; it has production");
    assert_eq!(workspace.read("effects"), "");
}

#[test]
fn each_round_of_a_loop_has_a_request_of_its_own() {
    let workspace = lab();
    let said = workspace.ok(&["run", "looped", "--detach", "--json"]).json();
    let id = said["id"].as_str().expect("an id").to_owned();
    let first = gate_of(&workspace, &id, "pending");
    assert_eq!(first["stage"], "ship[0]");
    super::approve(&workspace, &first);
    let second =
        super::gate_when(&workspace, &id, "the second", |gate| gate["stage"] == "ship[1]" && gate["status"] == "pending");
    let mut old = super::decision("approve", &second);
    old[4] = &first["digest"].as_str().expect("a digest")[..12];
    refused(&workspace.say(&old), "not the request as it is now");
    assert_eq!(workspace.read("effects"), "shipped\n");
}

#[test]
fn a_try_that_is_made_again_is_not_approved_again_but_another_stage_of_the_run_is() {
    let text = "{id: p, stages: [
      {id: ship, type: shell, environment: production, error_handling: {on_error: retry, max_retries: 5, retry_delay: 1}, config: {run: 'echo try >> effects; test $(wc -l < effects) -ge 3'}},
      {id: more, type: shell, environment: production, depends_on: [ship], config: {run: 'echo more >> effects'}}]}";
    let workspace = solo(text);
    let (id, gate) = waiting(&workspace, "p");
    super::approve(&workspace, &gate);
    let more = super::gate_when(&workspace, &id, "the other stage", |gate| gate["stage"] == "more");
    assert_eq!((workspace.read("effects"), &more["status"]), ("try\n".repeat(3), &json!("pending")));
    let mut old = super::decision("approve", &more);
    old[4] = &gate["digest"].as_str().expect("a digest")[..12];
    refused(&workspace.say(&old), "not the request as it is now");
}

#[test]
fn a_pipeline_makes_no_environment_less_protected() {
    let text = "{id: p, environment: production, approval: false, separation: false, rules: [],
      stages: [{id: ship, type: shell, approval: none, protected: false, config: {run: 'echo shipped >> effects'}}]}";
    let workspace = solo(text);
    // None of these is a word of the language: each is told, and none opens anything.
    waiting(&workspace, "p");
    assert_eq!(workspace.read("effects"), "");
}
