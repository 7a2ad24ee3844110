//! The policy in force: what the workspace file said about access and environments when it was last right.
//!
//! The file is looked at for every decision, by its text and not by its time, so that no change is missed. A file that is
//! broken changes nothing: the last good policy stays in force, and what needs a policy that is surely current, the start
//! of something in a protected environment, is refused until the file is mended. A file that is gone is a policy, too: that
//! of a workspace without one. Must not know what is decided with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::EngineError;
use super::outside::invalid;
use crate::config::{ConfigError, File, Workspace, read_if_there};
use crate::model::Policy;

/// The policy at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    pub policy: Policy,
    /// Of the policy; what a decision was made under.
    pub hash: String,
    /// Why the file as it is now is not what is in force.
    pub broken: Option<String>,
}

/// From one policy to another; `old` is absent when an engine starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    pub old: Option<String>,
    pub new: String,
}

impl InForce {
    pub(super) fn of(policy: Policy) -> Self {
        Self { hash: policy.hash(), policy, broken: None }
    }

    /// The policy for something that may only begin under a policy that is surely the file's.
    ///
    /// # Errors
    /// `InvalidSettings` while the file is broken.
    pub fn surely(&self) -> Result<&Policy, EngineError> {
        match &self.broken {
            None => Ok(&self.policy),
            Some(report) => Err(EngineError::InvalidSettings(format!(
                "nothing starts in a protected environment until the workspace file is mended\n{report}"
            ))),
        }
    }
}

/// Keeps the policy in force and follows the file.
#[derive(Debug)]
pub struct Follower {
    workspace: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// The file's text when it was last looked at; `None` when it could not be read, or was never looked at.
    text: Option<String>,
    in_force: Arc<InForce>,
}

impl Follower {
    /// Takes the policy of the workspace file as it was read.
    pub fn of(workspace: &Workspace) -> Self {
        let in_force = InForce::of(workspace.file.policy());
        note(&PolicyChange { old: None, new: in_force.hash.clone() });
        Self { workspace: workspace.dir.clone(), known: Mutex::new(Known { text: None, in_force: Arc::new(in_force) }) }
    }

    /// The policy as the file says now, or the last good one.
    pub async fn current(&self) -> Arc<InForce> {
        let mut known = self.known.lock().await;
        let (workspace, last) = (self.workspace.clone(), known.text.clone());
        let looked = tokio::task::spawn_blocking(move || look(&workspace, last.as_deref())).await;
        let (text, read) = match looked {
            Ok(Look::Same) => return Arc::clone(&known.in_force),
            Ok(Look::New(text, read)) => (text, read),
            Err(error) => (None, Err(error.to_string())),
        };
        let next = match read {
            Ok(policy) => InForce::of(policy),
            Err(broken) => InForce { broken: Some(broken), ..InForce::clone(&known.in_force) },
        };
        known.text = text;
        if next.hash != known.in_force.hash {
            note(&PolicyChange { old: Some(known.in_force.hash.clone()), new: next.hash.clone() });
        }
        if let (Some(report), true) = (&next.broken, next.broken != known.in_force.broken) {
            tracing::error!("the workspace file is broken, the policy before it stays in force: {report}");
        }
        known.in_force = Arc::new(next);
        Arc::clone(&known.in_force)
    }
}

/// Every change of policy passes here; `policy_record` puts it on record before anything is decided under it.
fn note(change: &PolicyChange) {
    tracing::warn!(old = change.old.as_deref(), new = change.new, "another policy is in force");
}

enum Look {
    Same,
    /// The file's text, where it could be read, and what it says.
    New(Option<String>, Result<Policy, String>),
}

fn look(workspace: &Path, last: Option<&str>) -> Look {
    let path = Workspace::file_of(workspace);
    let text = match read_if_there(&path) {
        Ok(text) => text.unwrap_or_default(),
        Err(error) => return Look::New(None, Err(invalid(&error).to_string())),
    };
    if last == Some(text.as_str()) {
        return Look::Same;
    }
    match File::parse(&text, workspace) {
        Ok(file) => Look::New(Some(text), Ok(file.policy())),
        Err(problems) => {
            let error = ConfigError::Invalid { path, text: text.clone(), problems };
            Look::New(Some(text), Err(invalid(&error).to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Follower;
    use crate::config::Workspace;

    const PROTECTED: &str = "[environments.production]\nprotected = true\n";

    #[tokio::test]
    async fn the_file_is_followed_and_a_broken_one_changes_nothing_but_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("flowdeck.toml");
        fs::write(&file, PROTECTED).unwrap();
        let follower = Follower::of(&Workspace::load(dir.path()).unwrap());
        let first = follower.current().await;
        assert!(first.surely().unwrap().environment("production").protected);

        for broken in ["[environments.production]\nprotectd = true\n", "[environments", "[consle]\n"] {
            fs::write(&file, broken).unwrap();
            let now = follower.current().await;
            assert_eq!((&now.policy, &now.hash), (&first.policy, &first.hash), "the last good policy is in force");
            assert!(now.surely().unwrap_err().to_string().contains("flowdeck.toml:"), "{broken}");
        }
        // As long, and within the same moment: its time would not tell.
        fs::write(&file, PROTECTED.replace("true", "false")).unwrap();
        let open = follower.current().await;
        assert!(!open.surely().unwrap().environment("production").protected);
        assert_ne!(open.hash, first.hash);

        fs::remove_file(&file).unwrap();
        let none = follower.current().await;
        assert!(none.surely().unwrap().environments.is_empty() && none.hash != open.hash);
        fs::create_dir(&file).unwrap();
        assert!(follower.current().await.surely().is_err(), "a file that cannot be read is a broken one");
    }
}
