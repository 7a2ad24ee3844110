//! Real PostgreSQL and Redis for one test each: private directories, no port that another test could take, gone with
//! the guard.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::programs::{free_port, program, skip};
use crate::support::{Said, finish, kill, until};

/// PostgreSQL refuses to be run by root.
const NOBODY: u32 = 65_534;

pub const PASSWORD: &str = "pg-5up3r-s3cr3t";

/// A cluster that asks for a password, reachable through a socket in its own directory.
pub struct Postgres {
    child: Child,
    dir: TempDir,
}

/// A server that asks for a password.
pub struct Redis {
    child: Child,
    pub port: u16,
    _dir: TempDir,
}

fn done(mut command: Command) -> Said {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().expect("a program starts"))
}

impl Postgres {
    /// None, with a word on standard error, where it is not installed.
    pub fn start() -> Option<Self> {
        let (Some(initdb), Some(postgres), Some(_)) = (program("initdb"), program("postgres"), program("psql")) else {
            return skip("postgres");
        };
        let dir = tempfile::tempdir().expect("a directory");
        let root = rustix::process::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("the directory's owner");
        }
        let as_user = |program: &Path| {
            let mut command = Command::new(program);
            command.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        std::fs::write(dir.path().join("password"), PASSWORD).expect("a password");
        let mut init = as_user(&initdb);
        init.args(["-D", "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile=password"]);
        init.args(["--no-sync", "--no-locale", "-E", "UTF8"]);
        let said = done(init);
        assert_eq!(said.code, Some(0), "{said:#?}");
        let mut serve = as_user(&postgres);
        serve.args(["-D", "data", "-h", "", "-k"]).arg(dir.path());
        serve.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "autovacuum=off"]);
        let started = Self { child: serve.spawn().expect("postgres starts"), dir };
        until("postgres answers", || started.psql("postgres", "select 1").code == Some(0));
        Some(started)
    }

    /// What clients call the host.
    pub fn host(&self) -> &Path {
        self.dir.path()
    }

    pub fn psql(&self, database: &str, sql: &str) -> Said {
        let mut command = Command::new("psql");
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", sql]);
        command.env("PGHOST", self.host()).env("PGPASSWORD", PASSWORD);
        done(command)
    }

    /// What a query answers, without the last line break.
    pub fn ask(&self, database: &str, sql: &str) -> String {
        let said = self.psql(database, sql);
        assert_eq!(said.code, Some(0), "{sql}: {said:#?}");
        said.out.trim_end().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An immediate shutdown: every process of the cluster ends at once, and nobody reads its data again.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        let _ = self.child.wait();
    }
}

impl Redis {
    /// None, with a word on standard error, where it is not installed.
    pub fn start() -> Option<Self> {
        let (Some(server), Some(_)) = (program("redis-server"), program("redis-cli")) else { return skip("redis") };
        let dir = tempfile::tempdir().expect("a directory");
        loop {
            let port = free_port();
            let mut command = Command::new(&server);
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD]);
            // Or a snapshot begins five seconds late, to serve several replicas at once.
            command.args(["--repl-diskless-sync-delay", "0"]);
            command.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("redis starts");
            let (mut gone, own) = (false, format!("process_id:{}", child.id()));
            until("redis answers", || {
                gone = child.try_wait().expect("its state").is_some();
                gone || ask(port, &["info", "server"]).lines().any(|line| line.trim_end() == own)
            });
            // Somebody else was quicker to take the port: another one.
            if !gone {
                return Some(Self { child, port, _dir: dir });
            }
        }
    }

    pub fn ask(&self, words: &[&str]) -> String {
        ask(self.port, words)
    }
}

fn ask(port: u16, words: &[&str]) -> String {
    let mut command = Command::new("redis-cli");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).args(words).env("REDISCLI_AUTH", PASSWORD);
    done(command).out.trim_end().to_owned()
}

impl Drop for Redis {
    fn drop(&mut self) {
        kill(self.child.id().cast_signed());
        let _ = self.child.wait();
    }
}
