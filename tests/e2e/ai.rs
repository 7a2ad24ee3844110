//! AI nodes and the limits of where stages may call, through the binary, against a server on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;

use serde_json::{Value, json};

use super::support::{Workspace, kill, until, within};

const KEY: &str = "sk-hunter2-local";
const GENERATE: &str = "{id: p, stages: [{id: gen, type: generator, config: {prompt: 'say {{input.what}}'}}]}";
const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/// Answers each connection in turn; tells every request's head and body.
struct Server {
    address: String,
    requests: mpsc::Receiver<(String, Value)>,
}

type Answer = Box<dyn FnOnce(&mut TcpStream) + Send>;

impl Server {
    fn answering(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (sender, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a connection");
                let request = read_request(&stream);
                let sender = sender.clone();
                // Of its own, so that one that waits does not keep the next from being answered.
                std::thread::spawn(move || {
                    let _ = sender.send(request);
                    answer(&mut stream);
                });
            }
        });
        Self { address, requests }
    }

    fn request(self) -> (Self, (String, Value)) {
        within("a request", move || {
            let request = self.requests.recv().expect("a request");
            (self, request)
        })
    }

    /// A workspace whose only provider this server is, with a key from a file.
    fn workspace(&self, pipeline: &str) -> Workspace {
        let workspace = Workspace::with("p.yaml", pipeline);
        let key = workspace.file("key");
        std::fs::write(&key, format!("{KEY}\n")).expect("no failure");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("no failure");
        let text = format!(
            "[ai]\ndefault = \"local\"\n[ai.providers.local]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\nmodel = \"small\"\nkey = {{ file = \"key\" }}\n",
            self.address
        );
        std::fs::write(workspace.file("flowdeck.toml"), text).expect("no failure");
        workspace
    }
}

fn read_request(stream: &TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("no failure");
        let line = line.to_lowercase();
        if line.trim().is_empty() {
            break;
        }
        if let Some(count) = line.strip_prefix("content-length: ") {
            length = count.trim().parse().expect("no failure");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("no failure");
    (head, serde_json::from_slice(&body).unwrap_or_default())
}

fn say(text: impl Into<String>) -> Answer {
    let text = text.into();
    Box::new(move |stream| stream.write_all(text.as_bytes()).expect("no failure"))
}

fn piece(text: &str) -> String {
    format!("data: {}\n\n", json!({"model": "small-1", "choices": [{"delta": {"content": text}}]}))
}

fn end() -> String {
    let last =
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    format!("data: {last}\n\ndata: [DONE]\n\n")
}

/// Says a line, waits to be let go, and says the rest.
fn say_in_two(gate: mpsc::Receiver<()>) -> Answer {
    Box::new(move |stream| {
        stream.write_all(format!("{STREAM}{}", piece("line one\nline ")).as_bytes()).expect("no failure");
        // A closed gate is an open one: the test is over.
        let _ = gate.recv();
        let _ = stream.write_all(format!("{}{}", piece("two"), end()).as_bytes());
    })
}

fn files_holding(dir: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("no failure") {
        let path = entry.expect("no failure").path();
        if path.is_dir() {
            found.extend(files_holding(&path, needle));
        } else if memchr::memmem::find(&std::fs::read(&path).unwrap_or_default(), needle).is_some() {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn an_answer_can_be_read_while_it_comes() {
    let (open, gate) = mpsc::channel();
    let server = Server::answering(vec![say_in_two(gate)]);
    let workspace = server.workspace(GENERATE);
    let id = workspace.ok(&["run", "p", "-i", "what=hi", "--detach", "--json"]).json()["id"].as_str().unwrap().to_owned();
    let log = || workspace.ok(&["runs", "logs", &id, "gen"]).out;
    until("the first line is in the log", || log().contains("line one\n"));
    assert!(!log().contains("two"));
    let (_, (head, body)) = server.request();
    assert!(head.contains(&format!("authorization: bearer {KEY}")), "{head}");
    assert_eq!(body["messages"], json!([{"role": "user", "content": "say hi"}]));
    open.send(()).unwrap();
    let run = workspace.wait(&id);
    assert_eq!(
        run["output"],
        json!({"content": "line one\nline two", "tokens_used": 7, "finish_reason": "stop", "model": "small-1"})
    );
    assert!(log().starts_with("line one\nline two"), "{}", log());
}

#[test]
fn the_key_shows_nowhere_even_if_the_provider_repeats_it() {
    let echo = format!("{STREAM}{}{}{}", piece("your key is sk-hun"), piece("ter2-local, right?\n"), end());
    let refusal = json!({"error": {"message": format!("wrong key: {KEY}")}}).to_string();
    let refused = format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{refusal}", refusal.len());
    let server = Server::answering(vec![say(echo), say(refused)]);
    let workspace = server.workspace(GENERATE);
    let said = workspace.ok(&["run", "p", "--plain"]);
    assert!(said.out.contains("gen | your key is ***, right?"), "{said:#?}");
    let failed = workspace.say(&["run", "p", "--json"]);
    assert_eq!(failed.code, Some(1), "{failed:#?}");
    let error = &failed.json()["stages"]["gen"]["error"];
    assert_eq!((&error["type"], &error["cause"]), (&json!("CONFIGURATION"), &json!("wrong key: ***")));
    assert_eq!(files_holding(workspace.state(), KEY.as_bytes()), Vec::<String>::new());
}

#[test]
fn a_busy_provider_is_asked_again_when_it_wants_to_be() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after-ms: 400\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::answering(vec![say(busy), say(format!("{STREAM}{}{}", piece("there"), end()))]);
    let text = "{id: p, stages: [{id: gen, type: generator, config: {prompt: hi}, retry_config: {max_retries: 1, initial_delay_ms: 1}}]}";
    let run = server.workspace(text).ok(&["run", "p", "--json"]).json();
    assert_eq!(run["output"]["content"], "there");
    let attempts = run["stages"]["gen"]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0]["error"]["details"], json!({"status_code": 429, "retry_after_ms": 400}));
    let at = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let waited = at(&attempts[1]["started_at"]) - at(&attempts[0]["finished_at"]);
    assert!(waited >= 400, "waited {waited} ms");
}

#[test]
fn an_engine_that_dies_in_the_middle_of_an_answer_asks_again() {
    let (_open, gate) = mpsc::channel();
    let server = Server::answering(vec![say_in_two(gate), say(format!("{STREAM}{}{}", piece("whole"), end()))]);
    let workspace = server.workspace(GENERATE);
    let id = workspace.detach("p");
    let (_server, _) = server.request();
    kill(workspace.engine_pid());
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], &run["output"]["content"]), (&json!("succeeded"), &json!("whole")));
    assert_eq!(run["stages"]["gen"]["attempts"].as_array().unwrap().len(), 2);
}

#[test]
fn without_a_provider_the_answer_is_made_up_with_a_warning() {
    let workspace = Workspace::with("p.yaml", GENERATE);
    let said = workspace.ok(&["run", "p", "-i", "what=hi", "--plain"]);
    assert!(said.out.contains("warning: gen: no AI provider is configured"), "{said:#?}");
    assert!(said.out.contains("gen | [offline answer] say hi"), "{said:#?}");
    let run = workspace.ok(&["runs", "show", "last", "--json"]).json();
    assert_eq!((&run["status"], &run["output"]["model"]), (&json!("succeeded"), &json!("mock")));
}

#[test]
fn a_redirect_to_a_forbidden_host_is_a_security_error() {
    let forbidden = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = forbidden.local_addr().unwrap();
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: http://{target}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let server = Server::answering(vec![say(redirect)]);
    let text = format!("{{id: p, stages: [{{id: get, type: http-request, config: {{url: 'http://{}/'}}}}]}}", server.address);
    let workspace = Workspace::with("p.yaml", &text);
    std::fs::write(workspace.file("flowdeck.toml"), format!("[network]\nallow = [\"{}\"]\n", server.address)).unwrap();
    let said = workspace.say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let error = &said.json()["error"];
    assert_eq!(error["type"], "SECURITY");
    assert!(error["message"].as_str().unwrap().contains(&target.to_string()), "{error}");
    forbidden.set_nonblocking(true).unwrap();
    assert_eq!(forbidden.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came there");
}

#[test]
fn a_key_that_cannot_be_read_fails_only_the_stages_that_need_it() {
    let server = Server::answering(Vec::new());
    let text = "{id: p, stages: [{id: fine, type: logger, config: {message: hi}}, {id: gen, type: generator, config: {prompt: x}, depends_on: [fine]}]}";
    let workspace = server.workspace(text);
    std::fs::remove_file(workspace.file("key")).unwrap();
    let run = workspace.say(&["run", "p", "--json"]).json();
    assert_eq!(run["stages"]["fine"]["status"], "succeeded");
    let error = &run["stages"]["gen"]["error"];
    assert_eq!(
        (&error["type"], &error["message"]),
        (&json!("CONFIGURATION"), &json!("the key of the AI provider `local` cannot be read"))
    );
}
