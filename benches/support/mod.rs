//! A workspace for measuring: the release binary, an engine that already runs, medians.

#![allow(dead_code, clippy::allow_attributes, clippy::print_stdout, reason = "shared by several benches, each using a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub struct Place {
    dir: TempDir,
}

impl Place {
    /// A workspace whose engine is up.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("pipelines")).expect("pipelines");
        let place = Self { dir };
        assert!(place.command(&["engine", "start"]).stdout(Stdio::null()).status().expect("flowdeck").success());
        place
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn pipeline(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join("pipelines").join(format!("{name}.json")), text).expect("pipeline");
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowdeck"));
        command.args(args).current_dir(self.dir.path()).env("FLOWDECK_STATE_DIR", self.dir.path().join("state"));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a pipeline to its end; the time from the command line's start to its end.
    pub fn run(&self, name: &str) -> Duration {
        let began = Instant::now();
        let output = self.command(&["run", name, "--json"]).output().expect("flowdeck");
        let took = began.elapsed();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        took
    }

    /// Runs a pipeline to its end; the time from its creation to its end, as recorded.
    pub fn run_recorded(&self, name: &str) -> Duration {
        let output = self.command(&["run", name, "--json"]).output().expect("flowdeck");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let run: Value = serde_json::from_slice(&output.stdout).expect("a document");
        let at = |key: &str| run[key].as_str().expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339");
        Duration::try_from(at("finished_at").duration_since(at("created_at"))).expect("a duration")
    }

    pub fn engine_pid(&self) -> u32 {
        let output = self.command(&["engine", "status", "--json"]).output().expect("flowdeck");
        let status: Value = serde_json::from_slice(&output.stdout).expect("a status");
        u32::try_from(status["pid"].as_u64().expect("a pid")).expect("a pid")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.command(&["engine", "stop"]).stdout(Stdio::null()).status();
    }
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

pub fn row(what: &str, ours: Duration, other: Duration, promise: &str) {
    let ratio = ours.as_secs_f64() / other.as_secs_f64();
    println!("{what:<44} {:>9.2} ms {:>9.2} ms {ratio:>8.2}  {promise}", ms(ours), ms(other));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Resident memory of a process, in MiB.
pub fn resident(pid: u32) -> f64 {
    memory(pid, "VmRSS:")
}

/// The most memory that a process has ever had resident, in MiB.
pub fn peak(pid: u32) -> f64 {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}
