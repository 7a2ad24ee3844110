//! The state of an enclosing stage while its inside is at work.

use serde_json::Value;

use crate::model::{StageError, Timestamp};
use crate::operators::{Foreach, TryCatch};

/// An enclosing stage at work.
#[derive(Debug)]
pub(super) enum Live {
    Loop(Loop),
    Guard(Guard),
}

/// Which stage of a list is at work: the `position`th of the `lane`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inside {
    /// The node of the enclosing stage.
    pub frame: usize,
    /// The item of a loop; 0 in a guard.
    pub lane: usize,
    pub position: usize,
}

#[derive(Debug)]
pub(super) struct Loop {
    pub plan: Foreach,
    /// The first item that has not been begun.
    pub next: usize,
    /// Items at work.
    pub live: usize,
    /// One result per item, in their order.
    pub results: Vec<Value>,
    pub processed: usize,
    pub failure: Option<StageError>,
    pub out_of_time: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Try,
    Catch,
    Finally,
}

#[derive(Debug)]
pub(super) struct Guard {
    pub plan: TryCatch,
    pub part: Part,
    /// Counts the tries, from 1.
    pub round: u32,
    /// True while a stage of the part is at work.
    pub live: bool,
    /// The failure of the tried stages.
    pub error: Option<StageError>,
    /// The failure that is raised in the end.
    pub raised: Option<StageError>,
    pub recovered: bool,
    /// The catching stages ran, and ran well.
    pub caught: bool,
    pub data: Value,
    pub out_of_time: bool,
    /// When the next try begins, while it is waited for.
    pub retry_at: Option<Timestamp>,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Self::Try => "try",
            Self::Catch => "catch",
            Self::Finally => "finally",
        }
    }

    pub fn from_name(name: &str) -> Self {
        match name {
            "catch" => Self::Catch,
            "finally" => Self::Finally,
            _ => Self::Try,
        }
    }
}

impl Loop {
    pub fn new(plan: Foreach) -> Self {
        let results = vec![Value::Null; if plan.collect { plan.items.len() } else { 0 }];
        Self { plan, next: 0, live: 0, results, processed: 0, failure: None, out_of_time: false }
    }

    /// Takes an item's result down; its failure ends the loop if that is wanted.
    pub fn end_item(&mut self, lane: usize, result: Value, failure: Option<StageError>) {
        self.processed += 1;
        if let Some(slot) = self.results.get_mut(lane) {
            *slot = match &failure {
                Some(error) => serde_json::json!({"success": false, "error": error}),
                None => result,
            };
        }
        if let Some(error) = failure.filter(|_| self.plan.break_on_error) {
            self.failure.get_or_insert(error);
        }
    }

    pub fn output(&self) -> Value {
        serde_json::json!({
            "total_items": self.plan.total,
            "processed_items": self.processed,
            "skipped_items": self.plan.total - self.plan.items.len(),
            "results": self.results,
            "is_complete": self.processed == self.plan.items.len(),
        })
    }
}

impl Guard {
    pub fn new(plan: TryCatch) -> Self {
        Self {
            plan,
            part: Part::Try,
            round: 1,
            live: false,
            error: None,
            raised: None,
            recovered: false,
            caught: false,
            data: Value::Null,
            out_of_time: false,
            retry_at: None,
        }
    }

    /// The stages of the part it is at.
    pub fn list(&self) -> &[crate::model::StageId] {
        match self.part {
            Part::Try => &self.plan.body,
            Part::Catch => &self.plan.catch,
            Part::Finally => &self.plan.finally,
        }
    }

    /// Whether the failure is one of those that are caught here.
    pub fn catches(&self, error: &StageError) -> bool {
        let fits = |wanted: &String| wanted.eq_ignore_ascii_case(error.kind.name()) || wanted == "*";
        self.plan.only.as_ref().is_none_or(|only| only.iter().any(fits))
    }

    pub fn output(&self) -> Value {
        let status = match (&self.error, self.recovered) {
            (None, _) => "success",
            (Some(_), true) => "recovered",
            (Some(_), false) => "failed",
        };
        serde_json::json!({
            "status": status,
            "error_occurred": self.error.is_some(),
            "error_message": self.error.as_ref().map(|error| &error.message),
            "error_type": self.error.as_ref().map(|error| error.kind.name()),
            "recovered": self.recovered,
            "data": self.data,
        })
    }
}
