//! Windows into stage logs and searches over them, for clients.

use std::path::PathBuf;

use super::{Engine, EngineError};
use crate::language::Component;
use crate::logs;
use crate::model::{LogLine, LogQuery, LogWindow, Run, SearchHit, Stage, StageId, Stream};

impl Engine {
    /// A window of a stage's log; what an in-engine stage has to say are its notes.
    pub async fn log(&self, text: &str, query: LogQuery) -> Result<LogWindow, EngineError> {
        let run = self.run(text).await?;
        let stage = run.stages.get(&query.stage);
        let stage = stage.ok_or_else(|| EngineError::NoStage { run: run.id.clone(), stage: query.stage.clone() })?;
        let attempt = query.attempt.or_else(|| stage.attempts.last().map(|last| last.number)).unwrap_or(1);
        let dir = self.log_dir(&run);
        let log = logs::log_path(&dir, &query.stage, attempt);
        if !log.exists() && *stage.component != *Component::Shell.name() {
            return Ok(notes_as_log(&run, stage, attempt, &query));
        }
        let refused = |error: &dyn std::fmt::Display| EngineError::Refused(format!("the log cannot be read: {error}"));
        let read = tokio::task::spawn_blocking(move || logs::read::window(&dir, &query, attempt, None)).await;
        read.map_err(|error| refused(&error))?.map_err(|error| refused(&error))
    }

    /// Where a run's logs lie.
    pub fn log_dir(&self, run: &Run) -> PathBuf {
        self.shared.paths.runs_dir().join(run.id.as_str())
    }
}

fn notes_as_log(run: &Run, stage: &Stage, attempt: u32, query: &LogQuery) -> LogWindow {
    let notes: Vec<_> = run.notes.iter().filter(|note| note.stage.as_ref() == Some(&stage.id)).collect();
    let total = notes.len() as u64;
    let from = query.from.unwrap_or_else(|| total.saturating_sub(query.count)).min(total);
    let lines = notes.iter().enumerate().skip(usize::try_from(from).unwrap_or(usize::MAX));
    let lines = lines.take(usize::try_from(query.count).unwrap_or(usize::MAX)).map(|(number, note)| LogLine {
        number: number as u64,
        at: note.at,
        stream: Stream::Stdout,
        text: note.message.clone(),
        partial: false,
    });
    let bytes = notes.iter().map(|note| note.message.len() as u64 + 1).sum();
    LogWindow { stage: stage.id.clone(), attempt, total, bytes, lines: lines.collect(), damage: None }
}

impl Engine {
    /// Lines of a stage's log that match a regular expression, at most `limit` of them, from the beginning.
    pub async fn search(
        &self,
        text: &str,
        stage: &StageId,
        attempt: Option<u32>,
        pattern: &str,
        limit: usize,
    ) -> Result<Vec<SearchHit>, EngineError> {
        let run = self.run(text).await?;
        let found = run.stages.get(stage);
        let found = found.ok_or_else(|| EngineError::NoStage { run: run.id.clone(), stage: stage.clone() })?;
        let attempt = attempt.or_else(|| found.attempts.last().map(|last| last.number)).unwrap_or(1);
        let dir = self.log_dir(&run);
        let (stage, pattern) = (stage.clone(), pattern.to_owned());
        let search = tokio::task::spawn_blocking(move || find_all(&dir, &stage, attempt, &pattern, limit)).await;
        let refused = |error: &dyn std::fmt::Display| EngineError::Refused(format!("the log cannot be searched: {error}"));
        search.map_err(|error| refused(&error))?.map_err(|error| refused(&error))
    }
}

fn find_all(
    dir: &std::path::Path,
    stage: &StageId,
    attempt: u32,
    pattern: &str,
    limit: usize,
) -> Result<Vec<SearchHit>, Box<dyn std::error::Error + Send + Sync>> {
    let regex = regex::Regex::new(pattern)?;
    let mut hits = Vec::new();
    match logs::read::Log::open(&logs::log_path(dir, stage, attempt)) {
        Ok(log) => {
            logs::search::search(&log, &regex, 0, &std::sync::atomic::AtomicBool::new(false), |hit| {
                hits.push(hit);
                hits.len() < limit
            })?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    Ok(hits)
}
