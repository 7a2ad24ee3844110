//! Reading a secret from where the workspace file says it comes from. Values are never part of an error.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::{ConfigError, File, Secret};

/// How long a command may take to print a secret.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for one that may ask a person first.
const PATIENCE_WITH_PEOPLE: Duration = Duration::from_secs(120);

/// How secrets are read: in which directory, and whether a command may talk to a person meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct SecretReader<'a> {
    workspace: &'a Path,
    quiet: bool,
    patience: Duration,
}

impl<'a> SecretReader<'a> {
    /// For a person: what a command has to say on standard error, they see.
    pub fn interactive(workspace: &'a Path) -> Self {
        Self { workspace, quiet: false, patience: PATIENCE_WITH_PEOPLE }
    }

    /// For a background process, whose standard error is a file: what a command says there is dropped.
    pub fn quiet(workspace: &'a Path) -> Self {
        Self { workspace, quiet: true, patience: PATIENCE }
    }

    /// The value of `env.NAME` as this process has it, or of `secrets.NAME` from its configured source.
    ///
    /// # Errors
    /// As `Secret::read`. A name that nobody has a value for is `None`.
    pub fn value(&self, file: &File, name: &str) -> Result<Option<String>, ConfigError> {
        match name.split_once('.') {
            Some(("secrets", secret)) => file.secrets.get(secret).map(|source| source.read(secret, self)).transpose(),
            Some((_, variable)) => Ok(std::env::var(variable).ok()),
            None => Ok(None),
        }
    }
}

impl Secret {
    /// The value, without the line end that editors and commands add.
    ///
    /// # Errors
    /// `NoSecret` when the source is missing, readable by others, or a command that fails or takes too long.
    pub fn read(&self, name: &str, reader: &SecretReader<'_>) -> Result<String, ConfigError> {
        let wrong = |detail: String| ConfigError::NoSecret { name: name.to_owned(), detail };
        let text = match self {
            Self::Env(variable) => std::env::var(variable).map_err(|_| wrong(format!("the variable {variable} is not set")))?,
            Self::File(path) => {
                let shown = path.display();
                let found = fs::metadata(path).map_err(|error| wrong(format!("{shown}: {error}")))?;
                if found.mode() & 0o077 != 0 {
                    return Err(wrong(format!("{shown} can be read by others (chmod 600 mends that)")));
                }
                if found.len() > LONGEST {
                    return Err(wrong(format!("{shown} is longer than {LONGEST} bytes")));
                }
                fs::read_to_string(path).map_err(|error| wrong(format!("{shown}: {error}")))?
            }
            Self::Command(words) => run(words, reader).map_err(wrong)?,
        };
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }
}

/// Nothing that is longer is a secret that somebody means.
const LONGEST: u64 = 1 << 20;

/// Runs a command in the workspace. What it prints is the value; who it may talk to is the caller's choice.
fn run(words: &[String], reader: &SecretReader<'_>) -> Result<String, String> {
    let [program, arguments @ ..] = words else { return Err("the command is empty".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(reader.workspace).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(if reader.quiet { Stdio::null() } else { Stdio::inherit() });
    if reader.quiet {
        // Of its own, to be ended whole. A command that asks a person stays in the terminal's foreground group.
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let pid = Pid::from_child(&child);
    let (said, printed) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let read = stdout.take(LONGEST + 1).read_to_end(&mut text).map(|_| text);
            // Nobody listens any more after the time limit; a command that goes on printing finds nobody at the other end.
            let _ = said.send(read.and_then(|text| child.wait().map(|status| (status, text))));
        });
    }
    let answer = printed.recv_timeout(reader.patience).map_err(|_| {
        let _ = if reader.quiet { kill_process_group(pid, Signal::KILL) } else { kill_process(pid, Signal::KILL) };
        format!("{program} took longer than {} s", reader.patience.as_secs_f32())
    });
    let (status, text) = answer?.map_err(|error| format!("{program}: {error}"))?;
    if text.len() as u64 > LONGEST {
        return Err(format!("{program} prints more than {LONGEST} bytes"));
    }
    if !status.success() {
        return Err(format!("{program} ended with {status}"));
    }
    String::from_utf8(text).map_err(|_| format!("{program} did not print text"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Secret, SecretReader};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_command_that_prints_without_end_is_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let endless = Secret::Command(vec!["yes".to_owned()]);
        let error = endless.read("X", &SecretReader::interactive(dir.path())).unwrap_err().to_string();
        assert!(error.contains("yes prints more than"), "{error}");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deploy");
        std::fs::write(&path, "s3cret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Secret::File(path.clone()).read("DEPLOY", &SecretReader::quiet(Path::new("/"))).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && !error.contains("s3cret"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Secret::File(path).read("DEPLOY", &SecretReader::quiet(Path::new("/"))).unwrap(), "s3cret");
    }

    #[test]
    fn a_command_gives_its_output_and_its_failure_is_named() {
        let words = |text: &str| Secret::Command(["sh", "-c", text].map(str::to_owned).to_vec());
        assert_eq!(words("echo abc").read("X", &SecretReader::quiet(Path::new("/"))).unwrap(), "abc");
        assert!(
            words("exit 3").read("X", &SecretReader::quiet(Path::new("/"))).unwrap_err().to_string().contains("exit status: 3")
        );
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_its_family() {
        let dir = tempfile::tempdir().unwrap();
        let script = format!("cd {}; echo $$ > pid; sleep 1000 & wait", dir.path().display());
        let secret = Secret::Command(["sh", "-c", &script].map(str::to_owned).to_vec());
        let reader = SecretReader { patience: Duration::from_millis(300), ..SecretReader::quiet(dir.path()) };
        let error = secret.read("SLOW", &reader).unwrap_err().to_string();
        assert!(error.contains("took longer than 0.3 s"), "{error}");
        let group = std::fs::read_to_string(dir.path().join("pid")).unwrap().trim().parse().unwrap();
        let group = rustix::process::Pid::from_raw(group).unwrap();
        // The last of them is gone a moment after its signal.
        let since = std::time::Instant::now();
        while rustix::process::test_kill_process_group(group).is_ok() {
            assert!(since.elapsed() < Duration::from_secs(10), "something of the command is left");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_command_runs_in_the_workspace_and_its_failure_repeats_nothing_it_said() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("value"), "s3cret\n").unwrap();
        let words = |text: &str| Secret::Command(["sh", "-c", text].map(str::to_owned).to_vec());
        let reader = SecretReader::quiet(dir.path());
        assert_eq!(words("cat value").read("X", &reader).unwrap(), "s3cret");
        let error = words("cat value; cat value >&2; exit 1").read("X", &reader).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}
