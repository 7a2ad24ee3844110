use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::super::testing::Stage;
use super::super::{Egress, Http, Prepared, Work, is_idempotent};
use crate::language::Component;
use crate::model::{Ending, ErrorKind, NoteLevel, Outcome};

/// A server that gives the same answer to every request and tells what it was sent.
struct Server {
    address: String,
    requests: mpsc::Receiver<String>,
}

impl Server {
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                stream.write_all(&answer).await.ok();
                stream.shutdown().await.ok();
                sender.send(request).await.ok();
            }
        });
        Self { address, requests }
    }

    async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").and_then(|n| n.parse().ok()));
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

async fn call(stage: &Stage) -> Outcome {
    match stage.prepared().unwrap() {
        Prepared { work: Work::Call(call), .. } => call.future.await,
        other => panic!("{other:?}"),
    }
}

fn stage(config: Value) -> Stage {
    Stage::new(Component::HttpRequest, config)
}

#[tokio::test]
async fn the_output_is_status_code_headers_body_elapsed_ms_success_and_url() {
    let mut server =
        Server::answering(answer("201 Created", "Content-Type: application/json\r\nX-Two: a\r\nX-Two: b\r\n", "{\"id\": 7}"))
            .await;
    let config = json!({
        "url": format!("{}/things?a=1", server.address), "method": "post", "params": {"tag": ["x", "y z"], "none": null},
        "headers": {"X-Key": "k"}, "body": {"n": 1}, "idempotency_key": true,
    });
    let outcome = call(&stage(config)).await;
    assert_eq!(outcome.ending, Ending::Succeeded, "{outcome:?}");
    let output = &outcome.output;
    assert_eq!((&output["status_code"], &output["success"]), (&json!(201), &json!(true)));
    assert_eq!(output["body"], json!({"id": 7}));
    assert_eq!(output["headers"]["x-two"], "a, b");
    assert!(output["elapsed_ms"].is_u64());

    let request = server.request().await;
    assert!(request.starts_with("POST /things?a=1&tag=x&tag=y+z HTTP/1.1\r\n"), "{request}");
    let lower = request.to_lowercase();
    assert!(lower.contains("x-key: k") && lower.contains("content-type: application/json"), "{request}");
    assert!(lower.contains("idempotency-key: run-1-stage"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"n\":1}"), "{request}");
}

#[tokio::test]
async fn credentials_become_a_header() {
    let mut server = Server::answering(answer("200 OK", "", "")).await;
    for (auth, header) in
        [(json!({"token": "t"}), "Bearer t"), (json!({"type": "basic", "username": "u", "password": "p"}), "Basic dTpw")]
    {
        call(&stage(json!({"url": server.address, "auth": auth}))).await;
        let request = server.request().await;
        assert!(request.contains(&format!("authorization: {header}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn texts_and_forms_are_sent_as_such() {
    let mut server = Server::answering(answer("200 OK", "", "")).await;
    call(&stage(json!({"url": server.address, "method": "PUT", "body": "raw text"}))).await;
    assert!(server.request().await.ends_with("\r\n\r\nraw text"));
    let headers = json!({"Content-Type": "application/x-www-form-urlencoded"});
    call(&stage(json!({"url": server.address, "method": "POST", "headers": headers, "body": {"a": "1 2", "b": [3, 4]}}))).await;
    assert!(server.request().await.ends_with("\r\n\r\na=1+2&b=3&b=4"));
}

#[tokio::test]
async fn an_error_status_is_an_answer_until_somebody_minds() {
    let server = Server::answering(answer("503 Service Unavailable", "Retry-After: 2\r\n", "down")).await;
    let config = json!({"url": server.address});
    let outcome = call(&stage(config.clone())).await;
    assert_eq!(outcome.ending, Ending::Succeeded);
    assert_eq!((&outcome.output["success"], &outcome.output["body"]), (&json!(false), &json!("down")));

    let polled = call(&stage(config.clone()).polling()).await;
    let error = polled.error.unwrap();
    assert_eq!((polled.ending, error.kind, error.recoverable), (Ending::Failed, ErrorKind::Execution, true));
    assert_eq!(error.details, json!({"status_code": 503, "retry_after_ms": 2000}));
    assert_eq!(polled.output["status_code"], 503, "the answer is kept");

    for (expected, good) in [(json!(503), true), (json!([200, "5xx"]), true), (json!("200-299"), false)] {
        let outcome = call(&stage(json!({"url": server.address, "expect_status": expected}))).await;
        assert_eq!(outcome.ending == Ending::Succeeded, good, "{expected}");
    }
}

#[tokio::test]
async fn a_client_error_that_is_minded_does_not_ask_for_a_retry() {
    let server = Server::answering(answer("404 Not Found", "", "")).await;
    let outcome = call(&stage(json!({"url": server.address, "expect_status": 200}))).await;
    let error = outcome.error.unwrap();
    assert_eq!((error.message.as_str(), error.recoverable), ("the server answered 404 Not Found", false));
}

#[tokio::test]
async fn a_refused_connection_is_told_without_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = call(&stage(json!({"url": format!("http://user:hunter2@{address}/?token=hunter3")}))).await;
    let error = outcome.error.unwrap();
    assert_eq!((error.kind, error.recoverable), (ErrorKind::Connectivity, true));
    assert!(!error.to_string().contains("hunter"), "{error}");
    assert!(error.cause.unwrap().to_lowercase().contains("refused"));
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = json!({"url": format!("http://{}", listener.local_addr().unwrap()), "timeout": 0.05});
    let outcome = call(&stage(config)).await;
    let error = outcome.error.unwrap();
    assert_eq!((outcome.ending, error.kind, error.recoverable), (Ending::TimedOut, ErrorKind::Timeout, true));
    assert_eq!(error.message, "no complete answer within 50 ms");
}

#[tokio::test]
async fn a_connection_that_breaks_may_be_tried_again() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort").await;
    let error = call(&stage(json!({"url": server.address}))).await.error.unwrap();
    assert_eq!((error.kind, error.recoverable), (ErrorKind::Connectivity, true), "{error}");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_announced_or_not() {
    let announced = Server::answering(answer("200 OK", "", &"x".repeat(2000))).await;
    let streamed = Server::answering(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(2000))).await;
    for server in [announced, streamed] {
        let outcome = call(&stage(json!({"url": server.address, "max_response_bytes": 1000}))).await;
        assert_eq!(outcome.error.unwrap().message, "the answer is larger than 1000 bytes; `max_body_bytes` raises the limit");
    }
}

#[tokio::test]
async fn redirects_are_followed_unless_told_otherwise() {
    let target = Server::answering(answer("200 OK", "", "here")).await;
    let server = Server::answering(answer("302 Found", &format!("Location: {}/end\r\n", target.address), "")).await;
    let outcome = call(&stage(json!({"url": server.address}))).await;
    assert_eq!((&outcome.output["body"], &outcome.output["url"]), (&json!("here"), &json!(format!("{}/end", target.address))));
    let outcome = call(&stage(json!({"url": server.address, "follow_redirects": false}))).await;
    assert_eq!(outcome.output["status_code"], 302);
}

/// `[network] allow` with just these hosts.
fn only(hosts: &[&str]) -> Http {
    Http::new(Egress::only(hosts).unwrap())
}

#[tokio::test]
async fn a_forbidden_host_is_not_called() {
    let mut server = Server::answering(answer("200 OK", "", "")).await;
    let error = stage(json!({"url": server.address})).http(only(&["*.internal.example"])).error();
    assert_eq!((error.kind, error.recoverable), (ErrorKind::Security, false));
    assert!(error.message.contains("[network] allow"), "{error}");
    assert!(server.requests.try_recv().is_err(), "no connection was made");
    let allowed = stage(json!({"url": server.address})).http(only(&["127.0.0.1"]));
    assert_eq!(call(&allowed).await.ending, Ending::Succeeded);
}

#[tokio::test]
async fn every_hop_of_a_redirect_is_checked() {
    let mut forbidden = Server::answering(answer("200 OK", "", "secrets")).await;
    let second = Server::answering(answer("302 Found", &format!("Location: {}/end\r\n", forbidden.address), "")).await;
    let first = Server::answering(answer("302 Found", &format!("Location: {}/mid\r\n", second.address), "")).await;
    let host = |server: &Server| server.address.strip_prefix("http://").unwrap().to_owned();
    let hosts = [host(&first), host(&second)];
    let allowed = Http::new(Egress::only(&hosts).unwrap());
    let outcome = call(&stage(json!({"url": first.address})).http(allowed)).await;
    let error = outcome.error.unwrap();
    assert_eq!((error.kind, error.recoverable), (ErrorKind::Security, false), "{error}");
    assert!(error.message.contains(&host(&forbidden)), "{error}");
    assert!(forbidden.requests.try_recv().is_err(), "the last hop was not made");
}

#[tokio::test]
async fn an_answer_of_a_gigabyte_stops_at_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let sent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await.unwrap();
        let (piece, mut sent) = (vec![b'x'; 64 * 1024], 0_usize);
        while sent < 1024 * 1024 * 1024 && stream.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
        sent
    });
    let error = call(&stage(json!({"url": address}))).await.error.unwrap();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Execution, "the answer is larger than 10485760 bytes; `max_body_bytes` raises the limit")
    );
    let sent = sent.await.unwrap();
    assert!(sent < 64 * 1024 * 1024, "{sent} bytes were taken");
}

#[tokio::test]
async fn an_unverified_certificate_is_a_warning() {
    let note = |config: Value| match stage(config).prepared().unwrap() {
        Prepared { work: Work::Call(call), .. } => call.notes,
        other => panic!("{other:?}"),
    };
    assert_eq!(note(json!({"url": "https://x"})), []);
    let notes = note(json!({"url": "https://x", "verify_ssl": false}));
    assert!(matches!(&notes[..], [(NoteLevel::Warning, text)] if text.contains("verify_ssl")), "{notes:?}");
}

#[tokio::test]
async fn bodies_are_json_when_they_say_or_look_so() {
    let cases = [
        ("Content-Type: application/problem+json; charset=utf-8\r\n", "\"x\"", json!("x")),
        ("Content-Type: text/plain\r\n", " [1]", json!([1])),
        ("Content-Type: text/plain\r\n", "12", json!("12")),
        ("Content-Type: application/json\r\n", "{broken", json!("{broken")),
        ("", "", json!("")),
    ];
    for (headers, body, wanted) in cases {
        let server = Server::answering(answer("200 OK", headers, body)).await;
        assert_eq!(call(&stage(json!({"url": server.address}))).await.output["body"], wanted, "{body}");
    }
}

#[test]
fn a_bad_request_is_refused_before_it_is_sent() {
    let cases = [
        (json!({}), "an http-request needs a `url`"),
        (json!({"url": "not a url hunter2"}), "`url` is not a URL"),
        (json!({"url": "file:///etc/passwd"}), "`url` must start with http:// or https://, not file:"),
        (json!({"url": "http://x", "headers": {"A B": 1}}), "`headers`: `A B` is not a header name"),
        (json!({"url": "http://x", "timeout": 0}), "`timeout` must be more than zero"),
        (
            json!({"url": "http://x", "expect_status": "fine"}),
            "`expect_status` must be a status such as 200 or \"2xx\", or a list of them",
        ),
    ];
    for (config, message) in cases {
        let error = stage(config.clone()).error();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Configuration, message), "{config}");
        assert!(!error.to_string().contains("hunter"), "{error}");
    }
    let error = stage(json!({"url": "http://x", "headers": {"Authorization": "hunter2\nx"}})).error();
    assert!(!error.message.contains("hunter") && error.message.contains("Authorization"), "{error}");
}

#[test]
fn the_timeout_is_seconds_up_to_300_and_milliseconds_above() {
    let read =
        |value: Value| super::Fields::from_value(json!({"timeout": value})).timeout(super::Unit::Request).unwrap().unwrap();
    assert_eq!(read(json!(300)), Duration::from_secs(300));
    assert_eq!(read(json!(30000)), Duration::from_secs(30));
    assert_eq!(read(json!("2m")), Duration::from_secs(120));
}

#[test]
fn only_reading_requests_are_idempotent_by_themselves() {
    let idempotent = |config: Value| is_idempotent(stage(config).spec());
    assert!(idempotent(json!({"url": "x"})));
    assert!(idempotent(json!({"url": "x", "method": "head"})));
    assert!(!idempotent(json!({"url": "x", "method": "POST"})));
    assert!(!idempotent(json!({"url": "x", "method": "{{input.method}}"})));
    assert!(is_idempotent(stage(json!({"url": "x", "method": "POST"})).idempotent(true).spec()));
    assert!(!is_idempotent(stage(json!({"url": "x"})).idempotent(false).spec()));
}
