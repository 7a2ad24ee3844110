//! The engine of the tests: in a temporary directory, without the user's settings, gone afterwards.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::cli::explain::refused;
use crate::cli::private::stop_engine;
use crate::cli::{Context, Global, Handoff, complain, exit};
use crate::client::{Client, start};

/// Should this process be killed, the engine ends by itself when nobody has asked for anything for so long.
const IDLE: &str = "10s";

/// Dropping it removes the directory; `stop` ends the engine before.
pub struct Private {
    pub client: Client,
    context: Context,
    command: start::EngineCommand,
    _dir: Directory,
}

struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Private {
    /// Starts an engine for the tests of `workspace`.
    pub async fn start(workspace: &Context) -> Result<Self, Handoff> {
        let dir = make().map_err(|error| complain(exit::FAILED, &error))?;
        fs::write(dir.0.join("flowdeck.toml"), settings(workspace)).map_err(|error| complain(exit::FAILED, &error))?;
        let state_dir = Some(dir.0.join("state"));
        let global = Global { workspace: Some(dir.0.clone()), state_dir, read_only: false };
        let context = Context::new(&global, workspace.runs).map_err(|error| complain(exit::FAILED, &error))?;
        context.paths.prepare(None).map_err(|error| complain(exit::FAILED, &error))?;
        let command = start::EngineCommand { idle_timeout: Some(IDLE), bare: true, ..context.engine_command() };
        let socket = context.paths.socket();
        let client = start::connect_or_start(&command, socket).await.map_err(|error| refused(&error))?;
        Ok(Self { client, context, command, _dir: dir })
    }

    /// Ends the engine and whatever still runs in it. One that died is started again for that: only an engine can
    /// end what a stage that was allowed to run has started.
    pub async fn stop(self) -> Result<(), Handoff> {
        start::connect_or_start(&self.command, self.context.paths.socket()).await.map_err(|error| refused(&error))?;
        stop_engine(&self.context).await.map_err(|error| complain(exit::FAILED, &error))
    }
}

/// A directory that nobody else can have put there.
fn make() -> std::io::Result<Directory> {
    // Short, so that sockets fit below it.
    let random = uuid::Uuid::now_v7().as_u128() & 0xffff_ffff;
    let dir = std::env::temp_dir().join(format!("flowdeck-test-{}-{random:08x}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&dir)?;
    Ok(Directory(dir))
}

/// Of the workspace's settings only the hosts that stages may reach: no keys are read for tests, no model is asked.
fn settings(workspace: &Context) -> String {
    match &workspace.workspace.file.network.allow {
        Some(hosts) => format!("[network]\nallow = {}\n", serde_json::json!(hosts)),
        None => String::new(),
    }
}
