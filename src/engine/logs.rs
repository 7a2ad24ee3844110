//! Windows into stage logs, views of a run's logs and scans over them, for clients.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::{Engine, EngineError};
use crate::language::Component;
use crate::logs::{
    self,
    filter::Filter,
    view::{Lines, Source, View},
};
use crate::model::{
    LineFilter, LogLine, LogName, LogPlace, LogQuery, LogView, LogWindow, Note, Run, ScanPiece, ScanQuery, Stage, Stream,
    ViewQuery, ViewWindow,
};

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
        let read = tokio::task::spawn_blocking(move || logs::read::window(&dir, &query, attempt, None)).await;
        read.map_err(unreadable)?.map_err(unreadable)
    }

    /// Where a run's logs lie.
    pub fn log_dir(&self, run: &Run) -> PathBuf {
        self.shared.paths.runs_dir().join(run.id.as_str())
    }
}

fn notes_as_log(run: &Run, stage: &Stage, attempt: u32, query: &LogQuery) -> LogWindow {
    let notes = notes(run, stage);
    let total = notes.len() as u64;
    let bytes = notes.iter().map(|note| note.text.len() as u64 + 1).sum();
    let from = query.from.unwrap_or_else(|| total.saturating_sub(query.count)).min(total);
    let lines = notes.into_iter().skip(usize::try_from(from).unwrap_or(usize::MAX));
    let lines = lines.take(usize::try_from(query.count).unwrap_or(usize::MAX)).collect();
    LogWindow { stage: stage.id.clone(), attempt, total, bytes, lines, damage: None }
}

/// What an in-engine stage had to say, as lines.
fn notes(run: &Run, stage: &Stage) -> Vec<LogLine> {
    let notes = run.notes.iter().filter(|note| note.stage.as_ref() == Some(&stage.id));
    let line = |(number, note): (u64, &Note)| {
        let (at, text) = (note.at, note.message.clone());
        LogLine { number, at, stream: Stream::Stdout, text, partial: false }
    };
    (0..).zip(notes).map(line).collect()
}

impl Engine {
    /// Lines of a view of a run's logs. The reading stops when nobody waits for it any more.
    ///
    /// # Errors
    /// When the run, the stage or a file cannot be read, or a pattern is none.
    pub async fn lines(&self, text: &str, query: ViewQuery) -> Result<ViewWindow, EngineError> {
        let (run, filter) = (self.run(text).await?, filter(query.view.filter.as_ref(), query.matching.as_deref())?);
        let guard = CancelOnDrop::default();
        let (engine, cancelled) = (self.clone(), Arc::clone(&guard.0));
        let read = move || engine.view(&run, &query.view)?.window(&query, &filter, &cancelled).map_err(unreadable);
        let (window, _) = tokio::task::spawn_blocking(read).await.map_err(unreadable)??;
        drop(guard);
        Ok(window)
    }

    /// Scans a view of a run's logs from a place to its end and sends what it finds, until the receiver is dropped.
    ///
    /// # Errors
    /// As `lines`; what goes wrong on the way ends the stream.
    pub async fn scan(&self, text: &str, query: ScanQuery) -> Result<mpsc::Receiver<ScanPiece>, EngineError> {
        let run = self.run(text).await?;
        let kept = filter(query.view.filter.as_ref(), None)?;
        let wanted = query.pattern.as_deref().map(|pattern| filter(None, Some(pattern))).transpose()?;
        let engine = self.clone();
        let (sender, receiver) = mpsc::channel(8);
        tokio::task::spawn_blocking(move || {
            let _visit = engine.shared.activity.enter();
            let view = engine.view(&run, &query.view).map_err(|error| error.to_string());
            let filters = (&kept, wanted.as_ref());
            let end = view.and_then(|view| send(&view, &query.from, filters, &sender).map_err(|error| error.to_string()));
            if let Err(error) = end {
                tracing::warn!(run = %run.id, "the logs could not be scanned to their end: {error}");
            }
        });
        Ok(receiver)
    }

    /// Opens the logs that a view is of, as long as it wants them.
    fn view(&self, run: &Run, view: &LogView) -> Result<View, EngineError> {
        let whole = self.whole_view(run, view)?;
        match view.until {
            Some(at) => whole.until(at).map_err(unreadable),
            None => Ok(whole),
        }
    }

    /// Opens the logs that a view is of, in the order in which the attempts began.
    fn whole_view(&self, run: &Run, view: &LogView) -> Result<View, EngineError> {
        let dir = self.log_dir(run);
        let open = |stage: &Stage, attempt: u32| {
            let name = LogName { stage: stage.id.clone(), attempt };
            let lines = match logs::read::Log::open(&logs::log_path(&dir, &stage.id, attempt)) {
                Ok(log) => Lines::File(log),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unreadable(error)),
                Err(_) if *stage.component == *Component::Shell.name() => return Ok(None),
                // Notes are of the stage: its last attempt shows them.
                Err(_) if stage.attempts.last().is_some_and(|last| last.number != attempt) => return Ok(None),
                Err(_) => Lines::Told(notes(run, stage)),
            };
            Ok(Some(Source { name, lines }))
        };
        if let Some(name) = &view.log {
            let stage = run.stages.get(&name.stage);
            let stage = stage.ok_or_else(|| EngineError::NoStage { run: run.id.clone(), stage: name.stage.clone() })?;
            return Ok(View::of(open(stage, name.attempt)?));
        }
        let attempts = run.stages.values().flat_map(|stage| stage.attempts.iter().map(move |attempt| (stage, attempt)));
        let mut attempts: Vec<_> = attempts.collect();
        attempts.sort_by_key(|(_, attempt)| attempt.started_at);
        let sources: Result<Vec<_>, _> = attempts.iter().map(|(stage, attempt)| open(stage, attempt.number)).collect();
        Ok(View::merged(sources?.into_iter().flatten().collect()))
    }
}

/// Scans for as long as somebody receives; gives the bytes read.
fn send(view: &View, from: &LogPlace, filters: (&Filter, Option<&Filter>), pieces: &mpsc::Sender<ScanPiece>) -> io::Result<u64> {
    logs::scan::scan(view, from, filters, |piece| pieces.blocking_send(piece).is_ok())
}

fn unreadable(error: impl std::fmt::Display) -> EngineError {
    EngineError::Refused(format!("the log cannot be read: {error}"))
}

fn filter(kept: Option<&LineFilter>, matching: Option<&str>) -> Result<Filter, EngineError> {
    Filter::new(kept, matching).map_err(|error| EngineError::Refused(error.to_string()))
}

/// Tells a reading that its answer is not wanted any more.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::{Filter, LogName, LogPlace, Source, View, send};
    use crate::logs::{read::Log, segment::Segment, view::Lines};
    use crate::model::{StageId, Stream, Timestamp};

    #[test]
    fn a_scan_whose_listener_has_gone_stops_reading() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.log");
        let mut segment = Segment::new(path.clone(), Timestamp(0));
        let line = format!("{}\n", "x".repeat(999));
        (0..40_000).for_each(|ms| segment.push(Stream::Stdout, ms, line.as_bytes()));
        segment.write().unwrap();
        let name = LogName { stage: StageId::new("s"), attempt: 1 };
        let view = View::of(Some(Source { name, lines: Lines::File(Log::open(&path).unwrap()) }));
        let (sender, mut receiver) = mpsc::channel(1);
        let scan = std::thread::spawn(move || send(&view, &LogPlace::default(), (&Filter::default(), None), &sender).unwrap());
        assert!(receiver.blocking_recv().is_some_and(|piece| piece.passed > 0 && piece.end.is_none()));
        drop(receiver);
        let read = scan.join().unwrap();
        assert!(read < 20_000_000, "{read} of 40 MB");
    }
}
