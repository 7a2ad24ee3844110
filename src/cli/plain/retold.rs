//! A run that has ended, told once more: the sentences of its story, with the time since its creation.

use super::paper::Paper;
use super::story::{Sentence, Story};
use crate::cli::inert;
use crate::model::{Event, RunId, Timestamp};

/// Tells a run event by event.
#[derive(Debug)]
pub struct Teller {
    story: Story,
    paper: Paper,
}

impl Teller {
    pub fn new(id: &RunId) -> Self {
        Self { story: Story::retold(id), paper: Paper::new() }
    }

    /// Takes the next event, the run's creation first; says it if it is to be `heard`.
    pub async fn tell(&mut self, event: &Event, heard: bool) {
        let sentences = self.story.event(event);
        let start = self.story.run.as_ref().map_or(event.at, |run| run.created_at);
        let told: String = sentences.iter().map(|sentence| line(sentence, start)).collect();
        if heard && !told.is_empty() {
            self.paper.out(told).await;
        }
    }

    /// Comes back when everything has been written.
    pub async fn finish(self) {
        self.paper.finish().await;
    }
}

fn line(sentence: &Sentence, start: Timestamp) -> String {
    let after = sentence.at.since(start).as_secs_f64();
    format!("{after:>+10.3} s {}\n", inert::line(&sentence.text.replace('\n', " ")))
}
