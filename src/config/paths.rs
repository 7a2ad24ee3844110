//! Where everything of ours lies on disk, for one workspace.

use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::{ConfigError, Host};
use crate::model::RunId;

/// Systems allow 104 to 108 bytes for the path of a socket; this leaves room for a temporary suffix.
const LONGEST_SOCKET: usize = 100;

/// The places of one workspace. Nothing here creates or reads files, except the two `prepare` functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    workspace: PathBuf,
    state: PathBuf,
    socket: PathBuf,
    config: PathBuf,
    uid: u32,
}

impl Paths {
    /// Places for a workspace; `state_dir` is the flag, which beats the variable, which beats the platform's directory.
    ///
    /// # Errors
    /// When the current directory is needed and cannot be read.
    pub fn new(workspace: &Path, state_dir: Option<&Path>, host: &Host) -> Result<Self, ConfigError> {
        let workspace = settled(workspace)?;
        let state = match state_dir.or(host.state_dir.as_deref()) {
            Some(dir) => settled(dir)?,
            None => settled(&host.data_dir)?.join("flowdeck/workspaces").join(folder(&workspace)),
        };
        let socket = socket(&state, host);
        Ok(Self { workspace, state, socket, config: host.config_dir.join("flowdeck"), uid: host.uid })
    }

    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Everything an engine keeps: the store, runs, logs, the lock.
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// The engine's Unix socket, short enough for every system.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The user that this process runs as.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Held by the engine while it lives.
    pub fn engine_lock(&self) -> PathBuf {
        self.state.join("engine.lock")
    }

    pub fn runs_dir(&self) -> PathBuf {
        self.state.join("runs")
    }

    /// A run's own directory.
    ///
    /// # Errors
    /// `NotARun` for an id that would lead somewhere else.
    pub fn run_dir(&self, run: &RunId) -> Result<PathBuf, ConfigError> {
        if !run.is_well_formed() {
            return Err(ConfigError::NotARun { id: run.to_string() });
        }
        Ok(self.runs_dir().join(run.as_str()))
    }

    /// What our own processes have to say.
    pub fn log_dir(&self) -> PathBuf {
        self.state.join("log")
    }

    /// The user's own settings.
    pub fn config_dir(&self) -> &Path {
        &self.config
    }

    /// The user's themes, `NAME.toml` each.
    pub fn themes_dir(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// The user's keys.
    pub fn keys_file(&self) -> PathBuf {
        self.config.join("keys.toml")
    }

    /// Makes the state directory and those in it, for the engine's user alone, and the socket's directory.
    ///
    /// # Errors
    /// `Io` when a directory cannot be made, `UnsafeDirectory` as `prepare_socket_dir`.
    pub fn prepare(&self) -> Result<(), ConfigError> {
        for dir in [&self.state, &self.runs_dir(), &self.log_dir()] {
            make_private(dir)?;
        }
        self.prepare_socket_dir()
    }

    /// Makes the socket's directory, and makes sure that nobody else can put a socket of theirs there. A client calls
    /// this before it connects, an engine before it listens.
    ///
    /// # Errors
    /// `UnsafeDirectory` when the directory belongs to, or can be written by, somebody else.
    pub fn prepare_socket_dir(&self) -> Result<(), ConfigError> {
        let dir = self.socket.parent().unwrap_or(&self.state);
        make_private(dir)?;
        let found = fs::symlink_metadata(dir).map_err(|error| ConfigError::io("read", dir, error))?;
        let refuse = |detail: &str| Err(ConfigError::UnsafeDirectory { path: dir.to_owned(), detail: detail.to_owned() });
        if !found.is_dir() {
            return refuse("it is not a directory");
        }
        if found.uid() != self.uid {
            return refuse(&format!("it belongs to the user with id {}", found.uid()));
        }
        if found.mode() & 0o022 != 0 {
            return refuse("others may write into it (chmod go-w mends that)");
        }
        Ok(())
    }
}

fn make_private(dir: &Path) -> Result<(), ConfigError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| ConfigError::io("create", dir, error))
}

/// The absolute path with links resolved as far as it exists, so that one place has one spelling.
fn settled(path: &Path) -> Result<PathBuf, ConfigError> {
    let absolute = std::path::absolute(path).map_err(|error| ConfigError::io("find", path, error))?;
    for ancestor in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), absolute.strip_prefix(ancestor)) {
            return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
        }
    }
    Ok(absolute)
}

/// `1f2e3d4c5b-api`: unique by the hash, readable by the name.
fn folder(workspace: &Path) -> String {
    let name = workspace.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy());
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = name.chars().map(plain).take(40).collect();
    format!("{}-{name}", hash(workspace, 5))
}

/// The first bytes of the SHA-256 of a path, in hex.
fn hash(path: &Path, bytes: usize) -> String {
    let sum = digest::digest(&digest::SHA256, path.as_os_str().as_bytes());
    sum.as_ref().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

fn socket(state: &Path, host: &Host) -> PathBuf {
    let beside = state.join("engine.sock");
    let fits = |path: &PathBuf| path.as_os_str().len() <= LONGEST_SOCKET;
    if fits(&beside) {
        return beside;
    }
    let name = format!("{}.sock", hash(state, 8));
    let in_runtime = host.runtime_dir.as_ref().map(|dir| dir.join("flowdeck").join(&name));
    in_runtime.filter(fits).unwrap_or_else(|| host.temporary_dir.join(format!("flowdeck-{}", host.uid)).join(name))
}

#[cfg(test)]
pub(super) mod tests;
