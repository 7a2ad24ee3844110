//! What an environment does not let in: what is older, held, in quarantine, or not ready.

use serde_json::json;

use super::{agree, agreed, asked, deploy, gate_of, settings, solo, state};
use crate::support::{Workspace, until};

#[test]
fn what_an_older_run_brings_is_outdated() {
    let workspace = solo();
    agreed(&workspace, "1.0");
    let (older, first) = asked(&workspace, "2.0");
    let (newer, second) = asked(&workspace, "3.0");
    // Agreed to both; the older one first, so that it is not pushed out of the way.
    workspace.pipeline("holder.yaml", crate::gates::HOLDER);
    workspace.fifo("up");
    workspace.fifo("go");
    let holder = workspace.detach("holder");
    agree(&workspace, &gate_of(&workspace, &holder));
    workspace.hear("up");
    agree(&workspace, &second);
    until("the older one is pushed out of the way or waits", || {
        let all = workspace.ok(&["gates", "list", "--all", "--json"]).json();
        let all = all["gates"].as_array().expect("gates").clone();
        all.iter().any(|gate| gate["id"] == first["id"] && gate["status"] == "superseded")
    });
    workspace.release("go");
    assert_eq!(workspace.wait(&newer)["status"], "succeeded");
    workspace.say(&["runs", "logs", &older, "--follow"]);
    assert_eq!(workspace.ok(&["runs", "show", &older, "--json"]).json()["status"], "failed");
    assert_eq!((state(&workspace, "production").0, workspace.read("effects")), (json!("3.0"), "api 1.0\napi 3.0\n".to_owned()));
}

#[test]
fn a_run_that_was_begun_before_the_live_one_fails_as_outdated() {
    let workspace = Workspace::with(
        "slow.yaml",
        r#"
id: slow
stages:
  - {id: wait, type: shell, config: {run: 'echo up > up; read line < go'}}
  - {id: ship, type: deploy, depends_on: [wait], environment: staging, config: {service: api, version: old, run: 'echo old >> effects'}}
"#,
    );
    workspace.pipeline("p.yaml", &super::DEPLOY.replace("ENVIRONMENT", "staging"));
    settings(&workspace, "[environments.staging]\n");
    workspace.fifo("up");
    workspace.fifo("go");
    let slow = workspace.detach("slow");
    workspace.hear("up");
    assert_eq!(deploy(&workspace, "new"), Some(0));
    workspace.release("go");
    workspace.say(&["runs", "logs", &slow, "--follow"]);
    let run = workspace.ok(&["runs", "show", &slow, "--json"]).json();
    let error = run["stages"]["ship"]["error"].to_string();
    assert!(run["status"] == "failed" && error.contains("outdated"), "{run:#}");
    assert_eq!((state(&workspace, "staging").0, workspace.read("effects")), (json!("new"), "api new\n".to_owned()));
}

#[test]
fn what_is_in_quarantine_waits_at_its_gate_until_that_is_lifted() {
    let workspace = solo();
    agreed(&workspace, "1.0");
    let digest = "api@2.0";
    workspace.ok(&["releases", "quarantine", "production", "--artifact", digest, "--reason", "a hole"]);
    let (id, gate) = asked(&workspace, "2.0");
    assert!(gate["blockers"].to_string().contains("is in quarantine by root: a hole"), "{gate:#}");
    agree(&workspace, &gate);
    let said = workspace.ok(&["gates", "show", gate["id"].as_str().expect("an id"), "--json"]).json();
    assert_eq!((&said["status"], workspace.read("effects")), (&json!("approved"), "api 1.0\n".to_owned()));
    assert_eq!(workspace.say(&["releases", "lift", "production", "--artifact", "another", "--reason", "x"]).code, Some(3));
    workspace.ok(&["releases", "lift", "production", "--artifact", digest, "--reason", "mended"]);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(state(&workspace, "production").0, "2.0");
}

const CHAIN: &str = r#"
id: p
input_schema: {type: object, properties: {version: {type: string}}}
stages:
  - {id: ship, type: deploy, config: {service: api, version: "{{input.version}}", run: 'echo $FLOWDECK_ENVIRONMENT $FLOWDECK_VERSION >> effects'}}
"#;

#[test]
fn a_release_goes_on_only_from_where_it_was_tested_and_well() {
    let workspace = Workspace::with("p.yaml", CHAIN);
    settings(&workspace, &format!("[environments.staging]\ntier = 1\n{}promote_from = \"staging\"\ntier = 2\n", super::SOLO));
    let said = workspace.say(&["releases", "promote", "production"]);
    assert!(said.code == Some(3) && said.err.contains("nothing of that name is live in staging"), "{said:#?}");
    workspace.ok(&["run", "p", "-i", "version=1.0", "--env", "staging", "--json"]);
    let said = workspace.say(&["releases", "promote", "production", "--check"]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.out.contains("not smoke-tested in staging") && said.out.contains("not healthy in staging"), "{said:#?}");
    let said = workspace.say(&["releases", "promote", "production"]);
    assert!(said.code == Some(3) && said.err.contains("not smoke-tested"), "{said:#?}");
    // Whoever starts it by hand waits at the gate for the same reasons.
    let said = workspace.ok(&["run", "p", "-i", "version=1.0", "--env", "production", "--detach", "--json"]).json();
    let gate = gate_of(&workspace, said["id"].as_str().expect("an id"));
    assert!(gate["blockers"].to_string().contains("not ready to be promoted"), "{gate:#}");
    agree(&workspace, &gate);
    let said = workspace.ok(&["gates", "show", gate["id"].as_str().expect("an id"), "--json"]).json();
    assert_eq!(said["status"], "approved", "nothing starts although it was agreed to");
    assert_eq!(workspace.read("effects"), "staging 1.0\n");
}

#[test]
fn what_was_agreed_to_while_it_still_bakes_starts_once_it_has() {
    let address = crate::server::serving(|_| (200, "application/json", "{}".to_owned()));
    let text = r#"
id: p
stages:
  - {id: first, type: deploy, environment: staging, config: {service: api, version: "1.0", run: 'echo first >> effects'}}
  - {id: smoke, type: smoke-test, environment: staging, depends_on: [first], config: {url: ADDRESS, endpoints: [/]}}
  - {id: well, type: health-check, environment: staging, depends_on: [first], config: {urls: [ADDRESS]}}
  - {id: then, type: deploy, environment: production, depends_on: [smoke, well], config: {service: api, version: "1.0", run: 'echo then >> effects'}}
"#;
    let workspace = Workspace::with("p.yaml", &text.replace("ADDRESS", &address));
    settings(&workspace, &format!("[environments.staging]\nbake = \"2s\"\n{}promote_from = \"staging\"\n", super::SOLO));
    let id = workspace.detach("p");
    let gate = gate_of(&workspace, &id);
    assert!(gate["blockers"].to_string().contains("must stay healthy in staging"), "{gate:#}");
    agree(&workspace, &gate);
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    assert_eq!(workspace.read("effects"), "first\nthen\n");
}

#[test]
fn breaking_the_glass_bypasses_named_guards_on_record_and_only_where_it_is_allowed() {
    let workspace = solo();
    agreed(&workspace, "1.0");
    let (id, gate) = asked(&workspace, "2.0");
    let text = |key: &str| gate[key].as_str().expect("a text").to_owned();
    let (name, digest) = (text("id"), text("digest"));
    let breaking = |digest: &str, guard: &str, confirm: &str| {
        let args =
            ["gates", "break-glass", &name, "--digest", digest, "--guard", guard, "--reason", "it burns", "--incident", "I-1"];
        workspace.say(&[&args[..], &["--confirm", confirm]].concat())
    };
    let said = breaking(&digest, "quorum", "production");
    assert!(said.code == Some(3) && said.err.contains("allows no breaking of the glass"), "{said:#?}");
    let user = std::process::Command::new("id").arg("-un").output().expect("id");
    let user = String::from_utf8(user.stdout).expect("text").trim().to_owned();
    let access = format!("[access.roles]\nadmin = {{ users = [{user:?}] }}\n");
    settings(&workspace, &format!("{access}{}break_glass = true\n", super::SOLO));
    // The policy is another one: the request is renewed.
    let gate = {
        let mut now = json!(null);
        let before = gate["digest"].clone();
        workspace.say(&["gates", "approve", &name, "--digest", &digest[..12], "--reason", "x"]);
        until("the request is renewed", || {
            now = workspace.ok(&["gates", "show", &name, "--json"]).json();
            now["digest"] != before
        });
        now
    };
    let digest = gate["digest"].as_str().expect("a digest").to_owned();
    let said = breaking(&digest, "quorum", "production");
    assert!(said.code == Some(3) && said.err.contains("break_glass"), "an admin may not by that alone: {said:#?}");
    settings(&workspace, &format!("{access}break_glass = {{ users = [{user:?}] }}\n{}break_glass = true\n", super::SOLO));
    assert_eq!(breaking(&digest, "quorum", "staging").code, Some(2), "the environment is named once more");
    let said = breaking(&digest[..12], "quorum", "production");
    assert!(said.code == Some(3) && said.err.contains("not the subject"), "{said:#?}");
    assert_eq!(workspace.read("effects"), "api 1.0\n");
    let said = breaking(&digest, "quorum", "production");
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(workspace.wait(&id)["status"], "succeeded");
    let records = workspace.ok(&["audit", "list", "--action", "glass.broken", "--json"]).json();
    let body = &records["records"][0]["body"];
    assert_eq!((&body["guards"], &body["incident"]), (&json!(["quorum"]), &json!("I-1")));
    let records = workspace.ok(&["audit", "list", "--action", "gate.started", "--json"]).json();
    assert_eq!(records["records"][0]["body"]["bypassed"], json!(["quorum"]));
    // Everybody is told until somebody has looked at it, over any restart.
    let glass = || super::view(&workspace, "production")["glass"].clone();
    assert_eq!(glass()[0]["incident"], "I-1");
    crate::support::kill(workspace.engine_pid());
    assert_eq!(glass()[0]["gate"], gate["id"]);
    assert_eq!(workspace.say(&["gates", "review", "another", "--reason", "x"]).code, Some(2));
    assert_eq!(workspace.say(&["gates", "review", &name, "--reason", " "]).code, Some(3));
    workspace.ok(&["gates", "review", &name, "--reason", "it was right"]);
    assert_eq!(glass(), json!(null));
    let said = workspace.say(&["gates", "review", &name, "--reason", "again"]);
    assert!(said.code == Some(3) && said.err.contains("reviewed already"), "{said:#?}");
    workspace.ok(&["audit", "verify"]);
}
