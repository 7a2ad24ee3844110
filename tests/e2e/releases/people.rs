//! Who may: real users of this system.

use serde_json::json;

use crate::gates::town::Town;

const RULES: &str = "rules = [{ name = \"release\", groups = [\"RELEASE\"], min = 1 }]";

#[test]
fn a_rollback_is_for_who_may_deploy_and_lifting_is_for_who_may_approve() {
    let deploy = super::DEPLOY.replace("ENVIRONMENT", "production");
    let Some(town) = Town::new(&deploy, RULES) else { return };
    for version in ["1.0", "2.0"] {
        let input = format!("version={version}");
        let said = town.ada.say(&town.place, &["run", "p", "-i", &input, "--detach", "--json"]);
        let id = said.json()["id"].as_str().expect("an id").to_owned();
        let gate = crate::gates::gate_of(&town.place.workspace, &id, "pending");
        town.approved(&town.ben, &gate);
        assert_eq!(town.place.workspace.wait(&id)["status"], "succeeded");
    }
    // Ada may deploy: she goes back on her own word, although she would need another one to go on.
    let said = town.ada.say(&town.place, &["rollback", "production", "--reason", "it leaks", "--json"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(town.effects(), "api 1.0\napi 2.0\napi 1.0\n");
    let audit = town.place.workspace.ok(&["audit", "list", "--action", "gate.decided", "--json"]).json();
    assert_eq!(audit["records"][0]["actor"], json!(town.ada.user));
    let Some(stranger) = crate::people::Member::of(&[]) else { return };
    let said = stranger.say(&town.place, &["rollback", "production", "--reason", "x"]);
    assert_ne!(said.code, Some(0), "{said:#?}");
    town.place.workspace.ok(&["audit", "verify"]);
    assert_eq!(town.effects().lines().count(), 3);
}

#[test]
fn a_hold_keeps_out_what_a_program_brings_and_not_what_a_person_does() {
    let deploy = super::DEPLOY.replace("ENVIRONMENT", "production");
    let Some(town) = Town::new(&deploy, RULES) else { return };
    let workspace = &town.place.workspace;
    town.settle(RULES, &format!("service_accounts = [{:?}]", town.ada.user));
    workspace.ok(&["releases", "hold", "production", "--reason", "an incident"]);
    let start = |who: &crate::people::Member, version: &str| {
        let said = who.say(&town.place, &["run", "p", "-i", &format!("version={version}"), "--detach", "--json"]);
        let id = said.json()["id"].as_str().expect("an id").to_owned();
        let gate = crate::gates::gate_of(workspace, &id, "pending");
        town.approved(&town.ben, &gate);
        id
    };
    let program = start(&town.ada, "1.0");
    let gate = crate::gates::gate_of(workspace, &program, "approved");
    assert!(gate["blockers"].to_string().contains("held by root: an incident"), "{gate:#}");
    assert_eq!(town.effects(), "", "agreed to, and held all the same");
    let person = start(&town.cleo, "1.1");
    assert_eq!(workspace.wait(&person)["status"], "succeeded");
    assert_eq!(town.effects(), "api 1.1\n");
    // What the program brings is older than what runs by now.
    workspace.ok(&["releases", "lift", "production", "--reason", "over"]);
    workspace.say(&["runs", "logs", &program, "--follow"]);
    let run = workspace.ok(&["runs", "show", &program, "--json"]).json();
    assert!(run["status"] == "failed" && run["error"]["message"].to_string().contains("outdated"), "{run:#}");
    assert_eq!(town.effects(), "api 1.1\n");
    let program = start(&town.ada, "1.2");
    assert_eq!(workspace.wait(&program)["status"], "succeeded");
}
