//! Reading a secret from where the workspace file says it comes from. Values are never part of an error.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use super::{ConfigError, Secret};

impl Secret {
    /// The value, without the line end that editors and commands add.
    ///
    /// # Errors
    /// `NoSecret` when the source is missing, readable by others, or a command that fails.
    pub fn read(&self, name: &str) -> Result<String, ConfigError> {
        let wrong = |detail: String| ConfigError::NoSecret { name: name.to_owned(), detail };
        let text = match self {
            Self::Env(variable) => std::env::var(variable).map_err(|_| wrong(format!("the variable {variable} is not set")))?,
            Self::File(path) => {
                let shown = path.display();
                let found = fs::metadata(path).map_err(|error| wrong(format!("{shown}: {error}")))?;
                if found.mode() & 0o077 != 0 {
                    return Err(wrong(format!("{shown} can be read by others (chmod 600 mends that)")));
                }
                fs::read_to_string(path).map_err(|error| wrong(format!("{shown}: {error}")))?
            }
            Self::Command(words) => run(words).map_err(wrong)?,
        };
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }
}

fn run(words: &[String]) -> Result<String, String> {
    let [program, arguments @ ..] = words else { return Err("the command is empty".to_owned()) };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{program} did not print text"))
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deploy");
        std::fs::write(&path, "s3cret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Secret::File(path.clone()).read("DEPLOY").unwrap_err().to_string();
        assert!(error.contains("chmod 600") && !error.contains("s3cret"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Secret::File(path).read("DEPLOY").unwrap(), "s3cret");
    }

    #[test]
    fn a_command_gives_its_output_and_its_failure_is_named() {
        let words = |text: &str| Secret::Command(["sh", "-c", text].map(str::to_owned).to_vec());
        assert_eq!(words("echo abc").read("X").unwrap(), "abc");
        assert!(words("exit 3").read("X").unwrap_err().to_string().contains("exit status: 3"));
    }
}
