//! Starting an engine on demand: detached, and ready when it says so.

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::Command;

use super::{Client, ClientError};

/// What an engine prints on standard output when it takes requests.
pub const READY: &str = "ready";
/// The file in the state directory in which an engine says which version it is.
pub const VERSION_FILE: &str = "engine.version";
/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often to look when somebody else is starting the engine.
const LOOK: Duration = Duration::from_millis(5);

/// The program and directories of an engine to start.
#[derive(Debug, Clone)]
pub struct EngineCommand {
    pub exe: PathBuf,
    pub workspace: PathBuf,
    pub state_dir: PathBuf,
    /// Takes what the engine writes to standard error.
    pub log: PathBuf,
    /// How long it may stay with nothing to do, such as `10s`; as its settings say when absent.
    pub idle_timeout: Option<&'static str>,
    /// Whose state directory it is when it is not this user's: only they start an engine there.
    pub owner: Option<String>,
    /// Without this process's environment, except what programs need to run at all.
    pub bare: bool,
}

/// A client of the engine behind the socket; starts one when nobody listens there.
///
/// # Errors
/// `Unreachable`, with what the engine said, when none could be started.
pub async fn connect_or_start(command: &EngineCommand, socket: &Path) -> Result<Client, ClientError> {
    let mut tries = TRIES;
    loop {
        ensure(command, socket).await?;
        let client = Client::new(socket)?;
        // An engine that is just dying may still take a connection, but answers nothing.
        match client.status().await {
            Err(ClientError::Unreachable { .. }) if tries > 0 => tries -= 1,
            _ => return Ok(client),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The version of an engine older than this client, from its file: the way of a client costs no request.
pub fn older_engine(state_dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(state_dir.join(VERSION_FILE)).ok()?;
    let theirs = text.trim();
    (release(theirs)? < release(env!("CARGO_PKG_VERSION"))?).then(|| theirs.to_owned())
}

/// `1.2.3` as numbers; what follows a hyphen does not count.
fn release(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split('-').next()?.splitn(3, '.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// Brings an engine up if none answers.
///
/// # Errors
/// As `connect_or_start`; `Closed` when this user may not use the socket.
pub async fn ensure(command: &EngineCommand, socket: &Path) -> Result<(), ClientError> {
    if answers(socket).await? { Ok(()) } else { start(command, socket).await }
}

/// True when somebody listens.
///
/// # Errors
/// `Closed` when the system does not let this user find out.
pub async fn answers(socket: &Path) -> Result<bool, ClientError> {
    match UnixStream::connect(socket).await {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(ClientError::Closed { socket: socket.display().to_string() })
        }
        tried => Ok(tried.is_ok()),
    }
}

async fn start(command: &EngineCommand, socket: &Path) -> Result<(), ClientError> {
    let failed = |cause: String| ClientError::Unreachable { socket: socket.display().to_string(), cause };
    if let Some(owner) = &command.owner {
        return Err(failed(format!("none runs, and {owner}, whose state directory it is, has to start it")));
    }
    let mut child = spawn(command).map_err(|error| failed(format!("the engine could not be started: {error}")))?;
    let Some(stdout) = child.stdout.take() else { return Err(failed("the engine has no output".to_owned())) };
    let mut lines = BufReader::new(stdout).lines();
    let said = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    if matches!(&said, Ok(Ok(Some(line))) if line == READY) {
        return Ok(());
    }
    // Another client may have started one at the same moment.
    let other = tokio::time::timeout(Duration::from_secs(5), async {
        while !answers(socket).await.unwrap_or_default() {
            if locked_out(command) {
                tokio::time::sleep(LOOK).await;
            } else {
                return false;
            }
        }
        true
    });
    if other.await == Ok(true) {
        return Ok(());
    }
    Err(failed(format!("the engine could not be started: {}", last_words(&command.log))))
}

/// True while the last start ended because an engine already holds the lock. An empty log is that of a later start,
/// which has only just begun.
fn locked_out(command: &EngineCommand) -> bool {
    let text = std::fs::read_to_string(&command.log).unwrap_or_default();
    text.trim().is_empty() || text.contains("already running")
}

/// How often an engine that takes connections and does not answer is looked at again.
const TRIES: u32 = 50;

/// What a bare environment still has.
const KEPT: [&str; 8] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ", "XDG_RUNTIME_DIR"];

fn spawn(command: &EngineCommand) -> std::io::Result<tokio::process::Child> {
    if let Some(dir) = command.log.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let log = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&command.log)?;
    let mut engine = Command::new(&command.exe);
    if command.bare {
        engine.env_clear().envs(std::env::vars_os().filter(|(name, _)| KEPT.iter().any(|kept| name == kept)));
    }
    engine
        .args(["engine", "run", "--detached"])
        .arg("--workspace")
        .arg(&command.workspace)
        .arg("--state-dir")
        .arg(&command.state_dir)
        .args(command.idle_timeout.iter().flat_map(|idle| ["--idle-timeout", idle]))
        // Started from inside a stage, the engine is still none of that stage's processes.
        .env_remove("FLOWDECK_ATTEMPT")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
}

fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{VERSION_FILE, older_engine, release};

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(release("0.9.12") < release("0.10.0"));
        assert_eq!(release("1.2.3-rc.1"), Some([1, 2, 3]));
        assert_eq!((release("1.2"), release("new")), (None, None));
    }

    #[test]
    fn only_an_older_engine_is_told_of() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(older_engine(dir.path()), None);
        for (text, expected) in [("0.0.1\n", Some("0.0.1")), (env!("CARGO_PKG_VERSION"), None), ("99.0.0", None), ("?", None)] {
            std::fs::write(dir.path().join(VERSION_FILE), text).unwrap();
            assert_eq!(older_engine(dir.path()).as_deref(), expected);
        }
    }
}
