//! A stream of changes that survives the engine's death: it reconnects, resumes from the last sequence number, and
//! asks its owner to start an engine again when there is none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::{Client, ClientError};
use crate::model::{Event, Run, RunId, ScanPiece, ScanQuery, Signal};

/// How many updates may wait for a listener.
const WINDOW: usize = 256;
/// Pauses between attempts to reconnect.
const BACKOFF: &[u64] = &[0, 50, 100, 200, 500, 1000];

/// What a listener gets.
#[derive(Debug)]
pub enum Update {
    /// The stream stands (again).
    Connected,
    Snapshot(Box<Run>),
    Event(Box<Event>),
    Signal(Signal),
    /// Events were missed: ask again for what is shown.
    Lagged,
    /// The stream broke; it is being mended.
    Disconnected(String),
}

/// Brings an engine up when none answers.
pub type Revive = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send>> + Send + Sync>;

/// What to listen to.
#[derive(Clone)]
pub struct Subscription {
    pub run: Option<RunId>,
    /// Resume after this sequence number.
    pub after: Option<u64>,
    pub revive: Option<Revive>,
}

impl Client {
    /// Listens until the receiver is dropped.
    pub fn subscribe(&self, subscription: Subscription) -> mpsc::Receiver<Update> {
        let (sender, receiver) = mpsc::channel(WINDOW);
        let mut listener = Listener { client: self.clone(), subscription, sender };
        tokio::spawn(async move {
            let gone = listener.sender.clone();
            tokio::select! {
                () = listener.listen() => {}
                () = gone.closed() => {}
            }
        });
        receiver
    }
}

impl Client {
    /// Scans a view of a run's logs. Hands over each piece as it comes, the last one with the scan's end, or the error
    /// that kept it from coming. The engine stops when the receiver is dropped.
    pub fn scan(&self, id: &RunId, query: &ScanQuery) -> mpsc::Receiver<Result<ScanPiece, ClientError>> {
        let (sender, receiver) = mpsc::channel(8);
        let (client, id, query) = (self.clone(), id.clone(), query.clone());
        tokio::spawn(async move {
            let gone = sender.clone();
            let read = async {
                if let Err(error) = client.read_scan(&id, &query, &sender).await {
                    let _ = sender.send(Err(error)).await;
                }
            };
            tokio::select! {
                () = read => {}
                () = gone.closed() => {}
            }
        });
        receiver
    }

    async fn read_scan(&self, id: &RunId, query: &ScanQuery, pieces: &Pieces) -> Result<(), ClientError> {
        let mut body = self.scanning(id, query).await?.bytes_stream();
        let mut frames = Frames::default();
        let mut ended = false;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| ClientError::Nonsense(error.to_string()))?;
            for (_, data) in frames.push(&chunk) {
                let piece: ScanPiece = serde_json::from_str(&data).map_err(|error| ClientError::Nonsense(error.to_string()))?;
                ended |= piece.end.is_some();
                let _ = pieces.send(Ok(piece)).await;
            }
        }
        if ended { Ok(()) } else { Err(ClientError::Nonsense("the logs could not be scanned to their end".to_owned())) }
    }
}

type Pieces = mpsc::Sender<Result<ScanPiece, ClientError>>;

struct Listener {
    client: Client,
    subscription: Subscription,
    sender: mpsc::Sender<Update>,
}

impl Listener {
    async fn listen(&mut self) {
        let mut failures = 0;
        loop {
            let broken = match self.connect_and_read(&mut failures).await {
                Ok(()) => "the engine closed the stream".to_owned(),
                Err(error) => error.to_string(),
            };
            if self.sender.send(Update::Disconnected(broken)).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(BACKOFF[failures.min(BACKOFF.len() - 1)])).await;
            failures += 1;
            if let Some(revive) = &self.subscription.revive {
                // A failed start shows as the next failed connection.
                let _ = revive().await;
            }
        }
    }

    async fn connect_and_read(&mut self, failures: &mut usize) -> Result<(), ClientError> {
        let run = self.subscription.run.as_ref().map(|run| ("run", run.to_string()));
        let after = self.subscription.after.map(|after| ("after", after.to_string()));
        let query: Vec<_> = run.into_iter().chain(after).collect();
        let response = self.client.events(&query).await?;
        *failures = 0;
        if self.sender.send(Update::Connected).await.is_err() {
            return Ok(());
        }
        let mut body = response.bytes_stream();
        let mut frames = Frames::default();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| ClientError::Nonsense(error.to_string()))?;
            for (name, data) in frames.push(&chunk) {
                if let Some(update) = self.update(&name, &data)? {
                    let _ = self.sender.send(update).await;
                }
            }
        }
        Ok(())
    }

    fn update(&mut self, name: &str, data: &str) -> Result<Option<Update>, ClientError> {
        let wrong = |error: serde_json::Error| ClientError::Nonsense(format!("{name}: {error}"));
        Ok(Some(match name {
            "snapshot" => {
                let run: Box<Run> = serde_json::from_str(data).map_err(wrong)?;
                self.subscription.after = Some(run.seq);
                Update::Snapshot(run)
            }
            "event" => {
                let event: Box<Event> = serde_json::from_str(data).map_err(wrong)?;
                self.subscription.after = Some(event.seq);
                Update::Event(event)
            }
            "signal" => Update::Signal(serde_json::from_str(data).map_err(wrong)?),
            "lagged" => {
                self.subscription.after = serde_json::from_str(data).ok();
                Update::Lagged
            }
            // A newer engine may say more than this client understands.
            _ => return Ok(None),
        }))
    }
}

/// Splits a server-sent event stream into frames of name and data.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
}

impl Frames {
    /// Takes bytes; gives every frame they complete.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<(String, String)> {
        self.buffer.extend_from_slice(chunk);
        let mut frames = Vec::new();
        let mut from = 0;
        while let Some(length) = memchr::memmem::find(&self.buffer[from..], b"\n\n") {
            frames.push(parse(&String::from_utf8_lossy(&self.buffer[from..from + length])));
            from += length + 2;
        }
        self.buffer.drain(..from);
        frames
    }
}

fn parse(frame: &str) -> (String, String) {
    let field = |name: &str| {
        let lines = frame.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>().join("\n")
    };
    (field("event"), field("data"))
}

#[cfg(test)]
mod tests {
    use super::Frames;

    #[test]
    fn frames_split_anywhere_come_out_whole() {
        let text = b"event: event\ndata: {\"a\":1}\n\nevent: signal\ndata: x\n\n";
        for cut in 0..text.len() {
            let mut frames = Frames::default();
            let mut got = frames.push(&text[..cut]);
            got.extend(frames.push(&text[cut..]));
            let expected = [("event".to_owned(), "{\"a\":1}".to_owned()), ("signal".to_owned(), "x".to_owned())];
            assert_eq!(got, expected, "cut at {cut}");
        }
    }
}
