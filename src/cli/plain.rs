//! A run as append-only lines: state changes as sentences, output as it comes. Made for pipes, CI and screen readers.

use std::collections::HashMap;
use std::io::Write;

use super::values::revive;
use super::{Context, exit, inert};
use crate::client::{Client, ClientError, Subscription, Update};
use crate::model::{
    Event, EventKind, LogQuery, Next, NoteLevel, Run, RunId, RunStatus, Signal, StageError, StageId, StageStatus, Timestamp,
};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    Sentences,
    Silent,
    /// Nothing but the output of stages.
    Output,
    /// Sentences about a run that has ended, with the time since this moment.
    Retold(Timestamp),
}

/// The component type whose stages write a log.
const WITH_OUTPUT: &[&str] = &["shell", "generator", "critic", "improver", "selector", "synthesizer"];
/// How many lines of output are fetched at once.
const PAGE: u64 = 2000;

/// The exit code of a run that ended so.
pub fn verdict(status: RunStatus) -> u8 {
    match status {
        RunStatus::Succeeded => exit::SUCCESS,
        RunStatus::Cancelled => exit::CANCELLED,
        RunStatus::Failed | RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Cancelling => exit::FAILED,
    }
}

/// Follows a run to its end; gives the whole run. Ctrl-C once cancels with grace, twice forces.
pub async fn follow(context: &Context, client: &Client, id: &RunId, voice: Voice) -> Result<Run, ClientError> {
    let mut interrupts = Interrupts::new();
    let mut updates = updates(context, client, id);
    let mut narrator = Narrator::new(context, client, id, voice);
    loop {
        tokio::select! {
            () = interrupts.next() => narrator.interrupt().await?,
            update = updates.recv() => match update {
                Some(update) => narrator.take(update).await?,
                None => return client.run(id.as_str()).await,
            },
        }
        if narrator.has_ended() {
            return client.run(id.as_str()).await;
        }
    }
}

/// Prints what the stages of a run, or one of them, write, until the run ends. Ctrl-C ends the printing, not the run.
pub async fn tail(context: &Context, client: &Client, id: &RunId, only: Option<StageId>) -> Result<u8, ClientError> {
    let mut interrupts = Interrupts::new();
    let mut updates = updates(context, client, id);
    let mut narrator = Narrator { only, ..Narrator::new(context, client, id, Voice::Output) };
    loop {
        tokio::select! {
            () = interrupts.next() => return Ok(exit::CANCELLED),
            update = updates.recv() => match update {
                Some(update) => narrator.take(update).await?,
                None => return Ok(exit::SUCCESS),
            },
        }
        if narrator.has_ended() {
            return Ok(exit::SUCCESS);
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

/// Tells a run that has ended once more, event by event.
pub struct Teller<'a>(Narrator<'a>);

impl<'a> Teller<'a> {
    pub fn new(context: &'a Context, client: &'a Client, id: &'a RunId) -> Self {
        Self(Narrator::new(context, client, id, Voice::Silent))
    }

    /// Takes the next event, the run's creation first; says it if it is to be `heard`.
    pub async fn tell(&mut self, event: &Event, heard: bool) -> Result<(), ClientError> {
        let narrator = &mut self.0;
        match &mut narrator.run {
            Some(run) => run.apply(event),
            None => narrator.run = Run::created(event),
        }
        let created = narrator.run.as_ref().map_or(event.at, |run| run.created_at);
        narrator.voice = Voice::Retold(created);
        if heard { narrator.narrate(event).await } else { Ok(()) }
    }
}

struct Narrator<'a> {
    context: &'a Context,
    client: &'a Client,
    id: &'a RunId,
    voice: Voice,
    /// Only this stage's output, without a prefix.
    only: Option<StageId>,
    run: Option<Run>,
    /// Lines already printed of each attempt's log.
    printed: HashMap<(StageId, u32), u64>,
    interrupts: u32,
}

impl<'a> Narrator<'a> {
    fn new(context: &'a Context, client: &'a Client, id: &'a RunId, voice: Voice) -> Self {
        Self { context, client, id, voice, only: None, run: None, printed: HashMap::new(), interrupts: 0 }
    }

    fn has_ended(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.status.is_final())
    }

    async fn interrupt(&mut self) -> Result<(), ClientError> {
        self.interrupts += 1;
        let force = self.interrupts > 1;
        errln!("{}", if force { "cancelling by force" } else { "cancelling; press Ctrl-C again to force" });
        match self.client.cancel(self.id.as_str(), force).await {
            Err(ClientError::Refused(_)) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn take(&mut self, update: Update) -> Result<(), ClientError> {
        match update {
            Update::Connected | Update::Lagged => Ok(()),
            Update::Disconnected(why) => {
                if self.voice != Voice::Silent {
                    errln!("the engine went away ({why}); the run goes on, reconnecting");
                }
                Ok(())
            }
            Update::Snapshot(run) => self.snapshot(*run).await,
            Update::Event(event) => {
                match &mut self.run {
                    Some(run) => run.apply(&event),
                    None => self.run = Run::created(&event),
                }
                self.narrate(&event).await
            }
            Update::Signal(Signal::LogGrew { stage, attempt, .. }) => self.output(&stage, attempt).await,
            Update::Signal(Signal::Trouble { message, .. }) => {
                errln!("error: {message}");
                Ok(())
            }
        }
    }

    /// Says what the run has come to, where the events that led there were not seen.
    async fn snapshot(&mut self, run: Run) -> Result<(), ClientError> {
        let known = self.run.replace(run.clone());
        if known.is_none() {
            self.say(run.created_at, &format!("run {} of {} by {}", run.id, run.pipeline.name, run.actor.name));
        }
        let told = known.as_ref().map_or(0, |known| known.notes.len());
        let mut attempts = Vec::new();
        for stage in run.stages.values() {
            let before = known.as_ref().and_then(|known| known.stages.get(&stage.id));
            if before.is_none_or(|before| before.status != stage.status) && stage.status != StageStatus::Pending {
                let error = stage.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                let at = stage.finished_at.or(stage.started_at).unwrap_or(run.created_at);
                self.say(at, &format!("stage {} is {}{error}", stage.id, stage.status));
                if stage.status == StageStatus::Unknown {
                    self.ask(at, &stage.id);
                }
            }
            attempts.extend(stage.attempts.iter().map(|attempt| (stage.id.clone(), attempt.number)));
        }
        if !run.needs.is_empty() {
            self.provide(&run).await?;
        }
        for (stage, attempt) in attempts {
            self.output(&stage, attempt).await?;
        }
        for note in run.notes.iter().skip(told) {
            self.note(note.at, note.stage.as_ref(), note.level, &note.message);
        }
        if run.status.is_final() {
            self.verdict(run.finished_at.unwrap_or(run.created_at), run.status, run.error.as_ref());
        }
        Ok(())
    }

    fn note(&self, at: Timestamp, stage: Option<&StageId>, level: NoteLevel, message: &str) {
        let place = stage.map(|stage| format!("{stage}: ")).unwrap_or_default();
        self.say(at, &format!("{}{place}{message}", level_name(level)));
    }

    /// Nothing goes on until somebody answers: whoever only reads output is told beside it.
    fn ask(&self, at: Timestamp, stage: &StageId) {
        let id = self.id;
        if let Voice::Retold(_) = self.voice {
            return self.say(at, &format!("stage {stage} was interrupted; what it did was not known"));
        }
        let line = format!("stage {stage} was interrupted; answer with `flowdeck runs resolve {id} {stage} retry|succeed|fail`");
        if self.voice == Voice::Sentences { self.say(at, &line) } else { errln!("{line}") }
    }

    fn verdict(&self, at: Timestamp, status: RunStatus, error: Option<&StageError>) {
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        self.say(at, &format!("run {} {status}{error}", self.id));
    }

    /// The engine lost the values with its memory; this client may still have them.
    async fn provide(&self, run: &Run) -> Result<(), ClientError> {
        match super::values::for_run(self.context, run) {
            Ok(values) => self.client.provide(self.id.as_str(), &values).await.map(drop),
            Err(message) => {
                errln!("error: {message}");
                Ok(())
            }
        }
    }

    async fn narrate(&mut self, event: &Event) -> Result<(), ClientError> {
        let at = event.at;
        match &event.kind {
            EventKind::RunStarted | EventKind::RunResumed => {}
            EventKind::RunCreated { pipeline, actor, .. } => {
                self.say(at, &format!("run {} of {} by {}", self.id, pipeline.name, actor.name));
            }
            EventKind::AttemptStarted { stage, attempt, .. } => {
                let again = if *attempt > 1 { format!(" again, attempt {attempt}") } else { String::new() };
                self.say(at, &format!("stage {stage} started{again}"));
                // What it wrote before this client listened is not announced again.
                self.output(stage, *attempt).await?;
            }
            EventKind::AttemptFinished { stage, attempt, outcome, next } => {
                self.output(stage, *attempt).await?;
                let error = outcome.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                let took = self.took(stage, at);
                let line = match next {
                    Next::Settle => format!("stage {stage} {}{took}{error}", outcome.ending.status()),
                    Next::Retry { at: again } => {
                        format!("stage {stage} will be tried again in {:?}{error}", again.since(at))
                    }
                    Next::Ask => {
                        self.ask(at, stage);
                        return Ok(());
                    }
                };
                self.say(at, &line);
            }
            EventKind::PhaseStarted { stage, phase, total, .. } => match total {
                Some(total) => self.say(at, &format!("stage {stage} has {total} items")),
                None => self.say(at, &format!("stage {stage} goes on with {phase}")),
            },
            EventKind::StageSettled { stage, status, .. } => self.say(at, &format!("stage {stage} {status}")),
            EventKind::StageSkipped { stage, reason } => self.say(at, &format!("stage {stage} skipped ({reason})")),
            EventKind::AttemptResolved { stage, resolution, actor, .. } => {
                self.say(at, &format!("stage {stage} answered by {}: {resolution:?}", actor.name));
            }
            EventKind::CancelRequested { actor, force, .. } => {
                let how = if *force { " by force" } else { "" };
                self.say(at, &format!("cancel requested by {}{how}", actor.name));
            }
            EventKind::RunPaused { reason, .. } => {
                self.say(at, &format!("waiting: {reason}"));
                if let (Some(run), false) = (self.run.clone(), matches!(self.voice, Voice::Retold(_))) {
                    self.provide(&run).await?;
                }
            }
            EventKind::Noted { stage, level, message } => self.note(at, stage.as_ref(), *level, message),
            EventKind::RunFinished { status, error, .. } => {
                self.verdict(at, *status, error.as_ref());
            }
        }
        Ok(())
    }

    fn took(&self, stage: &StageId, at: Timestamp) -> String {
        let stage = self.run.as_ref().and_then(|run| run.stages.get(stage));
        let elapsed = stage.and_then(|stage| stage.elapsed(at));
        elapsed.map(|elapsed| format!(" after {:.1} s", elapsed.as_secs_f64())).unwrap_or_default()
    }

    /// Prints what an attempt's log has beyond what was printed.
    async fn output(&mut self, stage: &StageId, attempt: u32) -> Result<(), ClientError> {
        let component = self.run.as_ref().and_then(|run| run.stages.get(stage)).map(|stage| &*stage.component);
        // What other in-engine stages have to say are notes, and those come as events.
        let unwanted = self.only.as_ref().is_some_and(|only| only != stage);
        let has_output = component.is_some_and(|component| WITH_OUTPUT.contains(&component));
        if unwanted || matches!(self.voice, Voice::Silent | Voice::Retold(_)) || !has_output {
            return Ok(());
        }
        let key = (stage.clone(), attempt);
        loop {
            let from = self.printed.get(&key).copied().unwrap_or(0);
            let query = LogQuery { stage: stage.clone(), attempt: Some(attempt), from: Some(from), count: PAGE };
            let window = self.client.log(self.id.as_str(), &query).await?;
            let mut out = std::io::stdout().lock();
            for line in &window.lines {
                // Output that nobody reads any more must not end the run's narration.
                let _ = match &self.only {
                    Some(_) => writeln!(out, "{}", inert::line(&line.text)),
                    None => writeln!(out, "{stage} | {}", inert::line(&line.text)),
                };
            }
            let printed = window.lines.len() as u64;
            self.printed.insert(key.clone(), from + printed);
            if printed < PAGE {
                return Ok(());
            }
        }
    }

    fn say(&self, at: Timestamp, sentence: &str) {
        let clock = match self.voice {
            Voice::Sentences => at.to_string().get(11..19).unwrap_or_default().to_owned(),
            Voice::Retold(start) => format!("{:>+10.3} s", at.since(start).as_secs_f64()),
            Voice::Silent | Voice::Output => return,
        };
        let _ = writeln!(std::io::stdout().lock(), "{clock} {}", inert::line(sentence));
    }
}

fn level_name(level: NoteLevel) -> &'static str {
    match level {
        NoteLevel::Debug => "debug: ",
        NoteLevel::Info => "",
        NoteLevel::Warning => "warning: ",
        NoteLevel::Error => "error: ",
    }
}
