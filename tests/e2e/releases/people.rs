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
