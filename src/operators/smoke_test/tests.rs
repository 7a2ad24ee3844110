use serde_json::{Value, json};

use crate::language::Component;
use crate::model::{Ending, ErrorKind};
use crate::operators::testing::{Stage, awaited, serving};
use crate::operators::{Egress, Http, is_idempotent};

fn stage(config: Value) -> Stage {
    Stage::new(Component::SmokeTest, config).input(json!({"version": "1.2"}))
}

async fn town() -> String {
    let answer = |path: &str| match path {
        "/health" => (200, "all is well".to_owned()),
        "/version" => (200, json!({"version": "1.2"}).to_string()),
        "/gone" => (410, "secret words".to_owned()),
        _ => (404, String::new()),
    };
    serving(answer).await.0
}

#[tokio::test]
async fn every_endpoint_that_is_as_expected_passes() {
    let stage = stage(json!({"url": town().await, "endpoints": [
        "/health",
        {"name": "words", "path": "health", "contains": "is well"},
        {"path": "/version", "expect": "body.version == input.version and status == 200"},
        {"path": "/gone", "expect_status": [404, 410]},
    ]}));
    assert!(is_idempotent(stage.spec()));
    let (outcome, log) = awaited(&stage).await;
    assert_eq!(outcome.ending, Ending::Succeeded, "{outcome:#?}");
    assert_eq!(
        (&outcome.output["passed"], &outcome.output["total"], &outcome.output["failed"]),
        (&json!(4), &json!(4), &json!(0))
    );
    let names: Vec<&Value> = outcome.output["results"].as_array().unwrap().iter().map(|result| &result["name"]).collect();
    assert_eq!(names, ["/health", "words", "/version", "/gone"]);
    assert!(log.lines().count() == 4 && log.contains("passed words in "), "{log}");
}

#[tokio::test]
async fn any_failure_fails_the_stage_and_each_is_named_without_the_answer() {
    let stage = stage(json!({"url": town().await, "tests": [
        "/health",
        {"name": "gone", "path": "/gone"},
        {"name": "old", "path": "/version", "expect": "body.version == '2'"},
        {"name": "shape", "path": "/version", "expect": "body.nothing > 2"},
    ]}));
    let (outcome, log) = awaited(&stage).await;
    let error = outcome.error.unwrap();
    assert_eq!((outcome.ending, error.kind), (Ending::Failed, ErrorKind::Validation));
    assert!(
        error.message.starts_with("3 of 4 smoke tests failed: gone (the server answered 410), old (it does not hold that body")
    );
    assert!(error.message.contains("shape (it cannot be told whether"), "{}", error.message);
    assert_eq!(error.details, json!({"failed": ["gone", "old", "shape"]}));
    assert!(!format!("{} {log} {}", error.message, outcome.output).contains("secret words"));
    assert_eq!(outcome.output["results"][1]["status_code"], 410);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failed_test_and_not_an_end_of_the_others() {
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let (outcome, _) = awaited(&stage(json!({"url": town().await, "endpoints": [dead, "/health"], "parallel": false}))).await;
    assert_eq!((&outcome.output["passed"], &outcome.output["failed"]), (&json!(1), &json!(1)));
    assert!(outcome.output["results"][0]["error"].as_str().unwrap().contains("could not connect"), "{}", outcome.output);
}

#[test]
fn what_cannot_be_tried_is_refused() {
    let refused = |config| stage(config).error();
    assert!(refused(json!({"endpoints": ["/health"]})).message.contains("needs an address"));
    assert!(refused(json!({"url": "http://a", "endpoints": []})).message.contains("needs `endpoints` or `tests`"));
    assert!(refused(json!({"url": "http://a", "tests": [{"command": ["true"]}]})).message.contains("is a `shell` stage"));
    assert!(refused(json!({"url": "http://a", "tests": [{"path": "/", "expct": "x"}]})).message.contains("has no `expct`"));
    assert!(refused(json!({"url": "http://a", "tests": ["/"], "parallel": 1000})).message.contains("from 1 to 64"));
    let only = Http::new(Egress::only(&["b"]).unwrap());
    assert_eq!(stage(json!({"url": "http://a", "tests": ["/"]})).http(only).error().kind, ErrorKind::Security);
}
