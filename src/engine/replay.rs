//! What a client needs to show a run as it was: its events in pages, and how far a log had come at a moment.

use super::{Engine, EngineError};
use crate::logs;
use crate::model::{Event, LogMoment, Run, StageId, Timestamp};

/// Events of a page at most.
const MOST_EVENTS: usize = 2_000;

impl Engine {
    /// A run's events after a sequence number, oldest first; an empty page is the end.
    ///
    /// # Errors
    /// A run that is not there, or a store that does not answer.
    pub async fn events(&self, text: &str, after: u64, limit: usize) -> Result<Vec<Event>, EngineError> {
        let id = self.find(text).await?;
        Ok(self.shared.store.events_after(after, Some(&id), limit.min(MOST_EVENTS)).await?)
    }

    /// How many lines the log of an attempt had at a moment.
    ///
    /// # Errors
    /// A run or stage that is not there, or a log that cannot be read.
    pub async fn moment(&self, text: &str, stage: &StageId, attempt: u32, at: Timestamp) -> Result<LogMoment, EngineError> {
        let run = self.run(text).await?;
        if !run.stages.contains_key(stage) {
            return Err(EngineError::NoStage { run: run.id.clone(), stage: stage.clone() });
        }
        let path = logs::log_path(&self.log_dir(&run), stage, attempt);
        if !path.exists() {
            return Ok(of_notes(&run, stage, attempt, at));
        }
        let refused = |error: &dyn std::fmt::Display| EngineError::Refused(format!("the log cannot be read: {error}"));
        let read = tokio::task::spawn_blocking(move || logs::moment::of(&path, at)).await;
        let (lines, since, next) = read.map_err(|error| refused(&error))?.map_err(|error| refused(&error))?;
        Ok(LogMoment { stage: stage.clone(), attempt, at, lines, since, next })
    }
}

/// What an in-engine stage has to say are its notes.
fn of_notes(run: &Run, stage: &StageId, attempt: u32, at: Timestamp) -> LogMoment {
    let times = || run.notes.iter().filter(|note| note.stage.as_ref() == Some(stage)).map(|note| note.at);
    let said = times().take_while(|time| *time <= at);
    LogMoment {
        stage: stage.clone(),
        attempt,
        at,
        lines: said.clone().count() as u64,
        since: said.last(),
        next: times().find(|time| *time > at),
    }
}
