//! What is right and wrong with a text being edited. Pure, and done beside the loop: documents may be large.

use serde_json::Value;

use crate::language::part::Part;
use crate::language::{self, Format, inputs};
use crate::model::MASK;

/// What is edited.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// The run's inputs, as JSON.
    Inputs,
    /// A stage's part of the pinned document.
    Config(Part),
}

/// A text to check, as it was after some keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub version: u64,
    pub subject: Subject,
    pub text: String,
    /// The pinned document.
    pub document: String,
    pub format: Format,
    /// What was shown at first held masked values.
    pub masked: bool,
}

/// What the text comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Edited {
    Inputs(Value),
    Document(String),
}

/// The answer about one version of the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub version: u64,
    /// Without it the text cannot be used.
    pub edited: Option<Edited>,
    /// What is wrong, in the order of the text; warnings, too.
    pub remarks: Vec<Remark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Line and column of the text, from 1.
    pub place: Option<(usize, usize)>,
    pub is_error: bool,
    pub text: String,
}

impl Remark {
    fn error(place: Option<(usize, usize)>, text: impl Into<String>) -> Self {
        Self { place, is_error: true, text: text.into() }
    }
}

/// Remarks that are kept.
const MOST: usize = 20;

pub fn check(job: &Job) -> Checked {
    let (edited, mut remarks) = match &job.subject {
        Subject::Inputs => check_inputs(job),
        Subject::Config(part) => check_config(job, part),
    };
    if let (true, Some(remark)) = (job.masked, mask(&job.text)) {
        remarks.insert(0, remark);
    }
    let usable = !remarks.iter().any(|remark| remark.is_error);
    remarks.truncate(MOST);
    Checked { version: job.version, edited: edited.filter(|_| usable), remarks }
}

/// A masked value is not the value: running with it would only seem to work.
fn mask(text: &str) -> Option<Remark> {
    let at = text.find(MASK)?;
    let before = &text[..at];
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let why = format!("`{MASK}` stands for a hidden secret: put the value itself or {{{{ secrets.NAME }}}} in its place");
    Some(Remark::error(Some((before.matches('\n').count() + 1, column)), why))
}

fn check_inputs(job: &Job) -> (Option<Edited>, Vec<Remark>) {
    let given = match serde_json::from_str::<Value>(&job.text) {
        Ok(value @ Value::Object(_)) => value,
        Ok(_) => return (None, vec![Remark::error(None, "inputs are an object: { … }")]),
        Err(error) => {
            let text = error.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            return (None, vec![Remark::error(Some((error.line(), error.column().max(1))), text)]);
        }
    };
    let Some(pipeline) = language::load(&job.document, job.format).pipeline else {
        return (Some(Edited::Inputs(given)), Vec::new());
    };
    match inputs::check(&pipeline, given.clone()) {
        Ok(_) => (Some(Edited::Inputs(given)), Vec::new()),
        Err(problems) => {
            let remark = |problem: inputs::InputProblem| {
                let path = problem.path.trim_start_matches('/').replace('/', ".");
                let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
                Remark::error(None, format!("{place}{}", problem.message))
            };
            (None, problems.into_iter().map(remark).collect())
        }
    }
}

fn check_config(job: &Job, part: &Part) -> (Option<Edited>, Vec<Remark>) {
    let document = part.put(&job.document, &job.text);
    let loaded = language::load(&document, job.format);
    let remark = |problem: &language::Problem| {
        let place = part.place(&document, &job.text, problem.span.start);
        let elsewhere = if place.is_none() {
            let (line, column) = problem.position(&document);
            format!("elsewhere, at {line}:{column}: ")
        } else {
            String::new()
        };
        let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        Remark { place, is_error: problem.is_error(), text: format!("{elsewhere}{}{help}", problem.message) }
    };
    // Warnings about the rest of the document were there before.
    let matters = |remark: &Remark| remark.is_error || remark.place.is_some();
    let remarks = loaded.problems.iter().map(remark).filter(matters).collect();
    (loaded.pipeline.map(|_| Edited::Document(document)), remarks)
}

#[cfg(test)]
mod tests {
    use super::{Checked, Edited, Job, Subject, check};
    use crate::language::Format;
    use crate::language::part::Part;

    const DOCUMENT: &str = "id: p\ninput_schema: {type: object, required: [version], properties: {version: {type: string}}}\nstages:\n  - id: a\n    type: shell\n    config:\n      run: echo\n";

    fn checked(subject: Subject, text: &str, masked: bool) -> Checked {
        let (document, text) = (DOCUMENT.to_owned(), text.to_owned());
        check(&Job { version: 1, subject, text, document, format: Format::Yaml, masked })
    }

    fn config(text: &str, masked: bool) -> Checked {
        checked(Subject::Config(Part::of_config(DOCUMENT, Format::Yaml, "a").expect("a stage")), text, masked)
    }

    #[test]
    fn inputs_are_checked_against_the_schema_of_the_pinned_document() {
        let of = |text: &str| checked(Subject::Inputs, text, false);
        assert!(matches!(of("{\"version\": \"2\"}").edited, Some(Edited::Inputs(_))));
        let wrong = of("{\"version\": 2}");
        assert_eq!(wrong.edited, None);
        assert!(wrong.remarks[0].text.starts_with("version: "), "{:?}", wrong.remarks);
        let broken = of("{\n  \"version\" 2}");
        assert_eq!(broken.remarks[0].place.map(|place| place.0), Some(2));
    }

    #[test]
    fn a_config_is_checked_as_a_part_of_its_document() {
        let Some(Edited::Document(document)) = config("run: make\ncwd: web", false).edited else { panic!() };
        assert_eq!(document, DOCUMENT.replace("run: echo", "run: make\n      cwd: web"));
        let wrong = config("run: make\ncwd: [often]", false);
        assert_eq!(wrong.edited, None);
        assert_eq!(wrong.remarks[0].place, Some((2, 6)), "{:?}", wrong.remarks);
    }

    #[test]
    fn a_mask_is_never_taken_for_the_value() {
        let text = "run: send token=***";
        let refused = config(text, true);
        assert_eq!(refused.edited, None);
        assert!(refused.remarks[0].text.contains("hidden secret"), "{:?}", refused.remarks);
        assert_eq!(refused.remarks[0].place, Some((1, 17)));
        assert!(config(text, false).edited.is_some(), "three stars that were never a mask");
    }
}
