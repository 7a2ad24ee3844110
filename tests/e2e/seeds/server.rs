//! A small HTTP server with a state: what is asked of it is answered by a closure, and remembered.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request as an answer needs it.
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// `GET /health`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A status and a JSON body.
pub type Answer = (u16, Value);

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers until the test is over. A closure with a state of its own sees one request at a time.
    pub fn new(answer: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(Mutex::new(answer)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.expect("a connection"), &log, &mut *answer.lock().expect("an answer")));
            }
        });
        Self { url, seen }
    }

    /// Every request so far that changes something, such as `PUT /weights`.
    pub fn changes(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("requests");
        seen.iter().filter(|request| request.method != "GET").map(Request::line).collect()
    }

    /// What the requests with that line had in a header.
    pub fn headers(&self, line: &str, header: &str) -> Vec<String> {
        let seen = self.seen.lock().expect("requests");
        seen.iter().filter(|request| request.line() == line).map(|request| request.header(header).to_owned()).collect()
    }

    /// The bodies of the requests with that line.
    pub fn bodies(&self, line: &str) -> Vec<Value> {
        let seen = self.seen.lock().expect("requests");
        seen.iter().filter(|request| request.line() == line).map(|request| request.body.clone()).collect()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, answer: &mut dyn FnMut(&Request) -> Answer) {
    // Whoever asks may have been killed meanwhile.
    let Some(request) = read(&stream) else { return };
    let (status, body) = answer(&request);
    seen.lock().expect("requests").push(request);
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close", body.len());
    let _ = write!(stream, "{head}\r\n\r\n{body}");
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: Vec<_> = lines.iter().skip(1).filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(Ok(0), |(_, value)| value.parse::<usize>());
    let mut body = vec![0; length.ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}
