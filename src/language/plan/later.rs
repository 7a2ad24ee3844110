//! What a value waits for.

use std::collections::BTreeSet;

use super::world::World;

/// Everything that keeps a value from being known now; nothing when it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    /// Stages it reads, by their index in the pipeline.
    pub stages: BTreeSet<usize>,
    /// It is another one for every item of a loop.
    pub per_item: bool,
    /// A clock, the run's id, the attempt's number.
    pub at_run_time: bool,
    /// `env.NAME` and `secrets.NAME`.
    pub outside: BTreeSet<String>,
}

impl Later {
    pub fn after(stage: usize) -> Self {
        Self { stages: BTreeSet::from([stage]), ..Self::default() }
    }

    pub fn per_item() -> Self {
        Self { per_item: true, ..Self::default() }
    }

    pub fn at_run_time() -> Self {
        Self { at_run_time: true, ..Self::default() }
    }

    pub fn outside(root: &str, name: &str) -> Self {
        Self { outside: BTreeSet::from([format!("{root}.{name}")]), ..Self::default() }
    }

    /// True when nothing is waited for.
    pub fn is_now(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, other: &Self) {
        self.stages.extend(&other.stages);
        self.per_item |= other.per_item;
        self.at_run_time |= other.at_run_time;
        self.outside.extend(other.outside.iter().cloned());
    }

    /// What stands for the value. It names what is known last; values from outside are named when nothing else is missing.
    pub fn marker(&self, world: &World<'_>) -> String {
        if self.per_item {
            "(known per item)".to_owned()
        } else if !self.stages.is_empty() {
            format!("(known after {})", world.last_of(&self.stages).join(", "))
        } else if self.at_run_time {
            "(known at run time)".to_owned()
        } else {
            format!("({})", self.outside.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
    }
}
