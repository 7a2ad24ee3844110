//! The documents that the language comes from, and the pipelines that are shipped: each runs, well and badly, against
//! real servers of this test.

mod corpus;
mod database;
mod delivery;
mod local;
mod operations;
mod resume;
mod server;
mod stack;
mod strategy;

use std::path::Path;
use std::process::Stdio;

use super::support::{Said, Workspace, finish};

/// The path of a shipped pipeline.
fn shipped(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name).display().to_string()
}

/// Credentials that the shipped pipelines ask for.
const TOKENS: [&str; 7] =
    ["FORGE_TOKEN", "CI_TOKEN", "DEPLOY_TOKEN", "PROVISION_TOKEN", "AUTOMATION_TOKEN", "JWT_TOKEN", "BALANCER_TOKEN"];

/// Runs a shipped pipeline with inputs; every credential is its own name in small letters.
fn run(workspace: &Workspace, name: &str, inputs: &serde_json::Value) -> Said {
    std::fs::write(workspace.file("inputs.json"), inputs.to_string()).expect("inputs");
    let mut command = workspace.command(&["run", &shipped(name), "--inputs", "inputs.json", "--json"]);
    command.envs(TOKENS.map(|token| (token, token.to_lowercase()))).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().expect("flowdeck starts"))
}

/// The document of a run that has to succeed.
fn succeed(workspace: &Workspace, name: &str, inputs: &serde_json::Value) -> serde_json::Value {
    let said = run(workspace, name, inputs);
    assert_eq!(said.code, Some(0), "{name}: {said:#?}");
    said.json()
}

/// The document of a run that has to fail.
fn fail(workspace: &Workspace, name: &str, inputs: &serde_json::Value) -> serde_json::Value {
    let said = run(workspace, name, inputs);
    assert_eq!(said.code, Some(1), "{name}: {said:#?}");
    said.json()
}
