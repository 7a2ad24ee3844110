//! Real users and groups of this system, made for one test and gone with it. Only root can make them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::programs::{program, skip};
use super::support::{Said, Workspace, finish, until};

/// The account database takes one change at a time.
static CHANGING: Mutex<()> = Mutex::new(());
static MADE: AtomicU32 = AtomicU32::new(0);

/// A user, and a group that they are in.
pub struct Member {
    pub user: String,
    pub group: String,
    /// Further groups, those of other things than this user.
    also: Vec<String>,
}

/// A group that several users may be in.
pub struct Group(pub String);

impl Group {
    /// `None` as with users.
    pub fn new() -> Option<Self> {
        may_make_accounts()?;
        let group = Self(format!("{}g", fresh_name()));
        change(&["groupadd", &group.0]);
        Some(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = Command::new("groupdel").arg(&self.0).stderr(Stdio::null()).status();
    }
}

impl Member {
    /// `None`, said plainly, where this process may not make accounts.
    pub fn new() -> Option<Self> {
        may_make_accounts()?;
        let name = fresh_name();
        let member = Self { user: format!("{name}u"), group: format!("{name}g"), also: Vec::new() };
        change(&["groupadd", &member.group]);
        change(&["useradd", "--no-create-home", "--groups", &member.group, &member.user]);
        Some(member)
    }

    /// A user who is in these groups as well.
    pub fn of(groups: &[&Group]) -> Option<Self> {
        let mut member = Self::new()?;
        for Group(group) in groups {
            change(&["gpasswd", "--add", &member.user, group]);
            member.also.push(group.clone());
        }
        Some(member)
    }

    /// Takes the user out of a group that others are in, too.
    pub fn quit(&self, group: &Group) {
        change(&["gpasswd", "--delete", &self.user, &group.0]);
    }

    /// Takes the user out of the group; processes that they have already keep it.
    pub fn leave(&self) {
        change(&["gpasswd", "--delete", &self.user, &self.group]);
    }

    pub fn uid(&self) -> u32 {
        self.asked("-u").parse().expect("a uid")
    }

    fn asked(&self, what: &str) -> String {
        let said = Command::new("id").args([what, &self.user]).output().expect("id");
        String::from_utf8(said.stdout).expect("text").trim().to_owned()
    }

    /// A command line as this user would type it, in a session that has the group since its login.
    pub fn command(&self, place: &Place, line: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command.args(self.becoming()).args(line);
        command.current_dir(place.workspace.file("")).env("HOME", &place.home);
        command.env("FLOWDECK_STATE_DIR", place.workspace.state()).env_remove("XDG_RUNTIME_DIR").env_remove("XDG_DATA_HOME");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What `setpriv` needs to run something as this user.
    fn becoming(&self) -> Vec<String> {
        let groups = [std::slice::from_ref(&self.group), &self.also[..]].concat().join(",");
        ["--reuid", &self.user, "--regid", &self.asked("-g"), "--groups", &groups].map(str::to_owned).into()
    }

    /// `flowdeck` as this user, for a terminal of theirs.
    pub fn terminal(&self, place: &Place, args: &[&str]) -> pty_process::blocking::Command {
        let line = self.becoming().into_iter().chain([place.exe.display().to_string()]);
        pty_process::blocking::Command::new("setpriv")
            .args(line.chain(args.iter().map(|arg| (*arg).to_owned())))
            .current_dir(place.workspace.file(""))
            .env("HOME", &place.home)
            .env("FLOWDECK_STATE_DIR", place.workspace.state())
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("XDG_DATA_HOME")
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("NO_COLOR")
            .env_remove("TMUX")
    }

    /// `flowdeck` as this user.
    pub fn say(&self, place: &Place, args: &[&str]) -> Said {
        let exe = place.exe.display().to_string();
        let line: Vec<&str> = [exe.as_str()].into_iter().chain(args.iter().copied()).collect();
        finish(self.command(place, &line).spawn().expect("setpriv starts"))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        for (program, name) in [("userdel", &self.user), ("groupdel", &self.group)] {
            let _ = Command::new(program).arg(name).stderr(Stdio::null()).status();
        }
    }
}

/// Says what is missing where this process may not make accounts.
fn may_make_accounts() -> Option<()> {
    if !rustix::process::geteuid().is_root() {
        return skip("the right to make users");
    }
    let needed = ["useradd", "userdel", "groupadd", "groupdel", "gpasswd", "setpriv"];
    match needed.into_iter().find(|needed| program(needed).is_none()) {
        Some(missing) => skip(missing),
        None => Some(()),
    }
}

fn fresh_name() -> String {
    format!("fd{}x{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

fn change(line: &[&str]) {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut said = None;
    // Another process on this machine may be changing accounts, too.
    until("the accounts can be changed", || {
        let output = Command::new(line[0]).args(&line[1..]).output().expect("a program");
        let taken = String::from_utf8_lossy(&output.stderr).contains("cannot lock");
        said = Some(output);
        !taken
    });
    let said = said.expect("an answer");
    assert!(said.status.success(), "{line:?}: {}", String::from_utf8_lossy(&said.stderr));
}

/// A workspace that every user of this system can look into, and the program where they can run it.
pub struct Place {
    pub workspace: Workspace,
    exe: PathBuf,
    home: PathBuf,
}

impl Place {
    pub fn new(pipeline: &str, settings: &str) -> Self {
        let workspace = Workspace::with("p.yaml", pipeline);
        open(&workspace.file(""), 0o755);
        let (exe, home) = (workspace.file("flowdeck"), workspace.file("home"));
        let built = Path::new(env!("CARGO_BIN_EXE_flowdeck"));
        fs::hard_link(built, &exe).or_else(|_| fs::copy(built, &exe).map(drop)).expect("the program");
        fs::create_dir(&home).expect("a home");
        open(&home, 0o1777);
        let place = Self { workspace, exe, home };
        place.settings(settings);
        place
    }

    pub fn settings(&self, text: &str) {
        fs::write(self.workspace.file("flowdeck.toml"), text).expect("the file");
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}
