use std::sync::Arc;

use serde_json::{Value, json};

use super::deliver::signature;
use super::{Format, Known, Target};
use crate::language::Component;
use crate::model::{Ending, ErrorKind};
use crate::operators::testing::{Stage, awaited, serving};
use crate::operators::{Egress, Http, finish_process, is_idempotent};
use crate::process::Program;

fn stage(config: Value) -> Stage {
    Stage::new(Component::Notify, config)
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn a_channel_gets_the_message_signed_with_its_key_and_the_key_goes_nowhere() {
    let (address, mut requests) = serving(|_| (202, String::new())).await;
    let target = Target { format: Format::Webhook(address), secret: Some(Arc::new(Known("hunter2".to_owned()))) };
    let config =
        json!({"channel": "team", "message": "1.2 is out", "title": "Release", "severity": "warning", "payload": {"n": 1}});
    let stage = stage(config).target("team", target);
    assert!(!is_idempotent(stage.spec()), "people are told once");
    let (outcome, _) = awaited(&stage).await;
    assert_eq!(outcome.output, json!({"sent": true, "channel": "team", "status_code": 202}));
    let request = requests.recv().await.unwrap();
    let sent: Value = serde_json::from_str(body(&request)).unwrap();
    assert_eq!(
        (&sent["message"], &sent["severity"], &sent["payload"]["n"]),
        (&json!("1.2 is out"), &json!("warning"), &json!(1))
    );
    assert_eq!((&sent["run_id"], &sent["pipeline"]), (&json!("run-1"), &json!("tests")));
    assert!(request.contains(&format!("x-flowdeck-signature: {}", signature("hunter2", body(&request)))), "{request}");
    assert!(!request.contains("hunter2"));
}

#[test]
fn the_signature_is_the_one_that_others_compute() {
    // RFC 4231, test case 2.
    let known = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signature("Jefe", "what do ya want for nothing?"), known);
}

#[tokio::test]
async fn each_receiver_gets_its_own_shape() {
    let (address, mut requests) = serving(|_| (200, "ok".to_owned())).await;
    let config = |format: &str| json!({"url": address, "format": format, "secret": "R0UTE", "title": "T", "text": "a < b"});
    awaited(&stage(config("slack"))).await;
    let slack: Value = serde_json::from_str(body(&requests.recv().await.unwrap())).unwrap();
    assert_eq!(slack, json!({"text": "*T*\na &lt; b"}));
    awaited(&stage(config("pagerduty"))).await;
    let event: Value = serde_json::from_str(body(&requests.recv().await.unwrap())).unwrap();
    assert_eq!((&event["routing_key"], &event["event_action"]), (&json!("R0UTE"), &json!("trigger")));
    assert_eq!((&event["payload"]["summary"], &event["payload"]["severity"]), (&json!("T: a < b"), &json!("info")));
    assert_eq!(event["dedup_key"], "flowdeck/run-1/stage");
    let (outcome, _) = awaited(&stage(json!({"url": address, "payload": {"as": "it is"}}))).await;
    assert_eq!(outcome.output["channel"], "webhook");
    assert_eq!(body(&requests.recv().await.unwrap()), "{\"as\":\"it is\"}");
}

#[tokio::test]
async fn what_does_not_arrive_fails_and_tells_neither_address_nor_key() {
    let (address, _requests) = serving(|_| (404, "T0KEN".to_owned())).await;
    let (outcome, _) = awaited(&stage(json!({"url": format!("{address}/T0KEN"), "message": "m", "secret": "hunter2"}))).await;
    assert_eq!(
        (outcome.ending, &outcome.output["sent"], &outcome.output["status_code"]),
        (Ending::Failed, &json!(false), &json!(404))
    );
    let told = format!("{outcome:?}");
    assert!(!told.contains("T0KEN") && !told.contains("hunter2"), "{told}");
    let keyless = stage(json!({"url": address, "format": "pagerduty", "message": "m"}));
    assert_eq!(awaited(&keyless).await.0.error.unwrap().kind, ErrorKind::Configuration);
    let only = Http::new(Egress::only(&["elsewhere"]).unwrap());
    let forbidden = stage(json!({"url": address, "message": "m"})).http(only);
    assert_eq!(awaited(&forbidden).await.0.error.unwrap().kind, ErrorKind::Security);
}

#[tokio::test]
async fn a_command_of_the_workspace_reads_the_message_and_its_failure_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let target = |script: &str| {
        let words = ["sh", "-c", script].map(str::to_owned).to_vec();
        Target { format: Format::Command { words, cwd: dir.path().display().to_string() }, secret: None }
    };
    let to = |script| stage(json!({"to": "page", "message": "wake up"})).target("page", target(script));
    assert_eq!(awaited(&to("cat > got")).await.0.ending, Ending::Succeeded);
    let got: Value = serde_json::from_str(&std::fs::read_to_string(dir.path().join("got")).unwrap()).unwrap();
    assert_eq!(got["message"], "wake up");
    let failed = awaited(&to("cat; exit 3")).await.0.error.unwrap().message;
    assert_eq!(failed, "the command that tells people failed: exit code 3");
}

#[test]
fn a_command_of_the_stage_is_a_process_that_reads_the_message() {
    let stage = stage(json!({"command": ["page", "-v"], "message": "m"}));
    let spec = stage.process();
    assert_eq!(spec.program, Program::Command(vec!["page".to_owned(), "-v".to_owned()]));
    assert!(spec.stdin.unwrap().contains("\"message\":\"m\""));
    let exit = serde_json::from_value(json!({"code": 1, "duration_ms": 1, "lines": 0, "bytes": 0})).unwrap();
    let outcome = finish_process(stage.spec(), &exit);
    assert_eq!((outcome.ending, &outcome.output["sent"]), (Ending::Failed, &json!(false)));
}

#[test]
fn what_goes_nowhere_or_says_nothing_is_refused() {
    let refused = |config| stage(config).error().message;
    assert!(refused(json!({"message": "m"})).contains("exactly one of `channel`"));
    assert!(refused(json!({"message": "m", "url": "http://a", "command": ["a"]})).contains("`command` goes alone"));
    assert!(refused(json!({"channel": "team"})).contains("needs a `message` or a `payload`"));
    assert_eq!(refused(json!({"channel": "team", "message": "m"})), "flowdeck.toml has no [notify.team]; it has ");
    assert!(refused(json!({"url": "http://a", "message": "m", "severity": "loud"})).contains("`severity` must be"));
}
