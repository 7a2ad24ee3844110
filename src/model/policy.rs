//! Everything of a workspace that decides who may do what, and when: one value, compared and pinned by its hash.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::digest::{canonical, sha256_hex};
use super::{Access, Environment};

/// The format of the hashed document; it grows when the same document comes to mean something else.
const FORMAT: u32 = 1;

/// `[access]` and `[environments]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// `None`: the engine's own user is admin and nobody else has access.
    pub access: Option<Access>,
    /// Login names of programs; what they decide never counts towards a quorum.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub service_accounts: BTreeSet<String>,
    pub environments: BTreeMap<String, Environment>,
    /// Secrets that only stages read which act in one of these environments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bound_secrets: BTreeMap<String, BTreeSet<String>>,
}

impl Policy {
    /// `sha256:` and lower-case hex over the canonical JSON of everything that decides. Comments, spelling and the order of
    /// names in the file do not change it.
    pub fn hash(&self) -> String {
        let mut access = json!(self.access);
        if let Some(grants) = access.pointer_mut("/grants").and_then(|grants| grants.as_array_mut()) {
            grants.sort_by_key(canonical);
        }
        let mut document = json!({
            "format": FORMAT,
            "access": access,
            "service_accounts": self.service_accounts,
            "environments": self.environments,
        });
        // A policy without any has the hash that it had before there were such.
        if !self.bound_secrets.is_empty() {
            document["bound_secrets"] = json!(self.bound_secrets);
        }
        format!("sha256:{}", sha256_hex(canonical(&document).as_bytes()))
    }

    /// An environment as it is described, or an open one. Without `[access]` one person is everybody: nobody else could
    /// agree to what is not even protected, so there they may do it themselves.
    pub fn environment(&self, name: &str) -> Environment {
        let described = self.environments.get(name).cloned().unwrap_or_else(|| Environment::open(name));
        let separation = described.separation && (described.protected || self.access.is_some());
        Environment { separation, ..described }
    }

    /// The names of the protected environments.
    pub fn protected(&self) -> impl Iterator<Item = &str> {
        self.environments.values().filter(|environment| environment.protected).map(|environment| environment.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Policy;
    use crate::model::{Access, Environment, Grant, People, Role};

    fn grant(role: Role, user: &str) -> Grant {
        let people = People { users: BTreeSet::from([user.to_owned()]), ..People::default() };
        Grant { role, people, environments: None }
    }

    fn policy(grants: Vec<Grant>) -> Policy {
        let production = Environment { protected: true, ..Environment::open("production") };
        Policy {
            access: Some(Access { grants }),
            environments: [("production".to_owned(), production)].into(),
            ..Policy::default()
        }
    }

    #[test]
    fn the_hash_follows_what_decides_and_not_the_order_it_is_written_in() {
        let (ann, bob) = (grant(Role::Viewer, "ann"), grant(Role::Approver, "bob"));
        let one = policy(vec![ann.clone(), bob.clone()]);
        assert_eq!(one.hash(), policy(vec![bob.clone(), ann.clone()]).hash());
        assert!(one.hash().starts_with("sha256:") && one.hash().len() == 71);
        assert_ne!(one.hash(), policy(vec![bob.clone()]).hash());
        assert_ne!(one.hash(), policy(vec![grant(Role::Operator, "ann"), bob]).hash());
        let mut programs = one.clone();
        programs.service_accounts.insert("ann".to_owned());
        assert_ne!(one.hash(), programs.hash());
        let mut open = one.clone();
        open.environments.get_mut("production").unwrap().protected = false;
        assert_ne!(one.hash(), open.hash());
        assert_ne!(Policy::default().hash(), Policy { access: Some(Access::default()), ..Policy::default() }.hash());
    }

    #[test]
    fn an_environment_that_is_not_described_is_open() {
        let policy = policy(Vec::new());
        assert!(policy.environment("production").protected);
        assert!(!policy.environment("development").protected);
        assert_eq!(policy.protected().collect::<Vec<_>>(), ["production"]);
    }
}
