//! From what a person types to the file of a pipeline.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ConfigError, suggest};

/// Endings of pipeline files, without the dot.
pub const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// Finds the file of a pipeline: a path (relative to `cwd`), or the name of a file in the workspace's `pipelines/`,
/// with or without its ending.
///
/// # Errors
/// `NoPipeline` with the nearest name, `AmbiguousPipeline` when a name has several files.
pub fn resolve_pipeline(workspace: &Path, cwd: &Path, text: &str) -> Result<PathBuf, ConfigError> {
    let folder = workspace.join("pipelines");
    let named: Vec<PathBuf> =
        EXTENSIONS.iter().map(|ending| folder.join(format!("{text}.{ending}"))).filter(|path| path.is_file()).collect();
    let given = cwd.join(text);
    let looks_like_a_path = text.contains('/') || is_pipeline(Path::new(text));
    match named.as_slice() {
        _ if looks_like_a_path && given.is_file() => return Ok(given),
        [one] => return Ok(one.clone()),
        [_, _, ..] => return Err(ConfigError::AmbiguousPipeline { name: text.to_owned(), found: names(&named) }),
        [] => {}
    }
    if is_pipeline(Path::new(text)) && folder.join(text).is_file() {
        return Ok(folder.join(text));
    }
    // What is there and no ordinary file is told as that when it is read.
    if given.is_file() || (looks_like_a_path && given.exists()) {
        return Ok(given);
    }
    let known: Vec<String> = pipelines(workspace)?.iter().filter_map(|path| stem(path)).collect();
    let wanted = stem(Path::new(text)).unwrap_or_default();
    let near = suggest(&wanted, known.iter().map(String::as_str)).map(str::to_owned);
    Err(ConfigError::NoPipeline { name: text.to_owned(), near, known })
}

/// The files in the workspace's `pipelines/`, by name; none when there is no such folder.
///
/// # Errors
/// `Io` when the folder is there and cannot be read.
pub fn pipelines(workspace: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let folder = workspace.join("pipelines");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ConfigError::io("read", &folder, error)),
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| ConfigError::io("read", &folder, error)));
    let mut found = paths.collect::<Result<Vec<_>, _>>()?;
    found.retain(|path| is_pipeline(path) && path.is_file());
    found.sort();
    Ok(found)
}

fn is_pipeline(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| EXTENSIONS.contains(&ending))
}

/// The name people use: `deploy` for `pipelines/deploy.json`, `api.v2` for `api.v2`.
fn stem(path: &Path) -> Option<String> {
    let name = if is_pipeline(path) { path.file_stem() } else { path.file_name() };
    name.map(|name| name.to_string_lossy().into_owned())
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::resolve_pipeline;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn workspace(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("pipelines/team")).unwrap();
        fs::create_dir_all(dir.path().join("cwd")).unwrap();
        for file in files {
            fs::write(dir.path().join(file), "{}").unwrap();
        }
        dir
    }

    fn resolved(dir: &Path, text: &str) -> Result<PathBuf, String> {
        let found = resolve_pipeline(dir, &dir.join("cwd"), text).map_err(|error| error.to_string())?;
        Ok(found.strip_prefix(dir).unwrap().to_owned())
    }

    #[test]
    fn a_name_or_a_path_finds_its_file() {
        let dir = workspace(&[
            "pipelines/deploy.json",
            "pipelines/hello.yaml",
            "pipelines/team/a.yml",
            "pipelines/api.v2.json",
            "cwd/own.yml",
            "cwd/deploy",
        ]);
        for (text, expected) in [
            ("deploy", "pipelines/deploy.json"),
            ("deploy.json", "pipelines/deploy.json"),
            ("hello", "pipelines/hello.yaml"),
            ("team/a", "pipelines/team/a.yml"),
            ("api.v2", "pipelines/api.v2.json"),
            ("own.yml", "cwd/own.yml"),
            ("./deploy", "cwd/./deploy"),
            ("../pipelines/hello.yaml", "cwd/../pipelines/hello.yaml"),
        ] {
            assert_eq!(resolved(dir.path(), text), Ok(PathBuf::from(expected)), "{text}");
        }
    }

    #[test]
    fn a_near_name_is_suggested_and_otherwise_all_are_named() {
        let dir = workspace(&["pipelines/deploy.json", "pipelines/hello.yaml", "pipelines/notes.txt"]);
        assert_eq!(resolved(dir.path(), "depoly").unwrap_err(), "there is no pipeline \"depoly\": did you mean \"deploy\"?");
        assert_eq!(
            resolved(dir.path(), "depoly.json").unwrap_err(),
            "there is no pipeline \"depoly.json\": did you mean \"deploy\"?"
        );
        assert_eq!(resolved(dir.path(), "verify").unwrap_err(), "there is no pipeline \"verify\": there are deploy, hello");
        let bare = tempfile::tempdir().unwrap();
        fs::create_dir(bare.path().join("cwd")).unwrap();
        assert!(resolved(bare.path(), "x").unwrap_err().ends_with("the workspace has no pipelines/"));
    }

    #[test]
    fn a_name_with_two_files_is_not_guessed() {
        let dir = workspace(&["pipelines/deploy.json", "pipelines/deploy.yaml"]);
        assert_eq!(resolved(dir.path(), "deploy").unwrap_err(), "\"deploy\" may be deploy.json or deploy.yaml: name the file");
        assert_eq!(resolved(dir.path(), "deploy.yaml"), Ok(PathBuf::from("pipelines/deploy.yaml")));
    }
}
