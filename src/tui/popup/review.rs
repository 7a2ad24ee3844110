//! The question before a rerun: what is different, against what, and where to begin. The first answer is no.

use ratatui::layout::Rect;

use super::{Outcome, centred, window};
use crate::model::{Document, RunId};
use crate::tui::action::Action;
use crate::tui::backend::{Request, RerunFrom};
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::diff::Line;
use crate::tui::widget::paint::Paint;

/// One way to run it again.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `as pinned`, `as the file is now`.
    pub name: &'static str,
    pub document: Option<Document>,
    /// What is different from the run; empty when nothing is.
    pub diff: Vec<Line>,
}

#[derive(Debug, Clone)]
pub struct Review {
    run: RunId,
    inputs: Option<serde_json::Value>,
    /// At least one.
    plans: Vec<Plan>,
    plan: usize,
    /// Words for each place to begin.
    choices: Vec<(String, RerunFrom)>,
    /// Counts from the refusal, which is first.
    selected: usize,
    top: usize,
    /// Something to know before choosing.
    note: Option<String>,
}

/// Rows beside the difference: the refusal, the ways, blanks and the frame.
const OTHER_ROWS: usize = 7;

impl Review {
    pub fn new(run: RunId, plans: Vec<Plan>, choices: Vec<(String, RerunFrom)>) -> Self {
        Self { run, inputs: None, plans, plan: 0, choices, selected: 0, top: 0, note: None }
    }

    /// With these inputs instead of the run's.
    #[must_use]
    pub fn with_inputs(self, inputs: serde_json::Value) -> Self {
        Self { inputs: Some(inputs), ..self }
    }

    #[must_use]
    pub fn noting(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }

    fn diff(&self) -> &[Line] {
        self.plans.get(self.plan).map(|plan| plan.diff.as_slice()).unwrap_or_default()
    }

    pub fn act(&mut self, action: Option<Action>) -> Outcome {
        let count = self.choices.len() + 1;
        match action {
            Some(Action::Accept) => {
                let chosen = self.selected.checked_sub(1).and_then(|at| self.choices.get(at));
                let Some((_, from)) = chosen else { return Outcome::Close };
                let document = self.plans.get(self.plan).and_then(|plan| plan.document.clone());
                let (run, inputs) = (self.run.clone(), self.inputs.clone());
                return Outcome::Then(vec![Intent::Ask(Request::Rerun { run, from: from.clone(), inputs, document })]);
            }
            Some(Action::Other) if self.plans.len() > 1 => (self.plan, self.top) = ((self.plan + 1) % self.plans.len(), 0),
            Some(Action::ListDown | Action::Other) => self.selected = (self.selected + 1) % count,
            Some(Action::ListUp) => self.selected = (self.selected + count - 1) % count,
            Some(Action::ListPageDown) => self.top = (self.top + 8).min(self.diff().len().saturating_sub(1)),
            Some(Action::ListPageUp) => self.top = self.top.saturating_sub(8),
            Some(Action::Back) => return Outcome::Close,
            _ => {}
        }
        Outcome::Stay
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let charset = paint.look.charset;
        let most = self.plans.iter().map(|plan| plan.diff.len()).max().unwrap_or(0);
        let rows = most.max(1) + self.choices.len() + OTHER_ROWS;
        let area = centred(area, 86, u16::try_from(rows).unwrap_or(u16::MAX));
        let inside = window(paint, area, "Run again?");
        let lower = u16::try_from(self.choices.len() + 2).unwrap_or(u16::MAX);
        let diff = Rect { y: inside.y + 2.min(inside.height), height: inside.height.saturating_sub(2 + lower), ..inside };
        self.draw_plans(paint, inside, diff.height);
        if self.diff().is_empty() {
            paint.row(diff, 0).role("nothing is changed: the same pipeline, the same inputs", Role::Dim);
        }
        for (line, text) in (0..diff.height).zip(self.diff().iter().skip(self.top)) {
            text.draw(paint, diff, line);
        }
        let below = Rect { y: diff.bottom() + 1, height: inside.bottom().saturating_sub(diff.bottom() + 1), ..inside };
        let words = std::iter::once("No").chain(self.choices.iter().map(|(words, _)| words.as_str()));
        for (line, (at, words)) in (0..below.height).zip(words.enumerate()) {
            let chosen = at == self.selected;
            let pointer = if chosen { charset.arrow() } else { " " };
            paint.row(below, line).role(pointer, Role::Accent).gap(1).role(words, if chosen { Role::Accent } else { Role::Text });
            if chosen {
                let style = paint.style(Role::Selection);
                paint.shade(Rect { y: below.y + line, height: 1, ..below }, style);
            }
        }
    }

    /// The ways to run it, the chosen one in brackets, and how much of the difference is out of sight.
    fn draw_plans(&self, paint: &mut Paint<'_>, inside: Rect, height: u16) {
        let mut row = paint.row(inside, 0);
        let text = row.style(Role::Dim);
        let hidden = self.diff().len().saturating_sub(self.top + usize::from(height));
        if hidden > 0 {
            row.right(&[(&format!("{hidden} more lines, page down"), text)]);
        }
        for (at, plan) in self.plans.iter().enumerate() {
            if at == self.plan {
                row.role("[", Role::Accent).role(plan.name, Role::Accent).role("]", Role::Accent).gap(2);
            } else {
                row.role(plan.name, Role::Dim).gap(2);
            }
        }
        let note = self.note.as_deref().unwrap_or("A new run is made; this one stays as it is.");
        paint.row(inside, 1).role(note, if self.note.is_some() { Role::Warning } else { Role::Text });
    }
}
