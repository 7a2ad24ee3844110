//! Language reference: Errors and retries. What is tried again, how often, and what an error looks like.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::{Lab, fate, run};

/// A server that answers each request with the next status, the last one for ever, and a body that counts.
fn answering(statuses: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let status = statuses[at.min(statuses.len() - 1)];
            let body = format!("{{\"n\": {}}}", at + 1);
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/")
}

fn attempts(run: &Value, stage: &str) -> usize {
    run["stages"][stage]["attempts"].as_array().map_or(0, Vec::len)
}

const SOON: &str = "initial_delay_ms: 1, max_delay_ms: 2";

#[test]
fn retry_config_tries_again_only_after_errors_that_may_pass() {
    let url = answering(&["503 Busy", "429 Slow", "200 OK"]);
    let missing = answering(&["404 Gone"]);
    let run = run(&format!(
        "{{id: busy, type: http-request, config: {{url: '{url}', expect_status: 2xx}}, retry_config: {{max_retries: 5, {SOON}}}}},
         {{id: gone, type: http-request, on_error: continue, config: {{url: '{missing}', expect_status: 2xx}}, retry_config: {{max_retries: 5, {SOON}}}}},
         {{id: refused, type: http-request, on_error: continue, config: {{url: 'http://127.0.0.1:1/'}}, retry_config: {{max_retries: 2, {SOON}}}}},
         {{id: slow, type: shell, on_error: continue, config: {{run: 'sleep 1000', timeout_ms: 20}}, retry_config: {{max_retries: 1, {SOON}}}}},
         {{id: wrong, type: logger, on_error: continue, config: {{message: '{{{{1 / 0}}}}'}}, retry_config: {{max_retries: 5, {SOON}}}}},
         {{id: invalid, type: schema-validate, on_error: continue, config: {{data: x, schema: {{type: integer}}}}, retry_config: {{max_retries: 5, {SOON}}}}}"
    ));
    let counted = ["busy", "gone", "refused", "slow", "wrong", "invalid"].map(|stage| attempts(&run, stage));
    assert_eq!(counted, [3, 1, 3, 2, 1, 1], "{run:#}");
    assert_eq!(fate(&run, "busy"), "succeeded");
    assert_eq!(run["stages"]["refused"]["error"]["type"], "RETRY_EXHAUSTED");
}

#[test]
fn a_status_is_no_error_unless_expect_status_or_error_handling_says_so() {
    let url = answering(&["500 Broken"]);
    let run = run(&format!(
        "{{id: plain, type: http-request, config: {{url: '{url}'}}, retry_config: {{{SOON}}}}},
         {{id: expected, type: http-request, on_error: continue, config: {{url: '{url}', expect_status: [200, 204]}}}},
         {{id: handled, type: http-request, on_error: continue, config: {{url: '{url}'}}, error_handling: {{on_error: retry, max_retries: 2, retry_delay: 1}}}}"
    ));
    assert_eq!((fate(&run, "plain").as_str(), attempts(&run, "plain")), ("succeeded", 1));
    assert_eq!(run["stages"]["plain"]["output"]["success"], false);
    assert_eq!((fate(&run, "expected").as_str(), attempts(&run, "expected")), ("failed", 1));
    assert_eq!((fate(&run, "handled").as_str(), attempts(&run, "handled")), ("failed", 3));
}

#[test]
fn error_handling_makes_max_retries_and_one_attempts_after_any_failure() {
    let run = run("{id: a, type: shell, on_error: continue, config: {run: 'exit 1'}, error_handling: {on_error: retry, max_retries: 2, retry_delay: 1}},
      {id: b, type: schema-validate, on_error: continue, config: {data: x, schema: {type: integer}}, error_handling: {on_error: retry, max_retries: 1, retry_delay: 1}},
      {id: c, type: shell, on_error: continue, config: {run: 'exit 1'}, error_handling: {on_error: retry, retry_delay: 1}}");
    assert_eq!(["a", "b", "c"].map(|stage| attempts(&run, stage)), [3, 2, 4]);
    let error = &run["stages"]["a"]["error"];
    assert_eq!((&error["type"], &error["message"]), (&json!("RETRY_EXHAUSTED"), &json!("gave up after 3 attempts: exit code 1")));
    assert!(error["cause"].as_str().is_some_and(|cause| cause.contains("EXECUTION")), "{error:#}");
}

#[test]
fn retry_until_polls_on_the_output() {
    let url = answering(&["200 OK"]);
    let run = run(&format!(
        "{{id: poll, type: http-request, config: {{url: '{url}'}}, error_handling: {{on_error: retry, max_retries: 9, retry_delay: 1, retry_until: 'output.body.n == 3'}}}},
         {{id: bare, type: shell, on_error: continue, config: {{run: 'exit 0'}}, error_handling: {{on_error: retry, max_retries: 1, retry_delay: 1, retry_until: 'exit_code == 7'}}}}"
    ));
    assert_eq!((fate(&run, "poll").as_str(), attempts(&run, "poll")), ("succeeded", 3));
    assert_eq!(run["stages"]["poll"]["output"]["body"]["n"], 3);
    assert_eq!((fate(&run, "bare").as_str(), attempts(&run, "bare")), ("failed", 2));
}

#[test]
fn the_error_object_has_its_six_fields_everywhere() {
    let run = run("{id: a, type: shell, on_error: continue, config: {run: 'exit 3'}},
      {id: b, type: json-transform, depends_on: [a], config: {template: '{{upstream.a.error}}'}},
      {id: c, type: schema-validate, depends_on: [b], config: {data: x, schema: {type: integer}}}");
    let expected = json!({"type": "EXECUTION", "message": "exit code 3", "stage": "a", "recoverable": true, "cause": null,
        "details": {"exit_code": 3, "signal": null}});
    assert_eq!(run["stages"]["a"]["error"], expected);
    assert_eq!(run["stages"]["a"]["attempts"][0]["error"], expected);
    assert_eq!(run["stages"]["b"]["output"], expected);
    let fields: Vec<&String> = run["error"].as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["type", "message", "stage", "recoverable", "cause", "details"]);
    assert_eq!(run["error"]["stage"], "c");
}

#[test]
fn each_error_has_the_type_of_what_went_wrong() {
    let lab = Lab::open();
    let run = run("{id: connectivity, type: http-request, on_error: continue, config: {url: 'http://127.0.0.1:1/'}},
      {id: timeout, type: shell, on_error: continue, config: {run: 'sleep 1000', timeout_ms: 20}},
      {id: validation, type: schema-validate, on_error: continue, config: {data: x, schema: {type: integer}}},
      {id: expression, type: conditional, on_error: continue, config: {condition: '1 / 0'}},
      {id: transformation, type: json-transform, on_error: continue, config: {data: {}, expression: 'a[?'}},
      {id: execution, type: shell, on_error: continue, config: {run: 'exit 1'}},
      {id: retry-exhausted, type: shell, on_error: continue, config: {run: 'exit 1'}, error_handling: {on_error: retry, max_retries: 1, retry_delay: 1}},
      {id: configuration, type: logger, on_error: continue, config: {message: '{{env.FLOWDECK_NO_SUCH_VALUE}}'}}");
    for (id, stage) in run["stages"].as_object().expect("stages") {
        assert_eq!(stage["error"]["type"], id.to_uppercase().replace('-', "_"), "{stage:#}");
    }
    let returned = super::run("{id: r, type: return, config: {status: failure, message: enough}}");
    assert_eq!((&returned["error"]["type"], &returned["error"]["message"]), (&json!("CONTROL_FLOW"), &json!("enough")));
    let credential = "{id: p, stages: [{id: s, type: shell, config: {command: [echo, '{{env.RULES_TOKEN}}']}}]}";
    let name = lab.keep(credential);
    let mut command = lab.0.command(&["run", &name, "--json"]);
    let said = command.env("RULES_TOKEN", "hunter2-of-the-rules").output().expect("flowdeck runs");
    let run: Value = serde_json::from_slice(&said.stdout).expect("a document");
    assert_eq!(run["error"]["type"], "SECURITY", "{run:#}");
}
