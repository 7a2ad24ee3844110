//! After a start: every run that the journal says has not ended is taken up where it was.

use std::sync::Arc;

use super::driver::Driver;
use super::handle::parse;
use super::scheduler::Scheduler;
use super::{Engine, clock};
use crate::language::Pipeline;
use crate::model::{ErrorKind, EventKind, Run, RunId, RunStatus, StageError, Values};
use crate::operators::Settings;
use crate::store::{NewEvent, StoreError};

impl Engine {
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let mut drivers = Vec::new();
        let unfinished = self.shared.store.unfinished_runs().await?;
        self.shared.gates.load(&self.shared.store, &unfinished).await?;
        for id in unfinished {
            match self.shared.store.run(&id).await? {
                Some(run) => drivers.extend(self.take_up(run).await?),
                None => tracing::error!(run = %id, "the journal of this run does not begin with its creation; left alone"),
            }
        }
        // Only now: a run may have to stop another one that was taken up after it.
        drivers.into_iter().for_each(set_off);
        Ok(())
    }

    async fn take_up(&self, run: Run) -> Result<Option<Driver>, StoreError> {
        let definition = self.shared.store.definition(&run.pipeline.hash).await?;
        let pipeline = definition.and_then(|pinned| parse(&pinned.text, &pinned.format).ok());
        let id = run.id.clone();
        self.shared.hub.adopt(run.clone());
        let restored = pipeline.and_then(|pipeline| {
            let pipeline = Arc::new(pipeline);
            Some((Arc::clone(&pipeline), Scheduler::restore(pipeline, run)?))
        });
        match restored {
            Some((pipeline, scheduler)) => {
                let settings = self.shared.outside.known().await;
                Ok(Some(self.enlist(settings, pipeline, scheduler, Values::default())))
            }
            None => self.give_up(id).await.map(|()| None),
        }
    }

    /// A run whose pinned pipeline this program cannot read any more.
    async fn give_up(&self, id: RunId) -> Result<(), StoreError> {
        let error = StageError::new(ErrorKind::Configuration, "the pinned pipeline of this run cannot be read by this version");
        let kind = EventKind::RunFinished { status: RunStatus::Failed, output: serde_json::Value::Null, error: Some(error) };
        let events = self.shared.store.append(vec![NewEvent { at: clock::now(), run: id, kind }]).await?;
        self.shared.hub.publish(events);
        Ok(())
    }

    /// Starts a run's driver.
    pub(super) fn drive(&self, settings: Arc<Settings>, pipeline: Arc<Pipeline>, scheduler: Scheduler, values: Values) {
        set_off(self.enlist(settings, pipeline, scheduler, values));
    }

    /// Makes a run's driver and lets letters reach it.
    fn enlist(&self, settings: Arc<Settings>, pipeline: Arc<Pipeline>, scheduler: Scheduler, values: Values) -> Driver {
        let id = scheduler.run().id.clone();
        let driver = Driver::new(Arc::clone(&self.shared), settings, pipeline, scheduler, values);
        self.shared.began(id, driver.mailbox());
        driver
    }
}

fn set_off(driver: Driver) {
    let id = driver.id().clone();
    tokio::spawn(async move {
        if let Err(error) = driver.drive().await {
            tracing::error!(run = %id, %error, "the run's driver stopped");
        }
    });
}
