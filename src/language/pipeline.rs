//! A checked pipeline: whatever holds one may trust it.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::time::Duration;

use serde_json::Value;

use super::component::Component;
use super::enclosure::enclosure;
use super::json_schema::Compiled;
use super::stage_ids::StageIds;
use crate::model::{StageId, StageOutline};

/// A pipeline whose every rule has been checked: ids are unique, dependencies exist, there is no cycle.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub id: String,
    pub name: String,
    pub version: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub tags: Vec<String>,
    /// `metadata`, `difficulty`, `use_cases` and `is_template`, as written.
    pub metadata: Value,
    pub input_schema: Option<Value>,
    pub output_schema: Option<Value>,
    /// In the order of the document.
    pub stages: Vec<StageSpec>,
    pub output_stage: Option<StageId>,
    /// Used only when asked for.
    pub sample_input: Option<Value>,
    pub environment: Option<String>,
    pub concurrency_group: Option<String>,
    /// What starts it by itself, as written under `on`.
    pub triggers: Option<Value>,
    pub max_concurrency: Option<usize>,
    pub timeout: Option<Duration>,
    pub strict_templates: bool,
    /// SHA-256 of the text, lower-case hex.
    pub hash: String,
    pub(super) compiled_inputs: Option<Compiled>,
    pub(super) compiled_output: Option<Compiled>,
    pub(super) names: Names,
    pub(super) index: HashMap<StageId, usize>,
    pub(super) ids: StageIds,
}

/// One stage as written, with defaults applied and spellings unified.
#[derive(Debug, Clone, PartialEq)]
pub struct StageSpec {
    pub id: StageId,
    pub name: Option<String>,
    pub description: Option<String>,
    pub component: Component,
    /// An object: `config` merged over `input_mapping`, templates as written.
    pub config: Value,
    /// As written, without repetitions.
    pub depends_on: Vec<StageId>,
    /// Control-flow stages that list this one.
    pub owners: Vec<StageId>,
    /// Stages that only come first, whatever becomes of them: what it reads without depending on it, and what a stage
    /// inside it needs from outside.
    pub waits_for: Vec<StageId>,
    /// Stages whose output or state its templates and conditions read; a filter gate lets such readers run.
    pub reads: Vec<StageId>,
    /// A budget over all attempts.
    pub timeout: Option<Duration>,
    pub retry: Retry,
    pub on_error: OnError,
    pub fallback_output: Option<Value>,
    /// A condition text.
    pub when: Option<String>,
    pub environment: Option<String>,
    pub idempotent: Option<bool>,
    pub on_unknown: OnUnknown,
    pub max_concurrency: Option<usize>,
    pub enabled: bool,
    /// Stages that undo this one when the run does not succeed.
    pub compensate: Vec<StageId>,
    /// The stage that this one undoes. It is reserved for that and never runs by itself, whatever it depends on.
    pub undoes: Option<StageId>,
    pub produces: Option<Value>,
    /// Where the stage stands in the text, in bytes.
    pub span: Range<usize>,
}

/// When a failed attempt is followed by another.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Retry {
    #[default]
    Never,
    /// `retry_config`: growing delays with full jitter, only for errors that may pass.
    Backoff { max_retries: u32, initial: Duration, multiplier: f64, max: Duration },
    /// `error_handling: retry`: the same delay each time, any failure, and an HTTP status of 400 and above counts as one.
    Fixed {
        max_retries: u32,
        delay: Duration,
        /// An expression over the output.
        until: Option<String>,
    },
}

impl Retry {
    /// Attempts after the first.
    pub fn max_retries(&self) -> u32 {
        match self {
            Self::Never => 0,
            Self::Backoff { max_retries, .. } | Self::Fixed { max_retries, .. } => *max_retries,
        }
    }
}

/// What a failed stage does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnError {
    #[default]
    Propagate,
    Continue,
}

/// What becomes of an interrupted attempt whose end nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnUnknown {
    #[default]
    Ask,
    Retry,
    Fail,
}

/// Names of what a pipeline reads from outside; each list is sorted and without repetitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// `env.X`, `env.get("X")` and `env_or("X", …)`.
    pub env: Vec<String>,
    pub secrets: Vec<String>,
    /// The part of `env` that must be there: it is read without a default somewhere.
    pub required_env: Vec<String>,
}

impl Names {
    /// All of them as a run's values are named: `env.X` and `secrets.X`.
    pub fn qualified(&self) -> Vec<String> {
        let env = self.env.iter().map(|name| format!("env.{name}"));
        env.chain(self.secrets.iter().map(|name| format!("secrets.{name}"))).collect()
    }

    pub(super) fn of(env: BTreeSet<String>, required_env: BTreeSet<String>, secrets: BTreeSet<String>) -> Self {
        let list = |set: BTreeSet<String>| set.into_iter().collect();
        Self { env: list(env), required_env: list(required_env), secrets: list(secrets) }
    }
}

impl Pipeline {
    pub fn stage(&self, id: &str) -> Option<&StageSpec> {
        self.index_of(id).map(|at| &self.stages[at])
    }

    /// The place of a stage in `stages`.
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The ids, for whoever provides a scope.
    pub fn stage_ids(&self) -> &StageIds {
        &self.ids
    }

    /// The stages as the graph shows them; `depends_on` includes owners.
    pub fn outlines(&self) -> Vec<StageOutline> {
        let outline = |stage: &StageSpec| StageOutline {
            id: stage.id.clone(),
            name: stage.name.clone(),
            component: stage.component.name().to_owned(),
            depends_on: stage.dependencies().cloned().collect(),
            enclosure: enclosure(self, stage),
            undoes: stage.undoes.clone(),
        };
        self.stages.iter().map(outline).collect()
    }

    /// Every environment value and secret that a template or condition names.
    pub fn environment_names(&self) -> Names {
        self.names.clone()
    }
}

impl StageSpec {
    /// What must have ended before: written dependencies, then owners and what it undoes, each once, then what is only
    /// waited for.
    pub fn dependencies(&self) -> impl Iterator<Item = &StageId> {
        let owners = self.owners.iter().chain(&self.undoes).filter(|owner| !self.depends_on.contains(owner));
        self.depends_on.iter().chain(owners).chain(&self.waits_for)
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// True when both say the same, wherever they stand in their texts.
    pub fn is_same_work(&self, other: &Self) -> bool {
        *self == Self { span: self.span.clone(), ..other.clone() }
    }
}
