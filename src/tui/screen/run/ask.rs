//! Orders about a run, each behind a question whose first answer is no.

use serde_json::Value;

use super::RunScreen;
use crate::model::{RunStatus, StageStatus};
use crate::tui::action::Action;
use crate::tui::backend::{Request, RerunFrom};
use crate::tui::popup::{Popup, choose::Choose, edit::Edit};
use crate::tui::screen::{Intent, Tone};
use crate::tui::world::World;

/// What the engine gives stages between TERM and KILL.
pub const GRACE_SECONDS: u64 = 10;

impl RunScreen {
    /// Opens the question for an order, or says why it is impossible.
    pub(super) fn order(&self, action: Action, world: &World) -> Vec<Intent> {
        if world.read_only {
            return Intent::say(Tone::Bad, "this console is read-only");
        }
        let Some(run) = self.run.as_deref() else { return Intent::say(Tone::Plain, "the run is not loaded yet") };
        let open = |popup| vec![Intent::Open(Box::new(popup))];
        match action {
            Action::Cancel if run.status.is_final() => {
                Intent::say(Tone::Plain, format!("the run has already ended: {}", run.status))
            }
            Action::Cancel => open(Popup::Choose(self.cancel_question(run.status))),
            Action::Rerun if !run.status.is_final() => Intent::say(Tone::Plain, "the run has not ended yet"),
            Action::Rerun => open(Popup::Choose(self.rerun_question())),
            Action::EditInputs if matches!(run.inputs, Value::Object(_) | Value::Null) => {
                let inputs = if run.inputs.is_null() { Value::Object(serde_json::Map::new()) } else { run.inputs.clone() };
                let title = format!("Inputs of {}, for a new run", run.pipeline.name);
                open(Popup::Edit(Box::new(Edit::new(self.id.clone(), title, &inputs, &world.look))))
            }
            _ => Intent::say(Tone::Plain, "the inputs of this run are not an object"),
        }
    }

    fn cancel_question(&self, status: RunStatus) -> Choose {
        let order = |force| Request::Cancel { run: self.id.clone(), force };
        if status == RunStatus::Cancelling {
            let lines = vec![
                "The run is already being cancelled; its stages have".to_owned(),
                format!("{GRACE_SECONDS} s to end by themselves. Force kills them now."),
            ];
            return Choose::new("Force the cancel?", lines, "No, let them end", vec![("Yes, kill now".to_owned(), order(true))]);
        }
        let lines = vec![
            format!("Stages are asked to end and have {GRACE_SECONDS} s before they"),
            "are killed. Work marked `finally` still runs.".to_owned(),
        ];
        Choose::new("Cancel this run?", lines, "No, let it run", vec![("Yes, cancel".to_owned(), order(false))])
    }

    fn rerun_question(&self) -> Choose {
        let order = |from| Request::Rerun { run: self.id.clone(), from, inputs: None, document: None };
        let run = self.run.as_deref();
        let failed = run.is_some_and(|run| {
            run.stages.values().any(|stage| stage.status.is_failure() || stage.status == StageStatus::Cancelled)
        });
        let mut choices = Vec::new();
        if failed {
            choices.push(("From the failure, keeping what succeeded".to_owned(), order(RerunFrom::Failed)));
        }
        choices.push(("From the start".to_owned(), order(RerunFrom::Start)));
        if let Some(stage) = self.stage() {
            let words = format!("From {} and all that follows it", stage.title());
            choices.push((words, order(RerunFrom::Stage(stage.id.clone()))));
        }
        let lines = vec!["A new run is made; this one stays as it is.".to_owned()];
        Choose::new("Run again?", lines, "No", choices)
    }
}
