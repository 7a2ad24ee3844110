//! A web server on this machine that answers every request by a function of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A request that has arrived whole.
pub struct Request {
    /// The request line and the headers, as they came.
    pub head: String,
    pub body: String,
}

impl Request {
    /// `/orders?n=1` of `GET /orders?n=1 HTTP/1.1`.
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// Answers with what the function gives: a content type and a body. Gives the address, `http://…`.
pub fn answering(answer: impl Fn(&Request) -> (&'static str, String) + Send + 'static) -> String {
    serving(move |request| {
        let (kind, body) = answer(request);
        (200, kind, body)
    })
}

/// Answers with what the function gives: a status, a content type and a body.
pub fn serving(answer: impl Fn(&Request) -> (u16, &'static str, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let request = read(&stream);
            let (status, kind, body) = answer(&request);
            let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
            // Whoever asked may be dead by now.
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    address
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|_| !line.trim().is_empty()) {
        if let Some(count) = line.to_lowercase().strip_prefix("content-length: ") {
            length = count.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
        line.clear();
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    Request { head, body: String::from_utf8_lossy(&body).into_owned() }
}
