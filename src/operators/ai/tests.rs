//! Against a real server that speaks both dialects, well and badly.

mod nodes;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{Ai, Key, Provider, ProviderKind};
use crate::language::Component;
use crate::model::{NoteLevel, Outcome};
use crate::operators::testing::Stage;
use crate::operators::{Prepared, Work};

/// What the server does with one connection.
enum Act {
    /// Writes these pieces and closes.
    Say(Vec<String>),
    /// Writes the head, then the piece again and again until the other side goes.
    Repeat { head: String, piece: String, pause: Duration },
}

/// A server that plays its acts in order, the last one for ever.
struct Server {
    address: String,
    requests: mpsc::Receiver<(String, Value)>,
}

impl Server {
    async fn playing(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut at = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                sender.send(request).await.ok();
                play(&acts[at.min(acts.len() - 1)], &mut stream).await;
                at += 1;
            }
        });
        Self { address, requests }
    }

    async fn saying(answers: Vec<String>) -> Self {
        Self::playing(answers.into_iter().map(|answer| Act::Say(vec![answer])).collect()).await
    }

    /// The head, in lower case, and the body of the next request.
    async fn request(&mut self) -> (String, Value) {
        self.requests.recv().await.unwrap()
    }

    fn ai(&self, kind: ProviderKind) -> Ai {
        let provider = Provider {
            kind,
            base_url: Some(format!("{}/v1", self.address)),
            model: Some("small".to_owned()),
            key: Key::Known("sk-hunter2".to_owned()),
        };
        Ai { default: None, providers: BTreeMap::from([("local".to_owned(), provider)]) }
    }
}

async fn play(act: &Act, stream: &mut TcpStream) {
    match act {
        Act::Say(pieces) => {
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.ok();
                stream.flush().await.ok();
                tokio::task::yield_now().await;
            }
            stream.shutdown().await.ok();
        }
        Act::Repeat { head, piece, pause } => {
            stream.write_all(head.as_bytes()).await.ok();
            while stream.write_all(piece.as_bytes()).await.is_ok() {
                tokio::time::sleep(*pause).await;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return (head, serde_json::from_str(body).unwrap_or_default());
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return (text, Value::Null),
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

fn events(list: &[Value]) -> String {
    list.iter().map(|event| format!("data: {event}\n\n")).collect()
}

/// A whole stream of chat completions.
fn completion(pieces: &[&str]) -> String {
    let delta = |text: &&str| json!({"model": "small-1", "choices": [{"delta": {"content": text}, "finish_reason": null}]});
    let mut list: Vec<Value> = pieces.iter().map(delta).collect();
    list.push(json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    list.push(json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}));
    format!("{STREAM}{}data: [DONE]\n\n", events(&list))
}

/// A whole stream of the Messages API.
fn message(pieces: &[&str], reason: &str) -> String {
    let delta = |text: &&str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let usage = json!({"input_tokens": 11, "output_tokens": 1});
    let mut list = vec![json!({"type": "message_start", "message": {"model": "big-2", "usage": usage}}), json!({"type": "ping"})];
    list.extend(pieces.iter().map(delta));
    list.push(json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}}));
    list.push(json!({"type": "message_stop"}));
    format!("{STREAM}{}", events(&list))
}

/// What an attempt came to.
struct Ended {
    outcome: Outcome,
    /// The stage's log.
    log: String,
    notes: Vec<(NoteLevel, String)>,
}

async fn run(stage: &Stage) -> Ended {
    let Prepared { work: Work::Call(call), .. } = stage.prepared().unwrap() else { panic!("no call") };
    let mut pieces = call.output.unwrap();
    let keep = async {
        let mut log = String::new();
        while let Some(piece) = pieces.recv().await {
            log.push_str(&piece);
        }
        log
    };
    let (outcome, log) = tokio::join!(call.future, keep);
    Ended { outcome, log, notes: call.notes }
}

fn generator(server: &Server, kind: ProviderKind, config: Value) -> Stage {
    Stage::new(Component::Generator, config).ai(server.ai(kind))
}
