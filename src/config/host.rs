//! What the system says about this user: standard directories and our environment variables.

use std::ffi::OsString;
use std::path::PathBuf;

use super::ConfigError;

/// The surroundings of a process, read once at its edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The platform's data directory.
    pub data_dir: PathBuf,
    /// The platform's directory for the user's settings.
    pub config_dir: PathBuf,
    /// `XDG_RUNTIME_DIR`, where there is one.
    pub runtime_dir: Option<PathBuf>,
    /// For sockets when there is no runtime directory.
    pub temporary_dir: PathBuf,
    pub uid: u32,
    /// `FLOWDECK_STATE_DIR`.
    pub state_dir: Option<PathBuf>,
    /// `FLOWDECK_IDLE_TIMEOUT`, `FLOWDECK_MAX_CONCURRENCY`, `FLOWDECK_THEME`.
    pub idle_timeout: Option<String>,
    pub max_concurrency: Option<String>,
    pub theme: Option<String>,
}

impl Host {
    /// Asks the system.
    ///
    /// # Errors
    /// `NoHome` when nobody says where this user's files live and no state directory is named either.
    pub fn of_process() -> Result<Self, ConfigError> {
        let state_dir = std::env::var_os("FLOWDECK_STATE_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
        let uid = rustix::process::geteuid().as_raw();
        let temporary_dir = PathBuf::from("/tmp");
        let homeless = || temporary_dir.join(format!("flowdeck-{uid}"));
        let (data_dir, config_dir, runtime_dir) = match directories::BaseDirs::new() {
            Some(dirs) => (dirs.data_dir().to_owned(), dirs.config_dir().to_owned(), dirs.runtime_dir().map(PathBuf::from)),
            None if state_dir.is_some() => (homeless(), homeless(), None),
            None => return Err(ConfigError::NoHome),
        };
        Ok(Self {
            data_dir,
            config_dir,
            runtime_dir,
            temporary_dir,
            uid,
            state_dir,
            idle_timeout: variable("FLOWDECK_IDLE_TIMEOUT")?,
            max_concurrency: variable("FLOWDECK_MAX_CONCURRENCY")?,
            theme: variable("FLOWDECK_THEME")?,
        })
    }
}

/// An empty variable counts as absent.
fn variable(name: &'static str) -> Result<Option<String>, ConfigError> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let not_text = |_: OsString| ConfigError::Variable { name, detail: "it is not valid UTF-8".to_owned() };
    value.into_string().map(Some).map_err(not_text)
}
