use serde_json::{Value, json};

use super::super::testing::Stage;
use super::super::{Frame, Shape, Work, shape};
use crate::language::Component;
use crate::process::{Program, Spec};

fn stage(config: Value) -> Stage {
    Stage::new(Component::Deploy, config)
}

fn process(config: Value) -> Spec {
    match stage(config).prepared().expect("prepared").work {
        Work::Process(spec) => spec,
        other => panic!("{other:?}"),
    }
}

fn words(config: Value) -> Vec<String> {
    match process(config).program {
        Program::Command(words) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_script_learns_what_it_deploys() {
    let spec = process(json!({"service": "api", "version": "1.2", "run": "make deploy", "env": {"A": "b"}}));
    let value = |name: &str| spec.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((value("FLOWDECK_SERVICE"), value("FLOWDECK_VERSION"), value("A")), (Some("api"), Some("1.2"), Some("b")));
}

#[test]
fn the_work_has_one_form_that_is_known_before_anything_is_rendered() {
    let form = |config: Value| shape(stage(config).spec());
    assert!(matches!(form(json!({"stages": ["a"]})), Shape::Frame));
    assert!(matches!(form(json!({"request": {"url": "http://127.0.0.1"}})), Shape::Call));
    assert!(matches!(form(json!({"compose": {}})), Shape::Process(_)));
    let error = stage(json!({"service": "a", "version": "1", "run": "x", "stages": ["a"]})).error();
    assert!(error.to_string().contains("either `run` or `stages`"), "{error}");
    let error = stage(json!({"service": "a", "version": "1"})).error();
    assert!(error.to_string().contains("needs one of"), "{error}");
}

#[test]
fn stages_that_deploy_are_its_inside() {
    let prepared = stage(json!({"service": "a", "version": "1", "stages": ["one", "two"]})).prepared().expect("prepared");
    let Work::Frame(Frame::TryCatch(frame)) = prepared.work else { panic!("{prepared:?}") };
    assert_eq!(frame.body.iter().map(crate::model::StageId::as_str).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn values_reach_the_tools_as_arguments_and_are_not_read_as_templates_again() {
    let hostile = "x; rm -rf / {{secrets.TOKEN}}";
    let compose = stage(json!({"service": "a", "version": "1",
        "compose": {"file": "c.yaml", "project": "{{input.name}}", "services": ["web"]}}))
    .input(json!({"name": hostile}));
    let Work::Process(Spec { program: Program::Command(words), .. }) = compose.prepared().expect("prepared").work else {
        panic!("no command")
    };
    let expected = ["docker", "compose", "--file", "c.yaml", "--project-name", hostile, "up", "--detach", "--wait", "--", "web"];
    assert_eq!(words, expected);
}

#[test]
fn kubernetes_takes_a_manifest_or_an_image() {
    let of = |kubernetes: Value| words(json!({"service": "a", "version": "1", "kubernetes": kubernetes}));
    let image = of(json!({"deployment": "api", "image": "r/api:2", "namespace": "prod"}));
    assert_eq!(image[4..], ["image", "api", "api", "r/api:2", "10m", "--namespace", "prod"]);
    assert_eq!(of(json!({"manifest": "k.yaml"}))[4..], ["manifest", "k.yaml", "", "", "10m"]);
    let error = stage(json!({"service": "a", "version": "1", "kubernetes": {"manifest": "a", "image": "b"}})).error();
    assert!(error.to_string().contains("either `manifest`"), "{error}");
}

#[test]
fn digests_of_artefacts_come_in_every_spelling() {
    let of = |artifact: Value| {
        let stage = stage(json!({"service": "a", "version": "1", "run": "x", "artifact": artifact}));
        stage.prepared().expect("prepared").config["artefacts"].clone()
    };
    assert_eq!(of(json!("sha256:1")), json!({"artifact": "sha256:1"}));
    assert_eq!(of(json!({"name": "img", "digest": "sha256:1"})), json!({"img": "sha256:1"}));
    assert_eq!(of(json!({"img": "sha256:1", "chart": "sha256:2"})), json!({"chart": "sha256:2", "img": "sha256:1"}));
    assert_eq!(of(json!(null)), json!({"version": "a@1"}), "the version stands for what it brings");
}

#[test]
fn what_is_deployed_is_named_and_holds_no_secret() {
    let error = stage(json!({"service": " ", "version": "1", "run": "x"})).error();
    assert!(error.to_string().contains("needs a `service`"), "{error}");
    let error = stage(json!({"service": "a", "run": "x"})).error();
    assert!(error.to_string().contains("needs a `version`"), "{error}");
    let error = stage(json!({"service": "a", "version": "{{secrets.TOKEN}}", "run": "x"})).secret("TOKEN", "hunter2").error();
    assert!(error.to_string().contains("holds a secret") && !error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn what_is_deployed_holds_nothing_that_nobody_sees() {
    for (field, text) in [
        ("service", "api\u{200b}"),
        ("version", "1\u{202e}0"),
        ("artifact", "sha256:\u{1b}[31m0"),
        ("artifact", &"0".repeat(2_000)),
    ] {
        let mut config = json!({"service": "api", "version": "1", "run": "x"});
        config[field] = json!(text);
        let error = stage(config).error();
        assert!(error.to_string().contains("must be a short text"), "{field}: {error}");
    }
}
