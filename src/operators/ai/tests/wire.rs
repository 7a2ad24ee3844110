//! What goes over the wire and comes back, and everything that may break on the way.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Act, ProviderKind, STREAM, Server, completion, events, generator, http, message, run};
use crate::language::Component;
use crate::model::{Ending, ErrorKind, StageError};
use crate::operators::testing::Stage;
use crate::operators::{Egress, Http};

async fn failure(answer: String) -> StageError {
    let server = Server::saying(vec![answer]).await;
    run(&generator(&server, ProviderKind::OpenAi, json!({"prompt": "hi"}))).await.outcome.error.unwrap()
}

#[tokio::test]
async fn chat_completions_stream_into_the_log() {
    let mut server = Server::saying(vec![completion(&["Hello", ", ", "wörld"])]).await;
    let config = json!({"prompt": "greet {{input.who}}", "context": {"a": 1}, "system_prompt": "be kind", "temperature": 0.5, "max_tokens": 9});
    let ended = run(&generator(&server, ProviderKind::OpenAi, config).input(json!({"who": "ann"}))).await;
    assert_eq!(
        ended.outcome.output,
        json!({"content": "Hello, wörld", "tokens_used": 12, "finish_reason": "stop", "model": "small-1"})
    );
    assert_eq!(ended.log, "Hello, wörld");
    let (head, body) = server.request().await;
    assert!(head.starts_with("post /v1/chat/completions ") && head.contains("authorization: bearer sk-hunter2"), "{head}");
    let expected =
        json!([{"role": "system", "content": "be kind"}, {"role": "user", "content": "greet ann\n\nContext:\n{\"a\":1}"}]);
    assert_eq!(body["messages"], expected);
    assert_eq!((&body["model"], &body["stream"], &body["max_tokens"]), (&json!("small"), &json!(true), &json!(9)));
}

#[tokio::test]
async fn the_messages_api_streams_into_the_log() {
    let mut server = Server::saying(vec![message(&["one ", "two"], "max_tokens")]).await;
    let config =
        json!({"messages": [{"role": "system", "content": "short"}, {"role": "user", "content": "count"}], "model": "big"});
    let ended = run(&generator(&server, ProviderKind::Anthropic, config)).await;
    assert_eq!(
        ended.outcome.output,
        json!({"content": "one two", "tokens_used": 20, "finish_reason": "length", "model": "big-2"})
    );
    assert_eq!(ended.log, "one two");
    let (head, body) = server.request().await;
    assert!(head.starts_with("post /v1/messages ") && head.contains("x-api-key: sk-hunter2"), "{head}");
    assert!(head.contains("anthropic-version: "), "{head}");
    assert_eq!((&body["system"], &body["model"]), (&json!("short"), &json!("big")));
    assert_eq!(body["messages"], json!([{"role": "user", "content": "count"}]));
    assert!(body["max_tokens"].is_u64(), "the API wants a limit");
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let chat = json!({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    let messages = json!({"content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 2}});
    for (kind, body) in [(ProviderKind::OpenAi, chat), (ProviderKind::Anthropic, messages)] {
        let server = Server::saying(vec![http("200 OK", "Content-Type: application/json\r\n", &body.to_string())]).await;
        let ended = run(&generator(&server, kind, json!({"prompt": "x"}))).await;
        assert_eq!(ended.outcome.output, json!({"content": "hi", "tokens_used": 3, "finish_reason": "stop", "model": "small"}));
        assert_eq!(ended.log, "hi");
    }
}

#[tokio::test]
async fn a_busy_provider_says_when_to_come_back() {
    let body = json!({"error": {"type": "rate_limit_error", "message": "too fast"}}).to_string();
    let error = failure(http("429 Too Many Requests", "Retry-After: 3\r\n", &body)).await;
    assert_eq!((error.kind, error.recoverable), (ErrorKind::Execution, true));
    assert_eq!(error.details, json!({"status_code": 429, "retry_after_ms": 3000}));
    assert_eq!(error.to_string(), "EXECUTION: the AI provider `local` answered 429 Too Many Requests: too fast");
    let error = failure(http("529 Overloaded", "", "busy")).await;
    assert!(error.recoverable, "{error}");
    let error = failure(http("401 Unauthorized", "", &body)).await;
    assert_eq!((error.kind, error.recoverable), (ErrorKind::Configuration, false), "{error}");
}

#[tokio::test]
async fn an_answer_without_sense_is_a_validation_error() {
    let answers = [
        http("200 OK", "Content-Type: text/html\r\n", "<html>proxy login</html>"),
        http("200 OK", "Content-Type: application/json\r\n", "{\"choices\": []}"),
        http("200 OK", "Content-Type: application/json\r\n", "[1]"),
        format!("{STREAM}data: {{broken\n\n"),
        format!("{STREAM}data: 7\n\n"),
    ];
    for answer in answers {
        let error = failure(answer.clone()).await;
        assert_eq!(error.kind, ErrorKind::Validation, "{answer}: {error}");
        assert!(error.message.starts_with("the provider's answer makes no sense: "), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_may_be_asked_for_again() {
    let piece = events(&[json!({"choices": [{"delta": {"content": "half a"}}]})]);
    let chunked = STREAM.replace("Connection: close", "Transfer-Encoding: chunked");
    for answer in [format!("{STREAM}{piece}"), format!("{chunked}{:x}\r\n{piece}\r\n", piece.len())] {
        let server = Server::saying(vec![answer]).await;
        let ended = run(&generator(&server, ProviderKind::OpenAi, json!({"prompt": "x"}))).await;
        let error = ended.outcome.error.unwrap();
        assert_eq!((error.kind, error.recoverable), (ErrorKind::Connectivity, true), "{error}");
        assert_eq!(ended.log, "half a", "what came is in the log");
    }
}

#[tokio::test]
async fn an_error_inside_the_stream_is_the_attempts_error() {
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let server = Server::saying(vec![format!("{STREAM}event: error\n{}", events(&[overloaded]))]).await;
    let error = run(&generator(&server, ProviderKind::Anthropic, json!({"prompt": "x"}))).await.outcome.error.unwrap();
    assert_eq!((error.kind, error.recoverable, error.cause.as_deref()), (ErrorKind::Execution, true, Some("Overloaded")));
    let error = failure(format!("{STREAM}{}", events(&[json!({"error": {"type": "invalid_request", "message": "no"}})]))).await;
    assert!(!error.recoverable, "{error}");
}

#[tokio::test]
async fn a_dripping_answer_ends_at_the_timeout() {
    let drip = Act::Repeat { head: STREAM.to_owned(), piece: ": still here\n\n".to_owned(), pause: Duration::from_millis(5) };
    let server = Server::playing(vec![drip]).await;
    let outcome = run(&generator(&server, ProviderKind::OpenAi, json!({"prompt": "x", "timeout_ms": 100}))).await.outcome;
    let error = outcome.error.unwrap();
    assert_eq!((outcome.ending, error.kind, error.recoverable), (Ending::TimedOut, ErrorKind::Timeout, true));
    assert_eq!(error.message, "no complete answer within 100 ms");
}

#[tokio::test]
async fn an_answer_without_end_stops_at_a_limit() {
    let event = events(&[json!({"choices": [{"delta": {"content": "x".repeat(60_000)}}]})]);
    let one_line = "x".repeat(60_000);
    for (piece, kind) in [(event, ErrorKind::Execution), (one_line, ErrorKind::Validation)] {
        let server = Server::playing(vec![Act::Repeat { head: STREAM.to_owned(), piece, pause: Duration::ZERO }]).await;
        let outcome = run(&generator(&server, ProviderKind::OpenAi, json!({"prompt": "x"}))).await.outcome;
        assert_eq!(outcome.error.unwrap().kind, kind);
    }
}

#[tokio::test]
async fn a_key_is_not_taken_along_to_where_an_answer_redirects() {
    let mut elsewhere = Server::saying(vec![completion(&["stolen"])]).await;
    let error = failure(http("307 Temporary Redirect", &format!("Location: {}/v1\r\n", elsewhere.address), "")).await;
    assert_eq!(error.kind, ErrorKind::Security, "{error}");
    assert!(elsewhere.requests.try_recv().is_err(), "nobody was asked there");
}

#[tokio::test]
async fn a_provider_outside_the_allowed_hosts_is_not_called() {
    let mut server = Server::saying(vec![completion(&["x"])]).await;
    let closed = Http::new(Egress::only(&["localhost", "127.0.0.1:1"]).unwrap());
    let error = generator(&server, ProviderKind::OpenAi, json!({"prompt": "x"})).http(closed).error();
    assert_eq!(error.kind, ErrorKind::Security);
    assert!(error.message.contains("127.0.0.1") && error.message.contains("[network] allow"), "{error}");
    assert!(server.requests.try_recv().is_err(), "no connection was made");
}

#[test]
fn a_stage_has_to_mean_a_provider_that_there_is() {
    use super::{Ai, Key, Provider};
    let provider = |key| Provider { kind: ProviderKind::OpenAi, base_url: None, model: None, key };
    let mut ai = Ai { default: None, ..Ai::default() };
    ai.providers.insert("a".to_owned(), provider(Key::Missing("the variable K is not set".to_owned())));
    let error = |ai: &Ai, config: Value| Stage::new(Component::Generator, config).ai(ai.clone()).error().to_string();
    assert_eq!(
        error(&ai, json!({"prompt": "x", "provider": "b"})),
        "CONFIGURATION: flowdeck.toml has no AI provider `b`; it has a"
    );
    let unreadable = "CONFIGURATION: the key of the AI provider `a` cannot be read: the variable K is not set";
    assert_eq!(error(&ai, json!({"prompt": "x"})), unreadable, "the only provider is meant");
    ai.providers.insert("b".to_owned(), provider(Key::None));
    assert!(error(&ai, json!({"prompt": "x"})).contains("give the stage a `provider`"));
    assert!(error(&ai, json!({"prompt": "x", "provider": "b"})).contains("names a `model`"));
}

#[test]
fn a_key_is_not_shown_when_its_provider_is() {
    use super::{Key, Provider};
    let provider =
        Provider { kind: ProviderKind::Anthropic, base_url: None, model: None, key: Key::Known("sk-hunter2".to_owned()) };
    assert!(!format!("{provider:?}").contains("hunter2"));
    assert_eq!(provider.url().unwrap().as_str(), "https://api.anthropic.com/v1/messages");
    let bare = Provider { base_url: Some("http://127.0.0.1:9/".to_owned()), ..provider };
    assert_eq!(bare.url().unwrap().as_str(), "http://127.0.0.1:9/v1/messages");
}
