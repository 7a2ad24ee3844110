//! Streams: events (a snapshot or a resume from a sequence number, then everything as it is committed) and scans of logs.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Sse;
use axum::response::sse::Event as Frame;
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{Api, Failure, slim};
use crate::engine::Published;
use crate::model::{Event, RunId, ScanQuery, Signal};

/// How many frames may wait for a slow listener before it is told that it lags.
const WINDOW: usize = 256;
/// A listener that is further behind than this gets a snapshot instead of every event.
const LONGEST_RESUME: usize = 5_000;

/// What to listen to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StreamQuery {
    /// One run, or everything without it.
    #[serde(default)]
    pub run: Option<RunId>,
    /// Resume after this sequence number; without it a run's stream begins with a snapshot.
    #[serde(default)]
    pub after: Option<u64>,
}

/// Frames: `snapshot` (a run), `event`, `signal`, and `lagged` when a listener of all runs has to ask again.
pub async fn stream(
    State(api): State<Api>,
    Query(query): Query<StreamQuery>,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Failure> {
    if let Some(run) = &query.run {
        api.engine.find(run.as_str()).await?;
    }
    let (sender, receiver) = mpsc::channel(WINDOW);
    let visit = api.engine.shared.activity.enter();
    let mut feed = Feed { published: api.engine.shared.hub.subscribe(), api, run: query.run, sent: 0, sender };
    tokio::spawn(async move {
        let stop = feed.api.stop.clone();
        let gone = feed.sender.clone();
        tokio::select! {
            _ = feed.run(query.after) => {}
            () = stop.cancelled() => {}
            () = gone.closed() => {}
        }
        drop(visit);
    });
    Ok(Sse::new(ReceiverStream::new(receiver)))
}

/// Frames `piece`, one for each stretch of the logs that was scanned. The scan stops when the stream is closed.
pub async fn scan(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(query): Json<ScanQuery>,
) -> Result<Sse<impl Stream<Item = Result<Frame, axum::Error>>>, Failure> {
    let pieces = api.engine.scan(&id, query).await?;
    Ok(Sse::new(ReceiverStream::new(pieces).map(|piece| Frame::default().event("piece").json_data(piece))))
}

struct Feed {
    published: broadcast::Receiver<Published>,
    api: Api,
    run: Option<RunId>,
    /// The last sequence number that went out.
    sent: u64,
    sender: mpsc::Sender<Result<Frame, Infallible>>,
}

/// The listener has gone.
struct Gone;

impl Feed {
    async fn run(&mut self, after: Option<u64>) -> Result<(), Gone> {
        match (after, self.run.is_some()) {
            (Some(after), _) => self.resume(after).await?,
            (None, true) => self.snapshot().await?,
            (None, false) => self.sent = self.api.engine.shared.store.last_seq(),
        }
        loop {
            match self.published.recv().await {
                Ok(Published::Event(event)) => self.event(&event).await?,
                Ok(Published::Signal(signal)) => self.signal(&signal).await?,
                Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up().await?,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            }
        }
    }

    async fn resume(&mut self, after: u64) -> Result<(), Gone> {
        self.sent = after;
        let events = self.api.engine.shared.store.events_after(after, self.run.as_ref(), LONGEST_RESUME).await;
        match events {
            Ok(events) if events.len() < LONGEST_RESUME => {
                let last = events.last().map_or(after, |event| event.seq);
                for event in events {
                    self.event(&event).await?;
                }
                self.sent = last;
                Ok(())
            }
            Ok(_) | Err(_) => self.catch_up().await,
        }
    }

    /// Too far behind for every event: the state instead of the way there.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        if self.run.is_some() {
            return self.snapshot().await;
        }
        self.published = self.published.resubscribe();
        self.sent = self.api.engine.shared.store.last_seq();
        self.send("lagged", &self.sent).await
    }

    async fn snapshot(&mut self) -> Result<(), Gone> {
        self.published = self.published.resubscribe();
        let Some(id) = self.run.clone() else { return Ok(()) };
        let Ok(run) = self.api.engine.run(id.as_str()).await else { return Err(Gone) };
        self.run = Some(run.id.clone());
        self.sent = run.seq;
        self.send("snapshot", &slim::run(run)).await
    }

    async fn event(&mut self, event: &Event) -> Result<(), Gone> {
        let wanted = self.run.as_ref().is_none_or(|run| *run == event.run);
        if !wanted || event.seq <= self.sent {
            return Ok(());
        }
        // Runs publish side by side, so only one run's numbers come in their order.
        if self.run.is_some() {
            self.sent = event.seq;
        }
        self.send("event", &slim::event(event.clone())).await
    }

    async fn signal(&self, signal: &Signal) -> Result<(), Gone> {
        let run = match signal {
            Signal::LogGrew { run, .. } | Signal::Trouble { run, .. } => Some(run),
            Signal::GateChanged { .. } | Signal::ReleaseChanged { .. } => None,
        };
        if self.run.as_ref().is_none_or(|wanted| Some(wanted) == run) { self.send("signal", signal).await } else { Ok(()) }
    }

    async fn send<T: Serialize>(&self, name: &str, body: &T) -> Result<(), Gone> {
        let frame = Frame::default().event(name).json_data(body).map_err(|_| Gone)?;
        self.sender.send(Ok(frame)).await.map_err(|_| Gone)
    }
}
