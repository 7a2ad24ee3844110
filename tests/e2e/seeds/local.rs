//! The stage graph of a project whose checks are programs on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use super::{fail, succeed};
use crate::support::Workspace;

/// Writes programs into a new folder.
pub fn programs(folder: &Path, scripts: &[(&str, String)]) {
    fs::create_dir_all(folder).expect("a folder");
    for (name, text) in scripts {
        let file = folder.join(name);
        fs::write(&file, text).expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program");
    }
}

/// A project that writes down what is done with it; the one named program fails.
fn project(failing: &str) -> Workspace {
    let workspace = Workspace::new();
    let script = |name: &str| {
        let work = match name {
            "build" => "echo shop-1.tar",
            "deploy" => "echo \"token $DEPLOY_TOKEN\" >> token",
            _ => "true",
        };
        let end = if name == failing { "exit 3" } else { "exit 0" };
        format!("#!/bin/sh\necho {name} \"$@\" >> work\n{work}\n{end}\n")
    };
    let scripts = ["lint", "test", "audit", "build", "scan", "deploy", "smoke"].map(|name| (name, script(name)));
    programs(&workspace.file("shop"), &scripts);
    workspace
}

/// What was done, the checks that run side by side in the order of their names.
fn work(workspace: &Workspace) -> Vec<String> {
    let mut lines: Vec<String> = workspace.read("shop/work").lines().map(|line| line.trim_end().to_owned()).collect();
    let checks = lines.len().min(3);
    lines[..checks].sort();
    lines
}

#[test]
fn the_branch_decides_where_a_build_goes() {
    let built = ["audit", "lint", "test", "build", "scan shop-1.tar"];
    for (branch, environment) in [("develop", "staging"), ("main", "production")] {
        let workspace = project("");
        let run = succeed(&workspace, "ci-cd.yaml", &json!({"project": "shop", "ref": format!("refs/heads/{branch}")}));
        assert_eq!(run["output"], json!({"artifact": "shop-1.tar", "deployed_to": environment}));
        let done: Vec<String> =
            work(&workspace).into_iter().map(|line| line.replace(&format!("build refs/heads/{branch}"), "build")).collect();
        let deployed = [format!("deploy {environment} shop-1.tar"), format!("smoke {environment}")];
        assert_eq!(done, [&built.map(str::to_owned)[..], &deployed].concat());
        assert_eq!(workspace.read("shop/token"), "token deploy_token\n");
    }
    let workspace = project("");
    let run = succeed(&workspace, "ci-cd.yaml", &json!({"project": "shop", "ref": "refs/heads/$(reboot)"}));
    assert_eq!(run["output"]["deployed_to"], json!(null));
    assert_eq!(work(&workspace)[3..], ["build refs/heads/$(reboot)", "scan shop-1.tar"]);
}

#[test]
fn a_failing_check_or_scan_keeps_a_build_from_being_deployed() {
    for (failing, stage, not_done) in
        [("audit", "security", "build"), ("scan", "scan", "deploy"), ("smoke", "smoke-production", "never")]
    {
        let workspace = project(failing);
        let run = fail(&workspace, "ci-cd.yaml", &json!({"project": "shop", "ref": "refs/heads/main"}));
        assert_eq!(run["error"]["stage"], stage, "{run:#}");
        assert!(!work(&workspace).iter().any(|line| line.starts_with(not_done)), "{:?}", work(&workspace));
    }
}
