//! When the store takes no more events: the run's work is ended, and the failure is recorded as soon as that is possible.

use std::time::Duration;

use serde_json::Value;

use super::{Driver, DriverError, Mail, Work, next_report};
use crate::engine::child::Stop;
use crate::engine::clock;
use crate::model::{ErrorKind, EventKind, RunStatus, StageError};
use crate::runner::Report;
use crate::store::{NewEvent, StoreError};

/// How long processes get to be gone before the run is given up without them.
const ENDING: Duration = Duration::from_secs(15);
/// How long to wait before the failure is tried to be recorded again.
const AGAIN: Duration = Duration::from_secs(2);

impl Driver {
    /// Ends the run's work and records why. The reserve gives a full disk the room for that one record.
    pub(super) async fn stop_unrecorded(&mut self, error: StoreError) -> Result<(), DriverError> {
        let message = format!("the run was stopped because the engine could not record it: {error}");
        tracing::error!(run = %self.id, %error, "the store does not take events; the run is stopped");
        self.trouble(message.clone());
        self.end_all_work().await;
        self.shared.store.release_reserve();
        loop {
            let error = StageError::new(ErrorKind::Execution, message.clone());
            let kind = EventKind::RunFinished { status: RunStatus::Failed, output: Value::Null, error: Some(error) };
            match self.shared.store.append(vec![NewEvent { at: clock::now(), run: self.id.clone(), kind }]).await {
                Ok(committed) => {
                    self.shared.hub.publish(committed);
                    return Ok(());
                }
                Err(StoreError::Full { .. }) => tokio::time::sleep(AGAIN).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn end_all_work(&mut self) {
        for (stage, work) in &self.work {
            match work {
                Work::Process { attempt } => {
                    if let Some(runner) = &self.runner {
                        runner.cancel(self.scheduler.id(*stage), *attempt, true).await;
                    }
                }
                Work::Call { cancel } => cancel.cancel(),
                Work::Child { stop } => drop(stop.send(Stop::AtOnce)),
            }
        }
        let _ = tokio::time::timeout(ENDING, self.work_to_be_gone()).await;
    }

    async fn work_to_be_gone(&mut self) {
        while !self.work.is_empty() {
            tokio::select! {
                Some(mail) = self.inbox.recv() => {
                    if let Mail::Ended { stage, .. } = mail {
                        self.release(stage);
                    }
                }
                Some(report) = next_report(&mut self.reports) => match report {
                    Report::Finished { stage, .. } => {
                        if let Some(stage) = self.scheduler.find(&stage) {
                            self.release(stage);
                        }
                    }
                    Report::Gone => return,
                    Report::Started { .. } | Report::Progress { .. } => {}
                },
            }
        }
    }
}
