//! A run as sentences: folds events and says each in words. Pure; must not know where the words go.

mod end;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use end::failed;

use super::progress::{End, Progress};
use super::words;
use crate::model::{
    Event, EventKind, GateId, Next, NoteLevel, Outcome, Run, RunId, Stage, StageError, StageId, StageStatus, Timestamp,
};

/// How long stages have after TERM, unless they say otherwise.
const GRACE: Duration = Duration::from_secs(10);

/// What has been told of a run.
#[derive(Debug)]
pub struct Story {
    id: RunId,
    pub run: Option<Run>,
    progress: Progress,
    cancelled_at: Option<Timestamp>,
    /// The run has ended: nobody is asked for anything.
    over: bool,
    /// It has been told that the run is undone.
    undoing: bool,
}

/// A sentence and the time it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    pub at: Timestamp,
    pub text: String,
    /// Nothing goes on until somebody does something: told whatever else is silent.
    pub urgent: bool,
}

impl Story {
    pub fn new(id: &RunId) -> Self {
        Self { id: id.clone(), run: None, progress: Progress::default(), cancelled_at: None, over: false, undoing: false }
    }

    /// The same of a run that has ended.
    pub fn retold(id: &RunId) -> Self {
        Self { over: true, ..Self::new(id) }
    }

    /// Folds an event in; gives what there is to say about it.
    pub fn event(&mut self, event: &Event) -> Vec<Sentence> {
        match &mut self.run {
            Some(run) => run.apply(event),
            None => self.run = Run::created(event),
        }
        let urgent = matches!(
            event.kind,
            EventKind::AttemptFinished { next: Next::Ask, .. } | EventKind::RunPaused { .. } | EventKind::StageHeld { .. }
        );
        let say = |text: String| Sentence { at: event.at, text, urgent };
        match &event.kind {
            EventKind::RunFinished { .. } => self.run.as_ref().map(|run| self.ending(run)).unwrap_or_default(),
            kind => {
                let begins = self.begins_undoing(kind).then(|| say("what the run did is undone now, the last first".to_owned()));
                // What is new is said first, and what has to be done about it comes last.
                begins
                    .into_iter()
                    .map(|begins| Sentence { urgent: false, ..begins })
                    .chain(self.words(event.at, kind).map(&say))
                    .collect()
            }
        }
    }

    fn words(&mut self, at: Timestamp, kind: &EventKind) -> Option<String> {
        match kind {
            EventKind::RunStarted | EventKind::RunFinished { .. } => None,
            EventKind::RunCreated { .. } => self.run.as_ref().map(opening),
            EventKind::RunResumed { .. } => Some("the run goes on".to_owned()),
            EventKind::AttemptStarted { stage, attempt, child, .. } => self.started(stage, *attempt, child.as_ref()),
            EventKind::AttemptFinished { stage, attempt, outcome, next } => self.finished(at, stage, *attempt, outcome, *next),
            EventKind::PhaseStarted { stage, phase, round, total, error, .. } => match total {
                _ if self.is_counted(stage) || self.deploys(stage) => None,
                Some(total) => Some(format!("stage {stage} goes through {}", words::count(*total, "item"))),
                None => Some(phase_of(stage, phase, *round, &words::because(error.as_ref()))),
            },
            EventKind::StageHeld { stage, gate } => Some(waits_at(stage, gate)),
            EventKind::StageSettled { stage, status, .. } => Some(format!("stage {stage} {status}")),
            EventKind::StageSkipped { stage, .. } if self.is_counted(stage) => self.ended(stage, End::Skipped),
            EventKind::StageSkipped { stage, reason } => Some(format!("stage {stage} skipped: {}", words::skipped(reason))),
            EventKind::AttemptResolved { stage, resolution, actor, .. } => {
                Some(format!("stage {stage}: {} says that {}", actor.name, words::answer(*resolution)))
            }
            EventKind::CancelRequested { actor, force, reason } => {
                let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
                Some(format!("{}{why}", self.cancel(at, &actor.name, *force)))
            }
            EventKind::RunPaused { reason, needs } => Some(format!("waiting: {reason}{}", self.missing(needs))),
            EventKind::Noted { stage, level, message } => Some(note(stage.as_ref(), *level, message)),
        }
    }

    /// Says what the run has come to, where the events that led there were not seen.
    pub fn snapshot(&mut self, run: Run) -> Vec<Sentence> {
        let known = self.run.replace(run.clone());
        let mut said = Vec::new();
        let mut say = |at, text, urgent| said.push(Sentence { at, text, urgent });
        if known.is_none() {
            say(run.created_at, opening(&run), false);
        }
        for stage in run.stages.values().filter(|stage| !Progress::is_counted(&run, &stage.id)) {
            let before = known.as_ref().and_then(|known| known.stages.get(&stage.id));
            if before.is_none_or(|before| before.status != stage.status) && stage.status != StageStatus::Pending {
                let at = stage.finished_at.or(stage.started_at).unwrap_or(run.created_at);
                if stage.status == StageStatus::Unknown {
                    let error = stage.attempts.last().and_then(|attempt| attempt.error.as_deref());
                    say(at, self.ask(&stage.id, error), true);
                } else {
                    say(at, state(stage), false);
                }
            }
        }
        let told = known.as_ref().map_or(0, |known| known.notes.len());
        for note_ in run.notes.iter().skip(told) {
            say(note_.at, note(note_.stage.as_ref(), note_.level, &note_.message), false);
        }
        if !run.needs.is_empty() && known.is_none_or(|known| known.needs.is_empty()) {
            let text = format!("waiting{}", self.missing(&run.needs));
            say(run.created_at, text, true);
        }
        if run.status.is_final() {
            said.extend(self.ending(&run));
        }
        said
    }

    fn is_counted(&self, stage: &StageId) -> bool {
        self.run.as_ref().is_some_and(|run| Progress::is_counted(run, stage))
    }

    fn ended(&mut self, stage: &StageId, end: End) -> Option<String> {
        self.progress.end(self.run.as_ref()?, stage, end)
    }

    fn started(&self, stage: &StageId, attempt: u32, child: Option<&RunId>) -> Option<String> {
        if self.is_counted(stage) {
            return None;
        }
        let again = if attempt > 1 { format!(" again, attempt {attempt}") } else { String::new() };
        let child = child.map(|run| format!(", as run {run}")).unwrap_or_default();
        let why = self.undoes(stage).map(|undoes| format!(", to undo {undoes}")).unwrap_or_default();
        Some(format!("stage {stage} started{again}{child}{why}"))
    }

    fn finished(&mut self, at: Timestamp, stage: &StageId, attempt: u32, outcome: &Outcome, next: Next) -> Option<String> {
        let told = self.run.as_ref().and_then(|run| run.stages.get(stage));
        let took = if outcome.ending.is_success() { words::after(told, at) } else { words::after_attempt(told, at) };
        let because = words::because(outcome.error.as_ref());
        let status = outcome.ending.status();
        let way = told.map(|stage| words::chosen(&stage.component, &outcome.output)).unwrap_or_default();
        let child = told.and_then(|stage| stage.attempts.last()?.child.clone());
        let child = child.map(|run| format!("; its output: flowdeck runs logs {run}")).unwrap_or_default();
        let counted = self.is_counted(stage);
        let alone = !counted || self.progress.is_told(stage);
        match next {
            Next::Ask => Some(self.ask(stage, outcome.error.as_ref())),
            Next::Retry { at: again } => {
                if counted {
                    self.progress.retry(stage);
                }
                let (next, pause, when) = (attempt + 1, words::length(again.since(at)), words::clock(again));
                alone.then(|| format!("stage {stage} {status}{took}{because}; attempt {next} starts in {pause}, at {when}"))
            }
            Next::Settle if counted => {
                let end = if outcome.ending.is_success() { End::Succeeded } else { End::Failed };
                let line = (end == End::Failed && alone).then(|| format!("stage {stage} {status}{took}{because}"));
                match (line, self.ended(stage, end)) {
                    (Some(line), Some(progress)) => Some(format!("{line}; {progress}")),
                    (line, progress) => line.or(progress),
                }
            }
            Next::Settle => {
                let undone = self.undoes(stage).filter(|_| outcome.ending.is_success());
                let undone = undone.map(|undone| format!("; {undone} is undone")).unwrap_or_default();
                Some(format!("stage {stage} {status}{took}{because}{way}{child}{undone}"))
            }
        }
    }

    fn cancel(&mut self, at: Timestamp, actor: &str, force: bool) -> String {
        self.cancelled_at.get_or_insert(at);
        let is_running = |stage: &&Stage| stage.status == StageStatus::Running && stage.phase.is_none();
        let running = self.run.iter().flat_map(|run| run.stages.values()).filter(is_running).count() as u64;
        match (running, force) {
            (0, _) => format!("cancel requested by {actor}"),
            (_, true) => {
                format!("cancel requested by {actor} by force: {} ended at once", words::count(running, "running stage"))
            }
            (_, false) => {
                let (stages, by) = (words::count(running, "running stage"), words::clock(at.after(GRACE)));
                format!("cancel requested by {actor}: {stages} asked to end, by force at {by} unless a stage says otherwise")
            }
        }
    }

    /// A deployment has steps; that it is a guard inside is of no concern.
    fn deploys(&self, stage: &StageId) -> bool {
        let found = self.run.as_ref().and_then(|run| run.stages.get(stage));
        found.is_some_and(|stage| &*stage.component == "deploy")
    }

    fn undoes(&self, stage: &StageId) -> Option<&StageId> {
        self.run.as_ref()?.stages.get(stage)?.undoes.as_ref()
    }

    /// The first compensation starts, or comes to its gate.
    fn begins_undoing(&mut self, kind: &EventKind) -> bool {
        let (EventKind::AttemptStarted { stage, .. } | EventKind::StageHeld { stage, .. }) = kind else { return false };
        let begins = !self.undoing && self.undoes(stage).is_some();
        self.undoing |= begins;
        begins
    }

    /// A stage that came to no verdict says itself why it asks; of any other nobody knows what it did.
    fn ask(&self, stage: &StageId, error: Option<&StageError>) -> String {
        let id = &self.id;
        let told = self.run.as_ref().and_then(|run| run.stages.get(stage));
        if let Some(told) = told.filter(|told| told.failed_to_undo()) {
            let because = words::because(told.error.as_deref());
            let undoes = told.undoes.as_ref().map(ToString::to_string).unwrap_or_default();
            let failed = format!("stage {stage} failed{because}; what {undoes} did may still be there");
            let answer = format!("; look, then answer with `flowdeck runs resolve {id} {stage} retry|succeed|fail`");
            return if self.over { failed } else { format!("{failed}{answer}") };
        }
        let undecided = error.filter(|error| error.details["verdict"].is_string());
        let why = match undecided {
            Some(error) => format!("stage {stage} came to no verdict: {}", error.message),
            None if self.over => format!("stage {stage} was interrupted, and nobody knew what it had done"),
            None => format!("stage {stage} was interrupted, and nobody knows what it did"),
        };
        if self.over {
            return why;
        }
        format!("{why}; look, then answer with `flowdeck runs resolve {id} {stage} retry|succeed|fail`")
    }

    fn missing(&self, needs: &[String]) -> String {
        if needs.is_empty() || self.over {
            return String::new();
        }
        format!("; whoever has {} gives it with `flowdeck runs logs {} --follow`", needs.join(", "), self.id)
    }
}

fn opening(run: &Run) -> String {
    let mut text = format!("run {} of {} by {}", run.id, run.pipeline.name, run.actor.name);
    if let Some(environment) = &run.environment {
        text.push_str(&format!(" for {environment}"));
    }
    text.push_str(&format!(": {}", words::count(run.stages.len() as u64, "stage")));
    if let Some(parent) = &run.parent {
        text.push_str(&format!(", for stage {} of run {}", parent.stage, parent.run));
    }
    if let Some(old) = &run.rerun_of {
        let reused = run.stages.values().filter(|stage| stage.reused).count() as u64;
        text.push_str(&format!(", {} taken over from run {old}", words::count(reused, "result")));
    }
    text
}

/// Says what to look at before deciding: the digest is part of the answer.
fn waits_at(stage: &StageId, gate: &GateId) -> String {
    format!("stage {stage} waits for approval: look at it with `flowdeck gates show {gate}`")
}

fn phase_of(stage: &StageId, phase: &str, round: u32, because: &str) -> String {
    let again = if round > 1 { format!(", try {round}") } else { String::new() };
    match phase {
        "try" => format!("stage {stage} tries{again}"),
        "catch" => format!("stage {stage} catches{again}{because}"),
        "finally" => format!("stage {stage} finishes up{again}"),
        other => format!("stage {stage} goes on with {other}{again}"),
    }
}

fn state(stage: &Stage) -> String {
    let error = words::because(stage.error.as_deref());
    match (&stage.reason, stage.status) {
        (Some(reason), StageStatus::Skipped) => format!("stage {} skipped: {}", stage.id, words::skipped(reason)),
        (_, status) if status.is_final() => format!("stage {} {status}{error}", stage.id),
        (_, status) => format!("stage {} is {status}{error}", stage.id),
    }
}

fn note(stage: Option<&StageId>, level: NoteLevel, message: &str) -> String {
    let place = stage.map(|stage| format!("{stage}: ")).unwrap_or_default();
    format!("{}{place}{message}", words::level(level))
}
