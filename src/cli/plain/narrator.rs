//! Tells a run: what `story` makes of its events, and what its stages write, in their order.

use std::collections::HashMap;

use super::Voice;
use super::paper::{Aside, Paper};
use super::progress::Progress;
use super::story::{Sentence, Story, failed};
use super::words;
use crate::cli::{Context, inert, values};
use crate::client::{Client, ClientError, Update};
use crate::model::{Event, EventKind, LogQuery, Run, RunId, Signal, StageId};

/// The component types whose stages write a log.
const WITH_OUTPUT: &[&str] =
    &["shell", "deploy", "rollout", "notify", "generator", "critic", "improver", "selector", "synthesizer"];
/// How many lines of output are fetched at once.
const PAGE: u64 = 2000;
/// How many failed stages are quoted at the end, and how many lines of each.
const QUOTED: usize = 3;
const QUOTE: u64 = 5;

pub struct Narrator<'a> {
    context: &'a Context,
    client: &'a Client,
    id: &'a RunId,
    voice: Voice,
    /// Only this stage's output, without a prefix.
    only: Option<StageId>,
    story: Story,
    paper: Paper,
    /// Lines already printed of each attempt's log.
    printed: HashMap<(StageId, u32), u64>,
}

impl<'a> Narrator<'a> {
    pub fn new(context: &'a Context, client: &'a Client, id: &'a RunId, voice: Voice) -> Self {
        let (story, paper) = (Story::new(id), Paper::new());
        Self { context, client, id, voice, only: None, story, paper, printed: HashMap::new() }
    }

    pub fn only(self, only: Option<StageId>) -> Self {
        Self { only, ..self }
    }

    pub fn aside(&self) -> Aside {
        self.paper.aside()
    }

    pub fn has_ended(&self) -> bool {
        self.story.run.as_ref().is_some_and(|run| run.status.is_final())
    }

    /// Comes back when everything has been written.
    pub async fn finish(self) {
        self.paper.finish().await;
    }

    pub async fn take(&mut self, update: Update) -> Result<(), ClientError> {
        match update {
            Update::Connected | Update::Lagged | Update::Signal(Signal::GateChanged { .. } | Signal::ReleaseChanged { .. }) => {}
            Update::Disconnected(why) => {
                if self.voice != Voice::Silent {
                    self.complain(&format!("the engine went away ({why}); the run goes on, reconnecting")).await;
                }
            }
            Update::Snapshot(run) => self.snapshot(*run).await?,
            Update::Event(event) => self.event(&event).await?,
            Update::Signal(Signal::LogGrew { stage, attempt, .. }) => self.output(&stage, attempt).await?,
            Update::Signal(Signal::Trouble { message, .. }) => self.complain(&format!("error: {message}")).await,
        }
        Ok(())
    }

    async fn event(&mut self, event: &Event) -> Result<(), ClientError> {
        // What a stage wrote goes before the word of its end; what it wrote before this client listened is not
        // announced again, so it is fetched at its start.
        if let EventKind::AttemptFinished { stage, attempt, .. } = &event.kind {
            self.output(stage, *attempt).await?;
        }
        let sentences = self.story.event(event);
        if matches!(event.kind, EventKind::RunFinished { .. }) {
            self.quote().await?;
        }
        self.say(&sentences).await;
        match &event.kind {
            EventKind::AttemptStarted { stage, attempt, .. } if !self.is_counted(stage) => self.output(stage, *attempt).await,
            EventKind::RunPaused { .. } => self.provide().await,
            _ => Ok(()),
        }
    }

    async fn snapshot(&mut self, run: Run) -> Result<(), ClientError> {
        let ids = run.stages.values().flat_map(|stage| stage.attempts.iter().map(|attempt| (stage.id.clone(), attempt.number)));
        let attempts: Vec<(StageId, u32)> = ids.collect();
        let ended = run.status.is_final();
        let needs = !run.needs.is_empty();
        let sentences = self.story.snapshot(run);
        for (stage, attempt) in attempts {
            self.output(&stage, attempt).await?;
        }
        if ended {
            self.quote().await?;
        }
        self.say(&sentences).await;
        if needs { self.provide().await } else { Ok(()) }
    }

    fn is_counted(&self, stage: &StageId) -> bool {
        self.story.run.as_ref().is_some_and(|run| Progress::is_counted(run, stage))
    }

    /// The engine lost the values with its memory; this client may still have them. A pause that is told again from
    /// the journal may be over: what counts is what the run waits for now.
    async fn provide(&self) -> Result<(), ClientError> {
        if self.context.read_only {
            return Ok(());
        }
        let run = &self.client.run(self.id.as_str()).await?;
        if run.needs.is_empty() {
            return Ok(());
        }
        match values::for_run(self.context, run) {
            Ok(values) => self.client.provide(self.id.as_str(), &values).await.map(drop),
            Err(message) => {
                self.complain(&format!("error: {message}")).await;
                Ok(())
            }
        }
    }

    /// Prints what an attempt's log has beyond what was printed.
    async fn output(&mut self, stage: &StageId, attempt: u32) -> Result<(), ClientError> {
        let unwanted = self.only.as_ref().is_some_and(|only| only != stage);
        if unwanted || self.voice == Voice::Silent || !self.has_output(stage) {
            return Ok(());
        }
        let key = (stage.clone(), attempt);
        loop {
            let from = self.printed.get(&key).copied().unwrap_or(0);
            let query = LogQuery { stage: stage.clone(), attempt: Some(attempt), from: Some(from), count: PAGE };
            let lines = self.client.log(self.id.as_str(), &query).await?.lines;
            let printed = lines.len() as u64;
            if printed > 0 {
                let line = |line: crate::model::LogLine| match &self.only {
                    Some(_) => format!("{}\n", inert::line(&line.text)),
                    None => format!("{stage} | {}\n", inert::line(&line.text)),
                };
                self.paper.out(lines.into_iter().map(line).collect()).await;
            }
            self.printed.insert(key.clone(), from + printed);
            if printed < PAGE {
                return Ok(());
            }
        }
    }

    /// What other in-engine stages have to say are notes, and those come as events.
    fn has_output(&self, stage: &StageId) -> bool {
        let stage = self.story.run.as_ref().and_then(|run| run.stages.get(stage));
        stage.is_some_and(|stage| WITH_OUTPUT.contains(&&*stage.component))
    }

    /// The last lines of what failed, before the verdict: they may have gone by long ago.
    async fn quote(&mut self) -> Result<(), ClientError> {
        if self.voice != Voice::Sentences {
            return Ok(());
        }
        let stages = self.story.run.iter().flat_map(failed).filter(|stage| self.has_output(&stage.id));
        let stages: Vec<(StageId, u32)> =
            stages.take(QUOTED).filter_map(|stage| Some((stage.id.clone(), stage.attempts.last()?.number))).collect();
        for (stage, attempt) in stages {
            let query = LogQuery { stage: stage.clone(), attempt: Some(attempt), from: None, count: QUOTE };
            let window = self.client.log(self.id.as_str(), &query).await?;
            if window.total > QUOTE {
                let line = |line: &crate::model::LogLine| format!("{stage} | {}\n", inert::line(&line.text));
                let lines: String = window.lines.iter().map(line).collect();
                self.paper.out(format!("the last lines of stage {stage}:\n{lines}")).await;
            }
        }
        Ok(())
    }

    async fn say(&self, sentences: &[Sentence]) {
        let told: String = match self.voice {
            Voice::Sentences => sentences.iter().map(line).collect(),
            Voice::Silent | Voice::Output => String::new(),
        };
        if !told.is_empty() {
            self.paper.out(told).await;
        }
        if self.voice != Voice::Sentences {
            for sentence in sentences.iter().filter(|sentence| sentence.urgent) {
                self.complain(&sentence.text).await;
            }
        }
    }

    async fn complain(&self, text: &str) {
        self.paper.err(inert::line(text).into_owned()).await;
    }
}

/// A sentence is one line, whatever its words hold.
fn line(sentence: &Sentence) -> String {
    format!("{} {}\n", words::clock(sentence.at), inert::line(&sentence.text.replace('\n', " ")))
}
