//! Orders about a run, each behind a question whose first answer is no.

use serde_json::Value;

use super::RunScreen;
use crate::model::{Resolution, Run, RunStatus, Stage, StageStatus};
use crate::tui::action::Action;
use crate::tui::backend::{Papers, Request, RerunFrom};
use crate::tui::popup::{Popup, choose::Choose, edit::Edit, edit::plans, review::Review};
use crate::tui::screen::{Intent, Tone};
use crate::tui::world::{READ_ONLY, World};

/// What the engine gives stages between TERM and KILL.
pub const GRACE_SECONDS: u64 = 10;

impl RunScreen {
    /// Opens the question for an order, or says why it is impossible.
    pub(super) fn order(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if world.read_only {
            return Intent::say(Tone::Bad, READ_ONLY);
        }
        let Some(run) = self.run.as_deref() else { return Intent::say(Tone::Plain, "the run is not loaded yet") };
        let open = |popup| vec![Intent::Open(Box::new(popup))];
        match action {
            Action::Cancel if run.status.is_final() => {
                Intent::say(Tone::Plain, format!("the run has already ended: {}", run.status))
            }
            Action::Cancel => open(Popup::Choose(self.cancel_question(run.status))),
            Action::Rerun if !run.status.is_final() => Intent::say(Tone::Plain, "the run has not ended yet"),
            Action::Resolve => {
                let Some(at) = self.unresolved() else {
                    return Intent::say(Tone::Plain, "what became of this stage's work is known");
                };
                self.dag.select(at);
                self.stage().map_or_else(Vec::new, |stage| open(Popup::Choose(self.resolve_question(stage))))
            }
            Action::Rerun | Action::EditConfig if self.stage().is_none() => {
                Intent::say(Tone::Plain, "this pipeline has no stages")
            }
            Action::EditInputs if !matches!(run.inputs, Value::Object(_) | Value::Null) => {
                Intent::say(Tone::Plain, "the inputs of this run are not an object")
            }
            _ => {
                self.meant = Some(action);
                vec![Intent::Ask(Request::Papers(self.id.clone()))]
            }
        }
    }

    /// The stage that somebody has to answer for: the one looked at, else the first.
    pub(super) fn unresolved(&self) -> Option<usize> {
        let run = self.shown()?;
        let asks = |at: &usize| run.stages.get_index(*at).is_some_and(|(_, stage)| stage.status == StageStatus::Unknown);
        Some(self.dag.selected()).filter(asks).or_else(|| (0..run.stages.len()).find(asks))
    }

    /// Goes on with what the papers of the run were asked for.
    pub(super) fn take_papers(&mut self, papers: Papers, world: &World) -> Vec<Intent> {
        self.papers = Some(Box::new(papers.clone()));
        let (Some(action), Some(run)) = (self.meant.take(), self.run.as_deref()) else { return Vec::new() };
        let choices = self.beginnings(run);
        let popup = match action {
            Action::EditInputs => Some(Edit::inputs(run, papers, choices, &world.look)),
            Action::EditConfig => self.stage().and_then(|stage| Edit::config(run, &stage.id, papers, choices, &world.look)),
            _ => {
                let (plans, note) = plans(&papers, &[]);
                let review = Review::new(self.id.clone(), plans, choices).noting(note);
                return vec![Intent::Open(Box::new(Popup::Review(Box::new(review))))];
            }
        };
        let Some(mut edit) = popup else { return Intent::say(Tone::Plain, "the pinned pipeline has no such stage") };
        let check = edit.ask();
        std::iter::once(Intent::Open(Box::new(Popup::Edit(Box::new(edit))))).chain(check).collect()
    }

    fn cancel_question(&self, status: RunStatus) -> Choose {
        let order = |force| Request::Cancel { run: self.id.clone(), force };
        if status == RunStatus::Cancelling {
            let lines = vec![
                "The run is already being cancelled; its stages may end by".to_owned(),
                "themselves until the countdown is over. Force kills them now.".to_owned(),
            ];
            return Choose::new("Force the cancel?", lines, "No, let them end", vec![("Yes, kill now".to_owned(), order(true))]);
        }
        let lines = vec![
            format!("Stages are asked to end and have {GRACE_SECONDS} s before they"),
            "are killed. Work marked `finally` still runs.".to_owned(),
        ];
        Choose::new("Cancel this run?", lines, "No, let it run", vec![("Yes, cancel".to_owned(), order(false))])
    }

    fn resolve_question(&self, stage: &Stage) -> Choose {
        let answer = |resolution| Request::Resolve { run: self.id.clone(), stage: stage.id.clone(), resolution };
        let first = match &stage.undoes {
            Some(undoes) if stage.failed_to_undo() => format!("It failed: what {undoes} did may still be there."),
            Some(_) | None => "The work was interrupted, and nobody saw whether it was done.".to_owned(),
        };
        let lines = vec![first, "Look first: what you answer here is taken as the truth.".to_owned()];
        let choices = vec![
            ("It had no effect: do it again".to_owned(), answer(Resolution::Retry)),
            ("It was done: go on as if it had succeeded".to_owned(), answer(Resolution::Succeed)),
            ("It went wrong: the stage has failed".to_owned(), answer(Resolution::Fail)),
        ];
        Choose::new(format!("What became of {}?", stage.title()), lines, "I do not know yet", choices)
    }

    /// Where a rerun may begin.
    fn beginnings(&self, run: &Run) -> Vec<(String, RerunFrom)> {
        let failed = run.stages.values().any(|stage| stage.status.is_failure() || stage.status == StageStatus::Cancelled);
        let failure = failed.then(|| ("From the failure, keeping what succeeded".to_owned(), RerunFrom::Failed));
        let start = ("From the start".to_owned(), RerunFrom::Start);
        let stage = self.stage().map(|stage| {
            let words = format!("From {} and all that follows it", stage.title());
            (words, RerunFrom::Stage(stage.id.clone()))
        });
        failure.into_iter().chain([start]).chain(stage).collect()
    }
}
