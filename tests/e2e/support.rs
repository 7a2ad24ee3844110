//! A workspace in a temporary directory, the binary in it, and ways to wait that need no sleep.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before the test fails instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Workspace {
    dir: TempDir,
    state: PathBuf,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let signal = output.status.signal().map(|signal| 128 + signal);
        Self { code: output.status.code().or(signal), out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }
}

impl Workspace {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let state = dir.path().join("state");
        fs::create_dir(dir.path().join("pipelines")).expect("pipelines");
        Self { dir, state }
    }

    pub fn with(name: &str, pipeline: &str) -> Self {
        let workspace = Self::new();
        workspace.pipeline(name, pipeline);
        workspace
    }

    /// Keeps the state somewhere else (a small file system).
    pub fn with_state(mut self, state: &Path) -> Self {
        self.state = state.to_owned();
        self
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn pipeline(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join("pipelines").join(name), text).expect("pipeline written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowdeck"));
        command.args(args).current_dir(self.dir.path()).env("FLOWDECK_STATE_DIR", &self.state);
        command.env("FLOWDECK_IDLE_TIMEOUT", "never").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn say(&self, args: &[&str]) -> Said {
        let mut command = self.command(args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowdeck starts");
        finish(child)
    }

    /// Runs a command that has to succeed.
    pub fn ok(&self, args: &[&str]) -> Said {
        let said = self.say(args);
        assert_eq!(said.code, Some(0), "{args:?}: {said:#?}");
        said
    }

    /// Starts a command and lets it go on.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowdeck starts")
    }

    /// Starts a run and leaves it; gives its id.
    pub fn detach(&self, pipeline: &str) -> String {
        let said = self.ok(&["run", pipeline, "--detach", "--json"]);
        said.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Waits for a run's end, whoever has to be started for it; gives its document.
    pub fn wait(&self, id: &str) -> Value {
        self.ok(&["runs", "logs", id, "--follow"]);
        self.ok(&["runs", "show", id, "--json"]).json()
    }

    pub fn engine_pid(&self) -> i32 {
        let said = self.ok(&["engine", "status", "--json"]);
        i32::try_from(said.json()["pid"].as_i64().expect("a pid")).expect("a small pid")
    }

    /// The run's runner, from its identity file.
    pub fn runner_pid(&self, id: &str) -> i32 {
        let text = fs::read_to_string(self.state.join("runs").join(id).join("runner.json")).expect("a runner");
        let identity: Value = serde_json::from_str(&text).expect("an identity");
        i32::try_from(identity["pid"].as_i64().expect("a pid")).expect("a small pid")
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    /// A named pipe in the workspace, to hold stages up and to hear from them.
    pub fn fifo(&self, name: &str) -> PathBuf {
        let path = self.file(name);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::from(0o600), 0)
            .expect("a fifo");
        path
    }

    /// Waits until a stage writes a line into the pipe.
    pub fn hear(&self, name: &str) -> String {
        let path = self.file(name);
        let what = name.to_owned();
        within(&format!("hear {what}"), move || {
            let mut text = String::new();
            fs::File::open(path).expect("the fifo").read_to_string(&mut text).expect("text");
            text
        })
    }

    /// Lets a stage that reads the pipe go on.
    pub fn release(&self, name: &str) {
        let path = self.file(name);
        let what = name.to_owned();
        within(&format!("release {what}"), move || fs::write(path, "go\n").expect("the fifo"));
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = self.command(&["engine", "stop"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        // Whatever a failed test left at work has this directory in its arguments or environment.
        let needle = self.state.to_string_lossy().into_owned();
        for pid in processes_naming(&needle) {
            kill(pid);
        }
    }
}

/// Waits for a child, within limits.
pub fn finish(child: Child) -> Said {
    let pid = i32::try_from(child.id()).expect("a small pid");
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    match wait.recv_timeout(PATIENCE) {
        Ok(output) => Said::of(&output.expect("output")),
        Err(_) => {
            kill(pid);
            let output = wait.recv().expect("an end").expect("output");
            panic!("took too long: {:#?}", Said::of(&output));
        }
    }
}

/// Does something that may block, within limits.
pub fn within<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    wait.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("took too long: {what}"))
}

/// Waits until something is true, looking often.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "never came true: {what}");
        std::thread::yield_now();
    }
}

pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// A real `kill -9`; comes back when the process is gone.
pub fn kill(pid: i32) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    if let Ok(handle) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        let _ = rustix::process::pidfd_send_signal(&handle, Signal::KILL);
        let mut fds = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
        let limit = rustix::time::Timespec { tv_sec: 10, tv_nsec: 0 };
        let _ = rustix::event::poll(&mut fds, Some(&limit));
    }
}

/// Processes whose arguments or environment hold a text.
pub fn processes_naming(needle: &str) -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("/proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let own = i32::try_from(std::process::id()).expect("a small pid");
    pids.filter(|pid| *pid != own)
        .filter(|pid| {
            let holds = |file: &str| {
                let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                memchr::memmem::find(&bytes, needle.as_bytes()).is_some()
            };
            is_alive(*pid) && (holds("cmdline") || holds("environ"))
        })
        .collect()
}
