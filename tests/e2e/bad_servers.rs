//! Servers that answer too much, too slowly, or nonsense: an error of the right type, in bounded time and memory.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::rogue::{Counted, Rogue, failure};
use super::support::Workspace;

const GET: &str = "{id: p, stages: [{id: get, type: http-request, config: {url: 'http://ADDRESS/', timeout: 20s}}]}";
const GENERATE: &str = "{id: p, stages: [{id: gen, type: generator, config: {prompt: hi, timeout: 2s}}]}";
const GIGABYTE: u64 = 1 << 30;
/// What may be under way in the buffers of both ends, and the answer's own limit.
const PROMPTLY: u64 = 64 << 20;

fn head(more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{more}\r\n")
}

fn zeros(to: &mut impl Write, count: u64) -> std::io::Result<()> {
    std::io::copy(&mut std::io::repeat(b'0').take(count), to).map(|_| ())
}

/// The most memory the engine ever held, in bytes.
fn peak(workspace: &Workspace) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", workspace.engine_pid())).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("kilobytes") * 1024
}

/// The error of the one stage, and how much more memory the engine took for it.
fn costly(server: &Rogue, pipeline: &str) -> (Value, u64) {
    let workspace = server.workspace(pipeline);
    workspace.ok(&["engine", "start"]);
    let before = peak(&workspace);
    let run = failure(&workspace);
    (run["error"].clone(), peak(&workspace) - before)
}

fn refused_as_too_large(answer: impl Fn(&mut Counted) -> std::io::Result<()> + Clone + Send + 'static) {
    let server = Rogue::answering(answer);
    let (error, more) = costly(&server, GET);
    let message = "the answer is larger than 10485760 bytes; `max_body_bytes` raises the limit";
    assert_eq!((&error["type"], &error["message"]), (&json!("EXECUTION"), &json!(message)));
    assert!(more < PROMPTLY, "the engine took {more} bytes more");
    let (_, given) = server.given();
    assert!(given < PROMPTLY, "{given} bytes were taken");
}

#[test]
fn an_answer_of_a_gigabyte_is_dropped_at_the_limit_however_it_is_announced() {
    refused_as_too_large(|to| {
        to.write_all(head(&format!("Content-Length: {GIGABYTE}\r\n")).as_bytes())?;
        zeros(to, GIGABYTE)
    });
    refused_as_too_large(|to| {
        to.write_all(head("").as_bytes())?;
        zeros(to, GIGABYTE)
    });
    refused_as_too_large(|to| {
        to.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes())?;
        let chunk = format!("10000\r\n{}\r\n", "0".repeat(0x10000));
        (0..GIGABYTE >> 16).try_for_each(|_| to.write_all(chunk.as_bytes()))
    });
    refused_as_too_large(|to| {
        to.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes())?;
        to.write_all(b"40000000\r\n")?;
        zeros(to, GIGABYTE)
    });
}

#[test]
fn an_answer_that_inflates_to_ten_gigabytes_is_dropped_at_the_limit() {
    refused_as_too_large(|to| {
        to.write_all(head("Content-Encoding: gzip\r\n").as_bytes())?;
        zeros(&mut GzEncoder::new(to, Compression::best()), 10 * GIGABYTE)
    });
}

#[test]
fn an_answer_longer_or_shorter_than_it_says_does_no_harm() {
    let longer = Rogue::answering(|to| {
        to.write_all(head("Content-Length: 5\r\n").as_bytes())?;
        zeros(to, GIGABYTE)
    });
    let run = longer.workspace(GET).ok(&["run", "p", "--json"]).json();
    assert_eq!(run["output"]["body"], "00000");
    assert!(longer.given().1 < PROMPTLY);
    let shorter = Rogue::answering(|to| to.write_all(format!("{}short", head("Content-Length: 100\r\n")).as_bytes()));
    let error = failure(&shorter.workspace(GET))["error"].clone();
    assert_eq!((&error["type"], &error["recoverable"]), (&json!("CONNECTIVITY"), &json!(true)), "{error}");
}

#[test]
fn a_body_that_drips_does_not_outlast_the_time_limit() {
    let server = Rogue::answering(|to| {
        to.write_all(head("Content-Length: 1000\r\n").as_bytes())?;
        loop {
            to.write_all(b"x")?;
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    });
    let run = failure(&server.workspace(&GET.replace("20s", "1s")));
    assert_eq!((&run["error"]["type"], &run["stages"]["get"]["status"]), (&json!("TIMEOUT"), &json!("timed_out")), "{run:#}");
    assert!(server.given().1 < 1000);
}

#[test]
fn headers_without_end_are_an_error() {
    let server = Rogue::answering(|to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ")?;
        zeros(to, GIGABYTE)
    });
    let (error, more) = costly(&server, GET);
    assert_eq!(error["type"], "CONNECTIVITY", "{error}");
    assert!(more < PROMPTLY, "the engine took {more} bytes more");
    assert!(server.given().1 < PROMPTLY);
}

#[test]
fn a_body_that_is_no_text_becomes_one() {
    let server = Rogue::answering(|to| {
        to.write_all(head("Content-Type: application/json\r\nContent-Length: 6\r\n").as_bytes())?;
        to.write_all(b"{\"\xff\xc3\0}")
    });
    let run = server.workspace(GET).ok(&["run", "p", "--json"]).json();
    assert_eq!(run["output"]["body"], "{\"\u{fffd}\u{fffd}\0}");
}

#[test]
fn a_redirect_elsewhere_is_a_security_error_however_it_is_written() {
    let forbidden = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = forbidden.local_addr().expect("an address").port();
    let targets = [
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("//127.0.0.1:{port}/"),
        "http://127.0.0.1@evil.invalid/".to_owned(),
        "http://127.0.0.1.evil.invalid/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "unix:///run/docker.sock".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
    ];
    for target in targets {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let server = Rogue::answering(move |to| to.write_all(answer.as_bytes()));
        let error = failure(&server.workspace(GET))["error"].clone();
        assert_eq!((&error["type"], &error["recoverable"]), (&json!("SECURITY"), &json!(false)), "{target}: {error}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.starts_with("the answer redirects elsewhere: "), "{target}: {error}");
    }
    forbidden.set_nonblocking(true).expect("no failure");
    assert_eq!(forbidden.accept().expect_err("nobody came").kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_redirect_in_circles_ends() {
    let server = Rogue::answering(|to| {
        to.write_all(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let error = failure(&server.workspace(GET))["error"].clone();
    assert_eq!((&error["type"], &error["message"]), (&json!("EXECUTION"), &json!("too many redirects")));
}

#[test]
fn a_provider_that_answers_nonsense_is_told_as_such() {
    let json = "Content-Type: application/json\r\n";
    let answers = [
        (json, "surely not JSON", "it is not JSON"),
        (json, "{\"a\": 1}", "it has no `choices`"),
        (json, "[]", "it has no `choices`"),
        (json, "{\"choices\": [{\"message\": {\"content\": 5}}]}", "its choice has no text"),
        ("Content-Type: text/html\r\n", "<html>Welcome</html>", "it is not JSON"),
        ("Content-Type: text/event-stream\r\n", "data: <html>\n\n", "an event is not JSON"),
        ("Content-Type: text/event-stream\r\n", "data: [1]\n\n", "an event is no object"),
    ];
    for (kind, body, complaint) in answers {
        let answer = format!("{}{body}", head(kind));
        let server = Rogue::answering(move |to| to.write_all(answer.as_bytes()));
        let error = failure(&server.workspace(GENERATE))["error"].clone();
        let message = format!("the provider's answer makes no sense: {complaint}");
        assert_eq!((&error["type"], &error["message"]), (&json!("VALIDATION"), &json!(message)), "{body}");
    }
}

const STREAM: &str = "Content-Type: text/event-stream\r\n";

#[test]
fn a_providers_stream_that_is_cut_off_or_never_ends_fails_the_stage() {
    let cut = Rogue::answering(|to| {
        write!(to, "{}data: {{\"choices\": [{{\"delta\": {{\"content\": \"half\"}}}}]}}\n\n", head(STREAM))
    });
    let error = failure(&cut.workspace(GENERATE))["error"].clone();
    assert_eq!((&error["type"], &error["recoverable"]), (&json!("CONNECTIVITY"), &json!(true)), "{error}");

    let endless = Rogue::answering(|to| {
        to.write_all(head(STREAM).as_bytes())?;
        let event = format!("data: {{\"choices\": [{{\"delta\": {{\"content\": \"{}\"}}}}]}}\n\n", "x".repeat(64 * 1024));
        loop {
            to.write_all(event.as_bytes())?;
        }
    });
    let (error, more) = costly(&endless, &GENERATE.replace("2s", "20s"));
    assert_eq!((&error["type"], &error["message"]), (&json!("EXECUTION"), &json!("the answer is larger than 4194304 bytes")));
    assert!(more < PROMPTLY && endless.given().1 < PROMPTLY, "the engine took {more} bytes more");

    let quiet = Rogue::answering(|to| {
        to.write_all(head(STREAM).as_bytes())?;
        loop {
            to.write_all(b": still here\n\n")?;
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    });
    let run = failure(&quiet.workspace(GENERATE));
    assert_eq!((&run["error"]["type"], &run["stages"]["gen"]["status"]), (&json!("TIMEOUT"), &json!("timed_out")), "{run:#}");

    let line = Rogue::answering(|to| {
        to.write_all(format!("{}data: ", head(STREAM)).as_bytes())?;
        zeros(to, GIGABYTE)
    });
    let (error, more) = costly(&line, GENERATE);
    assert_eq!(error["message"], "the provider's answer makes no sense: an event has no end", "{error}");
    assert!(more < PROMPTLY && line.given().1 < PROMPTLY, "the engine took {more} bytes more");
}

#[test]
fn a_provider_that_always_fails_is_given_up() {
    let server = Rogue::answering(|to| {
        to.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops")
    });
    let text = "{id: p, stages: [{id: gen, type: generator, config: {prompt: hi}, retry_config: {max_retries: 2, initial_delay_ms: 1}}]}";
    let run = failure(&server.workspace(text));
    assert_eq!(run["stages"]["gen"]["attempts"].as_array().map(Vec::len), Some(3));
    let error = &run["error"];
    assert!(error.to_string().contains("answered 500") && error.to_string().contains("oops"), "{error}");
}
