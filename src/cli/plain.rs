//! A run as append-only lines: state changes as sentences, output as it comes. Made for pipes, CI and screen readers.

mod narrator;
mod paper;
mod progress;
mod retold;
mod story;
mod words;

use narrator::Narrator;
use paper::Aside;
pub use retold::Teller;

use super::values::revive;
use super::{Context, exit};
use crate::client::{Client, ClientError, Subscription, Update};
use crate::model::{ErrorKind, Run, RunId, RunStatus, StageId};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    Sentences,
    Silent,
    /// Nothing but the output of stages.
    Output,
}

/// The exit code of a run that ended so: one that a gate did not let go on was refused.
pub fn verdict(run: &Run) -> u8 {
    let barred = run.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Security && kept_from(&error.details));
    match run.status {
        RunStatus::Failed if barred => exit::REFUSED,
        RunStatus::Succeeded => exit::SUCCESS,
        RunStatus::Cancelled => exit::CANCELLED,
        RunStatus::Failed | RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Cancelling => exit::FAILED,
    }
}

/// Whether an error says that policy kept a stage from starting.
fn kept_from(details: &serde_json::Value) -> bool {
    details.get("gate").is_some() || details["status"] == "kept_out"
}

/// Follows a run to its end; gives the whole run. Ctrl-C once cancels with grace, twice forces, a third time leaves
/// without the rest of the story: whoever should read it may have stopped.
pub async fn follow(context: &Context, client: &Client, id: &RunId, voice: Voice) -> Result<Run, ClientError> {
    let mut interrupts = Interrupts::new();
    let narrator = Narrator::new(context, client, id, voice);
    let mut cancel = Cancel { client, id, presses: 0, aside: narrator.aside() };
    let mut story = std::pin::pin!(tell(narrator, updates(context, client, id)));
    loop {
        tokio::select! {
            biased;
            () = interrupts.next() => if cancel.press().await? { return client.run(id.as_str()).await },
            told = &mut story => {
                told?;
                return client.run(id.as_str()).await;
            }
        }
    }
}

/// Prints what the stages of a run, or one of them, write, until the run ends. Ctrl-C ends the printing, not the run.
pub async fn tail(context: &Context, client: &Client, id: &RunId, only: Option<StageId>) -> Result<u8, ClientError> {
    let mut interrupts = Interrupts::new();
    let narrator = Narrator::new(context, client, id, Voice::Output).only(only);
    tokio::select! {
        () = interrupts.next() => Ok(exit::CANCELLED),
        told = tell(narrator, updates(context, client, id)) => told.map(|()| exit::SUCCESS),
    }
}

async fn tell(mut narrator: Narrator<'_>, mut updates: tokio::sync::mpsc::Receiver<Update>) -> Result<(), ClientError> {
    let mut told = Ok(());
    while told.is_ok() && !narrator.has_ended() {
        told = match updates.recv().await {
            Some(update) => narrator.take(update).await,
            None => break,
        };
    }
    narrator.finish().await;
    told
}

/// What Ctrl-C does to a run that is followed.
struct Cancel<'a> {
    client: &'a Client,
    id: &'a RunId,
    presses: u32,
    aside: Aside,
}

impl Cancel<'_> {
    /// True when it was pressed often enough to leave.
    async fn press(&mut self) -> Result<bool, ClientError> {
        self.presses += 1;
        let force = self.presses > 1;
        if self.presses > 2 {
            return Ok(true);
        }
        self.aside.err(if force { "cancelling by force" } else { "cancelling; press Ctrl-C again to force" });
        match self.client.cancel(self.id.as_str(), force).await {
            Err(ClientError::Refused(_)) | Ok(_) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Ctrl-C, from one subscription: a press between two waits must not be lost.
struct Interrupts(Option<tokio::signal::unix::Signal>);

impl Interrupts {
    fn new() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).ok())
    }

    async fn next(&mut self) {
        let pressed = match &mut self.0 {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if pressed.is_none() {
            std::future::pending().await
        }
    }
}

fn updates(context: &Context, client: &Client, id: &RunId) -> tokio::sync::mpsc::Receiver<Update> {
    // From the first event on: what happened before this client listened is told in its order, too.
    client.subscribe(Subscription { run: Some(id.clone()), after: Some(0), revive: Some(revive(context)) })
}
