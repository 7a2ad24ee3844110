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

#[test]
fn the_table_of_shipped_pipelines_has_each_of_them_and_its_commands_are_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = Workspace::new();
    let mut files: Vec<String> = Vec::new();
    for path in shipped_files() {
        std::fs::copy(&path, workspace.file("pipelines").join(path.file_name().unwrap())).unwrap();
        files.push(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    let text = std::fs::read_to_string(root.join("assets/docs/shipped.md")).unwrap();
    let mut listed = Vec::new();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        listed.push(cells[1].to_owned());
        // A plan takes the same inputs as a run, and runs nothing.
        let words: Vec<&str> = cells[3].split(' ').skip(2).collect();
        assert_eq!(words[0], cells[1]);
        workspace.ok(&[&["plan"], &words[..]].concat());
    }
    files.sort();
    listed.sort();
    assert_eq!(listed, files);
    workspace.ok(&["validate", "--strict"]);
}

/// The pipelines themselves, without their tests.
fn shipped_files() -> Vec<std::path::PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let paths = std::fs::read_dir(dir).expect("the pipelines").map(|entry| entry.expect("an entry").path());
    paths.filter(|path| !path.to_string_lossy().contains(".test.")).collect()
}

#[test]
fn every_input_of_a_shipped_pipeline_is_described_and_its_work_has_a_limit() {
    for path in shipped_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let format = flowdeck::language::Format::of(&path.to_string_lossy(), &text);
        let pipeline = flowdeck::language::load(&text, format).pipeline.unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(pipeline.description.is_some(), "{name}");
        let schema = pipeline.input_schema.as_ref().unwrap();
        for (input, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{name}: {input} has no description");
            let secret = ["token", "password", "secret"].iter().any(|word| input.contains(word));
            assert!(!secret, "{name}: {input} belongs in the environment");
        }
        for stage in &pipeline.stages {
            let works = matches!(stage.component.name(), "shell" | "http-request" | "generator");
            assert!(!works || stage.timeout.is_some() || name == "hello", "{name}: {} may take for ever", stage.id);
        }
    }
}
