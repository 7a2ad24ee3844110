//! Language reference: Units. What a number counts where time is meant, and durations as texts.

use std::net::TcpListener;

use super::{fate, run, stage_problems};

/// A server that takes connections and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

#[test]
fn the_timeout_of_a_request_above_300_is_milliseconds_and_up_to_300_seconds() {
    let (_listener, address) = silent();
    let request = |id: &str, timeout: &str| {
        format!("{{id: {id}, type: http-request, on_error: continue, config: {{url: 'http://{address}/', {timeout}}}}}")
    };
    let stages = [
        request("millis", "timeout: 301"),
        request("seconds", "timeout: 0.2"),
        request("ms", "timeout_ms: 100"),
        request("text", "timeout: 150ms"),
    ];
    let run = run(&stages.join(","));
    let said = ["millis", "seconds", "ms", "text"].map(|id| {
        assert_eq!(fate(&run, id), "timed_out");
        run["stages"][id]["error"]["message"].as_str().unwrap_or_default().to_owned()
    });
    assert_eq!(said, ["301 ms", "200 ms", "100 ms", "150 ms"].map(|time| format!("no complete answer within {time}")));
}

#[test]
fn the_timeout_of_a_stage_is_seconds_or_milliseconds_or_a_text_and_a_budget_over_all_attempts() {
    for timeout in ["timeout: 0.1", "timeout_ms: 100", "timeout: 100ms", "timeout_ms: 100ms"] {
        let run = run(&format!(
            "{{id: a, type: shell, {timeout}, config: {{run: 'sleep 1000'}}, error_handling: {{on_error: retry, max_retries: 9, retry_delay: 0}}}}"
        ));
        assert_eq!(fate(&run, "a"), "timed_out", "{timeout}");
        assert_eq!(run["stages"]["a"]["error"]["type"], "TIMEOUT", "{timeout}");
        assert_eq!(run["stages"]["a"]["attempts"].as_array().map(Vec::len), Some(1), "the budget is used up: {timeout}");
    }
}

#[test]
fn the_timeout_of_a_shell_config_is_for_one_attempt() {
    for timeout in ["timeout: 0.1", "timeout_ms: 100", "timeout: 100ms"] {
        let run = run(&format!(
            "{{id: a, type: shell, config: {{run: 'sleep 1000', {timeout}}}, error_handling: {{on_error: retry, max_retries: 1, retry_delay: 0}}}}"
        ));
        assert_eq!(run["stages"]["a"]["error"]["type"], "RETRY_EXHAUSTED", "{timeout}");
        assert_eq!(run["stages"]["a"]["attempts"].as_array().map(Vec::len), Some(2), "{timeout}");
    }
}

#[test]
fn retry_delay_is_milliseconds_or_a_text() {
    for delay in ["300", "0.3s", "300ms"] {
        let run = run(&format!(
            "{{id: a, type: shell, config: {{run: 'exit 1'}}, error_handling: {{on_error: retry, max_retries: 1, retry_delay: {delay}}}}}"
        ));
        let attempts = &run["stages"]["a"]["attempts"];
        let at = |attempt: usize, what: &str| attempts[attempt][what].as_str().map(instant).expect("a time");
        let waited = at(1, "started_at") - at(0, "finished_at");
        assert!(waited >= 300, "{delay}: {waited} ms");
    }
}

fn instant(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("a time").as_millisecond()
}

#[test]
fn a_duration_may_be_a_text_everywhere() {
    let stage = |rest: &str| {
        let mut found = stage_problems(&format!("{{id: a, {rest}}}"));
        found.retain(|problem| problem != "warning not-run-yet");
        found
    };
    let none = Vec::<String>::new();
    for duration in ["5s", "1h 30m", "250ms", "2d", "'7'"] {
        for name in ["timeout", "timeout_ms"] {
            assert_eq!(stage(&format!("{name}: {duration}, type: logger, config: {{message: m}}")), none);
            assert_eq!(stage(&format!("type: http-request, config: {{url: u, {name}: {duration}}}")), none);
            assert_eq!(stage(&format!("type: shell, config: {{run: x, {name}: {duration}}}")), none);
            assert_eq!(stage(&format!("type: generator, config: {{prompt: x, {name}: {duration}}}")), none);
        }
        for name in ["initial_delay_ms", "max_delay_ms"] {
            assert_eq!(stage(&format!("type: logger, config: {{message: m}}, retry_config: {{{name}: {duration}}}")), none);
        }
        let handling = format!("error_handling: {{on_error: retry, retry_delay: {duration}}}");
        assert_eq!(stage(&format!("type: logger, config: {{message: m}}, {handling}")), none);
        assert_eq!(stage(&format!("type: trycatch, config: {{try_stages: [], retry_delay_ms: {duration}}}")), none);
        assert_eq!(stage(&format!("type: shell, config: {{run: x, grace: {duration}}}")), none);
        assert_eq!(stage(&format!("type: subpipeline, config: {{pipeline: x, timeout_ms: {duration}}}")), none);
        assert_eq!(stage(&format!("type: deploy, config: {{service: x, run: y, bake: {duration}}}")), none);
    }
    assert_eq!(stage("timeout: soon, type: logger, config: {message: m}"), ["error wrong-type"]);
}
