//! What a rollout leaves behind: its measurements, and what it came to.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::super::plan::Course;
use super::super::reading::Reading;
use crate::language::template::to_text;
use crate::model::Timestamp;
use crate::policy::analysis::{Outcome, Verdict};

/// Measurements of one check that are kept, the newest.
const KEPT: usize = 20;

/// What ended the rollout.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::operators::rollout) struct Finding {
    pub(in crate::operators::rollout) verdict: Verdict,
    /// A sentence, lower case.
    pub(in crate::operators::rollout) message: String,
    details: Value,
}

/// What there is to tell.
#[derive(Debug)]
pub(in crate::operators::rollout) struct Record {
    pub(super) weight: Option<u8>,
    pub(super) steps_done: usize,
    pub(super) rolled_back: bool,
    pub(super) stopped: bool,
    steps_total: usize,
    finding: Option<Finding>,
    checks: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    name: String,
    verdict: Option<Verdict>,
    measurements: VecDeque<Value>,
    message: Option<String>,
}

impl Finding {
    pub(super) fn success() -> Self {
        Self { verdict: Verdict::Successful, message: "every step was good".to_owned(), details: Value::Null }
    }

    pub(super) fn of_move(weight: u8, why: &str) -> Self {
        let message = format!("traffic could not be moved to {weight} %: {why}");
        Self { verdict: Verdict::Failed, message, details: json!({"weight": weight}) }
    }

    pub(super) fn of_analysis(name: &str, weight: u8, verdict: Verdict, reading: &Reading) -> Self {
        let what = match verdict {
            Verdict::Failed => "failed",
            Verdict::Error => "could not be measured",
            Verdict::Inconclusive | Verdict::Successful => "is inconclusive",
        };
        let value = if reading.value.is_null() { String::new() } else { format!("{}; ", to_text(&reading.value)) };
        let why = reading.why.as_deref().unwrap_or("too few measurements were a success");
        let message = format!("the analysis `{name}` {what} at {weight} %: {value}{why}");
        Self { verdict, message, details: json!({"analysis": name, "value": reading.value, "condition": reading.why}) }
    }
}

impl Record {
    pub(super) fn new(course: &Course) -> Self {
        let kept = |name: &String| Kept { name: name.clone(), verdict: None, measurements: VecDeque::new(), message: None };
        Self {
            weight: None,
            steps_done: 0,
            rolled_back: false,
            stopped: false,
            steps_total: course.steps.len(),
            finding: None,
            checks: course.checks.iter().map(|check| kept(&check.name)).collect(),
        }
    }

    /// The first finding counts.
    pub(super) fn find(&mut self, finding: Finding) {
        self.finding.get_or_insert(finding);
    }

    /// Traffic was to go back and did not.
    pub(super) fn stranded(&mut self, why: &str) {
        self.weight = None;
        if let Some(finding) = &mut self.finding {
            finding.message.push_str(&format!("; and traffic could not be moved back: {why}"));
        }
    }

    pub(super) fn measured(&mut self, check: usize, weight: u8, reading: &Reading, verdict: Option<Verdict>, at: Timestamp) {
        let Some(kept) = self.checks.get_mut(check) else { return };
        if kept.measurements.len() == KEPT {
            kept.measurements.pop_front();
        }
        kept.measurements
            .push_back(json!({"at": at, "weight": weight, "outcome": outcome_name(reading.outcome), "value": reading.value}));
        (kept.verdict, kept.message) = (verdict, reading.why.clone());
    }

    /// The fields of the stage's output, and under `finding` what its error is made of.
    pub(in crate::operators::rollout) fn to_json(&self) -> Value {
        let checks: Vec<Value> = self.checks.iter().map(Kept::to_json).collect();
        let finding = self.finding.as_ref();
        json!({
            "verdict": finding.map(|finding| verdict_name(finding.verdict)),
            "weight": self.weight,
            "steps_done": self.steps_done,
            "steps_total": self.steps_total,
            "rolled_back": self.rolled_back,
            "analysis": checks,
            "finding": finding.map(|finding| json!({"message": finding.message, "details": finding.details})),
        })
    }
}

impl Kept {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "verdict": self.verdict.map(verdict_name),
            "measurements": self.measurements,
            "message": self.message,
        })
    }
}

/// One measurement, as a line of the log.
pub(super) fn told(name: &str, reading: &Reading, made: u32, count: u32) -> String {
    let value = if reading.value.is_null() { "nothing".to_owned() } else { to_text(&reading.value) };
    let why = reading.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
    let word = match reading.outcome {
        Outcome::Success => "good",
        Outcome::Failure => "bad",
        Outcome::Inconclusive => "neither good nor bad",
        Outcome::Error => return format!("{name}: could not be measured{why}"),
    };
    format!("{name}: {value}, {word}{why}, {made} of {count}")
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Error => "error",
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Successful => "successful",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Error => "error",
    }
}
