//! Colours by meaning. Themes are data in `themes/*.toml`; code names a role, never a colour.

mod read;
mod reduce;
mod set;

use ratatui::style::Style;
#[cfg(test)]
pub(in crate::tui) use reduce::contrast;
pub use set::{Entry, Origin, SHIPPED, Themes};

use crate::model::{ReleaseVerdict, RunStatus, StageStatus};

macro_rules! roles {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role { $($variant),* }

        impl Role {
            /// Every role with its name in theme files.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $name)),*];
        }
    };
}

roles! {
    Text "text",
    Dim "dim",
    Border "border",
    Title "title",
    Accent "accent",
    Selection "selection",
    Key "key",
    Bar "bar",
    Success "success",
    Running "running",
    Failure "failure",
    Warning "warning",
    Waiting "waiting",
    Edge "edge",
    EdgeHot "edge-hot",
    Match "match",
    MatchCurrent "match-current",
    JsonKey "json-key",
    JsonString "json-string",
    JsonNumber "json-number",
    JsonWord "json-word",
}

/// A checked theme: every role has a style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    styles: Vec<Style>,
}

impl Default for Theme {
    fn default() -> Self {
        Self { name: "plain".to_owned(), styles: vec![Style::new(); Role::ALL.len()] }
    }
}

impl Theme {
    /// A shipped theme by name.
    ///
    /// # Errors
    /// Says that there is none of this name, with the nearest one.
    pub fn shipped(name: &str) -> Result<Self, String> {
        Themes::default().get(name).cloned()
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The style of a stage's status.
    pub fn stage(&self, status: StageStatus) -> Style {
        self.style(match status {
            StageStatus::Pending | StageStatus::Ready | StageStatus::Skipped => Role::Dim,
            StageStatus::WaitingApproval | StageStatus::Unknown => Role::Waiting,
            StageStatus::Running => Role::Running,
            StageStatus::Retrying | StageStatus::Cancelled => Role::Warning,
            StageStatus::Succeeded => Role::Success,
            StageStatus::Failed | StageStatus::TimedOut => Role::Failure,
        })
    }

    /// The style of what is known of a release.
    pub fn release(&self, verdict: ReleaseVerdict) -> Style {
        self.style(match verdict {
            ReleaseVerdict::Deploying => Role::Running,
            ReleaseVerdict::Baking => Role::Waiting,
            ReleaseVerdict::Stable => Role::Success,
            ReleaseVerdict::Bad => Role::Failure,
            ReleaseVerdict::Superseded => Role::Dim,
            ReleaseVerdict::RolledBack => Role::Warning,
        })
    }

    /// The style of a run's status.
    pub fn run(&self, status: RunStatus) -> Style {
        self.style(match status {
            RunStatus::Queued => Role::Dim,
            RunStatus::Running => Role::Running,
            RunStatus::Waiting => Role::Waiting,
            RunStatus::Cancelling | RunStatus::Cancelled => Role::Warning,
            RunStatus::Succeeded => Role::Success,
            RunStatus::Failed => Role::Failure,
        })
    }
}

#[cfg(test)]
mod tests;
