//! The documents in `corpus/` hold the stages of the guide that the language comes from, word for word, each in the
//! smallest pipeline around it. They load, and do what the guide says they do.

use std::sync::mpsc;

use serde_json::{Value, json};

use super::server::Server;
use crate::support::{Said, Workspace};

/// A document as it is, or with one text replaced: its host by one on this machine, its waits by shorter ones.
fn document(name: &str, replaced: Option<(&str, &str)>) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/seeds/corpus").join(name);
    let text = std::fs::read_to_string(path).expect("a document");
    match replaced {
        None => text,
        Some((from, to)) => {
            assert!(text.contains(from), "{name} has no {from}");
            text.replace(from, to)
        }
    }
}

fn run(workspace: &Workspace, text: &str, inputs: &Value) -> Said {
    workspace.pipeline("p.json", text);
    std::fs::write(workspace.file("inputs.json"), inputs.to_string()).expect("inputs");
    workspace.say(&["run", "p", "--inputs", "inputs.json", "--json"])
}

#[test]
fn every_document_is_valid_and_all_but_one_have_nothing_to_warn_about() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/seeds/corpus");
    let workspace = Workspace::new();
    let mut warned = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        workspace.ok(&["validate", path.to_str().unwrap()]);
        if workspace.say(&["validate", "--strict", path.to_str().unwrap()]).code != Some(0) {
            warned.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    // The guide forgets the dependency; the stage waits for what it reads all the same.
    assert_eq!(warned, ["create-if-missing.json"]);
}

#[test]
fn a_workflow_of_another_system_is_triggered() {
    let forge = Server::new(|request| if request.path.contains("nothere") { (404, json!({})) } else { (204, json!(null)) });
    let text = document("trigger-github-workflow.json", Some(("https://api.github.com", &forge.url)));
    let inputs = |workflow: &str| json!({"owner": "acme", "repo": "shop", "workflow_id": workflow, "github_token": "t0k", "branch": "main", "environment": "staging"});
    let workspace = Workspace::new();
    let good = run(&workspace, &text, &inputs("ci.yml"));
    assert_eq!((good.code, &good.json()["output"]["status_code"]), (Some(0), &json!(204)));
    let line = "POST /repos/acme/shop/actions/workflows/ci.yml/dispatches";
    assert_eq!(forge.bodies(line), [json!({"ref": "main", "inputs": {"environment": "staging"}})]);
    assert_eq!(forge.headers(line, "authorization"), ["Bearer t0k"]);
    assert_eq!(forge.headers(line, "accept"), ["application/vnd.github.v3+json"]);
    let missing = run(&workspace, &text, &inputs("nothere.yml")).json();
    assert_eq!(
        (&missing["status"], &missing["output"]["success"]),
        (&json!("succeeded"), &json!(false)),
        "an answer is an answer"
    );
}

#[test]
fn polling_goes_on_until_the_answer_is_good_or_its_attempts_are_used_up() {
    let mut looks = 0;
    let deployment = Server::new(move |_| {
        looks += 1;
        if looks == 1 { (503, json!({})) } else { (200, json!({"state": "done"})) }
    });
    let workspace = Workspace::new();
    let done = run(&workspace, &document("poll-deployment.json", None), &json!({"deployment_url": deployment.url})).json();
    assert_eq!(done["output"]["body"]["state"], "done", "{done:#}");
    let attempts = &done["stages"]["poll-deployment"]["attempts"];
    let at = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let waited = at(&attempts[1]["started_at"]) - at(&attempts[0]["finished_at"]);
    assert!(waited >= 5000, "`retry_delay: 5000` is milliseconds, and {waited} went by");

    let never = Server::new(|_| (404, json!({})));
    let text = document("poll-deployment.json", Some(("5000", "5")));
    let failed = run(&workspace, &text, &json!({"deployment_url": never.url})).json();
    assert_eq!(failed["error"]["type"], "RETRY_EXHAUSTED", "{failed:#}");
    assert_eq!(never.headers("GET /status", "host").len(), 11);
}

#[test]
fn a_header_gets_its_secret_from_the_environment() {
    let server = Server::new(|_| (200, json!({})));
    let workspace = Workspace::with("p.json", &document("secret-header.json", None));
    let url = format!("url={}/private", server.url);
    let mut command = workspace.command(&["run", "p", "-i", &url, "--json"]);
    command.env("GITHUB_TOKEN", "ghp_0123456789").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let said = crate::support::finish(command.spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(server.headers("GET /private", "authorization"), ["Bearer ghp_0123456789"]);
    assert!(!said.out.contains("ghp_0123456789"));
    let mut command = workspace.command(&["run", "p", "-i", &url, "--json"]);
    command.env_remove("GITHUB_TOKEN").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let without = crate::support::finish(command.spawn().unwrap());
    assert_ne!(without.code, Some(0));
    assert!(without.err.contains("GITHUB_TOKEN") || without.out.contains("GITHUB_TOKEN"), "{without:#?}");
    assert_eq!(server.headers("GET /private", "host").len(), 1, "nothing is sent without it");
}

#[test]
fn what_is_missing_is_created_and_what_is_there_is_left_alone() {
    let mut there = false;
    let store = Server::new(move |request| {
        there |= request.method == "PUT";
        (if there { 200 } else { 404 }, json!({}))
    });
    let (workspace, text) = (Workspace::new(), document("create-if-missing.json", None));
    let inputs = json!({"resource_url": format!("{}/thing", store.url)});
    let first = run(&workspace, &text, &inputs).json();
    assert_eq!(first["stages"]["create-if-missing"]["output"]["branch_taken"], "true", "{first:#}");
    let second = run(&workspace, &text, &inputs).json();
    assert_eq!(second["stages"]["create-resource"]["status"], "skipped");
    assert_eq!(second["stages"]["skip-creation"]["status"], "succeeded");
    assert_eq!(store.changes(), ["PUT /thing"], "twice is once");
}

#[test]
fn the_two_timeouts_are_milliseconds_of_a_request_and_seconds_of_a_stage() {
    let prompt = Server::new(|_| (200, json!({})));
    let workspace = Workspace::new();
    assert_eq!(run(&workspace, &document("timeouts.json", None), &json!({"url": prompt.url})).code, Some(0));
    let (open, gate) = mpsc::channel::<()>();
    let silent = Server::new(move |_| {
        // Until the test is over.
        let _ = gate.recv();
        (200, json!({}))
    });
    for (from, to) in [("30000", "400"), ("\"timeout\": 60", "\"timeout\": 1")] {
        let failed = run(&workspace, &document("timeouts.json", Some((from, to))), &json!({"url": silent.url})).json();
        assert_eq!(failed["error"]["type"], "TIMEOUT", "{to}: {failed:#}");
    }
    drop(open);
}

#[test]
fn a_deployment_falls_back_tells_the_team_and_logs_in_any_case() {
    let inputs = |server: &Server| json!({"url": server.url});
    let (workspace, text) = (Workspace::new(), document("deploy-with-fallback.json", None));
    let well = Server::new(|_| (200, json!({})));
    assert_eq!(run(&workspace, &text, &inputs(&well)).code, Some(0));
    assert_eq!(well.changes(), ["POST /primary", "POST /log"]);
    let ill = Server::new(|request| (if request.path == "/primary" { 500 } else { 200 }, json!({})));
    let run_ill = run(&workspace, &text, &inputs(&ill));
    assert_eq!(run_ill.code, Some(0), "{run_ill:#?}");
    assert_eq!(run_ill.json()["stages"]["deploy-with-fallback"]["output"]["status"], "recovered");
    assert_eq!(ill.changes(), ["POST /primary", "POST /fallback", "POST /notify", "POST /log"]);
    assert!(ill.bodies("POST /notify")[0]["text"].as_str().unwrap().contains("500"));
    let worst = Server::new(|request| (if request.path == "/log" { 200 } else { 500 }, json!({})));
    assert_eq!(run(&workspace, &text, &inputs(&worst)).code, Some(1));
    assert_eq!(worst.changes(), ["POST /primary", "POST /fallback", "POST /log"]);
}

#[test]
fn a_decision_is_logged_with_its_data() {
    let (workspace, text) = (Workspace::new(), document("log-deployment-start.json", None));
    let said = run(&workspace, &text, &json!({"environment": "staging", "version": "v1.2.3", "deployer": "dana"})).json();
    let logged = &said["output"]["passthrough"];
    assert_eq!((&logged["version"], &logged["deployer"]), (&json!("v1.2.3"), &json!("dana")));
    assert!(logged["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let log = workspace.ok(&["runs", "logs", "last", "log-deployment-start"]).out;
    assert!(log.contains("Starting deployment to staging"), "{log}");
}

#[test]
fn a_request_is_let_in_or_refused_with_what_is_wrong() {
    let (workspace, text) = (Workspace::new(), document("validate-config.json", None));
    let good = run(&workspace, &text, &json!({"environment": "staging", "version": "v1.2.3", "approver": "dana"})).json();
    assert_eq!(good["output"]["valid"], true, "{good:#}");
    for (inputs, wrong) in [
        (json!({"environment": "staging", "version": "v1.2.3"}), "approver"),
        (json!({"environment": "moon", "version": "v1.2.3", "approver": "dana"}), "environment"),
        (json!({"environment": "staging", "version": "1.2", "approver": "dana"}), "version"),
    ] {
        let said = run(&workspace, &text, &inputs);
        assert_eq!(said.code, Some(1), "{said:#?}");
        let error = &said.json()["error"];
        assert_eq!(error["type"], "VALIDATION");
        assert!(error.to_string().contains(wrong), "{error}");
    }
}

#[test]
fn the_first_diagram_builds_tests_deploys_verifies_and_rolls_back() {
    let (workspace, text) = (Workspace::new(), document("build-test-deploy-verify.json", None));
    for (failing, code, done) in
        [("", 0, "build test deploy verify"), ("/test", 1, "build test"), ("/verify", 1, "build test deploy verify rollback")]
    {
        let server = Server::new(move |request| (if request.path == failing { 500 } else { 200 }, json!({})));
        assert_eq!(run(&workspace, &text, &json!({"url": server.url})).code, Some(code));
        assert_eq!(server.changes().join(" ").replace("POST /", ""), done);
    }
}
