//! What every subcommand starts from: the workspace, its settings, and the way to an engine.

use std::path::PathBuf;

use super::Global;
use crate::client::{Client, ClientError, start};
use crate::config::{ConfigError, Overrides, Paths, Workspace};

/// The workspace this command works on.
#[derive(Debug, Clone)]
pub struct Context {
    pub workspace: Workspace,
    pub paths: Paths,
    pub read_only: bool,
}

impl Context {
    /// # Errors
    /// When the workspace file is not valid or no directory for state can be found.
    pub fn new(global: &Global) -> Result<Self, ConfigError> {
        let current = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let workspace = Workspace::find(global.workspace.as_deref(), &current)?;
        let paths = Paths::new(&workspace, &Overrides { state_dir: global.state_dir.clone() })?;
        Ok(Self { workspace, paths, read_only: global.read_only })
    }

    /// A client of an engine that is already there; nothing is started.
    pub fn client(&self) -> Result<Client, ClientError> {
        Client::new(&self.paths.socket())
    }

    /// A client of this workspace's engine, which is started when there is none.
    pub async fn engine(&self) -> Result<Client, ClientError> {
        start::connect_or_start(&self.engine_command(), &self.paths.socket()).await
    }

    /// How to start this workspace's engine.
    pub fn engine_command(&self) -> start::EngineCommand {
        start::EngineCommand {
            exe: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("flowdeck")),
            workspace: self.workspace.root().to_path_buf(),
            state_dir: self.paths.state_dir().to_path_buf(),
            log: self.paths.log_dir().join("engine.err"),
        }
    }
}
