//! Names of things. A `RunId` sorts by creation time and is short enough to type at 3 a.m.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A run's name: seven base-32 digits of the second it was created in, a hyphen, five random ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// Builds an id from the creation time in milliseconds and any 25 random bits.
    pub fn new(at: super::Timestamp, random: u32) -> Self {
        let seconds = u64::try_from(at.as_millis() / 1000).unwrap_or(0);
        let digit = |value: u64| char::from(ALPHABET[usize::try_from(value % 32).unwrap_or(0)]);
        let time = (0..7).rev().map(|n| digit(seconds >> (5 * n)));
        let tail = (0..5).rev().map(|n| digit(u64::from(random) >> (5 * n)));
        Self(time.chain(['-']).chain(tail).collect::<String>().into())
    }

    /// Takes an id as a person or a database gave it. It is only a name: nothing is looked up.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The name of the `n`th run that a stage of this one starts, counted from 1.
    #[must_use]
    pub fn child(&self, n: usize) -> Self {
        Self(format!("{self}-{n}").into())
    }

    /// Whether a stage of that run, or of a run below it, started this one.
    pub fn is_below(&self, above: &Self) -> bool {
        self.0.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('-'))
    }

    /// The run so many levels above: what `child` added is taken away again.
    pub fn above(&self, levels: u32) -> Self {
        let mut name: &str = &self.0;
        for _ in 0..levels {
            name = name.rsplit_once('-').map_or(name, |(above, _)| above);
        }
        Self(name.into())
    }

    /// True when the text can be a directory name of ours: letters, digits and hyphens only.
    pub fn is_well_formed(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    }
}

/// A stage's name inside its pipeline, `^[A-Za-z0-9_-]+$`. An iteration of a loop appends its own path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StageId(Arc<str>);

impl StageId {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The name of this stage inside loops: `build[2][0]` is `build` for the first item of the third one's loop.
    #[must_use]
    pub fn inside(&self, path: &[usize]) -> Self {
        if path.is_empty() {
            return self.clone();
        }
        let mut text = String::from(self.written());
        for index in path {
            text.push_str(&format!("[{index}]"));
        }
        Self(text.into())
    }

    /// The stage as the document names it, without the places in loops.
    pub fn written(&self) -> &str {
        self.0.split('[').next().unwrap_or_default()
    }

    /// The places in loops as they are written, such as `[2][0]`; empty for a stage that is in none.
    pub fn places(&self) -> &str {
        &self.0[self.written().len()..]
    }

    /// True for a stage inside a loop.
    pub fn is_instance(&self) -> bool {
        self.0.ends_with(']')
    }

    /// The places in loops, outermost first.
    pub fn path(&self) -> Vec<usize> {
        self.0.split('[').skip(1).filter_map(|part| part.strip_suffix(']')?.parse().ok()).collect()
    }
}

/// A gate's name; the engine makes it from the run and the stage that wait there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GateId(Arc<str>);

/// A release's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(Arc<str>);

macro_rules! text_like {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
    };
}
text_like!(RunId);
text_like!(StageId);
text_like!(GateId);
text_like!(ReleaseId);

#[cfg(test)]
mod tests {
    use super::super::Timestamp;
    use super::RunId;

    #[test]
    fn run_ids_sort_by_the_second_they_were_created_in() {
        let early = RunId::new(Timestamp(1_700_000_000_000), u32::MAX);
        let late = RunId::new(Timestamp(1_700_000_001_000), 0);
        assert!(early < late, "{early} {late}");
        assert_eq!(early.as_str().len(), 13);
        assert!(early.is_well_formed());
    }
}
