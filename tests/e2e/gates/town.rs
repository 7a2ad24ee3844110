//! A workspace of several people: one who starts runs, two who decide, and the engine's own user.

use crate::people::{Group, Member, Place};
use crate::support::Said;
use serde_json::Value;

use super::{HOLDER, decision, gate_of};

/// Everybody may start and everybody but the engine's user may decide; what they decide counts by the rules alone.
pub struct Town {
    pub place: Place,
    pub ada: Member,
    pub ben: Member,
    pub cleo: Member,
    /// Ben's and Cleo's group.
    pub release: Group,
    /// Ben's.
    pub security: Group,
    // Last: a group goes when its members are gone.
    everybody: Group,
}

impl Town {
    /// With the rules of production, in which `RELEASE` and `SECURITY` are the groups.
    pub fn new(pipeline: &str, rules: &str) -> Option<Self> {
        let (everybody, release, security) = (Group::new()?, Group::new()?, Group::new()?);
        let town = Self {
            place: Place::new(pipeline, ""),
            ada: Member::of(&[&everybody, &release])?,
            ben: Member::of(&[&everybody, &release, &security])?,
            cleo: Member::of(&[&everybody, &release])?,
            everybody,
            release,
            security,
        };
        town.rules(rules);
        let workspace = &town.place.workspace;
        workspace.pipeline("holder.yaml", HOLDER);
        workspace.fifo("up");
        workspace.fifo("go");
        workspace.ok(&["engine", "start"]);
        Some(town)
    }

    /// Other rules from now on.
    pub fn rules(&self, rules: &str) {
        self.settle(rules, "");
    }

    /// Other rules, and more lines of `[access]`.
    pub fn settle(&self, rules: &str, access: &str) {
        let Group(everybody) = &self.everybody;
        let rules = rules.replace("RELEASE", &self.release.0).replace("SECURITY", &self.security.0);
        self.place.settings(&format!(
            "[engine]\ngroup = {everybody:?}\n[access]\n{access}\n[access.roles]\ndeployer = {{ groups = [{everybody:?}] }}\n\
             approver = {{ groups = [{everybody:?}] }}\nadmin = {{ users = [\"root\"] }}\n\
             [environments.production]\nprotected = true\n{rules}\n"
        ));
    }

    /// Starts a run as somebody; gives its name and the request.
    pub fn waiting(&self, who: &Member, pipeline: &str) -> (String, Value) {
        let said = who.say(&self.place, &["run", pipeline, "--detach", "--json"]);
        assert_eq!(said.code, Some(0), "{said:#?}");
        let id = said.json()["id"].as_str().expect("an id").to_owned();
        let gate = gate_of(&self.place.workspace, &id, "pending");
        (id, gate)
    }

    pub fn approve(&self, who: &Member, gate: &Value) -> Said {
        who.say(&self.place, &decision("approve", gate))
    }

    /// Somebody's yes that has to count.
    pub fn approved(&self, who: &Member, gate: &Value) {
        let said = self.approve(who, gate);
        assert_eq!(said.code, Some(0), "{said:#?}");
    }

    pub fn effects(&self) -> String {
        self.place.workspace.read("effects")
    }
}
