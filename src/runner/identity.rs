//! Where a runner lives on disk, and how to tell that a process is that runner and no other.

use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::model::StageId;
use serde::{Deserialize, Serialize};

use crate::process::procfs;

/// The longest path the system takes for a socket is 107 bytes.
const MAX_SOCKET_PATH: usize = 100;

/// `RUN/runner.json`: written before the first connection is accepted, so before anything can have started.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub boot_id: String,
    pub pid: i32,
    /// Clock ticks since boot.
    pub start_time: u64,
    /// What a connection must show.
    pub cookie: String,
}

/// The cookie is a secret.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({} since {})", self.pid, self.start_time)
    }
}

impl Identity {
    /// This process, with a new cookie.
    pub fn own() -> io::Result<Self> {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let stat = procfs::stat(pid).ok_or_else(|| io::Error::other("/proc is not readable"))?;
        let mut random = [0; 16];
        fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
        let cookie = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { boot_id: procfs::boot_id()?, pid, start_time: stat.start_time, cookie })
    }

    /// Writes it for its owner only; a reader sees all of it or nothing.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let temporary = dir.join("runner.json.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(temporary, path(dir))
    }

    /// The identity of the run's last runner; none when it never had one.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(path(dir)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says that no runner is here any more, and none has left anything unsaid.
    pub fn remove(dir: &Path) {
        fs::remove_file(path(dir)).ok();
    }

    /// True while this very process is running.
    pub fn is_alive(&self) -> bool {
        let same_boot = procfs::boot_id().is_ok_and(|boot| boot == self.boot_id);
        same_boot && procfs::stat(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.dead)
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("runner.json")
}

/// True when the run never had a runner: none of its attempts can have started.
pub fn never_started(dir: &Path) -> bool {
    matches!(path(dir).try_exists(), Ok(false))
}

/// The runner's socket: in the run's directory, or, where that path is too long, in the runtime directory under its hash.
pub fn socket_path(dir: &Path) -> PathBuf {
    let path = dir.join("runner.sock");
    if path.as_os_str().len() <= MAX_SOCKET_PATH {
        return path;
    }
    // The hasher has fixed keys: every process comes to the same name.
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    runtime_dir().join(format!("{:016x}.sock", hasher.finish()))
}

fn runtime_dir() -> PathBuf {
    let given =
        std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute() && dir.as_os_str().len() < 60);
    match given {
        Some(dir) => dir.join("flowdeck"),
        None => std::env::temp_dir().join(format!("flowdeck-{}", rustix::process::getuid().as_raw())),
    }
}

/// What every process of an attempt carries in its environment.
pub fn attempt_mark(dir: &Path, stage: &StageId, attempt: u32) -> String {
    format!("{}:{stage}:{attempt}:", dir.display())
}

#[cfg(test)]
mod tests {
    use super::{Identity, never_started, socket_path};
    use std::path::Path;

    #[test]
    fn an_identity_names_this_process_and_no_later_one_of_the_same_number() {
        let dir = tempfile::tempdir().unwrap();
        assert!(never_started(dir.path()));
        let own = Identity::own().unwrap();
        own.write(dir.path()).unwrap();
        assert!(!never_started(dir.path()));
        let read = Identity::read(dir.path()).unwrap().unwrap();
        assert_eq!(read, own);
        assert!(read.is_alive());
        assert!(!Identity { start_time: own.start_time + 1, ..own.clone() }.is_alive());
        assert!(!Identity { boot_id: "another".to_owned(), ..own }.is_alive());
    }

    #[test]
    fn a_long_directory_still_has_a_socket_path_that_fits() {
        let long = format!("/{}", "x".repeat(150));
        assert!(socket_path(Path::new(&long)).as_os_str().len() <= 100);
        assert_eq!(socket_path(Path::new("/run/a")), Path::new("/run/a/runner.sock"));
    }
}
