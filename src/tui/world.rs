//! What every screen may look at: the engine's last word on runs and services, the look, the keys, the time.

use super::action::Action;
use super::backend::Service;
use super::deployments::{Live, Spot};
use super::gates::Gates;
use super::history::History;
use super::keymap::Keymap;
use super::theme::Themes;
use super::widget::format::{self, Zone};
use super::widget::paint::Look;
use crate::model::{EngineStatus, GateId, RunId, RunStatus, RunSummary, Timestamp};

/// What an order is answered with in a console that gives none.
pub const READ_ONLY: &str = "this console is read-only";

/// The connection to the engine.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Link {
    #[default]
    Connecting,
    Connected(EngineStatus),
    Lost(String),
}

impl Link {
    /// Why nothing can be ordered over it now.
    pub fn trouble(&self) -> Option<&'static str> {
        match self {
            Self::Connecting => Some("the engine is still being asked: once more in a moment"),
            Self::Connected(_) => None,
            Self::Lost(_) => Some("the engine does not answer"),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct World {
    /// The time of the message being handled; drawing uses it too.
    pub now: Timestamp,
    pub look: Look,
    /// Where clocks are read.
    pub zone: Zone,
    /// Those that can be chosen.
    pub themes: Themes,
    pub keys: Keymap,
    pub link: Link,
    /// Newest first; `None` until the engine has answered.
    pub runs: Option<Vec<RunSummary>>,
    pub services: Option<Vec<Service>>,
    /// The pipelines of the workspace, as they were when the palette was opened last.
    pub pipelines: Vec<String>,
    /// What was seen of them before.
    pub history: History,
    /// What waits for people.
    pub gates: Gates,
    /// What is live where.
    pub deployments: Live,
    /// Counts what was heard of runs and gates: what was asked before may be old.
    pub news: u64,
    /// No order goes to the engine.
    pub read_only: bool,
    /// What the workspace is called.
    pub workspace: String,
    /// The run selected in lists, kept while screens change.
    pub selected_run: Option<RunId>,
    /// The gate selected among those that wait.
    pub selected_gate: Option<GateId>,
    /// The service selected among those that are live.
    pub selected_spot: Option<Spot>,
    /// The run looked at last.
    pub last_run: Option<RunId>,
}

impl World {
    /// Runs that have not ended, and those that have; both newest first.
    pub fn runs_by_life(&self) -> (Vec<&RunSummary>, Vec<&RunSummary>) {
        self.runs.iter().flatten().partition(|run| !run.status.is_final())
    }

    /// The run to look into when something is wrong: the selected one if it failed, else the one that failed last.
    pub fn failed_run(&self) -> Option<&RunSummary> {
        let failed = || self.runs.iter().flatten().filter(|run| run.status == RunStatus::Failed);
        failed().find(|run| self.selected_run.as_ref() == Some(&run.id)).or_else(|| failed().next())
    }

    /// True while a run in the lists has a duration that grows.
    pub fn has_running(&self) -> bool {
        self.runs.iter().flatten().any(|run| run.started_at.is_some() && !run.status.is_final())
    }

    /// A moment as the clock here shows it.
    pub fn clock(&self, at: Timestamp) -> String {
        format::clock(at, self.now, &self.zone)
    }

    /// The first key of an action, for sentences that name it.
    pub fn key(&self, action: Action) -> String {
        self.keys.keys(action).first().map_or_else(|| format!(":{}", action.facts().name), ToString::to_string)
    }
}
