//! What every subcommand starts from: the workspace, its settings, and the way to an engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Global, Handoff, complain, exit};
use crate::accounts;
use crate::client::{Client, ClientError, start};
use crate::config::{self, ConfigError, EngineLock, Flags, Host, Paths, Settings, Workspace};
use crate::language::support::Runs;

/// How long an older engine may take to stop.
const HANDOVER: Duration = Duration::from_secs(10);

/// The workspace this command works on.
#[derive(Debug, Clone)]
pub struct Context {
    pub workspace: Workspace,
    pub settings: Settings,
    pub paths: Paths,
    pub cwd: PathBuf,
    pub read_only: bool,
    /// Which components this build can run.
    pub runs: Runs,
}

impl Context {
    /// # Errors
    /// When the workspace file is not valid or no directory for state can be found.
    pub fn new(global: &Global, runs: Runs) -> Result<Self, ConfigError> {
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let dir = Workspace::find(global.workspace.as_deref(), &cwd)?;
        let workspace = Workspace::load(&dir)?;
        let host = Host::of_process()?;
        let settings = Settings::decide(&Flags::default(), &host, &workspace.file)?;
        let paths = Paths::new(&workspace.dir, global.state_dir.as_deref(), &host)?;
        Ok(Self { workspace, settings, paths, cwd, read_only: global.read_only, runs })
    }

    /// The workspace's directory.
    pub fn root(&self) -> &Path {
        self.paths.workspace()
    }

    /// A client of an engine that is already there; nothing is started.
    pub fn client(&self) -> Result<Client, ClientError> {
        self.safe_socket()?;
        Client::new(self.paths.socket())
    }

    /// A client of this workspace's engine, which is started when there is none.
    pub async fn engine(&self) -> Result<Client, ClientError> {
        self.safe_socket()?;
        // Somebody else's engine is theirs to replace.
        if self.paths.other_owner().is_none()
            && let Some(version) = start::older_engine(self.paths.state_dir())
        {
            self.take_over(&version).await;
        }
        start::connect_or_start(&self.engine_command(), self.paths.socket()).await
    }

    /// Asks an engine of an older version to stop, if it has nothing to do; this version's is started in its place.
    async fn take_over(&self, version: &str) {
        let Ok(client) = self.client() else { return };
        let Ok(status) = client.status().await else { return };
        if status.runs > 0 {
            errln!(
                "warning: engine {version} still has {} unfinished runs; this version takes over when it is idle",
                status.runs
            );
            return;
        }
        let handed_over = match client.stop_engine().await {
            Ok(_) => EngineLock::wait_until_free(&self.paths, HANDOVER).await.map_err(|error| super::explain::chain(&error)),
            Err(error) => Err(super::explain::chain(&error)),
        };
        if let Err(problem) = handed_over {
            errln!("warning: engine {version} did not hand over: {problem}");
        }
    }

    /// Nobody else may have put a socket where ours belongs.
    fn safe_socket(&self) -> Result<(), ClientError> {
        self.paths.prepare_socket_dir().map_err(|error| ClientError::Unreachable {
            socket: self.paths.socket().display().to_string(),
            cause: super::explain::chain(&error),
        })
    }

    /// How to start this workspace's engine.
    pub fn engine_command(&self) -> start::EngineCommand {
        start::EngineCommand {
            exe: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("flowdeck")),
            workspace: self.root().to_path_buf(),
            state_dir: self.paths.state_dir().to_path_buf(),
            log: self.paths.log_dir().join("engine.err"),
            idle_timeout: None,
            owner: self.paths.other_owner().map(accounts::user_name),
            bare: false,
        }
    }
}

/// Shows what is wrong with the settings; a workspace file's problems come with their places.
pub fn complain_about_settings(error: &ConfigError) -> Handoff {
    if let ConfigError::Invalid { path, text, problems } = error {
        errln!("{}", config::report(problems, path, text, super::pipeline::colour()).trim_end());
        return Handoff::Exit(exit::USAGE);
    }
    complain(exit::USAGE, error)
}
