//! Where a stage stands inside a loop or a guard.

use serde::{Deserialize, Serialize};

use super::StageId;

/// The enclosing stage that runs this one, in which of its parts, and at which place of that part's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enclosure {
    pub stage: StageId,
    pub part: Part,
    pub position: u32,
}

/// The lists of stages that an enclosing stage has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Runs for every item.
    Loop,
    Try,
    Catch,
    Finally,
    /// What a deployment is made of.
    Step,
}

impl Part {
    pub const ALL: [Self; 5] = [Self::Loop, Self::Try, Self::Catch, Self::Finally, Self::Step];

    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Try => "try",
            Self::Catch => "catch",
            Self::Finally => "finally",
            Self::Step => "step",
        }
    }
}
