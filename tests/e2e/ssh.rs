//! The console through a real SSH server on this machine: a cut connection leaves no console, touches no run, and the
//! next login comes back to it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pty_process::blocking::Command as PtyCommand;
use tempfile::TempDir;

use super::console::{STEP, assert_whole};
use super::programs::{free_port, program, skip};
use super::pty::Console;
use super::support::{Workspace, is_alive, kill, processes_naming, until};

/// A server as a plain process, with keys and a configuration of its own; ended with the guard.
struct Sshd {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn key(dir: &Path, name: &str) -> String {
    let path = dir.join(name).display().to_string();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path]).status().expect("ssh-keygen");
    assert!(made.success());
    path
}

impl Sshd {
    /// None where it is not installed.
    fn start() -> Option<Self> {
        let (Some(sshd), Some(_), Some(_)) = (program("sshd"), program("ssh"), program("ssh-keygen")) else {
            return skip("sshd");
        };
        if rustix::process::geteuid().is_root() {
            // Where Debian's server puts the unprivileged part of itself.
            let _ = fs::DirBuilder::new().recursive(true).mode(0o755).create("/run/sshd");
        }
        let dir = tempfile::tempdir().expect("a directory");
        let (host, user) = (key(dir.path(), "host"), key(dir.path(), "user"));
        let port = free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {user}.pub\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        );
        fs::write(dir.path().join("config"), config).expect("a configuration");
        let log = fs::File::create(dir.path().join("log")).expect("a log");
        let mut command = Command::new(sshd);
        command.args(["-D", "-e", "-f"]).arg(dir.path().join("config"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("sshd starts");
        let server = Self { child, port, dir };
        until("sshd listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(server)
    }

    /// Logs in and replaces the shell there by flowdeck. Only the command line says where the state is.
    fn login(&self, workspace: &Workspace, args: &str) -> Console {
        let user = Command::new("id").arg("-un").output().expect("id");
        let user = String::from_utf8_lossy(&user.stdout).trim().to_owned();
        let (binary, state) = (env!("CARGO_BIN_EXE_flowdeck"), workspace.state().display());
        let line =
            format!("cd '{}' && exec env LANG=C.UTF-8 '{binary}' --state-dir '{state}' {args}", workspace.file("").display());
        let command = PtyCommand::new("ssh")
            .args(["-tt", "-F", "/dev/null", "-p", &self.port.to_string(), "-i"])
            .arg(self.dir.path().join("user"))
            .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes"])
            .args(["-o", "LogLevel=ERROR", &format!("{user}@127.0.0.1"), &line])
            .env("TERM", "xterm-256color");
        Console::spawn(command, 100, 30)
    }
}

/// The fields of a process's `stat` after its name: state, parent, group, session, terminal.
fn stat(pid: i32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    text.rsplit(") ").next().unwrap_or_default().split(' ').map(str::to_owned).collect()
}

/// The consoles on this state: processes with a terminal.
fn consoles(workspace: &Workspace) -> Vec<i32> {
    let all = processes_naming(&workspace.state().display().to_string()).into_iter();
    let on_terminal = |pid: &i32| stat(*pid).get(4).is_some_and(|terminal| terminal != "0");
    let is_ours = |pid: &i32| {
        let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        exe == Path::new(env!("CARGO_BIN_EXE_flowdeck"))
    };
    all.filter(on_terminal).filter(is_ours).collect()
}

#[test]
fn a_cut_connection_ends_the_console_not_the_run_and_the_next_login_is_back_on_it() {
    let Some(sshd) = Sshd::start() else { return };
    let workspace = Workspace::with("step.yaml", STEP);
    workspace.fifo("up");
    workspace.fifo("go");
    workspace.ok(&["engine", "start"]);
    let mut first = sshd.login(&workspace, "run step");
    let stage: i32 = workspace.hear("up").trim().parse().expect("a process id");
    first.wait_for("before");
    let [console] = consoles(&workspace)[..] else { panic!("{:?}", consoles(&workspace)) };
    let session: i32 = stat(console)[1].parse().expect("a parent");
    // Both ends of the connection at once, without a word to anybody.
    kill(first.pid().as_raw_nonzero().get());
    kill(session);
    until("the console is gone", || consoles(&workspace).is_empty());
    assert!(is_alive(stage), "the cut reached the stage");

    let mut second = sshd.login(&workspace, "");
    second.wait_for("before");
    // Not by way of the overview: the very first picture is the run's.
    assert!(!second.holds(b"Services"), "{}", String::from_utf8_lossy(second.bytes()).escape_debug());
    workspace.release("go");
    second.wait_for("all-done");
    second.wait_for("succeeded");
    second.type_keys("q");
    second.wait_for_exit();
    assert_whole(&workspace, &workspace.wait("last"));
    until("no console remains", || consoles(&workspace).is_empty());

    // Left with `q`, the next one begins at the beginning.
    let mut third = sshd.login(&workspace, "");
    third.wait_for("succeeded");
    assert!(!third.screen().contains("all-done"), "{}", third.screen());
    third.type_keys("q");
    third.wait_for_exit();
}
