//! What an enclosing stage (a loop, a guard) wants to have run inside it: plain data for the scheduler.

use std::time::Duration;

use serde_json::Value;

use crate::model::StageId;

/// The inside of an enclosing stage.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    Foreach(Foreach),
    TryCatch(TryCatch),
}

/// The body runs once per item, its stages in the listed order.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreach {
    /// The items that pass the filter, with their places in the list.
    pub items: Vec<(usize, Value)>,
    /// Items in the list, those left out included.
    pub total: usize,
    pub body: Vec<StageId>,
    /// How many items are worked on at a time; 1 is one after the other.
    pub at_once: usize,
    pub break_on_error: bool,
    pub item_name: String,
    pub index_name: String,
    pub collect: bool,
}

/// The body is tried; another list catches its failure; a third runs in any case.
#[derive(Debug, Clone, PartialEq)]
pub struct TryCatch {
    pub body: Vec<StageId>,
    pub catch: Vec<StageId>,
    pub finally: Vec<StageId>,
    /// A caught failure is raised again after `finally`.
    pub propagate: bool,
    /// A failure recovers even when nothing catches it.
    pub forgive: bool,
    /// The error types that are caught; all of them without it.
    pub only: Option<Vec<String>>,
    pub max_retries: u32,
    pub retry_delay: Duration,
}
