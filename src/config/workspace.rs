//! The directory people work in: how it is found, and what its file says.

use std::path::{Path, PathBuf};

use super::{ConfigError, File, read_if_there};

/// The name of the workspace file.
const NAME: &str = "flowdeck.toml";

/// A workspace and its file; without one, an empty `File`.
#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    /// Absolute, links resolved.
    pub dir: PathBuf,
    pub file: File,
}

impl Workspace {
    /// The directory meant: the one named, else the nearest above `cwd` with a workspace file or pipelines, else `cwd`.
    ///
    /// # Errors
    /// `NoWorkspace` when the one named is not a directory.
    pub fn find(named: Option<&Path>, cwd: &Path) -> Result<PathBuf, ConfigError> {
        let real = |path: &Path| path.canonicalize().map_err(|error| ConfigError::io("find", path, error));
        if let Some(named) = named {
            let dir = cwd.join(named);
            return if dir.is_dir() { real(&dir) } else { Err(ConfigError::NoWorkspace { path: dir }) };
        }
        let cwd = real(cwd)?;
        let marked = |dir: &&Path| dir.join(NAME).is_file() || dir.join("pipelines").is_dir();
        Ok(cwd.ancestors().find(marked).unwrap_or(&cwd).to_owned())
    }

    /// Where the file of a workspace is, whether or not there is one.
    pub fn file_of(dir: &Path) -> PathBuf {
        dir.join(NAME)
    }

    /// Reads the workspace file of a directory.
    ///
    /// # Errors
    /// `Invalid` with every problem of the file, `Io` when it is there and cannot be read.
    pub fn load(dir: &Path) -> Result<Self, ConfigError> {
        let path = Self::file_of(dir);
        let text = read_if_there(&path)?.unwrap_or_default();
        match File::parse(&text, dir) {
            Ok(file) => Ok(Self { dir: dir.to_owned(), file }),
            Err(problems) => Err(ConfigError::Invalid { path, text, problems }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Workspace;
    use crate::config::{ConfigError, File};
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_nearest_marked_directory_above_is_the_workspace() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("api/src/deep")).unwrap();
        let find = |cwd: &str| Workspace::find(None, &root.join(cwd)).unwrap();
        assert_eq!(find("api/src/deep"), root.join("api/src/deep"));
        fs::write(root.join("flowdeck.toml"), "").unwrap();
        assert_eq!(find("api/src/deep"), root);
        fs::create_dir(root.join("api/pipelines")).unwrap();
        assert_eq!(find("api/src/deep"), root.join("api"));
        assert_eq!(Workspace::find(Some(Path::new("../src")), &root.join("api/src")).unwrap(), root.join("api/src"));
    }

    #[test]
    fn a_named_workspace_must_be_there() {
        let root = tempfile::tempdir().unwrap();
        let error = Workspace::find(Some(Path::new("missing")), root.path()).unwrap_err();
        assert!(matches!(error, ConfigError::NoWorkspace { .. }), "{error}");
    }

    #[test]
    fn a_workspace_needs_no_file_but_a_wrong_one_is_told() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Workspace::load(root.path()).unwrap().file, File::default());
        fs::write(root.path().join("flowdeck.toml"), "\n[engin]\n").unwrap();
        let error = Workspace::load(root.path()).unwrap_err();
        assert!(error.to_string().ends_with("flowdeck.toml has a problem in line 2: unknown section `engin`"), "{error}");
    }
}
