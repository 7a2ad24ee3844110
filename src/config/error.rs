//! What can be wrong with settings and places.

use std::path::{Path, PathBuf};

use super::problem::Problem;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file of settings is wrong; `config::report` shows each problem at its place.
    #[error("{} has {}", path.display(), counted(problems))]
    Invalid { path: PathBuf, text: String, problems: Vec<Problem> },
    /// An environment variable has a value that means nothing.
    #[error("the environment variable {name} is wrong: {detail}")]
    Variable { name: &'static str, detail: String },
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file that is no text, or too much of it.
    #[error("{}: {detail}", path.display())]
    Unreadable { path: PathBuf, detail: String },
    /// `--workspace` does not name a directory.
    #[error("{} is not a directory", path.display())]
    NoWorkspace { path: PathBuf },
    /// The system names no home directory, so there is no place for state.
    #[error("this user has no home directory: name a place for state with --state-dir")]
    NoHome,
    /// A directory that others could replace must not hold our socket.
    #[error("{} cannot hold the socket: {detail}", path.display())]
    UnsafeDirectory { path: PathBuf, detail: String },
    /// The members of `[engine] group` could not get to the socket.
    #[error("{} cannot be shared with the group: {detail}", path.display())]
    NotShared { path: PathBuf, detail: String },
    /// A run id that cannot be the name of a directory.
    #[error("{id:?} is not the name of a run")]
    NotARun { id: String },
    /// The lock of this state directory is held.
    #[error("an engine is already running here{}", if pid.is_empty() { String::new() } else { format!(" (process {pid})") })]
    EngineRuns { pid: String },
    /// A secret that cannot be read. Holds no value.
    #[error("the secret {name} cannot be read: {detail}")]
    NoSecret { name: String, detail: String },
    #[error("there is no pipeline {name:?}{}", hint(.near.as_deref(), known))]
    NoPipeline { name: String, near: Option<String>, known: Vec<String> },
    #[error("{} holds tests of a pipeline: `flowdeck test` runs them", path.display())]
    TestFile { path: PathBuf },
    #[error("{name:?} may be {}: name the file", found.join(" or "))]
    AmbiguousPipeline { name: String, found: Vec<String> },
}

impl ConfigError {
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

fn counted(problems: &[Problem]) -> String {
    match problems {
        [one] => format!("a problem in line {}: {}", one.line, one.message),
        [first, rest @ ..] => format!("{} problems, first in line {}: {}", rest.len() + 1, first.line, first.message),
        [] => "a problem".to_owned(),
    }
}

fn hint(near: Option<&str>, known: &[String]) -> String {
    const SHOWN: usize = 8;
    match (near, known) {
        (Some(near), _) => format!(": did you mean {near:?}?"),
        (None, []) => ": the workspace has no pipelines/".to_owned(),
        (None, known) if known.len() > SHOWN => {
            format!(": there are {} and {} more", known[..SHOWN].join(", "), known.len() - SHOWN)
        }
        (None, known) => format!(": there are {}", known.join(", ")),
    }
}
