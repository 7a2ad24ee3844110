//! Doing what has been recorded: start processes and calls, set timers, end attempts.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::{Act, Driver, Mail, Work};
use crate::engine::child::Stop;
use crate::engine::clock;
use crate::engine::scheduler::Input;
use crate::model::{Ending, ErrorKind, Outcome, StageError, Timestamp};
use crate::operators::Call;
use crate::process::Spec;
use crate::runner::{self, Handle};

impl Driver {
    pub(super) async fn act(&mut self, act: Act) {
        match act {
            Act::Process { stage, attempt, spec } => self.start_process(stage, attempt, *spec).await,
            Act::Call { stage, attempt, call } => self.start_call(stage, attempt, call),
            Act::Child { stage, attempt, order } => self.start_child(stage, attempt, *order),
            Act::Wake { stage, at, epoch } => self.wake(Input::Woken { stage, epoch }, at),
            Act::AtGate { stage, at } => self.wake(Input::GateMoved { stage }, at),
            Act::Stop { stage, attempt, force } => self.stop(stage, attempt, force).await,
            Act::Ack { stage, attempt } => {
                if let Some(runner) = &self.runner {
                    runner.ack(&stage, attempt).await;
                }
            }
            // Whoever asked may have gone; that is their affair.
            Act::Answer(answer) => drop(answer.send(())),
            Act::Reattach => self.reattach().await,
            Act::Learn => {
                if let Some(runner) = &self.runner {
                    runner.learn(self.masks.hidden(), self.masks.values().0.clone()).await;
                }
            }
        }
    }

    async fn start_process(&mut self, stage: usize, attempt: u32, spec: Spec) {
        if let Err(error) = self.ensure_runner().await {
            let error = StageError::new(ErrorKind::Execution, "the runner could not be started").caused_by(error);
            return self.end(stage, attempt, Outcome::failed(error));
        }
        self.work.insert(stage, Work::Process { attempt });
        let id = self.scheduler.id(stage).clone();
        if let Some(runner) = &self.runner {
            runner.start(&id, attempt, spec).await;
        }
    }

    async fn ensure_runner(&mut self) -> Result<(), runner::RunnerError> {
        if self.runner.is_some() {
            return Ok(());
        }
        make_private(&self.dir).map_err(runner::RunnerError::Directory)?;
        let launch = runner::Launch {
            exe: &self.shared.exe,
            dir: &self.dir,
            masks: self.masks.hidden(),
            environment: self.masks.values().0.clone(),
        };
        let (handle, reports, _welcome) = Handle::launch(launch).await?;
        self.attach(handle, reports);
        Ok(())
    }

    /// Keeps a runner's handle and listens to its reports.
    pub(super) fn attach(&mut self, handle: Handle, reports: tokio::sync::mpsc::Receiver<runner::Report>) {
        self.runner = Some(handle);
        self.reports = Some(reports);
    }

    fn start_call(&mut self, stage: usize, attempt: u32, call: Call) {
        let cancel = CancellationToken::new();
        self.work.insert(stage, Work::Call { cancel: cancel.clone() });
        let remaining = self.scheduler.remaining(stage, clock::now());
        let mailbox = self.mailbox.clone();
        let output = call.output.map(|pieces| self.keep_output(stage, attempt, pieces));
        tokio::spawn(async move {
            let call = async {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => cancelled(),
                    outcome = call.future => outcome,
                    () = sleep_if(remaining) => out_of_time(),
                }
            };
            // The output ends with the future, so its log is whole before the attempt is over.
            let (outcome, ()) = tokio::join!(call, async {
                if let Some(output) = output {
                    output.await;
                }
            });
            let _ = mailbox.send(Mail::Ended { stage, attempt, outcome }).await;
        });
    }

    /// Sends an input at a point in time. Nothing is ever taken back: the scheduler ignores a stale epoch.
    fn wake(&self, input: Input, at: Timestamp) {
        let mailbox = self.mailbox.clone();
        let wait = at.since(clock::now());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = mailbox.send(Mail::Input(input)).await;
        });
    }

    /// Arms the run's own time limit.
    pub(super) fn watch_deadline(&self) {
        let run = self.scheduler.run();
        if let Some(limit) = run.timeout_ms {
            let end = run.started_at.unwrap_or_else(clock::now).after(std::time::Duration::from_millis(limit));
            self.wake(Input::TimeUp, end);
        }
    }

    async fn stop(&mut self, stage: usize, attempt: u32, force: bool) {
        match self.work.get(&stage) {
            Some(Work::Process { .. }) => {
                let id = self.scheduler.id(stage).clone();
                if let Some(runner) = &self.runner {
                    runner.cancel(&id, attempt, force).await;
                }
            }
            Some(Work::Call { cancel }) => cancel.cancel(),
            Some(Work::Child { stop }) => drop(stop.send(if force { Stop::AtOnce } else { Stop::WithGrace })),
            // Recorded, but not started yet: the act is still in the queue.
            None => {
                self.acts.retain(|act| !act.starts(stage));
                self.end(stage, attempt, cancelled());
            }
        }
    }
}

impl Act {
    fn starts(&self, wanted: usize) -> bool {
        match self {
            Self::Process { stage, .. } | Self::Call { stage, .. } | Self::Child { stage, .. } => *stage == wanted,
            Self::Wake { .. }
            | Self::AtGate { .. }
            | Self::Stop { .. }
            | Self::Ack { .. }
            | Self::Answer(_)
            | Self::Reattach
            | Self::Learn => false,
        }
    }
}

fn cancelled() -> Outcome {
    let error = StageError::new(ErrorKind::Cancelled, "cancelled");
    Outcome::ended(Ending::Cancelled, error, serde_json::Value::Null)
}

fn out_of_time() -> Outcome {
    let error = StageError::new(ErrorKind::Timeout, "the stage's time budget is used up");
    Outcome::ended(Ending::TimedOut, error, serde_json::Value::Null)
}

async fn sleep_if(limit: Option<std::time::Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// The run's directory, for the engine's user alone.
fn make_private(dir: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// The values of a run as a runner keeps them.
pub(super) fn as_values(environment: BTreeMap<String, String>) -> crate::model::Values {
    crate::model::Values(environment)
}
