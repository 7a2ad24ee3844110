//! Starting a child: its own process group, output through pipes, on the fast spawn path.
//!
//! Nothing here may force `fork`: no `pre_exec`, no user switch, and no program lookup through a `PATH` that
//! was set for the child (that one we look up ourselves).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::MemfdFlags;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};

use super::{Program, Spec};

/// The longest script that is passed as an argument; Linux takes at most 128 KiB in one.
const MAX_ARGUMENT: usize = 100 * 1024;

/// Why a process was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("there is no program to start")]
    Empty,
    #[error("the working directory {0} does not exist")]
    NoDirectory(String),
    #[error("could not start {program}: {reason}")]
    NotStarted { program: String, reason: String },
    #[error("could not prepare the process: {0}")]
    Prepare(String),
}

/// A started child, leader of a process group of the same number.
#[derive(Debug)]
pub struct Child {
    pub pid: Pid,
    /// Readable when the child has ended.
    pub pidfd: OwnedFd,
    /// The script text the child reads; lives as long as the child needs it.
    _script: Option<OwnedFd>,
}

/// A child and the reading ends of its output.
#[derive(Debug)]
pub struct Started {
    pub child: Child,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// How a child ended: its exit code or the signal that killed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

impl Child {
    /// The child's end, once it has ended; reaps it. None while it is running.
    pub fn try_wait(&self) -> io::Result<Option<Status>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(self.pidfd.as_fd()), options))?;
        Ok(status.map(|status| Status { code: status.exit_status(), signal: status.terminating_signal() }))
    }
}

/// Starts the process. `env` is added after the specification's own.
pub fn spawn(spec: &Spec, env: &[(&str, &str)]) -> Result<Started, SpawnError> {
    let prepare = |error: io::Error| SpawnError::Prepare(plain(&error));
    let (words, script) = command_line(&spec.program).map_err(prepare)?;
    let (name, arguments) = words.split_first().ok_or(SpawnError::Empty)?;
    let program = program_path(name, spec);
    let (stdout, stdout_child) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|errno| prepare(errno.into()))?;
    let (stderr, stderr_child) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|errno| prepare(errno.into()))?;
    let stdin = match &spec.stdin {
        Some(text) => Stdio::from(memory_file("stdin", text, true).map_err(prepare)?),
        None => Stdio::null(),
    };
    let mut command = Command::new(&program);
    command.arg0(name).args(arguments).current_dir(&spec.cwd).process_group(0);
    command.envs(spec.env.iter().map(|(name, value)| (name, value))).envs(env.iter().copied());
    command.stdin(stdin).stdout(Stdio::from(stdout_child)).stderr(Stdio::from(stderr_child));
    let child = command.spawn().map_err(|error| refused(name, &spec.cwd, &error))?;
    // The child is only reaped through `Child::try_wait`; dropping the standard library's handle does not wait.
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(SpawnError::Empty)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| {
        super::group::signal(pid, rustix::process::Signal::KILL);
        prepare(errno.into())
    })?;
    Ok(Started { child: Child { pid, pidfd, _script: script }, stdout, stderr })
}

/// The words to start, and the memory file behind them when the script must not be an argument.
fn command_line(program: &Program) -> io::Result<(Vec<String>, Option<OwnedFd>)> {
    let (interpreter, text, secret) = match program {
        Program::Command(words) => return Ok((words.clone(), None)),
        Program::Script { interpreter, text, secret } => (interpreter, text, *secret),
    };
    let mut words = interpreter.clone();
    if !secret && text.len() < MAX_ARGUMENT && words.first().is_some_and(|first| takes_text(first)) {
        words.extend(["-c".to_owned(), text.clone()]);
        return Ok((words, None));
    }
    let file = memory_file("script", text, false)?;
    words.push(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
    Ok((words, Some(file)))
}

/// Interpreters that run the text after `-c`.
fn takes_text(program: &str) -> bool {
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program);
    matches!(name, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "python3" | "python")
}

/// A file in memory only, closed on exec. Rewound when it is handed over as it is.
fn memory_file(name: &str, text: &str, rewind: bool) -> io::Result<OwnedFd> {
    let mut file = File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    if rewind {
        io::Seek::rewind(&mut file)?;
    }
    Ok(file.into())
}

/// Where the program lies, by the child's own `PATH` if it has one, else by ours. The system would try to execute it in
/// every directory instead, and on its slow path if the child has its own.
fn program_path(name: &str, spec: &Spec) -> PathBuf {
    let own = spec.env.iter().rev().find(|(key, _)| key == "PATH").map(|(_, value)| OsString::from(value));
    let path = own.or_else(|| std::env::var_os("PATH")).filter(|_| !name.contains('/'));
    let found = path.and_then(|path| {
        let mut places = std::env::split_paths(&path).map(|dir| Path::new(&spec.cwd).join(dir).join(name));
        places.find(|place| rustix::fs::access(place, rustix::fs::Access::EXEC_OK).is_ok() && place.is_file())
    });
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// The kernel says "no such file" for a missing program and for a missing directory alike.
fn refused(program: &str, cwd: &str, error: &io::Error) -> SpawnError {
    if error.kind() == io::ErrorKind::NotFound && fs::metadata(cwd).is_err() {
        return SpawnError::NoDirectory(cwd.to_owned());
    }
    SpawnError::NotStarted { program: program.to_owned(), reason: plain(error) }
}

/// An I/O error as a lower-case fragment without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
