//! Where everything of ours lies on disk, for one workspace.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::{ConfigError, Host};
use crate::model::RunId;

/// Systems allow 104 to 108 bytes for the path of a socket; this leaves room for a temporary suffix.
const LONGEST_SOCKET: usize = 100;

/// The places of one workspace. Nothing here creates files, except the two `prepare` functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    workspace: PathBuf,
    state: PathBuf,
    /// The state directory was named by the user, so it may be somebody else's.
    named: bool,
    /// For what this user's own processes keep when the state is somebody else's.
    aside: PathBuf,
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
        let named = state_dir.or(host.state_dir.as_deref());
        let state = match named {
            Some(dir) => settled(dir)?,
            None => settled(&host.data_dir)?.join("flowdeck/workspaces").join(folder(&workspace)),
        };
        let socket = socket(&state, host);
        let aside = host.data_dir.join("flowdeck/elsewhere").join(folder(&state));
        let config = host.config_dir.join("flowdeck");
        Ok(Self { workspace, state, named: named.is_some(), aside, socket, config, uid: host.uid })
    }

    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Everything an engine keeps: the store, runs, logs, the lock.
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// What this user's own processes keep beside the engine: their log, the places of consoles, copies. In the state
    /// directory, unless that is somebody else's.
    pub fn own_dir(&self) -> &Path {
        if self.other_owner().is_some() { &self.aside } else { &self.state }
    }

    /// The user whose state directory this is, if it was named and belongs to somebody else. Only they start engines there.
    pub fn other_owner(&self) -> Option<u32> {
        let owner = fs::metadata(&self.state).ok().filter(|_| self.named)?.uid();
        (owner != self.uid).then_some(owner)
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

    /// Makes the state directory and those in it, for the engine's user alone, and the socket's directory. With a group,
    /// its members may pass through the state directory to the socket, and see nothing else of it.
    ///
    /// # Errors
    /// `Io` when a directory cannot be made, `UnsafeDirectory` when it is not the engine's own, `NotShared` when the group
    /// could not get to the socket.
    pub fn prepare(&self, group: Option<u32>) -> Result<(), ConfigError> {
        for dir in [&self.state, &self.runs_dir(), &self.log_dir()] {
            make_private(dir)?;
            self.check_own(dir)?;
        }
        self.prepare_own_socket_dir()?;
        self.share(group)
    }

    /// Makes sure that only who is meant can have put a socket where the engine's belongs; makes its directory when it is
    /// this user's. A client calls this before it connects.
    ///
    /// # Errors
    /// `UnsafeDirectory` when somebody could have put a socket of theirs there.
    pub fn prepare_socket_dir(&self) -> Result<(), ConfigError> {
        match self.other_owner() {
            Some(owner) => guarded(&self.state, [0, self.uid, owner]),
            None => self.prepare_own_socket_dir(),
        }
    }

    fn prepare_own_socket_dir(&self) -> Result<(), ConfigError> {
        let dir = self.socket.parent().unwrap_or(&self.state);
        make_private(dir)?;
        self.check_own(dir)?;
        let found = fs::symlink_metadata(dir).map_err(|error| ConfigError::io("read", dir, error))?;
        if found.mode() & 0o022 != 0 {
            return Err(unsafe_dir(dir, "others may write into it (chmod go-w mends that)"));
        }
        Ok(())
    }

    fn check_own(&self, dir: &Path) -> Result<(), ConfigError> {
        let found = fs::symlink_metadata(dir).map_err(|error| ConfigError::io("read", dir, error))?;
        if !found.is_dir() {
            return Err(unsafe_dir(dir, "it is not a directory"));
        }
        if found.uid() != self.uid {
            return Err(unsafe_dir(dir, &format!("it belongs to the user with id {}", found.uid())));
        }
        Ok(())
    }

    /// Opens the way to the socket for a group, or closes the one that was open for another.
    fn share(&self, group: Option<u32>) -> Result<(), ConfigError> {
        let restrict = |dir: &Path, mode: u32| {
            fs::set_permissions(dir, Permissions::from_mode(mode)).map_err(|error| ConfigError::io("restrict", dir, error))
        };
        for dir in [&self.runs_dir(), &self.log_dir()] {
            restrict(dir, 0o700)?;
        }
        let refused = |detail: String| ConfigError::NotShared { path: self.state.clone(), detail };
        let Some(group) = group else {
            let found = fs::metadata(&self.state).map_err(|error| ConfigError::io("read", &self.state, error))?;
            return if found.mode() & 0o777 == SHARED { restrict(&self.state, 0o700) } else { Ok(()) };
        };
        if self.socket.parent() != Some(&self.state) {
            return Err(refused(format!("its path is longer than the {LONGEST_SOCKET} bytes that a socket's may have")));
        }
        // Closed while it changes hands: what the old group was allowed is not for the new one.
        restrict(&self.state, 0o700)?;
        std::os::unix::fs::chown(&self.state, None, Some(group))
            .map_err(|error| refused(format!("{error}; the engine's user must be a member of the group")))?;
        restrict(&self.state, SHARED)
    }
}

/// The mode of a state directory that a group may pass through.
const SHARED: u32 = 0o710;

fn unsafe_dir(path: &Path, detail: &str) -> ConfigError {
    ConfigError::UnsafeDirectory { path: path.to_owned(), detail: detail.to_owned() }
}

/// Whether nobody but these users can have put the directory, or anything in it, where it is.
fn guarded(dir: &Path, trusted: [u32; 3]) -> Result<(), ConfigError> {
    for (above, place) in dir.ancestors().enumerate() {
        let found = fs::symlink_metadata(place).map_err(|error| ConfigError::io("read", place, error))?;
        if !trusted.contains(&found.uid()) {
            return Err(unsafe_dir(dir, &format!("{} belongs to the user with id {}", place.display(), found.uid())));
        }
        let sticky = above > 0 && found.mode() & 0o1000 != 0;
        if found.mode() & 0o022 != 0 && !sticky {
            return Err(unsafe_dir(dir, &format!("others may write into {}", place.display())));
        }
    }
    Ok(())
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
