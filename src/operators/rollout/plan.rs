//! What a rollout is going to do, all of it rendered: it is sent to the worker over standard input.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::operators::ask::Ask;
use crate::operators::names::Names;
use crate::process::Spec;

/// The whole rollout.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) course: Course,
    /// One per step of the course.
    pub(super) steps: Vec<Doings>,
    /// Moves traffic back to 0.
    pub(super) back: Action,
    /// What conditions may read besides the measurement.
    pub(super) names: Names,
    /// `[network] allow`; absent: any host.
    pub(super) allow: Option<Vec<String>>,
}

/// What there is to decide about, without what is done for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Course {
    /// `canary of api in production`.
    pub(super) title: String,
    pub(super) steps: Vec<Step>,
    pub(super) checks: Vec<Check>,
    /// A failure moves traffic back to 0.
    pub(super) rollback: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    /// Percent of traffic.
    pub(super) weight: u8,
    pub(super) bake: Duration,
    /// Whether the checks are made in it.
    pub(super) judged: bool,
}

/// What is measured, how often, and what it may come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) initial_delay: Duration,
    pub(super) interval: Duration,
    /// Absent: as many as fit into the bake time, at least one.
    pub(super) count: Option<u32>,
    pub(super) failures: u32,
    pub(super) consecutive_errors: u32,
    pub(super) inconclusive: u32,
    pub(super) success_if: Option<String>,
    pub(super) failure_if: Option<String>,
}

/// What is done in one step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Doings {
    pub(super) set: Action,
    /// One per check; none where the step is not judged.
    pub(super) probes: Vec<Probe>,
}

/// How traffic is moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Program(Spec),
    Request(Ask),
}

/// How one thing is measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Probe {
    Http(Ask),
    /// An instant query.
    Prometheus(Ask),
    Command(Spec),
}

impl Action {
    /// How long it may take.
    pub(super) fn limit(&self) -> Duration {
        Duration::from_millis(match self {
            Self::Program(spec) => spec.timeout_ms.unwrap_or_default(),
            Self::Request(ask) => ask.timeout_ms,
        })
    }
}
