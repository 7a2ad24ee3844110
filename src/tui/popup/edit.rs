//! A text area for a run's inputs or a stage's config, checked while it is typed.

pub mod check;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use serde_json::Value;
use tui_textarea::TextArea;

use super::review::{Plan, Review};
use super::{Outcome, Popup, centred, start, window};
use crate::language::Format;
use crate::language::part::Part;
use crate::model::{Document, MASK, Run, StageId};
use crate::tui::action::Action;
use crate::tui::backend::{Papers, RerunFrom, Sheet};
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::diff;
use crate::tui::widget::paint::{Look, Paint};
use check::{Checked, Edited, Job, Remark, Subject};

/// Remarks shown at once.
const MOST_REMARKS: u16 = 4;

/// What the text is edited for.
#[derive(Debug, Clone)]
enum Aim {
    Rerun { papers: Box<Papers>, choices: Vec<(String, RerunFrom)> },
    Start(Box<Sheet>),
}

impl Aim {
    fn document(&self) -> &Document {
        match self {
            Self::Rerun { papers, .. } => &papers.pinned,
            Self::Start(sheet) => &sheet.document,
        }
    }
}

/// Something of a run, edited for a rerun, or the inputs of a first one.
#[derive(Debug, Clone)]
pub struct Edit {
    title: String,
    area: TextArea<'static>,
    subject: Subject,
    /// The text as it was.
    before: String,
    masked: bool,
    inputs: Value,
    aim: Aim,
    /// Counts the changes of the text.
    version: u64,
    /// The version that is being checked.
    asked: Option<u64>,
    checked: Checked,
    /// Somebody wants to go on as soon as the text as it is has been checked.
    wanted: bool,
}

impl Edit {
    /// The inputs of a run.
    pub fn inputs(run: &Run, papers: Papers, choices: Vec<(String, RerunFrom)>, look: &Look) -> Self {
        let inputs = if run.inputs.is_null() { Value::Object(serde_json::Map::new()) } else { run.inputs.clone() };
        let text = serde_json::to_string_pretty(&inputs).unwrap_or_default();
        let title = format!("Inputs of {}, for a new run", run.pipeline.name);
        let masked = text.contains(MASK);
        Self::new(title, Subject::Inputs, text, masked, inputs, Aim::Rerun { papers: Box::new(papers), choices }, look)
    }

    /// The inputs of a pipeline that is to be started.
    pub fn start(sheet: Sheet, inputs: Value, look: &Look) -> Self {
        let text = serde_json::to_string_pretty(&inputs).unwrap_or_default();
        let title = format!("Inputs of {}, to run it", sheet.name);
        Self::new(title, Subject::Inputs, text, false, inputs, Aim::Start(Box::new(sheet)), look)
    }

    /// The config of a stage as the pinned document has it; `None` when that has no such stage.
    pub fn config(run: &Run, stage: &StageId, papers: Papers, choices: Vec<(String, RerunFrom)>, look: &Look) -> Option<Self> {
        let format = Format::named(&papers.pinned.format);
        let part = Part::of_config(&papers.pinned.text, format, stage.written())?;
        let text = part.cut(&papers.pinned.text);
        let what = if part.is_stage { "Stage" } else { "Config of" };
        let title = format!("{what} {stage}, for a new run of {}", run.pipeline.name);
        // What the inspector shows may be pasted here.
        let attempts = run.stages.get(stage).map(|stage| stage.attempts.as_slice()).unwrap_or_default();
        let masked = text.contains(MASK) || attempts.iter().any(|attempt| attempt.config.to_string().contains(MASK));
        Some(Self::new(
            title,
            Subject::Config(part),
            text,
            masked,
            run.inputs.clone(),
            Aim::Rerun { papers: Box::new(papers), choices },
            look,
        ))
    }

    fn new(title: String, subject: Subject, text: String, masked: bool, inputs: Value, aim: Aim, look: &Look) -> Self {
        let mut area = TextArea::new(text.lines().map(str::to_owned).collect());
        area.set_style(look.style(Role::Text));
        area.set_cursor_line_style(look.style(Role::Text));
        area.set_selection_style(look.style(Role::Match));
        area.set_tab_length(2);
        let checked = Checked { version: 0, edited: None, remarks: Vec::new() };
        Self { title, area, subject, before: text, masked, inputs, aim, version: 1, asked: None, checked, wanted: false }
    }

    /// The question about the text as it is, unless one is on its way: then the next follows its answer.
    pub fn ask(&mut self) -> Option<Intent> {
        if self.asked.is_some() || self.checked.version == self.version {
            return None;
        }
        self.asked = Some(self.version);
        Some(Intent::Check(Box::new(Job {
            version: self.version,
            subject: self.subject.clone(),
            text: self.text(),
            document: self.aim.document().text.clone(),
            format: Format::named(&self.aim.document().format),
            masked: self.masked,
        })))
    }

    pub fn take(&mut self, checked: Checked) -> Outcome {
        if self.asked == Some(checked.version) {
            self.asked = None;
        }
        self.checked = checked;
        if self.wanted && self.is_current() {
            self.wanted = false;
            if let Some(edited) = self.checked.edited.clone() {
                return Outcome::Then(vec![Intent::Open(Box::new(self.next(edited)))]);
            }
        }
        Outcome::Do(self.ask().into_iter().collect())
    }

    fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    fn is_current(&self) -> bool {
        self.checked.version == self.version
    }

    pub fn key(&mut self, key: &KeyEvent, action: Option<Action>) -> Outcome {
        // Who goes on right after the last key does not have to press twice; whoever types further has not gone on.
        self.wanted = action == Some(Action::Save) && !self.is_current();
        if action == Some(Action::Save) {
            return match self.checked.edited.clone().filter(|_| self.is_current()) {
                Some(edited) => Outcome::Then(vec![Intent::Open(Box::new(self.next(edited)))]),
                None => Outcome::Stay,
            };
        }
        if self.area.input(*key) {
            self.version += 1;
        }
        Outcome::Do(self.ask().into_iter().collect())
    }

    pub fn paste(&mut self, text: &str) -> Outcome {
        self.area.insert_str(text);
        self.version += 1;
        Outcome::Do(self.ask().into_iter().collect())
    }

    /// The question that comes after the text.
    fn next(&self, edited: Edited) -> Popup {
        match (&self.aim, edited) {
            (Aim::Start(sheet), Edited::Inputs(inputs)) => Popup::Choose(start::question(sheet, &inputs)),
            (Aim::Start(sheet), Edited::Document(_)) => Popup::Choose(start::question(sheet, &self.inputs)),
            (Aim::Rerun { papers, choices }, edited) => Popup::Review(Box::new(self.review(papers, choices, edited))),
        }
    }

    fn review(&self, papers: &Papers, choices: &[(String, RerunFrom)], edited: Edited) -> Review {
        let (run, choices) = (papers.run.clone(), choices.to_vec());
        match edited {
            Edited::Inputs(inputs) => {
                let changes = diff::values(&self.inputs, &inputs);
                let (plans, note) = plans(papers, &changes);
                Review::new(run, plans, choices).with_inputs(inputs).noting(note)
            }
            Edited::Document(text) => {
                let diff = diff::texts(&papers.pinned.text, &text);
                let format = papers.pinned.format.clone();
                let document = (!diff.is_empty()).then_some(Document { text, format, included: None });
                Review::new(run, vec![Plan { name: "as edited here", document, diff }], choices)
            }
        }
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let remarks = u16::try_from(self.checked.remarks.len()).unwrap_or(MOST_REMARKS).min(MOST_REMARKS);
        let lines = u16::try_from(self.area.lines().len()).unwrap_or(u16::MAX);
        let area = centred(area, 90, lines.saturating_add(5 + MOST_REMARKS).max(14));
        let inside = window(paint, area, &self.title);
        let text = Rect { height: inside.height.saturating_sub(2 + remarks), ..inside };
        if text.height > 0 && text.width > 0 {
            (&self.area).render(text, paint.buffer);
        }
        let below = Rect { y: text.bottom() + 1, height: inside.bottom().saturating_sub(text.bottom() + 1), ..inside };
        self.draw_state(paint, below);
        let below = Rect { y: below.y + 1, height: below.height.saturating_sub(1), ..below };
        for (line, remark) in (0..below.height).zip(&self.checked.remarks) {
            draw_remark(paint, below, line, remark);
        }
    }

    fn draw_state(&self, paint: &mut Paint<'_>, below: Rect) {
        let mut row = paint.row(below, 0);
        if !self.is_current() {
            row.role("checking", Role::Dim);
            return;
        }
        match &self.checked.edited {
            Some(_) => row.role("valid", Role::Success).gap(2),
            None => row.role("not valid", Role::Failure).gap(2),
        };
        let changed = match &self.checked.edited {
            Some(Edited::Inputs(inputs)) => diff::values(&self.inputs, inputs).len(),
            Some(Edited::Document(_)) => diff::texts(&self.before, &self.text()).len(),
            None => return,
        };
        row.role(if changed > 0 { "changed" } else { "unchanged" }, Role::Warning);
    }
}

/// The ways to run with the pinned document and with its file, each with what is different, and what to know about the file.
pub fn plans(papers: &Papers, changes: &[diff::Line]) -> (Vec<Plan>, Option<String>) {
    let headed = |title: &str, lines: Vec<diff::Line>| {
        let heading = (!lines.is_empty()).then(|| diff::Line::heading(title));
        heading.into_iter().chain(lines).collect::<Vec<_>>()
    };
    let inputs = headed("inputs", changes.to_vec());
    let pinned = Plan { name: "as pinned", document: None, diff: inputs.clone() };
    match &papers.file {
        None => (vec![pinned], None),
        Some(Ok(file)) => {
            let changes = headed("pipeline, pinned to file", diff::texts(&papers.pinned.text, &file.text));
            let diff = inputs.into_iter().chain(changes).collect();
            let file = Plan { name: "as the file is now", document: Some(file.clone()), diff };
            (vec![pinned, file], Some("The file has changed since; tab chooses.".to_owned()))
        }
        Some(Err(why)) => (vec![pinned], Some(format!("The file has changed and cannot be used: {why}"))),
    }
}

fn draw_remark(paint: &mut Paint<'_>, below: Rect, line: u16, remark: &Remark) {
    let mut row = paint.row(below, line);
    let role = if remark.is_error { Role::Failure } else { Role::Warning };
    if let Some((line, column)) = remark.place {
        row.role(&format!("line {line} column {column}"), Role::Key).gap(1);
    }
    row.role(if remark.is_error { "" } else { "warning: " }, role).role(&remark.text, role);
}
