//! The engine's end: starting a runner, finding it again, and talking to it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, mpsc};

use super::identity::{Identity, socket_path};
use super::protocol::{Command, MAX_LINE, Message, Welcome, line};
use super::server::{READY, TAKEN};
use crate::model::StageId;
use crate::process::{Exit, Spec, kin};

/// A runner that does not answer within this is taken for broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// A runner that refuses a connection because it is leaving is gone within this.
const LEAVING: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// A runner that ends right after its start is started so often.
const TRIES: usize = 3;
/// Reports that may wait for the engine; beyond them the runner waits.
const REPORTS: usize = 1024;

/// Why there is no runner to talk to.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error("the runner could not be started: {0}")]
    NotStarted(io::Error),
    #[error("the runner ended before it was ready; its reason is in {0}")]
    NotReady(String),
    #[error("the runner's directory cannot be used: {0}")]
    Directory(io::Error),
    #[error("the runner cannot be reached: {0}")]
    Unreachable(io::Error),
    #[error("the runner did not answer in time")]
    Silent,
    #[error("the runner answered something else than a welcome")]
    Strange,
}

/// What a new runner is started with.
pub struct Launch<'a> {
    /// Our own program.
    pub exe: &'a Path,
    /// The run's directory; it exists.
    pub dir: &'a Path,
    /// Everything that must not appear in a log or result.
    pub masks: Vec<String>,
    /// The run's environment values and secrets, for an engine that comes after a crash.
    pub environment: BTreeMap<String, String>,
}

/// News from the runner.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    Started {
        stage: StageId,
        attempt: u32,
        pid: i32,
    },
    /// The attempt's log has so many lines and bytes now.
    Progress {
        stage: StageId,
        attempt: u32,
        lines: u64,
        bytes: u64,
    },
    /// The attempt ended; to be acknowledged once it is recorded.
    Finished {
        stage: StageId,
        attempt: u32,
        exit: Exit,
    },
    /// The connection is over, and nothing comes after this. `Handle::adopt` tells whether the runner is alive.
    Gone,
}

/// A connection to a runner. Clones speak through the same connection, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Handle {
    writer: Arc<Mutex<OwnedWriteHalf>>,
}

/// What a successful connection consists of.
pub type Connected = (Handle, mpsc::Receiver<Report>, Welcome);

impl Handle {
    /// Starts a runner for the run, detached, and connects to it. When the run has a living runner, connects to that.
    /// End the orphans of a dead one and read its results before: its identity is overwritten.
    pub async fn launch(launch: Launch<'_>) -> Result<Connected, RunnerError> {
        let dir = launch.dir.canonicalize().map_err(RunnerError::Directory)?;
        for _ in 0..TRIES {
            spawn(launch.exe, &dir).await?;
            // None: the runner that was there left at this very moment.
            if let Some(connected) = Self::adopt(&dir, launch.masks.clone(), launch.environment.clone()).await? {
                return Ok(connected);
            }
        }
        Err(RunnerError::NotReady(dir.join("runner.log").display().to_string()))
    }

    /// Connects to the run's runner if that is alive: the same process, in the same boot, with the same cookie.
    pub async fn adopt(
        dir: &Path,
        masks: Vec<String>,
        environment: BTreeMap<String, String>,
    ) -> Result<Option<Connected>, RunnerError> {
        match Identity::read(dir).map_err(RunnerError::Directory)? {
            Some(identity) if identity.is_alive() => match connect(dir, identity.cookie.clone(), masks, environment).await {
                Ok(connected) => Ok(Some(connected)),
                // It may have died, or be on its way out.
                Err(_) if ends_soon(&identity).await => Ok(None),
                Err(error) => Err(error),
            },
            _ => Ok(None),
        }
    }

    /// Asks for an attempt to be started. Its start, its end, or the end of the connection is reported.
    pub async fn start(&self, stage: &StageId, attempt: u32, spec: Spec) {
        self.send(&Command::Start { stage: stage.clone(), attempt, spec: Box::new(spec) }).await;
    }

    /// Asks for an attempt to be ended: TERM, the specification's grace, KILL; with `force` KILL at once.
    pub async fn cancel(&self, stage: &StageId, attempt: u32, force: bool) {
        self.send(&Command::Cancel { stage: stage.clone(), attempt, force }).await;
    }

    /// Says that a result is recorded durably, so that the runner may forget it.
    pub async fn ack(&self, stage: &StageId, attempt: u32) {
        self.send(&Command::Ack { stage: stage.clone(), attempt }).await;
    }

    /// Adds secrets that became known after the start; they count for attempts started from now on.
    pub async fn learn(&self, masks: Vec<String>, environment: BTreeMap<String, String>) {
        self.send(&Command::Hello { cookie: String::new(), masks, environment }).await;
    }

    /// Says that the run is over: the runner leaves when nothing runs and all results are acknowledged.
    pub async fn shutdown(&self) {
        self.send(&Command::Shutdown).await;
    }

    /// A broken connection is reported as `Gone` by the reading side.
    async fn send(&self, command: &Command) {
        let line = line(command);
        self.writer.lock().await.write_all(&line).await.ok();
    }
}

/// Starts the process and waits until it can be connected to, or has found a living runner.
async fn spawn(exe: &Path, dir: &Path) -> Result<(), RunnerError> {
    let log = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(dir.join("runner.log"));
    let log = log.map_err(RunnerError::Directory)?;
    let mut command = tokio::process::Command::new(exe);
    command.arg("runner").arg("--dir").arg(dir).current_dir("/").env_remove(kin::MARK);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(false);
    let mut child = command.spawn().map_err(RunnerError::NotStarted)?;
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        let listening = tokio::time::timeout(PATIENCE, stdout.read_to_string(&mut said)).await;
        listening.map_err(|_| RunnerError::Silent)?.map_err(RunnerError::NotStarted)?;
    }
    // Reaps it when it ends before us; it may well outlive us.
    tokio::spawn(async move { child.wait().await });
    if said == READY || said == TAKEN { Ok(()) } else { Err(RunnerError::NotReady(dir.join("runner.log").display().to_string())) }
}

/// True when the runner's process is gone, or goes within a moment.
async fn ends_soon(identity: &Identity) -> bool {
    let identity = identity.clone();
    let wait = move || {
        let pidfd = Pid::from_raw(identity.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        // Looked at after it was opened: what is waited for is the runner, not a later process of the same number.
        if let Some(pidfd) = pidfd.filter(|_| identity.is_alive()) {
            poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&LEAVING)).ok();
        }
        !identity.is_alive()
    };
    tokio::task::spawn_blocking(wait).await.unwrap_or(false)
}

async fn connect(
    dir: &Path,
    cookie: String,
    masks: Vec<String>,
    environment: BTreeMap<String, String>,
) -> Result<Connected, RunnerError> {
    let dir = dir.canonicalize().map_err(RunnerError::Directory)?;
    let greeting = async {
        let stream = UnixStream::connect(socket_path(&dir)).await.map_err(RunnerError::Unreachable)?;
        let (reader, mut writer) = stream.into_split();
        let hello = line(&Command::Hello { cookie, masks, environment });
        writer.write_all(&hello).await.map_err(RunnerError::Unreachable)?;
        let mut reader = BufReader::with_capacity(64 * 1024, reader);
        match next(&mut reader, &mut Vec::new()).await {
            Some(Message::Welcome(welcome)) => Ok((reader, writer, welcome)),
            _ => Err(RunnerError::Strange),
        }
    };
    let (reader, writer, welcome) = tokio::time::timeout(PATIENCE, greeting).await.map_err(|_| RunnerError::Silent)??;
    let (sender, receiver) = mpsc::channel(REPORTS);
    tokio::spawn(listen(reader, sender));
    Ok((Handle { writer: Arc::new(Mutex::new(writer)) }, receiver, welcome))
}

async fn listen(mut reader: BufReader<OwnedReadHalf>, sender: mpsc::Sender<Report>) {
    let mut bytes = Vec::new();
    while let Some(message) = next(&mut reader, &mut bytes).await {
        let report = match message {
            Message::Welcome(_) => continue,
            Message::Started { stage, attempt, pid } => Report::Started { stage, attempt, pid },
            Message::Progress { stage, attempt, lines, bytes } => Report::Progress { stage, attempt, lines, bytes },
            Message::Finished { stage, attempt, exit } => Report::Finished { stage, attempt, exit },
        };
        if sender.send(report).await.is_err() {
            return;
        }
    }
    sender.send(Report::Gone).await.ok();
}

/// The next message; none when the connection is over or no longer makes sense.
async fn next(reader: &mut (impl AsyncBufRead + Unpin), bytes: &mut Vec<u8>) -> Option<Message> {
    bytes.clear();
    // A longer line is cut, and then makes no sense.
    let read = reader.take(MAX_LINE as u64).read_until(b'\n', bytes).await.ok()?;
    (read > 0).then(|| serde_json::from_slice(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::{Message, next};

    #[tokio::test]
    async fn a_line_without_end_ends_the_connection() {
        let mut bytes = Vec::new();
        assert!(next(&mut BufReader::new(tokio::io::repeat(b'x')), &mut bytes).await.is_none());
        let mut short = &b"{\"started\": {\"stage\": \"a\", \"attempt\": 1, \"pid\": 7}}\n"[..];
        assert!(matches!(next(&mut short, &mut bytes).await, Some(Message::Started { pid: 7, .. })));
    }
}
