//! What the engine sends to the worker, and what comes of its end.

use serde_json::{Value, json};

use super::plan::{Action, Plan, Probe};
use crate::language::Component;
use crate::model::{Ending, ErrorKind, StageError};
use crate::operators::testing::Stage;
use crate::operators::{Egress, Http, finish_process};
use crate::process::{Exit, Program};

fn stage(config: Value) -> Stage {
    Stage::new(Component::Rollout, config).input(json!({"zone": "a b; rm"}))
}

fn plan(config: Value) -> Plan {
    let spec = stage(config).process();
    assert_eq!(spec.program, Program::Command(["/bin/flowdeck", "worker", "rollout"].map(str::to_owned).to_vec()));
    serde_json::from_str(&spec.stdin.unwrap()).unwrap()
}

fn refused(config: Value) -> StageError {
    stage(config).targeting("staging").error()
}

fn script(action: &Action) -> (&str, &[(String, String)]) {
    match action {
        Action::Program(spec) => match &spec.program {
            Program::Script { text, .. } => (text, &spec.env),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_step_has_its_weight_in_the_script_quoted_like_every_value() {
    let plan = plan(json!({"steps": [10, {"weight": 100, "bake": "5m"}], "set_weight": {"run": "go {{input.zone}} {{weight}}"}}));
    let weight = |value: &str| ("FLOWDECK_WEIGHT".to_owned(), value.to_owned());
    assert_eq!(script(&plan.steps[0].set), ("go 'a b; rm' '10'", &[weight("10")][..]));
    assert_eq!(script(&plan.steps[1].set), ("go 'a b; rm' '100'", &[weight("100")][..]));
    assert_eq!(script(&plan.back), ("go 'a b; rm' '0'", &[weight("0")][..]));
    assert_eq!(plan.course.steps[1].bake.as_secs(), 300);
}

#[test]
fn every_strategy_has_its_usual_steps() {
    let weights = |strategy: &str| -> Vec<u8> {
        let plan = plan(json!({"strategy": strategy, "set_weight": "true"}));
        plan.course.steps.iter().map(|step| step.weight).collect()
    };
    assert_eq!(weights("blue-green"), [100]);
    assert_eq!(weights("rolling"), [25, 50, 75, 100]);
    assert_eq!(weights("canary"), [10, 25, 50, 100]);
}

#[test]
fn a_request_moves_traffic_by_post_and_a_query_becomes_one_of_prometheus() {
    let plan = plan(json!({"steps": [50], "set_weight": {"request": {"url": "http://lb/w", "body": {"weight": "{{weight}}"}}},
        "analysis": {"server": "http://prom:9090/", "query": "rate{z=\"{{weight}}\"}", "failure_if": "result > input.most"}}));
    let text = serde_json::to_value(&plan.steps[0].set).unwrap()["request"].clone();
    assert_eq!((&text["method"], &text["body"]), (&json!("POST"), &json!("{\"weight\":50}")));
    let Probe::Prometheus(ask) = &plan.steps[0].probes[0] else { panic!("{:?}", plan.steps[0].probes) };
    let url = serde_json::to_value(ask).unwrap()["url"].clone();
    assert_eq!(url, "http://prom:9090/api/v1/query?query=rate%7Bz%3D%2250%22%7D");
}

#[test]
fn a_step_that_says_so_is_not_judged() {
    let plan =
        plan(json!({"steps": [{"weight": 10, "analysis": false}, 100], "set_weight": "true", "analysis": {"command": ["true"]}}));
    assert!(plan.steps[0].probes.is_empty() && !plan.course.steps[0].judged);
    assert_eq!(plan.steps[1].probes.len(), 1);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_moves() {
    let with = |more: Value| {
        let mut config = json!({"steps": [10], "set_weight": {"run": "true"}});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refused(config).message
    };
    assert!(with(json!({"steps": [101]})).contains("`steps[0]` needs a `weight`"));
    assert!(with(json!({"strategy": "yolo"})).contains("`strategy` must be"));
    assert!(with(json!({"set_weight": {"run": "a", "command": ["b"]}})).contains("exactly one of"));
    assert!(with(json!({"set_weight": null})).contains("needs `set_weight`"));
    let typo = with(json!({"analysis": {"url": "http://a/", "sucess_if": "true"}}));
    assert!(typo.starts_with("`analysis[0]` has no `sucess_if`"), "{typo}");
    assert!(with(json!({"analysis": {"server": "http://p", "query": "up"}})).contains("needs `success_if` or `failure_if`"));
    assert!(with(json!({"analysis": {"url": "http://a/", "success_if": "result <"}})).contains("analysis[0].success_if"));
    assert!(with(json!({"environment": "production"})).contains("the stage targets `staging`"));
    assert!(with(json!({"on_failure": "pray"})).contains("`on_failure` must be"));
}

#[test]
fn nothing_is_asked_of_hosts_that_stages_may_not_call() {
    let only = || Http::new(Egress::only(&["good"]).unwrap());
    let error = stage(json!({"steps": [10], "set_weight": "true", "analysis": {"url": "http://evil/"}})).http(only()).error();
    assert_eq!(error.kind, ErrorKind::Security);
    let spec = stage(json!({"steps": [10], "set_weight": "true", "analysis": {"url": "http://good/"}})).http(only()).process();
    let plan: Plan = serde_json::from_str(&spec.stdin.unwrap()).unwrap();
    assert_eq!(plan.allow.unwrap(), ["good"], "the worker asks by the same rules");
}

#[test]
fn a_secret_is_in_the_plan_and_in_no_argument() {
    let config = json!({"steps": [10], "set_weight": {"run": "go", "env": {"TOKEN": "{{secrets.T}}"}}});
    let prepared = stage(config).secret("T", "hunter2").process();
    assert!(!format!("{:?}", prepared.program).contains("hunter2") && prepared.stdin.unwrap().contains("hunter2"));
    let config = json!({"steps": [10], "set_weight": {"command": ["go", "{{secrets.T}}"]}});
    assert_eq!(stage(config).secret("T", "hunter2").error().kind, ErrorKind::Security);
}

fn ended(more: Value) -> crate::model::Outcome {
    let mut exit = json!({"duration_ms": 1, "lines": 0, "bytes": 0});
    exit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let exit: Exit = serde_json::from_value(exit).unwrap();
    finish_process(stage(json!({})).spec(), &exit)
}

#[test]
fn the_end_of_the_worker_is_what_its_verdict_says() {
    let verdict = |word: &str| {
        let finding = json!({"message": "the analysis `e` …", "details": {"analysis": "e"}});
        ended(json!({"code": 0, "outputs": {"verdict": word, "weight": 10, "finding": finding}}))
    };
    assert_eq!(verdict("successful").ending, Ending::Succeeded);
    let failed = verdict("failed");
    assert_eq!((failed.ending, failed.error.as_ref().unwrap().kind), (Ending::Failed, ErrorKind::Execution));
    assert_eq!(failed.error.unwrap().details, json!({"analysis": "e", "verdict": "failed"}));
    for word in ["error", "inconclusive"] {
        let outcome = verdict(word);
        assert_eq!((outcome.ending, outcome.error.unwrap().details["verdict"].clone()), (Ending::Unknown, json!(word)));
    }
}

#[test]
fn a_worker_that_was_cut_off_leaves_a_question_and_one_that_never_began_a_failure() {
    let killed = ended(json!({"signal": 9, "outputs": {"weight": 25}}));
    assert_eq!(killed.ending, Ending::Unknown);
    assert_eq!(killed.error.unwrap().message, "the rollout was cut off; traffic was at 25 % last");
    let never = ended(json!({"failure": "could not start"}));
    assert_eq!(never.ending, Ending::Failed);
    let cancelled = ended(json!({"code": 0, "cancelled": true, "outputs": {"rolled_back": true, "weight": 0}}));
    assert_eq!(
        (cancelled.ending, cancelled.error.unwrap().message.as_str()),
        (Ending::Cancelled, "cancelled; traffic is back at 0 %")
    );
}
