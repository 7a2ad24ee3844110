//! The console inside tmux: drawn, resized, detached and attached again.

use std::process::{Command, Stdio};

use pty_process::blocking::Command as PtyCommand;

use super::programs::{program, skip};
use super::pty::Console;
use super::support::{Workspace, until};

/// A server of its own, gone with the guard.
struct Tmux {
    name: String,
}

impl Tmux {
    fn run(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").args(["-u", "-L", &self.name, "-f", "/dev/null"]).args(args).output().expect("tmux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn attach(&self, width: u16, height: u16) -> Console {
        let command = PtyCommand::new("tmux").args(["-u", "-L", &self.name, "attach"]);
        Console::spawn(command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env_remove("TMUX"), width, height)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.name, "kill-server"]).stderr(Stdio::null()).status();
    }
}

#[test]
fn inside_tmux_it_follows_the_size_and_survives_detaching() {
    if program("tmux").is_none() {
        return skip::<()>("tmux").unwrap_or_default();
    }
    let workspace = Workspace::with("hello.yaml", "id: hello\nstages: [{id: s, type: shell, config: {run: echo hi}}]\n");
    workspace.ok(&["run", "hello", "--json"]);
    let tmux = Tmux { name: format!("flowdeck-test-{}", std::process::id()) };
    let (state, dir) = (workspace.state().display().to_string(), workspace.file("").display().to_string());
    let line = format!("cd '{dir}' && exec '{}' --state-dir '{state}'", env!("CARGO_BIN_EXE_flowdeck"));
    tmux.run(&["new-session", "-d", "-x", "100", "-y", "30", &line]);
    let mut first = tmux.attach(100, 30);
    first.wait_for("succeeded");
    first.type_keys("2\r");
    first.wait_for("hi");
    first.resize(140, 45);
    until("tmux has the new size", || tmux.run(&["display-message", "-p", "#{pane_width}"]).trim() == "140");
    first.wait("the log further down", |console| {
        console.screen().lines().nth(40).is_some() && console.screen().contains("? help")
    });
    tmux.run(&["detach-client"]);
    first.wait_for_exit();
    assert!(tmux.run(&["capture-pane", "-p"]).contains("succeeded"), "the console is still there");
    let mut second = tmux.attach(90, 28);
    second.wait_for("succeeded");
    second.type_keys("?");
    second.wait_for("walk to a stage before");
    second.type_keys("qq");
    second.wait_for_exit();
}
