//! From what a person types to the file of a pipeline.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ConfigError, suggest};

/// What the name of a test file has before its ending.
const TEST: &str = ".test";

/// Endings of pipeline files, without the dot.
pub const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// Finds the file of a pipeline: a path (relative to `cwd`), or the name of a file in the workspace's `pipelines/`,
/// with or without its ending.
///
/// # Errors
/// `NoPipeline` with the nearest name, `AmbiguousPipeline` when a name has several files, `TestFile` when it is none.
pub fn resolve_pipeline(workspace: &Path, cwd: &Path, text: &str) -> Result<PathBuf, ConfigError> {
    let found = resolve(workspace, cwd, text)?;
    if is_test(&found) { Err(ConfigError::TestFile { path: found }) } else { Ok(found) }
}

fn resolve(workspace: &Path, cwd: &Path, text: &str) -> Result<PathBuf, ConfigError> {
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

/// The pipelines in the workspace's `pipelines/`, by name; none when there is no such folder.
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
    found.retain(|path| is_pipeline(path) && !is_test(path) && path.is_file());
    found.sort();
    Ok(found)
}

/// The test files in a directory and below it, by name; links to directories are not followed.
///
/// # Errors
/// `Io` when a directory cannot be read.
pub fn test_files(dir: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let mut found = Vec::new();
    collect_tests(dir, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect_tests(dir: &Path, into: &mut Vec<PathBuf>) -> Result<(), ConfigError> {
    let unreadable = |error| ConfigError::io("read", dir, error);
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            collect_tests(&path, into)?;
        } else if is_test(&path) && path.is_file() {
            into.push(path);
        }
    }
    Ok(())
}

/// The pipeline beside a test file: `deploy.json` for `deploy.test.yaml`.
///
/// # Errors
/// `NoPipeline` when there is none, `AmbiguousPipeline` when there are several.
pub fn tested_pipeline(test: &Path) -> Result<PathBuf, ConfigError> {
    let stem = stem(test).unwrap_or_default();
    let name = stem.strip_suffix(TEST).unwrap_or(&stem);
    let beside: Vec<PathBuf> = EXTENSIONS
        .iter()
        .map(|ending| test.with_file_name(format!("{name}.{ending}")))
        .filter(|path| path.is_file() && !is_test(path))
        .collect();
    match beside.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(ConfigError::NoPipeline { name: name.to_owned(), near: None, known: Vec::new() }),
        several => Err(ConfigError::AmbiguousPipeline { name: name.to_owned(), found: names(several) }),
    }
}

/// A file of tests: `deploy.test.yaml`.
pub fn is_test(path: &Path) -> bool {
    is_pipeline(path) && path.file_stem().is_some_and(|stem| Path::new(stem).extension().is_some_and(|last| last == "test"))
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
    fn tests_beside_pipelines_are_no_pipelines_and_find_theirs() {
        let dir = workspace(&[
            "pipelines/deploy.json",
            "pipelines/deploy.test.yaml",
            "pipelines/team/a.yml",
            "pipelines/team/a.test.json",
            "pipelines/team/lost.test.yml",
        ]);
        let names = |paths: Vec<PathBuf>| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names(super::pipelines(dir.path()).unwrap()), ["pipelines/deploy.json"]);
        let tests = super::test_files(&dir.path().join("pipelines")).unwrap();
        let found: Vec<_> = tests.iter().map(|test| super::tested_pipeline(test).map(|path| names(vec![path])).ok()).collect();
        let expected = [Some("pipelines/deploy.json"), Some("pipelines/team/a.yml"), None];
        assert_eq!(found, expected.map(|name| name.map(|name| vec![name.to_owned()])));
        assert_eq!(names(tests), ["pipelines/deploy.test.yaml", "pipelines/team/a.test.json", "pipelines/team/lost.test.yml"]);
        for text in ["deploy.test", "deploy.test.yaml", "../pipelines/deploy.test.yaml"] {
            assert!(resolved(dir.path(), text).unwrap_err().contains("holds tests"), "{text}");
        }
    }

    #[test]
    fn a_name_with_two_files_is_not_guessed() {
        let dir = workspace(&["pipelines/deploy.json", "pipelines/deploy.yaml"]);
        assert_eq!(resolved(dir.path(), "deploy").unwrap_err(), "\"deploy\" may be deploy.json or deploy.yaml: name the file");
        assert_eq!(resolved(dir.path(), "deploy.yaml"), Ok(PathBuf::from("pipelines/deploy.yaml")));
    }
}
