//! Places, on a host of our own making.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Paths;
use crate::config::{ConfigError, Host};
use crate::model::RunId;

/// A quiet host whose directories are below `root`.
pub(in crate::config) fn host(root: &Path) -> Host {
    Host {
        data_dir: root.join("data"),
        config_dir: root.join("config"),
        runtime_dir: Some(root.join("run")),
        temporary_dir: root.join("tmp"),
        uid: rustix::process::geteuid().as_raw(),
        state_dir: None,
        idle_timeout: None,
        max_concurrency: None,
        theme: None,
    }
}

fn root() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_flag_beats_the_variable_beats_the_platform() {
    let (_guard, root) = root();
    let quiet = host(&root);
    let said = Host { state_dir: Some(root.join("said")), ..quiet.clone() };
    let state = |flag: Option<&Path>, host: &Host| Paths::new(&root, flag, host).unwrap().state_dir().to_owned();
    assert_eq!(state(Some(&root.join("flag")), &said), root.join("flag"));
    assert_eq!(state(None, &said), root.join("said"));
    assert!(state(None, &quiet).starts_with(root.join("data/flowdeck/workspaces")));
}

#[test]
fn one_workspace_has_one_state_directory_however_it_is_spelled() {
    let (_guard, root) = root();
    fs::create_dir_all(root.join("api/sub")).unwrap();
    std::os::unix::fs::symlink(root.join("api"), root.join("link")).unwrap();
    let state = |workspace: &str| Paths::new(&root.join(workspace), None, &host(&root)).unwrap().state_dir().to_owned();
    assert_eq!(state("api"), state("link"));
    assert_eq!(state("api"), state("api/sub/.."));
    assert_ne!(state("api"), state("api/sub"));
    assert!(state("api").to_string_lossy().ends_with("-api"));
}

#[test]
fn a_socket_lies_beside_the_state_unless_its_path_is_too_long() {
    let (_guard, root) = root();
    let paths = |state: PathBuf| Paths::new(&root, Some(&state), &host(&root)).unwrap();
    assert_eq!(paths(root.join("s")).socket(), root.join("s/engine.sock"));
    let long = root.join("x".repeat(120));
    let moved = paths(long.clone());
    assert!(moved.socket().starts_with(root.join("run/flowdeck")), "{moved:?}");
    assert_eq!(moved.socket(), paths(long).socket());
    assert_ne!(moved.socket(), paths(root.join("y".repeat(120))).socket());
}

#[test]
fn without_a_usable_runtime_directory_the_socket_goes_to_the_temporary_one() {
    let long = PathBuf::from(format!("/{}", "x".repeat(120)));
    for runtime_dir in [None, Some(long.clone())] {
        let host = Host { runtime_dir, temporary_dir: PathBuf::from("/tmp"), uid: 1234, ..host(Path::new("/nowhere")) };
        let paths = Paths::new(Path::new("/"), Some(&long), &host).unwrap();
        assert!(paths.socket().starts_with("/tmp/flowdeck-1234"), "{paths:?}");
    }
}

#[test]
fn a_run_has_a_directory_only_under_a_plain_name() {
    let paths = Paths::new(Path::new("/"), Some(Path::new("/state")), &host(Path::new("/nowhere"))).unwrap();
    assert_eq!(paths.run_dir(&RunId::from("1k2-abc")).unwrap(), PathBuf::from("/state/runs/1k2-abc"));
    for bad in ["..", "a/b", "", "a b"] {
        assert!(matches!(paths.run_dir(&RunId::from(bad)), Err(ConfigError::NotARun { .. })), "{bad:?}");
    }
}

#[test]
fn directories_are_made_for_the_user_alone() {
    let (_guard, root) = root();
    let paths = Paths::new(&root, Some(&root.join("x".repeat(120))), &host(&root)).unwrap();
    paths.prepare(None).unwrap();
    for dir in [paths.state_dir(), &paths.runs_dir(), &paths.log_dir(), paths.socket().parent().unwrap()] {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
}

#[test]
fn a_socket_directory_that_others_can_change_is_refused() {
    let (_guard, root) = root();
    let paths = Paths::new(&root, Some(&root.join("state")), &host(&root)).unwrap();
    paths.prepare(None).unwrap();
    fs::set_permissions(paths.state_dir(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(paths.prepare_socket_dir(), Err(ConfigError::UnsafeDirectory { .. })));

    let stranger = Host { uid: host(&root).uid + 1, ..host(&root) };
    let paths = Paths::new(&root, Some(&root.join("other")), &stranger).unwrap();
    assert!(matches!(paths.prepare_socket_dir(), Err(ConfigError::UnsafeDirectory { .. })));
}

#[test]
fn a_group_may_pass_through_to_the_socket_and_see_nothing_else() {
    let (_guard, root) = root();
    let group = rustix::process::getegid().as_raw();
    let paths = Paths::new(&root, Some(&root.join("state")), &host(&root)).unwrap();
    paths.prepare(None).unwrap();
    fs::set_permissions(paths.log_dir(), fs::Permissions::from_mode(0o755)).unwrap();
    paths.prepare(Some(group)).unwrap();
    assert_eq!(mode(paths.state_dir()), 0o710);
    for dir in [paths.runs_dir(), paths.log_dir()] {
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
    }
    paths.prepare(None).unwrap();
    assert_eq!(mode(paths.state_dir()), 0o700, "closed again when no group is named any more");
}

#[test]
fn a_state_directory_too_long_for_a_socket_cannot_be_shared() {
    let (_guard, root) = root();
    let paths = Paths::new(&root, Some(&root.join("x".repeat(120))), &host(&root)).unwrap();
    let refused = paths.prepare(Some(rustix::process::getegid().as_raw())).unwrap_err();
    assert!(refused.to_string().contains("longer than the 100 bytes"), "{refused}");
}

#[test]
fn somebody_elses_state_is_used_only_where_it_was_named_and_nobody_could_have_put_it_there() {
    let (_guard, root) = root();
    let state = root.join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o710)).unwrap();
    // The directories are this user's; the client is another.
    let client = Host { uid: host(&root).uid + 1, ..host(&root) };
    let named = Paths::new(&root, Some(&state), &client).unwrap();
    assert_eq!(named.other_owner(), Some(host(&root).uid));
    named.prepare_socket_dir().unwrap();
    assert!(named.own_dir().starts_with(root.join("data")), "{named:?}");
    assert!(matches!(named.prepare(None), Err(ConfigError::UnsafeDirectory { .. })), "no engine of another user's");

    fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = named.prepare_socket_dir().unwrap_err();
    assert!(refused.to_string().contains("others may write into"), "{refused}");
    let own = Paths::new(&root, Some(&state), &host(&root)).unwrap();
    assert_eq!((own.other_owner(), own.own_dir()), (None, state.as_path()));
}
