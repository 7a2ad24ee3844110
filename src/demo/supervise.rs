//! Starting, replacing and stopping a copy of the service as a process of its own session.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::service::{Place, Release};

/// How long a copy gets to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says on standard output that the service answers on `port`, and lets go of the pipe.
///
/// # Errors
/// When nobody reads it.
pub fn announce(port: u16) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready {port}")?;
    out.flush()?;
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(())
}

/// Starts a copy in the background and waits until it answers; gives its port.
///
/// # Errors
/// When it does not come up; the message holds what it said.
pub fn start(exe: &Path, dir: &Path) -> std::io::Result<u16> {
    start_as(exe, "serve", dir)
}

/// The same for any process of the demo: `what` is the action of `flowdeck service` that it is.
///
/// # Errors
/// As [`start`].
pub fn start_as(exe: &Path, what: &str, dir: &Path) -> std::io::Result<u16> {
    // One spelling in every copy's arguments: that is how a copy is known again.
    let dir = &dir.canonicalize()?;
    let log = std::fs::File::create(dir.join("service.log"))?;
    let mut command = Command::new(exe);
    command.args(["service", what]).arg(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn()?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    match line.trim().strip_prefix("ready ").and_then(|port| port.parse().ok()) {
        Some(port) => Ok(port),
        None => {
            let said = std::fs::read_to_string(dir.join("service.log")).unwrap_or_default();
            Err(std::io::Error::other(format!("the service did not come up: {}", said.trim())))
        }
    }
}

/// Ends the copy that runs in this directory, if one does; waits until it is gone.
///
/// # Errors
/// When it does not go away.
pub fn stop(dir: &Path) -> std::io::Result<bool> {
    let file = dir.join("pid");
    let Ok(text) = std::fs::read_to_string(&file) else { return Ok(false) };
    let dir = &dir.canonicalize()?;
    let pid = text.trim().parse().ok().and_then(Pid::from_raw);
    let Some(pid) = pid.filter(|pid| is_service(*pid, dir)) else {
        std::fs::remove_file(&file)?;
        return Ok(false);
    };
    let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    rustix::process::pidfd_send_signal(&handle, Signal::TERM)?;
    let since = Instant::now();
    while !ended(&handle, PATIENCE.saturating_sub(since.elapsed()))? {
        rustix::process::pidfd_send_signal(&handle, Signal::KILL)?;
        if since.elapsed() > 2 * PATIENCE {
            return Err(std::io::Error::other(format!("process {} does not end", text.trim())));
        }
    }
    std::fs::remove_file(&file)?;
    Ok(true)
}

fn ended(handle: &rustix::fd::OwnedFd, limit: Duration) -> std::io::Result<bool> {
    let mut fds = [rustix::event::PollFd::new(handle, rustix::event::PollFlags::IN)];
    let limit = rustix::time::Timespec::try_from(limit.max(Duration::from_millis(1))).map_err(std::io::Error::other)?;
    Ok(rustix::event::poll(&mut fds, Some(&limit))? > 0)
}

/// Guards against a process id that was given to somebody else.
fn is_service(pid: Pid, dir: &Path) -> bool {
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    let cmdline = String::from_utf8_lossy(&cmdline);
    cmdline.contains("service") && cmdline.contains(&*dir.to_string_lossy())
}

/// Puts a release in place and restarts the copy with it.
///
/// # Errors
/// When the release cannot be read or the copy does not come up.
pub fn replace(exe: &Path, dir: &Path, artifact: &Path) -> std::io::Result<(Release, u16)> {
    let text = std::fs::read_to_string(artifact)?;
    let release: Release = serde_json::from_str(&text).map_err(std::io::Error::other)?;
    stop(dir)?;
    let fresh = dir.join("release.json.new");
    std::fs::write(&fresh, &text)?;
    std::fs::rename(&fresh, dir.join("release.json"))?;
    let port = start(exe, dir)?;
    Ok((release, port))
}

/// Starts a release on a free port, asks it for its health and version, and stops it again.
///
/// # Errors
/// When it does not come up, is not healthy, or is another version.
pub async fn try_out(exe: &Path, artifact: &Path) -> std::io::Result<String> {
    let dir = artifact.with_file_name(format!("try-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let dir = dir.canonicalize()?;
    // Should this process be killed, the lock is free and the copy leaves by itself.
    let leash = dir.join("leash");
    let held = std::fs::File::create(&leash)?;
    held.lock()?;
    let place = Place { environment: "try".to_owned(), port: 0, leash: Some(leash) };
    std::fs::write(dir.join("service.json"), serde_json::json!(place).to_string())?;
    let tried = match replace(exe, &dir, artifact) {
        Ok((release, port)) => ask(port, &release).await,
        Err(error) => Err(error),
    };
    let stopped = stop(&dir);
    let _ = std::fs::remove_dir_all(&dir);
    stopped?;
    tried
}

async fn ask(port: u16, release: &Release) -> std::io::Result<String> {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().map_err(std::io::Error::other)?;
    let get = async |path: &str| client.get(format!("http://127.0.0.1:{port}{path}")).send().await.map_err(std::io::Error::other);
    let health = get("/health").await?.status();
    if !health.is_success() {
        return Err(std::io::Error::other(format!("{} is not healthy: {health}", release.version)));
    }
    let said: serde_json::Value = get("/version").await?.json().await.map_err(std::io::Error::other)?;
    if said["version"] != release.version.as_str() {
        return Err(std::io::Error::other(format!("{} calls itself {}", release.version, said["version"])));
    }
    Ok(format!("{} comes up, is healthy and knows its version", release.version))
}
