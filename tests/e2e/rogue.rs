//! An HTTP server that behaves as badly as a test asks it to, and a workspace whose stages call it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use serde_json::Value;

use super::support::{Said, Workspace, within};

/// Answers every connection in the same way; tells how many bytes each was given before it was dropped.
pub struct Rogue {
    pub address: String,
    given: mpsc::Receiver<u64>,
}

/// A connection that counts what it is given.
pub struct Counted {
    stream: TcpStream,
    given: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.given += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

impl Rogue {
    pub fn answering(answer: impl Fn(&mut Counted) -> std::io::Result<()> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (sender, given) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, sender) = (answer.clone(), sender.clone());
                std::thread::spawn(move || {
                    let mut counted = Counted { stream: stream.expect("a connection"), given: 0 };
                    skip_request(&counted.stream);
                    // The other side may go whenever it wants to.
                    let _ = answer(&mut counted);
                    let _ = sender.send(counted.given);
                });
            }
        });
        Self { address, given }
    }

    /// Bytes that the next connection to end was given.
    pub fn given(self) -> (Self, u64) {
        within("the connection's end", move || {
            let given = self.given.recv().expect("a connection");
            (self, given)
        })
    }

    /// A workspace with this server as its only AI provider.
    pub fn workspace(&self, pipeline: &str) -> Workspace {
        let workspace = Workspace::with("p.yaml", &pipeline.replace("ADDRESS", &self.address));
        let text = format!(
            "[ai.providers.local]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\nmodel = \"small\"\n[network]\nallow = [\"{0}\"]\n",
            self.address
        );
        std::fs::write(workspace.file("flowdeck.toml"), text).expect("the workspace file");
        workspace
    }
}

/// A run's document that failed.
pub fn failure(workspace: &Workspace) -> Value {
    let said: Said = workspace.say(&["run", "p", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    said.json()
}

fn skip_request(stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let lower = line.to_lowercase();
        if let Some(count) = lower.strip_prefix("content-length: ") {
            length = count.trim().parse().expect("a length");
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
}
